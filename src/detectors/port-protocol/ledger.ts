/**
 * Counts conversations into pairs: decides who is the server, whether there is a reason to watch the pair at all, and
 * which tests the conversation meets. Conversations that fit their port leave nothing behind but a client's bit.
 */
import { FIRST_HIT, Flag, WORDS, Word } from './conversation-record.js'
import type { Conversations } from './conversations.js'
import { isExpected, isUsualPort, TCP, UDP } from './expected.js'
import { createHosts } from './hosts.js'
import { rareProtocols } from './intake.js'
import type { Ends, Learning } from './learning.js'
import type { Names } from './names.js'
import { createOpener, decidedServer, type Opened } from './opened.js'
import type { PairBook } from './pair-book.js'
import { Kind, PAIR_WORDS, type Pairs } from './pairs.js'
import type { Place, Places } from './places.js'
import { exporterTest, type Points } from './points.js'
import { FIRST_EPHEMERAL_PORT } from './server.js'
import { createServerChoice } from './server-choice.js'
import type { Services } from './services.js'
import { addressAt, type Baseline, type Settings } from './settings.js'
import { createShapeMeter, HITS } from './shape-meter.js'
import { profilePlace } from './shapes.js'

/** Ports of SOCKS and of proxies that clients must be told of: RFC 1928 (1080), Tor, Squid. */
const PROXY_PORTS: ReadonlySet<number> = new Set([1080, 3128, 9050, 9150])

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

export type LedgerParts = {
  readonly conversations: Conversations
  readonly pairs: Pairs
  readonly book: PairBook
  readonly services: Services
  readonly points: Points
  readonly names: Names
  readonly settings: Settings
  /** Absent where no pairing is configured as expected. */
  readonly isBaseline: Baseline | undefined
  readonly places: Places
  readonly learning: Learning
}

/** Counts what a conversation has not had counted yet. Returns its pair, or -1 where none is watched. */
export type Count = (slot: number, hasEnded: boolean) => number

