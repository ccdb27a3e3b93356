/**
 * Counts conversations into pairs: decides who is the server, whether there is a reason to watch the pair at all, and
 * which tests the conversation meets. Conversations that fit their port leave nothing behind but a client's bit.
 */
import { BURST_GAP_MILLISECONDS, FIRST_HIT, Flag, Place, Sum, Word } from './conversation-record.js'
import type { Conversations } from './conversations.js'
import { isExpected, isUsualPort, TCP, UDP } from './expected.js'
import { createHosts } from './hosts.js'
import { rareProtocols } from './intake.js'
import type { Ends, Learning } from './learning.js'
import type { Names } from './names.js'
import { Kind, PAIR_WORDS, type Pairs, type Services } from './pairs.js'
import type { Places } from './places.js'
import { exporterTest, type Points } from './points.js'
import { clearServer, FIRST_EPHEMERAL_PORT, serverOf } from './server.js'
import { addressAt, type Baseline, type Settings } from './settings.js'
import { MAX_TESTS, measureNames, type ShapeProfile } from './shape-test.js'
import {
  asksForCompanion,
  headerOctets,
  measure,
  meets,
  newMeasures,
  profileOf,
  type Sums,
} from './shapes.js'

/** Ports of SOCKS and of proxies that clients must be told of: RFC 1928 (1080), Tor, Squid. */
const PROXY_PORTS: ReadonlySet<number> = new Set([1080, 3128, 9050, 9150])

/** Starts of bursts kept between two evaluations; more come only from a flood. */
const MAX_PENDING_BURSTS = 65_536

/** Bits of the tests of one profile. */
const HITS = 2 ** MAX_TESTS - 1

