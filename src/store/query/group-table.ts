/**
 * Groups by keys of 32-bit words: open addressing over typed arrays, sums beside them. A table has a number of groups
 * that it never exceeds; rows of further groups are counted in group 0, "other".
 */

/** The group of all that found no room. */
export const OTHER = 0
const FIRST_SLOTS = 1024

export class GroupTable {
  /** Words of a key. */
  readonly width: number
  /** `width` words a group, from group 0 on. */
  keys: Uint32Array
  /** By measure, one sum a group. */
  sums: Float64Array[]
  /** Groups, with "other". */
  size = 1
  /** Whether a key found no room. */
  isFull = false
  readonly #maximum: number
  /** Pairs of group and hash, so that a row whose place is another's looks at one cache line; group 0 is free. */
  #slots: Uint32Array
  #capacity: number

  constructor(width: number, measures: number, maximumGroups: number) {
    this.width = width
    this.#maximum = maximumGroups + 1
    this.#capacity = FIRST_SLOTS / 2
    this.keys = new Uint32Array(this.#capacity * width)
    this.sums = Array.from({ length: measures }, () => new Float64Array(this.#capacity))
    this.#slots = new Uint32Array(2 * FIRST_SLOTS)
  }

  /** Writes the group of each of `count` keys, whose words lie in `words[w][i]`, to `groups`. */
  assign(words: readonly Uint32Array[], count: number, groups: Uint32Array): void {
    if (this.width === 0) {
      this.size = 2
      groups.fill(1, 0, count)
      return
    }
    const hashes = hashWords(words, count, groups)
    for (let index = 0; index < count; index++) groups[index] = this.#find(words, index, hashes[index]!)
  }

  #find(words: readonly Uint32Array[], index: number, hash: number): number {
    const { keys, width } = this
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = (hash << 1) & mask
    for (;;) {
      const group = slots[slot]!
      if (group === 0) break
      if (slots[slot + 1] === hash) {
        const at = group * width
        let word = 0
        while (word < width && keys[at + word] === words[word]![index]) word++
        if (word === width) return group
      }
      slot = (slot + 2) & mask
    }
    return this.#add(words, index, hash)
  }

  #add(words: readonly Uint32Array[], index: number, hash: number): number {
    if (this.size >= this.#maximum) {
      this.isFull = true
      return OTHER
    }
    const group = this.size++
    if (group >= this.#capacity) this.#grow()
    for (let word = 0; word < this.width; word++) this.keys[group * this.width + word] = words[word]![index]!
    this.#place(group, hash)
    return group
  }

  #grow(): void {
    this.#capacity *= 2
    this.keys = enlarged(this.keys, new Uint32Array(this.#capacity * this.width))
    this.sums = this.sums.map((sums) => enlarged(sums, new Float64Array(this.#capacity)))
    const old = this.#slots
    this.#slots = new Uint32Array(2 * old.length)
    for (let slot = 0; slot < old.length; slot += 2)
      if (old[slot] !== 0) this.#place(old[slot]!, old[slot + 1]!)
  }

  #place(group: number, hash: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = (hash << 1) & mask
    while (slots[slot] !== 0) slot = (slot + 2) & mask
    slots[slot] = group
    slots[slot + 1] = hash
  }
}

function enlarged<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** A column at a time; the last mixing is MurmurHash3's. */
function hashWords(words: readonly Uint32Array[], count: number, hashes: Uint32Array): Uint32Array {
  hashes.fill(0, 0, count)
  for (const column of words) {
    for (let index = 0; index < count; index++) {
      const mixed = Math.imul(hashes[index]! ^ column[index]!, 0x9e3779b1)
      hashes[index] = mixed ^ (mixed >>> 15)
    }
  }
  for (let index = 0; index < count; index++) {
    let mixed = Math.imul(hashes[index]!, 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    hashes[index] = mixed ^ (mixed >>> 16)
  }
  return hashes
}
