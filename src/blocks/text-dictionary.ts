/**
 * The texts of one column of a block on its way, held as the octets that go to disk (docs/storage-format.md, codec
 * `strings`), so that sealing encodes nothing. A text is found by its octets: a string is made of it only for a reader.
 */

import { randomBytes } from 'node:crypto'

const FIRST_OCTETS = 4096
const FIRST_TEXTS = 256
/** The longest that a LEB128 of 32 bits takes. */
const MOST_LENGTH_OCTETS = 5
/** Words of four octets are read up to here behind a text. */
const PADDING = 4
/** A heap that grew beyond this is given back when the block is sealed. */
const MOST_KEPT_OCTETS = 64 * 1024 * 1024

/** Octets that may be looked up; a word of four may be read behind any of them. */
export type TextOctets = {
  readonly octets: Uint8Array
  /** Of the same octets, and four more behind the last. */
  readonly view: DataView
}

export class TextDictionary {
  #octets = new Uint8Array(0)
  #view = new DataView(this.#octets.buffer)
  #used = 0
  #count = 0
  /** Per text, beside each other as they are read together: where it stands, how long it is, its hash. */
  #entries = new Int32Array(0)
  /** By slot: the index of a text, 0 where free. */
  #table = new Uint32Array(0)
  /** Texts that came as strings, and those that a reader has asked for. */
  readonly #indexes = new Map<string, number>()
  readonly #strings: string[] = ['']
  #lastString: string | undefined
  #lastIndex = 0

  /** How many texts there are; they are numbered from 1. */
  get count(): number {
    return this.#count
  }

  /** The octets that all texts take on disk before compression. */
  get octets(): number {
    return this.#used
  }

