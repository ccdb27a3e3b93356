/**
 * Learns what is used here as conversations are counted, and says how usual a pairing is. Hosts inside are learned from,
 * each once a day and pairing; what is under an open finding is not, nor is anything while learning is frozen.
 */
import { DAY_MILLISECONDS } from '../../clock.js'
import type { AddressFamily } from '../../records/address.js'
import type { Learned, Surroundings } from '../detector.js'
import { faultsOfSnapshot, MAX_EXPORTERS, type Snapshot, VERSION } from './learned.js'
import { Noted, type Use } from './noted.js'
import type { Places } from './places.js'
import type { Point } from './points.js'
import type { Settings } from './settings.js'
import { Told } from './told.js'
import { portClass, type Rarity, Usage, type UseOf } from './usage.js'
import { restoreUsage, snapshotOf, type UseRow, useRows } from './usage-snapshot.js'

/** Records of an exporter that has just been seen teach, and are not told of as new. */
const GRACE_MILLISECONDS = 3_600_000
/** Which uses were seen today, by a hash: two that share 32 bits and a place are one in 2^50. */
const SEEN_BITS = 18
/** Known for so many days, and used by so many other hosts, a pairing is usual. */
const USUAL_DAYS = 3
const USUAL_HOSTS = 5

/** How usual a pairing is, and what follows from it. */
export type Standing = Rarity & {
  /** The client's role or zone, as text. */
  readonly group: string
  /** The learning period had passed when the pairing began, so rarity says something. */
  readonly isMature: boolean
  readonly isUsual: boolean
  readonly isUncommon: boolean
  readonly isRare: boolean
  /** The host itself was not seen with it while the site was being learned. */
  readonly isNewToHost: boolean
}

/** A conversation's ends as a place in an array of keys: four words each. */
export type Ends = {
  readonly keys: Uint32Array
  readonly clientAt: number
  readonly serverAt: number
  readonly family: AddressFamily
  readonly protocolIdentifier: number
  readonly port: number
  readonly application: number
}

export type Learning = {
  /**
   * Takes a conversation between a client inside and a server, both of which sent data; of both the number of their place.
   * True when the pairing is rare here: only asked when the client is seen with it for the first time in a day.
   */
  note(
    ends: Ends,
    point: Point,
    receivedMilliseconds: number,
    clientPlace: number,
    serverPlace: number,
  ): boolean
  /** Undefined for a client outside, of whom nothing is learned. `firstReceivedMilliseconds`: when the pair was new. */
  standing(
    ends: Ends,
    point: Point | undefined,
    firstReceivedMilliseconds: number,
    atMilliseconds: number,
  ): Standing | undefined
  /** What is under a finding is not learned from. */
  tell(server: string, port: number, protocolIdentifier: number, finding: string): void
  /** Learns what was noted since; after what is found has been told. */
  evaluate(atMilliseconds: number, points: readonly Point[]): void
  firstSeenOf(exporter: string): number | undefined
  isMatureAt(milliseconds: number): boolean
  rows(): Iterable<UseRow>
  learned(): Learned | undefined
}

