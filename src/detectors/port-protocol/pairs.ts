/**
 * What is kept of a client and a server's port beyond single conversations: how often, how long, how regularly, and
 * which shape tests their conversations met. Only pairs with a reason to be watched are kept (ledger.ts).
 */
import { MAX_TESTS, measureNames } from './shape-test.js'
import { type Column, KeyedTable } from './table.js'

/** Pairs kept at a time; the least recently used go first. About 800 octets each. */
export const MAX_PAIRS = 65_536
/** Services (address, protocol, port) whose clients are counted. About 50 octets each. */
export const MAX_SERVICES = 262_144
/** Words of a pair's key: point and protocol, client (4), server (4), port and application. */
export const PAIR_WORDS = 10
/** Words of a service's key: protocol and family, address (4), port. */
export const SERVICE_WORDS = 6
/** Intervals kept of a pair, the newest. */
export const MAX_INTERVALS = 16
/** Intervals from which regularity is judged: with fewer, chance looks regular. */
export const ENOUGH_INTERVALS = 10
/** Conversations of a pair whose gap is longer are two sessions. */
const SESSION_GAP_MILLISECONDS = 120_000

/** Flags of a service. */
const CONFIRMED = 1
const WATCHED = 2

/** Why a pair is watched, as bits. */
export const Kind = {
  named: 1,
  serviceNamed: 2,
  shape: 4,
  registry: 8,
  proxy: 16,
  rareProtocol: 32,
  rare: 64,
} as const

export class Pairs {
  readonly table = new KeyedTable(PAIR_WORDS, MAX_PAIRS)
  readonly kinds: Column<Uint8Array> = this.table.u8()
  readonly name: Column<Uint16Array> = this.table.u16()
  readonly conversations: Column<Uint32Array> = this.table.u32()
  /** Conversations by test of the profile that met it. */
  readonly hits: Column<Uint32Array> = this.table.u32(MAX_TESTS)
  /** The measures of the last conversation that met a test, by test. */
  readonly seen: Column<Float64Array> = this.table.f64(MAX_TESTS * measureNames.length)
  readonly upPackets: Column<Float64Array> = this.table.f64()
  readonly upOctets: Column<Float64Array> = this.table.f64()
  readonly downPackets: Column<Float64Array> = this.table.f64()
  readonly downOctets: Column<Float64Array> = this.table.f64()
  readonly first: Column<Float64Array> = this.table.f64()
  readonly last: Column<Float64Array> = this.table.f64()
  readonly sessionStart: Column<Float64Array> = this.table.f64()
  readonly longestSession: Column<Float64Array> = this.table.f64()
  readonly longestConversation: Column<Float64Array> = this.table.f64()
  readonly burst: Column<Float64Array> = this.table.f64()
  readonly intervals: Column<Float64Array> = this.table.f64(MAX_INTERVALS)
  readonly intervalCount: Column<Uint32Array> = this.table.u32()
  readonly firstReceived: Column<Float64Array> = this.table.f64()
  readonly isCertain: Column<Uint8Array> = this.table.u8()
  /** One end also asks for what hosts ask for, so it is no gateway. */
  readonly isHost: Column<Uint8Array> = this.table.u8()
  /** 1 while the pair waits to be judged. */
  readonly isTouched: Column<Uint8Array> = this.table.u8()

  /** Takes the time of a conversation, so far as it is known, into the pair's. */
  noteTime(slot: number, start: number, end: number, isNew: boolean): void {
    const last = this.last.values[slot]!
    if (last === 0) {
      this.first.values[slot] = start
      this.sessionStart.values[slot] = start
    } else if (isNew && start - last > SESSION_GAP_MILLISECONDS) this.sessionStart.values[slot] = start
    this.first.values[slot] = Math.min(this.first.values[slot]!, start)
    this.last.values[slot] = Math.max(last, end)
    const session = this.last.values[slot]! - this.sessionStart.values[slot]!
    this.longestSession.values[slot] = Math.max(this.longestSession.values[slot]!, session)
    this.longestConversation.values[slot] = Math.max(this.longestConversation.values[slot]!, end - start)
  }

