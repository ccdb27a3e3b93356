/**
 * Looks for rows that were stored and are gone: sequences of all streams tile one range, so a hole between two blocks is
 * a lost block (LevelDB opens a damaged log without a word). Rows that retention removed lie before the oldest block of
 * their stream; holes there are no loss.
 */
import { streamNames } from '../records/columns.js'
import type { BlockStore } from './blocks.js'

export async function findHoles(store: BlockStore): Promise<{ lostRows: number; damagedBlocks: number }> {
  const blocks: { first: number; end: number }[] = []
  let damagedBlocks = 0
  let completeFrom = 0
  for (const name of streamNames) {
    const index = await store.index(name)
    const oldest = index[0]
    if (oldest !== undefined) completeFrom = Math.max(completeFrom, oldest.firstSequence)
    for (const { runs, damage } of index) {
      if (damage !== undefined) damagedBlocks++
      for (const { firstSequence, rows } of runs)
        blocks.push({ first: firstSequence, end: firstSequence + rows })
    }
  }
  blocks.sort((one, other) => one.first - other.first)
  let lostRows = 0
  let next = Number.NaN
  for (const { first, end } of blocks) {
    if (first > next && first > completeFrom) lostRows += first - Math.max(next, completeFrom)
    next = Number.isNaN(next) ? end : Math.max(next, end)
  }
  return { lostRows, damagedBlocks }
}
