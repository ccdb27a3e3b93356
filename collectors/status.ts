/** What the collectors know of each exporter, in the form that the API shows (src/exporters.ts). */
import {
  type ExporterStatus,
  exporterId,
  type ObservationDomain,
  type TemplateStatus,
} from '#core/exporters.js'
import { formatAddress } from '#core/records/address.js'
import { samplingFromNames } from '#core/records/columns.js'
import { protocolVersionNames, transportNames } from '#core/records/exporter.js'
import { isSilent, type TimeoutMeter } from './exporter-watch.js'
import type { PastCounts, StreamExporter } from './ipfix-sessions.js'
import type { Domain, LearntName } from './netflow/context.js'
import type { NetflowDecoder } from './netflow/decoder.js'
import { describeElement } from './netflow/elements.js'
import { isStale } from './netflow/template-refresh.js'
import type { Exporter, StoredTemplate } from './netflow/template-store.js'
import type { SflowExporter } from './sflow/agents.js'
import { agentStatuses, sflowCounts } from './sflow/status.js'
import type { SyslogExporter } from './syslog-intake.js'

/** A status goes to the main thread every second: names beyond these are counted, not listed. */
const MOST_INTERFACE_NAMES = 256
const MOST_NAMES = 64

/** Rates need two looks at the counts. */
export type RateMemory = Map<string, { atMilliseconds: number; records: number; datagrams: number }>

const sequenceUnits: Readonly<Record<number, 'flows' | 'packets' | 'records'>> = {
  9: 'packets',
  10: 'records',
}

/** An exporter over UDP. */
export function netflowStatus(
  decoder: NetflowDecoder,
  exporter: Exporter,
  timeouts: TimeoutMeter,
  rates: RateMemory,
  nowMilliseconds: number,
): ExporterStatus {
  return flowStatus(decoder, exporter, [exporter], undefined, timeouts, rates, nowMilliseconds)
}

/** An exporter over TCP or TLS: its open connections and what came over those that have ended. */
export function streamStatus(
  decoder: NetflowDecoder,
  exporter: StreamExporter,
  timeouts: TimeoutMeter,
  rates: RateMemory,
  nowMilliseconds: number,
): ExporterStatus {
  const { sessions, past } = exporter
  const status = flowStatus(decoder, exporter, [...sessions], past, timeouts, rates, nowMilliseconds)
  return { ...status, connections: sessions.size }
}

function flowStatus(
  decoder: NetflowDecoder,
  { address: words, listenerPort, transport }: Pick<Exporter, 'address' | 'listenerPort' | 'transport'>,
  sessions: readonly Exporter[],
  past: PastCounts | undefined,
  timeouts: TimeoutMeter,
  rates: RateMemory,
  nowMilliseconds: number,
): ExporterStatus {
  const domains = sessions.flatMap((session) => [...session.domains.values()])
  const address = formatAddress(words)
  const transportName = transportNames[transport]!
  const id = exporterId(address, listenerPort, transportName === 'udp' ? undefined : transportName)
  const all = [...(past === undefined ? [] : [past]), ...domains.map(({ statistics }) => statistics)]
  const sum = (read: (counts: PastCounts) => number) => all.reduce((total, one) => total + read(one), 0)
  const undecoded: Record<string, number> = {}
  for (const one of all) {
    for (const [reason, count] of one.undecoded) undecoded[reason] = (undecoded[reason] ?? 0) + count
  }
  const records = sum((one) => one.records)
  const datagrams = sum((one) => one.datagrams)
  const seen = all.map((one) => one.firstSeenMilliseconds).filter((time) => time > 0)
  const lastSeenMilliseconds = Math.max(0, ...all.map((one) => one.lastSeenMilliseconds))
  const skew = domains.find(({ statistics }) => statistics.lastSeenMilliseconds === lastSeenMilliseconds)
    ?.statistics.clockSkewMilliseconds
  const versions = new Set(domains.map(({ identity }) => protocolVersionNames.get(identity.protocol)!))
  return {
    id,
    address,
    listenerPort,
    transport: transportName,
    kind: 'netflow',
    protocolVersions: past === undefined ? [...versions] : [10],
    observationDomains: domains.map((domain) => domainStatus(decoder, domain, timeouts, nowMilliseconds)),
    datagrams,
    octets: sum((one) => one.octets),
    records,
    ...ratesOf(rates, id, { records, datagrams }, nowMilliseconds),
    undecoded,
    ...(skew === undefined || Number.isNaN(skew) ? {} : { clockSkewMilliseconds: skew }),
    firstSeenMilliseconds: seen.length === 0 ? 0 : Math.min(...seen),
    lastSeenMilliseconds,
    ...silence(datagrams, seen.length === 0 ? 0 : Math.min(...seen), lastSeenMilliseconds, nowMilliseconds),
  }
}

/** The key that says so when a device has fallen silent. */
function silence(
  datagrams: number,
  first: number,
  last: number,
  now: number,
): { silentSinceMilliseconds?: number } {
  return isSilent(datagrams, first, last, now) ? { silentSinceMilliseconds: last } : {}
}

