/**
 * A prepared filter over the columns of a block: one small loop per test over all rows, marks in an array of octets. A
 * column is read when a test needs it and a row is still marked; texts and exporters are looked at once per block.
 */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, type Plane } from '../../blocks/builder.js'
import { prefixContains } from '../../records/address.js'
import type { Prepared, WordPrefix } from './prepare.js'
import { columnNamed, keepFlagged, presentPlanes, wholeValues } from './presence.js'
import { rates } from './rates.js'

/** Takes the marks of rows that do not match. */
export function refine(part: Prepared, block: Block, mask: Uint8Array): void {
  switch (part.kind) {
    case 'all':
      return
    case 'and':
      for (const each of part.parts) {
        refine(each, block, mask)
        if (!mask.includes(1)) return
      }
      return
    case 'or':
      refineOr(part.parts, block, mask)
      return
    case 'not': {
      const matching = mask.slice()
      refine(part.part, block, matching)
      for (let row = 0; row < mask.length; row++) mask[row]! ^= matching[row]!
      return
    }
    case 'family':
      if (block.header.stream.family !== part.family) mask.fill(0)
      return
    case 'number': {
      const planes = presentPlanes(block, part.column, mask)
      if (planes !== undefined) keepRanges(wholeValues(planes), part.ranges, mask)
      return
    }
    case 'rate':
      keepRanges(rates(block, part.rate, mask), part.ranges, mask)
      return
    case 'bits': {
      const plane = presentPlanes(block, part.column, mask)?.[0]
      if (plane === undefined) return
      for (let row = 0; row < mask.length; row++) if ((plane[row]! & part.bits) !== part.bits) mask[row] = 0
      return
    }
    case 'address':
      refineAddress(part, block, mask)
      return
    case 'sender':
      refineSender(part, block, mask)
      return
    case 'text':
      refineText(part, block, mask)
      return
  }
}

function refineOr(parts: readonly Prepared[], block: Block, mask: Uint8Array): void {
  // Rows that one part has found are not looked at by the next.
  const rest = mask.slice()
  mask.fill(0)
  for (const part of parts) {
    const matching = rest.slice()
    refine(part, block, matching)
    moveMarks(matching, rest, mask)
    if (!rest.includes(1)) return
  }
}

/** Takes marks from `rest`, where all of them are, to `mask`; four rows at a time. The arrays begin where their buffers do. */
function moveMarks(marks: Uint8Array, rest: Uint8Array, mask: Uint8Array): void {
  if (!marks.includes(1)) return
  const words = marks.length >>> 2
  const [from, left, to] = [marks, rest, mask].map((each) => new Uint32Array(each.buffer, 0, words)) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
  for (let word = 0; word < words; word++) {
    to[word]! |= from[word]!
    left[word]! ^= from[word]!
  }
  for (let row = 4 * words; row < marks.length; row++) {
    mask[row]! |= marks[row]!
    rest[row]! ^= marks[row]!
  }
}

/** Beyond so many ranges a search by halves is the shorter way. */
const FEW_RANGES = 4

function keepRanges(values: Plane, ranges: Float64Array, mask: Uint8Array): void {
  const rows = mask.length
  if (ranges.length === 2) {
    const from = ranges[0]!
    const to = ranges[1]!
    for (let row = 0; row < rows; row++) {
      const value = values[row]!
      if (!(value >= from && value <= to)) mask[row] = 0
    }
    return
  }
  const isWithin = ranges.length <= 2 * FEW_RANGES ? withinSome : withinSorted
  for (let row = 0; row < rows; row++) if (mask[row] === 1 && !isWithin(ranges, values[row]!)) mask[row] = 0
}

function withinSome(ranges: Float64Array, value: number): boolean {
  for (let at = 0; at < ranges.length; at += 2)
    if (value >= ranges[at]! && value <= ranges[at + 1]!) return true
  return false
}

function withinSorted(ranges: Float64Array, value: number): boolean {
  let low = 0
  let high = ranges.length / 2
  while (low < high) {
    const middle = (low + high) >> 1
    if (ranges[2 * middle]! <= value) low = middle + 1
    else high = middle
  }
  return low > 0 && value <= ranges[2 * low - 1]!
}