export function createLedger(parts: LedgerParts): Count {
  const { conversations, pairs, book, services, points, names, settings, isBaseline, places, learning } =
    parts
  const { words } = conversations
  const key = new Uint32Array(PAIR_WORDS)
  const ends: Mutable<Ends> = {
    keys: new Uint32Array(8),
    clientAt: 0,
    serverAt: 4,
    family: 4,
    protocolIdentifier: 0,
    port: 0,
    application: -1,
  }
  const isExporter = exporterTest(points)
  const hosts = createHosts()
  const open = createOpener(conversations)
  const chooseServer = createServerChoice(places, services)
  const meter = createShapeMeter(conversations, services, settings.SessionDurationThreshold)

  return (slot, hasEnded) => {
    const of = open(slot)
    const { head, family, protocolIdentifier: protocol } = of
    const at = slot * WORDS
    const isNew = (of.flags & Flag.isCounted) === 0
    const hadNews = words[at + Word.newsSince] !== 0
    words[at + Word.newsSince] = 0
    const point = points.byNumber(head >>> 16)
    if (isNew) {
      of.flags |= Flag.isCounted | chooseServer(of)
      words[at + Word.flags] = of.flags
      point.conversations++
      if ((of.flags & Flag.hasLow) === 0 || (of.flags & Flag.hasHigh) === 0) point.oneSided++
    }
    const { flags } = of
    const server = decidedServer(flags)
    if (server < 0) return -1
    const port = server === 0 ? of.lowPort : of.highPort
    const clientPort = server === 0 ? of.highPort : of.lowPort
    const serverAt = 4 * server
    const clientAt = 4 - serverAt
    let service = services.find(of.kind, of.ends, serverAt, port)
    if (isNew) service = services.count(service, of.ends, clientAt, clientPort)
    if ((flags & Flag.isConfirmed) !== 0 && service >= 0) services.confirm(service)
    if (isNew && protocol === TCP) hosts.note(of.ends, clientAt, port)

    const name = words[at + Word.name]! & 0xffff
    const application = name === 0 ? -1 : names.applicationOf(name)
    if (isBaseline?.(protocol, port, application, addressAt(of.ends, serverAt, family))) return -1
    if (conversations.octetsOf(slot, 0) === 0 || conversations.octetsOf(slot, 1) === 0) return -1

    const serverNumber = places.of(of.ends, serverAt, family)
    const clientNumber = places.of(of.ends, clientAt, family)
    const serverPlace = places.byNumber(serverNumber)
    const clientPlace = places.byNumber(clientNumber)
    let kinds = kindsOf(of, port, application, serverPlace, clientPlace)
    if (isNew && clientPlace.isInside) {
      ends.keys = of.ends
      ends.clientAt = clientAt
      ends.serverAt = serverAt
      ends.family = family
      ends.protocolIdentifier = protocol
      ends.port = port
      ends.application = application
      const received = conversations.lastReceivedOf(slot)
      if (learning.note(ends, point, received, clientNumber, serverNumber)) kinds |= Kind.rare
    }

    const profile = profilePlace(protocol, port)
    let met = 0
    let before = 0
    if (profile >= 0 && (hadNews || hasEnded) && !services.isConfirmed(service)) {
      before = (flags >>> FIRST_HIT) & HITS
      met = meter.met(profile, of, server, point.samplingInterval > 1, hasEnded)
      words[at + Word.flags] = (flags & ~(HITS << FIRST_HIT)) | (met << FIRST_HIT)
      if (met !== 0) kinds |= Kind.shape
    }

    if (kinds === 0 && !services.isWatched(service)) return -1
    const pair = pairOf(of, clientAt, serverAt, port, application, kinds !== 0)
    if (pair < 0) return -1
    if (service >= 0) services.watch(service)
    if ((flags & Flag.isCertain) !== 0) pairs.isCertain.values[pair] = 1
    if (hosts.has(of.ends, clientAt) || hosts.has(of.ends, serverAt)) pairs.isHost.values[pair] = 1
    pairs.kinds.values[pair]! |= kinds
    pairs.name.values[pair] = name
    return book.take(pair, slot, server, met, before, meter.values, hasEnded) ? pair : -1
  }

  /** Reasons to watch that do not rest on shapes or rarity. */
  function kindsOf(of: Opened, port: number, application: number, server: Place, client: Place): number {
    const { flags, protocolIdentifier: protocol, family } = of
    let kinds = 0
    if (protocol === TCP || protocol === UDP) {
      if (application >= 0 && !isExpected(application, protocol, port))
        kinds |= (flags & Flag.isServiceName) === 0 ? Kind.named : Kind.serviceNamed
      if (!server.isInside && client.isInside && (flags & Flag.isCertain) !== 0) {
        if (protocol === TCP && PROXY_PORTS.has(port)) kinds |= Kind.proxy
        else if (port < FIRST_EPHEMERAL_PORT && !isUsualPort(protocol, port)) kinds |= Kind.registry
      }
    } else if (
      isRareProtocol[protocol] === 1 &&
      !(server.isGateway || client.isGateway) &&
      !isExporter(of.ends, 0, family) &&
      !isExporter(of.ends, 4, family)
    )
      kinds |= Kind.rareProtocol
    return kinds
  }

  /** The pair of a conversation, made where there is a reason to; -1 where there is none. */
  function pairOf(
    of: Opened,
    clientAt: number,
    serverAt: number,
    port: number,
    application: number,
    isWanted: boolean,
  ): number {
    key[0] = of.head
    for (let word = 0; word < 4; word++) {
      key[1 + word] = of.ends[clientAt + word]!
      key[5 + word] = of.ends[serverAt + word]!
    }
    key[9] = (port << 16) | (application + 1)
    let pair = pairs.table.find(key)
    if (pair >= 0) pairs.table.touch(pair)
    else if (isWanted) {
      pair = pairs.table.insert(key)
      pairs.firstReceived.values[pair] = conversations.lastReceivedOf(of.slot)
    }
    return pair
  }
}

const isRareProtocol = new Uint8Array(256)
for (const protocol of rareProtocols.keys()) isRareProtocol[protocol] = 1
