/**
 * A bounded table from fixed-width numeric keys to slots, with typed columns by slot. Rows pass by the hundred million,
 * so nothing is allocated per row: chained hashing over Uint32 words, and a list by last use for eviction. The order in
 * which slots are visited is the order of use, never that of the hash. Arrays are made whole at once: the system gives
 * memory page by page as it is first written, and slots are given out from the first on, so a table takes what it holds.
 */

/** Entries that may share one hash chain; beyond, the chain's last goes, so that crafted keys cannot make us walk. */
const MAX_CHAIN = 64
const NONE = -1
/** Words of a slot's links, and their places. */
const LINKS = 4
const NEXT = 0
const OLDER = 1
const NEWER = 2
const GENERATION = 3

type Values = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array

export type Column<Array extends Values> = { readonly values: Array; readonly stride: number }

export class KeyedTable {
  readonly keyWords: number
  readonly maximum: number
  readonly keys: Uint32Array
  size = 0
  /** Entries that were dropped for want of room. */
  evicted = 0
  /** Called with a slot before its entry goes for want of room. */
  onEvict: ((slot: number) => void) | undefined

  /** Slots plus one, 0 for none. */
  private readonly heads: Uint32Array
  /** Four words a slot, on one cache line: NEXT of its chain, OLDER and NEWER by use, GENERATION. */
  private readonly links: Int32Array
  private oldestSlot = NONE
  private newestSlot = NONE
  private freeSlot = NONE
  private used = 0
  private readonly columns: Column<Values>[] = []

  constructor(keyWords: number, maximum: number) {
    this.keyWords = keyWords
    this.maximum = maximum
    this.keys = new Uint32Array(maximum * keyWords)
    this.heads = new Uint32Array(2 ** Math.ceil(Math.log2(maximum)))
    this.links = new Int32Array(maximum * LINKS)
  }

  u8(stride = 1): Column<Uint8Array> {
    return this.added({ values: new Uint8Array(this.maximum * stride), stride })
  }

  u16(stride = 1): Column<Uint16Array> {
    return this.added({ values: new Uint16Array(this.maximum * stride), stride })
  }

  u32(stride = 1): Column<Uint32Array> {
    return this.added({ values: new Uint32Array(this.maximum * stride), stride })
  }

  f32(stride = 1): Column<Float32Array> {
    return this.added({ values: new Float32Array(this.maximum * stride), stride })
  }

  f64(stride = 1): Column<Float64Array> {
    return this.added({ values: new Float64Array(this.maximum * stride), stride })
  }

  /** The slot of a key, or -1. */
  find(key: Uint32Array): number {
    let slot = this.heads[this.bucket(key)]! - 1
    while (slot !== NONE && !this.holds(slot, key)) slot = this.links[slot * LINKS + NEXT]!
    return slot
  }

  /** Makes an entry for a key that has none; its columns are zero. */
  insert(key: Uint32Array): number {
    if (this.size >= this.maximum) this.evict(this.oldestSlot)
    const tail = this.longChainTail(this.bucket(key))
    if (tail !== NONE) this.evict(tail)
    let slot = this.freeSlot
    if (slot === NONE) slot = this.used++
    else this.freeSlot = this.links[slot * LINKS + NEXT]!
    this.keys.set(key, slot * this.keyWords)
    this.links[slot * LINKS + GENERATION]!++
    const bucket = this.bucket(key)
    this.links[slot * LINKS + NEXT] = this.heads[bucket]! - 1
    this.heads[bucket] = slot + 1
    for (const { values, stride } of this.columns) values.fill(0, slot * stride, (slot + 1) * stride)
    this.link(slot)
    this.size++
    return slot
  }

  delete(slot: number): void {
    const bucket = this.bucket(this.keys.subarray(slot * this.keyWords, (slot + 1) * this.keyWords))
    if (this.heads[bucket] === slot + 1) this.heads[bucket] = this.links[slot * LINKS + NEXT]! + 1
    else {
      let before = this.heads[bucket]! - 1
      while (this.links[before * LINKS + NEXT] !== slot) before = this.links[before * LINKS + NEXT]!
      this.links[before * LINKS + NEXT] = this.links[slot * LINKS + NEXT]!
    }
    this.unlink(slot)
    this.links[slot * LINKS + NEXT] = this.freeSlot
    this.freeSlot = slot
    this.size--
  }

  /** Marks an entry as just used. */
  touch(slot: number): void {
    if (slot === this.newestSlot) return
    this.unlink(slot)
    this.link(slot)
  }

  /** Counts up when a slot is given to a new entry, so that kept references can be checked. */
  generationOf(slot: number): number {
    return this.links[slot * LINKS + GENERATION]!
  }

  /** The entry that was used longest ago, or -1. */
  oldest(): number {
    return this.oldestSlot
  }

  /** The next entry in the order of use, or -1. */
  after(slot: number): number {
    return this.links[slot * LINKS + NEWER]!
  }

  private added<Array extends Values>(column: Column<Array>): Column<Array> {
    this.columns.push(column)
    return column
  }

  private holds(slot: number, key: Uint32Array): boolean {
    const at = slot * this.keyWords
    for (let word = 0; word < this.keyWords; word++) if (this.keys[at + word] !== key[word]) return false
    return true
  }

  /** The size of `heads` is a power of two. */
  private bucket(key: Uint32Array): number {
    let hash = 0x9e3779b9
    for (let word = 0; word < this.keyWords; word++) {
      hash = Math.imul(hash ^ key[word]!, 0x85ebca6b)
      hash ^= hash >>> 13
    }
    hash = Math.imul(hash, 0xc2b2ae35)
    return ((hash ^ (hash >>> 16)) >>> 0) & (this.heads.length - 1)
  }

  private longChainTail(bucket: number): number {
    let slot = this.heads[bucket]! - 1
    for (let length = 1; slot !== NONE; length++) {
      const following = this.links[slot * LINKS + NEXT]!
      if (following === NONE) return length >= MAX_CHAIN ? slot : NONE
      slot = following
    }
    return NONE
  }

  private evict(slot: number): void {
    this.onEvict?.(slot)
    this.evicted++
    this.delete(slot)
  }

  private link(slot: number): void {
    this.links[slot * LINKS + OLDER] = this.newestSlot
    this.links[slot * LINKS + NEWER] = NONE
    if (this.newestSlot !== NONE) this.links[this.newestSlot * LINKS + NEWER] = slot
    else this.oldestSlot = slot
    this.newestSlot = slot
  }

  private unlink(slot: number): void {
    const older = this.links[slot * LINKS + OLDER]!
    const newer = this.links[slot * LINKS + NEWER]!
    if (older !== NONE) this.links[older * LINKS + NEWER] = newer
    else this.oldestSlot = newer
    if (newer !== NONE) this.links[newer * LINKS + OLDER] = older
    else this.newestSlot = older
  }
}
