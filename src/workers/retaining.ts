/** Deletes what the limits do not let stay, of rows and of their sums, and puts small blocks together. */
import { type StreamName, streamNames } from '../records/columns.js'
import { REMOVED_TO, type RemovalWatch } from '../scheduler/removal-watch.js'
import { freeOctetsOf } from '../store/ballast.js'
import type { BlockStore } from '../store/block-store.js'
import type { Documents } from '../store/documents.js'
import type { IndexedBlock } from '../store/index-entry.js'
import type { Merger } from '../store/merge.js'
import { arrivedSince, planRemoval } from '../store/retention.js'
import type { AllLimits, FromAnalysis, RetainRequest, RetentionOutcome } from './analysis-messages.js'

type Look = {
  readonly indexes: ReadonlyMap<StreamName, readonly IndexedBlock[]>
  readonly usedOctets: number
  readonly expectedOctets: number
}

export type Retained = {
  readonly store: BlockStore
  readonly merger: Merger
  readonly rollups: BlockStore
  readonly rollupMerger: Merger
}

export type RetentionNeeds = {
  readonly removals: RemovalWatch
  readonly documents: Documents
  readonly say: (message: FromAnalysis) => void
}

/** Returns what retains once, as asked; it remembers how much came from one time to the next. */
export function createRetention(
  { store, merger, rollups, rollupMerger }: Retained,
  { removals: watch, documents, say }: RetentionNeeds,
): (request: RetainRequest) => Promise<void> {
  const watchRows = watchGrowth(store)
  const watchSums = watchGrowth(rollups)
  let mergedBlocks = 0

  /** A merge needs room, so one that fails must not hold up what makes room either. */
  async function mergeBlocks(merger: Merger, nowMilliseconds: number): Promise<number> {
    try {
      return (await merger.pass(nowMilliseconds)).merged
    } catch (error) {
      say({ type: 'problem', message: `merging: ${(error as Error).message}` })
      return 0
    }
  }

  return async ({ data, ...limits }) => {
    const { nowMilliseconds } = limits
    const freeOctets = await freeOctetsOf(data)
    const rows = await watchRows()
    const { removals, reasons, isShort } = planRemoval(rows.indexes, limits, { ...rows, freeOctets })
    if (removals.length > 0) {
      for (const { stream, receivedToMilliseconds, endSequence } of removals)
        watch.remove(stream, { toMilliseconds: receivedToMilliseconds, endSequence }, nowMilliseconds)
      // First, so that a crash in between hides nothing. That it cannot be written must not hold up what makes room.
      await documents
        .put(REMOVED_TO, watch.removed)
        .catch((error: Error) => say({ type: 'problem', message: `retention: ${error.message}` }))
      await store.removeBefore(
        new Map(removals.map(({ stream, beforeSequence }) => [stream, beforeSequence])),
      )
    }
    const merged = await mergeBlocks(merger, nowMilliseconds)
    const ofRollups = await retainRollups(rollups, await watchSums(), limits, isShort, freeOctets)
    await mergeBlocks(rollupMerger, nowMilliseconds)
    mergedBlocks += merged
    const total = (read: (removal: (typeof removals)[number]) => number) =>
      removals.reduce((sum, removal) => sum + read(removal), 0)
    say({
      type: 'retained',
      outcome: {
        blocks: total(({ blocks }) => blocks),
        rows: total(({ rows }) => rows),
        octets: total(({ octets }) => octets),
        reasons,
        isShort,
        usedOctets: removals.length === 0 && merged === 0 ? rows.usedOctets : await store.usedOctets(),
        freeOctets,
        mergedBlocks,
        rollups: ofRollups,
      },
    })
  }
}

/**
 * Returns what looks at a database. What came from one look to the next may come again, and as much once more while blocks
 * are being deleted: told by the blocks, since the files may shrink meanwhile, and by the files, which hold more than blocks.
 */
function watchGrowth(store: BlockStore): () => Promise<Look> {
  let before: { readonly toSequence: number; readonly usedOctets: number } | undefined
  return async () => {
    const indexes = await indexesOf(store)
    const usedOctets = await store.usedOctets()
    const { toSequence, octets } = arrivedSince(indexes, before?.toSequence ?? 0)
    const grown = before === undefined ? 0 : Math.max(octets, usedOctets - before.usedOctets)
    before = { toSequence, usedOctets }
    return { indexes, usedOctets, expectedOctets: 2 * grown }
  }
}

async function indexesOf(store: BlockStore): Promise<Map<StreamName, readonly IndexedBlock[]>> {
  const indexes = new Map<StreamName, readonly IndexedBlock[]>()
  for (const name of streamNames) indexes.set(name, await store.index(name))
  return indexes
}

/** Sums have limits of their own; for free space they go when there are no rows left that could. */
async function retainRollups(
  rollups: BlockStore,
  { indexes, usedOctets, expectedOctets }: Look,
  limits: AllLimits,
  isShort: boolean,
  freeOctets: number,
): Promise<RetentionOutcome['rollups']> {
  const { rollupsBeforeMilliseconds: before, maximumRollupOctets, minimumFreeOctets } = limits
  const { removals } = planRemoval(
    indexes,
    {
      nowMilliseconds: limits.nowMilliseconds,
      rawBeforeMilliseconds: before,
      messagesBeforeMilliseconds: before,
      maximumOctets: maximumRollupOctets,
      minimumFreeOctets: isShort ? minimumFreeOctets : 0,
    },
    { usedOctets, freeOctets, expectedOctets },
  )
  if (removals.length > 0)
    await rollups.removeBefore(
      new Map(removals.map(({ stream, beforeSequence }) => [stream, beforeSequence])),
    )
  return {
    blocks: removals.reduce((sum, { blocks }) => sum + blocks, 0),
    rows: removals.reduce((sum, { rows }) => sum + rows, 0),
    usedOctets: await rollups.usedOctets(),
  }
}
