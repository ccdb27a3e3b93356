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

/** Direction of remembered connections: 1 as written, 2 the other way round, 0 not known. */
export class DirectionTable {
  readonly #setMask: number
  readonly #low: Int32Array
  readonly #high: Int32Array
  readonly #values: Uint8Array
  readonly #next: Uint8Array

  /** `entries` is rounded up to a power of two; an entry takes 9 octets. */
  constructor(entries: number = DEFAULT_ENTRIES) {
    let sets = 1
    while (sets * WAYS < entries) sets *= 2
    this.#setMask = sets - 1
    this.#low = new Int32Array(sets * WAYS)
    this.#high = new Int32Array(sets * WAYS)
    this.#values = new Uint8Array(sets * WAYS)
    this.#next = new Uint8Array(sets)
  }

  /** Remembers a direction, 1 or 2, under a 64-bit key in two halves. */
  remember(low: number, high: number, direction: 1 | 2): void {
    const set = low & this.#setMask
    const base = set * WAYS
    for (let way = 0; way < WAYS; way++) {
      if (
        this.#values[base + way] !== 0 &&
        this.#low[base + way] === low &&
        this.#high[base + way] === high
      ) {
        this.#values[base + way] = direction
        return
      }
    }
    const way = this.#next[set]!
    this.#next[set] = (way + 1) % WAYS
    this.#low[base + way] = low
    this.#high[base + way] = high
    this.#values[base + way] = direction
  }

  /** The direction remembered under a key, which is then free; 0 where there is none. */
  take(low: number, high: number): number {
    const base = (low & this.#setMask) * WAYS
    for (let way = 0; way < WAYS; way++) {
      const value = this.#values[base + way]!
      if (value !== 0 && this.#low[base + way] === low && this.#high[base + way] === high) {
        this.#values[base + way] = 0
        return value
      }
    }
    return 0
  }
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
