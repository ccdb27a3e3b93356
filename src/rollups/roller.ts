/**
 * Makes rollups as time goes: a bucket is summed when it has been over for a while, hours when their five minutes are
 * there. The rows of a bucket and the note of how far that goes are written at once, so that after any end of the process
 * each row counts exactly once.
 */
import type { StreamName } from '../records/columns.js'
import type { BlockStore } from '../store/block-store.js'
import { decodeProgress, encodeProgress, type Progress } from '../store/rollup-progress.js'
import { receivedRange } from '../store/scan.js'
import { type Cut, nextCut, sumRows } from './pass.js'
import { rollupRows } from './rows.js'
import { fiveMinutes, hours, type Rollup } from './schema.js'

/** Rows are written so long after they were received at most; those that come later make rows of their own. */
const SETTLE_MILLISECONDS = 30_000
/** Of a bucket and family that are kept apart. */
export const MAXIMUM_GROUPS = 262_144

/** What one step did. */
export type RollStep = {
  readonly rollup: 'fiveMinutes' | 'hours'
  readonly rows: number
  readonly rollupRows: number
  readonly octets: number
  readonly progress: Progress
}

export type Roller = {
  /** Sums the next bucket that is over by now; undefined when there is none. */
  step(nowMilliseconds: number): Promise<RollStep | undefined>
  /** As it was noted last; undefined before the first step. */
  progress(): Progress | undefined
}

export type RollerOptions = {
  /** Of rows as they came in. */
  readonly blocks: BlockStore
  /** Of sums; the roller alone writes there. */
  readonly rollups: BlockStore
  readonly maximumGroups?: number
}

export function createRoller({ blocks, rollups, maximumGroups = MAXIMUM_GROUPS }: RollerOptions): Roller {
  let progress: Progress | undefined

  const sumNext = async (
    name: RollStep['rollup'],
    rollup: Rollup,
    store: BlockStore,
    cut: Cut,
    known: Progress,
    nowMilliseconds: number,
  ): Promise<RollStep> => {
    const { contexts, groups, toSequence, rows, unreadRows } = await sumRows(
      store,
      rollup,
      cut,
      maximumGroups,
    )
    const isWhole = toSequence === cut.toSequence
    const reached = isWhole ? cut.bucketEndMilliseconds : 0
    const after: Progress = {
      ...known,
      unreadRows: known.unreadRows + unreadRows,
      togetherRows: groups.reduce((sum, each) => sum + each.togetherRows, known.togetherRows),
      ...(rollup === fiveMinutes
        ? {
            rawSequence: toSequence,
            summedToMilliseconds: Math.max(known.summedToMilliseconds, reached),
          }
        : {
            rollupSequence: toSequence,
            hoursToMilliseconds: Math.max(known.hoursToMilliseconds, reached),
          }),
    }
    const builders = (function* () {
      for (const each of groups) yield* rollupRows(rollup, contexts, each)
    })()
    // Where that fails the note may be written or not: the next step looks.
    progress = undefined
    const written = await rollups.appendNoted(builders, nowMilliseconds, encodeProgress(after))
    progress = after
    return { rollup: name, rows, rollupRows: written.rows, octets: written.octets, progress: after }
  }

  return {
    progress: () => progress,
    async step(nowMilliseconds) {
      progress ??= decodeProgress(await rollups.note()) ?? (await beginning(blocks, rollups))
      const length = fiveMinutes.bucketMilliseconds
      const closed = Math.floor((nowMilliseconds - SETTLE_MILLISECONDS) / length) * length
      const known = progress
      const cut = await nextCut(blocks, fiveMinutes, known.rawSequence, closed)
      if (cut !== undefined) return sumNext('fiveMinutes', fiveMinutes, blocks, cut, known, nowMilliseconds)
      const summedTo = Math.max(known.summedToMilliseconds, closed)
      const hoursTo = Math.floor(summedTo / hours.bucketMilliseconds) * hours.bucketMilliseconds
      const cutOfHours = await nextCut(rollups, hours, known.rollupSequence, hoursTo)
      if (cutOfHours !== undefined)
        return sumNext('hours', hours, rollups, cutOfHours, known, nowMilliseconds)
      if (summedTo === known.summedToMilliseconds && hoursTo <= known.hoursToMilliseconds) return undefined
      // Nothing came in the time that is over, or it was summed already.
      progress = {
        ...known,
        summedToMilliseconds: summedTo,
        hoursToMilliseconds: Math.max(known.hoursToMilliseconds, hoursTo),
      }
      await rollups.appendNoted([], nowMilliseconds, encodeProgress(progress))
      return undefined
    },
  }
}

/**
 * Where a roller begins that finds no note: at the oldest rows, or, where a repair lost the note and there are sums, behind
 * the newest of those.
 */
async function beginning(blocks: BlockStore, rollups: BlockStore): Promise<Progress> {
  return {
    rawSequence: await sequenceBehind(blocks, fiveMinutes, rollups),
    rollupSequence: await sequenceBehind(rollups, hours, rollups),
    summedToMilliseconds: 0,
    hoursToMilliseconds: 0,
    unreadRows: 0,
    togetherRows: 0,
  }
}

async function sequenceBehind(
  store: BlockStore,
  { sources, targets, bucketMilliseconds }: Rollup,
  rollups: BlockStore,
): Promise<number> {
  const names: readonly StreamName[] = [targets[4], targets[6]]
  const summed = await receivedRange(rollups, names)
  const from = summed === undefined ? 0 : summed.toMilliseconds + bucketMilliseconds
  let sequence = store.sequence.watermark()
  for (const name of sources)
    for (const entry of await store.index(name))
      if (entry.damage === undefined && entry.receivedFromMilliseconds >= from)
        sequence = Math.min(sequence, entry.firstSequence)
  return sequence
}
