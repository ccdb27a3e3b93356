/** Context as files that import takes back, and what an import did, for people. Names may be hostile in both. */
import { cell } from '#api/csv.js'
import type { ContextData } from '#core/context/data.js'
import { fieldsOf } from '#core/context/import/fields.js'
import type { ImportOutcome } from '#core/context/import/import.js'
import type { ImportProblem, Remark } from '#core/context/import/rows.js'
import type { ContextKind } from '#core/context/kinds.js'
import { printable } from '#core/printable.js'
import { toIso } from '#core/records/time.js'
import { jsonLine } from './output.js'

type Fields = Readonly<Record<string, unknown>>

/** YAML whose texts are written as JSON does, so that no terminal obeys them. */
export function contextYaml(data: ContextData, kinds: readonly ContextKind[]): string {
  const lines: string[] = []
  for (const kind of kinds) {
    const entries = data[kind] as readonly Fields[]
    lines.push(entries.length === 0 ? `${kind}: []` : `${kind}:`)
    for (const entry of entries) {
      const fields = Object.entries(entry).filter(([, value]) => value !== undefined)
      fields.forEach(([name, value], index) => {
        lines.push(`${index === 0 ? '  - ' : '    '}${name}: ${jsonLine(value).trimEnd()}`)
      })
    }
  }
  return `${lines.join('\n')}\n`
}

/** RFC 4180 with the fields as columns. What a terminal would obey is lost, as quotes do not hide it. */
export function contextCsv(data: ContextData, kind: ContextKind): string {
  const fields = fieldsOf(kind)
  const lines = (data[kind] as readonly Fields[]).map((entry) =>
    fields.map((field) => cellOf(field, entry[field])).join(','),
  )
  return `${[fields.join(','), ...lines].join('\r\n')}\r\n`
}

function cellOf(field: string, value: unknown): string {
  if (value === undefined) return ''
  if (typeof value !== 'number') return cell(printable(String(value)))
  return field === 'expiresMilliseconds' && value <= 8.64e15 ? toIso(value) : cell(value)
}

/** One JSON document. */
export function contextJson(data: ContextData, kinds: readonly ContextKind[]): string {
  return jsonLine(Object.fromEntries(kinds.map((kind) => [kind, data[kind]])))
}

const LISTED = 20

/** What an import did or would do, a line each. */
export function outcomeText(outcome: ImportOutcome): string {
  const { counts, changes, problems, problemCount, repeated, notMapped, mapped, warnings } = outcome
  const lines: string[] = []
  for (const { kind, added, changed, removed, unchanged } of counts) {
    lines.push(`${kind}: ${added} added, ${changed} changed, ${removed} removed, ${unchanged} unchanged`)
    const ofKind = changes.filter((change) => change.kind === kind)
    for (const { change, key } of ofKind.slice(0, LISTED)) lines.push(`  ${change.padEnd(7)}  ${key}`)
    const more = added + changed + removed - Math.min(ofKind.length, LISTED)
    if (more > 0) lines.push(`  and ${more} more`)
  }
  if (repeated > 0) lines.push(`${repeated} rows say what another has said`)
  lines.push(...remarkLines('understood', mapped), ...remarkLines('not taken', notMapped))
  lines.push(...remarkLines('warning', warnings))
  for (const problem of problems) lines.push(`wrong: ${problemText(problem)}`)
  if (problemCount > problems.length) lines.push(`wrong: and ${problemCount - problems.length} more`)
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function remarkLines(what: string, remarks: readonly Remark[]): string[] {
  return remarks.map(({ reason, count, examples }) => {
    const rest = count > examples.length ? ', …' : ''
    return `${what}: ${reason}: ${count} (${examples.join(', ')}${rest})`
  })
}

function problemText({ line, pointer, field, message, found }: ImportProblem): string {
  const place = line === undefined ? (pointer ?? '') : `line ${line}`
  const where = [place, field ?? ''].filter((part) => part !== '').join(', ')
  return `${where === '' ? '' : `${where}: `}${message}${found === undefined ? '' : ` (found ${JSON.stringify(found)})`}`
}
