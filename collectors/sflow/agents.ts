/**
 * Who sends sFlow, and what must be remembered of each sender. The exporter is the sender's address and our port, as
 * for all telemetry (decision 8); within it agents are told apart by the agent address and sub-agent id that the
 * datagram names, so that several agents behind one relay or NAT keep their own sequence numbers. Bounded throughout.
 */
import { type Address, formatAddress } from '#core/records/address.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { SequenceTracker } from '../netflow/sequence.js'
import type { SflowSample } from './samples.js'

export const SFLOW_PROTOCOL = 105

/** Exporters in all: spoofed sources must not fill the memory. */
export const MAX_EXPORTERS = 16_384
/** Agents of one exporter. */
export const MAX_AGENTS_PER_EXPORTER = 1024
/** Agents in all, some kilobytes each. */
export const MAX_AGENTS = 65_536
/** Data sources of one agent: a chassis has some hundreds of ports. More are decoded but not counted. */
export const MAX_SOURCES_PER_AGENT = 4096
/** Data sources in all. */
export const MAX_SOURCES = 500_000

export type AgentLimits = {
  readonly exporters: number
  readonly agentsPerExporter: number
  readonly agents: number
  readonly sourcesPerAgent: number
  readonly sources: number
}

const defaultLimits: AgentLimits = {
  exporters: MAX_EXPORTERS,
  agentsPerExporter: MAX_AGENTS_PER_EXPORTER,
  agents: MAX_AGENTS,
  sourcesPerAgent: MAX_SOURCES_PER_AGENT,
  sources: MAX_SOURCES,
}

/** A jump of a sample number beyond this is a new start, not a loss that anyone could count. */
const LARGEST_GAP = 1_000_000

/** One data source of an agent, an interface as a rule: its flow samples are numbered apart. */
export type DataSource = { sequenceNumber: number; drops: number; samplingRate: number }

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
  /** Samples that the agent itself had to drop, by its own count. */
  agentDrops: number
  firstSeenMilliseconds: number
  lastSeenMilliseconds: number
  readonly undecoded: Map<string, number>
}

export type Agent = {
  /** The observation domain is the sub-agent. */
  readonly identity: ExporterIdentity
  /** What the datagram names; undefined where it says "unknown". */
  readonly agentAddress: Address | undefined
  /** Of datagrams. */
  readonly sequence: SequenceTracker
  readonly sources: Map<number, DataSource>
  readonly statistics: AgentStatistics
  /** The interval that our configuration gives, which wins; 0 when it gives none. */
  readonly configuredSamplingInterval: number
  /** Of the latest flow sample. */
  samplingRate: number
}

export type SflowExporter = {
  readonly address: Address
  readonly listenerPort: number
  readonly transport: number
  readonly agents: Map<string, Agent>
  latest: Agent | undefined
}

export class AgentStore {
  readonly exporters: SflowExporter[] = []
  private readonly byAddress = new Map<Address, Map<number, SflowExporter>>()
  private readonly byText = new Map<string, SflowExporter>()
  private readonly samplingOf: (address: Address) => number
  private readonly limits: AgentLimits
  private agents = 0
  private sources = 0
  /** Whether the sample noted last has another rate than the one before it of its source. */
  rateChanged = false

  /** `samplingOf` gives the interval that our configuration sets for an exporter, 0 where it sets none. */
  constructor(samplingOf: (address: Address) => number = () => 0, limits: Partial<AgentLimits> = {}) {
    this.samplingOf = samplingOf
    this.limits = { ...defaultLimits, ...limits }
  }

  /** The exporter of a datagram; undefined when there are too many. Equal address objects are found fastest. */
  exporter(address: Address, listenerPort: number, transport: number): SflowExporter | undefined {
    const session = listenerPort * 4 + transport
    const found = this.byAddress.get(address)?.get(session)
    if (found !== undefined) return found
    const text = `${formatAddress(address)}|${session}`
    let exporter = this.byText.get(text)
    if (exporter === undefined) {
      if (this.exporters.length >= this.limits.exporters) return undefined
      exporter = { address, listenerPort, transport, agents: new Map(), latest: undefined }
      this.exporters.push(exporter)
      this.byText.set(text, exporter)
    }
    let sessions = this.byAddress.get(address)
    if (sessions === undefined) {
      // Callers that do not reuse address objects must not grow this cache without end.
      if (this.byAddress.size >= 2 * MAX_EXPORTERS) this.byAddress.clear()
      sessions = new Map()
      this.byAddress.set(address, sessions)
    }
    sessions.set(session, exporter)
    return exporter
  }

