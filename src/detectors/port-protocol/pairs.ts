/**
 * What is kept of a client and a server's port beyond single conversations: how often, how long, how regularly, and
 * which shape tests their conversations met. Only pairs with a reason to be watched are kept (ledger.ts).
 */
import { MAX_TESTS, measureNames } from './shape-test.js'
import { type Column, KeyedTable } from './table.js'

/** Pairs kept at a time, of some 240 octets; the least recently used go first. */
export const MAX_PAIRS = 24_576
/** What was measured of pairs whose conversations met a test: 68 octets a pair and test. */
const MAX_MEASURED = 8_192
/** Words of a pair's key: point and protocol, client (4), server (4), port and application. */
export const PAIR_WORDS = 10
/** Intervals kept of a pair, the newest. */
export const MAX_INTERVALS = 16
/** Intervals from which regularity is judged: with fewer, chance looks regular. */
export const ENOUGH_INTERVALS = 10
/** Conversations of a pair whose gap is longer are two sessions. */
const SESSION_GAP_MILLISECONDS = 120_000
/** The longest time that is kept exactly: 49 days. */
const MOST_MILLISECONDS = 0xffff_ffff

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

/** Median interval in ms, its relative median deviation, and how many intervals there were. */
export type Regularity = { readonly median: number; readonly spread: number; readonly count: number }

export class Pairs {
  readonly table = new KeyedTable(PAIR_WORDS, MAX_PAIRS)
  readonly kinds: Column<Uint8Array> = this.table.u8()
  readonly name: Column<Uint16Array> = this.table.u16()
  readonly conversations: Column<Uint32Array> = this.table.u32()
  /** Conversations by test of the profile that met it. */
  readonly hits: Column<Uint32Array> = this.table.u32(MAX_TESTS)
  readonly upPackets: Column<Float64Array> = this.table.f64()
  readonly upOctets: Column<Float64Array> = this.table.f64()
  readonly downPackets: Column<Float64Array> = this.table.f64()
  readonly downOctets: Column<Float64Array> = this.table.f64()
  readonly first: Column<Float64Array> = this.table.f64()
  readonly last: Column<Float64Array> = this.table.f64()
  readonly sessionStart: Column<Float64Array> = this.table.f64()
  readonly longestSession: Column<Uint32Array> = this.table.u32()
  readonly longestConversation: Column<Uint32Array> = this.table.u32()
  readonly burst: Column<Float64Array> = this.table.f64()
  readonly intervals: Column<Uint32Array> = this.table.u32(MAX_INTERVALS)
  readonly intervalCount: Column<Uint32Array> = this.table.u32()
  readonly firstReceived: Column<Float64Array> = this.table.f64()
  readonly isCertain: Column<Uint8Array> = this.table.u8()
  /** One end also asks for what hosts ask for, so it is no gateway. */
  readonly isHost: Column<Uint8Array> = this.table.u8()
  /** 1 while the pair waits to be judged. */
  readonly isTouched: Column<Uint8Array> = this.table.u8()
  /** By pair, generation and test; few pairs have any. */
  readonly measured = new KeyedTable(3, MAX_MEASURED)
  private readonly measures: Column<Float32Array> = this.measured.f32(measureNames.length)
  private readonly key = new Uint32Array(3)
  /** The intervals that are being looked at. */
  private readonly few = new Float64Array(MAX_INTERVALS)

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
    keepLongest(this.longestSession.values, slot, session)
    keepLongest(this.longestConversation.values, slot, end - start)
  }

  /** Keeps what was measured of a conversation that met a test. */
  keepMeasures(slot: number, test: number, values: Float64Array): void {
    const { measured, measures, key } = this
    this.fillKey(slot, test)
    let at = measured.find(key)
    if (at < 0) at = measured.insert(key)
    else measured.touch(at)
    measures.values.set(values, at * measures.stride)
  }

  /** A measure of the last conversation that met a test; undefined where it was dropped for want of room. */
  measureOf(slot: number, test: number, measure: number): number | undefined {
    this.fillKey(slot, test)
    const at = this.measured.find(this.key)
    return at < 0 ? undefined : this.measures.values[at * this.measures.stride + measure]!
  }

  private fillKey(slot: number, test: number): void {
    this.key[0] = slot
    this.key[1] = this.table.generationOf(slot)
    this.key[2] = test
  }

  /** Takes the start of a burst; starts come in order. */
  noteBurst(slot: number, start: number, leastMilliseconds: number): void {
    const before = this.burst.values[slot]!
    const interval = start - before
    if (before === 0) this.burst.values[slot] = start
    if (before === 0 || interval < leastMilliseconds) return
    this.burst.values[slot] = start
    const count = this.intervalCount.values[slot]!++
    this.intervals.values[slot * MAX_INTERVALS + (count % MAX_INTERVALS)] = Math.min(
      interval,
      MOST_MILLISECONDS,
    )
  }

  /** Median interval in ms and its relative median deviation; undefined while there are too few. */
  regularity(slot: number): Regularity | undefined {
    const count = Math.min(this.intervalCount.values[slot]!, MAX_INTERVALS)
    if (count < ENOUGH_INTERVALS) return undefined
    const at = slot * MAX_INTERVALS
    const { few } = this
    for (let index = 0; index < count; index++) few[index] = this.intervals.values[at + index]!
    const median = medianOf(few, count)
    for (let index = 0; index < count; index++) few[index] = Math.abs(few[index]! - median)
    const spread = medianOf(few, count) / median
    return { median, spread, count: this.intervalCount.values[slot]! }
  }
}

function keepLongest(values: Uint32Array, slot: number, milliseconds: number): void {
  if (milliseconds > values[slot]!) values[slot] = Math.min(milliseconds, MOST_MILLISECONDS)
}

/** The median of the first values of an array, which it sorts; they are few. */
function medianOf(values: Float64Array, count: number): number {
  for (let index = 1; index < count; index++) {
    const value = values[index]!
    let at = index
    for (; at > 0 && values[at - 1]! > value; at--) values[at] = values[at - 1]!
    values[at] = value
  }
  const middle = count >> 1
  return count % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2
}
