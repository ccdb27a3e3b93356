/** What a session's records say: which of the guards let the echo-mirror invariant speak, and what it finds. */
import { canMirror, type EchoLimits, repliesOutside, type Slice, type Sums } from './mirror.js'
import { coverage, LATE_HALF_MILLISECONDS, latestReceived, type Session, type Side } from './session.js'

/** A record that arrives this long after its last packet was ended by its idle timeout, not its active one. */
const IDLE_MILLISECONDS = 10_000
/** How far both directions' first and last packets may lie apart in a session that was seen whole. */
const EDGE_MILLISECONDS = 3_000
/** Replies may exceed requests by this share without a word: drops in the meter, duplicates in the network. */
const EXCUSED_SHARE = 0.005
/** Packets each way from which sums that do not mirror need no second look, at a point that is believed. */
const CLEAR_PACKETS = 20
/** Packets of a record whose aligned counterpart differs; fewer need company. */
const ALIGNED_PACKETS = 5
const ALIGNED_SMALL_RECORDS = 3

/** Stretches of records of both directions between pauses, of which so many that do not mirror are enough. */
const CLEAN_STRETCHES = 2

/** What a session's echo traffic was found to be, and by which guard. */
export type Verdict = {
  readonly state: 'mirrors' | 'broken' | 'unjudged'
  /** Why it is broken, or why it was not judged. */
  readonly code: string
  /** Request − reply packets and octets, and the replies that may lack their request. */
  readonly k: number
  readonly d: number
  readonly missingRequests: number
}

export type Circumstances = {
  readonly limits: EchoLimits
  readonly atMilliseconds: number
  /** One packet of so many was looked at; 1 when the exporter says so, 0 when it says nothing. */
  readonly samplingInterval: number
  /** The exporter behaves as if it sampled or saw one side only, whatever it says. */
  readonly isSuspect: boolean
  /** It has shown enough plain pings whole, so a clear case needs no second evaluation. */
  readonly isTrusted: boolean
  /** No ICMP type other than 0 has come from the exporter, so type 0 may mean "not sent". */
  readonly isTypeObserved: boolean
  readonly zThreshold: number
}

/** Judges a session as of now. Calls with new records count as evaluations; the state they need is in the session. */
export function judge(session: Session, circumstances: Circumstances): Verdict {
  const { requests, replies } = session
  const { limits, atMilliseconds, samplingInterval, isSuspect, isTypeObserved } = circumstances
  const k = requests.packets - replies.packets
  const d = requests.octets - replies.octets
  const unjudged = (code: string): Verdict => ({ state: 'unjudged', code, k, d, missingRequests: 0 })
  const wasChanged = session.changed
  session.changed = false

  if (requests.packets === 0 || replies.packets === 0) return unjudged('one-sided')
  if (!isTypeObserved) return unjudged('icmp-type-unknown')
  if (session.hasFragments) return unjudged('fragments')
  const excuse = excuseOf(requests, replies)
  if (isOtherSize(requests, replies))
    return { state: 'broken', code: 'replies-of-another-size', k, d, missingRequests: 0 }
  if (samplingInterval > 1) return judgeSampled(session, circumstances, excuse)
  if (isSuspect) return unjudged('sampling-suspected')
  if (!session.hasTimes) return unjudged('times-missing')
  if (excuse !== undefined) return { state: 'mirrors', code: excuse, k, d, missingRequests: 0 }

  // Guard 4(b) holds whatever else was lost: both records are there and stand for the same exchanges.
  const { misaligned } = session
  const hasLarge = misaligned.some(({ request }) => request.packets >= ALIGNED_PACKETS)
  const isEnough =
    misaligned.length >= ALIGNED_SMALL_RECORDS ||
    (circumstances.isTrusted && misaligned.some(({ request }) => request.packets > 1))
  if (hasLarge || isEnough) {
    return { state: 'broken', code: 'aligned-records-differ', k, d, missingRequests: 0 }
  }
  // One record of both directions stands for the same time; a reply at its edge may be of the exchange before, now and then.
  const { equal, odd, broken, clean } = session.biflows
  const isOdd = odd >= ALIGNED_SMALL_RECORDS && odd > equal / 2
  if (
    isOdd ||
    clean >= (circumstances.isTrusted ? 1 : CLEAN_STRETCHES) ||
    broken >= (circumstances.isTrusted ? 1 : ALIGNED_SMALL_RECORDS)
  ) {
    return { state: 'broken', code: 'aligned-records-differ', k, d, missingRequests: 0 }
  }
  // Guard 1: with records missing only the mild test below is left, which counts what requests do not cover.
  const isClosed =
    !session.isIncomplete &&
    wasIdle(requests.latest!) &&
    wasIdle(replies.latest!) &&
    atMilliseconds - latestReceived(session) >= LATE_HALF_MILLISECONDS
  if (isClosed) {
    const missingRequests =
      edgeReplies(requests, replies) + (k < 0 ? Math.ceil(replies.packets * EXCUSED_SHARE) : 0)
    if (!canMirror(requests, replies, missingRequests, limits)) {
      return { state: 'broken', code: 'closed-session-differs', k, d, missingRequests }
    }
    return { state: 'mirrors', code: 'closed', k, d, missingRequests }
  }

  // Guard 3, on the whole session and on its latest records: sums over a long time may balance by design.
  const missingRequests = session.foldedOutside + repliesOutside(coverage(requests), replies.slices)
  const holds =
    canMirror(requests, replies, missingRequests, limits) && latestMirror(session, atMilliseconds, limits)
  if (wasChanged) session.unmirroredEvaluations = holds ? 0 : session.unmirroredEvaluations + 1
  const isClear =
    circumstances.isTrusted &&
    ((!holds && requests.packets >= CLEAR_PACKETS && replies.packets >= CLEAR_PACKETS) ||
      isContrary(session, limits))
  if (session.unmirroredEvaluations >= 2 || isClear) {
    return { state: 'broken', code: 'covered-time-differs', k, d, missingRequests }
  }
  return {
    state: holds ? 'mirrors' : 'unjudged',
    code: holds ? 'open' : 'awaiting-second-evaluation',
    k,
    d,
    missingRequests,
  }
}

