/** The rows of one block that a query wants. */
import type { Block } from '../../blocks/block.js'
import { RECEIVED_COLUMN } from '../../blocks/builder.js'
import { placesOfHosts, refine } from './evaluate.js'
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
  if (isWithin(block, window)) {
    const places = filter.kind === 'all' ? allRows(rows) : placesOfHosts(filter, block)
    if (places !== undefined) return places
  }
  const mask = new Uint8Array(rows).fill(1)
  keepReceived(block, window, mask)
  refine(filter, block, mask)
  return placesOf(mask)
}

/** So many are searched for one by one, which is the shorter way while they are few. */
const FEW_PLACES = 64

/** The marked places; four that are not are passed over at once. The mask begins where its buffer does. */
function placesOf(mask: Uint8Array): Uint32Array {
  if (!mask.includes(0)) return allRows(mask.length)
  const first: number[] = []
  let next = mask.indexOf(1)
  for (; next >= 0 && first.length < FEW_PLACES; next = mask.indexOf(1, next + 1)) first.push(next)
  if (next < 0) return Uint32Array.from(first)
  const words = new Uint32Array(mask.buffer, 0, mask.length >>> 2)
  let marks = 0
  for (let word = 0; word < words.length; word++)
    if (words[word] !== 0) marks += Math.imul(words[word]!, 0x01010101) >>> 24
  for (let row = 4 * words.length; row < mask.length; row++) marks += mask[row]!
  const places = new Uint32Array(marks)
  let count = 0
  const add = (from: number, to: number) => {
    for (let row = from; row < to; row++) {
      places[count] = row
      count += mask[row]!
    }
  }
  for (let word = 0; word < words.length; word++) if (words[word] !== 0) add(4 * word, 4 * word + 4)
  add(4 * words.length, mask.length)
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
