/** What this detector has learned as a document, and what is wrong with one. */
import { type Static, Type } from 'typebox'
import type { Fault } from '../../validation.js'
import type { Learned } from '../detector.js'
import { faultsOfForm, LearnedCheck } from '../learned-check.js'
import { MAX_TOLD } from './told.js'
import { checkUsage, faultOfUsage, UsageSnapshot } from './usage-snapshot.js'

export const VERSION = 1
/** Exporters that are remembered. */
export const MAX_EXPORTERS = 10_000

export const Snapshot = Type.Object({
  usage: UsageSnapshot,
  exporters: Type.Array(Type.Tuple([Type.String({ maxLength: 256 }), Type.Number({ minimum: 0 })]), {
    maxItems: MAX_EXPORTERS,
    description: 'exporters, and when they were first seen',
  }),
  told: Type.Array(Type.Tuple([Type.String({ maxLength: 80 }), Type.String({ maxLength: 128 })]), {
    maxItems: MAX_TOLD,
    description:
      'servers, ports and protocols that are told of, and so are not learned from, with the findings',
  }),
})
export type Snapshot = Static<typeof Snapshot>

/** Why a document cannot be read; none when it can. */
export function faultsOfSnapshot(learned: Learned): readonly Fault[] {
  const faults = faultsOfForm(Snapshot, VERSION, learned)
  const fault = faults.length > 0 ? undefined : faultOfUsage((learned.data as Snapshot).usage)
  return fault === undefined ? faults : [{ ...fault, path: ['data', 'usage', ...fault.path] }]
}

/** Why a document is nothing that this detector can have learned by now. */
export function faultsOfLearned(learned: Learned, nowMilliseconds: number): readonly Fault[] {
  const faults = faultsOfSnapshot(learned)
  if (faults.length > 0) return faults
  const { usage, exporters, told } = learned.data as Snapshot
  const check = new LearnedCheck(nowMilliseconds, 'data')
  checkUsage(check, usage, 'usage')
  exporters.forEach(([key, first], index) => {
    check.text(key, 'exporters', index, 0)
    check.received(first, 'exporters', index, 1)
  })
  told.forEach((texts, index) => {
    texts.forEach((text, at) => {
      check.text(text, 'told', index, at)
    })
  })
  return check.faults
}
