/**
 * The echo-mirror invariant. An echo reply returns the request's data (RFC 792, RFC 4443 §4.2), so over the echo
 * traffic of a pair, with k = request − reply packets and d = request − reply octets, a true ping has k ≥ 0,
 * k = 0 ⇒ d = 0, and k > 0 ⇒ least·k ≤ d ≤ most·k. All functions here are pure; what telemetry can and cannot be held
 * to it is decided by the guards in session.ts.
 */

/** Octets of an IP packet that carries an echo message: the least possible and the most that one packet can hold. */
export type EchoLimits = { readonly least: number; readonly most: number }

/** 20 octets of IPv4 header and 8 of ICMP; an Ethernet frame. */
export const ipv4EchoLimits: EchoLimits = { least: 28, most: 1500 }
/** 40 octets of IPv6 header and 8 of ICMPv6. */
export const ipv6EchoLimits: EchoLimits = { least: 48, most: 1500 }

/** Packets and octets of one direction of a pair's echo traffic. */
export type Sums = { readonly packets: number; readonly octets: number }

/**
 * Whether sums can come from a true ping when up to `missingRequests` requests were not counted (their records are late
 * or lost, or lie outside the window): some i requests went unanswered and some j replies lack their request, with
 * i − j = k and 0 ≤ j ≤ missingRequests.
 */
export function canMirror(
  requests: Sums,
  replies: Sums,
  missingRequests: number,
  limits: EchoLimits,
): boolean {
  const k = requests.packets - replies.packets
  const d = requests.octets - replies.octets
  if (k + missingRequests < 0) return false
  const { least, most } = limits
  // The interval of d grows with j at both ends, so the largest j decides.
  const j = missingRequests
  const i = k + j
  return least * i - most * j <= d && d <= most * i - least * j
}

/** One record of one direction. Times are ms since 1970 by the device; 0 when it sent none. */
export type Slice = {
  readonly packets: number
  readonly octets: number
  readonly startMilliseconds: number
  readonly endMilliseconds: number
  readonly receivedMilliseconds: number
  /** The number of the stored row. */
  readonly row: number
  /** Share of the entropy that its payload could have, 0 of a ping's pattern; absent where no payload was exported. */
  readonly relativeEntropy?: number
}

/** A reply comes at most this long after its request; a longer round trip only makes the test milder. */
const ROUND_TRIP_MILLISECONDS = 2000
/** NetFlow v9 headers tell the time in whole seconds, so records of two datagrams may be shifted by one. */
const CLOCK_GRAIN_MILLISECONDS = 1000
const BEFORE_MILLISECONDS = CLOCK_GRAIN_MILLISECONDS
const BEHIND_MILLISECONDS = ROUND_TRIP_MILLISECONDS + CLOCK_GRAIN_MILLISECONDS

/**
 * How many replies may lie outside the time that request records cover: 1 for the edge, and of each reply record the
 * part of its packets that its time outside makes likely. Even a reply within a round trip of the last request may belong to
 * one whose record has not come, unless `isAllThere`.
 */
export function repliesOutside(
  requests: readonly Slice[],
  replies: readonly Slice[],
  isAllThere = false,
): number {
  const reached = unionOf(requests, true)
  const covered = isAllThere ? reached : unionOf(requests, false)
  let outside = 1
  for (const reply of replies) {
    const from = reply.startMilliseconds
    const to = reply.endMilliseconds
    if (to <= from) outside += contains(reached, from) ? 0 : reply.packets
    else {
      const inside = overlap(covered, from, to)
      if (to - from - inside <= 0.5) continue
      outside += Math.min(reply.packets, Math.ceil((reply.packets * (to - from - inside)) / (to - from)) + 1)
    }
  }
  return outside
}

type Interval = { from: number; to: number }

/** The time of the records, those that follow each other joined; with `isReached`, and that in which their replies come. */
function unionOf(requests: readonly Slice[], isReached: boolean): Interval[] {
  const intervals = requests
    .map(({ startMilliseconds, endMilliseconds }) => ({
      from: startMilliseconds - BEFORE_MILLISECONDS,
      to: endMilliseconds + BEHIND_MILLISECONDS,
    }))
    .sort((a, b) => a.from - b.from)
  const union: Interval[] = []
  for (const interval of intervals) {
    const last = union.at(-1)
    if (last !== undefined && interval.from <= last.to) last.to = Math.max(last.to, interval.to)
    else union.push({ ...interval })
  }
  if (isReached) return union
  return union.map(({ from, to }) => ({ from: from + BEFORE_MILLISECONDS, to: to - BEHIND_MILLISECONDS }))
}

function overlap(union: readonly Interval[], from: number, to: number): number {
  let sum = 0
  for (const interval of union) sum += Math.max(0, Math.min(to, interval.to) - Math.max(from, interval.from))
  return sum
}

function contains(union: readonly Interval[], time: number): boolean {
  return union.some((interval) => time >= interval.from && time <= interval.to)
}

/**
 * Whether a request and a reply record stand for the very same exchanges: equal packet counts, and first and last
 * packet within half the mean interval of each other, the reply not before the request. Then their octets must be equal.
 */
export function areAligned(request: Slice, reply: Slice): boolean {
  const { packets } = request
  if (packets !== reply.packets || packets < 2) return false
  const duration = request.endMilliseconds - request.startMilliseconds
  const half = duration / (packets - 1) / 2
  const atStart = reply.startMilliseconds - request.startMilliseconds
  const atEnd = reply.endMilliseconds - request.endMilliseconds
  return atStart >= 0 && atEnd >= 0 && atStart < half && atEnd < half
}

/** Packets of a direction that lie so far from all others are answered before the next: no round trip is longer. */
const ALONE_MILLISECONDS = 10_000

/**
 * Whether records of one packet each are a request and its reply: the reply comes within a round trip, and no other record of
 * either direction (`others`) is near. So it is where an exporter's idle timeout is shorter than a slow ping's interval.
 */
export function areLoneExchange(request: Slice, reply: Slice, others: Iterable<Slice>): boolean {
  if (request.packets !== 1 || reply.packets !== 1) return false
  const delay = reply.startMilliseconds - request.startMilliseconds
  if (delay < -BEFORE_MILLISECONDS || delay > BEHIND_MILLISECONDS) return false
  const from = Math.min(request.startMilliseconds, reply.startMilliseconds) - ALONE_MILLISECONDS
  const to = Math.max(request.startMilliseconds, reply.startMilliseconds) + ALONE_MILLISECONDS
  for (const other of others) {
    if (other === request || other === reply) continue
    if (other.endMilliseconds > from && other.startMilliseconds < to) return false
  }
  return true
}

/** The size that all packets of some records had, when every record gives one and the same whole number; else NaN. */
export function constantSize(slices: readonly Slice[]): number {
  let size = Number.NaN
  for (const { packets, octets } of slices) {
    const mean = octets / packets
    if (!Number.isInteger(mean) || (!Number.isNaN(size) && mean !== size)) return Number.NaN
    size = mean
  }
  return size
}
