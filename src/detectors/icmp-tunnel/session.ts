/**
 * The echo traffic of one pair at one metering point, stitched over the exporter's active timeouts: what is kept of its
 * records. What they say is in session-verdict.ts.
 */
import { areAligned, areLoneExchange, constantSize, repliesOutside, type Slice, type Sums } from './mirror.js'

/** Records of one pair whose gap is shorter belong to one session. Exporters' idle timeouts are 15 to 60 s. */
export const SESSION_GAP_MILLISECONDS = 120_000
/** Records of a direction kept one by one; older ones are kept as sums. Of pings of one size both ways few are needed. */
const MAX_SLICES = 32
const MAX_PLAIN_SLICES = 8
const MAX_MISALIGNED = 32
/** How long the other direction's last record may take. */
export const LATE_HALF_MILLISECONDS = 30_000

export type Direction = 'request' | 'reply'

export type Side = {
  slices: Slice[]
  /** Sums of records that are no longer in `slices`. */
  folded: Sums
  packets: number
  octets: number
  firstMilliseconds: number
  lastMilliseconds: number
  latest: Slice | undefined
  /** The size of every packet while it is one and the same; NaN once it is not. -1 before the first record. */
  size: number
  /** The interfaces and metering direction of the first record; copies from other points are left out. */
  place: number
  records: number
}

export type Session = {
  readonly requests: Side
  readonly replies: Side
  startedMilliseconds: number
  /** Replies that lay outside the time of requests, of records that are no longer kept one by one. */
  foldedOutside: number
  /** Guard 3 failed at this many evaluations running that had new records. */
  unmirroredEvaluations: number
  /**
   * Records of both directions in one: with as many requests as replies, those of them whose octets differ, those that
   * cannot mirror whatever was under way when they were cut, and stretches that do not though nothing was at either end.
   */
  biflows: { equal: number; odd: number; broken: number; clean: number }
  /** Sums of records of both directions since one that began when nothing was under way. */
  sinceBiflow: { requests: Sums; replies: Sums; isBegunClean: boolean; endMilliseconds: number } | undefined
  /** Pairs of aligned records whose octets differ. */
  misaligned: { request: Slice; reply: Slice }[]
  /** Set when a record was left out because it came from a second metering point. */
  copies: number
  /** Something between the first record and the last makes the sums unfit for an exact test. */
  isIncomplete: boolean
  hasFragments: boolean
  hasTimes: boolean
  /** Some record counts a part of what a firewall logs as one session. */
  hasParts: boolean
  changed: boolean
  closedJudged: boolean
}

export function newSession(startedMilliseconds: number): Session {
  return {
    requests: newSide(),
    replies: newSide(),
    startedMilliseconds,
    foldedOutside: 0,
    unmirroredEvaluations: 0,
    biflows: { equal: 0, odd: 0, broken: 0, clean: 0 },
    sinceBiflow: undefined,
    misaligned: [],
    copies: 0,
    isIncomplete: false,
    hasFragments: false,
    hasTimes: true,
    hasParts: false,
    changed: false,
    closedJudged: false,
  }
}

const NOTHING: Sums = { packets: 0, octets: 0 }

function newSide(): Side {
  return {
    slices: [],
    folded: NOTHING,
    packets: 0,
    octets: 0,
    firstMilliseconds: Number.POSITIVE_INFINITY,
    lastMilliseconds: Number.NEGATIVE_INFINITY,
    latest: undefined,
    size: -1,
    place: 0,
    records: 0,
  }
}

/**
 * Adds a record. `place` tells where in the device it was metered. A half of a biflow has the times of the whole, so it
 * cannot be aligned. Returns false when the record is a copy of what is known.
 */
