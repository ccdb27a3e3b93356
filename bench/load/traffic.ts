/**
 * Flows as an edge router meters them, drawn with a fixed seed: few busy hosts and many quiet ones by Zipf's law, both
 * directions of most conversations, heavy tails of sizes and durations, one flow in a hundred ICMP, some of that tunnels.
 */
import type { Random } from '#simulate/random.js'

/** One direction of a conversation; IPv4 addresses are 32-bit numbers, times are milliseconds before the export. */
export type Flow = {
  source: number
  destination: number
  sourcePort: number
  destinationPort: number
  protocol: number
  classOfService: number
  tcpFlags: number
  /** 0 ingress, 1 egress (IE 61). */
  direction: number
  ingressInterface: number
  egressInterface: number
  nextHop: number
  sourceAs: number
  destinationAs: number
  sourcePrefixLength: number
  destinationPrefixLength: number
  octets: number
  packets: number
  startedAgo: number
  endedAgo: number
  /** Type times 256 plus code; 0 of other protocols. */
  icmpTypeCode: number
  ingressVlan: number
  egressVlan: number
}

const INSIDE_HOSTS = 4000
const OUTSIDE_HOSTS = 30_000
const ICMP_SHARE = 0.01
const UDP_SHARE = 0.25
/** Of conversations, those whose answer is exported too. */
const ANSWERED_SHARE = 0.9
const LONGEST_FLOW_MILLISECONDS = 60_000
const EXPORT_DELAY_MILLISECONDS = 15_000
const MAX_PACKETS = 2_000_000
const ECHO_REQUEST = 8 * 256
const PORT_UNREACHABLE = 3 * 256 + 3
/** Of echo, what belongs to tunnels: a few pairs of hosts whose answers are not what was asked. */
const TUNNEL_SHARE = 0.1
const TUNNELS = 10
/** A ping of Linux: 56 octets of data, 8 of ICMP, 20 of IP. */
const PING_OCTETS = 84
const DNS = 53
const NTP = 123
/** 48 of NTP (RFC 5905 §7.3), 8 of UDP, 20 of IP. */
const NTP_OCTETS = 76

/** Busy ones first: drawn by Zipf's law. */
const tcpPorts = [443, 80, 8443, 993, 22, 25, 445, 3389, 8080, 5223, 389, 1433, 3306, 587, 636, 853, 5432]
const udpPorts = [53, 443, 123, 161, 4500, 1194, 500, 5060, 3478]
/** FIN, SYN, RST, PSH, ACK as seen over whole connections, and over parts of them. */
const tcpFlags = [0x1b, 0x1b, 0x1b, 0x1b, 0x1a, 0x18, 0x10, 0x1f, 0x02, 0x14, 0x13]

const hash = (value: number) => {
  const mixed = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  return (mixed ^ (mixed >>> 12)) >>> 0
}

/** An address of the internet; neither private nor loopback, and the same for the same rank. */
export function outsideAddress(rank: number): number {
  const mixed = hash(rank + 1)
  const first = 1 + (mixed % 222)
  return (((first === 10 || first === 127 ? 34 : first) << 24) | (mixed >>> 8)) >>> 0
}

/** A host behind the exporter; exporters share networks from 256 on. */
export function insideAddress(exporter: number, rank: number): number {
  return ((10 << 24) | ((exporter & 0xff) << 16) | rank) >>> 0
}

const networkOf = (address: number) => address >>> 16
const asOf = (address: number) => 1000 + (hash(networkOf(address)) % 60_000)
const prefixLengthOf = (address: number) => 16 + (hash(networkOf(address) ^ 0x5a5a) % 9)

/** Draws the flows of one exporter, a conversation's answer right behind its request. */
export function createTraffic(random: Random, exporter: number): () => Flow {
  let answer: Flow | undefined
  return () => {
    if (answer !== undefined) {
      const flow = answer
      answer = undefined
      return flow
    }
    const flow = request(random, exporter)
    if (isAnswered(flow) && random.chance(ANSWERED_SHARE)) answer = answerTo(flow, random)
    return flow
  }
}

/** Nobody answers an ICMP error (RFC 1122 §3.2.2). */
const isAnswered = ({ protocol, icmpTypeCode }: Flow) => protocol !== 1 || icmpTypeCode === ECHO_REQUEST

