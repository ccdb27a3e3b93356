/**
 * ICMP that is no echo (tier A): types that have no use for a host and carry octets all the same, and errors that a host
 * which is no router keeps sending though nothing provokes them. Errors quote what provoked them (RFC 792, RFC 1122
 * §3.2.2, RFC 4443 §2.4), so a host to which errors go must have sent something: they are held against its flows.
 */
import type { Block } from '../../blocks/block.js'
import type { Plane } from '../../blocks/builder.js'
import { type Evidence, findingId, MAX_EVIDENCE, type Observation } from '../../findings/finding.js'
import { icmpNames } from '../../iana/icmp-types.js'
import { formatAddress, isGroupAddress, parseAddress } from '../../records/address.js'
import { FlowColumnIndex } from '../../records/columns.js'
import { attackNetworkDevices } from '../detector.js'
import { counterAt, textOf } from './counters.js'
import { ICMP_TUNNEL } from './names.js'
import type { Point } from './points.js'

/** One record of ICMP that is no echo. */
export type Message = {
  readonly type: number
  readonly code: number
  readonly source: string
  readonly destination: string
  readonly packets: number
  readonly octets: number
  readonly startMilliseconds: number
  readonly endMilliseconds: number
  readonly receivedMilliseconds: number
  readonly row: number
}

type Exchange = {
  readonly point: Point
  readonly family: 4 | 6
  readonly type: number
  readonly source: string
  readonly destination: string
  packets: number
  octets: number
  records: number
  firstMilliseconds: number
  lastMilliseconds: number
  lastReceivedMilliseconds: number
  /** Of errors: code 0 to 15 as bits. */
  codes: number
  /** Packets that the destination was seen to send to the source, and to anybody, since this was watched. */
  provokedBySource: number
  provokedByAny: number
  evidence: Message[]
  isNew: boolean
}

/**
 * Octets of the IP packets of types that have one length: redirect with eight octets of what it is about, router
 * solicitation, timestamp, information, address mask (RFC 792, 950, 1256). What exceeds it is carried.
 */
const FIXED_OCTETS: Readonly<Record<number, number>> = {
  5: 56,
  10: 28,
  13: 40,
  14: 40,
  15: 28,
  16: 28,
  17: 32,
  18: 32,
}
/** Errors: unreachable, time exceeded, parameter problem; packet too big. */
const ERRORS = { 4: new Set([3, 11, 12]), 6: new Set([1, 2, 3, 4]) } as const
/** Neither errors nor anything to tell of: router advertisements, neighbour and multicast discovery. */
const ORDINARY = {
  4: new Set([9, 10]),
  6: new Set([130, 131, 132, 133, 134, 135, 136, 137, 139, 140, 141, 142, 143, 148, 149, 151, 152, 153, 155]),
} as const
const TIME_EXCEEDED = { 4: 11, 6: 3 } as const

const SUSTAINED_MILLISECONDS = 600_000
const SUSTAINED_PACKETS = 30
/** Octets beyond the fixed length of a type, or of errors altogether. */
const CARRIED_OCTETS = 4096
/** A host that answers with errors to so many hosts as a router does (time exceeded) is one. */
const ROUTER_TARGETS = 3
/** Errors of which fewer than half can be answers are unprovoked. */
const PROVOKED_SHARE = 0.5
const MAX_EXCHANGES = 20_000
const FORGET_MILLISECONDS = 2 * 3_600_000
/** Packets of errors from which the flows that may have provoked them are looked at. */
const WATCHED_PACKETS = 10

export type Messages = {
  take(point: Point, family: 4 | 6, message: Message): void
  /** Whether flow rows are needed to hold errors against. */
  readonly wantsFlows: boolean
  /** Echo requests provoke errors too, as those of traceroute do. */
  sent(source: string, destination: string, packets: number): void
  /** Takes rows of other traffic: who sent how much to whom. */
  observeFlows(block: Block, rows: Uint32Array): void
  evaluate(atMilliseconds: number): Observation[]
}

