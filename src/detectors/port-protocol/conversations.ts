/**
 * Conversations: the records of one 5-tuple at one metering point, both directions and all slices of an exporter's
 * active timeout put together. The two ends are held in the order of their addresses and ports; which of them is the
 * server is decided later (server.ts). Direction 0 is from the lower end to the higher.
 *
 * A conversation is one record of 288 octets in one buffer, so that a row touches few cache lines: rows pass by the
 * hundred million, and most of their cost is memory. The first line has the key and what a look-up needs.
 */
import {
  BURST_GAP_MILLISECONDS,
  CONVERSATION_WORDS,
  DIRECTION,
  Flag,
  Place,
  type RowValues,
  STRIDE,
  Sum,
  WORDS,
  Word,
} from './conversation-record.js'
import { Endings } from './endings.js'

/** Conversations kept at a time; those that would end next go first. */
export const MAX_CONVERSATIONS = 262_144

/** Entries that may share one hash chain; beyond, the chain's last goes, so that crafted keys cannot make us walk. */
const MAX_CHAIN = 64
const FIRST_CAPACITY = 1024
const NONE = 0xffff_ffff
/** Records of a conversation whose gap is longer belong to two. Idle timeouts of exporters are 15 to 60 s. */
const PATIENCE_MILLISECONDS = 150_000
/** The longest active timeout in use is half an hour; twice that covers a late or lost slice. */
const CUT_PATIENCE_MILLISECONDS = 3_700_000
/** A conversation that has lasted so long is counted before it ends. */
const LASTING_MILLISECONDS = 60_000

export class Conversations {
  readonly maximum: number
  size = 0
  /** Entries that were dropped for want of room. */
  evicted = 0
  /** Called with a slot before its entry goes for want of room. */
  onEvict: ((slot: number) => void) | undefined
  /** Two views of one buffer; both are replaced when it grows, so they are read anew for each use. */
  words: Uint32Array
  numbers: Float64Array
  /** Conversations with news that is not to wait for their end. */
  readonly waiting: number[] = []
  readonly endings = new Endings()

  private capacity: number
  private heads: Uint32Array
  private freeSlot = NONE
  private used = 0
  /** Of the last look-up: its bucket, the last slot of the chain there and its length. */
  private bucket = 0
  private tail = NONE
  private length = 0

  constructor(maximum = MAX_CONVERSATIONS) {
    this.maximum = maximum
    this.capacity = Math.min(FIRST_CAPACITY, maximum)
    this.numbers = new Float64Array(this.capacity * STRIDE)
    this.words = new Uint32Array(this.numbers.buffer)
    this.heads = new Uint32Array(2 ** Math.ceil(Math.log2(this.capacity))).fill(NONE)
  }

  /** Where a conversation's words begin. */
  wordsAt(slot: number): number {
    return slot * WORDS
  }

  /** Where a conversation's doubles begin. */
  numbersAt(slot: number): number {
    return slot * STRIDE
  }

  /** Where the doubles of one of its directions begin. */
  directionAt(slot: number, direction: 0 | 1): number {
    return slot * STRIDE + Place.directions + direction * DIRECTION
  }

  generationOf(slot: number): number {
    return this.words[slot * WORDS + Word.generation]!
  }

  /** The slot of a key, or -1. */
  find(key: Uint32Array): number {
    const { words } = this
    const bucket = this.bucketOf(key, 0)
    let tail = NONE
    let length = 0
    let slot = this.heads[bucket]!
    while (slot !== NONE) {
      const at = slot * WORDS
      if (
        words[at + 9] === key[9] &&
        words[at + 8] === key[8] &&
        words[at + 4] === key[4] &&
        words[at] === key[0] &&
        ((key[0]! & 0x8000) === 0 || this.holdsRest(at, key))
      )
        return slot
      tail = slot
      length++
      slot = words[at + Word.next]!
    }
    this.bucket = bucket
    this.tail = tail
    this.length = length
    return -1
  }

