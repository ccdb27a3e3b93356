/**
 * Makes the index of blocks agree with the blocks at a start: entries whose block a torn log has lost go, blocks that the
 * index has not heard of come in. Both are looked for where they can be, at the end of the log and in the gaps between
 * the numbers of the index, so that a start reads little of a store that is whole. What a removal or a merge left behind when
 * it was cut off, below what retention has removed of the stream, is deleted.
 */
import type { ClassicLevel } from 'classic-level'
import type { Run } from '../blocks/runs.js'
import { type StreamDefinition, streams } from '../records/columns.js'
import type { BlockIndex } from './block-index.js'
import { endOf, entryOf, type IndexedBlock } from './index-entry.js'
import { blockKey, readBlockKey, SYNC_KEY, sequenceKey } from './keys.js'

type Database = ClassicLevel<Uint8Array, Uint8Array>

/** LevelDB's log and memory tables are far below: what lies behind them in the store is in tables, which have checksums. */
const LOG_OCTETS = 64 * 1024 * 1024

export type Reconciled = {
  /** The number after the last row of blocks that can be read. */
  readonly next: number
  /** Where the last block begins that cannot be read; 0: there is none. */
  readonly damagedAt: number
  /** All entries, in order, where index and blocks agreed as they were. */
  readonly entries: readonly IndexedBlock[] | undefined
}

/** Entries are checked from the newest on, for so many octets of blocks. */
export async function reconcile(
  blocks: Database,
  index: BlockIndex,
  checkedOctets = LOG_OCTETS,
): Promise<Reconciled> {
  const replaced = new Set((await index.replaced()).map(({ place }) => keyText(blockKey(place))))
  const known = await index.all()
  known.sort((one, other) => one.firstSequence - other.firstSequence)

  let oldest = known.length
  for (let checked = 0; oldest > 0 && checked < checkedOctets; ) checked += known[--oldest]!.octets
  const newest = known.slice(oldest)
  const there = await keysFrom(blocks, newest[0]?.firstSequence ?? Number.MAX_SAFE_INTEGER)
  // An entry that cannot be read is made again below.
  const lost = new Set(
    newest.filter((entry) => entry.damage !== undefined || !there.has(keyText(blockKey(entry)))),
  )
  if (lost.size > 0) await index.remove([...lost])
  const kept = known.filter((entry) => !lost.has(entry))

  const floors = new Map<StreamDefinition, number>()
  for (const stream of streams) floors.set(stream, await index.floor(stream))
  const found: IndexedBlock[] = []
  const orphans: Uint8Array[] = []
  for (const { from, to } of gapsOf(kept)) {
    const range = { gte: sequenceKey(from), lt: to === undefined ? SYNC_KEY : sequenceKey(to) }
    for await (const [key, value] of blocks.iterator(range)) {
      const place = readBlockKey(key)
      if (place === undefined || replaced.has(keyText(key))) continue
      if (place.firstSequence < floors.get(place.stream)!) orphans.push(key)
      else found.push(entryOf(place, value))
    }
  }
  // Their rows were removed, or are in blocks that the index has: they must not come again.
  if (orphans.length > 0) await blocks.batch(orphans.map((key) => ({ type: 'del', key })))
  const isCovered = coverOf(found.length === 0 ? [] : [...kept, ...found])
  let next = 1
  let damagedAt = 0
  const note = (entry: IndexedBlock) => {
    if (entry.damage === undefined) next = Math.max(next, endOf(entry))
    else damagedAt = Math.max(damagedAt, entry.firstSequence)
  }
  for (const entry of kept) note(entry)
  for (const entry of found) {
    note(entry)
    // Without an index that tells, a merged block and those that it was made of would all be there.
    if (isCovered(entry)) await index.addReplaced(entry)
    else await index.add(entry, undefined)
  }
  return { next, damagedAt, entries: lost.size === 0 && found.length === 0 ? known : undefined }
}

/** The keys of blocks from a number on. */
async function keysFrom(blocks: Database, sequence: number): Promise<ReadonlySet<string>> {
  return new Set((await blocks.keys({ gte: sequenceKey(sequence), lt: SYNC_KEY }).all()).map(keyText))
}

/** Whether the rows of a block are in another one that was merged more often. */
function coverOf(entries: readonly IndexedBlock[]): (entry: IndexedBlock) => boolean {
  /** By stream and level: runs, which do not overlap, in order. */
  const merged = new Map<string, Run[]>()
  let highest = 0
  for (const { stream, level, damage, runs } of entries) {
    if (level === 0 || damage !== undefined) continue
    highest = Math.max(highest, level)
    const key = `${stream.id}/${level}`
    const known = merged.get(key)
    if (known === undefined) merged.set(key, [...runs])
    else known.push(...runs)
  }
  for (const runs of merged.values()) runs.sort((one, other) => one.firstSequence - other.firstSequence)
  return ({ stream, level, firstSequence }) => {
    for (let above = level + 1; above <= highest; above++) {
      const runs = merged.get(`${stream.id}/${above}`) ?? []
      const run = runs[countFrom(runs, firstSequence) - 1]
      if (run !== undefined && firstSequence < run.firstSequence + run.rows) return true
    }
    return false
  }
}

/** How many runs begin at a number or before it. */
function countFrom(runs: readonly Run[], sequence: number): number {
  let low = 0
  let high = runs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (runs[middle]!.firstSequence <= sequence) low = middle + 1
    else high = middle
  }
  return low
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
