/** Alarms against the truth: which hidden channels were found, how soon, and what was raised about anything else. */
import type { Observation, Severity } from '#core/findings/finding.js'
import type { Alarm } from './judge.js'

/**
 * What a pair of hosts really does. `carrying`: echo replies carry data of their own; `mirroring`: the far end echoes
 * or stays silent, so that counters equal a ping's; `pairing`: a service on a port that is not its own; `other`: a
 * misdeed that is nobody's goal here, so an alarm about it is neither a hit nor false.
 */
export type Kind = 'carrying' | 'mirroring' | 'pairing' | 'other' | 'benign'

/** What is known of some traffic. */
export type Truth = {
  readonly kind: Kind
  /** The behaviour or the tool, as tables name it. */
  readonly shape: string
  readonly source: string
  readonly destination: string
  /** Absent: that of any protocol or port. */
  readonly protocolIdentifier?: number
  readonly port?: number
  readonly startMilliseconds: number
  /** When a tunnel first carries data; absent where it is not known. */
  readonly carriesFromMilliseconds?: number
  /** Active timeout of the exporter that sees it, ms. */
  readonly activeTimeoutMilliseconds?: number
}

/** A hidden channel and what became of it. */
export type Case = {
  readonly truth: Truth
  readonly isFound: boolean
  readonly severity: Severity | undefined
  /** From its first packet to the first alarm; undefined when there was none. */
  readonly delayMilliseconds: number | undefined
  /** Octets that its records had told of by then, or in all when it was not found; undefined where not counted. */
  readonly octets: number | undefined
}

/** An alarm that no truth but a benign one explains. */
export type FalseAlarm = {
  readonly detector: string
  readonly severity: Severity
  readonly title: string
  /** The benign behaviour that it is about; undefined when nothing labelled is. */
  readonly shape: string | undefined
  readonly reasons: readonly string[]
  readonly atMilliseconds: number
}

export type Score = { readonly cases: Case[]; readonly falseAlarms: FalseAlarm[] }

/** Echo octets of a pair, as records told of them: by the order in which they came. */
export type OctetsUntil = (one: string, other: string, atMilliseconds: number) => number | undefined

/** Whether an observation is about what a truth tells. */
export function isAbout(observation: Observation, truth: Truth): boolean {
  const { protocolIdentifier, destinationTransportPort, sourceAddresses, destinationAddresses } = observation
  const isPort = truth.port === undefined || destinationTransportPort === undefined
  if (!isPort && truth.port !== destinationTransportPort) return false
  const isProtocol = truth.protocolIdentifier === undefined || protocolIdentifier === undefined
  if (!isProtocol && truth.protocolIdentifier !== protocolIdentifier) return false
  const names = (list: readonly string[], address: string) => list.includes(address)
  return (
    (names(sourceAddresses, truth.source) && names(destinationAddresses, truth.destination)) ||
    (names(sourceAddresses, truth.destination) && names(destinationAddresses, truth.source))
  )
}

/** Scores the findings among alarms; gaps in coverage are no alarms. */
export function score(
  alarms: Iterable<Alarm>,
  truths: readonly Truth[],
  octetsUntil: OctetsUntil = () => undefined,
): Score {
  const byAddress = new Map<string, Truth[]>()
  for (const truth of truths) {
    for (const address of [truth.source, truth.destination]) {
      const list = byAddress.get(address)
      if (list === undefined) byAddress.set(address, [truth])
      else list.push(truth)
    }
  }
  const hits = new Map<Truth, Alarm>()
  const falseAlarms: FalseAlarm[] = []
  for (const alarm of alarms) {
    const { observation } = alarm
    if (observation.kind !== 'finding') continue
    const near = observation.destinationAddresses.flatMap((address) => byAddress.get(address) ?? [])
    const about = near.filter((truth) => isAbout(observation, truth))
    const bad = about.filter(({ kind }) => kind !== 'benign')
    for (const truth of bad) {
      const before = hits.get(truth)
      if (before === undefined || alarm.firstAt < before.firstAt) hits.set(truth, alarm)
    }
    if (bad.length > 0) continue
    falseAlarms.push({
      detector: observation.detector,
      severity: alarm.severity,
      title: observation.title,
      shape: (about[0] ?? near.find(({ kind }) => kind === 'benign'))?.shape,
      reasons: observation.reasons.map(({ code }) => code),
      atMilliseconds: alarm.firstAt,
    })
  }
  const cases = truths
    .filter(({ kind }) => kind !== 'benign' && kind !== 'other')
    .map((truth): Case => {
      const alarm = hits.get(truth)
      const until = alarm?.firstAt ?? Number.POSITIVE_INFINITY
      return {
        truth,
        isFound: alarm !== undefined,
        severity: alarm?.severity,
        delayMilliseconds: alarm === undefined ? undefined : alarm.firstAt - truth.startMilliseconds,
        octets: octetsUntil(truth.source, truth.destination, until),
      }
    })
  return { cases, falseAlarms }
}
