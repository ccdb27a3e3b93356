/**
 * Keys of 32-bit words and their numbers, from 1: open addressing over typed arrays. Of a slot the hash lies beside the
 * number, so that a key which is not there costs one look; a table that is full is asked for millions of those. Keys beyond
 * the most that there is room for have the number 0.
 */
import { finishHash, mixWord } from '../word-hash.js'

const FIRST_SLOTS = 2048

export class KeyTable {
  /** Words of a key. */
  readonly width: number
  /** `width` words a number, from number 0 on, which has none: room for all, which takes no memory until it is written to. */
  readonly keys: Uint32Array
  /** One more than the highest number. */
  size = 1
  /** Whether a key found no room. */
  isFull = false
  readonly #maximum: number
  /** Hash and number by slot; number 0 is free. At most half are taken. */
  #slots = new Uint32Array(2 * FIRST_SLOTS)
  #hashes = new Uint32Array(0)

  constructor(width: number, maximum: number) {
    this.width = width
    this.#maximum = maximum
    this.keys = new Uint32Array((maximum + 1) * width)
  }

  /** Writes the number of each of `count` keys, whose words lie in `words[w][i]`. */
  assign(words: readonly Uint32Array[], count: number, numbers: Uint32Array): void {
    if (this.#hashes.length < count) this.#hashes = new Uint32Array(count)
    const hashes = this.#hashes
    hashes.fill(0, 0, count)
    for (const word of words) mixWords(hashes, word, count)
    finishAll(hashes, count)
    look(hashes, count, this.#slots, numbers)
    for (let row = 0; row < count; row++) {
      const number = numbers[row]!
      if (number === 0 || !this.#has(words, row, number)) numbers[row] = this.#find(words, row, hashes[row]!)
    }
  }

  /** Forgets all keys but those of some numbers, ascending, which get the numbers from 1 on in their order. */
  keep(numbers: Uint32Array): void {
    const { keys, width } = this
    const slots = this.#slots.fill(0)
    const mask = slots.length - 2
    for (let index = 0; index < numbers.length; index++) {
      const from = numbers[index]! * width
      const to = (index + 1) * width
      let mixed = 0
      for (let word = 0; word < width; word++) {
        const value = keys[from + word]!
        keys[to + word] = value
        mixed = mixWord(mixed, value)
      }
      const hash = finishHash(mixed) >>> 0
      let at = (2 * hash) & mask
      while (slots[at + 1] !== 0) at = (at + 2) & mask
      slots[at] = hash
      slots[at + 1] = index + 1
    }
    this.size = numbers.length + 1
    this.isFull = false
  }

  #has(words: readonly Uint32Array[], row: number, number: number): boolean {
    const at = number * this.width
    for (let word = 0; word < this.width; word++) if (this.keys[at + word] !== words[word]![row]) return false
    return true
  }

  #find(words: readonly Uint32Array[], row: number, hash: number): number {
    const slots = this.#slots
    const mask = slots.length - 2
    let at = (2 * hash) & mask
    for (let number = slots[at + 1]!; number !== 0; number = slots[at + 1]!) {
      if (slots[at] === hash && this.#has(words, row, number)) return number
      at = (at + 2) & mask
    }
    if (this.size > this.#maximum) {
      this.isFull = true
      return 0
    }
    const number = this.size++
    slots[at] = hash
    slots[at + 1] = number
    for (let word = 0; word < this.width; word++) this.keys[number * this.width + word] = words[word]![row]!
    if (4 * (this.size - 1) > slots.length) this.#grow()
    return number
  }

  #grow(): void {
    const old = this.#slots
    const slots = new Uint32Array(2 * old.length)
    const mask = slots.length - 2
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === 0) continue
      let at = (2 * old[from]!) & mask
      while (slots[at + 1] !== 0) at = (at + 2) & mask
      slots[at] = old[from]!
      slots[at + 1] = old[from + 1]!
    }
    this.#slots = slots
  }
}

function mixWords(hashes: Uint32Array, words: Uint32Array, count: number): void {
  for (let row = 0; row < count; row++) hashes[row] = mixWord(hashes[row]!, words[row]!)
}

function finishAll(hashes: Uint32Array, count: number): void {
  for (let row = 0; row < count; row++) hashes[row] = finishHash(hashes[row]!)
}

/** The number at each key's first slot where the hash is the same, else 0: loads that do not wait for each other. */
function look(hashes: Uint32Array, count: number, slots: Uint32Array, numbers: Uint32Array): void {
  const mask = slots.length - 2
  for (let row = 0; row < count; row++) {
    const hash = hashes[row]!
    const at = (2 * hash) & mask
    numbers[row] = slots[at] === hash ? slots[at + 1]! : 0
  }
}
