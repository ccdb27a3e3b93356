/**
 * The evidence report: what was watched over a time, by which settings, what was excepted by whom, whether the runs read
 * everything, and what became of the findings. For audits, so it says what it does not know, and carries its own hash.
 */
import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { type BaselineStatus, BaselineStatus as BaselineStatusSchema } from '../baselines/baselines.js'
import { type CoverageEntry, CoverageEntry as CoverageEntrySchema } from '../coverage/matrix.js'
import { AuditEntry, type AuditVerdict, AuditVerdict as AuditVerdictSchema } from '../findings/audit.js'
import { canonicalJson } from '../findings/canonical.js'
import { dispositionStates, type StoredFinding, severities } from '../findings/finding.js'
import { type Run, Run as RunSchema } from '../findings/runs.js'

const closed = { additionalProperties: false } as const
/** Runs, findings and changes that are listed one by one; all are counted. */
const MOST_LISTED = 200

const ReportedException = Type.Object(
  {
    id: Type.String(),
    state: Type.String(),
    owner: Type.String(),
    reason: Type.String(),
    effect: Type.String(),
    expiresMilliseconds: Type.Optional(Type.Number()),
    hits: Type.Integer({ description: 'findings that it matches' }),
  },
  closed,
)
export type ReportedException = Static<typeof ReportedException>

const ReportedDetector = Type.Object(
  {
    id: Type.String(),
    enabled: Type.Boolean(),
    settings: Type.Record(Type.String(), Type.Unknown()),
    runs: Type.Record(Type.String(), Type.Integer(), { description: 'in the period, by outcome' }),
    judgedToMilliseconds: Type.Optional(
      Type.Number({ description: 'rows received before have been judged' }),
    ),
  },
  closed,
)

export const Report = Type.Object(
  {
    title: Type.String(),
    version: Type.String({ description: 'of Culvert' }),
    generatedAtMilliseconds: Type.Number(),
    fromMilliseconds: Type.Number(),
    toMilliseconds: Type.Number(),
    coverage: Type.Object(
      {
        states: Type.Record(Type.String(), Type.Integer(), { description: 'exporters by detectors' }),
        entries: Type.Array(CoverageEntrySchema),
      },
      closed,
    ),
    detectors: Type.Array(ReportedDetector),
    notOkRuns: Type.Array(RunSchema, {
      description: `partial, failed, interrupted or skipped; the newest ${MOST_LISTED}`,
    }),
    baselines: Type.Array(BaselineStatusSchema),
    exceptions: Type.Array(ReportedException),
    findings: Type.Array(
      Type.Object(
        {
          detector: Type.String(),
          severity: Type.String(),
          disposition: Type.String(),
          count: Type.Integer(),
        },
        closed,
      ),
      { description: 'seen in the period, by detector, severity and disposition' },
    ),
    openFindings: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          detector: Type.String(),
          severity: Type.String(),
          title: Type.String(),
          firstSeenMilliseconds: Type.Number(),
          lastSeenMilliseconds: Type.Number(),
        },
        closed,
      ),
      { description: `open ones of medium severity and more; the first ${MOST_LISTED}` },
    ),
    changes: Type.Array(AuditEntry, {
      description: `of the period, from the audit; the newest ${MOST_LISTED}`,
    }),
    changeCounts: Type.Record(Type.String(), Type.Integer()),
    losses: Type.Object(
      { lostRows: Type.Integer(), damagedBlocks: Type.Integer(), acknowledgements: Type.Integer() },
      closed,
    ),
    audit: AuditVerdictSchema,
    sha256: Type.String({ description: 'of the report without this key, as canonical JSON, in hex' }),
  },
  closed,
)
export type Report = Static<typeof Report>

export type ReportParts = {
  readonly version: string
  readonly generatedAtMilliseconds: number
  readonly fromMilliseconds: number
  readonly toMilliseconds: number
  readonly coverage: readonly CoverageEntry[]
  readonly detectors: readonly {
    readonly id: string
    readonly enabled: boolean
    readonly settings: Readonly<Record<string, unknown>>
  }[]
  /** Of the period, in any order. */
  readonly runs: readonly Run[]
  readonly baselines: readonly BaselineStatus[]
  readonly exceptions: readonly ReportedException[]
  /** Seen in the period, in any order. */
  readonly findings: readonly StoredFinding[]
  /** Of the period. */
  readonly changes: readonly AuditEntry[]
  readonly losses: Report['losses']
  readonly audit: AuditVerdict
}

export function makeReport(parts: ReportParts): Report {
  const { runs, findings, changes, coverage } = parts
  const report = {
    title: 'Evidence of detection: non-application layer protocols (ATT&CK T1095, DET0457)',
    version: parts.version,
    generatedAtMilliseconds: parts.generatedAtMilliseconds,
    fromMilliseconds: parts.fromMilliseconds,
    toMilliseconds: parts.toMilliseconds,
    coverage: { states: countedBy(coverage, ({ state }) => state), entries: [...coverage] },
    detectors: parts.detectors.map(({ id, enabled, settings }) => {
      const own = runs.filter(({ detector }) => detector === id)
      const judged = own.filter(({ outcome }) => outcome === 'ok' || outcome === 'partial')
      return {
        id,
        enabled,
        settings: { ...settings },
        runs: countedBy(own, ({ outcome }) => outcome),
        ...(judged.length === 0
          ? {}
          : { judgedToMilliseconds: Math.max(...judged.map(({ toMilliseconds }) => toMilliseconds)) }),
      }
    }),
    notOkRuns: runs
      .filter(({ outcome }) => outcome !== 'ok' && outcome !== 'running')
      .sort(
        (one, other) =>
          other.startedAtMilliseconds - one.startedAtMilliseconds || (one.id < other.id ? -1 : 1),
      )
      .slice(0, MOST_LISTED),
    baselines: [...parts.baselines],
    exceptions: [...parts.exceptions],
    findings: grouped(findings),
    openFindings: findings
      .filter(
        ({ kind, severity, disposition }) =>
          kind === 'finding' &&
          disposition.state === 'open' &&
          severities.indexOf(severity) >= severities.indexOf('medium'),
      )
      .sort((one, other) => one.sequence - other.sequence)
      .slice(0, MOST_LISTED)
      .map(({ id, detector, severity, title, firstSeenMilliseconds, lastSeenMilliseconds }) => ({
        id,
        detector,
        severity,
        title,
        firstSeenMilliseconds,
        lastSeenMilliseconds,
      })),
    changes: changes.slice(-MOST_LISTED),
    changeCounts: countedBy(changes, ({ action }) => action),
    losses: parts.losses,
    audit: parts.audit,
  }
  return { ...report, sha256: createHash('sha256').update(canonicalJson(report)).digest('hex') }
}

function countedBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const key of items.map(keyOf).sort()) counts[key] = (counts[key] ?? 0) + 1
  return counts
}

function grouped(findings: readonly StoredFinding[]): Report['findings'] {
  const groups = new Map<string, Report['findings'][number]>()
  for (const { kind, detector, severity, disposition } of findings) {
    if (kind !== 'finding') continue
    const key = `${detector} ${severity} ${disposition.state}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { detector, severity, disposition: disposition.state, count: 1 })
    else group.count++
  }
  const rank = (list: readonly string[], value: string) => list.indexOf(value)
  return [...groups.values()].sort(
    (one, other) =>
      (one.detector < other.detector ? -1 : one.detector > other.detector ? 1 : 0) ||
      rank(severities, other.severity) - rank(severities, one.severity) ||
      rank(dispositionStates, one.disposition) - rank(dispositionStates, other.disposition),
  )
}
