/**
 * Findings as people see them: exceptions applied at the moment of reading. Also what follows from that over all
 * findings: how often an exception matches, what an unsaved one would have hidden, and, when an exception begins or
 * ends to act, a new revision for the findings it bears on, so that a reader by revision hears of them again.
 */
import { type Static, Type } from 'typebox'
import { DAY_MILLISECONDS } from '../clock.js'
import type { Documents } from '../store/documents.js'
import { canonicalJson } from './canonical.js'
import { type Exception, exceptionStates, type StoredException } from './exception.js'
import type { ExceptionRepository } from './exceptions.js'
import { Finding, type StoredFinding } from './finding.js'
import { EXCEPTIONS_SETTLED } from './keys.js'
import { type AppliedException, applyExceptions, explainMatch, type Matchable, matches } from './matching.js'
import type { FindingRepository } from './repository.js'
import { createSerial } from './serial.js'

const closed = { additionalProperties: false } as const
const Counts = Type.Record(Type.String(), Type.Integer())

/** What an exception would have matched in the last days. */
export const PreviewResult = Type.Object(
  {
    days: Type.Number(),
    examined: Type.Integer({ description: 'findings last seen in these days' }),
    matched: Type.Integer({ description: 'findings that the exception would have hidden or lowered' }),
    newlyMatched: Type.Integer({ description: 'those of them that no active exception hides already' }),
    bySeverity: Counts,
    byDetector: Counts,
    byDisposition: Counts,
    sample: Type.Array(Finding, { description: 'the newest of them, as they are seen now' }),
  },
  closed,
)
export type PreviewResult = Static<typeof PreviewResult>

/** Why an exception does or does not bear on a finding. */
export const Explanation = Type.Object(
  {
    id: Type.String(),
    state: Type.Enum([...exceptionStates]),
    effect: Type.Enum(['hide', 'lower']),
    matched: Type.Boolean({ description: 'every matcher holds' }),
    applies: Type.Boolean({ description: 'it matches and it is active' }),
    matchers: Type.Array(
      Type.Object({ matcher: Type.String(), matched: Type.Boolean(), text: Type.String() }, closed),
    ),
  },
  closed,
)
export type Explanation = Static<typeof Explanation>

/** Findings under the exceptions that act, and what follows over all of them. */
export type Visibility = {
  /** A reader of findings under the exceptions that act now; use it for one answer. */
  reader(): Promise<(finding: StoredFinding) => Finding>
  explain(finding: StoredFinding): Promise<Explanation[]>
  preview(exception: Matchable, days: number): Promise<PreviewResult>
  /** Exceptions with state and hits. */
  describe(exceptions: readonly StoredException[]): Promise<Exception[]>
  /** Gives a new revision to findings that exceptions hide, show or lower since the last call. Cheap when nothing did. */
  settle(): Promise<Settled>
}

/**
 * The exceptions that all revisions so far account for. A reader by revision must see with these eyes, and read again
 * when they were no longer current at the end: else it could pass by a finding that was shown meanwhile.
 */
export type Settled = {
  read(finding: StoredFinding): Finding
  isCurrent(): boolean
}

/** Findings shown with a preview. */
const SAMPLE = 20

/** Makes the view; inert until asked. */
export function createVisibility(options: {
  documents: Documents
  findings: FindingRepository
  exceptions: ExceptionRepository
  now: () => number
}): Visibility {
  const { documents, findings, exceptions, now } = options
  const serial = createSerial()
  let settled: AppliedException[] | undefined
  let generation = 0
  const hits = new WeakMap<StoredException, { revision: number; hits: Exception['hits'] }>()

  const bearing = ({ score, severity, hiddenBy, loweredBy }: Finding) =>
    canonicalJson([score, severity, hiddenBy, loweredBy])

  return {
    async reader() {
      const active = await exceptions.active()
      return (finding) => applyExceptions(finding, active)
    },

    async explain(finding) {
      return (await exceptions.all()).map((exception) => {
        const matchers = explainMatch(exception, finding)
        const matched = matches(exception, finding)
        const state = exceptions.state(exception)
        const { id, effect } = exception
        return { id, state, effect: effect.kind, matched, applies: matched && state === 'active', matchers }
      })
    },

    async preview(exception, days) {
      const since = now() - days * DAY_MILLISECONDS
      const active = await exceptions.active()
      const result: PreviewResult = {
        days,
        examined: 0,
        matched: 0,
        newlyMatched: 0,
        bySeverity: {},
        byDetector: {},
        byDisposition: {},
        sample: [],
      }
      const add = (counts: Record<string, number>, key: string) => {
        counts[key] = (counts[key] ?? 0) + 1
      }
      for await (const finding of findings.all()) {
        if (finding.lastSeenMilliseconds < since) continue
        result.examined++
        if (!matches(exception, finding)) continue
        const seen = applyExceptions(finding, active)
        result.matched++
        if (seen.hiddenBy.length === 0) result.newlyMatched++
        add(result.bySeverity, finding.severity)
        add(result.byDetector, finding.detector)
        add(result.byDisposition, finding.disposition.state)
        result.sample.push(seen)
        if (result.sample.length === 2 * SAMPLE) result.sample = newest(result.sample)
      }
      result.sample = newest(result.sample)
      return result
    },

    async describe(listed) {
      const revision = await findings.revision()
      const stale = listed.filter((exception) => hits.get(exception)?.revision !== revision)
      const counts = stale.map(() => ({ findings: 0, lastSeen: Number.NEGATIVE_INFINITY }))
      if (stale.length > 0) {
        for await (const finding of findings.all()) {
          for (const [index, exception] of stale.entries()) {
            if (!matches(exception, finding)) continue
            const count = counts[index]!
            count.findings++
            count.lastSeen = Math.max(count.lastSeen, finding.lastSeenMilliseconds)
          }
        }
      }
      for (const [index, exception] of stale.entries()) {
        const { findings: number, lastSeen } = counts[index]!
        const last = number === 0 ? {} : { lastSeenMilliseconds: lastSeen }
        hits.set(exception, { revision, hits: { findings: number, ...last } })
      }
      return listed.map((exception) => ({
        ...exception,
        state: exceptions.state(exception),
        hits: hits.get(exception)!.hits,
      }))
    },

    settle() {
      return serial(async () => {
        settled ??= (await documents.get<AppliedException[]>(EXCEPTIONS_SETTLED)) ?? []
        const active = await exceptions.active()
        const after = active.map(({ id, match, effect }) => ({ id, match, effect }))
        if (canonicalJson(settled) !== canonicalJson(after)) {
          generation++
          await retell(settled, after)
          settled = after
        }
        const [applied, mine] = [settled, generation]
        return {
          read: (finding) => applyExceptions(finding, applied),
          isCurrent: () => generation === mine,
        }
      })
    },
  }

  async function retell(before: readonly AppliedException[], after: readonly AppliedException[]) {
    const affected: string[] = []
    for await (const finding of findings.all()) {
      const was = bearing(applyExceptions(finding, before))
      if (was !== bearing(applyExceptions(finding, after))) affected.push(finding.id)
    }
    // The findings first: after a crash in between they are given another revision, never none.
    for (let at = 0; at < affected.length; at += 500) await findings.touch(affected.slice(at, at + 500))
    await documents.put(EXCEPTIONS_SETTLED, after)
  }
}

function newest(findings: readonly Finding[]): Finding[] {
  return [...findings]
    .sort((a, b) => b.lastSeenMilliseconds - a.lastSeenMilliseconds || (a.id < b.id ? -1 : 1))
    .slice(0, SAMPLE)
}