export function addSlice(
  session: Session,
  direction: Direction,
  slice: Slice,
  place: number,
  isBiflow = false,
): boolean {
  const side = direction === 'request' ? session.requests : session.replies
  if (side.records === 0) side.place = place
  else if (side.place !== place) {
    const overlaps = slice.startMilliseconds <= side.lastMilliseconds
    if (overlaps) {
      session.copies++
      return false
    }
    // The path moved to other interfaces: what was counted here and there cannot be put together.
    side.place = place
    session.isIncomplete = true
  }
  side.records++
  side.packets += slice.packets
  side.octets += slice.octets
  side.latest = slice
  if (slice.startMilliseconds === 0 || slice.endMilliseconds === 0) session.hasTimes = false
  side.firstMilliseconds = Math.min(side.firstMilliseconds, slice.startMilliseconds)
  side.lastMilliseconds = Math.max(side.lastMilliseconds, slice.endMilliseconds)
  const size = constantSize([slice])
  side.size = side.size === -1 ? size : side.size === size ? size : Number.NaN
  side.slices.push(slice)
  if (side.slices.length > MAX_PLAIN_SLICES - 2) fold(session, side)
  if (!isBiflow) align(session, direction, slice)
  session.changed = true
  return true
}

/** Keeps the oldest records as sums. */
function fold(session: Session, side: Side): void {
  const { requests, replies } = session
  // The requests of a reply's time must still be there when it goes.
  const most = (requests.size === replies.size ? MAX_PLAIN_SLICES : MAX_SLICES) - (side === replies ? 2 : 0)
  while (side.slices.length > most) {
    const oldest = side.slices[0]!
    // What a session began with may have lost its requests to an earlier one.
    if (side === replies && oldest.startMilliseconds >= requests.firstMilliseconds)
      session.foldedOutside += repliesOutside(coverage(requests), [oldest], true) - 1
    side.slices.shift()
    const { packets, octets } = side.folded
    side.folded = { packets: packets + oldest.packets, octets: octets + oldest.octets }
  }
}

/** Guard 4(b): looks for the record's counterpart. */
function align(session: Session, direction: Direction, slice: Slice): void {
  const { requests, replies } = session
  const others = (direction === 'request' ? replies : requests).slices
  const all = slice.packets === 1 ? [...requests.slices, ...replies.slices] : []
  for (let index = others.length - 1; index >= 0; index--) {
    const other = others[index]!
    const [request, reply] = direction === 'request' ? [slice, other] : [other, slice]
    if (!areAligned(request, reply) && !areLoneExchange(request, reply, all)) continue
    if (request.octets !== reply.octets) addMisaligned(session, request, reply)
    return
  }
}

/** Notes records of the very same exchanges that do not mirror. */
export function addMisaligned(session: Session, request: Slice, reply: Slice): void {
  if (session.misaligned.length < MAX_MISALIGNED) session.misaligned.push({ request, reply })
}

/** When a session that gets no more records has something new to say: once it counts as closed. */
export function closesAt(session: Session): number {
  return latestReceived(session) + LATE_HALF_MILLISECONDS
}

/** Replies beyond the requests that the records in hand leave without an innocent cause; 0 or less is none. */
export function unexplainedReplies({ requests, replies, hasTimes, foldedOutside }: Session): number {
  const excess = replies.packets - requests.packets
  if (excess <= 0 || requests.records === 0 || !hasTimes) return 0
  return excess - foldedOutside - repliesOutside(coverage(requests), replies.slices, true)
}

/** Replies from which the share that came when no request was seen says something, and that share. */
const STRAY_PACKETS = 12
const STRAY_SHARE = 0.2

/** Whether enough older records are there to tell whether replies come without requests. */
export function isLong({ replies: { folded }, isIncomplete }: Session): boolean {
  return !isIncomplete && folded.packets >= STRAY_PACKETS
}

/** Whether replies come again and again when no request is seen, long after its record would have come. */
export function looksSampled(session: Session): boolean {
  return isLong(session) && session.foldedOutside > session.replies.folded.packets * STRAY_SHARE
}

export function latestReceived({ requests, replies }: Session): number {
  return Math.max(requests.latest?.receivedMilliseconds ?? 0, replies.latest?.receivedMilliseconds ?? 0)
}

/** The time that the side's records cover; what was folded away counts as covered. */
export function coverage(side: Side): Slice[] {
  const oldest = side.slices[0]!
  if (side.folded.packets === 0 || side.firstMilliseconds >= oldest.startMilliseconds) return side.slices
  return [
    { ...oldest, startMilliseconds: side.firstMilliseconds, endMilliseconds: oldest.startMilliseconds },
    ...side.slices,
  ]
}
