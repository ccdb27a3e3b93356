/**
 * Conversations: the records of one 5-tuple at one metering point, both directions and all slices of an exporter's
 * active timeout put together. The two ends are held in the order of their addresses and ports; which of them is the
 * server is decided later (server.ts). Direction 0 is from the lower end to the higher.
 *
 * Rows pass by the hundred million, and most of their cost is memory, so what a row touches lies together
 * (conversation-record.ts) and rows are looked up many at a time (`fetch`).
 */

import { addRecord } from './add-record.js'
import { longHash, shortHash } from './conversation-key.js'
import { ConversationMemory } from './conversation-memory.js'
import { Flag, REST_WORDS, type RowValues, SHORT_KEY_WORDS, WORDS, Word } from './conversation-record.js'
import { Endings } from './endings.js'
import { Shares } from './shares.js'

/** Conversations kept at a time, of 160 octets, and 24 more over IPv6. */
export const MAX_CONVERSATIONS = 212_992

/** Entries that may share one hash chain; beyond, the chain's first goes, so that crafted keys cannot make us walk. */
const MAX_CHAIN = 64
const NONE = 0xffff_ffff
/** A conversation that has lasted so long is counted before it ends. */
const LASTING_MILLISECONDS = 60_000
/** After twice the usual idle timeout little more is to be expected of what has been answered and was not cut. */
const SETTLED_MILLISECONDS = 30_000
/**
 * Of what is dropped in a minute before it is over, so many are judged as they stand, which takes some two seconds; in a
 * flood the rest is not.
 */
const JUDGED_A_MINUTE = 2_097_152
/** Where there is no room, so many of the conversations that end next are looked at. */
const LOOKED_AT = 64
const BOTH = Flag.hasLow | Flag.hasHigh

export class Conversations extends ConversationMemory {
  size = 0
  /** Entries that were dropped for want of room while more of them was to be expected. */
  evicted = 0
  /** Of those, what was dropped without having been judged. */
  unjudged = 0
  /** Called with a slot before its entry goes for want of room. */
  onEvict: ((slot: number) => void) | undefined
  /** Conversations with news that is not to wait for their end. */
  readonly waiting: number[] = []
  readonly shares = new Shares()

  private readonly heads: Uint32Array
  private readonly endings: Endings
  /** Slots that are free, the one that was freed last at the end; what has never been used is behind `used`. */
  private readonly free: Uint32Array
  private freeCount = 0
  private used = 0
  /** Of the last look-up: the last slot of the chain and its length. */
  private tail = NONE
  private length = 0
  private readonly judgedAMinute: number
  /** How many of those dropped in a minute were judged. */
  private judged = 0
  private minute = 0
  private readonly leaving = new Uint32Array(LOOKED_AT)
  /** What `fetch` has read, so that it is read. */
  private fetched = 0

  constructor(maximum = MAX_CONVERSATIONS, judgedAMinute = JUDGED_A_MINUTE) {
    super(maximum)
    this.judgedAMinute = judgedAMinute
    this.heads = new Uint32Array(2 ** Math.ceil(Math.log2(maximum))).fill(NONE)
    this.free = new Uint32Array(maximum)
    this.endings = new Endings(this.words)
  }

  /** Reads what the look-ups of some hashes will need, all at once, so that memory answers them beside each other. */
  fetch(hashes: Uint32Array, count: number, slots: Uint32Array): void {
    const { words, heads, free } = this
    const mask = heads.length - 1
    for (let index = 0; index < count; index++) slots[index] = heads[hashes[index]! & mask]!
    let read = 0
    let next = this.freeCount
    for (let index = 0; index < count; index++) {
      let slot = slots[index]!
      if (slot === NONE) {
        // It will be made, of what is free.
        if (next === 0) continue
        slot = free[--next]!
      }
      const at = slot * WORDS
      read += words[at]! ^ words[at + Word.packets]! ^ words[at + Word.octetsHigh]!
    }
    this.fetched = (this.fetched + read) >>> 0
  }

