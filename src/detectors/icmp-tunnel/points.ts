/**
 * Metering points: what is known of each exporter's observation domain that bears on whether its echo records may be
 * judged exactly, and the sessions that it saw.
 */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, RECEIVED_COLUMN } from '../../blocks/builder.js'
import { type Address, formatAddress, isGroupAddress, parseAddress } from '../../records/address.js'
import {
  ExporterEventColumnIndex,
  type ExporterEventName,
  exporterEventNames,
} from '../../records/columns.js'
import { type ExporterIdentity, exporterKey, SYSLOG_PROTOCOL } from '../../records/exporter.js'
import type { Slice } from './mirror.js'
import { pairKey } from './names.js'
import { PairIndex, type Words } from './pair-index.js'
import { newSession, type Session } from './session.js'
import { emptyTally, type Standing, type Tally, withdraw } from './tally.js'

/** Sessions kept at a time, of all points together; the least recently used go first. */
const MAX_SESSIONS = 65_536
/** Records kept one by one in all sessions: some 60 MB. */
const MAX_SLICES = 524_288
/** Pairs that were quiet for so long are no longer kept. */
const FORGET_MILLISECONDS = 2 * 3_600_000

export type Pair = {
  readonly point: Point
  readonly requester: string
  readonly responder: string
  /** The same whoever of the two asks. */
  readonly key: string
  /** Whether the responder is of this network. */
  readonly isInside: boolean
  session: Session
  firstReceivedMilliseconds: number
  lastReceivedMilliseconds: number
  /** Records since the last evaluation. */
  news: { readonly requests: Slice[]; readonly replies: Slice[] } | undefined
  /** Judged again at this time though nothing came. */
  dueMilliseconds: number
  /** What it counts for among the pairs of its point. */
  standing: Standing
  /** Records that it keeps. */
  slices: number
}

export type Point = {
  readonly key: string
  readonly identity: ExporterIdentity
  readonly number: number
  /** Pairs with news, or that are to be judged once more. */
  readonly active: Set<Pair>
  /** What its pairs are like, kept up as they change. */
  readonly tally: Tally
  /** By host: its pings to groups, which many answer. */
  readonly groupRequests: Map<string, { readonly packets: number; readonly lastMilliseconds: number }>
  /** 0 while the exporter says nothing. */
  samplingInterval: number
  /** Device clock minus ours. */
  clockSkewMilliseconds: number
  /** Records that began before may lack others: a gap, a restart or reordering was seen then. */
  completeFromMilliseconds: number
  gaps: number
  missingUnits: number
  isTypeObserved: boolean
  records: number
  firstReceivedMilliseconds: number
  lastReceivedMilliseconds: number
  /** Sessions left out for want of room. */
  evicted: number
  /** What was last said that cannot be seen here, and when. */
  told: { readonly code: string; readonly atMilliseconds: number } | undefined
}

export type Points = {
  of(identity: ExporterIdentity): Point
  all(): Iterable<Point>
  /** The pair, for a record that was received now; undefined where a group address is asked. */
  pairFor(
    point: Point,
    family: 4 | 6,
    requester: Words,
    responder: Words,
    atMilliseconds: number,
  ): Pair | undefined
  /** The pair the other way round. */
  reverseOf(pair: Pair): Pair | undefined
  /** All pairs of a point: for what is rarely asked. */
  pairsOf(point: Point): Iterable<Pair>
  /** To be called when a pair took a record: makes room where all sessions together keep too many. */
  kept(pair: Pair): void
  /** Forgets pairs that were quiet for long. */
  forget(atMilliseconds: number): void
  /** Whether an address is that of a device that exports: a gateway, as a rule. */
  isExporter(address: string): boolean
  /** Takes rows of the exporterEvent stream. */
  observeEvents(block: Block, rows: Uint32Array): void
}