  /** Makes an entry for the key of the last `find`, which has none; but for its key it is zero. */
  insert(key: Uint32Array): number {
    if (this.size >= this.maximum || this.length >= MAX_CHAIN) this.makeRoom(key)
    if (this.freeSlot === NONE && this.used === this.capacity) {
      this.grow()
      this.find(key)
    }
    let slot = this.freeSlot
    if (slot === NONE) slot = this.used++
    else this.freeSlot = this.words[slot * WORDS + Word.next]!
    const { words, heads, bucket } = this
    const at = slot * WORDS
    const generation = words[at + Word.generation]! + 1
    this.numbers.fill(0, slot * STRIDE, (slot + 1) * STRIDE)
    for (let word = 0; word < CONVERSATION_WORDS; word++) words[at + word] = key[word]!
    words[at + Word.generation] = generation
    words[at + Word.next] = heads[bucket]!
    heads[bucket] = slot
    this.size++
    return slot
  }

  delete(slot: number): void {
    const { words, heads } = this
    const at = slot * WORDS
    const bucket = this.bucketOf(words, at)
    const next = words[at + Word.next]!
    if (heads[bucket] === slot) heads[bucket] = next
    else {
      let before = heads[bucket]!
      while (words[before * WORDS + Word.next] !== slot) before = words[before * WORDS + Word.next]!
      words[before * WORDS + Word.next] = next
    }
    words[at + Word.next] = this.freeSlot
    words[at + Word.due] = 0
    words[at + Word.flags] = 0
    this.freeSlot = slot
    this.size--
  }

  /** Adds a record. Returns the gap before it when it began a burst, else 0; -1 when it was a copy. */
  add(slot: number, values: RowValues): number {
    const { words, numbers } = this
    const { direction, startMilliseconds: start, endMilliseconds: end, packets, octets } = values
    const inWords = slot * WORDS
    const at = slot * STRIDE
    const own = at + Place.directions + direction * DIRECTION
    const isFirst = words[inWords + Word.records] === 0
    const where = inWords + Word.where + direction
    if (numbers[own + Sum.row] === 0) words[where] = values.where
    else if (words[where] !== values.where) {
      // A second metering point of the same device counts the same packets again.
      if (start <= numbers[own + Sum.rowEnd]!) return -1
      words[where] = values.where
    }
    let flags = words[inWords + Word.flags]!
    const last = numbers[at + Place.last]!
    const gap = start - last
    // What follows a record that the active timeout cut is the same burst still.
    const wasCut = (flags & Flag.isCut) !== 0
    const pause = Math.max(BURST_GAP_MILLISECONDS, 2 * numbers[at + Place.interPacket]!)
    const startsBurst = isFirst || (!wasCut && gap >= pause)
    const other = at + Place.directions + (1 - direction) * DIRECTION
    if (!isFirst && numbers[own + Sum.row] === 0 && numbers[other + Sum.row] !== 0)
      flags |= firstSpeaker(direction, start - numbers[at + Place.first]!)
    words[inWords + Word.records]!++
    this.addTo(own, values, packets, octets)
    if (values.reversePackets > 0 || values.reverseOctets > 0)
      this.addTo(other, values, values.reversePackets, values.reverseOctets)
    const first = isFirst ? start : Math.min(numbers[at + Place.first]!, start)
    const newest = isFirst ? end : Math.max(last, end)
    numbers[at + Place.first] = first
    numbers[at + Place.last] = newest
    numbers[at + Place.lastReceived] = values.receivedMilliseconds
    if (numbers[at + Place.newsSince] === 0) numbers[at + Place.newsSince] = values.receivedMilliseconds
    const largest = Math.max(
      packets > 0 ? octets / packets : 0,
      values.reversePackets > 0 ? values.reverseOctets / values.reversePackets : 0,
    )
    if (largest > numbers[at + Place.largestPacketMean]!) numbers[at + Place.largestPacketMean] = largest
    numbers[at + Place.interPacket] = packets > 1 ? (end - start) / (packets - 1) : 0
    if (values.nameNumber > 0) {
      words[inWords + Word.name] = values.nameNumber
      flags &= ~Flag.isServiceName
    }
    flags = (flags & ~Flag.isCut) | values.flags
    const isDue =
      (flags & (Flag.isCut | Flag.isMisplaced)) !== 0 ||
      newest - first >= LASTING_MILLISECONDS ||
      words[inWords + Word.pair] !== 0
    if (isDue && (flags & Flag.isWaiting) === 0) {
      flags |= Flag.isWaiting
      this.waiting.push(slot)
    }
    words[inWords + Word.flags] = flags
    if (isFirst) this.schedule(slot)
    return startsBurst ? Math.max(gap, 1) : 0
  }

