/** The rows of one block that a query wants. */
import type { Block } from '../../blocks/block.js'
import { RECEIVED_COLUMN } from '../../blocks/builder.js'
import { refine } from './evaluate.js'
import type { Window } from './plan.js'
import type { Prepared } from './prepare.js'

/** The places of all rows of a block, for all blocks that a thread reads. */
let everyRow = new Uint32Array(0)

function allRows(rows: number): Uint32Array {
  if (everyRow.length < rows) everyRow = Uint32Array.from({ length: rows }, (_, row) => row)
  return everyRow.subarray(0, rows)
}

/** Places in the block's arrays, ascending; not to be changed. */
export function selectRows(block: Block, window: Window, filter: Prepared): Uint32Array {
  const { rows } = block.header
  if (filter.kind === 'all' && isWithin(block, window)) return allRows(rows)
  const mask = new Uint8Array(rows).fill(1)
  keepReceived(block, window, mask)
  refine(filter, block, mask)
  return placesOf(mask)
}

function placesOf(mask: Uint8Array): Uint32Array {
  let marks = 0
  for (let row = 0; row < mask.length; row++) marks += mask[row]!
  if (marks === mask.length) return allRows(marks)
  const places = new Uint32Array(marks)
  let count = 0
  for (let row = 0; count < marks; row++) {
    places[count] = row
    count += mask[row]!
  }
  return places
}

function isWithin({ header }: Block, { fromMilliseconds, toMilliseconds }: Window): boolean {
  return header.receivedFromMilliseconds >= fromMilliseconds && header.receivedToMilliseconds < toMilliseconds
}

function keepReceived(block: Block, window: Window, mask: Uint8Array): void {
  if (isWithin(block, window)) return
  const { fromMilliseconds: from, toMilliseconds: to } = window
  const received = block.column(RECEIVED_COLUMN)![0]!
  for (let row = 0; row < mask.length; row++)
    if (!(received[row]! >= from && received[row]! < to)) mask[row] = 0
}