/** `isInside` tells whether an address is of this network. */
export function createPoints(isInside: (address: Address) => boolean): Points {
  const points = new Map<string, Point>()
  const addresses = new Set<string>()
  const pairs = new PairIndex<Pair>(MAX_SESSIONS)
  let slices = 0

  function dropOldest(): void {
    const pair = pairs.oldest()
    if (pair === undefined) return
    pairs.dropOldest()
    slices -= pair.slices
    pair.point.active.delete(pair)
    withdraw(pair)
  }

  function newPair(
    point: Point,
    family: 4 | 6,
    from: Words,
    to: Words,
    atMilliseconds: number,
  ): Pair | undefined {
    const target = addressAt(family, to)
    // Many hosts answer a group address, each with a reply of its own (guard 8).
    if (isGroupAddress(target)) return undefined
    if (pairs.size >= pairs.maximum) {
      pairs.oldest()!.point.evicted++
      dropOldest()
    }
    const requester = formatAddress(addressAt(family, from))
    const responder = formatAddress(target)
    const pair: Pair = {
      point,
      requester,
      responder,
      key: pairKey(requester, responder),
      isInside: isInside(target),
      session: newSession(0),
      firstReceivedMilliseconds: atMilliseconds,
      lastReceivedMilliseconds: 0,
      news: undefined,
      dueMilliseconds: 0,
      standing: 0,
      slices: 0,
    }
    pairs.insert(pair)
    return pair
  }

  const of = (identity: ExporterIdentity): Point => {
    const key = exporterKey(identity)
    let point = points.get(key)
    if (point === undefined) {
      point = {
        key,
        identity,
        number: points.size,
        active: new Set(),
        tally: emptyTally(),
        groupRequests: new Map(),
        samplingInterval: 0,
        clockSkewMilliseconds: 0,
        completeFromMilliseconds: Number.NEGATIVE_INFINITY,
        gaps: 0,
        missingUnits: 0,
        isTypeObserved: false,
        records: 0,
        firstReceivedMilliseconds: Number.POSITIVE_INFINITY,
        lastReceivedMilliseconds: 0,
        evicted: 0,
        told: undefined,
      }
      points.set(key, point)
      if (identity.protocol !== SYSLOG_PROTOCOL) addresses.add(formatAddress(identity.address))
    }
    return point
  }
  return {
    of,
    all: () => points.values(),
    pairFor: (point, family, from, to, atMilliseconds) =>
      pairs.find(point.number, family, from, to) ?? newPair(point, family, from, to, atMilliseconds),
    reverseOf({ point, requester, responder }) {
      const family = responder.includes(':') ? 6 : 4
      return pairs.peek(point.number, family, wordsOf(responder), wordsOf(requester))
    },
    *pairsOf(point) {
      for (const pair of pairs.entries()) if (pair.point === point) yield pair
    },
    kept(pair) {
      const { requests, replies } = pair.session
      const now = requests.slices.length + replies.slices.length
      slices += now - pair.slices
      pair.slices = now
      while (slices > MAX_SLICES && pairs.oldest() !== pair) {
        pairs.oldest()!.point.evicted++
        dropOldest()
      }
    },
    forget(atMilliseconds) {
      let pair = pairs.oldest()
      while (pair !== undefined && atMilliseconds - pair.lastReceivedMilliseconds > FORGET_MILLISECONDS) {
        dropOldest()
        pair = pairs.oldest()
      }
    },
    isExporter: (address) => addresses.has(address),
    observeEvents(block, rows) {
      const received = block.column(RECEIVED_COLUMN)![0]!
      const exporters = block.column(EXPORTER_COLUMN)![0]!
      const events = block.column(ExporterEventColumnIndex.event)![0]!
      const values = block.column(ExporterEventColumnIndex.value)![0]!
      for (const row of rows) {
        const point = of(block.header.exporters[exporters[row]!]!)
        apply(point, exporterEventNames[events[row]!] ?? 'none', values[row]!, received[row]!)
      }
    },
  }
}

function apply(point: Point, event: ExporterEventName, value: number, receivedMilliseconds: number): void {
  switch (event) {
    case 'gap':
    case 'reset':
    case 'reordered':
    case 'duplicate':
    case 'drops':
      point.completeFromMilliseconds = Math.max(point.completeFromMilliseconds, receivedMilliseconds)
      if (event === 'gap') {
        point.gaps++
        point.missingUnits += value
      }
      break
    case 'sampling':
      if (value > 0) point.samplingInterval = value
      break
    case 'clockSkew':
      point.clockSkewMilliseconds = value
      break
  }
}

function addressAt(family: 4 | 6, { planes, row }: Words): Address {
  const word = (index: number) => planes[index]![row]!
  return { family, words: family === 4 ? [0, 0, 0, word(0)] : [word(0), word(1), word(2), word(3)] }
}

function wordsOf(text: string): Words {
  const { family, words } = parseAddress(text)!
  return { planes: family === 4 ? [[words[3]]] : words.map((word) => [word]), row: 0 }
}