  /** Whether no more is to be expected of it. */
  hasEnded(slot: number, atMilliseconds: number): boolean {
    return atMilliseconds >= this.endOf(slot)
  }

  /** Puts it where it is looked at when it should have ended. */
  schedule(slot: number): void {
    const due = Math.ceil(this.endOf(slot) / 60_000)
    this.words[slot * WORDS + Word.due] = due
    this.endings.add(due, slot)
  }

  /** The next conversation that is to be looked at up to a minute, or -1. */
  nextDue(minute: number): number {
    for (;;) {
      const slot = this.endings.next(minute)
      if (slot < 0 || this.words[slot * WORDS + Word.due] === this.endings.minute) return slot
    }
  }

  private endOf(slot: number): number {
    const isCut = (this.words[slot * WORDS + Word.flags]! & Flag.isCut) !== 0
    const patience = isCut ? CUT_PATIENCE_MILLISECONDS : PATIENCE_MILLISECONDS
    return this.numbers[slot * STRIDE + Place.lastReceived]! + patience
  }

  private addTo(at: number, values: RowValues, packets: number, octets: number): void {
    const { numbers } = this
    numbers[at + Sum.packets]! += packets
    numbers[at + Sum.octets]! += octets
    numbers[at + Sum.row] = values.row + 1
    numbers[at + Sum.rowPackets] = packets
    numbers[at + Sum.rowOctets] = octets
    numbers[at + Sum.rowStart] = values.startMilliseconds
    numbers[at + Sum.rowEnd] = values.endMilliseconds
    numbers[at + Sum.rowReceived] = values.receivedMilliseconds
  }

  private holdsRest(at: number, key: Uint32Array): boolean {
    const { words } = this
    for (let word = 1; word < 8; word++) if (words[at + word] !== key[word]) return false
    return true
  }

  /** The size of `heads` is a power of two. */
  private bucketOf(key: Uint32Array, at: number): number {
    const head = key[at]!
    let hash = Math.imul(head ^ 0x9e3779b9, 0x85ebca6b)
    if ((head & 0x8000) !== 0) {
      for (let word = 1; word < 8; word++) {
        if (word === 4) continue
        hash = Math.imul(hash ^ key[at + word]!, 0x85ebca6b)
        hash ^= hash >>> 13
      }
    }
    hash = Math.imul(hash ^ (hash >>> 13) ^ key[at + 4]!, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13) ^ key[at + 8]!, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13) ^ key[at + 9]!, 0xc2b2ae35)
    return ((hash ^ (hash >>> 16)) >>> 0) & (this.heads.length - 1)
  }

  /** Drops what would have ended next, and the last of a chain that is too long. */
  private makeRoom(key: Uint32Array): void {
    if (this.length >= MAX_CHAIN) this.evict(this.tail)
    if (this.size >= this.maximum) {
      const slot = this.nextDue(Number.POSITIVE_INFINITY)
      if (slot >= 0) this.evict(slot)
    }
    this.find(key)
  }

  private evict(slot: number): void {
    this.onEvict?.(slot)
    this.evicted++
    this.delete(slot)
  }

  private grow(): void {
    this.capacity = Math.min(this.maximum, this.capacity * 2)
    const numbers = new Float64Array(this.capacity * STRIDE)
    numbers.set(this.numbers)
    this.numbers = numbers
    this.words = new Uint32Array(numbers.buffer)
    this.heads = new Uint32Array(2 ** Math.ceil(Math.log2(this.capacity))).fill(NONE)
    // Every slot is in use when the table grows.
    for (let slot = 0; slot < this.used; slot++) {
      const bucket = this.bucketOf(this.words, slot * WORDS)
      this.words[slot * WORDS + Word.next] = this.heads[bucket]!
      this.heads[bucket] = slot
    }
  }
}

/** The flag that says who spoke first, from the first record of the second direction. */
function firstSpeaker(direction: 0 | 1, startAfterFirst: number): number {
  if (startAfterFirst === 0) return 0
  const ownWasFirst = startAfterFirst < 0
  return ownWasFirst === (direction === 0) ? Flag.startedByLow : Flag.startedByHigh
}