type AddressTest = Extract<Prepared, { kind: 'address' }>

function refineAddress(test: AddressTest, block: Block, mask: Uint8Array): void {
  const { column, ranges4, prefixes6 } = test
  const isNone = block.header.stream.family === 4 ? ranges4.length === 0 : prefixes6.length === 0
  if (!isNone && refineHost(test, block, mask)) return
  const planes = isNone ? undefined : presentPlanes(block, column, mask)
  if (planes === undefined) mask.fill(0)
  else if (planes.length === 1) keepRanges(planes[0]!, ranges4, mask)
  else keepPrefixes(planes, prefixes6, mask)
}

/** One IPv4 address is looked up without decoding the column; false where that cannot be done. */
function refineHost(test: AddressTest, block: Block, mask: Uint8Array): boolean {
  const places = placesOfHost(test, block)
  if (places === undefined) return false
  const marks = places.map((row) => mask[row]!)
  mask.fill(0)
  for (const [index, row] of places.entries()) mask[row] = marks[index]!
  return true
}

function placesOfHost({ column, ranges4 }: AddressTest, block: Block): Uint32Array | undefined {
  const { stream, shapes } = block.header
  const place = columnNamed(stream, column)
  const isHost = stream.family === 4 && ranges4.length === 2 && ranges4[0] === ranges4[1]
  if (!isHost || place === undefined || !shapes.every(({ columns }) => columns.includes(place)))
    return undefined
  return stream.columns[place]!.type === 'address' ? block.placesOf(place, ranges4[0]!) : undefined
}

/**
 * The places of the rows that match, ascending, where the test is for one IPv4 address in one column or another: few rows, for which
 * no row is marked one by one. Undefined for other tests.
 */
export function placesOfHosts(part: Prepared, block: Block): Uint32Array | undefined {
  if (part.kind === 'address') return placesOfHost(part, block)
  if (part.kind !== 'or') return undefined
  const places = new Set<number>()
  for (const each of part.parts) {
    const found = placesOfHosts(each, block)
    if (found === undefined) return undefined
    for (const place of found) places.add(place)
  }
  return Uint32Array.from(places).sort()
}

function keepPrefixes(planes: readonly Plane[], prefixes: readonly WordPrefix[], mask: Uint8Array): void {
  const [plane0, plane1, plane2, plane3] = planes as [Plane, Plane, Plane, Plane]
  const found = new Uint8Array(mask.length)
  for (const { words, masks } of prefixes) {
    const [word0, word1, word2, word3] = words as [number, number, number, number]
    const [mask0, mask1, mask2, mask3] = masks as [number, number, number, number]
    for (let row = 0; row < found.length; row++) {
      const isWithin =
        (plane0[row]! & mask0) === word0 &&
        (plane1[row]! & mask1) === word1 &&
        (plane2[row]! & mask2) === word2 &&
        (plane3[row]! & mask3) === word3
      if (isWithin) found[row] = 1
    }
  }
  for (let row = 0; row < mask.length; row++) mask[row]! &= found[row]!
}

type SenderTest = Extract<Prepared, { kind: 'sender' }>

function refineSender({ which, prefixes }: SenderTest, block: Block, mask: Uint8Array): void {
  const wanted = block.header.exporters.map((exporter) => {
    const address = exporter[which]
    return address !== undefined && prefixes.some((prefix) => prefixContains(prefix, address))
  })
  if (!wanted.includes(false)) return
  if (!wanted.includes(true)) mask.fill(0)
  else keepFlagged(block.column(EXPORTER_COLUMN)![0]!, Uint8Array.from(wanted, Number), mask)
}

type TextTest = Extract<Prepared, { kind: 'text' }>

function refineText({ column, matches }: TextTest, block: Block, mask: Uint8Array): void {
  const place = columnNamed(block.header.stream, column)
  const strings = place === undefined || !block.has(place) ? [''] : block.strings(place)
  const wanted = Uint8Array.from(strings, (text, index) => Number(index > 0 && matches(text)))
  const plane = wanted.includes(1) ? presentPlanes(block, column, mask)?.[0] : undefined
  if (plane === undefined) mask.fill(0)
  else keepFlagged(plane, wanted, mask)
}
