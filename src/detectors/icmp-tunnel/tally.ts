/**
 * What the pairs of a metering point are like, kept up as they change: how many are seen in both directions, how many
 * plain pings there are and how many of those have replies that nothing explains. Asked at every evaluation, so never
 * counted anew.
 */
import type { Pair } from './points.js'
import { isLong, looksSampled, unexplainedReplies } from './session.js'

export type Tally = {
  pairs: number
  /** Seen in one direction only. */
  oneSided: number
  /** Records without times. */
  timeless: number
  /** By where the responder is: seen in both directions, and in one. */
  readonly inside: { both: number; one: number }
  readonly outside: { both: number; one: number }
  /** Pings of one size both ways, and those of them with more replies than requests explain. */
  plain: number
  odd: number
  /** Those of them with enough older records, and of these the ones whose replies come when no request is seen. */
  long: number
  stray: number
}

/** Bits: what a pair counts for. */
const COUNTED = 1
const BOTH = 2
const TIMELESS = 4
const PLAIN = 8
const ODD = 16
const LONG = 32
const STRAY = 64
export type Standing = number

/** Replies beyond the requests that drops and duplicates may leave: so many, or this share. */
const EXCUSED_REPLIES = 2
const EXCUSED_SHARE = 0.02

export function emptyTally(): Tally {
  return {
    pairs: 0,
    oneSided: 0,
    timeless: 0,
    inside: { both: 0, one: 0 },
    outside: { both: 0, one: 0 },
    plain: 0,
    odd: 0,
    long: 0,
    stray: 0,
  }
}

/** Takes what a pair is now in the place of what it was. */
export function recount(pair: Pair): void {
  const standing = standingOf(pair)
  if (standing === pair.standing) return
  count(pair, pair.standing, -1)
  count(pair, standing, 1)
  pair.standing = standing
}

/** A pair that is no longer kept counts for nothing. */
export function withdraw(pair: Pair): void {
  count(pair, pair.standing, -1)
  pair.standing = 0
}

function standingOf({ session }: Pair): Standing {
  const { requests, replies } = session
  let standing = COUNTED
  if (!session.hasTimes) standing |= TIMELESS
  if (requests.records === 0 || replies.records === 0) return standing
  standing |= BOTH
  if (requests.size !== replies.size) return standing
  standing |= PLAIN
  const excused = Math.max(EXCUSED_REPLIES, replies.packets * EXCUSED_SHARE)
  const isMore = replies.packets > requests.packets && unexplainedReplies(session) > excused
  if (isMore) standing |= ODD
  if (isLong(session)) standing |= LONG
  if (looksSampled(session)) standing |= STRAY
  return standing
}

function count({ point: { tally }, isInside }: Pair, standing: Standing, by: number): void {
  if (standing === 0) return
  const side = isInside ? tally.inside : tally.outside
  tally.pairs += by
  if ((standing & BOTH) !== 0) side.both += by
  else {
    side.one += by
    tally.oneSided += by
  }
  if ((standing & TIMELESS) !== 0) tally.timeless += by
  if ((standing & PLAIN) !== 0) tally.plain += by
  if ((standing & ODD) !== 0) tally.odd += by
  if ((standing & LONG) !== 0) tally.long += by
  if ((standing & STRAY) !== 0) tally.stray += by
}