function domainStatus(
  decoder: NetflowDecoder,
  domain: Domain,
  timeouts: TimeoutMeter,
  nowMilliseconds: number,
): ObservationDomain {
  const { reportedSkewMilliseconds } = domain.statistics
  const measured = timeouts.measured(domain.identity, reportedSkewMilliseconds)
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
      : [...domain.templates.values()].map((stored) => ({
          ...templateStatus(stored, domain),
          ...refreshStatus(stored, nowMilliseconds),
        })),
    sequence: { ...sequence.counts, unit: sequenceUnits[identity.protocol] ?? 'flows' },
    ...(samplingInterval === undefined ? {} : { samplingInterval, samplingFrom: samplingFrom as 'options' }),
    ...learntStatus(domain),
    held: [...decoder.held.waiting(domain)].map(([templateId, sets]) => ({ templateId, sets })),
    ...(measured.activeMilliseconds === undefined
      ? {}
      : { activeTimeoutMilliseconds: measured.activeMilliseconds }),
    ...(measured.idleMilliseconds === undefined
      ? {}
      : { idleTimeoutMilliseconds: measured.idleMilliseconds }),
  }
}

function templateStatus(
  { template, learntMilliseconds, lastUsedMilliseconds }: StoredTemplate,
  domain: Domain,
): TemplateStatus {
  return {
    templateId: template.id,
    kind: template.kind,
    fieldCount: template.fields.length,
    fields: template.fields.map((field) => ({
      name: describeElement(field, domain).name,
      elementId: Math.abs(field.elementId),
      enterpriseNumber: field.enterpriseNumber,
      length: field.length,
    })),
    learntAtMilliseconds: learntMilliseconds,
    lastUsedMilliseconds,
  }
}

/** When the device sends a template again, and whether it has ceased to (RFC 7011 §8.4). */
function refreshStatus(stored: StoredTemplate, nowMilliseconds: number): Partial<TemplateStatus> {
  const { lastReceivedMilliseconds, refreshMilliseconds } = stored
  return {
    ...(lastReceivedMilliseconds === 0 ? {} : { lastReceivedAtMilliseconds: lastReceivedMilliseconds }),
    ...(refreshMilliseconds === 0 ? {} : { refreshIntervalMilliseconds: Math.round(refreshMilliseconds) }),
    ...(isStale(stored, nowMilliseconds) ? { stale: true } : {}),
  }
}

/** What options data taught of a domain; keys without a value are left out. */
function learntStatus(domain: Domain): Partial<ObservationDomain> {
  const { samplers, interfaces, applications, vrfs, reported } = domain
  const names = (known: ReadonlyMap<number | string, LearntName & { id?: string }>, most: number) =>
    [...known].slice(0, most).map(([key, { id, name, learntMilliseconds }]) => ({
      id: id ?? String(key),
      name,
      learntAtMilliseconds: learntMilliseconds,
    }))
  const nameCounts = { interfaces: interfaces.size, applications: applications.size, vrfs: vrfs.size }
  return {
    ...(domain.samplingLearntMilliseconds === 0
      ? {}
      : { samplingLearntAtMilliseconds: domain.samplingLearntMilliseconds }),
    ...(samplers.size === 0
      ? {}
      : {
          samplers: [...samplers]
            .slice(0, MOST_NAMES)
            .map(([samplerId, { interval, learntMilliseconds }]) => ({
              samplerId,
              samplingInterval: interval,
              learntAtMilliseconds: learntMilliseconds,
            })),
        }),
    ...(Number.isNaN(domain.systemInitMilliseconds)
      ? {}
      : {
          systemInitMilliseconds: domain.systemInitMilliseconds,
          systemInitLearntAtMilliseconds: domain.systemInitLearntMilliseconds,
        }),
    ...(interfaces.size === 0 ? {} : { interfaceNames: names(interfaces, MOST_INTERFACE_NAMES) }),
    ...(applications.size === 0 ? {} : { applicationNames: names(applications, MOST_NAMES) }),
    ...(vrfs.size === 0 ? {} : { vrfNames: names(vrfs, MOST_NAMES) }),
    ...(interfaces.size + applications.size + vrfs.size === 0 ? {} : { nameCounts }),
    ...(reported.observationDomainName === ''
      ? {}
      : { observationDomainName: reported.observationDomainName }),
    ...(reported.exporterAddresses.size === 0
      ? {}
      : { reportedExporterAddresses: [...reported.exporterAddresses] }),
    ...(reported.originalExporterAddresses.size === 0
      ? {}
      : { originalExporterAddresses: [...reported.originalExporterAddresses] }),
    ...(reported.originalObservationDomains.size === 0
      ? {}
      : { originalObservationDomainIds: [...reported.originalObservationDomains] }),
  }
}

export function sflowStatus(
  exporter: SflowExporter,
  rates: RateMemory,
  nowMilliseconds: number,
): ExporterStatus {
  const address = formatAddress(exporter.address)
  const id = exporterId(address, exporter.listenerPort)
  const counts = sflowCounts(exporter)
  const { records, datagrams, firstSeenMilliseconds, lastSeenMilliseconds } = counts
  return {
    id,
    address,
    listenerPort: exporter.listenerPort,
    transport: transportNames[exporter.transport]!,
    kind: 'sflow',
    protocolVersions: ['sflow5'],
    observationDomains: agentStatuses(exporter),
    ...counts,
    ...ratesOf(rates, id, { records, datagrams }, nowMilliseconds),
    ...silence(datagrams, firstSeenMilliseconds, lastSeenMilliseconds, nowMilliseconds),
  }
}

export function syslogStatus(
  exporter: SyslogExporter,
  rates: RateMemory,
  nowMilliseconds: number,
): ExporterStatus {
  const { identity, lines, octets, clockSkewMilliseconds, vendor, product } = exporter
  const address = formatAddress(identity.address)
  const transport = transportNames[identity.transport]!
  const id = exporterId(address, identity.listenerPort, transport === 'udp' ? undefined : transport)
  return {
    id,
    address,
    listenerPort: identity.listenerPort,
    transport,
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
    ...silence(lines, exporter.firstSeenMilliseconds, exporter.lastSeenMilliseconds, nowMilliseconds),
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
