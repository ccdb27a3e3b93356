/** The memory that conversations lie in, and what can be read of one. */
import { DOUBLES, Double, Flag, REST_WORDS, WORDS, Word } from './conversation-record.js'

/** Records of a conversation whose gap is longer belong to two. Idle timeouts of exporters are 15 to 60 s. */
const PATIENCE_MILLISECONDS = 150_000
/** The longest active timeout in use is half an hour; twice that covers a late or lost slice. */
const CUT_PATIENCE_MILLISECONDS = 3_700_000

export class ConversationMemory {
  /** Conversations that there is room for. */
  readonly maximum: number
  /** Three views of one buffer. It is made whole, as the system gives memory page by page when it is first written. */
  readonly words: Uint32Array
  readonly singles: Float32Array
  readonly doubles: Float64Array
  /** The words of IPv6 addresses that are not in the records. */
  readonly rest: Uint32Array

  constructor(maximum: number) {
    this.maximum = maximum
    this.doubles = new Float64Array(maximum * DOUBLES)
    this.words = new Uint32Array(this.doubles.buffer)
    this.singles = new Float32Array(this.doubles.buffer)
    this.rest = new Uint32Array(maximum * REST_WORDS)
  }

  /** Where a conversation's words begin. */
  wordsAt(slot: number): number {
    return slot * WORDS
  }

  octetsOf(slot: number, direction: number): number {
    return this.doubles[slot * DOUBLES + Double.octets + direction]!
  }

  packetsOf(slot: number, direction: number): number {
    return this.words[slot * WORDS + Word.packets + direction]!
  }

  /** Start of the first packet. */
  firstOf(slot: number): number {
    return this.doubles[slot * DOUBLES + Double.last]! - this.words[slot * WORDS + Word.duration]!
  }

  lastOf(slot: number): number {
    return this.doubles[slot * DOUBLES + Double.last]!
  }

  /** From the first packet to the last. */
  secondsOf(slot: number): number {
    return this.words[slot * WORDS + Word.duration]! / 1000
  }

  lastReceivedOf(slot: number): number {
    return this.doubles[slot * DOUBLES + Double.lastReceived]!
  }

  generationOf(slot: number): number {
    return this.words[slot * WORDS + Word.name]! >>> 16
  }

  /** Whether a pair counts it. */
  isShared(slot: number): boolean {
    return this.words[slot * WORDS + Word.share] !== 0
  }

  /** When no more is to be expected of it. */
  endOf(slot: number): number {
    const isCut = (this.words[slot * WORDS + Word.flags]! & Flag.isCut) !== 0
    return this.lastReceivedOf(slot) + (isCut ? CUT_PATIENCE_MILLISECONDS : PATIENCE_MILLISECONDS)
  }
}
