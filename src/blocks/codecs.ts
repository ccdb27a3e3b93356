/**
 * How a column becomes octets and back, by the codec's number on disk (docs/storage-format.md). Every codec is pure;
 * compression comes after.
 */
import { ApplianceError } from '../errors.js'
import type { ColumnDefinition } from '../records/columns.js'
import { makePlanes, type Plane } from './builder.js'

export const Codec = { constant: 0, planes: 1, offsets: 2, strings: 3, addresses: 4 } as const

export type EncodedPiece = { codec: number; raw: Uint8Array }

/** Encodes the first `rows` values of a column. `rows` is at least 1. */
export function encodeColumn(
  definition: ColumnDefinition,
  planes: readonly Plane[],
  rows: number,
): EncodedPiece {
  if (planes.every((plane) => isConstant(plane, rows))) {
    const views = planes.map((plane) => octetsOf(plane, 1))
    return { codec: Codec.constant, raw: Buffer.concat(views) }
  }
  if (definition.type === 'f64') {
    const offsets = encodeOffsets(planes[0] as Float64Array, rows)
    if (offsets !== undefined) return { codec: Codec.offsets, raw: offsets }
  }
  const kept = definition.type === 'u64' && isZero(planes[1]!, rows) ? planes.slice(0, 1) : planes
  const raw = new Uint8Array(kept.reduce((sum, plane) => sum + plane.BYTES_PER_ELEMENT * rows, 0))
  let offset = 0
  for (const plane of kept) {
    transpose(octetsOf(plane, rows), plane.BYTES_PER_ELEMENT, rows, raw, offset)
    offset += plane.BYTES_PER_ELEMENT * rows
  }
  return { codec: Codec.planes, raw }
}

export function decodeColumn(
  definition: ColumnDefinition,
  family: 0 | 4 | 6,
  codec: number,
  raw: Uint8Array,
  rows: number,
): Plane[] {
  const planes = makePlanes(definition, family, rows)
  if (codec === Codec.constant) {
    requireLength(
      raw,
      planes.reduce((sum, plane) => sum + plane.BYTES_PER_ELEMENT, 0),
    )
    let offset = 0
    for (const plane of planes) {
      octetsOf(plane, 1).set(raw.subarray(offset, offset + plane.BYTES_PER_ELEMENT))
      plane.fill(plane[0]!)
      offset += plane.BYTES_PER_ELEMENT
    }
    return planes
  }
  if (codec === Codec.offsets && definition.type === 'f64') {
    requireLength(raw, 8 + 4 * rows)
    decodeOffsets(raw, rows, planes[0] as Float64Array)
    return planes
  }
  if (codec !== Codec.planes) {
    throw new ApplianceError('BLOCK_DAMAGED', `column ${definition.name} has unknown codec ${codec}`)
  }
  let offset = 0
  for (const plane of planes) {
    if (offset === raw.length && plane !== planes[0] && definition.type === 'u64') continue
    const length = plane.BYTES_PER_ELEMENT * rows
    requireLength(raw, length, offset)
    untranspose(raw, offset, plane.BYTES_PER_ELEMENT, rows, octetsOf(plane, rows))
    offset += length
  }
  return planes
}

/** Encodes strings from index 1 on. */
export function encodeStrings(strings: readonly string[]): EncodedPiece {
  const parts: Uint8Array[] = []
  for (let index = 1; index < strings.length; index++) {
    const text = Buffer.from(strings[index]!, 'utf8')
    parts.push(leb128(text.length), text)
  }
  return { codec: Codec.strings, raw: Buffer.concat(parts) }
}