function request(random: Random, exporter: number): Flow {
  const kind = random.uniform()
  const protocol = kind < ICMP_SHARE ? 1 : kind < ICMP_SHARE + UDP_SHARE ? 17 : 6
  const icmpTypeCode = protocol !== 1 ? 0 : random.chance(0.9) ? ECHO_REQUEST : PORT_UNREACHABLE
  const tunnel = icmpTypeCode === ECHO_REQUEST && random.chance(TUNNEL_SHARE) ? random.integer(1, TUNNELS) : 0
  const source = insideAddress(exporter, tunnel > 0 ? INSIDE_HOSTS + tunnel : random.zipf(INSIDE_HOSTS))
  const destination = outsideAddress(tunnel > 0 ? OUTSIDE_HOSTS + tunnel : random.zipf(OUTSIDE_HOSTS))
  const ports = protocol === 6 ? tcpPorts : udpPorts
  const service = random.chance(0.05) ? random.integer(1024, 50_000) : ports[random.zipf(ports.length)]!
  const packets = tunnel > 0 ? random.integer(50, 500) : packetsOf(protocol, service, random)
  const endedAgo = random.integer(0, EXPORT_DELAY_MILLISECONDS)
  const duration = packets === 1 ? 0 : Math.min(LONGEST_FLOW_MILLISECONDS, pareto(random, 0.8) * 40)
  const ingressInterface = random.integer(2, 7)
  return {
    source,
    destination,
    sourcePort: protocol === 1 ? 0 : random.integer(32_768, 60_999),
    destinationPort: protocol === 1 ? icmpTypeCode : service,
    protocol,
    classOfService: random.chance(0.1) ? random.integer(1, 7) << 5 : 0,
    tcpFlags: protocol === 6 ? random.choice(tcpFlags) : 0,
    direction: 0,
    ingressInterface,
    egressInterface: 1,
    nextHop: (0xcb007101 + random.integer(0, 1)) >>> 0,
    sourceAs: 64_512 + (exporter & 0x3ff),
    destinationAs: asOf(destination),
    sourcePrefixLength: 16,
    destinationPrefixLength: prefixLengthOf(destination),
    octets: packets * octetsEach(protocol, service, tunnel > 0, packets, random),
    packets,
    startedAgo: endedAgo + Math.floor(duration),
    endedAgo,
    icmpTypeCode,
    ingressVlan: 100 + ingressInterface,
    egressVlan: 0,
  }
}

function answerTo(flow: Flow, random: Random): Flow {
  const isIcmp = flow.protocol === 1
  const isPaired = isIcmp || isOnePacket(flow.protocol, flow.destinationPort)
  const packets = isPaired ? flow.packets : Math.max(1, Math.round(flow.packets * random.between(0.7, 1.1)))
  const startedAgo = flow.startedAgo - random.integer(0, Math.min(30, flow.startedAgo - flow.endedAgo))
  return {
    ...flow,
    source: flow.destination,
    destination: flow.source,
    sourcePort: isIcmp ? 0 : flow.destinationPort,
    destinationPort: isIcmp ? 0 : flow.sourcePort,
    direction: 1,
    ingressInterface: flow.egressInterface,
    egressInterface: flow.ingressInterface,
    nextHop: 0x0aff0001,
    sourceAs: flow.destinationAs,
    destinationAs: flow.sourceAs,
    sourcePrefixLength: flow.destinationPrefixLength,
    destinationPrefixLength: flow.sourcePrefixLength,
    octets: packets * answeredOctetsEach(flow, random),
    packets,
    startedAgo,
    icmpTypeCode: 0,
    ingressVlan: flow.egressVlan,
    egressVlan: flow.ingressVlan,
  }
}

function packetsOf(protocol: number, service: number, random: Random): number {
  if (isOnePacket(protocol, service)) return 1
  const drawn = Math.min(MAX_PACKETS, Math.floor(pareto(random, 1.1)))
  return protocol === 6 ? drawn + 4 : drawn
}

/** Questions and answers of names and of the time: detectors would tell of any that look otherwise. */
const isOnePacket = (protocol: number, service: number) =>
  protocol === 17 && (service === DNS || service === NTP)

function octetsEach(
  protocol: number,
  service: number,
  isTunnel: boolean,
  packets: number,
  random: Random,
): number {
  if (isTunnel) return random.integer(100, 1400)
  if (isOnePacket(protocol, service)) return service === NTP ? NTP_OCTETS : random.integer(56, 90)
  return protocol === 1 ? PING_OCTETS : random.integer(40, packets > 20 ? 1340 : 340)
}

function answeredOctetsEach({ protocol, destinationPort, octets, packets }: Flow, random: Random): number {
  const isPing = protocol === 1 && octets === packets * PING_OCTETS
  if (isPing) return PING_OCTETS
  if (!isOnePacket(protocol, destinationPort)) return random.integer(40, 1440)
  // An answer repeats the question (RFC 1035 §4.1).
  return destinationPort === NTP ? NTP_OCTETS : octets + random.integer(16, 300)
}

/** Pareto's law from 1 on: the smaller the exponent, the heavier the tail. */
function pareto(random: Random, exponent: number): number {
  return (1 - random.uniform()) ** (-1 / exponent)
}
