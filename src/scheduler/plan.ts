/**
 * What a run must read: from where the last one ended, further back when a judge has to remember or when rows came whose
 * receive time lies before what was judged already (an import), and everything on the very first run.
 */
import type { Detector } from '../detectors/detector.js'
import type { BlockStore } from '../store/block-store.js'
import { receivedRange } from '../store/scan.js'
import { floorTo } from './evaluate.js'

/** How far a detector has come; kept over restarts. */
export type DetectorState = {
  /** Rows received before have been judged. */
  readonly judgedToMilliseconds: number
  /** Rows below this sequence were there when they were judged. */
  readonly sequence: number
}

/** Rows may be written this much after they were received; later ones are an import. */
const LATE_MILLISECONDS = 30_000

export type RunPlan = {
  /** Observations of evaluations after this time are new. */
  readonly judgeFromMilliseconds: number
  readonly readFromMilliseconds: number
  /** True when the judge must begin anew. */
  readonly isFresh: boolean
  /** Rows below this sequence are there now. */
  readonly sequence: number
}

export async function planRun(
  store: BlockStore,
  detector: Detector,
  options: {
    readonly state: DetectorState | undefined
    readonly hasJudge: boolean
    readonly toMilliseconds: number
    readonly stepMilliseconds: number
    /** Rows received before have been learned from; a judge that begins goes on there. Asked when one does. */
    readonly learnedTo?: () => number | undefined
  },
): Promise<RunPlan> {
  const { state, hasJudge, toMilliseconds, stepMilliseconds } = options
  const sequence = store.sequence.watermark()
  const range = await receivedRange(store, detector.streams)
  const oldest = range === undefined ? toMilliseconds : floorTo(range.fromMilliseconds, stepMilliseconds)
  if (state === undefined) {
    return { judgeFromMilliseconds: oldest, readFromMilliseconds: oldest, isFresh: true, sequence }
  }
  const judgedTo = state.judgedToMilliseconds
  const late = await receivedRange(store, detector.streams, state.sequence)
  const lateFrom = late === undefined ? judgedTo : floorTo(late.fromMilliseconds, stepMilliseconds)
  // By a clock that was ahead and was set back: what comes now lies before what was judged.
  const isSetBack = judgedTo > toMilliseconds
  const isLate = isSetBack || lateFrom < judgedTo - LATE_MILLISECONDS
  const judgeFrom = isLate ? Math.min(lateFrom, toMilliseconds) : judgedTo
  if (hasJudge && !isLate) {
    return { judgeFromMilliseconds: judgeFrom, readFromMilliseconds: judgeFrom, isFresh: false, sequence }
  }
  const from = Math.min(judgeFrom, options.learnedTo?.() ?? judgeFrom)
  const readFrom = Math.max(oldest, floorTo(from - detector.lookbackMilliseconds, stepMilliseconds))
  return {
    judgeFromMilliseconds: judgeFrom,
    readFromMilliseconds: Math.min(readFrom, judgeFrom),
    isFresh: true,
    sequence,
  }
}
