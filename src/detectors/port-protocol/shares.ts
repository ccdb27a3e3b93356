/**
 * What pairs have counted of conversations that go on: only the growth since is added the next time. Few conversations
 * are of a pair that is watched, so this is kept apart from them.
 */

/** Shares kept at a time: 40 octets each. */
const MAX_SHARES = 16_384
const WORDS = 10
const DOUBLES = WORDS / 2
/** Doubles behind the pair and its generation: packets and octets of direction 0, then of 1. */
const COUNTED = 1
const NONE = 0xffff_ffff

export class Shares {
  readonly maximum: number
  /** Times that a conversation could not be followed for want of room; it is counted when it ends. */
  evicted = 0
  private readonly counted: Float64Array
  private readonly words: Uint32Array
  private free = NONE
  private used = 0

  constructor(maximum = MAX_SHARES) {
    this.maximum = maximum
    // All of it at once: memory is taken by the system page by page, as it is first written.
    this.counted = new Float64Array(maximum * DOUBLES)
    this.words = new Uint32Array(this.counted.buffer)
  }

  /** A share of a pair, of which nothing is counted yet; -1 where there is no room. */
  take(pair: number, generation: number): number {
    let share = this.free
    if (share !== NONE) this.free = this.words[share * WORDS]!
    else if (this.used < this.maximum) share = this.used++
    else {
      this.evicted++
      return -1
    }
    this.give(share, pair, generation)
    return share
  }

  /** Gives a share to another pair, of which nothing is counted yet. */
  give(share: number, pair: number, generation: number): void {
    this.words[share * WORDS] = pair
    this.words[share * WORDS + 1] = generation
    this.counted.fill(0, share * DOUBLES + COUNTED, (share + 1) * DOUBLES)
  }

  drop(share: number): void {
    this.words[share * WORDS] = this.free
    this.free = share
  }

  pairOf(share: number): number {
    return this.words[share * WORDS]!
  }

  generationOf(share: number): number {
    return this.words[share * WORDS + 1]!
  }

  /** What a sum, 0 to 3, has grown by since it was last asked about. */
  growth(share: number, which: number, sum: number): number {
    const at = share * DOUBLES + COUNTED + which
    const grown = sum - this.counted[at]!
    this.counted[at] = sum
    return grown
  }
}