export function createMessages(isGateway: (address: string) => boolean): Messages {
  const exchanges = new Map<string, Exchange>()
  /** By sender of time exceeded: to whom. */
  const routers = new Map<string, Set<string>>()
  /** By host to which watched errors go: as text, and of IPv4 as a word for the many rows of flows. */
  const watched = new Map<string, Exchange[]>()
  const watched4 = new Map<number, Exchange[]>()

  const isRouter = (address: string) =>
    isGateway(address) || (routers.get(address)?.size ?? 0) >= ROUTER_TARGETS

  function noteRouter(source: string, destination: string): void {
    const targets = routers.get(source) ?? new Set()
    if (targets.size < ROUTER_TARGETS) targets.add(destination)
    if (!routers.has(source) && routers.size < MAX_EXCHANGES) routers.set(source, targets)
  }

  function watch(exchange: Exchange): void {
    const known = watched.get(exchange.destination)
    if (known?.includes(exchange)) return
    const list = known ?? []
    list.push(exchange)
    watched.set(exchange.destination, list)
    if (exchange.family === 4) watched4.set(parseAddress(exchange.destination)!.words[3], list)
  }

  function watchAnew(): void {
    watched.clear()
    watched4.clear()
    for (const exchange of exchanges.values()) if (isWatched(exchange)) watch(exchange)
  }

  const isWatched = ({ family, type, packets, source }: Exchange) =>
    ERRORS[family].has(type) && packets >= WATCHED_PACKETS && !isRouter(source)

  return {
    get wantsFlows() {
      return watched.size > 0
    },
    take(point, family, message) {
      const { type, source, destination } = message
      if (message.packets === 0 || ORDINARY[family].has(type)) return
      const target = parseAddress(destination)
      if (target === undefined || isGroupAddress(target)) return
      if (type === TIME_EXCEEDED[family]) noteRouter(source, destination)
      const key = `${point.key} ${source} ${destination} ${type}`
      let exchange = exchanges.get(key)
      if (
        exchange === undefined ||
        message.startMilliseconds - exchange.lastMilliseconds > FORGET_MILLISECONDS
      ) {
        if (exchanges.size >= MAX_EXCHANGES) exchanges.delete(exchanges.keys().next().value!)
        exchange = newExchange(point, family, message)
        exchanges.set(key, exchange)
      }
      add(exchange, message)
      if (isWatched(exchange)) watch(exchange)
    },
    observeFlows(block, rows) {
      const sources = block.column(FlowColumnIndex.sourceAddress)
      const destinations = block.column(FlowColumnIndex.destinationAddress)
      const packets = block.column(FlowColumnIndex.packets)
      if (sources === undefined || destinations === undefined || packets === undefined) return
      const reverse = block.column(FlowColumnIndex.reversePackets)
      const hostOf = block.header.stream.family === 4 ? atWord(watched4) : atText(watched)
      for (const row of rows) {
        const from = hostOf(sources, row)
        if (from !== undefined) provoke(from, destinations, row, packets)
        if (reverse === undefined || (reverse[0]![row] === 0 && reverse[1]![row] === 0)) continue
        const to = hostOf(destinations, row)
        if (to !== undefined) provoke(to, sources, row, reverse)
      }
    },
    sent(source, destination, packets) {
      for (const exchange of watched.get(source) ?? []) {
        exchange.provokedByAny += packets
        if (exchange.source === destination) exchange.provokedBySource += packets
      }
    },
    evaluate(atMilliseconds) {
      const observations: Observation[] = []
      for (const [key, exchange] of exchanges) {
        if (atMilliseconds - exchange.lastReceivedMilliseconds > FORGET_MILLISECONDS) exchanges.delete(key)
        else if (exchange.isNew) {
          exchange.isNew = false
          if (!isTelling(exchange) || isRouter(exchange.source)) continue
          observations.push(observationOf(exchange))
        }
      }
      watchAnew()
      return observations
    },
  }
}

function newExchange(point: Point, family: 4 | 6, message: Message): Exchange {
  return {
    point,
    family,
    type: message.type,
    source: message.source,
    destination: message.destination,
    packets: 0,
    octets: 0,
    records: 0,
    firstMilliseconds: message.startMilliseconds,
    lastMilliseconds: message.endMilliseconds,
    lastReceivedMilliseconds: message.receivedMilliseconds,
    codes: 0,
    provokedBySource: 0,
    provokedByAny: 0,
    evidence: [],
    isNew: false,
  }
}

function add(exchange: Exchange, message: Message): void {
  exchange.packets += message.packets
  exchange.octets += message.octets
  exchange.records++
  exchange.firstMilliseconds = Math.min(exchange.firstMilliseconds, message.startMilliseconds)
  exchange.lastMilliseconds = Math.max(exchange.lastMilliseconds, message.endMilliseconds)
  exchange.lastReceivedMilliseconds = message.receivedMilliseconds
  exchange.codes |= 1 << Math.min(15, message.code)
  exchange.isNew = true
  exchange.evidence.push(message)
  if (exchange.evidence.length > MAX_EVIDENCE) exchange.evidence.shift()
}

