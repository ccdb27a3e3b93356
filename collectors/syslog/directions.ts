/**
 * Who opened a connection, for firewalls whose closing line does not say so (Cisco ASA): the line that opens it is
 * remembered by its connection number until the closing line comes. One fixed table for all exporters, so that any
 * number of senders costs no memory; the oldest entry of a full set is overwritten, so that an attacker's connections
 * cost nothing but older directions.
 */
import type { Line } from './line.js'

const WAYS = 4
const DEFAULT_ENTRIES = 65_536

/** An exporter's part of a table: equal connection numbers of two exporters are two connections. */
export class Directions {
  readonly #table: DirectionTable
  readonly #seed: number

  /** `exporter` is any number that no other exporter of the table has. */
  constructor(table: DirectionTable, exporter: number) {
    this.#table = table
    this.#seed = Math.imul(exporter + 1, 0x9e3779b1)
  }

  /** Remembers a direction, 1 or 2, under a 64-bit key in two halves. */
  remember(low: number, high: number, direction: 1 | 2): void {
    this.#table.remember(low ^ this.#seed, (high + this.#seed) | 0, direction)
  }

  /** The direction remembered under a key, which is then free; 0 where there is none. */
  take(low: number, high: number): number {
    return this.#table.take(low ^ this.#seed, (high + this.#seed) | 0)
  }
}

/** Words of a set: its keys in two halves, the directions of its ways, the way to be overwritten next; 64 octets in all. */
const SET_WORDS = 16
const VALUES = 2 * WAYS
const NEXT = 3 * WAYS

/** Direction of remembered connections: 1 as written, 2 the other way round, 0 not known. */
export class DirectionTable {
  readonly #setMask: number
  /** What one look needs stands beside each other: memory is fetched once. */
  readonly #words: Int32Array

  /** `entries` is rounded up to a power of two; an entry takes 16 octets. */
  constructor(entries: number = DEFAULT_ENTRIES) {
    let sets = 1
    while (sets * WAYS < entries) sets *= 2
    this.#setMask = sets - 1
    this.#words = new Int32Array(sets * SET_WORDS)
  }

  /** Remembers a direction, 1 or 2, under a 64-bit key in two halves. */
  remember(low: number, high: number, direction: 1 | 2): void {
    const words = this.#words
    const base = (low & this.#setMask) * SET_WORDS
    let way = find(words, base, low, high)
    if (way < 0) {
      way = words[base + NEXT]!
      words[base + NEXT] = (way + 1) % WAYS
      words[base + 2 * way] = low
      words[base + 2 * way + 1] = high
    }
    words[base + VALUES + way] = direction
  }

  /** The direction remembered under a key, which is then free; 0 where there is none. */
  take(low: number, high: number): number {
    const words = this.#words
    const base = (low & this.#setMask) * SET_WORDS
    const way = find(words, base, low, high)
    if (way < 0) return 0
    const direction = words[base + VALUES + way]!
    words[base + VALUES + way] = 0
    return direction
  }
}

function find(words: Int32Array, base: number, low: number, high: number): number {
  for (let way = 0; way < WAYS; way++) {
    if (words[base + 2 * way] !== low || words[base + 2 * way + 1] !== high) continue
    if (words[base + VALUES + way] !== 0) return way
  }
  return -1
}

/** Two independent 32-bit hashes of a range, continuing from a seed. */
export function hashLow(line: Line, start: number, end: number, seed: number): number {
  let hash = seed ^ 0x811c9dc5
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ line.octetAt(index), 0x01000193)
  return hash ^ (hash >>> 15)
}

/** The other half of the key: FNV's neighbour is a multiplicative hash. */
export function hashHigh(line: Line, start: number, end: number, seed: number): number {
  let hash = seed
  for (let index = start; index < end; index++) hash = (Math.imul(hash, 33) + line.octetAt(index)) | 0
  return hash
}
