/**
 * How a column becomes octets and back, by the codec's number on disk (docs/storage-format.md). Every codec is pure but
 * for its scratch arrays, which the next call uses again.
 */

import { ApplianceError } from '../errors.js'
import type { ColumnDefinition } from '../records/columns.js'
import type { ArrayRoom } from './array-room.js'
import { makePlanes, type Plane } from './builder.js'
import { encodePlanes, encodeWords, HALF_NOISE_BITS, type WholeNumbers } from './byte-planes.js'
import { decodeTransposed, decodeTransposedOffsets } from './codecs-version1.js'
import { Leb128Reader } from './leb128.js'
import type { OctetWriter } from './octet-writer.js'
import { octetsOf, requireLength } from './octets.js'
import { decodePlaces, decodePlanes } from './plane-section.js'
import { type DoubleRange, differences, offsets } from './simd/lanes.js'

export const Codec = {
  constant: 0,
  transposed: 1,
  transposedOffsets: 2,
  strings: 3,
  addresses: 4,
  bytePlanes: 5,
  offsets: 6,
  after: 7,
} as const

/** Offsets are one more, since 0 stands for a value of 0. */
const LARGEST_OFFSET = 0xfffffffe

/** What a column of times is told by: its own range, and the column of the starts where it holds ends. */
export type DoubleContext = { readonly range: DoubleRange; readonly starts?: Float64Array }

/**
 * Writes the first `rows` values of a column, at least 1, and returns the codec. `doubles` goes with columns of type
 * f64.
 */
export function encodeColumn(
  writer: OctetWriter,
  definition: ColumnDefinition,
  planes: readonly Plane[],
  rows: number,
  doubles?: DoubleContext,
): number {
  if (definition.type === 'f64') return encodeDoubles(writer, planes[0] as Float64Array, rows, doubles!)
  // Addresses are read by most questions and by the detectors: there time counts for more than room.
  const noiseBits = definition.type === 'address' ? HALF_NOISE_BITS : undefined
  if (encodePlanes(writer, planes as readonly WholeNumbers[], rows, noiseBits)) return Codec.bytePlanes
  for (const plane of planes) writer.append(octetsOf(plane, 1))
  return Codec.constant
}

function encodeDoubles(
  writer: OctetWriter,
  values: Float64Array,
  rows: number,
  { range, starts }: DoubleContext,
): number {
  if (isConstant(range)) {
    writer.append(octetsOf(values, 1))
    return Codec.constant
  }
  if (starts !== undefined && differences(values, starts, rows)) {
    encodeWords(writer, rows)
    return Codec.after
  }
  const { least, most } = range
  const isExact = Number.isSafeInteger(least) && Number.isSafeInteger(most)
  if (isExact && most - least <= LARGEST_OFFSET && offsets(values, rows, least - 1)) {
    writer.f64(least)
    encodeWords(writer, rows)
    return Codec.offsets
  }
  if (encodePlanes(writer, halves(values, rows), rows)) return Codec.bytePlanes
  writer.append(octetsOf(values, 1))
  return Codec.constant
}

function isConstant({ least, most, hasZeros, hasNaNs }: DoubleRange): boolean {
  if (hasNaNs) return false
  return Number.isNaN(least) || (least === most && !hasZeros)
}

/** The low words of all values and the high ones. */
function halves(values: Float64Array, rows: number): readonly [Uint32Array, Uint32Array] {
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * rows)
  const low = new Uint32Array(rows)
  const high = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) {
    low[row] = words[2 * row]!
    high[row] = words[2 * row + 1]!
  }
  return [low, high]
}

/** A column's piece, decompressed where it was compressed as a whole. */
export type StoredColumn = {
  readonly definition: ColumnDefinition
  readonly family: 0 | 4 | 6
  readonly codec: number
  readonly raw: Uint8Array
  readonly rows: number
  /** Where the arrays come from; absent: they are new. */
  readonly room?: ArrayRoom | undefined
}

/**
 * The arrays of a column, of all rows or of those at the places alone. `starts` gives the column that codec `after` counts
 * from, of as many rows.
 */
