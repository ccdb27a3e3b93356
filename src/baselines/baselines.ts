/**
 * What detectors have learned, kept over restarts, and what people do with it: freeze, reset, take away and put in place.
 * The judges learn, in the analysing thread; this keeps what they give back and tells new ones where to go on.
 */
import { type Static, Type } from 'typebox'
import type { ContextRepository } from '../context/repository.js'
import type { Learned, Learning } from '../detectors/detector.js'
import { LearnedCheck } from '../detectors/learned-check.js'
import { detectorNamed } from '../detectors/registry.js'
import type { KeyedSurroundings } from '../detectors/surroundings.js'
import { ApplianceError } from '../errors.js'
import type { Audit, AuditAction } from '../findings/audit.js'
import type { FindingRepository } from '../findings/repository.js'
import { MOST_MILLISECONDS } from '../records/time.js'
import type { Documents } from '../store/documents.js'
import type { Fault } from '../validation.js'

/** A baseline as it is taken away and put in place. */
export const LearnedDocument = Type.Object(
  {
    fromMilliseconds: Type.Number({
      minimum: 0,
      maximum: MOST_MILLISECONDS,
      description: 'the first row learned from was received then, ms since 1970 UTC',
    }),
    toMilliseconds: Type.Number({
      minimum: 0,
      maximum: MOST_MILLISECONDS,
      description: 'rows received before have been learned from',
    }),
    version: Type.Integer({ description: 'form of `data`; another one is begun anew' }),
    data: Type.Unknown({ description: "the detector's own" }),
  },
  { additionalProperties: false },
)
export type LearnedDocument = Static<typeof LearnedDocument>

export const BaselineStatus = Type.Object(
  {
    detector: Type.String(),
    state: Type.Enum(['empty', 'learning', 'ready'], {
      description: 'learning: not all of the period has passed, so what is new here is not told as such',
    }),
    isFrozen: Type.Boolean(),
    learnedFromMilliseconds: Type.Optional(Type.Number()),
    learnedToMilliseconds: Type.Optional(Type.Number()),
    readyAtMilliseconds: Type.Optional(
      Type.Number({ description: 'when the learning period will have passed' }),
    ),
    periodMilliseconds: Type.Number(),
    halfLifeMilliseconds: Type.Number(),
  },
  { additionalProperties: false },
)
export type BaselineStatus = Static<typeof BaselineStatus>

export type Baselines = {
  /** What a judge is told. */
  surroundingsOf(detector: string): Promise<KeyedSurroundings>
  /** Keeps what was learned. */
  keep(detector: string, learned: Learned): Promise<void>
  status(detector: string): Promise<BaselineStatus>
  setFrozen(detector: string, isFrozen: boolean, by: string): Promise<BaselineStatus>
  /** Forgets; learning begins anew with the next rows. */
  reset(detector: string, by: string): Promise<BaselineStatus>
  /** Throws NOT_FOUND when nothing has been learned. */
  exported(detector: string): Promise<LearnedDocument>
  /** Why a document is none that the detector can have learned by now; none when it is one. */
  faultsOf(detector: string, learned: LearnedDocument): readonly Fault[]
  replace(detector: string, learned: LearnedDocument, by: string): Promise<BaselineStatus>
}

type Control = {
  /** Changes with what people do, so that a judge begins anew. */
  readonly revision: number
  readonly isFrozen: boolean
}

const LEARNED = 'baseline/learned/'
const CONTROL = 'baseline/control/'

