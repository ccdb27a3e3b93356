/** Reads what an evidence report is made of from where it is kept. */
import type { Baselines } from '../baselines/baselines.js'
import type { Coverage } from '../coverage/coverage.js'
import type { Audit, AuditEntry } from '../findings/audit.js'
import type { ExceptionRepository } from '../findings/exceptions.js'
import type { StoredFinding } from '../findings/finding.js'
import type { LossRepository } from '../findings/losses.js'
import type { FindingRepository } from '../findings/repository.js'
import type { Run, RunRepository } from '../findings/runs.js'
import type { Visibility } from '../findings/visibility.js'
import { VERSION } from '../version.js'
import { makeReport, type Report, type ReportedException } from './report.js'

const PAGE = 1000

export type ReportSources = {
  readonly coverage: Coverage
  readonly runs: RunRepository
  readonly audit: Audit
  readonly exceptions: ExceptionRepository
  readonly visibility: Visibility
  readonly findings: FindingRepository
  readonly baselines: Baselines
  readonly losses: LossRepository
  readonly detectors: () => readonly {
    readonly id: string
    readonly enabled: boolean
    readonly settings: Readonly<Record<string, unknown>>
  }[]
  readonly now: () => number
}

export async function collectReport(
  sources: ReportSources,
  fromMilliseconds: number,
  toMilliseconds: number,
): Promise<Report> {
  const { audit, losses, now } = sources
  const isWithin = (milliseconds: number) => milliseconds >= fromMilliseconds && milliseconds < toMilliseconds
  const { lostRows, damagedBlocks } = losses.report()
  return makeReport({
    version: VERSION,
    generatedAtMilliseconds: now(),
    fromMilliseconds,
    toMilliseconds,
    coverage: await sources.coverage.entries(),
    detectors: sources.detectors(),
    runs: await runsWithin(sources.runs, fromMilliseconds, isWithin),
    baselines: await Promise.all(sources.detectors().map(({ id }) => sources.baselines.status(id))),
    exceptions: await exceptionsOf(sources),
    findings: await findingsWithin(sources.findings, fromMilliseconds, toMilliseconds),
    changes: await changesWithin(audit, fromMilliseconds, isWithin),
    losses: {
      lostRows,
      damagedBlocks,
      acknowledgements: losses.acknowledgements().filter(({ atMilliseconds }) => isWithin(atMilliseconds))
        .length,
    },
    audit: await audit.verify(),
  })
}

async function runsWithin(
  runs: RunRepository,
  fromMilliseconds: number,
  isWithin: (milliseconds: number) => boolean,
): Promise<Run[]> {
  const found: Run[] = []
  let after: string | undefined
  for (;;) {
    const { items, position, hasMore } = await runs.page({ after, limit: PAGE })
    found.push(...items.filter(({ startedAtMilliseconds }) => isWithin(startedAtMilliseconds)))
    const last = items.at(-1)
    // The newest come first.
    if (
      !hasMore ||
      position === undefined ||
      (last !== undefined && last.startedAtMilliseconds < fromMilliseconds)
    )
      return found
    after = position
  }
}

async function exceptionsOf({ exceptions, visibility }: ReportSources): Promise<ReportedException[]> {
  const described = await visibility.describe(await exceptions.all())
  return described.map(({ id, state, owner, reason, effect, expiresMilliseconds, hits }) => ({
    id,
    state,
    owner,
    reason,
    effect: effect.kind,
    ...(expiresMilliseconds === undefined ? {} : { expiresMilliseconds }),
    hits: hits.findings,
  }))
}

async function findingsWithin(
  findings: FindingRepository,
  fromMilliseconds: number,
  toMilliseconds: number,
): Promise<StoredFinding[]> {
  const found: StoredFinding[] = []
  for await (const finding of findings.all()) {
    const { firstSeenMilliseconds, lastSeenMilliseconds } = finding
    if (lastSeenMilliseconds >= fromMilliseconds && firstSeenMilliseconds < toMilliseconds)
      found.push(finding)
  }
  return found
}

async function changesWithin(
  audit: Audit,
  fromMilliseconds: number,
  isWithin: (milliseconds: number) => boolean,
): Promise<AuditEntry[]> {
  const found: AuditEntry[] = []
  let after: number | undefined
  for (;;) {
    const page = await audit.page({ limit: PAGE, reverse: true, ...(after === undefined ? {} : { after }) })
    found.push(...page.filter(({ atMilliseconds }) => isWithin(atMilliseconds)))
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE || last.atMilliseconds < fromMilliseconds)
      return found.reverse()
    after = last.sequence
  }
}
