/** The main thread's side of the analysing thread: requests as promises, observations as they come. */
import { randomUUID } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { PolicyReview } from '../context/policy-review.js'
import type { Explanation } from '../detectors/detector.js'
import type { Observation } from '../findings/finding.js'
import type { StoreDamage } from '../store/holes.js'
import type { ScrubState } from '../store/scrub.js'
import type {
  AllLimits,
  AnalysisSetup,
  ExplainRequest,
  FromAnalysis,
  RetentionOutcome,
  ReviewRequest,
  RollupState,
  RunRequest,
  ToAnalysis,
} from './analysis-messages.js'
import { throughBlocks } from './resource-limits.js'

export type RunEnd = Extract<FromAnalysis, { type: 'done' }>

export type AnalysisClient = {
  /** Starts the thread; resolves with what it found of the store. */
  start(): Promise<StoreDamage>
  /** Runs a detector; `onObservations` is awaited before the next batch is looked at. */
  run(
    request: Omit<RunRequest, 'type'>,
    onObservations: (observations: readonly Observation[]) => Promise<void>,
  ): Promise<RunEnd>
  /** Asks a detector's judge about a tuple; undefined before its first run, and where it has no baseline. */
  explain(question: Omit<ExplainRequest, 'type' | 'id'>): Promise<Explanation | undefined>
  /** Holds sanctioned services against what a detector learned; undefined likewise. */
  review(question: Omit<ReviewRequest, 'type' | 'id'>): Promise<PolicyReview | undefined>
  /** Deletes what the limits do not let stay, and puts small blocks together. */
  retain(limits: AllLimits & { readonly nowMilliseconds: number }): Promise<RetentionOutcome>
  close(): Promise<void>
}

export type AnalysisClientOptions = {
  readonly setup: AnalysisSetup
  readonly onProblem: (message: string) => void
  /** What is missing or unreadable, whenever it was looked at. */
  readonly onDamage: (damage: StoreDamage) => void
  /** How far scrubbing has come, now and then and when it found something. */
  readonly onScrub: (state: ScrubState) => void
  /** How far sums of rows have come. */
  readonly onRolled: (state: RollupState) => void
  /** Told when the thread ended though nobody asked it to. */
  readonly onDeath: (error: Error) => void
}

type Run = {
  readonly onObservations: (observations: readonly Observation[]) => Promise<void>
  taken: Promise<void>
  readonly resolve: (end: RunEnd) => void
  readonly reject: (error: Error) => void
}

export function createAnalysisClient({
  setup,
  onProblem,
  onDamage,
  onScrub,
  onRolled,
  onDeath,
}: AnalysisClientOptions): AnalysisClient {
  const runs = new Map<string, Run>()
  const questions = new Map<string, (explanation: Explanation | undefined) => void>()
  const reviews = new Map<string, (review: PolicyReview | undefined) => void>()
  let worker: Worker | undefined
  let isReady = false
  let isClosing = false
  let whenReady: ((found: StoreDamage) => void) | undefined
  let retaining: { resolve: (outcome: RetentionOutcome) => void; reject: (error: Error) => void } | undefined
  let whenStopped: (() => void) | undefined

  const tell = (message: ToAnalysis) => worker?.postMessage(message)
  const hear = (message: FromAnalysis) => {
    switch (message.type) {
      case 'ready':
        isReady = true
        onDamage(message.damage)
        whenReady?.(message.damage)
        break
      case 'damage':
        onDamage(message.damage)
        break
      case 'observations': {
        const { id, observations } = message
        const run = runs.get(id)
        const taken = () => tell({ type: 'taken', count: observations.length })
        if (run === undefined) taken()
        else run.taken = run.taken.then(() => run.onObservations(observations)).finally(taken)
        break
      }
      case 'done': {
        const run = runs.get(message.id)
        runs.delete(message.id)
        run?.taken.then(() => run.resolve(message), run.reject)
        break
      }
      case 'explained':
        questions.get(message.id)?.(message.explanation)
        questions.delete(message.id)
        break
      case 'reviewed':
        reviews.get(message.id)?.(message.review)
        reviews.delete(message.id)
        break
      case 'retained':
        retaining?.resolve(message.outcome)
        break
      case 'retentionFailed':
        retaining?.reject(new Error(`retention: ${message.message}`))
        break
      case 'scrubbed':
        onScrub(message.state)
        break
      case 'rolled':
        onRolled(message.state)
        break
      case 'problem':
        onProblem(message.message)
        break
      case 'stopped':
        whenStopped?.()
    }
  }
  const die = (error: Error) => {
    for (const run of runs.values()) run.reject(error)
    runs.clear()
    for (const answer of questions.values()) answer(undefined)
    questions.clear()
    for (const answer of reviews.values()) answer(undefined)
    reviews.clear()
    whenStopped?.()
    worker = undefined
    // Before it is ready the start fails, and says why.
    if (isReady && !isClosing) onDeath(error)
  }

  return {
    start: () =>
      new Promise((resolve, reject) => {
        whenReady = resolve
        worker = new Worker(new URL('./analysis.js', import.meta.url), {
          workerData: setup,
          name: 'analysis',
          resourceLimits: throughBlocks,
        })
        worker.on('message', hear)
        worker.on('error', (error) => {
          reject(error)
          die(error as Error)
        })
        worker.on('exit', (code) => die(new Error(`the analysing thread ended with code ${code}`)))
      }),
    run: (request, onObservations) =>
      new Promise((resolve, reject) => {
        runs.set(request.id, { onObservations, taken: Promise.resolve(), resolve, reject })
        tell({ type: 'run', ...request })
      }),
    explain: (question) =>
      new Promise((resolve) => {
        const id = randomUUID()
        questions.set(id, resolve)
        tell({ type: 'explain', id, ...question })
      }),
    review: (question) =>
      new Promise((resolve) => {
        const id = randomUUID()
        reviews.set(id, resolve)
        tell({ type: 'review', id, ...question })
      }),
    retain: (limits) =>
      new Promise((resolve, reject) => {
        retaining = { resolve, reject }
        tell({ type: 'retain', data: setup.data, ...limits })
      }),
    close: () =>
      new Promise((resolve) => {
        isClosing = true
        if (worker === undefined) return resolve()
        whenStopped = resolve
        tell({ type: 'stop' })
      }),
  }
}
