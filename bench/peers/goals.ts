/** What Culvert means to reach beside its peers, and whether a run shows it. */
import type { Figures } from './table.js'

/** A figure that shall not be above (`atMost`) or below (`atLeast`) its limits: the first is asked, the second wished for. */
export type Goal = {
  readonly what: string
  readonly unit: string
  readonly limits: readonly number[]
  readonly isMinimum?: boolean
  /** Undefined when what it needs did not run. */
  readonly value: number | undefined
}

export function verdictOf({
  limits,
  isMinimum = false,
  value,
}: Goal): 'met' | 'met, all' | 'short' | 'not run' {
  if (value === undefined || !Number.isFinite(value)) return 'not run'
  const reached = limits.filter((limit) => (isMinimum ? value >= limit : value <= limit)).length
  if (reached === 0) return 'short'
  return reached === limits.length ? 'met, all' : 'met'
}

export function goalText(goal: Goal): string[] {
  const { what, unit, limits, isMinimum = false, value } = goal
  const sign = isMinimum ? '≥' : '≤'
  return [
    what,
    value === undefined ? '-' : `${value.toFixed(2)} ${unit}`,
    `${sign} ${limits.join(', then ')} ${unit}`,
    verdictOf(goal),
  ]
}

const named = (figures: readonly Figures[], name: string) =>
  figures.find(({ collector }) => collector === name)

const quotient = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? undefined : one / other

/** Of flows with templates; v5 is told beside. No peer judges what it takes, so ingest is measured by itself, and with detectors. */
export function flowGoals(figures: readonly Figures[]): Goal[] {
  const peer = named(figures, 'nfcapd, LZ4')
  const detecting = named(figures, 'Culvert, recvmmsg')
  const ingesting = named(figures, 'Culvert, recvmmsg, without detectors')
  const own = figures.filter(({ collector }) => collector.startsWith('Culvert'))
  const time = (one: Figures | undefined) =>
    quotient(one?.processorSecondsPerMillion, peer?.processorSecondsPerMillion)
  const byDgram = time(named(figures, 'Culvert, dgram, without detectors'))
  return [
    {
      what: 'CPU of ingest by recvmmsg to nfcapd, LZ4',
      unit: 'x',
      limits: [1, 0.75],
      value: time(ingesting),
    },
    { what: 'CPU of ingest by dgram to nfcapd, LZ4', unit: 'x', limits: [1.4], value: byDgram },
    { what: 'CPU by recvmmsg, detectors with it', unit: 'x', limits: [1], value: time(detecting) },
    {
      what: 'octets a flow to nfcapd, LZ4',
      unit: 'x',
      limits: [0.5, 0.45],
      value: quotient(own[0]?.octetsPerRecord, peer?.octetsPerRecord),
    },
    {
      what: 'flows lost',
      unit: '',
      limits: [0],
      value: lostOf(own),
    },
  ]
}

/** Of lines read into columns and kept; detectors are told beside. */
export function syslogGoals(figures: readonly Figures[]): Goal[] {
  const ingesting = named(figures, 'Culvert, recvmmsg, without detectors')
  const own = figures.filter(({ collector }) => collector.startsWith('Culvert'))
  return [
    {
      what: 'CPU-s a million messages, detectors apart',
      unit: 's',
      limits: [3.5, 2.6],
      value: ingesting?.processorSecondsPerMillion,
    },
    { what: 'messages lost', unit: '', limits: [0], value: lostOf(own) },
  ]
}

const lostOf = (figures: readonly Figures[]) =>
  figures.length === 0 ? undefined : figures.reduce((sum, { sent, stored }) => sum + sent - stored, 0)
