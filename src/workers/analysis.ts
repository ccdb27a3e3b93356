/**
 * The analysing thread: detectors, retention, the check of what is stored. It reads blocks and never writes findings;
 * what it observes goes to the main thread. Started as a worker by src/main.ts; it speaks analysis-messages.ts.
 */
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { Judge } from '../detectors/detector.js'
import { detectorNamed } from '../detectors/registry.js'
import { type StreamName, streamNames } from '../records/columns.js'
import { evaluate } from '../scheduler/evaluate.js'
import { describeHoles, holesWithin, lossCoverage, rowsOfHoles } from '../scheduler/hole-coverage.js'
import { type DetectorState, planRun } from '../scheduler/plan.js'
import { type BlockStore, createBlockStore, type IndexedBlock } from '../store/blocks.js'
import { findHoles, type StoreDamage } from '../store/holes.js'
import { createMerger, type Merger } from '../store/merge.js'
import { planRemoval } from '../store/retention.js'
import { emptyScanCounts } from '../store/scan.js'
import type { ScrubDamage } from '../store/scrub.js'
import type {
  AllLimits,
  AnalysisSetup,
  FromAnalysis,
  RetainRequest,
  RetentionOutcome,
  RunRequest,
  ToAnalysis,
} from './analysis-messages.js'
import { keepRolling } from './rolling.js'
import { keepScrubbing } from './scrubbing.js'

/** A judge between two runs, and where it stands. */
type Standing = { readonly judge: Judge; readonly settings: string; readonly state: DetectorState }

async function run(setup: AnalysisSetup): Promise<void> {
  const { data, sequence, stepMilliseconds, scrub } = setup
  const port = parentPort!
  const say = (message: FromAnalysis) => port.postMessage(message)
  const store = createBlockStore({ location: join(data, 'blocks'), sequence, isFirst: false })
  await store.open()
  const rollups = createBlockStore({
    location: join(data, 'rollups'),
    what: 'rollups',
    sequence: setup.rollupSequence,
    isFirst: false,
  })
  await rollups.open()
  const standings = new Map<string, Standing>()
  const watch = createDamageWatch(store, (damage) => say({ type: 'damage', damage }))
  const merger = createMerger(store)
  const rollupMerger = createMerger(rollups)

  const handle = async (message: ToAnalysis) => {
    switch (message.type) {
      case 'run':
        return detect(store, message, standings, stepMilliseconds, watch, say)
      case 'retain':
        return retain({ store, merger, rollups, rollupMerger }, message, say)
      case 'stop':
        await stopRolling()
        await stopScrubbing()
        await stopScrubbingSums()
        await rollups.close()
        await store.close()
        say({ type: 'stopped' })
        port.close()
    }
  }
  const problem = (message: string) => say({ type: 'problem', message })
  const stopScrubbing = keepScrubbing(store, scrub, {
    state: (state) => say({ type: 'scrubbed', state }),
    problem,
  })
  // Sums are few: their scrubbing begins anew with each start.
  let damagedSums: readonly ScrubDamage[] = []
  const stopScrubbingSums = keepScrubbing(
    rollups,
    { ...scrub, state: undefined },
    {
      state({ damaged }) {
        for (const { name, reason } of damaged.slice(damagedSums.length))
          problem(`rollups ${name}: ${reason}`)
        damagedSums = damaged
      },
      problem,
    },
  )
  const { enabled, stopBelowFreeOctets } = setup.rollups
  const stopRolling = enabled
    ? keepRolling({
        data,
        blocks: store,
        rollups,
        stopBelowFreeOctets,
        damaged: () => damagedSums.length,
        say,
      })
    : async () => undefined
  // Runs one after the other, in the order in which they were asked. Retention does not wait for them: a disk would fill
  // up behind a long run, which steps over what has gone.
  const queues = { runs: Promise.resolve(), retention: Promise.resolve() }
  const enqueue = (queue: keyof typeof queues, work: () => Promise<void>) => {
    queues[queue] = queues[queue]
      .then(work)
      .catch((error: Error) => say({ type: 'problem', message: error.message }))
  }
  port.on('message', (message: ToAnalysis) => {
    if (message.type === 'retain') enqueue('retention', () => handle(message))
    else if (message.type === 'run') enqueue('runs', () => handle(message))
    else void Promise.all(Object.values(queues)).then(() => handle(message))
  })
  say({ type: 'ready', damage: await watch.look(0) })
}

/** A look at all blocks costs time where there are many. */
const LOOK_EVERY_MILLISECONDS = 300_000

