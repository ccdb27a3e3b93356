/**
 * Memory that blocks are decoded into one after the other. Arrays of their own are garbage several times as large as the store:
 * the engine looks for it every ten blocks, at the cost of all that is alive, and holds a hundred megabytes of it.
 */
import type { Plane } from './builder.js'

type Kind = {
  new (buffer: ArrayBuffer, byteOffset: number, rows: number): Plane
  readonly BYTES_PER_ELEMENT: number
}

/** The arrays of a block of 65,536 rows need a few of these. */
const CHUNK_OCTETS = 1024 * 1024
const ALIGNMENT_OCTETS = 8

export class ArrayRoom {
  /** How often it was reset: what was taken at another count is gone. */
  resets = 0
  readonly #chunks: ArrayBuffer[] = []
  /** The chunk that arrays are taken from, and where the next one begins there. */
  #chunk = 0
  #at = 0
  #octets = new Uint8Array(0)
  #end: (() => void) | undefined

  /** So many octets for a block itself, which hold whatever was there before; `end` is called when the block is given up. */
  hold(octets: number, end: () => void): Uint8Array {
    this.#end?.()
    this.#end = end
    if (this.#octets.length < octets) this.#octets = new Uint8Array(octets)
    return this.#octets.subarray(0, octets)
  }

  /** An array that holds whatever was there before, until `reset`. */
  take<K extends Kind>(kind: K, rows: number): InstanceType<K> {
    const octets = kind.BYTES_PER_ELEMENT * rows
    const buffer = this.#chunkFor(octets)
    const array = new kind(buffer, this.#at, rows) as InstanceType<K>
    this.#at += Math.ceil(octets / ALIGNMENT_OCTETS) * ALIGNMENT_OCTETS
    return array
  }

  /** All that was taken is given back: who still reads it reads what comes next. To be called at the end, too. */
  reset(): void {
    this.#end?.()
    this.#end = undefined
    this.resets++
    this.#chunk = 0
    this.#at = 0
  }

  #chunkFor(octets: number): ArrayBuffer {
    for (; this.#chunk < this.#chunks.length; this.#chunk++, this.#at = 0) {
      const chunk = this.#chunks[this.#chunk]!
      if (this.#at + octets <= chunk.byteLength) return chunk
    }
    const chunk = new ArrayBuffer(Math.max(CHUNK_OCTETS, octets))
    this.#chunks.push(chunk)
    return chunk
  }
}
