// sFlow version 5: samples of packet headers and of interface counters in XDR ("sFlow Version 5", sflow.org, 2004).
import { concatenate, putInteger, putUint32, textOctets } from './bytes.js'

/** An interface: format 0 an ifIndex, 1 a reason for discarding, 2 a number of interfaces. */
export interface SflowInterface {
  readonly format?: 0 | 1 | 2
  readonly value: number
}

/** One record of a sample: its format number and its octets. */
export interface SflowRecord {
  readonly enterprise?: number
  readonly format: number
  readonly octets: Uint8Array
}

/** A sampled packet. Sequence numbers are counted per source when they are not given. */
export interface SflowFlowSample {
  readonly kind: 'flow'
  readonly isExpanded?: boolean
  readonly sequenceNumber?: number
  readonly sourceType?: number
  readonly sourceIndex: number
  readonly samplingRate: number
  readonly samplePool?: number
  readonly drops?: number
  readonly input: SflowInterface
  readonly output: SflowInterface
  readonly records: readonly SflowRecord[]
}

/** Counters of one source. */
export interface SflowCounterSample {
  readonly kind: 'counters'
  readonly isExpanded?: boolean
  readonly sequenceNumber?: number
  readonly sourceType?: number
  readonly sourceIndex: number
  readonly records: readonly SflowRecord[]
}

/** A packet that was not forwarded. */
export interface SflowDiscardedSample {
  readonly kind: 'discarded'
  readonly sequenceNumber?: number
  readonly sourceType?: number
  readonly sourceIndex: number
  readonly drops?: number
  readonly inputIfIndex: number
  readonly outputIfIndex: number
  readonly reason: number
  readonly records: readonly SflowRecord[]
}

/** Any sample. */
export type SflowSampleInput = SflowFlowSample | SflowCounterSample | SflowDiscardedSample

/** Settings of an agent. */
export interface SflowOptions {
  /** 4 or 16 octets; none for an agent that does not know its address. */
  readonly agentAddress?: Uint8Array
  readonly subAgentId?: number
  readonly bootMilliseconds: number
  readonly initialSequenceNumber?: number
  /** Most octets of a datagram. */
  readonly datagramOctets?: number
}

/** An encoder of sFlow datagrams. */
export interface SflowEncoder {
  encode(samples: readonly SflowSampleInput[], exportTimeMilliseconds: number): Uint8Array[]
}

const VERSION = 5
const DEFAULT_DATAGRAM_OCTETS = 1400
const TWO_32 = 0x1_0000_0000

/** Words of 32 bits. */
function words(...values: readonly number[]): Uint8Array {
  const octets = new Uint8Array(values.length * 4)
  values.forEach((value, index) => {
    putUint32(octets, index * 4, value)
  })
  return octets
}

/** Variable-length opaque data: a length, the octets, zeros up to a multiple of four. */
function opaque(data: Uint8Array): Uint8Array {
  const octets = new Uint8Array(4 + Math.ceil(data.length / 4) * 4)
  putUint32(octets, 0, data.length)
  octets.set(data, 4)
  return octets
}

/** An address with its type. */
function address(octets: Uint8Array | undefined): Uint8Array {
  if (octets === undefined) return words(0)
  return concatenate([words(octets.length === 4 ? 1 : 2), octets])
}

/** The header of a packet, cut to what the agent samples. Protocol 1 is Ethernet, 11 IPv4, 12 IPv6, 13 MPLS. */
export function sampledHeader(
  packet: Uint8Array,
  {
    protocol = 1,
    frameLength = packet.length + 4,
    stripped = 4,
    headerOctets = 128,
  }: { protocol?: number; frameLength?: number; stripped?: number; headerOctets?: number } = {},
): SflowRecord {
  const header = packet.subarray(0, headerOctets)
  return { format: 1, octets: concatenate([words(protocol, frameLength, stripped), opaque(header)]) }
}

