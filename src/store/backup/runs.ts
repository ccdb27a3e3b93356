/** Which sequences a block holds, asked for in this one place by all that hold stored rows against their numbers. */
import type { BlockHeader } from '../../blocks/header.js'

/** Rows numbered `first` to `end` − 1. */
export type SequenceRun = { readonly first: number; readonly end: number }

/** The runs of sequence numbers of a block's rows, ascending. */
export function sequenceRuns({ runs }: Pick<BlockHeader, 'runs'>): SequenceRun[] {
  return runs.map(({ firstSequence, rows }) => ({ first: firstSequence, end: firstSequence + rows }))
}

/** How many rows runs have together; a row that is in two of them counts once. */
export function rowsOfRuns(runs: readonly SequenceRun[]): number {
  let rows = 0
  let next = 0
  for (const { first, end } of [...runs].sort((one, other) => one.first - other.first)) {
    rows += Math.max(0, end - Math.max(first, next))
    next = Math.max(next, end)
  }
  return rows
}