export function createLearning(
  { learning, learned, settled }: Surroundings,
  places: Places,
  settings: Settings,
): Learning {
  const usage = new Usage(learning.halfLifeMilliseconds)
  const told = new Told()
  const exporters = new Map<string, number>()
  const seen = new Uint32Array(2 ** SEEN_BITS)
  let seenDay = 0
  const noted = new Noted()
  let knownPoints = 0
  let learnedFrom = Number.POSITIVE_INFINITY
  let learnedTo = Number.NEGATIVE_INFINITY
  const groups: number[] = []
  const zones: number[] = []
  const asked: UseOf = {
    group: 0,
    zone: 0,
    application: -1,
    protocolIdentifier: 0,
    port: 0,
    family: 4,
    keys: new Uint32Array(4),
    clientAt: 0,
  }
  restore()

  function restore(): void {
    if (learned === undefined || faultsOfSnapshot(learned).length > 0) return
    const data = learned.data as Snapshot
    restoreUsage(usage, data.usage)
    for (const [key, first] of data.exporters) exporters.set(key, first)
    for (const [place, finding] of data.told) told.put(place, finding)
    learnedFrom = learned.fromMilliseconds
    learnedTo = learned.toMilliseconds
  }

  const isMatureAt = (milliseconds: number) => milliseconds - learnedFrom >= learning.periodMilliseconds
  const dayOf = (milliseconds: number) => Math.floor(milliseconds / DAY_MILLISECONDS)

  /** Fills the question; false for a client outside. */
  function ask(ends: Ends): boolean {
    const { keys, clientAt, serverAt, family } = ends
    const client = places.of(keys, clientAt, family)
    return places.byNumber(client).isInside && askOf(ends, client, places.of(keys, serverAt, family))
  }

  /** Fills the question about a client inside; of both ends the number of their place. */
  function askOf(ends: Ends, client: number, server: number): boolean {
    const { keys, clientAt, family } = ends
    asked.group = groupOf(client)
    asked.zone = zoneOf(server)
    asked.application = ends.application
    asked.protocolIdentifier = ends.protocolIdentifier
    asked.port = portClass(ends.port)
    asked.family = family
    asked.keys = keys
    asked.clientAt = clientAt
    return true
  }

  function groupOf(place: number): number {
    const known = groups[place]
    if (known !== undefined) return known
    const { role, zone } = places.byNumber(place)
    groups[place] = usage.groupNamed(role === undefined ? `zone:${zone}` : `role:${role}`)
    return groups[place]
  }

  function zoneOf(place: number): number {
    zones[place] ??= usage.groupNamed(`zone:${places.byNumber(place).zone}`)
    return zones[place]
  }

  /** The answer to the question that was filled last. */
  function judged(
    point: Point | undefined,
    firstReceivedMilliseconds: number,
    atMilliseconds: number,
  ): Standing {
    const { rareBits, uncommonBits } = settings
    const rarity = usage.rarity(asked, dayOf(atMilliseconds))
    const isGrace =
      point !== undefined && firstReceivedMilliseconds < point.firstReceivedMilliseconds + GRACE_MILLISECONDS
    const isMature = isMatureAt(firstReceivedMilliseconds) && !isGrace
    const { bits, hosts, groupHosts, elsewhere, knownDays, ownSinceMinute } = rarity
    return {
      bits,
      hosts,
      groupHosts,
      elsewhere,
      knownDays,
      ownSinceMinute,
      group: usage.groupNames[asked.group]!,
      isMature,
      isUsual:
        isMatureAt(atMilliseconds) && bits < uncommonBits && hosts >= USUAL_HOSTS && knownDays >= USUAL_DAYS,
      isUncommon: isMature && bits >= uncommonBits && bits < rareBits,
      isNewToHost: ownSinceMinute === 0 || isMatureAt(ownSinceMinute * 60_000),
      isRare: isMature && bits >= rareBits,
    }
  }

  /** The place of a use among those seen today; -1 when it has been seen. */
  function firstToday({ keys, clientAt }: Ends): number {
    let one = Math.imul((asked.group << 16) | asked.zone, 0x9e3779b1) ^ asked.protocolIdentifier
    let other = Math.imul(((asked.application + 1) << 16) | asked.port, 0x85ebca6b) ^ asked.group
    for (let word = asked.family === 4 ? 3 : 0; word < 4; word++) {
      one = Math.imul(one ^ keys[clientAt + word]!, 0x85ebca6b)
      one ^= one >>> 13
      other = Math.imul(other ^ keys[clientAt + word]!, 0xc2b2ae35)
      other ^= other >>> 15
    }
    one = Math.imul(one ^ (((asked.application + 1) << 16) | asked.port), 0xc2b2ae35)
    const at = (one ^ (one >>> 16)) >>> (32 - SEEN_BITS)
    const tag = (Math.imul(other ^ asked.zone ^ (asked.protocolIdentifier << 8), 0x9e3779b1) | 1) >>> 0
    if (seen[at] === tag) return -1
    seen[at] = tag
    return at
  }

  function learn({ ends, seen: at, day }: Use, minute: number): void {
    const { keys, serverAt, family, port, protocolIdentifier } = ends
    const finding = told.findingOf(keys, serverAt, family, port, protocolIdentifier)
    // Not learned now: the next conversation asks again, by when people may have settled it.
    if (finding !== undefined && !settled.has(finding)) seen[at] = 0
    else if (ask(ends)) usage.learn(asked, keys, serverAt, port, day, minute)
  }

  return {
    note(ends, point, receivedMilliseconds, clientPlace, serverPlace) {
      if (noted.isFull) return false
      askOf(ends, clientPlace, serverPlace)
      if (dayOf(receivedMilliseconds) > seenDay) {
        seen.fill(0)
        seenDay = dayOf(receivedMilliseconds)
      }
      const at = firstToday(ends)
      if (at < 0) return false
      noted.add(ends, at, seenDay)
      return (
        isMatureAt(receivedMilliseconds) && judged(point, receivedMilliseconds, receivedMilliseconds).isRare
      )
    },
    standing: (ends, point, firstReceivedMilliseconds, atMilliseconds) =>
      ask(ends) ? judged(point, firstReceivedMilliseconds, atMilliseconds) : undefined,
    tell: (server, port, protocolIdentifier, finding) => told.tell(server, port, protocolIdentifier, finding),
    evaluate(atMilliseconds, points) {
      for (; knownPoints < points.length; knownPoints++) {
        const { key, firstReceivedMilliseconds } = points[knownPoints]!
        if (exporters.size < MAX_EXPORTERS && !exporters.has(key) && firstReceivedMilliseconds > 0)
          exporters.set(key, firstReceivedMilliseconds)
      }
      const count = noted.size
      noted.size = 0
      if (learning.isFrozen || atMilliseconds <= learnedTo) return
      // Time in which nothing came has taught nothing.
      if (count > 0) learnedFrom = Math.min(learnedFrom, atMilliseconds)
      learnedTo = atMilliseconds
      for (let index = 0; index < count; index++) learn(noted.at(index), Math.floor(atMilliseconds / 60_000))
    },
    firstSeenOf: (exporter) => exporters.get(exporter),
    isMatureAt,
    rows: () => useRows(usage),
    learned() {
      if (!Number.isFinite(learnedFrom)) return undefined
      const data: Snapshot = { usage: snapshotOf(usage), exporters: [...exporters], told: told.entries() }
      return { fromMilliseconds: learnedFrom, toMilliseconds: learnedTo, version: VERSION, data }
    },
  }
}
