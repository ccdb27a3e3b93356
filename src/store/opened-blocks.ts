/** Blocks kept open for the next reader of the same rows: the latest used, up to so many octets with what was decoded. */
import type { Block } from '../blocks/block.js'

/** Kept if nothing else is asked for: some pages of rows, whose readers come again. */
export const OPENED_OCTETS = 24 * 1024 * 1024

/** Of more blocks than this, those read first are no longer open when the query comes again. */
const MOST_KEPT = 24

/** How a query shall read that has so many blocks to open. */
export function useOfBlocks(blocks: number): 'kept' | 'once' {
  return blocks <= MOST_KEPT ? 'kept' : 'once'
}

export class OpenedBlocks {
  /** By name, the one used longest ago first. */
  readonly #blocks = new Map<string, Block>()
  readonly #most: number

  /** The block that was added last stays, however large it is. */
  constructor(mostOctets = OPENED_OCTETS) {
    this.#most = mostOctets
  }

  get(name: string): Block | undefined {
    const block = this.#blocks.get(name)
    if (block !== undefined) {
      this.#blocks.delete(name)
      this.#blocks.set(name, block)
    }
    return block
  }

  /** What is decoded of a block later counts when the next one is added. */
  add(name: string, block: Block): void {
    this.#blocks.set(name, block)
    let octets = 0
    for (const each of this.#blocks.values()) octets += each.heldOctets
    for (const [oldest, { heldOctets }] of this.#blocks) {
      if (octets <= this.#most || this.#blocks.size === 1) return
      this.#blocks.delete(oldest)
      octets -= heldOctets
    }
  }

  delete(name: string): void {
    this.#blocks.delete(name)
  }
}