type HostOf = (planes: readonly Plane[], row: number) => readonly Exchange[] | undefined

const atWord =
  (hosts: ReadonlyMap<number, Exchange[]>): HostOf =>
  (planes, row) =>
    hosts.get(planes[0]![row]!)

const atText =
  (hosts: ReadonlyMap<string, Exchange[]>): HostOf =>
  (planes, row) =>
    hosts.get(textOf(planes, row))

function provoke(
  exchanges: readonly Exchange[],
  others: readonly Plane[],
  row: number,
  packets: readonly Plane[],
): void {
  const count = counterAt(packets, row)
  for (const exchange of exchanges) {
    exchange.provokedByAny += count
    if (exchange.source === textOf(others, row)) exchange.provokedBySource += count
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits)
}

/** Port and protocol unreachable come from the host that was asked; all else may come from any router on the way. */
const FROM_THE_HOST = { 4: (1 << 2) | (1 << 3), 6: 1 << 4 } as const

function isTelling(exchange: Exchange): boolean {
  const { family, type, packets, octets, records, codes } = exchange
  if (packets < SUSTAINED_PACKETS || records < 2) return false
  const lasted = exchange.lastMilliseconds - exchange.firstMilliseconds
  if (!ERRORS[family].has(type)) {
    const carried = octets - packets * (FIXED_OCTETS[type] ?? (family === 6 ? 48 : 28))
    return carried >= CARRIED_OCTETS
  }
  if (lasted < SUSTAINED_MILLISECONDS || octets < CARRIED_OCTETS) return false
  const isFromHost = family === 4 ? type === 3 : type === 1
  const provoked =
    isFromHost && (codes & ~FROM_THE_HOST[family]) === 0 ? exchange.provokedBySource : exchange.provokedByAny
  return provoked < packets * PROVOKED_SHARE
}

function observationOf(exchange: Exchange): Observation {
  const { point, family, type, source, destination, packets, octets } = exchange
  const isError = ERRORS[family].has(type)
  const name =
    icmpNames.get((family === 6 ? 58 : 1) * 65_536 + type * 256 + lowestBit(exchange.codes)) ?? `type ${type}`
  const mean = Math.round(octets / packets)
  const { address, listenerPort, observationDomainId } = point.identity
  const exporter = { address: formatAddress(address), listenerPort, observationDomainId }
  return {
    kind: 'finding',
    id: findingId(ICMP_TUNNEL, { messages: [source, destination, type] }),
    detector: ICMP_TUNNEL,
    severity: isError ? 'medium' : 'high',
    score: isError ? 60 : 75,
    title: isError
      ? `${source} keeps sending ${name} to ${destination}, which sends nothing that would provoke it`
      : `ICMP ${name} from ${source} to ${destination} carries data`,
    sourceAddresses: [source],
    destinationAddresses: [destination],
    protocolIdentifier: family === 6 ? 58 : 1,
    icmpType: type,
    firstSeenMilliseconds: exchange.firstMilliseconds,
    lastSeenMilliseconds: exchange.lastMilliseconds,
    exporters: [
      {
        ...exporter,
        bothDirections: false,
        ...(point.samplingInterval > 0 ? { samplingInterval: point.samplingInterval } : {}),
      },
    ],
    evidenceQuality: { level: 'good', reasons: [] },
    reasons: [
      { code: isError ? 'unprovoked-errors' : 'odd-type', value: packets, threshold: SUSTAINED_PACKETS },
      { code: 'octets', value: octets, threshold: CARRIED_OCTETS },
      { code: 'mean-octets', value: mean },
      ...(isError ? [{ code: 'packets-that-may-have-provoked', value: exchange.provokedByAny }] : []),
    ],
    subScores: {},
    attack: attackNetworkDevices,
    evidence: exchange.evidence.map(
      (message): Evidence => ({
        receivedMilliseconds: message.receivedMilliseconds,
        startMilliseconds: message.startMilliseconds,
        endMilliseconds: message.endMilliseconds,
        exporterAddress: exporter.address,
        listenerPort,
        observationDomainId,
        row: message.row,
        sourceAddress: source,
        destinationAddress: destination,
        protocolIdentifier: family === 6 ? 58 : 1,
        icmpType: type,
        icmpCode: message.code,
        octets: message.octets,
        packets: message.packets,
      }),
    ),
  }
}
