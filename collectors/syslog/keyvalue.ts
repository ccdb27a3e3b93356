/**
 * Lookup of a key by its place in the line, without making a string of it: a hash over the octets, then the octets
 * themselves. A vendor's file declares its keys once and gets back the number of the key.
 */

import { KeyTrail } from './key-trail.js'
import type { Line } from './line.js'

const SLOTS_PER_KEY = 4

/** Hash of the octets of a key, as a scanner accumulates it while it looks for the key's end. */
export function hashOf(name: string): number {
  let hash = 0
  for (let index = 0; index < name.length; index++) hash = (Math.imul(hash, 31) + name.charCodeAt(index)) | 0
  return hash
}

/** Compares in full, without regard to the case of ASCII letters; `word` is in lower case. */
function foldedIs(line: Line, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false
  for (let index = 0; index < word.length; index++) {
    let code = line.octetAt(start + index)
    if (code >= 0x41 && code <= 0x5a) code |= 0x20
    if (code !== word[index]) return false
  }
  return true
}

/** A fixed set of names, each with a number above 0. */
export class KeyTable {
  /** The order in which the keys came lately. */
  readonly trail = new KeyTrail()
  readonly #mask: number
  readonly #hashes: Int32Array
  readonly #values: Int32Array
  readonly #names: string[]
  /** The names once more, as octets: where they are compared, no string is read. */
  readonly #octets: Uint8Array[]

  constructor(keys: Readonly<Record<string, number>>) {
    const names = Object.keys(keys)
    let size = 16
    while (size < names.length * SLOTS_PER_KEY) size *= 2
    this.#mask = size - 1
    this.#hashes = new Int32Array(size)
    this.#values = new Int32Array(size)
    this.#names = new Array<string>(size).fill('')
    this.#octets = new Array<Uint8Array>(size).fill(new Uint8Array(0))
    for (const name of names) {
      const hash = hashOf(name)
      let slot = hash & this.#mask
      while (this.#values[slot] !== 0) slot = (slot + 1) & this.#mask
      this.#hashes[slot] = hash
      this.#values[slot] = keys[name]!
      this.#names[slot] = name
      this.#octets[slot] = new Uint8Array(Buffer.from(name, 'latin1'))
    }
  }

  /** The number of a name; 0 when it is not one of ours. */
  numberOf(name: string): number {
    const slot = this.#names.indexOf(name)
    return slot < 0 ? 0 : this.#values[slot]!
  }

  /** The number of the key at `start` of the given length and hash; 0 when it is not one of ours. */
  find(line: Line, start: number, length: number, hash: number): number {
    let slot = hash & this.#mask
    for (;;) {
      const value = this.#values[slot]!
      if (value === 0) return 0
      if (this.#hashes[slot] === hash) {
        const name = this.#octets[slot]!
        if (name.length === length && line.startsWithOctets(name, start)) return value
      }
      slot = (slot + 1) & this.#mask
    }
  }

  /** As `findRange`, without regard to the case of ASCII letters; the names must be lower case. */
  findFolded(line: Line, start: number, end: number): number {
    if (end - start > 64) return 0
    let hash = 0
    for (let index = start; index < end; index++) {
      const code = line.octetAt(index)
      hash = (Math.imul(hash, 31) + (code >= 0x41 && code <= 0x5a ? code | 0x20 : code)) | 0
    }
    let slot = hash & this.#mask
    for (;;) {
      const value = this.#values[slot]!
      if (value === 0) return 0
      if (this.#hashes[slot] === hash && foldedIs(line, start, end, this.#octets[slot]!)) return value
      slot = (slot + 1) & this.#mask
    }
  }

  /** The number of the text in a range; 0 when it is not one of ours. */
  findRange(line: Line, start: number, end: number): number {
    if (end - start > 64) return 0
    let hash = 0
    for (let index = start; index < end; index++) hash = (Math.imul(hash, 31) + line.octetAt(index)) | 0
    return this.find(line, start, end - start, hash)
  }
}
