/**
 * ICMP that is no echo (tier A): types that have no use for a host and carry octets all the same, and errors that a host
 * which is no router keeps sending though nothing provokes them. Errors quote what provoked them (RFC 792, RFC 1122
 * §3.2.2, RFC 4443 §2.4), so a host to which errors go must have sent something: they are held against its flows.
 */
import type { Block } from '../../blocks/block.js'
import type { Plane } from '../../blocks/builder.js'
import { MAX_EVIDENCE, type Observation } from '../../findings/finding.js'
import { type Address, isGroupAddress, parseAddress } from '../../records/address.js'
import { FlowColumnIndex } from '../../records/columns.js'
import { counterAt, textOf } from '../counters.js'
import { messageObservation } from './message-finding.js'
import {
  CARRIED_OCTETS,
  ERRORS,
  type Exchange,
  FIXED_OCTETS,
  type Message,
  ORDINARY,
  SUSTAINED_MILLISECONDS,
  SUSTAINED_PACKETS,
  TIME_EXCEEDED,
} from './message-kinds.js'
import type { Point } from './points.js'

/** A host that answers with errors to so many hosts as a router does (time exceeded) is one. */
const ROUTER_TARGETS = 3
/** Errors of which fewer than half can be answers are unprovoked. */
const PROVOKED_SHARE = 0.5
const MAX_EXCHANGES = 16_384
const FORGET_MILLISECONDS = 2 * 3_600_000
/** Packets of errors from which the flows that may have provoked them are looked at. */
const WATCHED_PACKETS = 10

export type Messages = {
  take(point: Point, family: 4 | 6, message: Message): void
  /** Whether flow rows are needed to hold errors against. */
  readonly wantsFlows: boolean
  /** Echo requests provoke errors too, as those of traceroute do. */
  sent(
    sources: readonly Plane[],
    destinations: readonly Plane[],
    row: number,
    packets: readonly Plane[],
  ): void
  /** Takes rows of other traffic: who sent how much to whom. */
  observeFlows(block: Block, rows: Uint32Array): void
  evaluate(atMilliseconds: number): Observation[]
}

/** What is read of flows to hold errors against. */
export const flowColumns = [
  FlowColumnIndex.sourceAddress,
  FlowColumnIndex.destinationAddress,
  FlowColumnIndex.packets,
  FlowColumnIndex.reversePackets,
]

/** Places of the filter that rows of flows are held against first. */
const FILTER_PLACES = 65_536
const placeOf = (word: number) => Math.imul(word, 0x9e3779b1) >>> 16

/** What is known of hosts beside messages. */
export type Hosts = {
  /** By its role, which does not change. */
  isGateway(address: Address): boolean
  /** It has been seen to export. */
  isExporter(address: string): boolean
}

