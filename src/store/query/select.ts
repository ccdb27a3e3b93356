/** The rows of one block that a query wants. */
import type { Block } from '../../blocks/block.js'
import { RECEIVED_COLUMN } from '../../blocks/builder.js'
import { refine } from './evaluate.js'
import type { Window } from './plan.js'
import type { Prepared } from './prepare.js'

/** Places in the block's arrays, ascending. */
export function selectRows(block: Block, window: Window, filter: Prepared): Uint32Array {
  const { rows } = block.header
  const mask = new Uint8Array(rows).fill(1)
  keepReceived(block, window, mask)
  refine(filter, block, mask)
  const selected = new Uint32Array(rows)
  let count = 0
  for (let row = 0; row < rows; row++) {
    selected[count] = row
    count += mask[row]!
  }
  return selected.subarray(0, count)
}

function keepReceived(
  block: Block,
  { fromMilliseconds: from, toMilliseconds: to }: Window,
  mask: Uint8Array,
): void {
  const { receivedFromMilliseconds, receivedToMilliseconds } = block.header
  if (receivedFromMilliseconds >= from && receivedToMilliseconds < to) return
  const received = block.column(RECEIVED_COLUMN)![0]!
  for (let row = 0; row < mask.length; row++)
    if (!(received[row]! >= from && received[row]! < to)) mask[row] = 0
}