/**
 * Whether fewer replies than requests hold more octets. What goes unanswered is not chosen by its size, so that many
 * requests that were lost are of the mean size; replies at the edges may be as long as there are.
 */
function isContrary(session: Session, limits: EchoLimits): boolean {
  const { requests, replies } = session
  const k = requests.packets - replies.packets
  const d = requests.octets - replies.octets
  if (k < CLEAR_PACKETS || d >= 0) return false
  const atEdges = session.foldedOutside + repliesOutside(coverage(requests), replies.slices, true)
  return (k * requests.octets) / requests.packets - d > limits.most * (atEdges + 1)
}

/** Sampled counts are two independent draws: only a large excess of replies says anything. */
function judgeSampled(session: Session, circumstances: Circumstances, excuse: string | undefined): Verdict {
  const { requests, replies } = session
  const k = requests.packets - replies.packets
  const d = requests.octets - replies.octets
  const z = -k / Math.sqrt(requests.packets + replies.packets)
  if (excuse === undefined && z >= circumstances.zThreshold) {
    return { state: 'broken', code: 'sampled-replies-exceed', k, d, missingRequests: 0 }
  }
  return { state: 'unjudged', code: 'sampled', k, d, missingRequests: 0 }
}

/** Octets that a link layer adds to each packet of one direction: VLAN tag, PPPoE, Ethernet, both, Ethernet with FCS. */
const LAYER_2_OCTETS = [4, 8, 14, 18, 22]
/** Responders that cut long requests answer with 64 octets of data or more. */
const SMALLEST_TRUNCATION = 84

/** Guard 7: unequal octets that have an innocent shape. Sizes must have been constant in every record. */
function excuseOf(requests: Side, replies: Side): string | undefined {
  const [request, reply] = [requests.size, replies.size]
  // d = k·s: whatever is missing or doubled, no octet was carried.
  if (request === reply) return 'equal-sizes'
  if (reply >= SMALLEST_TRUNCATION && requests.octets / requests.packets > reply)
    return 'truncating-responder'
  if (LAYER_2_OCTETS.includes(Math.abs(request - reply))) return 'layer-2-octets'
  return undefined
}

/** Packets each way from which sizes that never change are the sizes. */
const SIZED_PACKETS = 20
/** What every path carries unfragmented (RFC 791): of a longer ping, only the first fragment is known as a request. */
const UNFRAGMENTED_OCTETS = 576
/** An Ethernet frame has no less; short packets may be counted with what fills it up. */
const PADDED_OCTETS = 64

/** Whether all requests have one size and all replies another, longer one that nothing adds: true whatever was not counted. */
function isOtherSize(requests: Side, replies: Side): boolean {
  if (requests.packets < SIZED_PACKETS || replies.packets < SIZED_PACKETS) return false
  // A size that is not one is NaN, which is neither more nor less.
  return (
    requests.size < UNFRAGMENTED_OCTETS &&
    replies.size > Math.max(PADDED_OCTETS, requests.size + Math.max(...LAYER_2_OCTETS))
  )
}

/** Replies to requests from before the first record: none when both directions begin and end together. */
function edgeReplies(requests: Side, replies: Side): number {
  const atStart = replies.firstMilliseconds - requests.firstMilliseconds
  const atEnd = replies.lastMilliseconds - requests.lastMilliseconds
  return atStart >= 0 && atStart <= EDGE_MILLISECONDS && Math.abs(atEnd) <= EDGE_MILLISECONDS ? 0 : 1
}

function wasIdle(slice: Slice): boolean {
  return slice.receivedMilliseconds - slice.endMilliseconds >= IDLE_MILLISECONDS
}

/** How far back "the latest records" reach. */
const LATEST_MILLISECONDS = 5 * 60_000

function latestMirror(session: Session, atMilliseconds: number, limits: EchoLimits): boolean {
  const { requests, replies } = session
  const isLatest = (slice: Slice) => slice.startMilliseconds >= atMilliseconds - LATEST_MILLISECONDS
  const latestRequests = requests.slices.filter(isLatest)
  const latestReplies = replies.slices.filter(isLatest)
  if (latestRequests.length === 0 || latestReplies.length === 0) return true
  if (latestRequests.length === requests.slices.length) return true
  // A reply record may begin in the window while its requests' record began before it.
  const missing = repliesOutside(latestRequests, latestReplies)
  const early = latestRequests[0]!.startMilliseconds
  const first = latestReplies[0]!.startMilliseconds
  if (first < early) return true
  return canMirror(sum(latestRequests), sum(latestReplies), missing, limits)
}

function sum(slices: readonly Slice[]): Sums {
  let packets = 0
  let octets = 0
  for (const slice of slices) {
    packets += slice.packets
    octets += slice.octets
  }
  return { packets, octets }
}
