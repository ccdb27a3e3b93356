/**
 * How the rows of a block are numbered. A block fresh from the receiving thread has one run of numbers; merged blocks
 * keep the numbers of their rows, with gaps where rows of other streams were numbered in between.
 */
import { ApplianceError } from '../errors.js'
import { Leb128Reader, pushLeb128 } from './leb128.js'

/** Rows whose numbers follow one another. */
export type Run = { readonly firstSequence: number; readonly rows: number }

/** The numbers of the rows, by place in the block. Asked for in ascending order each costs the same. */
export function rowNumbers(runs: readonly Run[]): (row: number) => number {
  let run = 0
  let before = 0
  return (row) => {
    if (row < before) {
      run = 0
      before = 0
    }
    for (; row >= before + runs[run]!.rows; run++) before += runs[run]!.rows
    return runs[run]!.firstSequence + row - before
  }
}

/** One more than the number of the last row. */
export function endOfRuns(runs: readonly Run[]): number {
  const last = runs.at(-1)!
  return last.firstSequence + last.rows
}

/** Joins runs, ascending; those that follow one another become one. */
export function joinRuns(runs: readonly Run[]): Run[] {
  const joined: Run[] = []
  for (const run of runs) {
    const last = joined.at(-1)
    if (last !== undefined && last.firstSequence + last.rows === run.firstSequence)
      joined[joined.length - 1] = { firstSequence: last.firstSequence, rows: last.rows + run.rows }
    else joined.push(run)
  }
  return joined
}

/** For each run the numbers left out before it and its rows, LEB128; the first one begins at the block's own number. */
export function encodeRuns(runs: readonly Run[]): Uint8Array {
  const octets: number[] = []
  let end = runs[0]!.firstSequence
  for (const { firstSequence, rows } of runs) {
    pushLeb128(octets, firstSequence - end)
    pushLeb128(octets, rows)
    end = firstSequence + rows
  }
  return Uint8Array.from(octets)
}

/** Throws BLOCK_DAMAGED when the octets end within a number. */
export function decodeRuns(octets: Uint8Array, firstSequence: number): Run[] {
  const reader = new Leb128Reader(octets)
  const runs: Run[] = []
  let end = firstSequence
  while (!reader.isAtEnd) {
    const gap = reader.next()
    const rows = reader.next()
    if (Number.isNaN(rows)) throw new ApplianceError('BLOCK_DAMAGED', 'the numbers of the rows are cut short')
    runs.push({ firstSequence: end + gap, rows })
    end += gap + rows
  }
  return runs
}
