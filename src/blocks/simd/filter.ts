/** Addresses of rows marked in a filter (address-filter.ts). */
import { copy } from './lanes.js'
import { roomFor, wholeSteps } from './room.js'

/** Empties the filter of `2^log2` words, 64 KiB at most; rows of addresses are then marked in it. */
export function clearFilter(rows: number, log2: number): void {
  roomFor(rows).filterU32.fill(0, 0, 1 << log2)
}

/** Sets the bits of an address of each row: words of the address, four or one. */
export function markAddresses(planes: readonly Uint32Array[], rows: number, log2: number): void {
  const { kernels, input, words, wordsU32, filter, u32 } = roomFor(rows)
  wordsU32.fill(0, 0, wholeSteps(rows))
  for (const plane of planes) kernels.hash(input, input + 4 * copy(u32, plane, rows), words)
  kernels.mark(words, words + 4 * rows, filter, 31 - log2)
}

/** The filter as it is now, a copy. */
export function markedFilter(rows: number, log2: number): Uint32Array<ArrayBuffer> {
  return roomFor(rows).filterU32.slice(0, 1 << log2)
}