export type Ledger = {
  /** Counts what a conversation has not had counted yet. */
  count(slot: number, hasEnded: boolean): void
  noteBurst(slot: number, startMilliseconds: number): void
  /** Pairs with news since the last call, in the order of the news. */
  takeTouched(): number[]
  unknownServers: number
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

export type LedgerParts = {
  readonly conversations: Conversations
  readonly pairs: Pairs
  readonly services: Services
  readonly points: Points
  readonly names: Names
  readonly settings: Settings
  /** Absent where no pairing is configured as expected. */
  readonly isBaseline: Baseline | undefined
  readonly places: Places
  readonly learning: Learning
  readonly onCounted: (pair: number, conversation: number) => void
}

export function createLedger(parts: LedgerParts): Ledger {
  const { conversations, pairs, services, points, names, settings, isBaseline, places, learning } = parts
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
  const ends: Mutable<Ends> = {
    keys: new Uint32Array(8),
    clientAt: 0,
    serverAt: 4,
    family: 4,
    protocolIdentifier: 0,
    port: 0,
    application: -1,
  }
  const touched: number[] = []
  const burstPairs: number[] = []
  const burstStarts: number[] = []
  const isExporter = exporterTest(points)
  const hosts = createHosts()
  const ledger: Ledger = { count, noteBurst, takeTouched, unknownServers: 0 }
  return ledger

  function count(slot: number, hasEnded: boolean): void {
    const { words, numbers } = conversations
    const at = conversations.wordsAt(slot)
    const inNumbers = conversations.numbersAt(slot)
    const head = words[at]!
    const protocol = head & 0xff
    const family = (head & 0x8000) === 0 ? 4 : 6
    const isNew = (words[at + Word.flags]! & Flag.isCounted) === 0
    const hadNews = numbers[inNumbers + Place.newsSince] !== 0
    numbers[inNumbers + Place.newsSince] = 0
    const point = points.byNumber(head >>> 16)
    const low = conversations.directionAt(slot, 0)
    const high = conversations.directionAt(slot, 1)
    const server = isNew ? decideServer(at, head) : decidedServer(words[at + Word.flags]!)
    if (isNew) {
      words[at + Word.flags]! |= Flag.isCounted
      point.conversations++
      if (numbers[low + Sum.row] === 0 || numbers[high + Sum.row] === 0) point.oneSided++
    }
    if (server < 0) {
      if (isNew) ledger.unknownServers++
      return
    }
    const port = server === 0 ? words[at + 9]! >>> 16 : words[at + 9]! & 0xffff
    const clientPort = server === 0 ? words[at + 9]! & 0xffff : words[at + 9]! >>> 16
    const serverAt = at + (server === 0 ? 1 : 5)
    const clientAt = at + (server === 0 ? 5 : 1)
    let service = services.find(head & 0x80ff, words, serverAt, port)
    if (isNew) service = services.count(service, words, clientAt, clientPort)
    const flags = words[at + Word.flags]!
    if ((flags & Flag.isConfirmed) !== 0 && service >= 0) services.confirm(service)
    if (isNew && protocol === TCP) hosts.note(words, clientAt, port)

    const [up, down] = server === 0 ? [high, low] : [low, high]
    const name = words[at + Word.name]!
    const application = name === 0 ? -1 : names.applicationOf(name)
    if (isBaseline?.(protocol, port, application, addressAt(words, serverAt, family))) return
    const downOctets = numbers[down + Sum.octets]!
    if (numbers[up + Sum.octets] === 0 || downOctets === 0) return

    let kinds = 0
    if (
      application >= 0 &&
      (protocol === TCP || protocol === UDP) &&
      !isExpected(application, protocol, port)
    ) {
      kinds |= (flags & Flag.isServiceName) === 0 ? Kind.named : Kind.serviceNamed
    }
    const serverPlace = places.byNumber(places.of(words, serverAt, family))
    const clientPlace = places.byNumber(places.of(words, clientAt, family))
    const isOutbound = !serverPlace.isInside && clientPlace.isInside
    const isCertain = (flags & Flag.isCertain) !== 0
    if (isOutbound && isCertain && (protocol === TCP || protocol === UDP)) {
      if (protocol === TCP && PROXY_PORTS.has(port)) kinds |= Kind.proxy
      else if (port < FIRST_EPHEMERAL_PORT && !isUsualPort(protocol, port)) kinds |= Kind.registry
    }
    if (
      isRareProtocol[protocol] === 1 &&
      !(serverPlace.isGateway || clientPlace.isGateway) &&
      !isExporter(words, serverAt, family) &&
      !isExporter(words, clientAt, family)
    )
      kinds |= Kind.rareProtocol

    if (isNew && clientPlace.isInside) {
      ends.keys = words
      ends.clientAt = clientAt
      ends.serverAt = serverAt
      ends.family = family
      ends.protocolIdentifier = protocol
      ends.port = port
      ends.application = application
      if (learning.note(ends, point, numbers[inNumbers + Place.lastReceived]!)) kinds |= Kind.rare
    }

    const profile = profileOf(protocol, port)
    let met = 0
    let before = 0
    if (profile !== undefined && (hadNews || hasEnded) && !services.isConfirmed(service)) {
      sums.upPackets = numbers[up + Sum.packets]!
      sums.upOctets = numbers[up + Sum.octets]!
      sums.downPackets = numbers[down + Sum.packets]!
      sums.downOctets = downOctets
      sums.seconds = (numbers[inNumbers + Place.last]! - numbers[inNumbers + Place.first]!) / 1000
      sums.largestPacketMean = numbers[inNumbers + Place.largestPacketMean]!
      sums.clientPort = clientPort
      sums.udpCompanion =
        protocol === TCP &&
        asksForCompanion(profile) &&
        services.find((family === 6 ? 0x8000 : 0) | UDP, words, serverAt, port) >= 0
          ? 1
          : 0
      measure(values, sums, headerOctets(family, protocol))
      before = (flags >>> FIRST_HIT) & HITS
      met = testsMet(profile, point.samplingInterval > 1, hasEnded)
      words[at + Word.flags] = (flags & ~(HITS << FIRST_HIT)) | (met << FIRST_HIT)
      if (met !== 0) kinds |= Kind.shape
    }

    if (kinds === 0 && !services.isWatched(service)) return
    key[0] = head
    for (let word = 0; word < 4; word++) {
      key[1 + word] = words[clientAt + word]!
      key[5 + word] = words[serverAt + word]!
    }
    key[9] = (port << 16) | (application + 1)
    let pair = pairs.table.find(key)
    if (pair < 0) {
      if (kinds === 0) return
      pair = pairs.table.insert(key)
      pairs.firstReceived.values[pair] = numbers[inNumbers + Place.lastReceived]!
    } else pairs.table.touch(pair)
    if (service >= 0) services.watch(service)
    if (isCertain) pairs.isCertain.values[pair] = 1
    if (hosts.has(words, clientAt) || hosts.has(words, serverAt)) pairs.isHost.values[pair] = 1
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
    const { words, numbers } = conversations
    const at = conversations.wordsAt(slot)
    const inNumbers = conversations.numbersAt(slot)
    const generation = pairs.table.generationOf(pair)
    const isSame = words[at + Word.pair] === pair + 1 && words[at + Word.pairGeneration] === generation
    const [first, last] = [numbers[inNumbers + Place.first]!, numbers[inNumbers + Place.last]!]
    if (!isSame) {
      words[at + Word.pair] = pair + 1
      words[at + Word.pairGeneration] = generation
      pairs.conversations.values[pair]!++
      pending(pair, first)
    }
    pairs.upPackets.values[pair]! += uncounted(up + Sum.packets, up + Sum.countedPackets)
    pairs.downPackets.values[pair]! += uncounted(down + Sum.packets, down + Sum.countedPackets)
    pairs.upOctets.values[pair]! += uncounted(up + Sum.octets, up + Sum.countedOctets)
    pairs.downOctets.values[pair]! += uncounted(down + Sum.octets, down + Sum.countedOctets)
    pairs.noteTime(pair, first, last, !isSame)
    for (let index = 0; index < MAX_TESTS; index++) {
      const [isMet, wasMet] = [(met >> index) & 1, isSame ? (before >> index) & 1 : 0]
      // A conversation that outgrew a test takes its hit back.
      pairs.hits.values[pair * MAX_TESTS + index]! += isMet - wasMet
      if (isMet === 0) continue
      pairs.seen.values.set(values, (pair * MAX_TESTS + index) * measureNames.length)
    }
    touch(pair)
  }

  /** What a sum has grown by since it was last counted. */
  function uncounted(sumAt: number, countedAt: number): number {
    const { numbers } = conversations
    const sum = numbers[sumAt]!
    const difference = sum - numbers[countedAt]!
    numbers[countedAt] = sum
    return difference
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

  /** 0 when the lower end is the server, 1 when the higher is, -1 when it is not known. */
  function decidedServer(flags: number): number {
    return (flags & Flag.serverIsLow) !== 0 ? 0 : (flags & Flag.serverIsHigh) !== 0 ? 1 : -1
  }

  function decideServer(at: number, head: number): number {
    const { words } = conversations
    const flags = words[at + Word.flags]!
    const [lowPort, highPort] = [words[at + 9]! >>> 16, words[at + 9]! & 0xffff]
    if ((flags & (Flag.openedByLow | Flag.openedByHigh)) === 0 && lowPort !== highPort) {
      const clear = clearServer(head & 0xff, lowPort, highPort)
      if (clear >= 0) return noteServer(at, clear, true)
    }
    const family = (head & 0x8000) === 0 ? 4 : 6
    const kind = head & 0x80ff
    const either = (low: number, high: number) => ((flags & low) !== 0 ? 1 : (flags & high) !== 0 ? 2 : 0)
    const verdict = serverOf({
      protocolIdentifier: head & 0xff,
      lowPort,
      highPort,
      lowIsInside: places.byNumber(places.of(words, at + 1, family)).isInside,
      highIsInside: places.byNumber(places.of(words, at + 5, family)).isInside,
      opener: either(Flag.openedByLow, Flag.openedByHigh),
      firstSpeaker: either(Flag.startedByLow, Flag.startedByHigh),
      lowPeers: services.peersOf(services.find(kind, words, at + 1, lowPort)),
      highPeers: services.peersOf(services.find(kind, words, at + 5, highPort)),
    })
    if (verdict !== undefined) return noteServer(at, verdict.server, verdict.confidence === 'certain')
    // Remember both ends: the next conversation with one of them tells.
    services.count(services.find(kind, words, at + 1, lowPort), words, at + 5, highPort)
    services.count(services.find(kind, words, at + 5, highPort), words, at + 1, lowPort)
    return -1
  }

  function noteServer(at: number, server: number, isCertain: boolean): number {
    conversations.words[at + Word.flags]! |=
      (server === 0 ? Flag.serverIsLow : Flag.serverIsHigh) | (isCertain ? Flag.isCertain : 0)
    return server
  }

  function noteBurst(slot: number, startMilliseconds: number): void {
    const at = conversations.wordsAt(slot)
    const pair = conversations.words[at + Word.pair]! - 1
    if (pair < 0 || pairs.table.generationOf(pair) !== conversations.words[at + Word.pairGeneration]) return
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
}

const isRareProtocol = new Uint8Array(256)
for (const protocol of rareProtocols.keys()) isRareProtocol[protocol] = 1