export function decodeColumn(
  stored: StoredColumn,
  starts?: () => Float64Array,
  places?: Uint32Array,
): readonly Plane[] {
  const { definition, family, codec, raw, rows, room } = stored
  const isWhole = codec === Codec.transposed || codec === Codec.transposedOffsets
  // Pieces of version 1 have no parts to choose from.
  if (places !== undefined && isWhole) return valuesAt(decodeColumn(stored, starts), places)
  // Pieces of version 1 are added to zeros.
  const planes = makePlanes(definition, family, places?.length ?? rows, isWhole ? undefined : room)
  const fill: FillPlanes = (section, arrays, areZeros) =>
    places === undefined
      ? decodePlanes(section, arrays, rows, areZeros)
      : decodePlaces(section, arrays, rows, places)
  switch (codec) {
    case Codec.constant:
      fillConstant(raw, planes)
      return planes
    case Codec.transposed:
      decodeTransposed(definition, raw, planes, rows)
      return planes
    case Codec.bytePlanes:
      if (definition.type === 'f64') decodeDoubleWords(raw, planes[0] as Float64Array, fill)
      else fill(raw, planes as WholeNumbers[], room === undefined)
      return planes
    default:
      if (definition.type !== 'f64') break
      decodeDoubles(codec, raw, planes[0] as Float64Array, fill, starts)
      return planes
  }
  throw new ApplianceError('BLOCK_DAMAGED', `column ${definition.name} has unknown codec ${codec}`)
}

/** Fills arrays from their byte planes with the rows that are wanted. */
type FillPlanes = (section: Uint8Array, arrays: readonly WholeNumbers[], areZeros?: boolean) => void

/** The values of a column at the places. */
export function valuesAt(planes: readonly Plane[], places: Uint32Array): Plane[] {
  return planes.map((plane) => {
    const values = new (plane.constructor as new (length: number) => Plane)(places.length)
    for (let index = 0; index < places.length; index++) values[index] = plane[places[index]!]!
    return values
  })
}

function fillConstant(raw: Uint8Array, planes: readonly Plane[]): void {
  let offset = 0
  for (const plane of planes) {
    requireLength(raw, offset + plane.BYTES_PER_ELEMENT)
    if (plane.length === 0) continue
    octetsOf(plane, 1).set(raw.subarray(offset, offset + plane.BYTES_PER_ELEMENT))
    plane.fill(plane[0]!)
    offset += plane.BYTES_PER_ELEMENT
  }
}

function decodeDoubles(
  codec: number,
  raw: Uint8Array,
  values: Float64Array,
  fill: FillPlanes,
  starts: (() => Float64Array) | undefined,
): void {
  const rows = values.length
  switch (codec) {
    case Codec.transposedOffsets:
      decodeTransposedOffsets(raw, rows, values)
      return
    case Codec.offsets: {
      requireLength(raw, 8)
      const least = new DataView(raw.buffer, raw.byteOffset, 8).getFloat64(0, true)
      const offsets = wordsFor(rows)
      fill(raw.subarray(8), [offsets])
      for (let row = 0; row < rows; row++) values[row] = offsets[row] === 0 ? 0 : least + offsets[row]! - 1
      return
    }
    case Codec.after: {
      // These may be decoded through the same words, so they come first.
      const from = starts?.() ?? new Float64Array(rows)
      const offsets = wordsFor(rows)
      fill(raw, [offsets])
      for (let row = 0; row < rows; row++)
        values[row] = offsets[row] === 0 ? 0 : from[row]! + offsets[row]! - 1
      return
    }
    default:
      throw new ApplianceError('BLOCK_DAMAGED', `a column of times has unknown codec ${codec}`)
  }
}

/** What times are counted by; whoever decodes next uses it again. */
let words = new Uint32Array(0)

function wordsFor(rows: number): Uint32Array {
  if (words.length < rows) words = new Uint32Array(rows)
  return words.subarray(0, rows)
}

function decodeDoubleWords(raw: Uint8Array, values: Float64Array, fill: FillPlanes): void {
  const rows = values.length
  const low = new Uint32Array(rows)
  const high = new Uint32Array(rows)
  fill(raw, [low, high])
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * rows)
  for (let row = 0; row < rows; row++) {
    words[2 * row] = low[row]!
    words[2 * row + 1] = high[row]!
  }
}

/** Strings from index 1 on: each its length in octets, LEB128, and its UTF-8, as a TextDictionary holds them. */
export function decodeStrings(raw: Uint8Array): string[] {
  const octets = Buffer.from(raw.buffer, raw.byteOffset, raw.length)
  const reader = new Leb128Reader(octets)
  const strings = ['']
  while (!reader.isAtEnd) {
    const length = reader.next()
    if (!(reader.at + length <= octets.length))
      throw new ApplianceError('BLOCK_DAMAGED', 'a string dictionary is cut short')
    strings.push(octets.toString('utf8', reader.at, reader.at + length))
    reader.at += length
  }
  return strings
}

/** Encodes the words of addresses 1 to `size`. */
export function encodeAddresses(words: Uint32Array, size: number): Uint8Array {
  return octetsOf(words.subarray(4, 4 * (size + 1)), 4 * size)
}

export function decodeAddresses(raw: Uint8Array): Uint32Array {
  const words = new Uint32Array(4 + raw.length / 4)
  octetsOf(words.subarray(4), raw.length / 4).set(raw)
  return words
}
