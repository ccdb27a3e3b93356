/** What the analysing thread and the one that started it say to each other. */
import type { PolicyQuestion, PolicyReview } from '../context/policy-review.js'
import type { ThreadCounts } from '../counters.js'
import type { Explanation, Learned, Tuple } from '../detectors/detector.js'
import type { SurroundingsData } from '../detectors/surroundings.js'
import type { Observation } from '../findings/finding.js'
import type { DetectorState } from '../scheduler/plan.js'
import type { StoreDamage } from '../store/holes.js'
import type { RetentionLimits, RetentionReason } from '../store/retention.js'
import type { Progress } from '../store/rollup-progress.js'
import type { ScanCounts } from '../store/scan.js'
import type { ScrubLimits, ScrubState } from '../store/scrub.js'

export type AnalysisSetup = {
  readonly data: string
  /** This thread's row; absent where nobody reads it. */
  readonly counts?: ThreadCounts
  /** Shared memory of the ingest sequence. */
  readonly sequence: SharedArrayBuffer
  /** The same of the rollups. */
  readonly rollupSequence: SharedArrayBuffer
  /** Whether rows are summed; with less free space than this nothing is. */
  readonly rollups: { readonly enabled: boolean; readonly stopBelowFreeOctets: number }
  readonly stepMilliseconds: number
  readonly scrub: ScrubLimits & { readonly state: ScrubState | undefined }
}

export type RunRequest = {
  readonly type: 'run'
  readonly id: string
  readonly detector: string
  readonly settings: Readonly<Record<string, unknown>>
  /** Of settings, context and baseline: a judge of another key is not gone on with. */
  readonly judgeKey: string
  /** `learned` is there when a judge of this key must begin anew. */
  readonly surroundings: SurroundingsData
  /** What has been learned is to be told at the end. */
  readonly wantsLearned: boolean
  readonly state: DetectorState | undefined
  readonly toMilliseconds: number
  /** Rows that could not be written since the start. */
  readonly droppedRows: number
}

/** Limits of all rows, whatever they are. */
export type AllLimits = RetentionLimits & {
  /** Sums stored before are deleted. */
  readonly rollupsBeforeMilliseconds: number
  /** Of all sums together; undefined: no limit by size. */
  readonly maximumRollupOctets: number | undefined
}

export type RetainRequest = {
  readonly type: 'retain'
  readonly data: string
} & AllLimits

/** What retention did, and how much there is afterwards. */
export type RetentionOutcome = {
  readonly blocks: number
  readonly rows: number
  readonly octets: number
  readonly reasons: readonly RetentionReason[]
  /** Nothing is left to delete, and the limit is not kept. */
  readonly isShort: boolean
  readonly usedOctets: number
  readonly freeOctets: number
  /** Small blocks that were put together since the start. */
  readonly mergedBlocks: number
  /** Of the sums: what was deleted, and the size of what is left. */
  readonly rollups: { readonly blocks: number; readonly rows: number; readonly usedOctets: number }
}

/** How far sums have come, and what is missing of what was written of them. */
export type RollupState = {
  readonly progress: Progress
  readonly lostRows: number
  readonly damagedBlocks: number
}

/** Asks the standing judge of a detector. */
export type ExplainRequest = {
  readonly type: 'explain'
  readonly id: string
  readonly detector: string
  readonly tuple: Tuple
  readonly atMilliseconds: number
}

/** Asks the standing judge of a detector to hold sanctioned services against what it has learned. */
export type ReviewRequest = {
  readonly type: 'review'
  readonly id: string
  readonly detector: string
  readonly question: PolicyQuestion
}

export type ToAnalysis =
  | RunRequest
  | RetainRequest
  | ExplainRequest
  | ReviewRequest
  /** So many observations have been written, or refused. */
  | { readonly type: 'taken'; readonly count: number }
  | { readonly type: 'stop' }

export type FromAnalysis =
  | { readonly type: 'observations'; readonly id: string; readonly observations: readonly Observation[] }
  | {
      readonly type: 'done'
      readonly id: string
      readonly fromMilliseconds: number
      readonly state: DetectorState
      readonly counts: ScanCounts
      /** Rows of the time that was judged are gone, or were deleted before they were read: the run is partial. */
      readonly hasMissingRows: boolean
      readonly learned?: Learned
      readonly error?: string
    }
  /** Undefined where no judge stands, or where it has no baseline. */
  | { readonly type: 'explained'; readonly id: string; readonly explanation: Explanation | undefined }
  | { readonly type: 'reviewed'; readonly id: string; readonly review: PolicyReview | undefined }
  | { readonly type: 'retained'; readonly outcome: RetentionOutcome }
  | { readonly type: 'retentionFailed'; readonly message: string }
  | { readonly type: 'ready'; readonly damage: StoreDamage }
  | { readonly type: 'damage'; readonly damage: StoreDamage }
  | { readonly type: 'scrubbed'; readonly state: ScrubState }
  | { readonly type: 'rolled'; readonly state: RollupState }
  | { readonly type: 'problem'; readonly message: string }
  | { readonly type: 'stopped' }
