/**
 * What a detector is. It gets rows in the order in which they were received, minute by minute, and is asked after each
 * minute what it has found: it never sees a clock, a store or a socket, so that live runs, catch-up after a stop and
 * `culvert detect` over a capture give the same answer. One file (or folder) a detector, one line in registry.ts.
 */
import type { TObject } from 'typebox'
import type { Observation } from '../findings/finding.js'
import type { FlowColumn, StreamName } from '../records/columns.js'
import type { Selection } from '../store/scan.js'

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
  /** A judge with no memory. `settings` has been validated. */
  start(settings: Readonly<Record<string, unknown>>): Judge
}

export type Judge = {
  /** Takes rows of one block; blocks of a stream come in the order of their sequence. */
  observe(selection: Selection): void
  /** What is found as of a time, after all rows received before it. Each observation stands for its subject as a whole. */
  evaluate(atMilliseconds: number): Observation[]
}
