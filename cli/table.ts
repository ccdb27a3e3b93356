/** Rows of names and values as a table, CSV or JSON Lines. Device text is made harmless in each. */
import { cell } from '#api/csv.js'
import { protocolNames } from '#core/iana/protocols.js'
import { printable } from '#core/printable.js'
import type { Output } from './output.js'

export type Format = 'table' | 'csv' | 'json'

export type TableOutput = {
  row(values: Readonly<Record<string, unknown>>): void
  drained(): Promise<void>
  /** Prints what is held back. */
  end(): void
}

/** A table is aligned over so many lines at a time. */
const LINES_HELD = 1000
const MAX_WIDTH = 40

export function openTable(format: Format, columns: readonly string[], output: Output): TableOutput {
  if (format === 'json') return { row: output.line, drained: output.drained, end() {} }
  if (format === 'csv') return openCsv(columns, output)
  const isNumber = columns.map(() => true)
  let lines: string[][] = []
  let widths = columns.map((name) => name.length)
  let isFirst = true
  const flush = () => {
    for (const line of lines) widths = widths.map((width, index) => Math.max(width, line[index]!.length))
    const aligned = (line: readonly string[]) =>
      line
        .map((text, index) => (isNumber[index] ? text.padStart(widths[index]!) : text.padEnd(widths[index]!)))
        .join('  ')
        .trimEnd()
    if (isFirst) output.text(`${aligned(columns)}\n`)
    for (const line of lines) output.text(`${aligned(line)}\n`)
    isFirst = false
    lines = []
  }
  return {
    row(values) {
      const line = columns.map((name) => shown(name, values[name]))
      columns.forEach((name, index) => {
        if (typeof values[name] === 'string' || isTime(name)) isNumber[index] = false
      })
      lines.push(line)
      if (lines.length >= LINES_HELD) flush()
    },
    drained: output.drained,
    end() {
      if (lines.length > 0 || isFirst) flush()
    },
  }
}

function openCsv(columns: readonly string[], output: Output): TableOutput {
  output.text(`${columns.join(',')}\r\n`)
  return {
    row(values) {
      const cells = columns.map((name) => {
        const value = values[name]
        if (typeof value === 'number') return cell(isTime(name) ? timeText(value) : value)
        return cell(value === undefined ? undefined : String(value))
      })
      output.text(`${cells.join(',')}\r\n`)
    },
    drained: output.drained,
    end() {},
  }
}

function isTime(name: string): boolean {
  return ['receivedMilliseconds', 'startMilliseconds', 'endMilliseconds', 'timeMilliseconds'].includes(name)
}

const MOST_TIME = 8.64e15

function timeText(time: number): string {
  return Math.abs(time) <= MOST_TIME ? new Date(time).toISOString() : String(time)
}

function shown(name: string, value: unknown): string {
  if (value === undefined) return '-'
  if (typeof value === 'number') {
    if (isTime(name)) return timeText(value)
    return name === 'protocolIdentifier' ? (protocolNames.get(value) ?? String(value)) : String(value)
  }
  const text = printable(String(value))
  return text.length > MAX_WIDTH ? `${text.slice(0, MAX_WIDTH - 1)}…` : text
}