export function decodeStrings(raw: Uint8Array): string[] {
  const octets = Buffer.from(raw.buffer, raw.byteOffset, raw.length)
  const strings = ['']
  let offset = 0
  while (offset < octets.length) {
    let length = 0
    let shift = 0
    for (;;) {
      const octet = octets[offset++]
      if (octet === undefined || shift > 28)
        throw new ApplianceError('BLOCK_DAMAGED', 'a string dictionary is cut short')
      length += (octet & 0x7f) * 2 ** shift
      if (octet < 0x80) break
      shift += 7
    }
    if (offset + length > octets.length)
      throw new ApplianceError('BLOCK_DAMAGED', 'a string dictionary is cut short')
    strings.push(octets.toString('utf8', offset, offset + length))
    offset += length
  }
  return strings
}

/** Encodes the words of addresses 1 to `size`. */
export function encodeAddresses(words: Uint32Array, size: number): EncodedPiece {
  return { codec: Codec.addresses, raw: octetsOf(words.subarray(4, 4 * (size + 1)), 4 * size) }
}

export function decodeAddresses(raw: Uint8Array): Uint32Array {
  const words = new Uint32Array(4 + raw.length / 4)
  octetsOf(words.subarray(4), raw.length / 4).set(raw)
  return words
}

function octetsOf(plane: Plane, elements: number): Uint8Array {
  return new Uint8Array(plane.buffer, plane.byteOffset, plane.BYTES_PER_ELEMENT * elements)
}

function isConstant(plane: Plane, rows: number): boolean {
  const first = plane[0]!
  for (let row = 1; row < rows; row++) if (plane[row] !== first) return false
  return true
}

function isZero(plane: Plane, rows: number): boolean {
  for (let row = 0; row < rows; row++) if (plane[row] !== 0) return false
  return true
}

function transpose(from: Uint8Array, width: number, rows: number, to: Uint8Array, offset: number): void {
  for (let octet = 0; octet < width; octet++) {
    let target = offset + octet * rows
    for (let source = octet, row = 0; row < rows; row++, source += width) to[target++] = from[source]!
  }
}

function untranspose(from: Uint8Array, offset: number, width: number, rows: number, to: Uint8Array): void {
  for (let octet = 0; octet < width; octet++) {
    let source = offset + octet * rows
    for (let target = octet, row = 0; row < rows; row++, target += width) to[target] = from[source++]!
  }
}

const LARGEST_OFFSET = 0xfffffffe

function encodeOffsets(values: Float64Array, rows: number): Uint8Array | undefined {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (let row = 0; row < rows; row++) {
    const value = values[row]!
    if (value === 0) continue
    if (!Number.isInteger(value)) return undefined
    if (value < least) least = value
    if (value > most) most = value
  }
  if (most - least > LARGEST_OFFSET || !Number.isSafeInteger(least) || !Number.isSafeInteger(most))
    return undefined
  const offsets = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) offsets[row] = values[row] === 0 ? 0 : values[row]! - least + 1
  const raw = new Uint8Array(8 + 4 * rows)
  new DataView(raw.buffer).setFloat64(0, least, true)
  transpose(octetsOf(offsets, rows), 4, rows, raw, 8)
  return raw
}

function decodeOffsets(raw: Uint8Array, rows: number, values: Float64Array): void {
  const least = new DataView(raw.buffer, raw.byteOffset, 8).getFloat64(0, true)
  const offsets = new Uint32Array(rows)
  untranspose(raw, 8, 4, rows, octetsOf(offsets, rows))
  for (let row = 0; row < rows; row++) values[row] = offsets[row] === 0 ? 0 : least + offsets[row]! - 1
}

function leb128(value: number): Uint8Array {
  const octets: number[] = []
  let rest = value
  while (rest >= 0x80) {
    octets.push((rest & 0x7f) | 0x80)
    rest = Math.floor(rest / 128)
  }
  octets.push(rest)
  return Uint8Array.from(octets)
}

function requireLength(raw: Uint8Array, length: number, offset = 0): void {
  if (raw.length < offset + length) {
    throw new ApplianceError(
      'BLOCK_DAMAGED',
      `a piece holds ${raw.length} octets where ${offset + length} are needed`,
    )
  }
}
