/**
 * sFlow version 5 datagrams into rows ("sFlow Version 5", sflow.org, July 2004). Pure but for the state it is given: no
 * socket, no clock, no exception. What cannot be used is told to the sink with a reason from reasons.ts, and decoding
 * goes on behind it. Flow samples become rows; counter samples and discarded packets are shown and counted alone.
 */
import type { BlockBuilder } from '#core/blocks/builder.js'
import type { Address } from '#core/records/address.js'
import type { ExporterEventName } from '#core/records/columns.js'
import { type Agent, AgentStore, noteUnknownRecord, type SflowExporter } from './agents.js'
import { counterStructures } from './counter-structures.js'
import { FlowRow } from './flow-row.js'
import { flowStructures } from './flow-structures.js'
import { IF_COUNTERS_OCTETS } from './interfaces.js'
import type { SflowUndecodedReason } from './reasons.js'
import { CounterFormat, isKnownSample, SampleFormat, SflowSample } from './samples.js'

/** What a sample needs to know of its datagram. One is used again for every datagram. */
export class SflowContext {
  exporter!: SflowExporter
  agent!: Agent
  receivedMilliseconds = 0
  /** Milliseconds since the agent began. */
  upTimeMilliseconds = 0
  sequenceNumber = 0
  datagram = 0
  /** Samples before this one in the datagram. */
  sample = 0
}

/** Sees single samples as they are decoded; the command line shows them, the receive path has none. */
export type SflowObserver = {
  /** A flow sample; the row that it became is the last of `builder`. */
  flow(context: SflowContext, sample: SflowSample, view: DataView, builder: BlockBuilder): void
  counters(context: SflowContext, sample: SflowSample, view: DataView): void
  /** A packet that the device did not forward: no row, since it was not sampled one in so many. */
  discarded(context: SflowContext, sample: SflowSample, view: DataView): void
}

export type SflowSink = {
  /** A builder of the stream (0 flow4, 1 flow6, 2 icmp4, 3 icmp6) with room for at least one row. */
  builder(stream: number): BlockBuilder
  /** Octets that could not be used. `agent` is undefined when the header itself is bad; `format` is the sample's. */
  undecoded(
    reason: SflowUndecodedReason,
    context: SflowContext,
    agent: Agent | undefined,
    format: number,
    octets: number,
  ): void
  /** A fact about an agent that detectors must know. */
  exporterEvent(agent: Agent, event: ExporterEventName, value: number, receivedMilliseconds: number): void
  readonly observer?: SflowObserver
}

export type SflowDecoderOptions = { readonly sink: SflowSink; readonly store?: AgentStore }

const VERSION = 5
/** Version, type of the agent's address; what follows the address: sub-agent, sequence, uptime, count. */
const HEADER_BEFORE_ADDRESS = 8
const HEADER_AFTER_ADDRESS = 16
/** Format and length, of samples as of records. */
const ITEM_HEADER = 8
/** Samples and records of a datagram: 64 KiB cannot hold more of eight octets each. */
const MAX_STEPS = 8192

/** Whether a datagram is sFlow by its first word: no version of NetFlow or IPFIX begins with two octets of zero. */
export function isSflow(view: DataView, length: number): boolean {
  if (length < 4) return false
  const version = view.getUint32(0)
  return version === VERSION || version === 2 || version === 4
}

export class SflowDecoder {
  readonly store: AgentStore
  /** Samples and records looked at in the latest datagram. */
  steps = 0
  private readonly sink: SflowSink
  private readonly context = new SflowContext()
  private readonly sample = new SflowSample()
  private readonly row = new FlowRow()
  private readonly words: [number, number, number, number] = [0, 0, 0, 0]

  constructor({ sink, store }: SflowDecoderOptions) {
    this.sink = sink
    this.store = store ?? new AgentStore()
  }

  /** Decodes one datagram of `length` octets at the start of `view`. */
  datagram(
    view: DataView,
    length: number,
    source: Address,
    listenerPort: number,
    receivedMilliseconds: number,
    transport = 0,
    datagram = 0,
  ): void {
    const { context } = this
    context.receivedMilliseconds = receivedMilliseconds
    context.datagram = datagram
    context.sample = 0
    this.steps = 0
    if (length < HEADER_BEFORE_ADDRESS) {
      this.refuse('datagram-too-short', undefined, 0, length)
      return
    }
    const version = view.getUint32(0)
    if (version !== VERSION) {
      const isOlder = version === 2 || version === 4
      this.refuse(isOlder ? 'version-unsupported' : 'version-unknown', undefined, 0, length)
      return
    }
    const addressType = view.getUint32(4)
    if (addressType > 2) {
      this.refuse('agent-address-unknown', undefined, 0, length)
      return
    }
    const addressOctets = [0, 4, 16][addressType]!
    const behind = HEADER_BEFORE_ADDRESS + addressOctets
    if (length < behind + HEADER_AFTER_ADDRESS) {
      this.refuse('datagram-too-short', undefined, 0, length)
      return
    }
    const { words } = this
    for (let word = 0; word < 4; word++) {
      const at = behind - 16 + 4 * word
      words[word] = at >= HEADER_BEFORE_ADDRESS ? view.getUint32(at) : 0
    }
    const subAgentId = view.getUint32(behind)
    context.sequenceNumber = view.getUint32(behind + 4)
    context.upTimeMilliseconds = view.getUint32(behind + 8)
    const samples = view.getUint32(behind + 12)

    const exporter = this.store.exporter(source, listenerPort, transport, receivedMilliseconds)
    const family = [0, 4, 6][addressType]!
    const agent = exporter === undefined ? undefined : this.store.agent(exporter, family, words, subAgentId)
    if (exporter === undefined || agent === undefined) {
      this.refuse('exporter-limit', undefined, 0, length)
      return
    }
    context.exporter = exporter
    context.agent = agent
    const isInOrder = this.seen(agent, length)
    this.samples(view, behind + HEADER_AFTER_ADDRESS, length, samples, isInOrder)
  }

