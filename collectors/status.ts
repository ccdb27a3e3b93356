/** What the collectors know of each exporter, in the form that the API shows (src/exporters.ts). */
import { type ExporterStatus, exporterId, type ObservationDomain } from '#core/exporters.js'
import { formatAddress } from '#core/records/address.js'
import { samplingFromNames } from '#core/records/columns.js'
import { protocolVersionNames, transportNames } from '#core/records/exporter.js'
import type { Domain } from './netflow/context.js'
import type { NetflowDecoder } from './netflow/decoder.js'
import type { Exporter } from './netflow/template-store.js'
import type { Agent, SflowExporter } from './sflow/agents.js'
import type { SyslogExporter } from './syslog-intake.js'

/** Rates need two looks at the counts. */
export type RateMemory = Map<string, { atMilliseconds: number; records: number; datagrams: number }>

const sequenceUnits: Readonly<Record<number, 'flows' | 'packets' | 'records'>> = {
  9: 'packets',
  10: 'records',
}

export function netflowStatus(
  decoder: NetflowDecoder,
  exporter: Exporter,
  rates: RateMemory,
  nowMilliseconds: number,
): ExporterStatus {
  const domains = [...exporter.domains.values()]
  const address = formatAddress(exporter.address)
  const id = exporterId(address, exporter.listenerPort)
  const sum = (read: (domain: Domain) => number) => domains.reduce((total, domain) => total + read(domain), 0)
  const undecoded: Record<string, number> = {}
  for (const { statistics } of domains) {
    for (const [reason, count] of statistics.undecoded) undecoded[reason] = (undecoded[reason] ?? 0) + count
  }
  const records = sum(({ statistics }) => statistics.records)
  const datagrams = sum(({ statistics }) => statistics.datagrams)
  const latest = domains.reduce((one, other) =>
    one.statistics.lastSeenMilliseconds >= other.statistics.lastSeenMilliseconds ? one : other,
  )
  const skew = latest.statistics.clockSkewMilliseconds
  const seen = domains.map(({ statistics }) => statistics.firstSeenMilliseconds).filter((time) => time > 0)
  return {
    id,
    address,
    listenerPort: exporter.listenerPort,
    transport: transportNames[exporter.transport]!,
    kind: 'netflow',
    protocolVersions: [
      ...new Set(domains.map(({ identity }) => protocolVersionNames.get(identity.protocol)!)),
    ],
    observationDomains: domains.map((domain) => domainStatus(decoder, domain)),
    datagrams,
    octets: sum(({ statistics }) => statistics.octets),
    records,
    ...ratesOf(rates, id, { records, datagrams }, nowMilliseconds),
    undecoded,
    ...(Number.isNaN(skew) ? {} : { clockSkewMilliseconds: skew }),
    firstSeenMilliseconds: seen.length === 0 ? 0 : Math.min(...seen),
    lastSeenMilliseconds: latest.statistics.lastSeenMilliseconds,
  }
}

function domainStatus(decoder: NetflowDecoder, domain: Domain): ObservationDomain {
  const { identity, sequence } = domain
  const [samplingInterval, samplingFrom] =
    domain.configuredSamplingInterval > 0
      ? [domain.configuredSamplingInterval, samplingFromNames[4]]
      : domain.samplingInterval > 0
        ? [domain.samplingInterval, samplingFromNames[2]]
        : domain.headerSamplingInterval > 0
          ? [domain.headerSamplingInterval, samplingFromNames[3]]
          : [undefined, undefined]
  const isFixed = identity.protocol < 9
  return {
    observationDomainId: identity.observationDomainId,
    protocolVersion: protocolVersionNames.get(identity.protocol)!,
    templates: isFixed
      ? []
      : [...domain.templates.values()].map(({ template, learntMilliseconds, lastUsedMilliseconds }) => ({
          templateId: template.id,
          kind: template.kind,
          fieldCount: template.fields.length,
          fields: template.fields.map(({ element, elementId, enterpriseNumber, length }) => ({
            name: element.name,
            elementId: Math.abs(elementId),
            enterpriseNumber,
            length,
          })),
          learntAtMilliseconds: learntMilliseconds,
          lastUsedMilliseconds,
        })),
    sequence: { ...sequence.counts, unit: sequenceUnits[identity.protocol] ?? 'flows' },
    ...(samplingInterval === undefined ? {} : { samplingInterval, samplingFrom: samplingFrom as 'options' }),
    held: [...decoder.held.waiting(domain)].map(([templateId, sets]) => ({ templateId, sets })),
  }
}