export function createMessages(hosts: Hosts): Messages {
  /** In the order of their last use. */
  const exchanges = new Map<string, Exchange>()
  /** Those with news since the last evaluation. */
  const fresh = new Set<Exchange>()
  /** By sender of time exceeded: to whom. */
  const routers = new Map<string, Set<string>>()
  const watchedExchanges = new Set<Exchange>()
  /** By the last word of the address of the host to which watched errors go. */
  const watched = new Map<number, Exchange[]>()
  /** Of hosts that are watched, by a hash of the last word of their address: nearly all rows are of others. */
  const filter = new Uint8Array(FILTER_PLACES)

  const isRouter = ({ source, isFromGateway }: Exchange) =>
    isFromGateway || hosts.isExporter(source) || (routers.get(source)?.size ?? 0) >= ROUTER_TARGETS

  function noteRouter(source: string, destination: string): void {
    const targets = routers.get(source) ?? new Set()
    if (targets.size < ROUTER_TARGETS) targets.add(destination)
    if (!routers.has(source) && routers.size < MAX_EXCHANGES) routers.set(source, targets)
  }

  function watch(exchange: Exchange): void {
    if (watchedExchanges.has(exchange)) return
    watchedExchanges.add(exchange)
    const { destinationWord } = exchange
    const list = watched.get(destinationWord)
    if (list !== undefined) list.push(exchange)
    else watched.set(destinationWord, [exchange])
    filter[placeOf(destinationWord)] = 1
  }

  function forget(key: string, exchange: Exchange): void {
    exchanges.delete(key)
    fresh.delete(exchange)
    exchange.isForgotten = true
  }

  /** Some at a time: to find the first after every single deletion would take longer and longer. */
  function forgetOldest(): void {
    let left = MAX_EXCHANGES / 16
    for (const [key, exchange] of exchanges) {
      forget(key, exchange)
      if (--left === 0) break
    }
  }

  /** Exchanges that have ended, or whose sender turned out to be a router, are watched no longer. */
  function watchAnew(): void {
    const kept = [...watchedExchanges].filter((exchange) => !exchange.isForgotten && isWatched(exchange))
    if (kept.length === watchedExchanges.size) return
    watchedExchanges.clear()
    watched.clear()
    filter.fill(0)
    for (const exchange of kept) watch(exchange)
  }

  function isWatched(exchange: Exchange): boolean {
    const { family, type, packets } = exchange
    return ERRORS[family].has(type) && packets >= WATCHED_PACKETS && !isRouter(exchange)
  }

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
      const gap = exchange === undefined ? 0 : message.startMilliseconds - exchange.lastMilliseconds
      if (exchange !== undefined && gap > FORGET_MILLISECONDS) {
        forget(key, exchange)
        exchange = undefined
      }
      if (exchange === undefined) {
        if (exchanges.size >= MAX_EXCHANGES) forgetOldest()
        exchange = newExchange(point, family, message, hosts)
      } else exchanges.delete(key)
      exchanges.set(key, exchange)
      add(exchange, message)
      fresh.add(exchange)
      if (isWatched(exchange)) watch(exchange)
    },
    observeFlows(block, rows) {
      const sources = block.column(FlowColumnIndex.sourceAddress)
      const destinations = block.column(FlowColumnIndex.destinationAddress)
      const packets = block.column(FlowColumnIndex.packets)
      if (sources === undefined || destinations === undefined || packets === undefined) return
      const reverse = block.column(FlowColumnIndex.reversePackets)
      const last = block.header.stream.family === 4 ? 0 : 3
      const [from, to] = [sources[last]!, destinations[last]!]
      for (let index = 0; index < rows.length; index++) {
        const row = rows[index]!
        if (filter[placeOf(from[row]!)] !== 0) provoke(sources, destinations, row, packets)
        if (reverse === undefined || filter[placeOf(to[row]!)] === 0) continue
        provoke(destinations, sources, row, reverse)
      }
    },
    sent(sources, destinations, row, packets) {
      if (filter[placeOf(sources.at(-1)![row]!)] !== 0) provoke(sources, destinations, row, packets)
    },
    evaluate(atMilliseconds) {
      for (const [key, exchange] of exchanges) {
        if (atMilliseconds - exchange.lastReceivedMilliseconds <= FORGET_MILLISECONDS) break
        forget(key, exchange)
      }
      const observations: Observation[] = []
      for (const exchange of fresh)
        if (isTelling(exchange) && !isRouter(exchange)) observations.push(messageObservation(exchange))
      fresh.clear()
      watchAnew()
      return observations
    },
  }

  function provoke(
    hosts: readonly Plane[],
    others: readonly Plane[],
    row: number,
    packets: readonly Plane[],
  ): void {
    const list = watched.get(hosts.at(-1)![row]!)
    const count = list === undefined ? 0 : counterAt(packets, row)
    if (list === undefined || count === 0) return
    const isLong = hosts.length > 1
    for (const exchange of list) {
      if ((exchange.family === 6) !== isLong) continue
      if (isLong && exchange.destination !== textOf(hosts, row)) continue
      exchange.provokedByAny += count
      if (exchange.sourceWord !== others.at(-1)![row]) continue
      if (!isLong || exchange.source === textOf(others, row)) exchange.provokedBySource += count
    }
  }
}

function newExchange(point: Point, family: 4 | 6, message: Message, hosts: Hosts): Exchange {
  const source = parseAddress(message.source)!
  return {
    point,
    family,
    type: message.type,
    source: message.source,
    destination: message.destination,
    sourceWord: source.words[3],
    destinationWord: parseAddress(message.destination)!.words[3],
    isFromGateway: hosts.isGateway(source),
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
    isForgotten: false,
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
  exchange.evidence.push(message)
  if (exchange.evidence.length > MAX_EVIDENCE) exchange.evidence.shift()
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