/** A packet as an agent tells it that does not sample headers. Addresses of 4 or 16 octets. */
export function sampledIp(packet: {
  readonly length: number
  readonly protocol: number
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly sourcePort: number
  readonly destinationPort: number
  readonly tcpFlags: number
  readonly tos: number
}): SflowRecord {
  const { length, protocol, source, destination } = packet
  const octets = concatenate([
    words(length, protocol),
    source,
    destination,
    words(packet.sourcePort, packet.destinationPort, packet.tcpFlags, packet.tos),
  ])
  return { format: source.length === 4 ? 3 : 4, octets }
}

/** The MAC header of a frame; `length` counts the FCS. */
export function sampledEthernet(
  length: number,
  source: Uint8Array,
  destination: Uint8Array,
  type: number,
): SflowRecord {
  const mac = (octets: Uint8Array) => concatenate([octets, new Uint8Array(2)])
  return { format: 2, octets: concatenate([words(length), mac(source), mac(destination), words(type)]) }
}

/** The socket of an application's transaction. Addresses of 4 or 16 octets. */
export function extendedSocket(socket: {
  readonly protocol: number
  readonly local: Uint8Array
  readonly remote: Uint8Array
  readonly localPort: number
  readonly remotePort: number
}): SflowRecord {
  const { protocol, local, remote, localPort, remotePort } = socket
  const octets = concatenate([words(protocol), local, remote, words(localPort, remotePort)])
  return { format: local.length === 4 ? 2100 : 2101, octets }
}

/** A request of HTTP/1.1 as its server tells it: method 2 is GET. */
export function httpRequest(uri: string, host: string, user: string): SflowRecord {
  const texts = [uri, host, '', 'curl', '', user, 'text/html'].map((text) => opaque(textOctets(text)))
  const end = words(0, 0, 0, 2000, 1500, 200)
  return { format: 2206, octets: concatenate([words(2, 1001), ...texts, end]) }
}

/** The tags of the frame on its way in, TPID and TCI in one word each, the outermost first. */
export function extendedVlanIn(...stack: readonly number[]): SflowRecord {
  return { format: 1034, octets: words(stack.length, ...stack) }
}

/** VLANs and priorities on the way in and out. */
export function extendedSwitch(sourceVlan: number, destinationVlan: number): SflowRecord {
  return { format: 1001, octets: words(sourceVlan, 0, destinationVlan, 0) }
}

/** The names of the users at both ends, UTF-8. */
export function extendedUser(source: string, destination: string): SflowRecord {
  const utf8 = 106
  const octets = [words(utf8), opaque(textOctets(source)), words(utf8), opaque(textOctets(destination))]
  return { format: 1004, octets: concatenate(octets) }
}

/** The addresses after translation. */
export function extendedNat(source: Uint8Array, destination: Uint8Array): SflowRecord {
  return { format: 1007, octets: concatenate([address(source), address(destination)]) }
}

/** The ports after translation. */
export function extendedNatPort(source: number, destination: number): SflowRecord {
  return { format: 1020, octets: words(source, destination) }
}

/** Generic interface counters (RFC 2233), by their names. */
export interface InterfaceCounters {
  readonly ifIndex: number
  readonly ifSpeed: number
  readonly ifInOctets: number
  readonly ifInUcastPkts: number
  readonly ifOutOctets: number
  readonly ifOutUcastPkts: number
  /** Bit 0 the administrative, bit 1 the operational state; both are up unless said. */
  readonly ifStatus?: number
  readonly ifInDiscards?: number
  readonly ifInErrors?: number
  readonly ifOutDiscards?: number
  readonly ifOutErrors?: number
}

