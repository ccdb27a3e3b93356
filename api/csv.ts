/**
 * Findings as CSV (RFC 4180). Cells may hold what devices sent: a text that a spreadsheet would run as a formula is
 * kept a text, and control characters are left out.
 */
import type { Finding } from '#core/findings/finding.js'

const columns: readonly (readonly [string, (finding: Finding) => string | number | undefined])[] = [
  ['id', (finding) => finding.id],
  ['detector', (finding) => finding.detector],
  ['kind', (finding) => finding.kind],
  ['severity', (finding) => finding.severity],
  ['score', (finding) => finding.score],
  ['title', (finding) => finding.title],
  ['sourceAddresses', (finding) => finding.sourceAddresses.join(' ')],
  ['destinationAddresses', (finding) => finding.destinationAddresses.join(' ')],
  ['protocolIdentifier', (finding) => finding.protocolIdentifier],
  ['destinationTransportPort', (finding) => finding.destinationTransportPort],
  ['applicationName', (finding) => finding.applicationName],
  ['firstSeen', (finding) => isoOf(finding.firstSeenMilliseconds)],
  ['lastSeen', (finding) => isoOf(finding.lastSeenMilliseconds)],
  ['count', (finding) => finding.count],
  ['technique', (finding) => finding.attack.technique],
  ['disposition', (finding) => finding.disposition.state],
  ['hiddenBy', (finding) => finding.hiddenBy.join(' ')],
]

/** One line per finding under a line of names. */
export function findingsCsv(findings: readonly Finding[]): string {
  const lines = findings.map((finding) => columns.map(([, read]) => cell(read(finding))).join(','))
  return `${[columns.map(([name]) => name).join(','), ...lines].join('\r\n')}\r\n`
}

/** A leading = + - @, tab or return makes a spreadsheet compute; an apostrophe before it makes it show. */
export function cell(value: string | number | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const risky = /^[\s\u0000-\u001f]*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(value) || /^[\t\r]/.test(value)
  const plain = value.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
  const text = risky ? `'${plain}` : plain
  return /[",\n\r;' ]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function isoOf(time: number): string {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : String(time)
}
