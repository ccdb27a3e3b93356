/** Which sequences a block holds, asked for in this one place by all that hold stored rows against their numbers. */
import type { BlockHeader } from '../../blocks/block.js'

/** Rows numbered `first` to `end` − 1. */
export type SequenceRun = { readonly first: number; readonly end: number }

/** The runs of sequence numbers of a block's rows, ascending. */
export function sequenceRuns({
  firstSequence,
  rows,
}: Pick<BlockHeader, 'firstSequence' | 'rows'>): SequenceRun[] {
  return [{ first: firstSequence, end: firstSequence + rows }]
}
