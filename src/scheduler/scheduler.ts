/**
 * When detectors run: at a steady interval, never two runs of one at a time, catching up after a stop from where each
 * detector had come. Every run is written down with its outcome; one that the process did not survive stays
 * "interrupted".
 */
import { randomUUID } from 'node:crypto'
import { Cron } from 'croner'
import type { Clock } from '../clock.js'
import { emptyContext } from '../context/data.js'
import type { Detector, Learned } from '../detectors/detector.js'
import type { KeyedSurroundings } from '../detectors/surroundings.js'
import type { Observation } from '../findings/finding.js'
import type { FindingRepository } from '../findings/repository.js'
import type { Run, RunRepository } from '../findings/runs.js'
import type { Documents } from '../store/documents.js'
import { emptyScanCounts } from '../store/scan.js'
import type { AnalysisClient, RunEnd } from '../workers/analysis-client.js'
import { floorTo } from './evaluate.js'
import type { DetectorState } from './plan.js'

const STATE_PREFIX = 'detector/'

/** Rows are written within a second of receipt; a run judges up to this much before now. */
const SETTLED_MILLISECONDS = 3000

/** A clock that is set back by no more is soon where it was. */
const SET_BACK_MILLISECONDS = 60_000

/** What a judge has learned since is learned again from the rows after a stop. */
const KEEP_LEARNED_EVERY_MILLISECONDS = 600_000

export type ScheduledDetector = {
  readonly detector: Detector
  readonly settings: Readonly<Record<string, unknown>>
}

export type Scheduler = {
  /** Runs every detector at once, to catch up, and then at the interval. */
  start(): void
  /** Runs one detector now; undefined when it is running already. */
  runNow(detectorId: string): Promise<Run | undefined>
  /** Ends the schedule and waits for runs in hand. */
  close(): Promise<void>
}

