/** What the blocks database offers; blocks.ts makes it. */
import type { ArrayRoom } from '../blocks/array-room.js'
import type { Block } from '../blocks/block.js'
import type { BlockBuilder } from '../blocks/builder.js'
import type { Run } from '../blocks/runs.js'
import type { StreamName } from '../records/columns.js'
import type { AddressTest } from './block-index.js'
import type { IndexedBlock } from './index-entry.js'
import type { BlockPlace } from './keys.js'
import type { IngestSequence } from './sequence.js'

export type BlockStore = {
  readonly sequence: IngestSequence
  open(): Promise<void>
  close(): Promise<void>
  /**
   * Encodes and writes the rows of a builder, which may be reused at once. Resolves when the block is readable; with
   * `sync`, when it and all before it would survive a power failure.
   */
  append(
    builder: BlockBuilder,
    storedMilliseconds: number,
    sync?: boolean,
  ): Promise<{ rows: number; octets: number }>
  /**
   * Writes the rows of builders and a note, all or nothing and synced, so that the note is true of what is there whenever
   * the process ends. A builder is free again when the next one is asked for.
   */
  appendNoted(
    builders: Iterable<BlockBuilder>,
    storedMilliseconds: number,
    note: Uint8Array,
  ): Promise<{ rows: number; octets: number }>
  /** The note that was written last. */
  note(): Promise<Uint8Array | undefined>
  /** Makes all blocks written so far durable. */
  sync(): Promise<void>
  /** The blocks of a stream below the watermark, in sequence order, as the index has them after looking for new ones. */
  index(stream: StreamName): Promise<readonly IndexedBlock[]>
  /**
   * Opens a block; undefined when it has been removed meanwhile; throws BLOCK_DAMAGED when it cannot be read. It is `kept` open
   * for who asks for it next, as is supposed; or read `once`; or it goes into a room of who asks, and what that does not look at is
   * not read.
   */
  block(
    entry: BlockPlace & Pick<IndexedBlock, 'damage'>,
    use?: 'kept' | 'once' | ArrayRoom,
  ): Promise<Block | undefined>
  /**
   * Gives a block, opened as by `block`, to work that is done when it returns. Of one that is read once just what the work asks for
   * is read, and nothing of the block may be used afterwards but what was decoded.
   */
  read<Result>(
    entry: BlockPlace & Pick<IndexedBlock, 'damage'>,
    use: 'kept' | 'once',
    work: (block: Block) => Result,
  ): Promise<{ readonly result: Result } | undefined>
  /** A block's octets as they lie in the database now, unchecked; undefined when it has been removed. Throws BLOCK_DAMAGED. */
  octets(entry: BlockPlace): Promise<Uint8Array | undefined>
  /** Numbers rows that were received and will never be written, so that they show as missing ones. */
  skip(rows: number): void
  /** Rows of one stream or another were removed below this number: what is missing there is no loss. */
  completeFrom(): Promise<number>
  /** Rows of the stream were removed below this number, as the index knows. */
  floor(stream: StreamName): Promise<number>
  /** What blocks' filters (address-filter.ts) say of addresses, and of no others; undefined for blocks that have none. */
  addressTests(
    entries: readonly BlockPlace[],
    addresses: readonly (readonly number[])[],
  ): Promise<(AddressTest | undefined)[]>
  /**
   * Puts the rows of a builder in the place of blocks whose rows they are, with their numbers. The old blocks stay for
   * readers that walk over them, until `dropReplaced`.
   */
  replace(
    olds: readonly IndexedBlock[],
    builder: BlockBuilder,
    runs: readonly Run[],
    nowMilliseconds: number,
  ): Promise<void>
  /** Deletes blocks that were replaced longer ago than they are kept for; returns how many. */
  dropReplaced(nowMilliseconds: number, keptMilliseconds: number): Promise<number>
  /** Deletes the blocks of streams below a sequence each and gives their space back; cursors step over them. */
  removeBefore(limits: ReadonlyMap<StreamName, number>): Promise<void>
  /** Octets of the database's files. */
  usedOctets(): Promise<number>
}

export type BlockStoreOptions = {
  readonly location: string
  /** What errors call it. */
  readonly what?: 'blocks' | 'rollups'
  /** Shared memory of the sequence, when another thread has made it. */
  readonly sequence?: SharedArrayBuffer
  /** True in the one thread that mends the index and finds where numbering goes on. */
  readonly isFirst: boolean
  /** Rows below this number are known to have been written: numbering goes on at it at the least. */
  readonly writtenTo?: number | Promise<number>
  readonly onRepair?: (cause: Error) => void
  /** Blocks kept open for who reads them again, with what was decoded of them; 0: each is read once. */
  readonly openedOctets?: number | undefined
}
