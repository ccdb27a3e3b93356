/** The coverage matrix as a page without scripts: names come from devices, so every text is escaped. */
import type { CoverageEntry, CoverageReason } from '#core/coverage/matrix.js'
import { printable } from '#core/printable.js'

const styles = `body{font:15px/1.45 system-ui,sans-serif;margin:2rem;max-width:75rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #bbb;padding:.4rem .6rem;text-align:left;vertical-align:top}
.full{background:#dff2df}.degraded{background:#fff3cd}.blind{background:#f8d7da}
code,pre{font:13px/1.4 ui-monospace,monospace}pre{background:#f4f4f4;padding:.5rem;overflow-x:auto}
details{margin:.2rem 0}ul{margin:.3rem 0;padding-left:1.2rem}`

/** `entries` of a detector stand in one column each. */
export function coveragePage(entries: readonly CoverageEntry[], atMilliseconds: number): string {
  const detectors = [...new Set(entries.map(({ detector }) => detector))]
  const rows = new Map<string, CoverageEntry[]>()
  for (const entry of entries) rows.set(entry.exporterId, [...(rows.get(entry.exporterId) ?? []), entry])
  const count = (state: CoverageEntry['state']) => entries.filter((entry) => entry.state === state).length
  const head = ['Exporter', ...detectors].map((name) => `<th scope="col">${escaped(name)}</th>`).join('')
  const body = [...rows.values()].map((cells) => rowOf(cells, detectors)).join('\n')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Coverage - Culvert</title><style>${styles}</style></head><body>
<h1>What the detectors can see</h1>
<p>${new Date(atMilliseconds).toISOString()}: ${count('full')} full, ${count('degraded')} degraded, ${count('blind')} blind.
Nothing found at a blind exporter means nothing.</p>
${rows.size === 0 ? '<p>No exporter has sent anything yet.</p>' : `<table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table>`}
</body></html>
`
}

function rowOf(cells: readonly CoverageEntry[], detectors: readonly string[]): string {
  const { address, listenerPort, kind, vendor, lastSeenMilliseconds } = cells[0]!
  const maker = vendor === undefined ? '' : `<br>${escaped(vendor)}`
  const head = `<th scope="row">${escaped(address)}<br>port ${listenerPort}, ${escaped(kind)}${maker}<br>last heard ${new Date(lastSeenMilliseconds).toISOString()}</th>`
  const states = detectors.map((detector) => {
    const entry = cells.find((cell) => cell.detector === detector)
    if (entry === undefined) return '<td></td>'
    return `<td class="${entry.state}"><strong>${entry.state}</strong>${entry.reasons.map(reasonOf).join('')}</td>`
  })
  return `<tr>${head}${states.join('')}</tr>`
}

function reasonOf({ text, remedy }: CoverageReason): string {
  if (remedy === undefined) return `<ul><li>${escaped(text)}</li></ul>`
  const commands = remedy.commands
    .map(({ platform, lines }) => `<p>${escaped(platform)}</p><pre>${lines.map(escaped).join('\n')}</pre>`)
    .join('')
  return `<details><summary>${escaped(text)}</summary><p>${escaped(remedy.text)}</p>${commands}</details>`
}

/** For text and for attributes in quotes; control characters show as dots. */
export function escaped(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
