/**
 * What is remembered of a pair's echo traffic over days: since when, how long at a stretch, how regularly, with which
 * sizes. One metering point feeds a pair, so that two that see it do not count it twice.
 */
import { type Static, Type } from 'typebox'
import { DAY_MILLISECONDS } from '../../clock.js'
import type { LearnedCheck } from '../learned-check.js'
import { makeRoom } from './bounded.js'
import type { Slice } from './mirror.js'
import { SESSION_GAP_MILLISECONDS } from './session.js'

/** Pairs that are remembered; those that were quiet the longest go first. */
const MAX_HISTORIES = 65_536
/** Another point feeds a pair once the first has been silent about it so long. */
const FEEDER_SILENT_MILLISECONDS = 3_600_000
/** Requests further apart are bursts of their own: no exporter's idle timeout is shorter. */
const BURST_GAP_MILLISECONDS = 15_000
/** Starts of bursts that are kept. */
const MAX_STARTS = 24
/** Packets of a record from which its mean size and its rate say something. */
export const TELLING_PACKETS = 5

/** Times are ms since 1970 UTC, of the device but for its clock's error. */
export const History = Type.Object({
  requester: Type.String(),
  responder: Type.String(),
  point: Type.String({ description: 'the metering point that feeds it' }),
  firstMilliseconds: Type.Number(),
  lastMilliseconds: Type.Number(),
  lastReceivedMilliseconds: Type.Number(),
  days: Type.Number({ description: 'distinct days (UTC) with traffic' }),
  lastDay: Type.Number(),
  requestPackets: Type.Number(),
  requestOctets: Type.Number(),
  replyPackets: Type.Number(),
  size: Type.Number({
    description:
      'octets of every request as long as they are equal; MIXED once they are not; 0 before the first',
  }),
  mixedRecords: Type.Number({
    description: 'records of TELLING_PACKETS and more that cannot be of one size',
  }),
  stretchSinceMilliseconds: Type.Number({
    description: 'start of the stretch that goes on now, without a gap of SESSION_GAP_MILLISECONDS',
  }),
  stretchPackets: Type.Number(),
  earlierMilliseconds: Type.Number({ description: 'length of the stretches before, of the last day' }),
  unansweredPackets: Type.Number({ description: 'requests since the last reply' }),
  unansweredSinceMilliseconds: Type.Number(),
  starts: Type.Array(Type.Number(), { description: 'starts of bursts, the newest last' }),
  rates: Type.Object({ count: Type.Number(), mean: Type.Number(), squares: Type.Number() }),
  payloads: Type.Object(
    { count: Type.Number(), sum: Type.Number() },
    { description: 'records with a payload, and the sum of their relative entropies' },
  ),
  excessOctets: Type.Number({ description: 'beyond those of as many default pings, on the last day' }),
})
export type History = Static<typeof History>

export const MIXED = -1
/** IP length of the ping of Linux and macOS: the longest of the defaults. */
const DEFAULT_PING_OCTETS = { 4: 84, 6: 104 } as const

export class Histories {
  readonly #pairs = new Map<string, History>()
  /** Of restored pairs: what was received up to then is in the history, though it is read again. */
  readonly #takenTo = new Map<string, number>()
  evicted = 0

  get(requester: string, responder: string): History | undefined {
    return this.#pairs.get(`${requester} ${responder}`)
  }

  all(): IterableIterator<History> {
    return this.#pairs.values()
  }

