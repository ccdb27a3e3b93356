/** The evidence report for people. Texts may come from devices: they are escaped, and control characters left out. */
import { printable } from '../printable.js'
import { MOST_MILLISECONDS, toIso } from '../records/time.js'
import type { Report } from './report.js'

export function reportMarkdown(report: Report): string {
  const { coverage, detectors, notOkRuns, exceptions, findings, openFindings, baselines, losses, audit } =
    report
  return [
    `# ${report.title}`,
    `Culvert ${report.version}, made ${iso(report.generatedAtMilliseconds)}, for ${iso(report.fromMilliseconds)} to ${iso(report.toMilliseconds)}. SHA-256 of the report as canonical JSON: \`${report.sha256}\`.`,
    '## Coverage',
    `Exporters by detectors, as it is now: ${countsOf(coverage.states)}. Nothing found where a detector is blind means nothing.`,
    table(
      ['exporter', 'detector', 'state', 'why'],
      coverage.entries.map(({ address, listenerPort, kind, detector, state, reasons }) => [
        `${address} port ${listenerPort}, ${kind}`,
        detector,
        state,
        reasons.map(({ text }) => text).join('; '),
      ]),
    ),
    '## Detectors, their settings and runs',
    table(
      ['detector', 'on', 'runs', 'judged to', 'settings'],
      detectors.map(({ id, enabled, runs, judgedToMilliseconds, settings }) => [
        id,
        enabled ? 'yes' : 'no',
        countsOf(runs),
        judgedToMilliseconds === undefined ? '-' : iso(judgedToMilliseconds),
        JSON.stringify(settings),
      ]),
    ),
    notOkRuns.length === 0
      ? 'Every run read everything.'
      : table(
          ['run that did not', 'detector', 'outcome', 'why'],
          notOkRuns.map(({ startedAtMilliseconds, detector, outcome, error }) => [
            iso(startedAtMilliseconds),
            detector,
            outcome,
            error ?? '',
          ]),
        ),
    '## Baselines',
    table(
      ['detector', 'state', 'frozen', 'learned from', 'learned to'],
      baselines.map(
        ({ detector, state, isFrozen, learnedFromMilliseconds: from, learnedToMilliseconds: to }) => [
          detector,
          state,
          isFrozen ? 'yes' : 'no',
          from === undefined ? '-' : iso(from),
          to === undefined ? '-' : iso(to),
        ],
      ),
    ),
    '## Exceptions',
    exceptions.length === 0
      ? 'None.'
      : table(
          ['id', 'state', 'owner', 'effect', 'expires', 'findings', 'reason'],
          exceptions.map(({ id, state, owner, effect, expiresMilliseconds, hits, reason }) => [
            id,
            state,
            owner,
            effect,
            expiresMilliseconds === undefined ? 'never' : iso(expiresMilliseconds),
            String(hits),
            reason,
          ]),
        ),
    '## Findings',
    findings.length === 0
      ? 'None was seen in the period.'
      : table(
          ['detector', 'severity', 'disposition', 'findings'],
          findings.map(({ detector, severity, disposition, count }) => [
            detector,
            severity,
            disposition,
            String(count),
          ]),
        ),
    openFindings.length === 0
      ? 'None of medium severity or more is open.'
      : table(
          ['open', 'severity', 'title', 'first seen', 'last seen'],
          openFindings.map(({ id, severity, title, firstSeenMilliseconds, lastSeenMilliseconds }) => [
            id,
            severity,
            title,
            iso(firstSeenMilliseconds),
            iso(lastSeenMilliseconds),
          ]),
        ),
    '## Changes',
    Object.keys(report.changeCounts).length === 0
      ? 'None in the period.'
      : `${countsOf(report.changeCounts)}.`,
    ...(report.changes.length === 0
      ? []
      : [
          table(
            ['when', 'who', 'what', 'of'],
            report.changes.map(({ atMilliseconds, actor, action, subject }) => [
              iso(atMilliseconds),
              actor,
              action,
              subject,
            ]),
          ),
        ]),
    '## Stored rows, and the chain of changes',
    `${losses.lostRows} stored rows are gone and ${losses.damagedBlocks} blocks are damaged; losses were acknowledged ${losses.acknowledgements} times. The audit has ${audit.entries} entries and is ${audit.intact ? 'whole' : 'BROKEN'}; its head is \`${audit.headHash}\`.`,
    '',
  ].join('\n\n')
}

function iso(milliseconds: number): string {
  return milliseconds <= MOST_MILLISECONDS ? toIso(milliseconds) : String(milliseconds)
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([key, count]) => `${count} ${key}`)
  return parts.length === 0 ? 'none' : parts.join(', ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

/** No markup, no line end, no column of its own. */
function cell(text: string): string {
  return printable(text).replace(/[\\`*_{}[\]<>()#|!~&]/g, (character) => `\\${character}`)
}
