/**
 * Groups by keys of 32-bit words: open addressing over typed arrays, sums beside them. A table has a number of groups
 * that it never exceeds; rows of further groups are counted in group 0, "other".
 */
import { finishHash, mixWord } from '../../word-hash.js'

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
  /** By hash, the group or else one of the next slots has it; 0 is free. At most half are taken. */
  #slots: Uint32Array
  #capacity: number
  /** Rows whose group was not found at the first look. */
  #missed = new Uint32Array(0)

  constructor(width: number, measures: number, maximumGroups: number) {
    this.width = width
    this.#maximum = maximumGroups + 1
    this.#capacity = FIRST_SLOTS / 2
    this.keys = new Uint32Array(this.#capacity * width)
    this.sums = Array.from({ length: measures }, () => new Float64Array(this.#capacity))
    this.#slots = new Uint32Array(FIRST_SLOTS)
  }

  /** Writes the group of each of `count` keys, whose words lie in `words[w][i]`, to `groups`. */
  assign(words: readonly Uint32Array[], count: number, groups: Uint32Array): void {
    if (this.width === 0) {
      this.size = 2
      groups.fill(1, 0, count)
      return
    }
    // Loads that do not wait for each other: first the slots of all rows, then the keys of the groups found there.
    look(words, count, this.#slots, groups)
    if (this.#missed.length < count) this.#missed = new Uint32Array(count)
    const missed = compare(words, count, this.keys, groups, this.#missed)
    for (let index = 0; index < missed; index++) {
      const row = this.#missed[index]!
      groups[row] = this.#find(words, row)
    }
  }

  #find(words: readonly Uint32Array[], row: number): number {
    const { keys, width } = this
    const slots = this.#slots
    const mask = slots.length - 1
    const hash = hashOfRow(words, row)
    for (let slot = hash & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const group = slots[slot]!
      const at = group * width
      let word = 0
      while (word < width && keys[at + word] === words[word]![row]) word++
      if (word === width) return group
    }
    return this.#add(words, row, hash)
  }

  #add(words: readonly Uint32Array[], row: number, hash: number): number {
    if (this.size >= this.#maximum) {
      this.isFull = true
      return OTHER
    }
    const group = this.size++
    if (group >= this.#capacity) this.#grow()
    for (let word = 0; word < this.width; word++) this.keys[group * this.width + word] = words[word]![row]!
    this.#place(group, hash)
    return group
  }

  /** Before the key of the group that needs the room is written. */
  #grow(): void {
    const groups = this.#capacity
    this.#capacity *= 2
    this.keys = enlarged(this.keys, new Uint32Array(this.#capacity * this.width))
    this.sums = this.sums.map((sums) => enlarged(sums, new Float64Array(this.#capacity)))
    this.#slots = new Uint32Array(2 * this.#capacity)
    for (let group = 1; group < groups; group++)
      this.#place(group, hashOfKey(this.keys, group * this.width, this.width))
  }

  #place(group: number, hash: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = group
  }
}

function enlarged<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}

function hashOfRow(words: readonly Uint32Array[], row: number): number {
  let hash = 0
  for (let word = 0; word < words.length; word++) hash = mixWord(hash, words[word]![row]!)
  return finishHash(hash)
}

function hashOfKey(keys: Uint32Array, at: number, width: number): number {
  let hash = 0
  for (let word = 0; word < width; word++) hash = mixWord(hash, keys[at + word]!)
  return finishHash(hash)
}

/** Writes the group at each row's first slot. Loops of their own for the usual widths, which have all words at hand. */
function look(words: readonly Uint32Array[], count: number, slots: Uint32Array, groups: Uint32Array): void {
  const mask = slots.length - 1
  const [first, second, third] = words as [Uint32Array, Uint32Array, Uint32Array]
  switch (words.length) {
    case 1:
      for (let row = 0; row < count; row++) groups[row] = slots[finishHash(mixWord(0, first[row]!)) & mask]!
      return
    case 2:
      for (let row = 0; row < count; row++) {
        const hash = mixWord(mixWord(0, first[row]!), second[row]!)
        groups[row] = slots[finishHash(hash) & mask]!
      }
      return
    case 3:
      for (let row = 0; row < count; row++) {
        const hash = mixWord(mixWord(mixWord(0, first[row]!), second[row]!), third[row]!)
        groups[row] = slots[finishHash(hash) & mask]!
      }
      return
    default:
      for (let row = 0; row < count; row++) groups[row] = slots[hashOfRow(words, row) & mask]!
  }
}

/** Notes the rows whose key is not that of the group found for them; how many they are. */
function compare(
  words: readonly Uint32Array[],
  count: number,
  keys: Uint32Array,
  groups: Uint32Array,
  missed: Uint32Array,
): number {
  const [first, second, third] = words as [Uint32Array, Uint32Array, Uint32Array]
  let misses = 0
  switch (words.length) {
    case 1:
      for (let row = 0; row < count; row++) {
        const group = groups[row]!
        if (group === 0 || keys[group] !== first[row]) missed[misses++] = row
      }
      return misses
    case 2:
      for (let row = 0; row < count; row++) {
        const group = groups[row]!
        const at = 2 * group
        if (group === 0 || keys[at] !== first[row] || keys[at + 1] !== second[row]) missed[misses++] = row
      }
      return misses
    case 3:
      for (let row = 0; row < count; row++) {
        const group = groups[row]!
        const at = 3 * group
        const isSame = keys[at] === first[row] && keys[at + 1] === second[row] && keys[at + 2] === third[row]
        if (group === 0 || !isSame) missed[misses++] = row
      }
      return misses
    default:
      for (let row = 0; row < count; row++) {
        const group = groups[row]!
        if (group === 0 || !hasKey(words, row, keys, group)) missed[misses++] = row
      }
      return misses
  }
}

function hasKey(words: readonly Uint32Array[], row: number, keys: Uint32Array, group: number): boolean {
  const width = words.length
  for (let word = 0; word < width; word++) if (keys[group * width + word] !== words[word]![row]) return false
  return true
}