export function createBaselines(options: {
  documents: Documents
  audit: Audit
  findings: FindingRepository
  context: ContextRepository
  learning: Pick<Learning, 'periodMilliseconds' | 'halfLifeMilliseconds'>
  /** Milliseconds since 1970 UTC. */
  now: () => number
}): Baselines {
  const { documents, audit, findings, context } = options
  let settled:
    | { readonly dispositions: number; readonly byDetector: ReadonlyMap<string, string[]> }
    | undefined

  const learnedOf = (detector: string) => documents.get<LearnedDocument>(LEARNED + detector)
  const controlOf = async (detector: string): Promise<Control> =>
    (await documents.get<Control>(CONTROL + detector)) ?? { revision: 0, isFrozen: false }

  /** Findings that people have settled as expected or false; all are read again when they have settled more. */
  async function settledOf(detector: string): Promise<readonly string[]> {
    const dispositions = findings.dispositionsSet()
    if (settled?.dispositions !== dispositions) {
      const byDetector = new Map<string, string[]>()
      for await (const finding of findings.all()) {
        const { state } = finding.disposition
        if (state !== 'expected' && state !== 'false-positive') continue
        byDetector.set(finding.detector, [...(byDetector.get(finding.detector) ?? []), finding.id])
      }
      settled = { dispositions, byDetector }
    }
    return settled.byDetector.get(detector) ?? []
  }

  async function change(
    detector: string,
    by: string,
    action: AuditAction,
    isFrozen: boolean | undefined,
    learned: { readonly value: LearnedDocument | undefined } | undefined,
  ): Promise<BaselineStatus> {
    const control = await controlOf(detector)
    const next: Control = { revision: control.revision + 1, isFrozen: isFrozen ?? control.isFrozen }
    const key = LEARNED + detector
    await audit.record({ actor: by, action, subject: detector, before: control, after: next }, [
      { type: 'put', key: CONTROL + detector, value: next },
      ...(learned === undefined
        ? []
        : [
            learned.value === undefined
              ? ({ type: 'delete', key } as const)
              : ({ type: 'put', key, value: learned.value } as const),
          ]),
    ])
    return status(detector)
  }

  async function status(detector: string): Promise<BaselineStatus> {
    const [learned, { isFrozen }] = await Promise.all([learnedOf(detector), controlOf(detector)])
    const { periodMilliseconds, halfLifeMilliseconds } = options.learning
    const base = { detector, isFrozen, periodMilliseconds, halfLifeMilliseconds }
    if (learned === undefined) return { ...base, state: 'empty' }
    const { fromMilliseconds, toMilliseconds } = learned
    const readyAtMilliseconds = fromMilliseconds + periodMilliseconds
    return {
      ...base,
      state: toMilliseconds >= readyAtMilliseconds ? 'ready' : 'learning',
      learnedFromMilliseconds: fromMilliseconds,
      learnedToMilliseconds: toMilliseconds,
      readyAtMilliseconds,
    }
  }

  return {
    async surroundingsOf(detector) {
      const [{ revision, isFrozen }, known] = await Promise.all([controlOf(detector), context.current()])
      return {
        key: `context ${known.version} baseline ${revision}`,
        data: {
          context: known.data,
          learning: { ...options.learning, isFrozen },
          settled: await settledOf(detector),
        },
        learned: () => learnedOf(detector),
      }
    },
    keep: (detector, learned) => documents.put(LEARNED + detector, learned, { sync: false }),
    status,
    setFrozen: (detector, isFrozen, by) =>
      change(detector, by, isFrozen ? 'baseline.freeze' : 'baseline.unfreeze', isFrozen, undefined),
    reset: (detector, by) => change(detector, by, 'baseline.reset', undefined, { value: undefined }),
    async exported(detector) {
      const learned = await learnedOf(detector)
      if (learned !== undefined) return learned
      throw new ApplianceError('NOT_FOUND', `detector ${detector} has learned nothing yet`)
    },
    faultsOf(detector, learned) {
      const found = detectorNamed(detector)
      if (found?.faultsOf === undefined) return [{ path: [], message: 'the detector learns nothing' }]
      const nowMilliseconds = options.now()
      const check = new LearnedCheck(nowMilliseconds)
      check.received(learned.fromMilliseconds, 'fromMilliseconds')
      check.received(learned.toMilliseconds, 'toMilliseconds')
      const isOrdered = learned.fromMilliseconds <= learned.toMilliseconds
      check.expect(isOrdered, 'must not be after toMilliseconds', 'fromMilliseconds')
      return [...check.faults, ...found.faultsOf(learned, nowMilliseconds)]
    },
    replace: (detector, learned, by) =>
      change(detector, by, 'baseline.import', undefined, { value: learned }),
  }
}