  /** The agent that a datagram names by `family` (0 unknown, 4, 6) and words; undefined when there are too many. */
  agent(
    exporter: SflowExporter,
    family: number,
    words: readonly [number, number, number, number],
    subAgentId: number,
  ): Agent | undefined {
    const { latest } = exporter
    if (latest !== undefined && isAgent(latest, family, words, subAgentId)) return latest
    const key = `${family}|${words.join()}|${subAgentId}`
    let agent = exporter.agents.get(key)
    if (agent === undefined) {
      if (exporter.agents.size >= this.limits.agentsPerExporter || this.agents >= this.limits.agents) {
        return undefined
      }
      this.agents++
      const agentAddress =
        family === 0 ? undefined : ({ family: family as 4 | 6, words: [...words] } satisfies Address)
      agent = makeAgent(exporter, agentAddress, subAgentId, this.samplingOf(exporter.address))
      exporter.agents.set(key, agent)
    }
    exporter.latest = agent
    return agent
  }

  /** Forgets the numbers of an agent that began anew. */
  forgetSources(agent: Agent): void {
    this.sources -= agent.sources.size
    agent.sources.clear()
  }

  /**
   * Notes the numbers of a flow sample: returns how many before it never came or were dropped by the agent. A smaller
   * number is a late datagram or a new start, and no loss.
   */
  observeSample(agent: Agent, sample: SflowSample): number {
    const { sources, statistics } = agent
    const key = sample.sourceType * 0x1_0000_0000 + sample.sourceIndex
    const source = sources.get(key)
    const { sequenceNumber, drops, samplingRate } = sample
    this.rateChanged = samplingRate > 0 && samplingRate !== (source ?? agent).samplingRate
    agent.samplingRate = samplingRate
    if (source === undefined) {
      if (sources.size >= this.limits.sourcesPerAgent || this.sources >= this.limits.sources) return 0
      this.sources++
      sources.set(key, { sequenceNumber, drops, samplingRate })
      return 0
    }
    const step = (sequenceNumber - source.sequenceNumber) | 0
    const missing = step > 1 && step <= LARGEST_GAP ? step - 1 : 0
    const more = (drops - source.drops) | 0
    const dropped = step > 0 && more > 0 && more <= LARGEST_GAP ? more : 0
    if (step > 0 || step < -LARGEST_GAP || sequenceNumber === 1) {
      source.sequenceNumber = sequenceNumber
      source.drops = drops
    }
    source.samplingRate = samplingRate
    statistics.missingSamples += missing
    statistics.agentDrops += dropped
    return missing + dropped
  }
}

function isAgent(
  { agentAddress, identity }: Agent,
  family: number,
  words: readonly [number, number, number, number],
  subAgentId: number,
): boolean {
  if (identity.observationDomainId !== subAgentId || (agentAddress?.family ?? 0) !== family) return false
  return agentAddress === undefined || agentAddress.words.every((word, index) => word === words[index])
}

function makeAgent(
  { address, listenerPort, transport }: SflowExporter,
  agentAddress: Address | undefined,
  observationDomainId: number,
  configuredSamplingInterval: number,
): Agent {
  return {
    identity: { address, listenerPort, transport, protocol: SFLOW_PROTOCOL, observationDomainId },
    agentAddress,
    // Datagrams are numbered one by one, as NetFlow v9's are.
    sequence: new SequenceTracker(9),
    sources: new Map(),
    statistics: {
      datagrams: 0,
      octets: 0,
      records: 0,
      counterSamples: 0,
      discardedPackets: 0,
      missingSamples: 0,
      agentDrops: 0,
      firstSeenMilliseconds: 0,
      lastSeenMilliseconds: 0,
      undecoded: new Map(),
    },
    configuredSamplingInterval,
    samplingRate: 0,
  }
}