  /** The slot of a key at a place in an array, or -1. */
  find(keys: Uint32Array, from: number, hash: number): number {
    const { words } = this
    const head = keys[from]!
    const low = keys[from + 1]!
    const high = keys[from + 2]!
    const ports = keys[from + 3]!
    const isLong = (head & 0x8000) !== 0
    let tail = NONE
    let length = 0
    let slot = this.heads[hash & (this.heads.length - 1)]!
    while (slot !== NONE) {
      const at = slot * WORDS
      if (
        words[at + 3] === ports &&
        words[at + 2] === high &&
        words[at + 1] === low &&
        words[at] === head &&
        !(isLong && !this.holdsRest(slot, keys, from))
      )
        return slot
      tail = slot
      length++
      slot = words[at + Word.next]!
    }
    this.tail = tail
    this.length = length
    return -1
  }

  /** Makes an entry for the key of the last `find`, which has none; but for its key it is zero. */
  insert(keys: Uint32Array, from: number, hash: number, nowMilliseconds: number): number {
    const { words, heads } = this
    const bucket = hash & (heads.length - 1)
    if (this.length >= MAX_CHAIN) this.evict(heads[bucket]!, nowMilliseconds)
    if (this.size >= this.maximum) {
      this.makeRoom(nowMilliseconds)
      this.tail = this.tailOf(bucket)
    }
    const slot = this.freeCount > 0 ? this.free[--this.freeCount]! : this.used++
    const at = slot * WORDS
    const generation = words[at + Word.name]! + 0x1_0000
    for (let word = 0; word < SHORT_KEY_WORDS; word++) words[at + word] = keys[from + word]!
    // What is behind counts only with flags that say so.
    for (let word = SHORT_KEY_WORDS; word < Word.records; word++) words[at + word] = 0
    if ((keys[from]! & 0x8000) !== 0) {
      for (let word = 0; word < REST_WORDS; word++)
        this.rest[slot * REST_WORDS + word] = keys[from + SHORT_KEY_WORDS + word]!
    }
    words[at + Word.name] = generation & 0xffff_0000
    words[at + Word.next] = NONE
    // Behind the others: what goes is the oldest as a rule, which is then found at once.
    if (this.tail === NONE) heads[bucket] = slot
    else words[this.tail * WORDS + Word.next] = slot
    this.size++
    return slot
  }

  private tailOf(bucket: number): number {
    let tail = NONE
    for (let slot = this.heads[bucket]!; slot !== NONE; slot = this.words[slot * WORDS + Word.next]!)
      tail = slot
    return tail
  }

  delete(slot: number): void {
    const { words, heads } = this
    const at = slot * WORDS
    const bucket = this.hashOf(slot) & (heads.length - 1)
    const next = words[at + Word.next]!
    if (heads[bucket] === slot) heads[bucket] = next
    else {
      let before = heads[bucket]!
      while (words[before * WORDS + Word.next] !== slot) before = words[before * WORDS + Word.next]!
      words[before * WORDS + Word.next] = next
    }
    this.endings.remove(slot)
    if (words[at + Word.share] !== 0) this.shares.drop(words[at + Word.share]! - 1)
    words[at + Word.flags] = 0
    this.free[this.freeCount++] = slot
    this.size--
  }

  /** Adds a record. Returns the gap before it when it began a burst, else 0; -1 when it was a copy. */
  add(slot: number, values: RowValues): number {
    const { words } = this
    const at = slot * WORDS
    const isFirst = (words[at + Word.flags]! & BOTH) === 0
    const gap = addRecord(this, slot, values)
    if (gap < 0) return gap
    const flags = words[at + Word.flags]!
    if (
      (flags & Flag.isWaiting) === 0 &&
      ((flags & (Flag.isCut | Flag.isMisplaced)) !== 0 ||
        words[at + Word.duration]! >= LASTING_MILLISECONDS ||
        words[at + Word.share] !== 0)
    ) {
      words[at + Word.flags] = flags | Flag.isWaiting
      this.waiting.push(slot)
    }
    if (isFirst) this.schedule(slot)
    return gap
  }

