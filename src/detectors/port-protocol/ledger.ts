/**
 * Counts conversations into pairs: decides who is the server, whether there is a reason to watch the pair at all, and
 * which tests the conversation meets. Conversations that fit their port leave nothing behind but a client's bit.
 */
import { formatAddress } from '../../records/address.js'
import { BURST_GAP_MILLISECONDS, type Conversations, Flag } from './conversations.js'
import { isExpected, isUsualPort, TCP, UDP } from './expected.js'
import { createHosts } from './hosts.js'
import { rareProtocols } from './intake.js'
import type { Names } from './names.js'
import { Kind, PAIR_WORDS, type Pairs, type Services } from './pairs.js'
import type { Points } from './points.js'
import { FIRST_EPHEMERAL_PORT, serverOf } from './server.js'
import { addressAt, type Baseline, type Settings } from './settings.js'
import { MAX_TESTS, measureNames, type ShapeProfile } from './shape-test.js'
import { headerOctets, measure, meets, newMeasures, profileOf, type Sums } from './shapes.js'

/** Ports of SOCKS and of proxies that clients must be told of: RFC 1928 (1080), Tor, Squid. */
const PROXY_PORTS: ReadonlySet<number> = new Set([1080, 3128, 9050, 9150])

/** Starts of bursts kept between two evaluations; more come only from a flood. */
const MAX_PENDING_BURSTS = 65_536

export type Ledger = {
  /** Counts what a conversation has not had counted yet. */
  count(slot: number, hasEnded: boolean): void
  noteBurst(slot: number, startMilliseconds: number): void
  /** Pairs with news since the last call, in the order of the news. */
  takeTouched(): number[]
  unknownServers: number
}

export type LedgerParts = {
  readonly conversations: Conversations
  readonly pairs: Pairs
  readonly services: Services
  readonly points: Points
  readonly names: Names
  readonly settings: Settings
  readonly isBaseline: Baseline
  readonly isInside: (address: ReturnType<typeof addressAt>) => boolean
  readonly onCounted: (pair: number, conversation: number) => void
}

