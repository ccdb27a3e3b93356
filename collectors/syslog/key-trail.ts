/**
 * The order in which the keys of a log come, learned from the lines before: a device writes the same keys in the same
 * order again and again, so that the next key is compared with the one expected, in words of four octets and in full,
 * before it is looked for. A wrong guess costs a comparison and changes nothing.
 */
import type { Line } from './line.js'
import { EQUALS } from './scan.js'

/** Keys that are remembered; a line with more different ones makes the trail begin anew. */
const MAX_KEYS = 256
const SLOTS = 1024
/** A key and its equals sign are compared in four words. */
const WORDS = 4
const MAX_OCTETS = 4 * WORDS - 1

/** Where no key came before. */
export const TRAIL_START = 0
/** Behind a key that is not remembered. */
const NOWHERE = 1

export class KeyTrail {
  #count = NOWHERE
  readonly #words = new Int32Array(WORDS * (MAX_KEYS + 2))
  readonly #masks = new Int32Array(WORDS * (MAX_KEYS + 2))
  readonly #lengths = new Uint8Array(MAX_KEYS + 2)
  readonly #numbers = new Int32Array(MAX_KEYS + 2)
  readonly #next = new Uint16Array(MAX_KEYS + 2)
  readonly #hashes = new Int32Array(MAX_KEYS + 2)
  readonly #table = new Uint16Array(SLOTS)

  /** The key that is expected behind another, where it stands at the offset with its equals sign; else 0. */
  expect({ view }: Line, last: number, at: number): number {
    const key = this.#next[last]!
    if (key === 0) return 0
    const words = this.#words
    const masks = this.#masks
    const word = WORDS * key
    const differs =
      ((view.getInt32(at, true) & masks[word]!) ^ words[word]!) |
      ((view.getInt32(at + 4, true) & masks[word + 1]!) ^ words[word + 1]!) |
      ((view.getInt32(at + 8, true) & masks[word + 2]!) ^ words[word + 2]!) |
      ((view.getInt32(at + 12, true) & masks[word + 3]!) ^ words[word + 3]!)
    return differs === 0 ? key : 0
  }

  /** Octets of a remembered key. */
  length(key: number): number {
    return this.#lengths[key]!
  }

  /** The number of a remembered key in its table; 0 where the table does not have it. */
  number(key: number): number {
    return this.#numbers[key]!
  }

  /** Notes that a key came behind another. The place behind it. */
  note(line: Line, last: number, start: number, length: number, hash: number, number: number): number {
    const key = length > MAX_OCTETS || length === 0 ? NOWHERE : this.#find(line, start, length, hash, number)
    if (last !== NOWHERE && key !== NOWHERE) this.#next[last] = key
    return key
  }

  #find(line: Line, start: number, length: number, hash: number, number: number): number {
    let slot = (hash ^ (hash >>> 16)) & (SLOTS - 1)
    for (;;) {
      const key = this.#table[slot]!
      if (key === 0) break
      if (this.#hashes[key] === hash && this.#lengths[key] === length && this.#stands(line, key, start))
        return key
      slot = (slot + 1) & (SLOTS - 1)
    }
    if (hasSeparator(line, start, start + length)) return NOWHERE
    if (this.#count > MAX_KEYS) {
      this.#table.fill(0)
      this.#next.fill(0)
      this.#count = NOWHERE
      slot = (hash ^ (hash >>> 16)) & (SLOTS - 1)
    }
    const key = ++this.#count
    this.#table[slot] = key
    this.#hashes[key] = hash
    this.#lengths[key] = length
    this.#numbers[key] = number
    this.#next[key] = 0
    for (let word = 0; word < WORDS; word++) {
      const octets = Math.min(4, Math.max(0, length + 1 - 4 * word))
      const mask = octets === 4 ? -1 : (1 << (8 * octets)) - 1
      this.#masks[WORDS * key + word] = mask
      this.#words[WORDS * key + word] = line.view.getInt32(start + 4 * word, true) & mask
    }
    return key
  }

  #stands({ view }: Line, key: number, at: number): boolean {
    for (let word = 0; word < WORDS; word++) {
      const place = WORDS * key + word
      if ((view.getInt32(at + 4 * word, true) & this.#masks[place]!) !== this.#words[place]!) return false
    }
    return true
  }
}

/** What separates pairs in one log may be part of a key in another; such keys are not remembered. */
function hasSeparator(line: Line, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    const code = line.octetAt(index)
    if (code <= 0x20 || code === 0x2c || code === 0x3b || code === 0x7c || code === EQUALS) return true
  }
  return false
}
