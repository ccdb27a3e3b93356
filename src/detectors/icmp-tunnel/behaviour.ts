/**
 * What echo traffic that mirrors, or is not answered, looks like from outside: facts of its behaviour (at least two are
 * needed) and of its surroundings, each with points. A channel whose far end just echoes is a monitoring ping in counters,
 * so nothing is said of it before the site is known, and never more than medium.
 */
import type { History } from './histories.js'
import { MIXED } from './histories.js'
import type { Settings } from './settings.js'

export type Fact = {
  readonly code: string
  readonly points: number
  readonly text: string
  readonly value: number | string
  readonly threshold?: number | string
}

/** What is known of a pair beside its own traffic. */
export type PairSurroundings = {
  /** The baseline is old enough for "new" to mean something. */
  readonly isMature: boolean
  /** First seen after the site was known, and not long ago. */
  readonly isNewPair: boolean
  readonly isOutside: boolean
  /** Other hosts that ping the target, and that ping with this size. */
  readonly hostsPinging: number
  readonly hostsWithSize: number
  readonly role: string | undefined
  /** The pair's traffic of the firewall was denied elsewhere, or by another device. */
  readonly deniedSessions: number
  /** Both directions of other pairs are seen where the requests of this one are. */
  readonly isTwoSidedPoint: boolean
  readonly isSampled: boolean
}

export type Behaviour = {
  readonly score: number
  readonly severity: 'low' | 'medium'
  readonly behaviours: readonly Fact[]
  readonly context: readonly Fact[]
}

/** Roles whose hosts have no use for a lasting ping; a server has little. */
const ROLE_POINTS: Readonly<Record<string, number>> = {
  workstation: 10,
  printer: 15,
  camera: 15,
  phone: 15,
  ot: 15,
  server: 5,
}

const MINUTE_MILLISECONDS = 60_000
/** Records that must be of mixed sizes, requests that must go unanswered and for how long. */
const MIXED_RECORDS = 3
const UNANSWERED_PACKETS = 20
const UNANSWERED_MILLISECONDS = 10 * MINUTE_MILLISECONDS
/** Gaps between bursts, and records with a rate, from which their spread says something. */
const TELLING_GAPS = 8
const TELLING_RATES = 3
/** Payloads that must have been seen; relative entropy that only encryption and compression reach. */
const TELLING_PAYLOADS = 5
export const NOISE_ENTROPY = 0.9
/** Regular but for a deliberate jitter: half of the gaps are within this share of the median. */
const JITTERED_SPREAD = 0.35

export const LOW_SCORE = 50
const MEDIUM_SCORE = 70

/** Whether there may be something to say of a pair, whatever its surroundings: most pairs are done with by this. */
export function mayTell(history: History, isNewPair: boolean, settings: Settings): boolean {
  const { payloads, replyPackets, excessOctets } = history
  return (
    payloads.count >= TELLING_PAYLOADS ||
    (replyPackets === 0 && excessOctets > settings.ExcessBytesPerDay) ||
    (isNewPair && isPersistent(history, settings, true))
  )
}

/** Undefined when there is nothing to say. */
export function behaviourOf(
  history: History,
  around: PairSurroundings,
  settings: Settings,
  atMilliseconds: number,
): Behaviour | undefined {
  const behaviours = [...behavioursOf(history, around, settings, atMilliseconds)]
  const has = (code: string) => behaviours.some((fact) => fact.code === code)
  const isCarrying = has('payload-entropy') || (has('unanswered-stream') && has('excess-payload'))
  // Before the site is known, and for a pair that has long been there, a ping is a ping.
  if (!isCarrying && !(around.isNewPair && isPersistent(history, settings, around.isOutside)))
    return undefined
  // Noise in place of a pattern is enough by itself.
  const isNoise = history.payloads.sum >= NOISE_ENTROPY * history.payloads.count && has('payload-entropy')
  if (behaviours.length < 2 && !isNoise) return undefined
  const context = [...contextOf(history, around, settings)]
  const points = [...behaviours, ...context].reduce((sum, fact) => sum + fact.points, 0)
  const score = Math.min(100, points) - (around.isMature ? 0 : 10)
  if (score < LOW_SCORE) return undefined
  return { score, severity: score >= MEDIUM_SCORE ? 'medium' : 'low', behaviours, context }
}

/** Inside, where administrators work for hours, a ping must go on for so many times as long. */
const INSIDE_FACTOR = 4
/** Who looks for a fault with one size after the other does so for longer than who just looks whether a host is there. */
const MIXED_FACTOR = 2

/** People who look for a fault ping for minutes; what stays for longer, or comes back again and again, is no person. */
export function isPersistent(history: History, settings: Settings, isOutside: boolean): boolean {
  const stretch = history.lastMilliseconds - history.stretchSinceMilliseconds
  const all = history.earlierMilliseconds + stretch
  const factor = (isOutside ? 1 : INSIDE_FACTOR) * (history.size === MIXED ? MIXED_FACTOR : 1)
  const needed = settings.persistenceMinutes * MINUTE_MILLISECONDS * factor
  return all >= needed || returnsFor(history) >= needed
}

/** How long bursts have come again and again, in ms; 0 for too few. */
function returnsFor({ starts }: History): number {
  return starts.length > TELLING_GAPS ? starts.at(-1)! - starts[0]! : 0
}