export function createLedger(parts: LedgerParts): Ledger {
  const { conversations, pairs, services, points, names, settings, isBaseline, isInside } = parts
  const key = new Uint32Array(PAIR_WORDS)
  const values = newMeasures()
  const sums: Sums = {
    upPackets: 0,
    upOctets: 0,
    downPackets: 0,
    downOctets: 0,
    seconds: 0,
    largestPacketMean: 0,
    clientPort: 0,
    udpCompanion: 0,
  }
  const touched: number[] = []
  const burstPairs: number[] = []
  const burstStarts: number[] = []
  const exporterAddresses = new Set<string>()
  let exporters = 0
  const hosts = createHosts()
  const ledger: Ledger = { count, noteBurst, takeTouched, unknownServers: 0 }
  return ledger

  function count(slot: number, hasEnded: boolean): void {
    const { keys } = conversations.table
    const at = slot * 10
    const head = keys[at]!
    const protocol = head & 0xff
    const family = (head & 0x8000) === 0 ? 4 : 6
    const [lowPort, highPort] = [keys[at + 9]! >>> 16, keys[at + 9]! & 0xffff]
    const isNew = (conversations.flags.values[slot]! & Flag.isCounted) === 0
    const hadNews = conversations.newsSince.values[slot] !== 0
    conversations.newsSince.values[slot] = 0
    const point = points.byNumber(head >>> 16)
    const server = (isNew ? decideServer(slot) : decidedServer(slot)) ?? -1
    if (isNew) {
      conversations.flags.values[slot]! |= Flag.isCounted
      point.conversations++
      if (conversations.row.values[slot * 2] === 0 || conversations.row.values[slot * 2 + 1] === 0)
        point.oneSided++
    }
    if (server < 0) {
      if (isNew) ledger.unknownServers++
      return
    }
    const port = server === 0 ? lowPort : highPort
    const clientPort = server === 0 ? highPort : lowPort
    const serverAt = at + (server === 0 ? 1 : 5)
    const clientAt = at + (server === 0 ? 5 : 1)
    const kind = (family === 6 ? 0x8000 : 0) | protocol
    let service = services.find(kind, keys, serverAt, port)
    if (isNew) service = services.count(service, keys, clientAt, clientPort)
    if (service >= 0 && (conversations.flags.values[slot]! & Flag.isConfirmed) !== 0)
      services.confirm(service)
    if (isNew && protocol === TCP) hosts.note(keys, clientAt, port)

    const [up, down] = server === 0 ? [slot * 2 + 1, slot * 2] : [slot * 2, slot * 2 + 1]
    const name = conversations.name.values[slot]!
    const application = name === 0 ? -1 : names.applicationOf(name)
    const serverAddress = addressAt(keys, serverAt, family)
    if (isBaseline(protocol, port, application, serverAddress)) return
    const downOctets = conversations.octets.values[down]!
    if (conversations.octets.values[up] === 0 || downOctets === 0) return

    let kinds = 0
    if (
      application >= 0 &&
      (protocol === TCP || protocol === UDP) &&
      !isExpected(application, protocol, port)
    ) {
      kinds |= (conversations.flags.values[slot]! & Flag.isServiceName) === 0 ? Kind.named : Kind.serviceNamed
    }
    const isOutbound = !isInside(serverAddress) && isInside(addressAt(keys, clientAt, family))
    const isCertain = (conversations.flags.values[slot]! & Flag.isCertain) !== 0
    if (isOutbound && isCertain && (protocol === TCP || protocol === UDP)) {
      if (protocol === TCP && PROXY_PORTS.has(port)) kinds |= Kind.proxy
      else if (port < FIRST_EPHEMERAL_PORT && !isUsualPort(protocol, port)) kinds |= Kind.registry
    }
    if (
      rareProtocols.has(protocol) &&
      !isGateway(keys, serverAt, family) &&
      !isGateway(keys, clientAt, family)
    )
      kinds |= Kind.rareProtocol

    const profile = profileOf(protocol, port)
    let met = 0
    let before = 0
    if (profile !== undefined && (hadNews || hasEnded) && !services.isConfirmed(service)) {
      sums.upPackets = conversations.packets.values[up]!
      sums.upOctets = conversations.octets.values[up]!
      sums.downPackets = conversations.packets.values[down]!
      sums.downOctets = downOctets
      sums.seconds = (conversations.last.values[slot]! - conversations.first.values[slot]!) / 1000
      sums.largestPacketMean = conversations.largestPacketMean.values[slot]!
      sums.clientPort = clientPort
      sums.udpCompanion =
        protocol === TCP && services.find((family === 6 ? 0x8000 : 0) | UDP, keys, serverAt, port) >= 0
          ? 1
          : 0
      measure(values, sums, headerOctets(family, protocol))
      before = conversations.hits.values[slot]!
      met = testsMet(profile, point.samplingInterval > 1, hasEnded)
      conversations.hits.values[slot] = met
      if (met !== 0) kinds |= Kind.shape
    }

    key[0] = head
    for (let word = 0; word < 4; word++) {
      key[1 + word] = keys[clientAt + word]!
      key[5 + word] = keys[serverAt + word]!
    }
    key[9] = (port << 16) | (application + 1)
    let pair = pairs.table.find(key)
    if (pair < 0) {
      if (kinds === 0) return
      pair = pairs.table.insert(key)
    } else pairs.table.touch(pair)
    if (isCertain) pairs.isCertain.values[pair] = 1
    if (hosts.has(keys, clientAt) || hosts.has(keys, serverAt)) pairs.isHost.values[pair] = 1
    pairs.kinds.values[pair]! |= kinds
    pairs.name.values[pair] = name
    takeIntoPair(pair, slot, up, down, met, before)
    parts.onCounted(pair, slot)
  }

  function takeIntoPair(
    pair: number,
    slot: number,
    up: number,
    down: number,
    met: number,
    before: number,
  ): void {
    const { generation } = pairs.table
    const isSame =
      conversations.pair.values[slot] === pair + 1 &&
      conversations.pairGeneration.values[slot] === generation.values[pair]
    if (!isSame) {
      conversations.pair.values[slot] = pair + 1
      conversations.pairGeneration.values[slot] = generation.values[pair]!
      pairs.conversations.values[pair]!++
      pending(pair, conversations.first.values[slot]!)
    }
    const delta = (counted: Float64Array, sum: Float64Array, at: number) => {
      const difference = sum[at]! - counted[at]!
      counted[at] = sum[at]!
      return difference
    }
    const { countedPackets, countedOctets, packets, octets } = conversations
    pairs.upPackets.values[pair]! += delta(countedPackets.values, packets.values, up)
    pairs.downPackets.values[pair]! += delta(countedPackets.values, packets.values, down)
    pairs.upOctets.values[pair]! += delta(countedOctets.values, octets.values, up)
    pairs.downOctets.values[pair]! += delta(countedOctets.values, octets.values, down)
    pairs.noteTime(pair, conversations.first.values[slot]!, conversations.last.values[slot]!, !isSame)
    for (let index = 0; index < MAX_TESTS; index++) {
      const [isMet, wasMet] = [(met >> index) & 1, isSame ? (before >> index) & 1 : 0]
      // A conversation that outgrew a test takes its hit back.
      pairs.hits.values[pair * MAX_TESTS + index]! += isMet - wasMet
      if (isMet === 0) continue
      pairs.seen.values.set(values, (pair * MAX_TESTS + index) * measureNames.length)
    }
    touch(pair)
  }

  /** The tests of the profile that the measures meet, as bits. */
  function testsMet(profile: ShapeProfile, isSampled: boolean, hasEnded: boolean): number {
    const circumstances = { isSampled, hasEnded, durationSeconds: settings.SessionDurationThreshold }
    let met = 0
    for (let index = 0; index < profile.tests.length; index++) {
      if (meets(profile.tests[index]!, values, circumstances)) met |= 1 << index
    }
    return met
  }

  function decidedServer(slot: number): 0 | 1 | undefined {
    const flags = conversations.flags.values[slot]!
    return (flags & Flag.serverIsLow) !== 0 ? 0 : (flags & Flag.serverIsHigh) !== 0 ? 1 : undefined
  }

  function decideServer(slot: number): 0 | 1 | undefined {
    const { keys } = conversations.table
    const at = slot * 10
    const head = keys[at]!
    const family = (head & 0x8000) === 0 ? 4 : 6
    const kind = head & 0x80ff
    const flags = conversations.flags.values[slot]!
    const [lowPort, highPort] = [keys[at + 9]! >>> 16, keys[at + 9]! & 0xffff]
    const either = (low: number, high: number) => ((flags & low) !== 0 ? 1 : (flags & high) !== 0 ? 2 : 0)
    const verdict = serverOf({
      protocolIdentifier: head & 0xff,
      lowPort,
      highPort,
      lowIsInside: isInside(addressAt(keys, at + 1, family)),
      highIsInside: isInside(addressAt(keys, at + 5, family)),
      opener: either(Flag.openedByLow, Flag.openedByHigh),
      firstSpeaker: either(Flag.startedByLow, Flag.startedByHigh),
      lowPeers: services.peersOf(services.find(kind, keys, at + 1, lowPort)),
      highPeers: services.peersOf(services.find(kind, keys, at + 5, highPort)),
    })
    if (verdict === undefined) {
      // Remember both ends: the next conversation with one of them tells.
      services.count(services.find(kind, keys, at + 1, lowPort), keys, at + 5, highPort)
      services.count(services.find(kind, keys, at + 5, highPort), keys, at + 1, lowPort)
      return undefined
    }
    conversations.flags.values[slot]! |= verdict.server === 0 ? Flag.serverIsLow : Flag.serverIsHigh
    if (verdict.confidence === 'certain') conversations.flags.values[slot]! |= Flag.isCertain
    return verdict.server
  }

  function noteBurst(slot: number, startMilliseconds: number): void {
    const pair = conversations.pair.values[slot]! - 1
    if (pair < 0 || pairs.table.generation.values[pair] !== conversations.pairGeneration.values[slot]) return
    pending(pair, startMilliseconds)
  }

  function pending(pair: number, start: number): void {
    if (burstPairs.length >= MAX_PENDING_BURSTS) return
    burstPairs.push(pair)
    burstStarts.push(start)
  }

  function touch(pair: number): void {
    if (pairs.isTouched.values[pair] === 1) return
    pairs.isTouched.values[pair] = 1
    touched.push(pair)
  }

  function takeTouched(): number[] {
    // Exporters send records in any order within a minute.
    const order = burstStarts.map((_, index) => index)
    order.sort((a, b) => burstStarts[a]! - burstStarts[b]! || a - b)
    for (const index of order)
      pairs.noteBurst(burstPairs[index]!, burstStarts[index]!, BURST_GAP_MILLISECONDS)
    burstPairs.length = 0
    burstStarts.length = 0
    const result: number[] = []
    for (const pair of touched) {
      if (pairs.isTouched.values[pair] === 0) continue
      pairs.isTouched.values[pair] = 0
      result.push(pair)
    }
    touched.length = 0
    return result
  }

  /** Exporters are gateways. */
  function isGateway(keys: Uint32Array, offset: number, family: 4 | 6): boolean {
    const known = points.all()
    for (; exporters < known.length; exporters++)
      exporterAddresses.add(formatAddress(known[exporters]!.identity.address))
    return exporterAddresses.has(formatAddress(addressAt(keys, offset, family)))
  }
}