type DamageWatch = {
  /** What is missing now; looked for anew after a while, and when further rows could not be written. */
  look(droppedRows: number): Promise<StoreDamage>
}

function createDamageWatch(store: BlockStore, onChange: (damage: StoreDamage) => void): DamageWatch {
  let damage: StoreDamage | undefined
  let lookedAt = 0
  let dropped = 0
  return {
    async look(droppedRows) {
      const isFresh = droppedRows === dropped && performance.now() - lookedAt < LOOK_EVERY_MILLISECONDS
      if (damage !== undefined && isFresh) return damage
      lookedAt = performance.now()
      dropped = droppedRows
      const before = damage
      damage = await findHoles(store, store.sequence.watermark())
      if (before !== undefined && JSON.stringify(before) !== JSON.stringify(damage)) onChange(damage)
      return damage
    },
  }
}

async function detect(
  store: BlockStore,
  request: RunRequest,
  standings: Map<string, Standing>,
  stepMilliseconds: number,
  watch: DamageWatch,
  say: (message: FromAnalysis) => void,
): Promise<void> {
  const { id, toMilliseconds } = request
  const counts = emptyScanCounts()
  const detector = detectorNamed(request.detector)!
  const settings = JSON.stringify(request.settings)
  const before = standings.get(detector.id)
  const standing = before?.settings === settings ? before : undefined
  standings.delete(detector.id)
  const plan = await planRun(store, detector, {
    state: standing?.state ?? request.state,
    hasJudge: standing !== undefined,
    toMilliseconds,
    stepMilliseconds,
  })
  const state: DetectorState = { judgedToMilliseconds: toMilliseconds, sequence: plan.sequence }
  const { holes } = await watch.look(request.droppedRows)
  // The very first run judges all there is: a stream may have lost the rows before its oldest.
  const missingFrom = request.state === undefined ? 0 : plan.judgeFromMilliseconds
  const missing = holesWithin(holes, missingFrom, toMilliseconds)
  const lostRows = rowsOfHoles(missing)
  try {
    const judge = plan.isFresh ? detector.start(request.settings) : standing!.judge
    const steps = evaluate({
      store,
      judge,
      streams: detector.streams,
      fromMilliseconds: plan.readFromMilliseconds,
      toMilliseconds,
      stepMilliseconds,
      counts,
    })
    for await (const { at, observations } of steps) {
      // What lies before was judged in an earlier run; it is read again only for the judge to remember.
      if (at > plan.judgeFromMilliseconds) say({ type: 'observations', id, observations })
    }
    const coverage = lossCoverage(detector, missing, [...counts.failed], toMilliseconds)
    if (coverage !== undefined) say({ type: 'observations', id, observations: [coverage] })
    if (lostRows > 0) counts.failures.push(describeHoles(missing))
    standings.set(detector.id, { judge, settings, state })
    say({ type: 'done', id, fromMilliseconds: plan.judgeFromMilliseconds, state, counts, lostRows })
  } catch (error) {
    const reached = request.state ?? { judgedToMilliseconds: plan.judgeFromMilliseconds, sequence: 0 }
    say({
      type: 'done',
      id,
      fromMilliseconds: plan.judgeFromMilliseconds,
      state: reached,
      counts,
      lostRows,
      error: (error as Error).message,
    })
  }
}

/** Octets of the database at the last look; 0 before the first. */
let usedBefore = 0
let mergedBlocks = 0

type Retained = {
  readonly store: BlockStore
  readonly merger: Merger
  readonly rollups: BlockStore
  readonly rollupMerger: Merger
}

/** Deletes what the limits do not let stay, and puts small blocks together. */
async function retain(
  { store, merger, rollups, rollupMerger }: Retained,
  { type: _type, data, nowMilliseconds, ...limits }: RetainRequest,
  say: (message: FromAnalysis) => void,
): Promise<void> {
  const indexes = await indexesOf(store)
  const usedOctets = await store.usedOctets()
  const { bavail, bsize } = await statfs(data)
  // What came since the last look may come again, and as much once more while blocks are being deleted.
  const expectedOctets = usedBefore === 0 ? 0 : 2 * Math.max(0, usedOctets - usedBefore)
  const space = { usedOctets, freeOctets: bavail * bsize, expectedOctets }
  const { removals, reasons, isShort } = planRemoval(indexes, limits, space)
  if (removals.length > 0)
    await store.removeBefore(new Map(removals.map(({ stream, beforeSequence }) => [stream, beforeSequence])))
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

await run(workerData as AnalysisSetup)
