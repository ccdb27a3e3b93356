/**
 * Makes the index of blocks agree with the blocks at a start: entries whose block a torn log has lost go, blocks that the
 * index has not heard of come in. Both are looked for where they can be, at the end of the log and in the gaps between
 * the numbers of the index, so that a start reads little of a store that is whole.
 */
import type { ClassicLevel } from 'classic-level'
import { BLOCK_ROWS } from '../blocks/builder.js'
import type { BlockIndex } from './block-index.js'
import { endOf, entryOf, type IndexedBlock } from './index-entry.js'
import { blockKey, readBlockKey, SYNC_KEY, sequenceKey } from './keys.js'

type Database = ClassicLevel<Uint8Array, Uint8Array>

/** LevelDB's log and memory tables are far below: what lies behind them in the store is in tables, which have checksums. */
const CHECKED_OCTETS = 64 * 1024 * 1024

/** Returns the number after the last row. */
export async function reconcile(blocks: Database, index: BlockIndex): Promise<number> {
  const replaced = new Set((await index.replaced()).map(({ place }) => keyText(blockKey(place))))
  const known: IndexedBlock[] = []
  for await (const entry of index.all()) known.push(entry)
  known.sort((one, other) => one.firstSequence - other.firstSequence)

  const lost = new Set<IndexedBlock>()
  let checked = 0
  for (let at = known.length - 1; at >= 0 && checked < CHECKED_OCTETS; at--) {
    const entry = known[at]!
    // An entry that cannot be read is made again below.
    if (entry.damage !== undefined || !(await blocks.has(blockKey(entry)))) lost.add(entry)
    checked += entry.octets
  }
  if (lost.size > 0) await index.remove([...lost])
  const kept = known.filter((entry) => !lost.has(entry))

  let next = 1
  for (const { from, to } of gapsOf(kept)) {
    const range = { gte: sequenceKey(from), lt: to === undefined ? SYNC_KEY : sequenceKey(to) }
    for await (const [key, value] of blocks.iterator(range)) {
      const place = readBlockKey(key)
      if (place === undefined || replaced.has(keyText(key))) continue
      const entry = entryOf(place, value)
      await index.add(entry, undefined)
      // How many rows a damaged block has is not known: none may be numbered twice, so it is taken for a full one.
      next = Math.max(next, entry.damage === undefined ? endOf(entry) : entry.firstSequence + BLOCK_ROWS)
    }
  }
  for (const entry of kept)
    next = Math.max(next, entry.damage === undefined ? endOf(entry) : entry.firstSequence + BLOCK_ROWS)
  return next
}

/** Ranges of numbers that no entry has; the last one is open. */
function gapsOf(entries: readonly IndexedBlock[]): { from: number; to: number | undefined }[] {
  const runs = entries.flatMap(({ runs: own }) => own)
  runs.sort((one, other) => one.firstSequence - other.firstSequence)
  const gaps: { from: number; to: number | undefined }[] = []
  let end = 0
  for (const { firstSequence, rows } of runs) {
    if (firstSequence > end) gaps.push({ from: end, to: firstSequence })
    end = Math.max(end, firstSequence + rows)
  }
  gaps.push({ from: end, to: undefined })
  return gaps
}

function keyText(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}
