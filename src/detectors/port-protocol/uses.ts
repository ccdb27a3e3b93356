/**
 * Hosts by pairing: when each was last seen with it, and with which server. Each has two places, which sixteen share; where
 * neither has room the one goes that was seen least lately.
 */

/** Uses that are remembered: nearly 20 for each of 10,000 hosts. 32 octets each. */
const MAX_USES = 196_608
const WAYS = 16
const PLACES = MAX_USES / WAYS
/** Words of a use: ids of pairing and host, day and port, minute of the first time, server (4). */
const WORDS = 8
const WHEN = 2
const SINCE = 3
const SERVER = 4
const MOST_DAYS = 0xffff

export class Uses {
  /** Uses that were forgotten for want of room. */
  evicted = 0
  private readonly words = new Uint32Array(MAX_USES * WORDS)
  /** The two places that `look` found. */
  private one = 0
  private other = 0

  /** The place of a use by the ids of its pairing and host, from 1 on; -1 when there is none. */
  find(keyId: number, memberId: number): number {
    this.look(keyId, memberId)
    const found = this.within(this.one, keyId, memberId)
    return found >= 0 ? found : this.within(this.other, keyId, memberId)
  }

  private within(from: number, keyId: number, memberId: number): number {
    const { words } = this
    for (let slot = from; slot < from + WAYS; slot++)
      if (words[slot * WORDS] === keyId && words[slot * WORDS + 1] === memberId) return slot
    return -1
  }

  /** Makes a use that there is none of; but for its ids it is zero. */
  insert(keyId: number, memberId: number): number {
    const { words } = this
    this.look(keyId, memberId)
    const one = this.leastOf(this.one)
    const other = this.leastOf(this.other)
    const isFirst = this.freeFrom(one) >= this.freeFrom(other) && this.dayOf(one) <= this.dayOf(other)
    const chosen = isFirst ? one : other
    if (words[chosen * WORDS] !== 0) this.evicted++
    words.fill(0, chosen * WORDS, (chosen + 1) * WORDS)
    words[chosen * WORDS] = keyId
    words[chosen * WORDS + 1] = memberId
    return chosen
  }

  /** Finds the two places where a use may be; it is put where there is more room. */
  private look(keyId: number, memberId: number): void {
    let hash = Math.imul(keyId ^ 0x9e3779b9, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13) ^ memberId, 0xc2b2ae35)
    const other = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f)
    this.one = (((hash ^ (hash >>> 16)) >>> 0) % PLACES) * WAYS
    this.other = (((other ^ (other >>> 13)) >>> 0) % PLACES) * WAYS
  }

  /** Of those that share a place the first that is free, else the one that was seen least lately. */
  private leastOf(from: number): number {
    let least = from
    for (let slot = from; slot < from + WAYS; slot++) {
      if (this.words[slot * WORDS] === 0) return slot
      if (this.dayOf(slot) < this.dayOf(least)) least = slot
    }
    return least
  }

  /** How many are free from one on, to the end of its place: they are taken from the front. */
  private freeFrom(slot: number): number {
    return this.words[slot * WORDS] === 0 ? WAYS - (slot % WAYS) : 0
  }

  keyIdOf(slot: number): number {
    return this.words[slot * WORDS]!
  }

  memberIdOf(slot: number): number {
    return this.words[slot * WORDS + 1]!
  }

  /** The day since 1970 of the last time; 0 before it was told. */
  dayOf(slot: number): number {
    return this.words[slot * WORDS + WHEN]! >>> 16
  }

  /** The server's port of the last time. */
  portOf(slot: number): number {
    return this.words[slot * WORDS + WHEN]! & 0xffff
  }

  /** The minute since 1970 of the first time. */
  sinceOf(slot: number): number {
    return this.words[slot * WORDS + SINCE]!
  }

  /** The server of the last time, four words. */
  serverOf(slot: number): Uint32Array {
    const at = slot * WORDS + SERVER
    return this.words.subarray(at, at + 4)
  }

  /** `server` are four words from a place in an array. */
  note(
    slot: number,
    day: number,
    port: number,
    since: number,
    server: ArrayLike<number>,
    from: number,
  ): void {
    const at = slot * WORDS
    this.words[at + WHEN] = (Math.min(day, MOST_DAYS) << 16) | port
    this.words[at + SINCE] = since
    for (let word = 0; word < 4; word++) this.words[at + SERVER + word] = server[from + word]!
  }

  /** The places of all uses, in no order that means anything. */
  all(): number[] {
    const slots: number[] = []
    for (let slot = 0; slot < MAX_USES; slot++) if (this.words[slot * WORDS] !== 0) slots.push(slot)
    return slots
  }
}
