/** Tables and rates as text. */
import type { Case } from './score.js'
import { countInterval, quantile, shareInterval } from './statistics.js'

/** Rows as a Markdown table whose columns line up. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]!.length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index]!)).join(' | ')} |\n`
  return line(columns) + line(widths.map((width) => '-'.repeat(width))) + rows.map(line).join('')
}

const percent = (share: number) => `${Math.round(share * 1000) / 10}`

/** `6/7 86 % [42-100]`. */
export function share(hits: number, trials: number): string {
  if (trials === 0) return '-'
  const { low, high } = shareInterval(hits, trials)
  return `${hits}/${trials} ${percent(hits / trials)} % [${percent(low)}-${percent(high)}]`
}

/** Counted over host-days, as a rate for 10,000 hosts and a day with its interval. */
export function rate(count: number, hostDays: number): string {
  const scale = 10_000 / hostDays
  const { low, high } = countInterval(count)
  const digits = (value: number) => (value >= 10 ? value.toFixed(0) : value.toFixed(2))
  return `${digits(count * scale)} [${digits(low * scale)}-${digits(high * scale)}]`
}

/** Milliseconds as the largest unit that fits. */
export function span(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return '-'
  const seconds = milliseconds / 1000
  if (seconds < 600) return `${Math.round(seconds)} s`
  return seconds < 36_000 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

export function octets(count: number | undefined): string {
  if (count === undefined) return '-'
  if (count < 10_000) return `${Math.round(count)}`
  return count < 10_000_000 ? `${Math.round(count / 1000)} k` : `${Math.round(count / 1_000_000)} M`
}

/** Median time to the first alarm among cases that were found. */
export function medianDelay(cases: readonly Case[]): number | undefined {
  return quantile(
    cases.map(({ delayMilliseconds }) => delayMilliseconds).filter((delay) => delay !== undefined),
    0.5,
  )
}

/** Median of the octets that had been told of by the first alarm. */
export function medianOctets(cases: readonly Case[]): number | undefined {
  const found = cases.filter(({ isFound }) => isFound)
  return quantile(
    found.map((one) => one.octets).filter((count) => count !== undefined),
    0.5,
  )
}

/** Whether a case was found within two active timeouts of its exporter, counted from its first packet. */
export const isTimely = (one: Case) => isWithinTwoTimeouts(one, one.truth.startMilliseconds)

/** The same from the first packet that carries data: before it, a tunnel is a ping. */
export const isTimelySinceData = (one: Case) =>
  isWithinTwoTimeouts(one, one.truth.carriesFromMilliseconds ?? one.truth.startMilliseconds)

function isWithinTwoTimeouts({ truth, delayMilliseconds }: Case, sinceMilliseconds: number): boolean {
  const { activeTimeoutMilliseconds, startMilliseconds } = truth
  if (activeTimeoutMilliseconds === undefined || delayMilliseconds === undefined) return false
  return delayMilliseconds <= sinceMilliseconds - startMilliseconds + 2 * activeTimeoutMilliseconds
}

export const foundIn = (cases: readonly Case[]) => cases.filter(({ isFound }) => isFound).length

/** Groups in the order in which their keys first come. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

export const isHigh = ({ severity }: { readonly severity: string }) =>
  severity === 'high' || severity === 'critical'