  /** Takes the start of a burst; starts come in order. */
  noteBurst(slot: number, start: number, leastMilliseconds: number): void {
    const before = this.burst.values[slot]!
    const interval = start - before
    if (before === 0) this.burst.values[slot] = start
    if (before === 0 || interval < leastMilliseconds) return
    this.burst.values[slot] = start
    const count = this.intervalCount.values[slot]!++
    this.intervals.values[slot * MAX_INTERVALS + (count % MAX_INTERVALS)] = interval
  }

  /** Median interval in ms and its relative median deviation; undefined while there are too few. */
  regularity(slot: number): { median: number; spread: number; count: number } | undefined {
    const count = Math.min(this.intervalCount.values[slot]!, MAX_INTERVALS)
    if (count < ENOUGH_INTERVALS) return undefined
    const at = slot * MAX_INTERVALS
    const intervals = [...this.intervals.values.subarray(at, at + count)]
    const median = medianOf(intervals)
    const spread = medianOf(intervals.map((interval) => Math.abs(interval - median))) / median
    return { median, spread, count: this.intervalCount.values[slot]! }
  }
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** How many clients, and how many other ends, a service has been seen with: small counts, by bitmap. */
export class Services {
  readonly table = new KeyedTable(SERVICE_WORDS, MAX_SERVICES)
  /** Four words a service: two of clients' bits, one of other ends', one of flags. */
  private readonly seen: Column<Uint32Array> = this.table.u32(4)
  private readonly key = new Uint32Array(SERVICE_WORDS)

  find(kind: number, keys: Uint32Array, offset: number, port: number): number {
    this.key[0] = kind
    for (let word = 0; word < 4; word++) this.key[1 + word] = keys[offset + word]!
    this.key[5] = port
    return this.table.find(this.key)
  }

  /** Counts a conversation with another end. The key is that of the last `find`. */
  count(found: number, keys: Uint32Array, offset: number, otherPort: number): number {
    const slot = found >= 0 ? found : this.table.insert(this.key)
    // The order of use matters only when room is short.
    if (found >= 0 && this.table.size > MAX_SERVICES / 2) this.table.touch(slot)
    let hash = 0
    for (let word = 0; word < 4; word++) {
      hash = Math.imul(hash ^ keys[offset + word]!, 0x85ebca6b)
      hash ^= hash >>> 15
    }
    const bit = (Math.imul(hash, 0xc2b2ae35) >>> 26) & 63
    this.seen.values[slot * 4 + (bit >> 5)]! |= 1 << (bit & 31)
    const peer = Math.imul(hash ^ otherPort, 0x9e3779b1) >>> 27
    this.seen.values[slot * 4 + 2]! |= 1 << peer
    return slot
  }

  confirm(slot: number): void {
    this.seen.values[slot * 4 + 3]! |= CONFIRMED
  }

  /** Notes that a client's pair with the service is kept, so that its further conversations are to be counted. */
  watch(slot: number): void {
    this.seen.values[slot * 4 + 3]! |= WATCHED
  }

  isWatched(slot: number): boolean {
    return slot >= 0 && (this.seen.values[slot * 4 + 3]! & WATCHED) !== 0
  }

  /** Whether a device that looks into packets named an application there that belongs on the port. */
  isConfirmed(slot: number): boolean {
    return slot >= 0 && (this.seen.values[slot * 4 + 3]! & CONFIRMED) !== 0
  }

  clientsOf(slot: number): number {
    return slot < 0 ? 0 : ones(this.seen.values[slot * 4]!) + ones(this.seen.values[slot * 4 + 1]!)
  }

  peersOf(slot: number): number {
    return slot < 0 ? 0 : ones(this.seen.values[slot * 4 + 2]!)
  }
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