  /** Counts the datagram; true when no datagram is missing before it. */
  private seen(agent: Agent, octets: number): boolean {
    const { receivedMilliseconds, sequenceNumber, upTimeMilliseconds } = this.context
    const { statistics, sequence } = agent
    statistics.datagrams++
    statistics.octets += octets
    if (statistics.firstSeenMilliseconds === 0) statistics.firstSeenMilliseconds = receivedMilliseconds
    statistics.lastSeenMilliseconds = receivedMilliseconds
    const outcome = sequence.observe(sequenceNumber, -1, 0, upTimeMilliseconds)
    if (outcome.event === 'none') return true
    if (outcome.event === 'reset') this.store.forgetSources(agent)
    this.sink.exporterEvent(agent, outcome.event, outcome.value, receivedMilliseconds)
    return false
  }

  private samples(view: DataView, from: number, length: number, count: number, isInOrder: boolean): void {
    const { context } = this
    const { agent } = context
    let missing = 0
    let at = from
    for (; context.sample < count; context.sample++) {
      if (length - at < ITEM_HEADER) {
        this.refuse('count-exceeds-datagram', agent, 0, length - at)
        break
      }
      if (this.steps++ >= MAX_STEPS) {
        this.refuse('step-limit', agent, 0, length - at)
        break
      }
      const format = view.getUint32(at)
      const octets = view.getUint32(at + 4)
      at += ITEM_HEADER
      if (octets > length - at) {
        this.refuse('sample-past-end', agent, format, length - at)
        break
      }
      missing += this.oneSample(view, format, at, at + octets)
      at += padded(octets)
    }
    // Samples that are missing although every datagram came were lost in the device.
    if (missing > 0 && isInOrder) this.sink.exporterEvent(agent, 'gap', missing, context.receivedMilliseconds)
  }

  /** Returns how many flow samples are missing before this one. */
  private oneSample(view: DataView, format: number, from: number, end: number): number {
    const { context, sample, sink, row } = this
    const { agent, receivedMilliseconds } = context
    const { statistics } = agent
    if (!isKnownSample(format)) {
      this.refuse('sample-format-unknown', agent, format, end - from)
      return 0
    }
    if (!sample.read(view, format, from, end)) {
      this.refuse('sample-truncated', agent, format, end - from)
      return 0
    }
    row.begin(view)
    this.records(view)
    if (sample.isFlow) {
      row.finish()
      statistics.records++
      const missing = this.store.observeSample(agent, sample)
      if (this.store.rateChanged)
        sink.exporterEvent(agent, 'sampling', sample.samplingRate, receivedMilliseconds)
      const builder = sink.builder(row.stream)
      row.write(builder, agent, sample, receivedMilliseconds)
      sink.observer?.flow(context, sample, view, builder)
      return missing
    }
    if (format === SampleFormat.discardedPacket) {
      statistics.discardedPackets++
      sink.observer?.discarded(context, sample, view)
    } else {
      statistics.counterSamples++
      this.store.observeCounters(agent, sample)
      sink.observer?.counters(context, sample, view)
    }
    return 0
  }

  /** Walks the sample's records: of flow samples into the row, of counter samples the interfaces', of others none. */
  private records(view: DataView): void {
    const { sample, context, row } = this
    const { end, format, recordCount } = sample
    const { agent } = context
    const structures = sample.isCounters ? counterStructures : flowStructures
    let at = sample.recordsFrom
    for (let record = 0; record < recordCount; record++) {
      if (end - at < ITEM_HEADER) {
        this.refuse('count-exceeds-sample', agent, format, end - at)
        return
      }
      if (this.steps++ >= MAX_STEPS) {
        this.refuse('step-limit', agent, format, end - at)
        return
      }
      const recordFormat = view.getUint32(at)
      const octets = view.getUint32(at + 4)
      at += ITEM_HEADER
      if (octets > end - at) {
        this.refuse('record-past-end', agent, format, end - at)
        return
      }
      const reason = sample.isFlow
        ? row.record(recordFormat, at, octets)
        : this.counterRecord(view, recordFormat, at, octets)
      if (reason !== undefined) this.refuse(reason, agent, format, octets)
      if (!structures.has(recordFormat)) noteUnknownRecord(agent, recordFormat)
      at += padded(octets)
    }
  }

  private counterRecord(
    view: DataView,
    format: number,
    at: number,
    octets: number,
  ): SflowUndecodedReason | undefined {
    const { sample, context, store } = this
    if (!sample.isCounters || format !== CounterFormat.generic) return undefined
    if (octets < IF_COUNTERS_OCTETS) return 'record-truncated'
    store.observeInterface(context.exporter, context.agent, view, at, context.receivedMilliseconds)
    return undefined
  }

  private refuse(
    reason: SflowUndecodedReason,
    agent: Agent | undefined,
    format: number,
    octets: number,
  ): void {
    if (agent !== undefined) {
      const { undecoded } = agent.statistics
      undecoded.set(reason, (undecoded.get(reason) ?? 0) + 1)
    }
    this.sink.undecoded(reason, this.context, agent, format, Math.max(0, octets))
  }
}

/** XDR opaque data are filled up to four octets. RFC 4506 §4.10. */
function padded(octets: number): number {
  return octets + ((4 - (octets & 3)) & 3)
}
