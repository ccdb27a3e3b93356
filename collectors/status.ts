/** What the collectors know of each exporter, in the form that the API shows (src/exporters.ts). */
import type { ObservationDomain, TemplateStatus } from '#core/exporters.js'
import { formatAddress } from '#core/records/address.js'
import { samplingFromNames } from '#core/records/columns.js'
import { protocolVersionNames, transportNames } from '#core/records/exporter.js'
import { type ExporterDescription, type ExporterKind, idOf, kindOf, sumPace } from './exporter-directory.js'
import type { ExporterSession } from './exporter-table.js'
import type { TimeoutMeter } from './exporter-watch.js'
import type { IpfixSessions, PastCounts, StreamExporter } from './ipfix-sessions.js'
import type { Domain, LearntName } from './netflow/context.js'
import type { NetflowDecoder } from './netflow/decoder.js'
import { describeElement } from './netflow/elements.js'
import { isStale } from './netflow/template-refresh.js'
import type { Exporter, StoredTemplate } from './netflow/template-store.js'
import type { AgentStore, SflowExporter } from './sflow/agents.js'
import { agentStatuses, sflowCounts } from './sflow/status.js'
import type { SyslogExporter, SyslogIntake } from './syslog-intake.js'

/** An answer stays small: names beyond these are counted, not listed. */
const MOST_INTERFACE_NAMES = 256
const MOST_NAMES = 64

const sequenceUnits: Readonly<Record<number, 'flows' | 'packets' | 'records'>> = {
  9: 'packets',
  10: 'records',
}

export type Collectors = {
  readonly flows: NetflowDecoder
  readonly sflow: AgentStore
  readonly streams: NetflowDecoder
  readonly sessions: Pick<IpfixSessions, 'exporters'>
  readonly syslog: Pick<SyslogIntake, 'exporters'>
  readonly timeouts: TimeoutMeter
}

/** The exporters of all collectors, for the directory. */
export function exporterKinds(collectors: Collectors): ExporterKind<object>[] {
  const { flows, sflow, streams, sessions, syslog, timeouts } = collectors
  const place = (exporter: ExporterSession) => exporter
  const statisticsOf = ({ domains }: Exporter) => [...domains.values()].map(({ statistics }) => statistics)
  return [
    kindOf<Exporter>({
      all: () => flows.store.exporters.filter(({ domains }) => domains.size > 0),
      place,
      counts: (exporter) => sumPace(statisticsOf(exporter)),
      describe: (exporter, now) => netflowStatus(flows, exporter, timeouts, now),
    }),
    kindOf<StreamExporter>({
      all: () => sessions.exporters.values(),
      place,
      counts: (exporter) => sumPace([exporter.past, ...[...exporter.sessions].flatMap(statisticsOf)]),
      describe: (exporter, now) => streamStatus(streams, exporter, timeouts, now),
    }),
    kindOf<SflowExporter>({
      all: () => sflow.exporters.filter(({ agents }) => agents.size > 0),
      place,
      counts: (exporter) => sumPace([...exporter.agents].map(({ statistics }) => statistics)),
      describe: sflowStatus,
    }),
    kindOf<SyslogExporter>({
      all: () => syslog.exporters(),
      place: ({ identity }) => identity,
      counts: ({ lines, connections, firstSeenMilliseconds, lastSeenMilliseconds }) => ({
        datagrams: lines,
        records: connections,
        firstSeenMilliseconds,
        lastSeenMilliseconds,
      }),
      describe: syslogStatus,
    }),
  ]
}

/** An exporter over UDP. */
export function netflowStatus(
  decoder: NetflowDecoder,
  exporter: Exporter,
  timeouts: TimeoutMeter,
  nowMilliseconds: number,
): ExporterDescription {
  return flowStatus(decoder, exporter, [exporter], undefined, timeouts, nowMilliseconds)
}

/** An exporter over TCP or TLS: its open connections and what came over those that have ended. */
export function streamStatus(
  decoder: NetflowDecoder,
  exporter: StreamExporter,
  timeouts: TimeoutMeter,
  nowMilliseconds: number,
): ExporterDescription {
  const { sessions, past } = exporter
  const status = flowStatus(decoder, exporter, [...sessions], past, timeouts, nowMilliseconds)
  return { ...status, connections: sessions.size }
}

function flowStatus(
  decoder: NetflowDecoder,
  { address: words, listenerPort, transport }: Pick<Exporter, 'address' | 'listenerPort' | 'transport'>,
  sessions: readonly Exporter[],
  past: PastCounts | undefined,
  timeouts: TimeoutMeter,
  nowMilliseconds: number,
): ExporterDescription {
  const domains = sessions.flatMap((session) => [...session.domains.values()])
  const address = formatAddress(words)
  const all = [...(past === undefined ? [] : [past]), ...domains.map(({ statistics }) => statistics)]
  const undecoded: Record<string, number> = {}
  for (const one of all) {
    for (const [reason, count] of one.undecoded) undecoded[reason] = (undecoded[reason] ?? 0) + count
  }
  const pace = sumPace(all)
  const skew = domains.find(({ statistics }) => statistics.lastSeenMilliseconds === pace.lastSeenMilliseconds)
    ?.statistics.clockSkewMilliseconds
  const versions = new Set(domains.map(({ identity }) => protocolVersionNames.get(identity.protocol)!))
  return {
    id: idOf(address, listenerPort, transport),
    address,
    listenerPort,
    transport: transportNames[transport]!,
    kind: 'netflow',
    protocolVersions: past === undefined ? [...versions] : [10],
    observationDomains: domains.map((domain) => domainStatus(decoder, domain, timeouts, nowMilliseconds)),
    ...pace,
    octets: all.reduce((total, one) => total + one.octets, 0),
    undecoded,
    ...(skew === undefined || Number.isNaN(skew) ? {} : { clockSkewMilliseconds: skew }),
  }
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

export function sflowStatus(exporter: SflowExporter): ExporterDescription {
  const { address: words, listenerPort, transport } = exporter
  const address = formatAddress(words)
  return {
    id: idOf(address, listenerPort, transport),
    address,
    listenerPort,
    transport: transportNames[transport]!,
    kind: 'sflow',
    protocolVersions: ['sflow5'],
    observationDomains: agentStatuses(exporter),
    ...sflowCounts(exporter),
  }
}

export function syslogStatus(exporter: SyslogExporter): ExporterDescription {
  const { identity, lines, octets, clockSkewMilliseconds, vendor, product } = exporter
  const address = formatAddress(identity.address)
  const { listenerPort, transport } = identity
  return {
    id: idOf(address, listenerPort, transport),
    address,
    listenerPort,
    transport: transportNames[transport]!,
    kind: 'syslog',
    protocolVersions: ['syslog'],
    observationDomains: [],
    datagrams: lines,
    octets,
    records: exporter.connections,
    undecoded: exporter.notUnderstood === 0 ? {} : { 'line-not-understood': exporter.notUnderstood },
    ...(Number.isNaN(clockSkewMilliseconds) ? {} : { clockSkewMilliseconds }),
    firstSeenMilliseconds: exporter.firstSeenMilliseconds,
    lastSeenMilliseconds: exporter.lastSeenMilliseconds,
    ...(vendor === '' ? {} : { vendor, product }),
  }
}
