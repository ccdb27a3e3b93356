/**
 * One pass: the rows of one bucket, taken by their sequence, become rows of a rollup. A row that comes later, or was
 * imported, has a higher sequence: it is taken by a later pass and adds a row to the bucket of its receive time.
 */

import { ArrayRoom } from '../blocks/array-room.js'
import { type StreamName, streamNames } from '../records/columns.js'
import type { BlockStore } from '../store/block-store.js'
import { findGaps } from '../store/holes.js'
import type { IndexedBlock } from '../store/index-entry.js'
import { endOf } from '../store/index-entry.js'
import { Contexts, type Stretch } from './contexts.js'
import { Groups } from './groups.js'
import { readRows } from './read.js'
import type { Rollup } from './schema.js'

/** Contexts are few; when there are so many, what is there is written and the rest is another pass. */
const MOST_CONTEXTS = 16_384

/** The sequences of a pass, from one to below the other, and the end of its bucket, up to which all is summed then. */
export type Cut = {
  readonly fromSequence: number
  readonly toSequence: number
  /** 0 where it is of no bucket that is over. */
  readonly bucketEndMilliseconds: number
}

type Pending = { readonly entry: IndexedBlock; readonly firstSequence: number }

/** Blocks with rows at or above a sequence, and the first such number of each; in the order of those numbers. */
async function pendingFrom(
  store: BlockStore,
  streams: readonly StreamName[],
  sequence: number,
): Promise<Pending[]> {
  const pending: Pending[] = []
  for (const name of streams) {
    for (const entry of await store.index(name)) {
      if (entry.damage !== undefined || endOf(entry) <= sequence) continue
      const run = entry.runs.find(({ firstSequence, rows }) => firstSequence + rows > sequence)!
      pending.push({ entry, firstSequence: Math.max(sequence, run.firstSequence) })
    }
  }
  return pending.sort((one, other) => one.firstSequence - other.firstSequence)
}

/**
 * The next pass over rows at or above a sequence; undefined when the bucket of the first of them is not over. A bucket is
 * over when it ends at `closedMilliseconds` or before. Rows of a time that is yet to come, by a clock that was ahead, are not waited
 * for, since all that came after them would wait, too.
 */
export async function nextCut(
  store: BlockStore,
  { sources, bucketMilliseconds }: Rollup,
  fromSequence: number,
  closedMilliseconds: number,
): Promise<Cut | undefined> {
  const watermark = store.sequence.watermark()
  const pending = await pendingFrom(store, sources, fromSequence)
  const first = pending[0]
  if (first === undefined || first.firstSequence >= watermark) return undefined
  const end = (Math.floor(first.entry.receivedFromMilliseconds / bucketMilliseconds) + 1) * bucketMilliseconds
  // The bucket that is being filled now is the first that is not over, or until rows have settled the second.
  const aheadFrom = closedMilliseconds + 2 * bucketMilliseconds
  const isAhead = end > aheadFrom
  if (end > closedMilliseconds && !isAhead) return undefined
  const next = pending.find(({ entry: { receivedFromMilliseconds: from } }) =>
    isAhead ? from < aheadFrom : from >= end,
  )
  return {
    fromSequence,
    toSequence: Math.min(watermark, next?.firstSequence ?? watermark),
    bucketEndMilliseconds: isAhead ? 0 : end,
  }
}

/** Sums of a pass, and how far it came. */
export type PassResult = {
  readonly contexts: Contexts
  readonly groups: readonly Groups[]
  /** Rows below were taken. */
  readonly toSequence: number
  readonly rows: number
  /** Rows that were numbered and could not be read: retention was faster, or they are lost. */
  readonly unreadRows: number
}

/** Reads and sums. Memory is bounded by `maximumGroups` for each family. */
export async function sumRows(
  store: BlockStore,
  rollup: Rollup,
  { fromSequence, toSequence }: Cut,
  maximumGroups: number,
): Promise<PassResult> {
  const contexts = new Contexts(rollup.bucketMilliseconds)
  const groups = [new Groups(4, contexts, maximumGroups), new Groups(6, contexts, maximumGroups)] as const
  const pending = await pendingFrom(store, rollup.sources, fromSequence)
  const room = new ArrayRoom()
  let reached = toSequence
  let takenTo = fromSequence
  let rows = 0
  let failed = 0
  try {
    for (const { entry, firstSequence } of pending) {
      // Where merged blocks overlap, a pass cannot end between them.
      if (contexts.list.length > MOST_CONTEXTS && takenTo <= firstSequence)
        reached = Math.min(reached, firstSequence)
      if (firstSequence >= reached) break
      const stretches = stretchesOf(entry, fromSequence, reached)
      takenTo = Math.max(takenTo, Math.min(reached, endOf(entry)))
      try {
        room.reset()
        const block = await store.block(entry, room)
        // Removed by retention meanwhile: it is missing below.
        if (block === undefined) continue
        const columns = stretches.map((each) => readRows(block, contexts, each, room))
        for (const each of columns) {
          groups[entry.stream.family === 6 ? 1 : 0].add(each)
          rows += each.count
        }
      } catch {
        failed += stretches.reduce((sum, { from, to }) => sum + to - from, 0)
      }
    }
  } finally {
    room.reset()
  }
  const missing = await missingRows(store, fromSequence, reached)
  return { contexts, groups, toSequence: reached, rows, unreadRows: failed + missing }
}

/** The rows of a block with such sequences. */
function stretchesOf({ runs }: IndexedBlock, fromSequence: number, toSequence: number): Stretch[] {
  const stretches: Stretch[] = []
  let first = 0
  for (const { firstSequence, rows } of runs) {
    const from = Math.max(fromSequence, firstSequence)
    const to = Math.min(toSequence, firstSequence + rows)
    if (from < to) stretches.push({ from: first + from - firstSequence, to: first + to - firstSequence })
    first += rows
  }
  return stretches
}

/** Rows that no block has. */
async function missingRows(store: BlockStore, fromSequence: number, toSequence: number): Promise<number> {
  const runs: { first: number; end: number }[] = []
  for (const name of streamNames) {
    for (const entry of await store.index(name)) {
      if (endOf(entry) <= fromSequence) continue
      for (const { firstSequence, rows } of entry.runs)
        runs.push({ first: firstSequence, end: firstSequence + rows })
    }
  }
  return findGaps(runs, fromSequence, toSequence).reduce(
    (sum, gap) => sum + gap.toSequence - gap.fromSequence,
    0,
  )
}