export type SchedulerOptions = {
  readonly detectors: readonly ScheduledDetector[]
  readonly intervalSeconds: number
  readonly stepMilliseconds: number
  readonly analysis: AnalysisClient
  readonly documents: Documents
  readonly findings: FindingRepository
  readonly runs: RunRepository
  /** Rows that could not be written since the start. */
  readonly droppedRows: () => number
  readonly clock: Clock
  /** What a detector's judge is told beside rows. */
  readonly surroundingsOf: (detector: string) => Promise<KeyedSurroundings>
  /** Takes what a detector has learned, now and then. */
  readonly onLearned: (detector: string, learned: Learned) => Promise<void>
  readonly onRun: (run: Run) => void
  /** Told of findings as they are made or changed. */
  readonly onFinding: (observation: Observation, change: 'created' | 'updated') => void
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  const {
    detectors,
    intervalSeconds,
    stepMilliseconds,
    analysis,
    documents,
    findings,
    runs,
    droppedRows,
    clock,
    surroundingsOf,
    onLearned,
    onRun,
    onFinding,
  } = options
  const { now } = clock
  const running = new Map<string, Promise<Run | undefined>>()
  const jobs: Cron[] = []
  /** By detector: the key of the judge that stands, and when what it learned was last kept. */
  const judges = new Map<string, { readonly key: string; readonly keptAtMilliseconds: number }>()

  async function runOne({ detector, settings }: ScheduledDetector): Promise<Run | undefined> {
    const toMilliseconds = floorTo(now() - clock.span(SETTLED_MILLISECONDS), stepMilliseconds)
    const state = await documents.get<DetectorState>(STATE_PREFIX + detector.id)
    // Nothing new; but a clock that was set back by more must not be waited for.
    const judgedAhead = (state?.judgedToMilliseconds ?? Number.NEGATIVE_INFINITY) - toMilliseconds
    if (judgedAhead >= 0 && judgedAhead <= SET_BACK_MILLISECONDS) return undefined
    const begun: Run = {
      id: randomUUID(),
      detector: detector.id,
      fromMilliseconds: state?.judgedToMilliseconds ?? 0,
      toMilliseconds,
      startedAtMilliseconds: now(),
      outcome: 'running',
      ...counted(emptyScanCounts()),
      observations: 0,
      created: 0,
      updated: 0,
    }
    await runs.record(begun)
    const tally = { observations: 0, created: 0, updated: 0 }
    const take = async (observations: readonly Observation[]) => {
      tally.observations += observations.length
      for (const [index, change] of (await findings.upsert(observations)).entries()) {
        if (change === 'unchanged') continue
        tally[change]++
        onFinding(observations[index]!, change)
      }
    }
    let run: Run
    try {
      const { key, data, learned } = await surroundingsOf(detector.id)
      const judgeKey = `${JSON.stringify(settings)} ${key}`
      const standing = judges.get(detector.id)
      const isStanding = standing?.key === judgeKey
      judges.delete(detector.id)
      const keptAtMilliseconds = isStanding ? standing.keptAtMilliseconds : 0
      const wantsLearned = Math.abs(now() - keptAtMilliseconds) >= clock.span(KEEP_LEARNED_EVERY_MILLISECONDS)
      const request = {
        id: begun.id,
        detector: detector.id,
        settings,
        judgeKey,
        // What the judge that stands knows already need not cross to its thread again.
        surroundings: isStanding ? { ...data, context: emptyContext } : { ...data, learned: await learned() },
        wantsLearned,
        state,
        toMilliseconds,
        droppedRows: droppedRows(),
      }
      const end = await analysis.run(request, take)
      run = {
        ...begun,
        ...tally,
        ...counted(end.counts),
        fromMilliseconds: end.fromMilliseconds,
        endedAtMilliseconds: now(),
        outcome: outcomeOf(end),
        ...(end.error === undefined ? {} : { error: end.error }),
      }
      if (end.counts.failures.length > 0) run = { ...run, error: end.counts.failures.join('; ') }
      if (end.learned !== undefined) await onLearned(detector.id, end.learned)
      await documents.put(STATE_PREFIX + detector.id, end.state)
      if (end.error === undefined)
        judges.set(detector.id, {
          key: judgeKey,
          keptAtMilliseconds: wantsLearned ? now() : keptAtMilliseconds,
        })
    } catch (error) {
      run = {
        ...begun,
        ...tally,
        endedAtMilliseconds: now(),
        outcome: 'failed',
        error: (error as Error).message,
      }
    }
    await runs.record(run)
    onRun(run)
    return run
  }

  function runNow(scheduled: ScheduledDetector): Promise<Run | undefined> {
    const { id } = scheduled.detector
    if (running.has(id)) return Promise.resolve(undefined)
    const run = runOne(scheduled).finally(() => running.delete(id))
    running.set(id, run)
    return run
  }

  return {
    start() {
      for (const scheduled of detectors) {
        const seconds = Math.max(1, Math.round(clock.timer(intervalSeconds * 1000) / 1000))
        const every = { protect: true, interval: seconds }
        jobs.push(new Cron('* * * * * *', every, () => runNow(scheduled).then(() => undefined)))
        void runNow(scheduled)
      }
    },
    runNow(detectorId) {
      const scheduled = detectors.find(({ detector }) => detector.id === detectorId)
      return scheduled === undefined ? Promise.resolve(undefined) : runNow(scheduled)
    },
    async close() {
      for (const job of jobs) job.stop()
      await Promise.allSettled(running.values())
    },
  }
}

/** Rows that are gone leave the run as partial as a block that cannot be read. */
function outcomeOf({ error, counts, hasMissingRows }: RunEnd): Run['outcome'] {
  if (error !== undefined) return 'failed'
  return counts.blocksFailed > 0 || hasMissingRows ? 'partial' : 'ok'
}

function counted({
  rowsRead,
  blocksRead,
  blocksFailed,
}: {
  rowsRead: number
  blocksRead: number
  blocksFailed: number
}) {
  return { rowsRead, blocksRead, blocksFailed }
}
