/**
 * Planes of few frequent values: each row a code of one to five bits, which stands for one of those values or for "another",
 * whose octets follow (docs/storage-format.md, "Byte planes"). Single rows are read without the rest, and all rows are written
 * and read faster than by a compressor.
 */
import { ApplianceError } from '../errors.js'
import { pack, unpack } from './simd/packing.js'

/** Bits of a code at most: what more values would save, a compressor saves, too. */
const MOST_BITS = 5
/** Octets in front: the bits of a code and the number of values. */
const HEAD_OCTETS = 2

/** How a plane would be packed: bits a code, the values, and what it would take if a sample tells right. */
export type Packing = { readonly bits: number; readonly values: Uint8Array; readonly octets: number }

/** The packing of fewest octets for `rows` rows, by how often values are in a sample of them. */
export function bestPacking(histogram: Uint16Array, samples: number, rows: number): Packing {
  const ranked: number[] = []
  for (let value = 0; value < histogram.length; value++)
    if (histogram[value]! > 0) ranked.push((histogram[value]! << 8) | value)
  ranked.sort((a, b) => b - a)
  let best: { bits: number; count: number; octets: number } | undefined
  let covered = 0
  let count = 0
  for (let bits = 1; bits <= MOST_BITS; bits++) {
    // One code is kept for others, which a sample may not show.
    const most = Math.min(ranked.length, ranked.length <= 2 ** bits ? 2 ** bits : 2 ** bits - 1)
    for (; count < most; count++) covered += ranked[count]! >>> 8
    const others = ((samples - covered) * rows) / samples
    const octets = HEAD_OCTETS + count + bits * Math.ceil(rows / 8) + others
    if (best === undefined || octets < best.octets) best = { bits, count, octets }
    if (count === ranked.length) break
  }
  const { bits, octets } = best!
  return { bits, values: Uint8Array.from(ranked.slice(0, best!.count), (value) => value & 0xff), octets }
}

/** The plane that lies in a slot, packed; the result is valid until the next call. */
export function encodePacked(slot: number, octet: number, rows: number, packing: Packing): Uint8Array {
  const { values } = packing
  const packed = pack(slot, octet, rows, values, packing.bits)
  // As many values as there are codes leave none for others: one of them becomes such.
  if (packed.others > 0 && values.length === 2 ** packing.bits)
    return encodePacked(slot, octet, rows, { ...packing, values: values.subarray(0, -1) })
  const head = packed.octets
  head[0] = packing.bits
  head[1] = values.length
  return head
}

/** A plane of so many rows. Throws BLOCK_DAMAGED when the octets are none. */
export function decodePacked(octets: Uint8Array, rows: number): Uint8Array {
  const { bits, values, bitmaps, others } = parse(octets, rows)
  const plane = unpack(bitmaps, bits, values, others, rows)
  if (plane === undefined) throw damaged()
  return plane
}

/** The octets of some rows of a plane, ascending places. Throws BLOCK_DAMAGED as `decodePacked`, but for what it need not look at. */
export function packedAt(octets: Uint8Array, rows: number, places: Uint32Array): Uint8Array {
  const { bits, values, bitmaps, others } = parse(octets, rows)
  const found = new Uint8Array(places.length)
  const stride = bitmaps.length / bits
  let othersBefore = 0
  let counted = 0
  for (let index = 0; index < places.length; index++) {
    const row = places[index]!
    const at = row >>> 3
    let code = 0
    for (let bit = 0; bit < bits; bit++) code |= ((bitmaps[bit * stride + at]! >>> (row & 7)) & 1) << bit
    if (code !== values.length) found[index] = values[code] ?? 0
    else {
      othersBefore += countCodes(bitmaps, bits, code, counted, at)
      counted = at
      const inOctet = bitOfCode(bitmaps, bits, code, at) & ((1 << (row & 7)) - 1)
      const other = others[othersBefore + octetOnes[inOctet]!]
      if (other === undefined) throw damaged()
      found[index] = other
    }
  }
  return found
}

const octetOnes = Uint8Array.from({ length: 256 }, (_, octet) => octet.toString(2).replaceAll('0', '').length)

/** Which of eight rows, those of an octet of the bitmaps, have a code. */
function bitOfCode(bitmaps: Uint8Array, bits: number, code: number, at: number): number {
  const stride = bitmaps.length / bits
  let rows = 0xff
  for (let bit = 0; bit < bits; bit++) {
    const octet = bitmaps[bit * stride + at]!
    rows &= ((code >>> bit) & 1) === 1 ? octet : ~octet
  }
  return rows
}

/** How many rows of the octets `from` to `to` have a code; of four octets at a time. */
function countCodes(bitmaps: Uint8Array, bits: number, code: number, from: number, to: number): number {
  const stride = bitmaps.length / bits
  const view = new DataView(bitmaps.buffer, bitmaps.byteOffset, bitmaps.length)
  let count = 0
  let at = from
  for (; at + 4 <= to; at += 4) {
    let rows = -1
    for (let bit = 0, place = at; bit < bits; bit++, place += stride)
      // Where the code has no such bit, those rows that have none in their bitmap either.
      rows &= view.getInt32(place, true) ^ (((code >>> bit) & 1) - 1)
    count += onesOf(rows)
  }
  for (; at < to; at++) count += octetOnes[bitOfCode(bitmaps, bits, code, at)]!
  return count
}

/** How many bits of a word are set. */
function onesOf(word: number): number {
  let ones = word - ((word >>> 1) & 0x55555555)
  ones = (ones & 0x33333333) + ((ones >>> 2) & 0x33333333)
  return Math.imul((ones + (ones >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

function parse(octets: Uint8Array, rows: number) {
  const [bits = 0, count = 0] = octets
  const from = HEAD_OCTETS + count
  const end = from + bits * Math.ceil(rows / 8)
  if (bits < 1 || bits > MOST_BITS || count < 1 || count > 2 ** bits || end > octets.length) throw damaged()
  return {
    bits,
    values: octets.subarray(HEAD_OCTETS, from),
    bitmaps: octets.subarray(from, end),
    others: octets.subarray(end),
  }
}

function damaged(): ApplianceError {
  return new ApplianceError('BLOCK_DAMAGED', 'a packed plane does not hold what it says')
}
