/** Planes of few values made small and whole again: what packed.ts and octet-runs.ts do for all rows. */
import { roomFor, wholeSteps } from './room.js'

/** Values are looked up among so many when a plane is made whole. */
const DICTIONARY_OCTETS = 32
/** Octets in front of a packed plane, for the caller. */
const HEAD_OCTETS = 2

export type Packed = {
  readonly octets: Uint8Array
  /** Rows with none of the values. */
  readonly others: number
}

/**
 * Packs a plane of a slot: two octets for the caller, the values, a bitmap for each bit of a row's code, the octets of rows
 * that have none of the values. Valid until the next call.
 */
export function pack(slot: number, octet: number, rows: number, values: Uint8Array, bits: number): Packed {
  const room = roomFor(rows)
  const { kernels, octets } = room
  for (const [index, value] of values.entries())
    octets.fill(value, room.values + 16 * index, room.values + 16 * (index + 1))
  octets.set(values, room.packed + HEAD_OCTETS)
  const from = room.planeAt(slot, octet)
  const to = room.packed + HEAD_OCTETS + values.length
  // Sixteen rows are two octets; a bitmap may need one less.
  const stride = wholeSteps(rows) / 8
  const needed = Math.ceil(rows / 8)
  const othersAt = to + bits * stride
  const fromEnd = from + wholeSteps(rows)
  const [first = 0, second = first] = values
  const end =
    bits === 1
      ? kernels.packBit(from, fromEnd, first, second, to, othersAt)
      : kernels.pack(from, fromEnd, room.values, values.length, bits, to, stride, othersAt)
  // The rows beyond the end are like the first.
  const others = end - othersAt - (values.includes(octets[from]!) ? 0 : wholeSteps(rows) - rows)
  for (let bit = 1; bit < bits && needed < stride; bit++)
    octets.copyWithin(to + bit * needed, to + bit * stride, to + bit * stride + needed)
  const length = bits * needed
  if (needed < stride) octets.copyWithin(to + length, othersAt, othersAt + others)
  return { octets: octets.subarray(room.packed, to + length + others), others }
}

/** The plane, a copy; undefined when the rows with other values are not as many as there are octets of such. */
export function unpack(
  bitmaps: Uint8Array,
  bits: number,
  values: Uint8Array,
  others: Uint8Array,
  rows: number,
): Uint8Array | undefined {
  if (others.length > rows) return undefined
  const { kernels, octets, input, starts, words, packed } = roomFor(rows)
  const stride = wholeSteps(rows) / 8
  const needed = bitmaps.length / bits
  for (let bit = 0; bit < bits; bit++) {
    octets.set(bitmaps.subarray(bit * needed, (bit + 1) * needed), input + bit * stride)
    octets.fill(0, input + bit * stride + needed, input + (bit + 1) * stride)
    // The rows beyond the end have the first value.
    if (rows % 8 !== 0) octets[input + bit * stride + needed - 1]! &= (1 << (rows % 8)) - 1
  }
  octets.fill(0, packed, packed + DICTIONARY_OCTETS)
  octets.set(values, packed)
  octets.set(others, starts)
  const end = kernels.unpack(input, input + stride, bits, stride, packed, values.length, starts, words)
  return end - starts === others.length ? octets.slice(words, words + rows) : undefined
}

/** The rows of a plane of a slot that differ from the row before, ascending; valid until the next call. */
export function changedRows(slot: number, octet: number, rows: number): Uint32Array {
  const room = roomFor(rows)
  const from = room.planeAt(slot, octet)
  const end = room.kernels.changes(from + 1, from + rows, room.words)
  const found = room.wordsU32.subarray(0, (end - room.words) / 4)
  // The last step looks at octets behind the plane.
  let count = found.length
  while (count > 0 && found[count - 1]! >= rows) count--
  return found.subarray(0, count)
}
