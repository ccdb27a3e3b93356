/**
 * The kernels at work: arrays are copied into the memory of a WebAssembly module, sixteen rows are handled at a time there,
 * and the results are read from it. The next call uses the same memory again.
 */
import type { WholeNumbers } from '../byte-planes.js'
import { roomFor, wholeSteps } from './room.js'

/** Copies the first rows of an array and fills up to a whole step with the first value; returns the rows then. */
export function copy<A extends { set(array: A): void; fill(value: number, from: number, to: number): void }>(
  to: A,
  array: A & { readonly [row: number]: number; subarray(from: number, to: number): A },
  rows: number,
): number {
  const end = wholeSteps(rows)
  to.set(array.subarray(0, rows))
  if (end > rows) to.fill(array[0]!, rows, end)
  return end
}

/**
 * Takes the first rows of an array, one at least, apart into planes, which `planeOf` gives until the slot is used again.
 * Slots are 0 to 3. Returns the bits that are not the same in all rows.
 */
export function split(array: WholeNumbers, rows: number, slot: number): number {
  const room = roomFor(rows)
  const to = room.planeAt(slot, 0)
  if (array instanceof Uint32Array)
    return room.kernels.split32(room.input, room.input + 4 * copy(room.u32, array, rows), to, room.rows)
  if (array instanceof Uint16Array) {
    const varying = room.kernels.split16(
      room.input,
      room.input + 2 * copy(room.u16, array, rows),
      to,
      room.rows,
    )
    return (varying | (varying >>> 16)) & 0xffff
  }
  const varying = room.kernels.split8(room.input, room.input + copy(room.u8, array, rows), to, room.rows)
  return (varying | (varying >>> 8) | (varying >>> 16) | (varying >>> 24)) & 0xff
}

/** The same with the words that `offsets` or `differences` left. */
export function splitWords(rows: number, slot: number): number {
  const room = roomFor(rows)
  const to = room.planeAt(slot, 0)
  return room.kernels.split32(room.words, room.words + 4 * wholeSteps(rows), to, room.rows)
}

/** A plane of the array that was taken apart in a slot, 0 the lowest octets. */
export function planeOf(slot: number, octet: number, rows: number): Uint8Array {
  const room = roomFor(rows)
  const from = room.planeAt(slot, octet)
  return room.octets.subarray(from, from + rows)
}

/** Least and greatest of the values that are neither 0 nor NaN, NaN when none is; and whether there are any of those. */
export type DoubleRange = {
  readonly least: number
  readonly most: number
  readonly hasZeros: boolean
  readonly hasNaNs: boolean
}

/** The range of the first rows of an array, one at least. */
export function rangeOfDoubles(values: Float64Array, rows: number): DoubleRange {
  const { kernels, input, result, resultF64, resultU32, f64 } = roomFor(rows)
  const hasNaNs = kernels.range(input, input + 8 * copy(f64, values, rows), result) !== 0
  const least = Math.min(resultF64[0]!, resultF64[1]!)
  const most = Math.max(resultF64[2]!, resultF64[3]!)
  const hasZeros = resultU32.some((word) => word !== 0)
  return least > most
    ? { least: Number.NaN, most: Number.NaN, hasZeros, hasNaNs }
    : { least, most, hasZeros, hasNaNs }
}

/** Leaves each value less a base, 0 for 0, for `splitWords`. False when some value would not come back. */
export function offsets(values: Float64Array, rows: number, base: number): boolean {
  const { kernels, input, words, f64 } = roomFor(rows)
  return kernels.offsets(input, input + 8 * copy(f64, values, rows), words, base) === 0
}

/** Leaves each value less that of `starts`, plus 1, 0 for 0, for `splitWords`. False when some value would not come back. */
export function differences(values: Float64Array, starts: Float64Array, rows: number): boolean {
  const { kernels, input, words, f64, startsF64, starts: startsAt } = roomFor(rows)
  copy(startsF64, starts, rows)
  return kernels.differences(input, input + 8 * copy(f64, values, rows), words, startsAt) === 0
}