  /** Takes records that are new at a point; undefined when another point feeds the pair. */
  add(
    requester: string,
    responder: string,
    point: string,
    requests: readonly Slice[],
    replies: readonly Slice[],
  ): History | undefined {
    const key = `${requester} ${responder}`
    const takenTo = this.#takenTo.get(key)
    if (takenTo !== undefined) {
      const isNew = (slice: Slice) => slice.receivedMilliseconds > takenTo
      requests = requests.filter(isNew)
      replies = replies.filter(isNew)
    }
    let first = Number.POSITIVE_INFINITY
    for (const slice of requests) first = Math.min(first, timeOf(slice))
    for (const slice of replies) first = Math.min(first, timeOf(slice))
    if (!Number.isFinite(first)) return undefined
    let history = this.#pairs.get(key)
    if (history === undefined) {
      history = newHistory(requester, responder, point, first)
      this.evicted += makeRoom(this.#pairs, MAX_HISTORIES)
    } else if (history.point !== point) {
      if (first - history.lastMilliseconds < FEEDER_SILENT_MILLISECONDS) return undefined
      history.point = point
    }
    // The map keeps the order of use.
    this.#pairs.delete(key)
    this.#pairs.set(key, history)
    for (const slice of replies) addReply(history, slice)
    const sorted =
      requests.length < 2 ? requests : [...requests].sort((one, other) => timeOf(one) - timeOf(other))
    for (const slice of sorted) addRequest(history, slice)
    return history
  }

  snapshot(): History[] {
    return [...this.#pairs.values()]
  }

  restore(histories: readonly History[]): void {
    for (const history of histories) {
      const copy = {
        ...history,
        starts: [...history.starts],
        rates: { ...history.rates },
        payloads: { ...history.payloads },
      }
      const key = `${history.requester} ${history.responder}`
      this.#pairs.set(key, copy)
      this.#takenTo.set(key, history.lastReceivedMilliseconds)
    }
  }
}

/** Asks whether histories are such as are kept here; `place` is where they are. */
export function checkHistories(check: LearnedCheck, histories: readonly History[], place: string): void {
  check.room(histories.length, MAX_HISTORIES, place)
  histories.forEach((history, index) => {
    if (check.isFull) return
    const { starts, rates, payloads } = history
    check.address(history.requester, place, index, 'requester')
    check.address(history.responder, place, index, 'responder')
    check.text(history.point, place, index, 'point')
    for (const key of TIMES) check.time(history[key], place, index, key)
    for (const key of COUNTS) check.count(history[key], place, index, key)
    check.received(history.lastReceivedMilliseconds, place, index, 'lastReceivedMilliseconds')
    check.days(history.days, 0, place, index, 'days')
    check.days(history.lastDay, -1, place, index, 'lastDay')
    if (history.size !== MIXED) check.count(history.size, place, index, 'size')
    check.room(starts.length, MAX_STARTS, place, index, 'starts')
    starts.forEach((start, at) => {
      check.time(start, place, index, 'starts', at)
    })
    check.count(rates.count, place, index, 'rates', 'count')
    check.amount(rates.mean, place, index, 'rates', 'mean')
    check.amount(rates.squares, place, index, 'rates', 'squares')
    check.count(payloads.count, place, index, 'payloads', 'count')
    check.amount(payloads.sum, place, index, 'payloads', 'sum')
  })
}

const TIMES = [
  'firstMilliseconds',
  'lastMilliseconds',
  'stretchSinceMilliseconds',
  'earlierMilliseconds',
  'unansweredSinceMilliseconds',
] as const
const COUNTS = [
  'requestPackets',
  'requestOctets',
  'replyPackets',
  'mixedRecords',
  'stretchPackets',
  'unansweredPackets',
  'excessOctets',
] as const

function newHistory(requester: string, responder: string, point: string, first: number): History {
  return {
    requester,
    responder,
    point,
    firstMilliseconds: first,
    lastMilliseconds: first,
    lastReceivedMilliseconds: 0,
    days: 0,
    lastDay: -1,
    requestPackets: 0,
    requestOctets: 0,
    replyPackets: 0,
    size: 0,
    mixedRecords: 0,
    stretchSinceMilliseconds: first,
    stretchPackets: 0,
    earlierMilliseconds: 0,
    unansweredPackets: 0,
    unansweredSinceMilliseconds: first,
    starts: [],
    rates: { count: 0, mean: 0, squares: 0 },
    payloads: { count: 0, sum: 0 },
    excessOctets: 0,
  }
}

function notePayload({ payloads }: History, { relativeEntropy }: Slice): void {
  if (relativeEntropy === undefined) return
  payloads.count++
  payloads.sum += relativeEntropy
}

function addReply(history: History, slice: Slice): void {
  notePayload(history, slice)
  history.lastReceivedMilliseconds = Math.max(history.lastReceivedMilliseconds, slice.receivedMilliseconds)
  history.replyPackets += slice.packets
  history.unansweredPackets = 0
  history.unansweredSinceMilliseconds = endOf(slice)
  if (slice.packets >= TELLING_PACKETS && !Number.isInteger(slice.octets / slice.packets))
    history.mixedRecords++
}

function addRequest(history: History, slice: Slice): void {
  notePayload(history, slice)
  const start = timeOf(slice)
  const end = endOf(slice)
  const day = Math.floor(start / DAY_MILLISECONDS)
  const isNewDay = day > history.lastDay
  if (isNewDay) {
    history.days++
    history.lastDay = day
    history.excessOctets = 0
  }
  if (start - history.lastMilliseconds > SESSION_GAP_MILLISECONDS) {
    // What a person does on several days does not add up.
    history.earlierMilliseconds = isNewDay
      ? 0
      : history.earlierMilliseconds + history.lastMilliseconds - history.stretchSinceMilliseconds
    history.stretchSinceMilliseconds = start
    history.stretchPackets = 0
    history.unansweredPackets = 0
  }
  const lastStart = history.starts.at(-1)
  if (lastStart === undefined || start - history.lastMilliseconds >= BURST_GAP_MILLISECONDS) {
    history.starts.push(start)
    if (history.starts.length > MAX_STARTS) history.starts.shift()
  }
  if (history.unansweredPackets === 0) history.unansweredSinceMilliseconds = start
  history.unansweredPackets += slice.packets
  history.stretchPackets += slice.packets
  history.requestPackets += slice.packets
  history.requestOctets += slice.octets
  history.firstMilliseconds = Math.min(history.firstMilliseconds, start)
  history.lastMilliseconds = Math.max(history.lastMilliseconds, end)
  history.lastReceivedMilliseconds = Math.max(history.lastReceivedMilliseconds, slice.receivedMilliseconds)
  const ping = DEFAULT_PING_OCTETS[history.responder.includes(':') ? 6 : 4]
  history.excessOctets += Math.max(0, slice.octets - ping * slice.packets)
  noteSize(history, slice)
  if (slice.packets >= TELLING_PACKETS && end > start)
    noteRate(history, ((slice.packets - 1) * 1000) / (end - start))
}

function noteSize(history: History, { packets, octets }: Slice): void {
  const mean = octets / packets
  const size = Number.isInteger(mean) ? mean : MIXED
  // Series of one size each, as line tests send them, are no mixture.
  if (size === MIXED && packets >= TELLING_PACKETS) history.mixedRecords++
  history.size = history.size === 0 ? size : history.size === size ? size : MIXED
}

function noteRate({ rates }: History, rate: number): void {
  rates.count++
  const difference = rate - rates.mean
  rates.mean += difference / rates.count
  rates.squares += difference * (rate - rates.mean)
}

/** Exporters that send no times are taken by the time of receipt. */
function timeOf(slice: Slice): number {
  return slice.startMilliseconds > 0 ? slice.startMilliseconds : slice.receivedMilliseconds
}

function endOf(slice: Slice): number {
  return slice.endMilliseconds > 0 ? slice.endMilliseconds : slice.receivedMilliseconds
}