function* behavioursOf(
  history: History,
  around: PairSurroundings,
  settings: Settings,
  atMilliseconds: number,
): Generator<Fact> {
  const stretch = (history.lastMilliseconds - history.stretchSinceMilliseconds) / 1000
  if (stretch > settings.SessionDurationThreshold) {
    yield {
      code: 'long-session',
      points: stretch >= 4 * 3600 ? 20 : stretch >= 3600 ? 15 : 10,
      text: 'echo requests go on without a pause',
      value: Math.round(stretch),
      threshold: settings.SessionDurationThreshold,
    }
  } else if (returnsFor(history) >= settings.persistenceMinutes * MINUTE_MILLISECONDS) {
    yield {
      code: 'keeps-returning',
      points: 15,
      text: 'single pings, or a few, come again and again',
      value: Math.round(returnsFor(history) / 1000),
      threshold: settings.persistenceMinutes * 60,
    }
  }
  if (history.mixedRecords >= MIXED_RECORDS) {
    yield {
      code: 'mixed-sizes',
      points: 25,
      text: 'sizes differ within and between records, again and again',
      value: history.mixedRecords,
      threshold: MIXED_RECORDS,
    }
  }
  if (history.excessOctets > settings.ExcessBytesPerDay) {
    yield {
      code: 'excess-payload',
      points: 15,
      text: 'more octets in a day than default pings would have',
      value: history.excessOctets,
      threshold: settings.ExcessBytesPerDay,
    }
  }
  if (
    around.isMature &&
    history.size > 0 &&
    around.hostsWithSize < 1 &&
    !settings.SizeSet.includes(history.size)
  ) {
    yield {
      code: 'unusual-size',
      points: 20,
      text: 'no other host here pings with this size',
      value: history.size,
    }
  }
  const { count, sum } = history.payloads
  if (count >= TELLING_PAYLOADS && sum / count >= settings.ProtocolEntropyThreshold) {
    yield {
      code: 'payload-entropy',
      points: sum / count >= NOISE_ENTROPY ? 60 : 40,
      text: 'the payload is not that of a ping',
      value: Math.round((sum / count) * 1000) / 1000,
      threshold: settings.ProtocolEntropyThreshold,
    }
  }
  const unanswered = history.lastMilliseconds - history.unansweredSinceMilliseconds
  if (
    around.isTwoSidedPoint &&
    history.replyPackets === 0 &&
    history.unansweredPackets >= UNANSWERED_PACKETS &&
    unanswered >= UNANSWERED_MILLISECONDS &&
    atMilliseconds - history.lastMilliseconds < UNANSWERED_MILLISECONDS
  ) {
    yield {
      code: 'unanswered-stream',
      points: 25,
      text: 'requests go on though none is answered',
      value: history.unansweredPackets,
      threshold: UNANSWERED_PACKETS,
    }
  }
  if (!around.isSampled) yield* paceOf(history, settings)
}

function* paceOf({ starts, rates, size }: History, settings: Settings): Generator<Fact> {
  const spread = spreadOf(starts)
  if (spread !== undefined && spread <= JITTERED_SPREAD) {
    const isExact = spread < settings.BeaconMad
    yield {
      code: isExact ? 'regular-gaps' : 'jittered-gaps',
      points: isExact ? 20 : 15,
      text: isExact ? 'pings come at equal intervals' : 'pings come at intervals that vary about one length',
      value: Math.round(spread * 1000) / 1000,
      threshold: isExact ? settings.BeaconMad : JITTERED_SPREAD,
    }
    return
  }
  if (rates.count < TELLING_RATES || rates.mean === 0) return
  const variation = Math.sqrt(rates.squares / (rates.count - 1)) / rates.mean
  if (variation > settings.SliceRateCV && size === MIXED) {
    yield {
      code: 'varying-rate',
      points: 10,
      text: 'the rate changes as with a person or a program at the other end',
      value: Math.round(variation * 1000) / 1000,
      threshold: settings.SliceRateCV,
    }
  } else if (variation < settings.BeaconMad) {
    yield {
      code: 'steady-rate',
      points: 15,
      text: 'a machine keeps the rate',
      value: Math.round(variation * 1000) / 1000,
      threshold: settings.BeaconMad,
    }
  }
}

/** Median deviation of the gaps over their median; undefined for too few. */
export function spreadOf(starts: readonly number[]): number | undefined {
  const gaps = starts.slice(1).map((start, index) => start - starts[index]!)
  if (gaps.length < TELLING_GAPS) return undefined
  const median = medianOf(gaps)
  return median <= 0 ? undefined : medianOf(gaps.map((gap) => Math.abs(gap - median))) / median
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function* contextOf(history: History, around: PairSurroundings, settings: Settings): Generator<Fact> {
  if (around.isNewPair)
    yield {
      code: 'new-pair',
      points: 15,
      text: 'the two did not ping before',
      value: new Date(history.firstMilliseconds).toISOString(),
    }
  if (around.isMature && around.hostsPinging < settings.PeerPrevalence)
    yield {
      code: 'rare-target',
      points: 10,
      text: 'few other hosts ping the target',
      value: Math.round(around.hostsPinging * 10) / 10,
      threshold: settings.PeerPrevalence,
    }
  if (around.isOutside)
    yield { code: 'outside', points: 10, text: 'the target is outside', value: history.responder }
  const role = around.role === undefined ? undefined : ROLE_POINTS[around.role]
  if (role !== undefined)
    yield {
      code: 'role',
      points: role,
      text: 'hosts of this DeviceRole have no use for it',
      value: around.role!,
    }
  if (around.deniedSessions > 0)
    yield {
      code: 'denied-elsewhere',
      points: 15,
      text: 'a firewall refused such sessions of the pair',
      value: around.deniedSessions,
    }
}

/** What no excuse covers: a monitor has a pattern. */
export function isCarrying({ behaviours }: Behaviour): boolean {
  return behaviours.some(({ code, value }) => code === 'payload-entropy' && Number(value) >= NOISE_ENTROPY)
}
