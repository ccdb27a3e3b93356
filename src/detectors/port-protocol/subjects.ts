/**
 * What was found, by server, port and application: the pairs that speak for it, their evidence, and the observation that
 * is made of them.
 */
import { findingId, type Observation } from '../../findings/finding.js'
import { protocolNames } from '../../iana/protocols.js'
import { formatAddress } from '../../records/address.js'
import { attackNetworkDevices } from '../detector.js'
import { EvidenceLog, type RecordEvidence } from './evidence-log.js'
import { TCP, UDP } from './expected.js'
import { rareProtocols } from './intake.js'
import type { Point } from './points.js'
import type { Verdict } from './verdict.js'

export const PORT_PROTOCOL = 'port-protocol'

/** Servers and ports reported on at a time; the oldest are forgotten first. */
const MAX_SUBJECTS = 10_000
/** Clients of one subject that are kept and listed. */
const MAX_CLIENTS = 100

export type Entry = {
  readonly point: Point
  readonly client: string
  readonly server: string
  readonly port: number
  readonly protocolIdentifier: number
  /** Our name of the application; '' when none is named. Vendors' names for it differ. */
  readonly application: string
  /** As the device named it. */
  readonly applicationName: string
  readonly verdict: Verdict
  readonly firstSeenMilliseconds: number
  readonly lastSeenMilliseconds: number
  readonly conversations: number
}

type Subject = {
  /** Of the finding: what all entries have in common. */
  readonly id: string
  readonly entries: Map<string, Entry>
  readonly evidence: EvidenceLog
  overflowed: boolean
}

export type Subjects = {
  /** Takes a pair's verdict and the records behind it; returns the subject's key. */
  note(entry: Entry, evidence: readonly RecordEvidence[]): string | undefined
  observation(key: string): Observation | undefined
}

export function createSubjects(): Subjects {
  const subjects = new Map<string, Subject>()
  const named = new Set<string>()
  return {
    note(entry, evidence) {
      const isNamed = entry.verdict.kind === 'named' || entry.verdict.kind === 'serviceNamed'
      const place = `${entry.server} ${entry.port} ${entry.protocolIdentifier}`
      // What a device names says more than what a shape suggests, and one finding is enough.
      if (isNamed) named.add(place)
      else if (named.has(place)) return undefined
      const key = isNamed ? `${place} ${entry.application}` : place
      let subject = subjects.get(key)
      if (subject === undefined) {
        if (subjects.size >= MAX_SUBJECTS) {
          const oldest = subjects.keys().next().value!
          subjects.delete(oldest)
          named.delete(oldest.split(' ').slice(0, 3).join(' '))
        }
        subject = {
          id: idOf(entry, isNamed),
          entries: new Map(),
          evidence: new EvidenceLog(),
          overflowed: false,
        }
        subjects.set(key, subject)
      }
      const own = `${entry.client} ${entry.point.key}`
      if (!subject.entries.has(own) && subject.entries.size >= MAX_CLIENTS) subject.overflowed = true
      else subject.entries.set(own, entry)
      for (const record of evidence) subject.evidence.add(record)
      return key
    },
    observation(key) {
      const subject = subjects.get(key)
      return subject === undefined ? undefined : observationOf(subject)
    },
  }
}

function idOf({ server, port, protocolIdentifier, application }: Entry, isNamed: boolean): string {
  return findingId(PORT_PROTOCOL, {
    server,
    port,
    protocol: protocolIdentifier,
    ...(isNamed ? { application } : {}),
  })
}

function observationOf({ id, entries, evidence, overflowed }: Subject): Observation {
  const list = [...entries.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
  const best = list.reduce((one, other) => (other.verdict.score > one.verdict.score ? other : one))
  const { verdict, server, port, protocolIdentifier, applicationName } = best
  const points = [...new Set(list.map(({ point }) => point))].sort((a, b) => (a.key < b.key ? -1 : 1))
  const quality = [
    ...(best.point.samplingInterval > 1
      ? [
          {
            code: 'sampled',
            text: `1 in ${best.point.samplingInterval} packets was looked at: tests that need whole counts were left out`,
          },
        ]
      : []),
    ...(best.point.gaps > 0
      ? [{ code: 'records-missing', text: `${best.point.gaps} sequence gaps at the exporter` }]
      : []),
    ...(overflowed ? [{ code: 'clients-left-out', text: `more than ${MAX_CLIENTS} clients` }] : []),
  ]
  return {
    kind: 'finding',
    id,
    detector: PORT_PROTOCOL,
    severity: verdict.severity,
    score: verdict.score,
    title: titleOf(best),
    sourceAddresses: [...new Set(list.map(({ client }) => client))].sort(),
    destinationAddresses: [server],
    protocolIdentifier,
    ...(hasPorts(protocolIdentifier) ? { destinationTransportPort: port } : {}),
    ...(applicationName === '' ? {} : { applicationName }),
    firstSeenMilliseconds: Math.min(...list.map((entry) => entry.firstSeenMilliseconds)),
    lastSeenMilliseconds: Math.max(...list.map((entry) => entry.lastSeenMilliseconds)),
    exporters: points.map(({ identity, samplingInterval }) => ({
      address: formatAddress(identity.address),
      listenerPort: identity.listenerPort,
      observationDomainId: identity.observationDomainId,
      bothDirections: true,
      ...(samplingInterval > 0 ? { samplingInterval } : {}),
    })),
    evidenceQuality: { level: quality.length === 0 ? 'good' : 'degraded', reasons: quality },
    reasons: [...verdict.reasons, { code: 'conversations-counted', value: best.conversations }],
    subScores: verdict.subScores,
    attack: attackNetworkDevices,
    evidence: evidence.list(),
  }
}

function titleOf({ verdict, server, port, protocolIdentifier, applicationName }: Entry): string {
  const where = `${transportName(protocolIdentifier)}/${port} of ${server}`
  switch (verdict.kind) {
    case 'named':
      return `${applicationName} on ${where}, where it is not expected`
    case 'serviceNamed':
      return `policy service ${applicationName} on ${where}, where it is not expected`
    case 'shape':
      return `traffic to ${where} does not look like ${String(verdict.reasons[0]!.threshold)}`
    case 'proxy':
      return `an outside proxy is used: ${where}`
    case 'registry':
      return `slow, kept-up exchange with ${where}, a port without a usual service`
    case 'rare':
      return protocolIdentifier === UDP
        ? `UDP off baseline: ${where}, which no other host of its kind uses`
        : hasPorts(protocolIdentifier)
          ? `rare here: ${where}, which hardly another host of its kind uses`
          : `rare here: IP protocol ${protocolIdentifier} with ${server}`
    default:
      return `IP protocol ${protocolIdentifier} (${rareProtocols.get(protocolIdentifier)}) with ${server}`
  }
}

function hasPorts(protocolIdentifier: number): boolean {
  return protocolIdentifier === TCP || protocolIdentifier === UDP
}

function transportName(protocolIdentifier: number): string {
  return (protocolNames.get(protocolIdentifier) ?? String(protocolIdentifier)).toUpperCase()
}
