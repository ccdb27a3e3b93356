/**
 * Who sends sFlow, and what must be remembered of each sender. The exporter is the sender's address and our port, as
 * for all telemetry (decision 8); within it agents are told apart by the agent address and sub-agent id that the
 * datagram names, so that several agents behind one relay or NAT keep their own sequence numbers and identities.
 * Bounded throughout, and nothing is allocated for an agent, a source or an interface that is known.
 */
import { type Address, isSameAddress } from '#core/records/address.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { type ExporterSession, ExporterTable, MAX_EXPORTERS } from '../exporter-table.js'
import { SequenceTracker } from '../netflow/sequence.js'
import { type KnownInterfaces, noteInterface } from './interfaces.js'
import type { SflowSample } from './samples.js'
import { type DataSource, makeSource, noteCounterSample, noteFlowSample } from './sources.js'

export const SFLOW_PROTOCOL = 105

/** Agents of one exporter. */
export const MAX_AGENTS_PER_EXPORTER = 1024
/** Agents in all, some kilobytes each. */
export const MAX_AGENTS = 65_536
/** Data sources of one agent: a chassis has some hundreds of ports. More are decoded but not counted. */
export const MAX_SOURCES_PER_AGENT = 4096
/** Data sources in all. */
export const MAX_SOURCES = 500_000
/** Interfaces of one exporter whose counters are kept: what a status can carry each second. */
export const MAX_INTERFACES_PER_EXPORTER = 512
/** Formats of records without a name that are counted of one agent. */
const MAX_UNKNOWN_FORMATS = 64
/** Interfaces in all, some 300 octets each. */
export const MAX_INTERFACES = 100_000

export type AgentLimits = {
  readonly exporters: number
  readonly agentsPerExporter: number
  readonly agents: number
  readonly sourcesPerAgent: number
  readonly sources: number
  readonly interfacesPerExporter: number
  readonly interfaces: number
}

const defaultLimits: AgentLimits = {
  exporters: MAX_EXPORTERS,
  agentsPerExporter: MAX_AGENTS_PER_EXPORTER,
  agents: MAX_AGENTS,
  sourcesPerAgent: MAX_SOURCES_PER_AGENT,
  sources: MAX_SOURCES,
  interfacesPerExporter: MAX_INTERFACES_PER_EXPORTER,
  interfaces: MAX_INTERFACES,
}

type Words = Address['words']

/** Counts of one agent; the API shows them. */
export type AgentStatistics = {
  datagrams: number
  octets: number
  /** Flow samples: rows. */
  records: number
  counterSamples: number
  discardedPackets: number
  /** Flow samples that never came, by their numbers. */
  missingSamples: number
  /** Counter samples that never came, by their numbers. */
  missingCounterSamples: number
  /** Samples that the agent itself had to drop, by its own count. */
  agentDrops: number
  /** Records of interface counters whose interface was one too many to keep. */
  interfaceCountersNotKept: number
  firstSeenMilliseconds: number
  lastSeenMilliseconds: number
  readonly undecoded: Map<string, number>
  /** Records of no known structure, by their format number. */
  readonly unknownRecords: Map<number, number>
}

export type Agent = {
  /** The observation domain is the sub-agent. */
  readonly identity: ExporterIdentity
  /** What the datagram names; undefined where it says "unknown". */
  readonly agentAddress: Address | undefined
  /** Of datagrams. */
  readonly sequence: SequenceTracker
  readonly sources: Map<number, DataSource>
  readonly interfaces: KnownInterfaces
  readonly statistics: AgentStatistics
  /** The interval that our configuration gives, which wins; 0 when it gives none. */
  readonly configuredSamplingInterval: number
  /** Of the latest flow sample. */
  samplingRate: number
}

export type SflowExporter = ExporterSession & {
  readonly agents: Set<Agent>
  /** By `hashOf` what names them. */
  readonly byHash: Map<number, Agent[]>
  latest: Agent | undefined
  /** Of all its agents. */
  interfaces: number
}

export class AgentStore {
  private readonly table: ExporterTable<SflowExporter>
  private readonly samplingOf: (address: Address) => number
  private readonly limits: AgentLimits
  private agents = 0
  private sources = 0
  private interfaces = 0
  /** Whether the sample noted last has another rate than the one before it of its source. */
  rateChanged = false

  /** `samplingOf` gives the interval that our configuration sets for an exporter, 0 where it sets none. */
  constructor(samplingOf: (address: Address) => number = () => 0, limits: Partial<AgentLimits> = {}) {
    this.samplingOf = samplingOf
    this.limits = { ...defaultLimits, ...limits }
    this.table = new ExporterTable({
      make: (session) => ({
        ...session,
        agents: new Set(),
        byHash: new Map(),
        latest: undefined,
        interfaces: 0,
      }),
      lastSeen: ({ agents }) =>
        Math.max(0, ...[...agents].map(({ statistics }) => statistics.lastSeenMilliseconds)),
      onForget: ({ agents, interfaces }) => {
        this.agents -= agents.size
        this.interfaces -= interfaces
        for (const { sources } of agents) this.sources -= sources.size
      },
      most: this.limits.exporters,
    })
  }

  get exporters(): readonly SflowExporter[] {
    return this.table.all
  }

  /** The exporter of a datagram; undefined when there are too many. */
  exporter(
    address: Address,
    listenerPort: number,
    transport: number,
    nowMilliseconds?: number,
  ): SflowExporter | undefined {
    return this.table.of(address, listenerPort, transport, nowMilliseconds)
  }