  /** The index of a text, which is added where it is new. */
  indexOf(text: string): number {
    if (text === this.#lastString) return this.#lastIndex
    let index = this.#indexes.get(text)
    if (index === undefined) {
      const octets = new Uint8Array(Buffer.byteLength(text) + PADDING)
      const length = Buffer.from(octets.buffer).write(text)
      index = this.indexOfOctets({ octets, view: new DataView(octets.buffer) }, 0, length)
      this.#indexes.set(text, index)
    }
    this.#lastString = text
    this.#lastIndex = index
    return index
  }

  /** The index of a text by its octets, which are UTF-8; it is added where it is new. */
  indexOfOctets(from: TextOctets, start: number, end: number): number {
    const { view } = from
    const whole = end - ((end - start) & 3)
    let hash = SEED ^ (end - start)
    for (let at = start; at < whole; at += 4) hash = mixed(hash, view.getInt32(at, true))
    return this.#find(from, start, end, mixed(hash, view.getInt32(whole, true) & tailMask(end - start)))
  }

  /**
   * As `indexOfOctets`, where all octets are ASCII, none is NUL and none is `mark` (0: any may be); 0, with nothing added,
   * where one is: looking at them costs nothing beside hashing them.
   */
  indexOfPlain(from: TextOctets, start: number, end: number, mark: number): number {
    const { view } = from
    const whole = end - ((end - start) & 3)
    const marks = Math.imul(mark, EACH_OCTET)
    let hash = SEED ^ (end - start)
    let found = 0
    for (let at = start; at < whole; at += 4) {
      const word = view.getInt32(at, true)
      found |= word | zeroOctets(word) | zeroOctets(word ^ marks)
      hash = mixed(hash, word)
    }
    const mask = tailMask(end - start)
    const tail = view.getInt32(whole, true) & mask
    const filled = tail | (EACH_OCTET & ~mask)
    found |= filled | zeroOctets(filled) | zeroOctets(filled ^ marks)
    return (found & HIGH_BITS) === 0 ? this.#find(from, start, end, mixed(hash, tail)) : 0
  }

  /** Adds a text without looking whether it is there: for texts of which hardly two are the same. */
  append(octets: Uint8Array, start: number, end: number): number {
    const length = end - start
    const at = this.#addEntry(length)
    if (length <= SHORT)
      for (let index = 0; index < length; index++) this.#octets[at + index] = octets[start + index]!
    else this.#octets.set(octets.subarray(start, end), at)
    return this.#count
  }

  /** As `append`, of octets that stand for the first 256 characters of Unicode, one each. */
  appendLatin1({ octets, view }: TextOctets, start: number, end: number): number {
    const used = this.#used
    const first = this.#addEntry(end - start)
    if (copyWords(this.#view, first, view, start, end - start)) return this.#count
    // Some take two octets: the text is begun anew.
    this.#used = used
    this.#count--
    let wide = 0
    for (let index = start; index < end; index++) wide += octets[index]! >> 7
    let at = this.#addEntry(end - start + wide)
    const to = this.#octets
    for (let index = start; index < end; index++) {
      const octet = octets[index]!
      if (octet < 0x80) to[at++] = octet
      else {
        to[at++] = 0xc0 | (octet >> 6)
        to[at++] = 0x80 | (octet & 0x3f)
      }
    }
    return this.#count
  }

  /** The texts as strings, index 0 unused; made once each. */
  strings(): readonly string[] {
    const strings = this.#strings
    const octets = Buffer.from(this.#octets.buffer)
    while (strings.length <= this.#count) {
      const entry = ENTRY * strings.length
      const start = this.#entries[entry]!
      strings.push(octets.toString('utf8', start, start + this.#entries[entry + LENGTH]!))
    }
    return strings
  }

  /** The dictionary as it goes to disk; the octets are the dictionary's own, valid until it is cleared. */
  encoded(): Uint8Array {
    return this.#octets.subarray(0, this.#used)
  }

  clear(): void {
    if (this.#octets.length > MOST_KEPT_OCTETS) this.#setOctets(new Uint8Array(FIRST_OCTETS))
    this.#table.fill(0)
    this.#indexes.clear()
    this.#strings.length = 1
    this.#lastString = undefined
    this.#lastIndex = 0
    this.#used = 0
    this.#count = 0
  }

  #find(from: TextOctets, start: number, end: number, hash: number): number {
    const length = end - start
    if (2 * (this.#count + 1) > this.#table.length) this.#growTable()
    const table = this.#table
    const entries = this.#entries
    const mask = table.length - 1
    let slot = hash & mask
    for (;;) {
      const index = table[slot]!
      if (index === 0) break
      const entry = ENTRY * index
      if (
        entries[entry + HASH] === hash &&
        entries[entry + LENGTH] === length &&
        this.#holds(entries[entry]!, from.view, start, length)
      ) {
        return index
      }
      slot = (slot + 1) & mask
    }
    const index = this.append(from.octets, start, end)
    this.#entries[ENTRY * index + HASH] = hash
    table[slot] = index
    return index
  }

  #holds(at: number, view: DataView, start: number, length: number): boolean {
    const own = this.#view
    let offset = 0
    for (; offset + 4 <= length; offset += 4) {
      if (own.getInt32(at + offset, true) !== view.getInt32(start + offset, true)) return false
    }
    const rest = own.getInt32(at + offset, true) ^ view.getInt32(start + offset, true)
    return (rest & tailMask(length)) === 0
  }

  /** Makes room for one text more and writes its length; where its octets go. */
  #addEntry(length: number): number {
    const index = this.#count + 1
    if (ENTRY * index >= this.#entries.length) this.#growEntries()
    if (this.#used + MOST_LENGTH_OCTETS + length + PADDING > this.#octets.length) this.#growOctets(length)
    const octets = this.#octets
    let at = this.#used
    let rest = length
    while (rest >= 0x80) {
      octets[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    octets[at++] = rest
    this.#entries[ENTRY * index] = at
    this.#entries[ENTRY * index + LENGTH] = length
    this.#used = at + length
    this.#count = index
    return at
  }

  #growEntries(): void {
    const size = Math.max(ENTRY * FIRST_TEXTS, 2 * this.#entries.length)
    this.#entries = grown(new Int32Array(size), this.#entries)
  }

  #growOctets(length: number): void {
    let size = Math.max(FIRST_OCTETS, 2 * this.#octets.length)
    while (size < this.#used + MOST_LENGTH_OCTETS + length + PADDING) size *= 2
    this.#setOctets(grown(new Uint8Array(size), this.#octets.subarray(0, this.#used)))
  }

  #setOctets(octets: Uint8Array<ArrayBuffer>): void {
    this.#octets = octets
    this.#view = new DataView(octets.buffer)
  }

  #growTable(): void {
    const size = Math.max(2 * FIRST_TEXTS, 2 * this.#table.length)
    const table = new Uint32Array(size)
    const mask = size - 1
    for (const index of this.#table) {
      if (index === 0) continue
      let slot = this.#entries[ENTRY * index + HASH]! & mask
      while (table[slot] !== 0) slot = (slot + 1) & mask
      table[slot] = index
    }
    this.#table = table
  }
}

/** Secret, so that nobody who writes log lines can choose texts that collide. */
const SEED = randomBytes(4).readInt32LE()

const HIGH_BITS = 0x80808080 | 0
const EACH_OCTET = 0x01010101
/** Numbers per text, and which of them is what; the first is where the text stands. */
const ENTRY = 4
const LENGTH = 1
const HASH = 2
/** Up to here copying octet by octet is faster than a call. */
const SHORT = 24

/** A hash goes on by four octets. */
function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1)
  return product ^ (product >>> 15)
}

/** Has the highest bit of an octet set where a word has an octet of 0 (and, behind one, perhaps where it has a 1). */
function zeroOctets(word: number): number {
  return (word - EACH_OCTET) & ~word
}

/** Covers the octets of the last, incomplete word, in the order of memory. */
function tailMask(length: number): number {
  return (1 << ((length & 3) << 3)) - 1
}

/** Copies octets in words, with up to four of what stands behind them, and tells whether all of them are ASCII. */
function copyWords(to: DataView, at: number, from: DataView, start: number, length: number): boolean {
  const whole = length & ~3
  let high = 0
  for (let offset = 0; offset < whole; offset += 4) {
    const word = from.getInt32(start + offset, true)
    high |= word
    to.setInt32(at + offset, word, true)
  }
  const tail = from.getInt32(start + whole, true)
  to.setInt32(at + whole, tail, true)
  return ((high | (tail & tailMask(length))) & HIGH_BITS) === 0
}

function grown<A extends Uint8Array | Int32Array>(to: A, from: A): A {
  to.set(from)
  return to
}
