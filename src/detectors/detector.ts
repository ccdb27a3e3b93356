/**
 * What a detector is. It gets rows in the order in which they were received, step by step, and is asked after each
 * step what it has found: it never sees a clock, a store or a socket, so that live runs, catch-up after a stop and
 * `culvert detect` over a capture give the same answer. One file (or folder) a detector, one line in registry.ts.
 */
import type { TObject } from 'typebox'
import type { Context } from '../context/context.js'
import type { PolicyQuestion, PolicyReview } from '../context/policy-review.js'
import type { Observation } from '../findings/finding.js'
import type { FlowColumn, StreamName } from '../records/columns.js'
import type { Selection } from '../store/scan.js'
import type { Fault } from '../validation.js'

/** ATT&CK references of a finding. */
export type AttackReference = Observation['attack']

/** AN1258 "Network Devices" of DET0457, for T1095 under Command and Control (ATT&CK v18.1). */
export const attackNetworkDevices: AttackReference = {
  strategy: 'DET0457',
  analytic: 'AN1258',
  technique: 'T1095',
  tactic: 'TA0011',
}

/** A column that a detector reads, and what is lost where an exporter does not send it. */
export type Need = { readonly column: FlowColumn; readonly isRequired: boolean; readonly why: string }

export type Detector = {
  readonly id: string
  readonly title: string
  /** One paragraph for an analyst: what it sees and what it cannot. */
  readonly description: string
  readonly attack: AttackReference
  readonly streams: readonly StreamName[]
  readonly needs: readonly Need[]
  /** Settings with defaults; mutable elements under ATT&CK's own names. */
  readonly settings: TObject
  /** How far before a window rows must be read for its judgement to be what it would have been without a restart. */
  readonly lookbackMilliseconds: number
  /** How long after the last row an evaluation may still change its mind. */
  readonly settleMilliseconds: number
  /** Why what somebody sent is nothing that a judge of this detector can have learned by now; absent: it learns nothing. */
  faultsOf?(learned: Learned, nowMilliseconds: number): readonly Fault[]
  /** A judge that knows what `surroundings` tell it, and no more. `settings` has been validated. */
  start(settings: Readonly<Record<string, unknown>>, surroundings: Surroundings): Judge
}

/** How a baseline is learned (ProtocolUsageBaseline, AN1254). */
export type Learning = {
  /** From the first row on; before it has passed, what is new here is not told from what is not known yet. */
  readonly periodMilliseconds: number
  /** What was seen counts half as much after this time. */
  readonly halfLifeMilliseconds: number
  /** Nothing is learned, and what is known stays. */
  readonly isFrozen: boolean
}

/** What a judge is told beside rows. */
export type Surroundings = {
  readonly context: Context
  readonly learning: Learning
  /** What a judge of this detector gave back from `learned`; undefined: nothing yet. */
  readonly learned: Learned | undefined
  /** Findings of this detector that people have settled as expected or false: their subjects may be learned from. */
  readonly settled: ReadonlySet<string>
}

/** What a judge has learned, as JSON has it. */
export type Learned = {
  /** Rows received before have been learned from. */
  readonly toMilliseconds: number
  /** The first row that was learned from was received then. */
  readonly fromMilliseconds: number
  /** The detector's own; `version` changes with its form, and another version is begun anew. */
  readonly version: number
  readonly data: unknown
}

/** Why something is usual or unusual here, in sentences. */
export type Explanation = { readonly isUsual: boolean; readonly facts: readonly string[] }

/** What can be asked about: addresses as text; ports and application where the protocol has them. */
export type Tuple = {
  readonly source: string
  readonly destination: string
  readonly protocolIdentifier: number
  readonly port?: number | undefined
  readonly application?: string | undefined
}

export type Judge = {
  /** What has been learned so far; undefined before there was anything, absent where a detector has no baseline. */
  learned?(): Learned | undefined
  explain?(tuple: Tuple, atMilliseconds: number): Explanation
  /** Holds sanctioned services against what was learned; absent where nothing is learned of services. */
  reviewPolicy?(question: PolicyQuestion): PolicyReview
  /** Whether rows of a stream are of use now, or just these columns of them; absent: all of every stream is. */
  wants?(stream: StreamName): boolean | readonly number[]
  /** Takes rows of one block; blocks of a stream come in the order of their sequence. */
  observe(selection: Selection): void
  /** What is found as of a time, after all rows received before it. Each observation stands for its subject as a whole. */
  evaluate(atMilliseconds: number): Observation[]
}
