/** What is known of sFlow agents, in the form that the API shows (src/exporters.ts). */
import type { ObservationDomain, SflowAgentStatus } from '#core/exporters.js'
import { formatAddress } from '#core/records/address.js'
import { protocolVersionNames } from '#core/records/exporter.js'
import type { Agent, SflowExporter } from './agents.js'
import { reportInterface } from './interfaces.js'
import { effectiveInterval } from './sources.js'

/** A status goes to the main thread every second: sources of an exporter beyond these are counted, not listed. */
const MOST_SOURCES = 256

/** The sums over all agents. */
export function sflowCounts(exporter: SflowExporter) {
  const undecoded: Record<string, number> = {}
  const counts = {
    datagrams: 0,
    octets: 0,
    records: 0,
    undecoded,
    firstSeenMilliseconds: Number.POSITIVE_INFINITY,
    lastSeenMilliseconds: 0,
  }
  for (const { statistics } of exporter.agents) {
    counts.datagrams += statistics.datagrams
    counts.octets += statistics.octets
    counts.records += statistics.records
    counts.firstSeenMilliseconds = Math.min(counts.firstSeenMilliseconds, statistics.firstSeenMilliseconds)
    counts.lastSeenMilliseconds = Math.max(counts.lastSeenMilliseconds, statistics.lastSeenMilliseconds)
    for (const [reason, count] of statistics.undecoded) undecoded[reason] = (undecoded[reason] ?? 0) + count
  }
  return counts
}

/** The observation domains are the sub-agents; two agents behind one relay may show the same number. */
export function agentStatuses(exporter: SflowExporter): ObservationDomain[] {
  let sourcesLeft = MOST_SOURCES
  return [...exporter.agents].map((agent) => {
    const { identity, sequence, configuredSamplingInterval, samplingRate } = agent
    const isConfigured = configuredSamplingInterval > 0
    const samplingInterval = isConfigured ? configuredSamplingInterval : samplingRate
    const sflow = agentStatus(agent, sourcesLeft)
    sourcesLeft -= sflow.sources.length
    return {
      observationDomainId: identity.observationDomainId,
      protocolVersion: protocolVersionNames.get(identity.protocol)!,
      templates: [],
      sequence: { ...sequence.counts, unit: 'packets' },
      ...(samplingInterval > 0
        ? { samplingInterval, samplingFrom: isConfigured ? 'configuration' : 'record' }
        : {}),
      held: [],
      sflow,
    }
  })
}

function agentStatus(
  { agentAddress, sources, interfaces, statistics }: Agent,
  most: number,
): SflowAgentStatus {
  let samples = 0
  let poolPackets = 0
  const listed: SflowAgentStatus['sources'] = []
  for (const source of sources.values()) {
    samples += source.samples
    poolPackets += source.poolPackets
    if (listed.length >= most) continue
    const effective = effectiveInterval(source.samples, source.poolPackets)
    listed.push({
      sourceType: source.sourceType,
      sourceIndex: source.sourceIndex,
      ...(source.samplingRate > 0 ? { samplingInterval: source.samplingRate } : {}),
      ...(effective === undefined ? {} : { effectiveSamplingInterval: effective }),
      samples: source.samples,
      poolPackets: source.poolPackets,
      missingSamples: source.missingSamples,
      droppedSamples: source.droppedSamples,
    })
  }
  const effective = effectiveInterval(samples, poolPackets)
  return {
    ...(agentAddress === undefined ? {} : { agentAddress: formatAddress(agentAddress) }),
    flowSamples: statistics.records,
    counterSamples: statistics.counterSamples,
    discardedPackets: statistics.discardedPackets,
    missingSamples: statistics.missingSamples,
    missingCounterSamples: statistics.missingCounterSamples,
    droppedSamples: statistics.agentDrops,
    poolPackets,
    ...(effective === undefined ? {} : { effectiveSamplingInterval: effective }),
    sourceCount: sources.size,
    sources: listed,
    interfaces: [...interfaces.values()].map(reportInterface).sort((a, b) => a.ifIndex - b.ifIndex),
    interfaceCountersNotKept: statistics.interfaceCountersNotKept,
    unknownRecords: Object.fromEntries(
      [...statistics.unknownRecords].map(([format, count]) => [`${format >>> 12}/${format & 0xfff}`, count]),
    ),
  }
}
