/**
 * Pairs by metering point and addresses, bounded, in the order of their last use. Every echo record passes here, so the
 * key is words and not text, and nothing is allocated to look a pair up.
 */
import { randomInt } from 'node:crypto'

const FIRST_CAPACITY = 1024
const NONE = -1
/** Metering point and family, and four words of each address. */
const KEY_WORDS = 9

/** What of an address's words a family uses; IPv4 is the last alone. */
export type Words = { readonly planes: readonly ArrayLike<number>[]; readonly row: number }

export class PairIndex<Entry> {
  readonly maximum: number
  readonly #key = new Uint32Array(KEY_WORDS)
  /** Unknown to who sends addresses, so that no chain can be made long; nothing is visited in the order of hashes. */
  readonly #seed = randomInt(2 ** 32)
  #capacity = FIRST_CAPACITY
  #keys = new Uint32Array(FIRST_CAPACITY * KEY_WORDS)
  #heads = new Int32Array(FIRST_CAPACITY).fill(NONE)
  #next = new Int32Array(FIRST_CAPACITY)
  #older = new Int32Array(FIRST_CAPACITY)
  #newer = new Int32Array(FIRST_CAPACITY)
  #entries: (Entry | undefined)[] = new Array(FIRST_CAPACITY)
  #oldest = NONE
  #newest = NONE
  #free = NONE
  #used = 0
  size = 0

  constructor(maximum: number) {
    this.maximum = maximum
  }

  /** The entry of a key, which is then the one used last. The key is kept for `insert`. */
  find(point: number, family: 4 | 6, one: Words, other: Words): Entry | undefined {
    const slot = this.#slotOf(point, family, one, other)
    if (slot === NONE) return undefined
    if (slot !== this.#newest) {
      this.#unlink(slot)
      this.#append(slot)
    }
    return this.#entries[slot]
  }

  /** The same, which leaves the order of use as it is. */
  peek(point: number, family: 4 | 6, one: Words, other: Words): Entry | undefined {
    const slot = this.#slotOf(point, family, one, other)
    return slot === NONE ? undefined : this.#entries[slot]
  }

  /** Keeps an entry under the key that `find` was last asked for and did not know. Room is the caller's to make. */
  insert(entry: Entry): void {
    if (this.#free === NONE && this.#used === this.#capacity) this.#grow()
    let slot = this.#free
    if (slot === NONE) slot = this.#used++
    else this.#free = this.#next[slot]!
    this.#keys.set(this.#key, slot * KEY_WORDS)
    this.#entries[slot] = entry
    const bucket = this.#bucket(this.#key, 0)
    this.#next[slot] = this.#heads[bucket]!
    this.#heads[bucket] = slot
    this.#append(slot)
    this.size++
  }

  /** All of them, the one that was not used for the longest time first. */
  *entries(): Generator<Entry> {
    for (let slot = this.#oldest; slot !== NONE; slot = this.#newer[slot]!) yield this.#entries[slot]!
  }

  /** The entry that was not used for the longest time. */
  oldest(): Entry | undefined {
    return this.#oldest === NONE ? undefined : this.#entries[this.#oldest]
  }

  /** Forgets that one. */
  dropOldest(): void {
    const slot = this.#oldest
    if (slot === NONE) return
    this.#unlink(slot)
    const bucket = this.#bucket(this.#keys, slot * KEY_WORDS)
    let before = NONE
    let at = this.#heads[bucket]!
    while (at !== slot) {
      before = at
      at = this.#next[at]!
    }
    if (before === NONE) this.#heads[bucket] = this.#next[slot]!
    else this.#next[before] = this.#next[slot]!
    this.#entries[slot] = undefined
    this.#next[slot] = this.#free
    this.#free = slot
    this.size--
  }

  #slotOf(point: number, family: 4 | 6, one: Words, other: Words): number {
    const key = this.#key
    key[0] = point * 2 + (family === 6 ? 1 : 0)
    put(key, 1, family, one)
    put(key, 5, family, other)
    let slot = this.#heads[this.#bucket(key, 0)]!
    while (slot !== NONE && !this.#holds(slot)) slot = this.#next[slot]!
    return slot
  }

  #holds(slot: number): boolean {
    const keys = this.#keys
    const key = this.#key
    const from = slot * KEY_WORDS
    for (let word = 0; word < KEY_WORDS; word++) if (keys[from + word] !== key[word]) return false
    return true
  }

  #bucket(words: Uint32Array, from: number): number {
    let hash = this.#seed
    for (let word = from; word < from + KEY_WORDS; word++) {
      hash = Math.imul(hash ^ words[word]!, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash, 0x85ebca6b)
    return (hash ^ (hash >>> 13)) & (this.#capacity - 1)
  }

  #append(slot: number): void {
    this.#older[slot] = this.#newest
    this.#newer[slot] = NONE
    if (this.#newest === NONE) this.#oldest = slot
    else this.#newer[this.#newest] = slot
    this.#newest = slot
  }

  #unlink(slot: number): void {
    const older = this.#older[slot]!
    const newer = this.#newer[slot]!
    if (older === NONE) this.#oldest = newer
    else this.#newer[older] = newer
    if (newer === NONE) this.#newest = older
    else this.#older[newer] = older
  }

  #grow(): void {
    this.#capacity *= 2
    const wider = (before: Int32Array) => {
      const after = new Int32Array(this.#capacity)
      after.set(before)
      return after
    }
    const keys = new Uint32Array(this.#capacity * KEY_WORDS)
    keys.set(this.#keys)
    this.#keys = keys
    this.#next = wider(this.#next)
    this.#older = wider(this.#older)
    this.#newer = wider(this.#newer)
    this.#heads = new Int32Array(this.#capacity).fill(NONE)
    for (let slot = this.#oldest; slot !== NONE; slot = this.#newer[slot]!) {
      const bucket = this.#bucket(keys, slot * KEY_WORDS)
      this.#next[slot] = this.#heads[bucket]!
      this.#heads[bucket] = slot
    }
  }
}

function put(key: Uint32Array, from: number, family: 4 | 6, { planes, row }: Words): void {
  if (family === 4) {
    key[from] = 0
    key[from + 1] = 0
    key[from + 2] = 0
    key[from + 3] = planes[0]![row]!
  } else for (let word = 0; word < 4; word++) key[from + word] = planes[word]![row]!
}
