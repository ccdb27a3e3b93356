/** Figures of runs as a table: medians, and ratios to one of the peers. */
import { cpus, loadavg, release } from 'node:os'
import { median } from '../service/series.js'
import type { Run } from './measure.js'

export function describeMachine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor'
  const load = loadavg()[0]!.toFixed(1)
  const day = new Date().toISOString().slice(0, 10)
  return `${model}, ${cpus().length} cores, Linux ${release()}, Node.js ${process.version}, load ${load}, ${day}`
}

export type Figures = {
  readonly collector: string
  readonly runs: number
  readonly datagramsPerSecond: number
  readonly processorSecondsPerMillion: number
  readonly octetsPerRecord: number
  /** Without the line as received, where that is kept beside what was read from it. */
  readonly octetsWithoutLine: number | undefined
  /** Of all runs together. */
  readonly sent: number
  readonly stored: number
  readonly dropped: number
}

/** Medians by collector, in the order of their first runs. */
export function figuresOf(runs: readonly Run[]): Figures[] {
  const names = [...new Set(runs.map(({ collector }) => collector))]
  return names.map((collector) => {
    const own = runs.filter((run) => run.collector === collector)
    const sum = (read: (run: Run) => number) => own.reduce((total, run) => total + read(run), 0)
    return {
      collector,
      runs: own.length,
      datagramsPerSecond: median(own.map(({ reachedPerSecond }) => reachedPerSecond)),
      processorSecondsPerMillion: median(
        own.map(({ processorSeconds, measured }) => (processorSeconds * 1e6) / measured),
      ),
      octetsPerRecord: median(own.map(({ octets, stored }) => octets / stored)),
      octetsWithoutLine: own.every(({ lineOctets }) => lineOctets !== undefined)
        ? median(own.map(({ octets, lineOctets, stored }) => (octets - lineOctets!) / stored))
        : undefined,
      sent: sum(({ sent }) => sent),
      stored: sum(({ stored }) => stored),
      dropped: sum(({ dropped }) => dropped),
    }
  })
}

/** Lines of text; ratios are to `peer`, where it ran. */
export function tableOf(figures: readonly Figures[], peer: string): string {
  const base = figures.find(({ collector }) => collector === peer)
  const ratio = (own: number, other: number | undefined) =>
    other === undefined ? '-' : `${(own / other).toFixed(2)} x`
  const withLines = figures.some(({ octetsWithoutLine }) => octetsWithoutLine !== undefined)
  return aligned([
    [
      '',
      'datagrams/s',
      'CPU-s/M',
      'ratio',
      'octets/record',
      'ratio',
      ...(withLines ? ['without the line'] : []),
      'lost',
    ],
    ...figures.map((row) => [
      row.collector,
      row.datagramsPerSecond.toFixed(0),
      row.processorSecondsPerMillion.toFixed(3),
      ratio(row.processorSecondsPerMillion, base?.processorSecondsPerMillion),
      row.octetsPerRecord.toFixed(1),
      ratio(row.octetsPerRecord, base?.octetsPerRecord),
      ...(withLines ? [row.octetsWithoutLine?.toFixed(1) ?? '-'] : []),
      lossOf(row),
    ]),
  ])
}

function lossOf({ sent, stored, dropped }: Figures): string {
  const lost = sent - stored
  if (lost === 0) return '0'
  return `${lost} (${((lost * 100) / sent).toFixed(2)} %), ${dropped} datagrams by the kernel`
}

/** Columns of text, the first to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))),
    )
    .map((row) => row.join('  ').trimEnd())
    .join('\n')
}
