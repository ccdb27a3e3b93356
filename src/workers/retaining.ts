/** Deletes what the limits do not let stay, of rows and of their sums, and puts small blocks together. */
import { statfs } from 'node:fs/promises'
import { type StreamName, streamNames } from '../records/columns.js'
import { REMOVED_TO, type RemovalWatch } from '../scheduler/removal-watch.js'
import type { BlockStore, IndexedBlock } from '../store/blocks.js'
import type { Documents } from '../store/documents.js'
import type { Merger } from '../store/merge.js'
import { planRemoval } from '../store/retention.js'
import type { AllLimits, FromAnalysis, RetainRequest, RetentionOutcome } from './analysis-messages.js'

/** Octets of the database at the last look; 0 before the first. */
let usedBefore = 0
let mergedBlocks = 0

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

export async function retain(
  { store, merger, rollups, rollupMerger }: Retained,
  { type: _type, data, nowMilliseconds, ...limits }: RetainRequest,
  { removals: watch, documents, say }: RetentionNeeds,
): Promise<void> {
  const indexes = await indexesOf(store)
  const usedOctets = await store.usedOctets()
  const { bavail, bsize } = await statfs(data)
  // What came since the last look may come again, and as much once more while blocks are being deleted.
  const expectedOctets = usedBefore === 0 ? 0 : 2 * Math.max(0, usedOctets - usedBefore)
  const space = { usedOctets, freeOctets: bavail * bsize, expectedOctets }
  const { removals, reasons, isShort } = planRemoval(indexes, limits, space)
  if (removals.length > 0) {
    for (const { stream, receivedToMilliseconds, endSequence } of removals)
      watch.remove(stream, { toMilliseconds: receivedToMilliseconds, endSequence }, nowMilliseconds)
    // First, so that a crash in between hides nothing. That it cannot be written must not hold up what makes room.
    await documents
      .put(REMOVED_TO, watch.removed)
      .catch((error: Error) => say({ type: 'problem', message: `retention: ${error.message}` }))
    await store.removeBefore(new Map(removals.map(({ stream, beforeSequence }) => [stream, beforeSequence])))
  }
  const { merged } = await merger.pass(nowMilliseconds)
  const ofRollups = await retainRollups(rollups, limits, isShort, space.freeOctets)
  await rollupMerger.pass(nowMilliseconds)
  mergedBlocks += merged
  usedBefore = removals.length === 0 && merged === 0 ? usedOctets : await store.usedOctets()
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
      usedOctets: usedBefore,
      freeOctets: space.freeOctets,
      mergedBlocks,
      rollups: ofRollups,
    },
  })
}

async function indexesOf(store: BlockStore): Promise<Map<StreamName, readonly IndexedBlock[]>> {
  const indexes = new Map<StreamName, readonly IndexedBlock[]>()
  for (const name of streamNames) indexes.set(name, await store.index(name))
  return indexes
}

/** Sums have limits of their own; for free space they go when there are no rows left that could. */
async function retainRollups(
  rollups: BlockStore,
  limits: AllLimits,
  isShort: boolean,
  freeOctets: number,
): Promise<RetentionOutcome['rollups']> {
  const { rollupsBeforeMilliseconds: before, maximumRollupOctets, minimumFreeOctets } = limits
  const plan = planRemoval(
    await indexesOf(rollups),
    {
      rawBeforeMilliseconds: before,
      messagesBeforeMilliseconds: before,
      maximumOctets: maximumRollupOctets,
      minimumFreeOctets: isShort ? minimumFreeOctets : 0,
    },
    { usedOctets: await rollups.usedOctets(), freeOctets, expectedOctets: 0 },
  )
  const { removals } = plan
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
