/**
 * Which conversations are to be looked at in which minute: a wheel of lists through the conversations themselves, each in
 * the order in which they were put there. Nothing is allocated however many there are.
 */
import { FIRST_DUE, WORDS, Word } from './conversation-record.js'

/** Minutes of the wheel, a power of two; what is due later is looked at then and put back. */
const MINUTES = 128
const NONE = 0xffff_ffff
const DUE_MASK = 0xff << FIRST_DUE

export class Endings {
  private readonly words: Uint32Array
  private readonly heads = new Uint32Array(MINUTES).fill(NONE)
  private readonly tails = new Uint32Array(MINUTES).fill(NONE)
  /** The earliest minute since 1970 whose list may have any; undefined before the first. */
  private cursor: number | undefined
  private size = 0

  constructor(words: Uint32Array) {
    this.words = words
  }

  /** Puts a conversation that is on no list where it is looked at in a minute; `now` is the minute of its last record. */
  add(slot: number, minute: number, now: number): void {
    this.cursor ??= now
    const { words, heads, tails } = this
    const list = Math.min(Math.max(minute, this.cursor), this.cursor + MINUTES - 1) % MINUTES
    const at = slot * WORDS
    const tail = tails[list]!
    words[at + Word.later] = NONE
    words[at + Word.earlier] = tail
    words[at + Word.flags] = (words[at + Word.flags]! & ~DUE_MASK) | ((list + 1) << FIRST_DUE)
    if (tail === NONE) heads[list] = slot
    else words[tail * WORDS + Word.later] = slot
    tails[list] = slot
    this.size++
  }

  /** Takes a conversation off its list, when it is on one. */
  remove(slot: number): void {
    const { words, heads, tails } = this
    const at = slot * WORDS
    const list = ((words[at + Word.flags]! & DUE_MASK) >>> FIRST_DUE) - 1
    if (list < 0) return
    const earlier = words[at + Word.earlier]!
    const later = words[at + Word.later]!
    if (earlier === NONE) heads[list] = later
    else words[earlier * WORDS + Word.later] = later
    if (later === NONE) tails[list] = earlier
    else words[later * WORDS + Word.earlier] = earlier
    words[at + Word.flags]! &= ~DUE_MASK
    this.size--
  }

  /** Takes the next conversation of the earliest minute that has any, up to one; -1 when there are no more. */
  next(upTo: number): number {
    if (this.cursor === undefined) return -1
    for (let looked = 0; this.cursor <= upTo; looked++) {
      if (this.size === 0 || looked > MINUTES) this.cursor = upTo + 1
      else {
        const slot = this.heads[this.cursor % MINUTES]!
        if (slot !== NONE) {
          this.remove(slot)
          return slot
        }
        this.cursor++
      }
    }
    return -1
  }

  /** The first of the earliest list that has any, or -1; it stays there. */
  first(): number {
    if (this.cursor === undefined || this.size === 0) return -1
    for (let minute = this.cursor; ; minute++) {
      const slot = this.heads[minute % MINUTES]!
      if (slot !== NONE) return slot
    }
  }

  /** The next on the list of one, or -1. */
  after(slot: number): number {
    const later = this.words[slot * WORDS + Word.later]!
    return later === NONE ? -1 : later
  }
}
