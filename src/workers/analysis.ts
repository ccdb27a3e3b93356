/**
 * The analysing thread: detectors, retention, the check of what is stored. It reads blocks and never writes findings;
 * what it observes goes to the main thread. Started as a worker by src/main.ts; it speaks analysis-messages.ts.
 */
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { Judge } from '../detectors/detector.js'
import { detectorNamed } from '../detectors/registry.js'
import { makeSurroundings } from '../detectors/surroundings.js'
import { type StreamName, streamNames } from '../records/columns.js'
import { evaluate } from '../scheduler/evaluate.js'
import { describeUnread, lossCoverage, unreadCoverage } from '../scheduler/hole-coverage.js'
import { type DetectorState, planRun } from '../scheduler/plan.js'
import { REMOVED_TO, RemovalWatch, type RemovedByStream } from '../scheduler/removal-watch.js'
import { type BlockStore, createBlockStore, type IndexedBlock } from '../store/blocks.js'
import { createDocuments, type Documents } from '../store/documents.js'
import { describeHoles, findHoles, holesWithin, type StoreDamage } from '../store/holes.js'
import { createMerger, type Merger } from '../store/merge.js'
import { planRemoval } from '../store/retention.js'
import { emptyScanCounts } from '../store/scan.js'
import { createScrubber } from '../store/scrub.js'
import type {
  AnalysisSetup,
  FromAnalysis,
  RetainRequest,
  RunRequest,
  ToAnalysis,
} from './analysis-messages.js'

/** A judge between two runs, and where it stands. */
type Standing = {
  readonly judge: Judge
  readonly key: string
  readonly settled: Set<string>
  readonly state: DetectorState
}

/** Detectors go through blocks once; what a step ends in, the next begins with: one block of each stream. */
const OPENED_OCTETS = 16 * 1024 * 1024

async function run({ data, sequence, stepMilliseconds, scrub }: AnalysisSetup): Promise<void> {
  const port = parentPort!
  const say = (message: FromAnalysis) => port.postMessage(message)
  const store = createBlockStore({
    location: join(data, 'blocks'),
    sequence,
    isFirst: false,
    openedOctets: OPENED_OCTETS,
  })
  await store.open()
  const documents = createDocuments({ location: join(data, 'documents') })
  await documents.open()
  const removals = new RemovalWatch(await documents.get<RemovedByStream>(REMOVED_TO))
  const standings = new Map<string, Standing>()
  const watch = createDamageWatch(store, (damage) => say({ type: 'damage', damage }))
  const merger = createMerger(store)

  const handle = async (message: ToAnalysis) => {
    switch (message.type) {
      case 'run':
        return detect(store, message, { standings, stepMilliseconds, watch, removals, say })
      case 'explain': {
        const explanation = standings
          .get(message.detector)
          ?.judge.explain?.(message.tuple, message.atMilliseconds)
        return say({ type: 'explained', id: message.id, explanation })
      }
      case 'review': {
        const review = standings.get(message.detector)?.judge.reviewPolicy?.(message.question)
        return say({ type: 'reviewed', id: message.id, review })
      }
      case 'retain':
        return retain(store, merger, message, { removals, documents, say })
      case 'stop':
        await stopScrubbing()
        await store.close()
        await documents.close()
        say({ type: 'stopped' })
        port.close()
    }
  }
  const stopScrubbing = keepScrubbing(store, scrub, say)
  // Runs one after the other, in the order in which they were asked. Retention does not wait for them: a disk would fill
  // up behind a long run, which steps over what has gone and tells of it.
  const queues = { runs: Promise.resolve(), retention: Promise.resolve() }
  const enqueue = (queue: keyof typeof queues, work: () => Promise<void>) => {
    queues[queue] = queues[queue]
      .then(work)
      .catch((error: Error) => say({ type: 'problem', message: error.message }))
  }
  port.on('message', (message: ToAnalysis) => {
    if (message.type === 'retain') enqueue('retention', () => handle(message))
    else if (message.type === 'stop') void Promise.all(Object.values(queues)).then(() => handle(message))
    else enqueue('runs', () => handle(message))
  })
  say({ type: 'ready', damage: await watch.look(0) })
}

const SCRUB_EVERY_MILLISECONDS = 1000
/** Where a killed process goes on. */
const SCRUB_TOLD_EVERY = 60

