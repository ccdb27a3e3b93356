/** One run of a detector: from where it stands, or anew with what was learned, over the rows that are there. */
import type { ContextData } from '../context/data.js'
import type { Judge } from '../detectors/detector.js'
import { detectorNamed } from '../detectors/registry.js'
import { makeSurroundings, type SurroundingsData } from '../detectors/surroundings.js'
import type { Observation } from '../findings/finding.js'
import { evaluate } from '../scheduler/evaluate.js'
import { describeUnread, lossCoverage, unreadCoverage } from '../scheduler/hole-coverage.js'
import { type DetectorState, planRun } from '../scheduler/plan.js'
import type { RemovalWatch } from '../scheduler/removal-watch.js'
import type { BlockStore } from '../store/block-store.js'
import { describeHoles, holesWithin } from '../store/holes.js'
import { emptyScanCounts } from '../store/scan.js'
import type { FromAnalysis, RunRequest } from './analysis-messages.js'
import type { DamageWatch } from './damage-watch.js'
import type { ObservationWindow } from './observation-window.js'

/** A judge between two runs, and where it stands. */
export type Standing = {
  readonly judge: Judge
  readonly key: string
  /** What it was told when it began. */
  readonly context: ContextData
  readonly settled: Set<string>
  readonly state: DetectorState
}

export type DetectionNeeds = {
  readonly standings: Map<string, Standing>
  readonly stepMilliseconds: number
  readonly watch: DamageWatch
  readonly removals: RemovalWatch
  readonly observations: ObservationWindow
  readonly say: (message: FromAnalysis) => void
}

/** Observations a message: a step may have thousands, and what is under way is in memory twice. */
const SENT_TOGETHER = 64

/**
 * What a judge is told that begins now. Where one stands, the request is without what that one knows: a new one in its place, as
 * for rows that came late, is told so by it.
 */
export function knownTo(
  standing: Pick<Standing, 'context' | 'judge'> | undefined,
  { surroundings, toMilliseconds }: Pick<RunRequest, 'surroundings' | 'toMilliseconds'>,
): SurroundingsData {
  const context = standing?.context ?? surroundings.context
  const learned = standing === undefined ? surroundings.learned : standing.judge.learned?.()
  if (learned === undefined) return { ...surroundings, context, learned }
  // What a clock that was ahead has left would keep it from learning until that time.
  const learnedTo = Math.min(learned.toMilliseconds, toMilliseconds)
  return { ...surroundings, context, learned: { ...learned, toMilliseconds: learnedTo } }
}

export async function detect(
  store: BlockStore,
  request: RunRequest,
  { standings, stepMilliseconds, watch, removals, observations: underWay, say }: DetectionNeeds,
): Promise<void> {
  const { id, toMilliseconds } = request
  const counts = emptyScanCounts()
  const detector = detectorNamed(request.detector)!
  const { judgeKey: key } = request
  const before = standings.get(detector.id)
  const standing = before?.key === key ? before : undefined
  standings.delete(detector.id)
  const context = standing?.context ?? request.surroundings.context
  // Of a judge that stands it is much, and seldom wanted.
  let known: SurroundingsData | undefined
  const surroundings = () => {
    known ??= knownTo(standing, request)
    return known
  }
  const { holes } = await watch.look(request.droppedRows)
  const plan = await planRun(store, detector, {
    state: standing?.state ?? request.state,
    hasJudge: standing !== undefined,
    toMilliseconds,
    stepMilliseconds,
    learnedTo: () => surroundings().learned?.toMilliseconds,
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
  const tell = async (observations: readonly Observation[]) => {
    for (let from = 0; from < observations.length; from += SENT_TOGETHER) {
      const some = observations.slice(from, from + SENT_TOGETHER)
      say({ type: 'observations', id, observations: some })
      await underWay.sent(some.length)
    }
  }
  const end = { type: 'done', id, fromMilliseconds: judgeFromMilliseconds, counts } as const
  try {
    const settled = standing?.settled ?? new Set<string>()
    settled.clear()
    for (const finding of request.surroundings.settled) settled.add(finding)
    const judge = plan.isFresh
      ? detector.start(request.settings, { ...makeSurroundings(surroundings()), settled })
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
      if (at > judgeFromMilliseconds) await tell(observations)
    }
    const coverage = lossCoverage(detector, missing, [...counts.failed], toMilliseconds)
    if (coverage !== undefined) await tell([coverage])
    if (missing.length > 0) counts.failures.push(describeHoles(missing))
    const unread = watched.unread()
    if (unread !== undefined) {
      await tell([unreadCoverage(detector, unread)])
      counts.failures.push(describeUnread(unread))
    }
    standings.set(detector.id, { judge, key, context, settled, state })
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