  /** Whether no more is to be expected of it. */
  hasEnded(slot: number, atMilliseconds: number): boolean {
    return atMilliseconds >= this.endOf(slot)
  }

  /** Puts it where it is looked at when it should have ended. */
  schedule(slot: number): void {
    const now = Math.floor(this.lastReceivedOf(slot) / 60_000)
    this.endings.add(slot, Math.ceil(this.endOf(slot) / 60_000), now)
  }

  /** Takes the next conversation that is to be looked at up to a minute, or -1. */
  nextDue(minute: number): number {
    const slot = this.endings.next(minute)
    if (slot < 0) return slot
    // The one behind it is asked for next: memory brings it meanwhile.
    const { words } = this
    const after = words[slot * WORDS + Word.later]!
    if (after !== NONE) {
      const at = after * WORDS
      this.fetched = (this.fetched + (words[at]! ^ words[at + Word.octetsHigh]!)) >>> 0
    }
    return slot
  }

  private holdsRest(slot: number, keys: Uint32Array, from: number): boolean {
    for (let word = 0; word < REST_WORDS; word++)
      if (this.rest[slot * REST_WORDS + word] !== keys[from + SHORT_KEY_WORDS + word]) return false
    return true
  }

  private hashOf(slot: number): number {
    const { words, rest } = this
    const at = slot * WORDS
    const hash = shortHash(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)
    return (words[at]! & 0x8000) === 0 ? hash : longHash(hash, rest, slot * REST_WORDS)
  }

  /**
   * Drops some conversations: of those that would end next the first that do not last; those that do are put where they
   * end, and only when there are no others goes one of them. Many at a time, for the sake of `fetchChains`.
   */
  private makeRoom(nowMilliseconds: number): void {
    const { leaving, endings } = this
    let count = 0
    let slot = endings.first()
    for (let looked = 0; slot >= 0 && looked < leaving.length; looked++) {
      const next = endings.after(slot)
      if ((this.words[slot * WORDS + Word.flags]! & (Flag.isCut | Flag.isWaiting)) === 0)
        leaving[count++] = slot
      else {
        endings.remove(slot)
        this.schedule(slot)
      }
      slot = next
    }
    if (count === 0) leaving[count++] = endings.first()
    this.fetchChains(leaving, count)
    for (let index = 0; index < count; index++) this.evict(leaving[index]!, nowMilliseconds)
  }

  /** Reads what the deletion of some conversations will need, all at once. */
  private fetchChains(slots: Uint32Array, count: number): void {
    const { words, heads } = this
    const mask = heads.length - 1
    let read = 0
    for (let index = 0; index < count; index++) {
      const first = heads[this.hashOf(slots[index]!) & mask]!
      if (first !== NONE) read += words[first * WORDS + Word.next]!
    }
    this.fetched = (this.fetched + read) >>> 0
  }

  private evict(slot: number, nowMilliseconds: number): void {
    const flags = this.words[slot * WORDS + Word.flags]!
    const isSettled =
      (flags & (BOTH | Flag.isCut | Flag.isWaiting)) === BOTH &&
      nowMilliseconds - this.lastReceivedOf(slot) >= SETTLED_MILLISECONDS
    if (isSettled) this.onEvict?.(slot)
    else {
      this.evicted++
      if (this.mayJudge(nowMilliseconds)) this.onEvict?.(slot)
      else this.unjudged++
    }
    this.delete(slot)
  }

  private mayJudge(nowMilliseconds: number): boolean {
    const minute = Math.floor(nowMilliseconds / 60_000)
    if (minute !== this.minute) {
      this.minute = minute
      this.judged = 0
    }
    return this.judged++ < this.judgedAMinute
  }
}