/** Scrubs beside everything else of this thread, a little each second. Returns what ends it. */
function keepScrubbing(
  store: BlockStore,
  { state, ...limits }: AnalysisSetup['scrub'],
  say: (message: FromAnalysis) => void,
): () => Promise<void> {
  if (limits.octetsPerSecond === 0) return async () => undefined
  const scrubber = createScrubber(store, limits, () => Date.now(), state)
  let step: Promise<void> | undefined
  let steps = 0
  let told = scrubber.state().damaged.length
  const tell = () => {
    told = scrubber.state().damaged.length
    say({ type: 'scrubbed', state: scrubber.state() })
  }
  const work = async () => {
    const isEnd = await scrubber.step(SCRUB_EVERY_MILLISECONDS)
    if (isEnd || ++steps % SCRUB_TOLD_EVERY === 0 || scrubber.state().damaged.length !== told) tell()
  }
  const timer = setInterval(() => {
    step ??= work()
      .catch((error: Error) => say({ type: 'problem', message: `scrubbing: ${error.message}` }))
      .finally(() => {
        step = undefined
      })
  }, SCRUB_EVERY_MILLISECONDS)
  return async () => {
    clearInterval(timer)
    await step
    tell()
  }
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

type DetectionNeeds = {
  readonly standings: Map<string, Standing>
  readonly stepMilliseconds: number
  readonly watch: DamageWatch
  readonly removals: RemovalWatch
  readonly say: (message: FromAnalysis) => void
}

async function detect(
  store: BlockStore,
  request: RunRequest,
  { standings, stepMilliseconds, watch, removals, say }: DetectionNeeds,
): Promise<void> {
  const { id, toMilliseconds } = request
  const counts = emptyScanCounts()
  const detector = detectorNamed(request.detector)!
  const { judgeKey: key, surroundings } = request
  const before = standings.get(detector.id)
  const standing = before?.key === key ? before : undefined
  standings.delete(detector.id)
  const { holes } = await watch.look(request.droppedRows)
  const plan = await planRun(store, detector, {
    state: standing?.state ?? request.state,
    hasJudge: standing !== undefined,
    toMilliseconds,
    stepMilliseconds,
    learnedToMilliseconds: surroundings.learned?.toMilliseconds,
  })
  const { judgeFromMilliseconds } = plan
  const watched = removals.begin({
    streams: detector.streams,
    judgeFromMilliseconds,
    judged: request.state,
  })
  const state: DetectorState = { judgedToMilliseconds: toMilliseconds, sequence: plan.sequence }
  // The very first run judges all there is: a stream may have lost the rows before its oldest.
  const missingFrom = request.state === undefined ? 0 : judgeFromMilliseconds
  const missing = holesWithin(holes, missingFrom, toMilliseconds)
  const hasMissingRows = () => missing.length > 0 || watched.unread() !== undefined
  const end = { type: 'done', id, fromMilliseconds: judgeFromMilliseconds, counts } as const
  try {
    const settled = standing?.settled ?? new Set<string>()
    settled.clear()
    for (const finding of surroundings.settled) settled.add(finding)
    const judge = plan.isFresh
      ? detector.start(request.settings, { ...makeSurroundings(surroundings), settled })
      : standing!.judge
    const steps = evaluate({
      store,
      judge,
      streams: detector.streams,
      fromMilliseconds: plan.readFromMilliseconds,
      toMilliseconds,
      stepMilliseconds,
      counts,
      onProgress: watched.judgedTo,
    })
    for await (const { at, observations } of steps) {
      // What lies before was judged in an earlier run; it is read again only for the judge to remember.
      if (at > judgeFromMilliseconds) say({ type: 'observations', id, observations })
    }
    const coverage = lossCoverage(detector, missing, [...counts.failed], toMilliseconds)
    if (coverage !== undefined) say({ type: 'observations', id, observations: [coverage] })
    if (missing.length > 0) counts.failures.push(describeHoles(missing))
    const unread = watched.unread()
    if (unread !== undefined) {
      say({ type: 'observations', id, observations: [unreadCoverage(detector, unread)] })
      counts.failures.push(describeUnread(unread))
    }
    standings.set(detector.id, { judge, key, settled, state })
    const learned = request.wantsLearned ? judge.learned?.() : undefined
    say({
      ...end,
      state,
      hasMissingRows: hasMissingRows(),
      ...(learned === undefined ? {} : { learned }),
    })
  } catch (error) {
    const reached = request.state ?? { judgedToMilliseconds: judgeFromMilliseconds, sequence: 0 }
    const { message } = error as Error
    say({ ...end, state: reached, hasMissingRows: hasMissingRows(), error: message })
  } finally {
    watched.end()
  }
}

/** Octets of the database at the last look; 0 before the first. */
let usedBefore = 0
let mergedBlocks = 0

type RetentionNeeds = {
  readonly removals: RemovalWatch
  readonly documents: Documents
  readonly say: (message: FromAnalysis) => void
}

/** Deletes what the limits do not let stay, and puts small blocks together. */
async function retain(
  store: BlockStore,
  merger: Merger,
  { type: _type, data, nowMilliseconds, ...limits }: RetainRequest,
  { removals: watch, documents, say }: RetentionNeeds,
): Promise<void> {
  const indexes = new Map<StreamName, readonly IndexedBlock[]>()
  for (const name of streamNames) indexes.set(name, await store.index(name))
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
    },
  })
}

await run(workerData as AnalysisSetup)