  /** The agent that a datagram names by `family` (0 unknown, 4, 6) and words; undefined when there are too many. */
  agent(exporter: SflowExporter, family: number, words: Words, subAgentId: number): Agent | undefined {
    const { latest, agents, byHash } = exporter
    if (latest !== undefined && isAgent(latest, family, words, subAgentId)) return latest
    const hash = hashOf(words, subAgentId)
    const candidates = byHash.get(hash)
    let agent: Agent | undefined
    if (candidates !== undefined) {
      for (const candidate of candidates) {
        if (isAgent(candidate, family, words, subAgentId)) agent = candidate
      }
    }
    if (agent === undefined) {
      if (agents.size >= this.limits.agentsPerExporter || this.agents >= this.limits.agents) return undefined
      this.agents++
      const agentAddress: Address | undefined =
        family === 0 ? undefined : { family: family as 4 | 6, words: [...words] }
      agent = makeAgent(exporter, agentAddress, subAgentId, this.samplingOf(exporter.address))
      agents.add(agent)
      if (candidates === undefined) byHash.set(hash, [agent])
      else candidates.push(agent)
    }
    exporter.latest = agent
    return agent
  }

  /** Forgets the numbers of an agent that began anew. */
  forgetSources(agent: Agent): void {
    this.sources -= agent.sources.size
    agent.sources.clear()
  }

  /** Notes the numbers of a flow sample: returns how many before it never came or were dropped by the agent. */
  observeSample(agent: Agent, sample: SflowSample): number {
    const { statistics } = agent
    const { samplingRate } = sample
    const source = this.source(agent, sample)
    const isKnown = source !== undefined && source.sequenceNumber >= 0
    this.rateChanged = samplingRate > 0 && samplingRate !== (isKnown ? source : agent).samplingRate
    agent.samplingRate = samplingRate
    if (source === undefined) return 0
    const { missingSamples, droppedSamples } = source
    const lost = noteFlowSample(source, sample)
    statistics.missingSamples += source.missingSamples - missingSamples
    statistics.agentDrops += source.droppedSamples - droppedSamples
    return lost
  }

  /** Notes the number of a counter sample. */
  observeCounters(agent: Agent, sample: SflowSample): void {
    const source = this.source(agent, sample)
    if (source === undefined) return
    agent.statistics.missingCounterSamples += noteCounterSample(source, sample.sequenceNumber)
  }

  /** Keeps the counters of an interface: a record of at least IF_COUNTERS_OCTETS. */
  observeInterface(exporter: SflowExporter, agent: Agent, view: DataView, at: number, now: number): void {
    const before = agent.interfaces.size
    const mayAdd =
      exporter.interfaces < this.limits.interfacesPerExporter && this.interfaces < this.limits.interfaces
    if (!noteInterface(agent.interfaces, view, at, now, mayAdd)) agent.statistics.interfaceCountersNotKept++
    if (agent.interfaces.size === before) return
    exporter.interfaces++
    this.interfaces++
  }

  /** The source of a sample, made when it is new; undefined when there are too many. */
  private source(agent: Agent, sample: SflowSample): DataSource | undefined {
    const { sources } = agent
    const key = sample.sourceType * 0x1_0000_0000 + sample.sourceIndex
    let source = sources.get(key)
    if (source === undefined) {
      if (sources.size >= this.limits.sourcesPerAgent || this.sources >= this.limits.sources) return undefined
      this.sources++
      source = makeSource(sample)
      sources.set(key, source)
    }
    return source
  }
}

/** Counts a record whose structure is not known. */
export function noteUnknownRecord({ statistics: { unknownRecords } }: Agent, format: number): void {
  const count = unknownRecords.get(format)
  if (count !== undefined || unknownRecords.size < MAX_UNKNOWN_FORMATS)
    unknownRecords.set(format, (count ?? 0) + 1)
}

/** Of the address and sub-agent; agents of equal hashes are told apart one by one. */
function hashOf(words: Words, subAgentId: number): number {
  let hash = subAgentId | 0
  for (let index = 0; index < 4; index++) hash = (Math.imul(hash, 0x01000193) ^ words[index as 0]) | 0
  return hash
}

function isAgent(agent: Agent, family: number, words: Words, subAgentId: number): boolean {
  const { agentAddress, identity } = agent
  if (identity.observationDomainId !== subAgentId || (agentAddress?.family ?? 0) !== family) return false
  if (agentAddress === undefined) return true
  const known = agentAddress.words
  return known[3] === words[3] && known[0] === words[0] && known[1] === words[1] && known[2] === words[2]
}

function makeAgent(
  { address, listenerPort, transport }: ExporterSession,
  agentAddress: Address | undefined,
  observationDomainId: number,
  configuredSamplingInterval: number,
): Agent {
  const isSender = agentAddress === undefined || isSameAddress(agentAddress, address)
  return {
    identity: {
      address,
      listenerPort,
      transport,
      protocol: SFLOW_PROTOCOL,
      observationDomainId,
      ...(isSender ? {} : { agentAddress }),
    },
    agentAddress,
    // Datagrams are numbered one by one, as NetFlow v9's are.
    sequence: new SequenceTracker(9),
    sources: new Map(),
    interfaces: new Map(),
    statistics: {
      datagrams: 0,
      octets: 0,
      records: 0,
      counterSamples: 0,
      discardedPackets: 0,
      missingSamples: 0,
      missingCounterSamples: 0,
      agentDrops: 0,
      interfaceCountersNotKept: 0,
      firstSeenMilliseconds: 0,
      lastSeenMilliseconds: 0,
      undecoded: new Map(),
      unknownRecords: new Map(),
    },
    configuredSamplingInterval,
    samplingRate: 0,
  }
}