/** The observation domains are the sub-agents; two agents behind one relay may show the same number. */
export function sflowStatus(
  exporter: SflowExporter,
  rates: RateMemory,
  nowMilliseconds: number,
): ExporterStatus {
  const agents = [...exporter.agents.values()]
  const address = formatAddress(exporter.address)
  const id = exporterId(address, exporter.listenerPort)
  const sum = (read: (agent: Agent) => number) => agents.reduce((total, agent) => total + read(agent), 0)
  const undecoded: Record<string, number> = {}
  for (const { statistics } of agents) {
    for (const [reason, count] of statistics.undecoded) undecoded[reason] = (undecoded[reason] ?? 0) + count
  }
  const records = sum(({ statistics }) => statistics.records)
  const datagrams = sum(({ statistics }) => statistics.datagrams)
  return {
    id,
    address,
    listenerPort: exporter.listenerPort,
    transport: transportNames[exporter.transport]!,
    kind: 'sflow',
    protocolVersions: ['sflow5'],
    observationDomains: agents.map(agentStatus),
    datagrams,
    octets: sum(({ statistics }) => statistics.octets),
    records,
    ...ratesOf(rates, id, { records, datagrams }, nowMilliseconds),
    undecoded,
    firstSeenMilliseconds: Math.min(...agents.map(({ statistics }) => statistics.firstSeenMilliseconds)),
    lastSeenMilliseconds: Math.max(...agents.map(({ statistics }) => statistics.lastSeenMilliseconds)),
  }
}

function agentStatus({
  identity,
  sequence,
  configuredSamplingInterval,
  samplingRate,
}: Agent): ObservationDomain {
  const isConfigured = configuredSamplingInterval > 0
  const samplingInterval = isConfigured ? configuredSamplingInterval : samplingRate
  return {
    observationDomainId: identity.observationDomainId,
    protocolVersion: protocolVersionNames.get(identity.protocol)!,
    templates: [],
    sequence: { ...sequence.counts, unit: 'packets' },
    ...(samplingInterval > 0
      ? { samplingInterval, samplingFrom: isConfigured ? 'configuration' : 'record' }
      : {}),
    held: [],
  }
}

export function syslogStatus(
  exporter: SyslogExporter,
  rates: RateMemory,
  nowMilliseconds: number,
): ExporterStatus {
  const { identity, lines, octets, clockSkewMilliseconds, vendor, product } = exporter
  const address = formatAddress(identity.address)
  const id = exporterId(address, identity.listenerPort)
  return {
    id,
    address,
    listenerPort: identity.listenerPort,
    transport: transportNames[identity.transport]!,
    kind: 'syslog',
    protocolVersions: ['syslog'],
    observationDomains: [],
    datagrams: lines,
    octets,
    records: exporter.connections,
    ...ratesOf(rates, id, { records: exporter.connections, datagrams: lines }, nowMilliseconds),
    undecoded: exporter.notUnderstood === 0 ? {} : { 'line-not-understood': exporter.notUnderstood },
    ...(Number.isNaN(clockSkewMilliseconds) ? {} : { clockSkewMilliseconds }),
    firstSeenMilliseconds: exporter.firstSeenMilliseconds,
    lastSeenMilliseconds: exporter.lastSeenMilliseconds,
    ...(vendor === '' ? {} : { vendor, product }),
  }
}

function ratesOf(
  memory: RateMemory,
  id: string,
  counts: { records: number; datagrams: number },
  nowMilliseconds: number,
): { recordsPerSecond: number; datagramsPerSecond: number } {
  const before = memory.get(id)
  memory.set(id, { atMilliseconds: nowMilliseconds, ...counts })
  const seconds = before === undefined ? 0 : (nowMilliseconds - before.atMilliseconds) / 1000
  if (before === undefined || seconds <= 0) return { recordsPerSecond: 0, datagramsPerSecond: 0 }
  const rate = (now: number, then: number) => Math.round(((now - then) / seconds) * 10) / 10
  return {
    recordsPerSecond: rate(counts.records, before.records),
    datagramsPerSecond: rate(counts.datagrams, before.datagrams),
  }
}