/** The record of these counters; the others are 0. */
export function interfaceCounters(counters: InterfaceCounters): SflowRecord {
  const octets = new Uint8Array(88)
  putUint32(octets, 0, counters.ifIndex)
  putUint32(octets, 4, 6)
  putInteger(octets, 8, 8, counters.ifSpeed)
  putUint32(octets, 16, 1)
  putUint32(octets, 20, counters.ifStatus ?? 3)
  putInteger(octets, 24, 8, counters.ifInOctets)
  putUint32(octets, 32, counters.ifInUcastPkts)
  putUint32(octets, 44, counters.ifInDiscards ?? 0)
  putUint32(octets, 48, counters.ifInErrors ?? 0)
  putInteger(octets, 56, 8, counters.ifOutOctets)
  putUint32(octets, 64, counters.ifOutUcastPkts)
  putUint32(octets, 76, counters.ifOutDiscards ?? 0)
  putUint32(octets, 80, counters.ifOutErrors ?? 0)
  return { format: 1, octets }
}

function source(type: number, index: number, isExpanded: boolean): Uint8Array {
  return isExpanded ? words(type, index) : words(type * 0x1000000 + (index & 0xffffff))
}

function port({ format = 0, value }: SflowInterface, isExpanded: boolean): Uint8Array {
  return isExpanded ? words(format, value) : words(format * 0x40000000 + (value & 0x3fffffff))
}

function records(list: readonly SflowRecord[]): Uint8Array {
  const parts = list.map(({ enterprise = 0, format, octets }) =>
    concatenate([words(enterprise * 0x1000 + format), opaque(octets)]),
  )
  return concatenate([words(list.length), ...parts])
}

function body(sample: SflowSampleInput, sequence: number): { format: number; octets: Uint8Array } {
  const { sourceType = 0, sourceIndex } = sample
  const list = records(sample.records)
  if (sample.kind === 'discarded') {
    const { drops = 0, inputIfIndex, outputIfIndex, reason } = sample
    const head = words(sequence, sourceType, sourceIndex, drops, inputIfIndex, outputIfIndex, reason)
    return { format: 5, octets: concatenate([head, list]) }
  }
  const isExpanded = sample.isExpanded ?? false
  const head = [words(sequence), source(sourceType, sourceIndex, isExpanded)]
  if (sample.kind === 'counters') {
    return { format: isExpanded ? 4 : 2, octets: concatenate([...head, list]) }
  }
  const { samplingRate, samplePool = samplingRate * sequence, drops = 0, input, output } = sample
  head.push(words(samplingRate, samplePool, drops), port(input, isExpanded), port(output, isExpanded))
  return { format: isExpanded ? 3 : 1, octets: concatenate([...head, list]) }
}

/** Creates an sFlow agent. */
export function createSflowEncoder(options: SflowOptions): SflowEncoder {
  const { agentAddress, subAgentId = 0, bootMilliseconds } = options
  const most = options.datagramOctets ?? DEFAULT_DATAGRAM_OCTETS
  const sequences = new Map<string, number>()
  let sequenceNumber = options.initialSequenceNumber ?? 1
  const numberOf = (sample: SflowSampleInput) => {
    const key = `${sample.kind}/${sample.sourceType ?? 0}/${sample.sourceIndex}`
    const number = sample.sequenceNumber ?? (sequences.get(key) ?? 0) + 1
    sequences.set(key, number)
    return number
  }
  return {
    encode(samples, exportTimeMilliseconds) {
      const datagrams: Uint8Array[] = []
      let parts: Uint8Array[] = []
      let octets = 0
      const flush = () => {
        const upTime = (exportTimeMilliseconds - bootMilliseconds) % TWO_32
        const head = [words(VERSION), address(agentAddress)]
        head.push(words(subAgentId, sequenceNumber, upTime, parts.length))
        datagrams.push(concatenate([...head, ...parts]))
        sequenceNumber = (sequenceNumber + 1) % TWO_32
        parts = []
        octets = 0
      }
      for (const sample of samples) {
        const { format, octets: content } = body(sample, numberOf(sample))
        const part = concatenate([words(format), opaque(content)])
        if (parts.length > 0 && octets + part.length > most) flush()
        parts.push(part)
        octets += part.length
      }
      if (parts.length > 0) flush()
      return datagrams
    },
  }
}
