/**
 * Reads blocks one after the other, each into the memory of the one before. Who goes through a stream step by step asks for the
 * block that a step ends in once more at the beginning of the next one: that is still there.
 */
import { ArrayRoom } from '../blocks/array-room.js'
import type { Block } from '../blocks/block.js'
import type { BlockStore } from './block-store.js'
import type { IndexedBlock } from './index-entry.js'
import { nameOfBlock } from './keys.js'

export class BlockReader {
  readonly #store: BlockStore
  readonly #room = new ArrayRoom()
  #name: string | undefined
  #block: Block | undefined

  constructor(store: BlockStore) {
    this.#store = store
  }

  /**
   * As `BlockStore.block`, but the block and its columns are good until the next is asked for, or `close`: nobody else may use the
   * reader meanwhile.
   */
  async open(entry: IndexedBlock): Promise<Block | undefined> {
    const name = nameOfBlock(entry)
    if (name === this.#name) return this.#block
    this.close()
    const block = await this.#store.block(entry, this.#room)
    if (block === undefined) return undefined
    this.#name = name
    this.#block = block
    return block
  }

  /** Gives up the block that was opened last. */
  close(): void {
    this.#name = undefined
    this.#block = undefined
    this.#room.reset()
  }
}
