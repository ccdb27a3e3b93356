/**
 * The blocks database: sealed blocks under growing keys (docs/storage-format.md). Reading goes through an index of
 * block headers that each thread keeps for itself and extends as blocks are written.
 */
import { mkdir } from 'node:fs/promises'
import type { ClassicLevel } from 'classic-level'
import { Block, type BlockHeader, encodeBlock } from '../blocks/block.js'
import { BLOCK_ROWS, type BlockBuilder } from '../blocks/builder.js'
import { ApplianceError } from '../errors.js'
import { type StreamDefinition, type StreamName, streamNamed, streams } from '../records/columns.js'
import { guarded, openLevel } from './level.js'
import { createIngestSequence, type IngestSequence } from './sequence.js'

const WHAT = 'blocks'
const KEY_OCTETS = 9
/** Written with sync, which makes everything before it durable. Its value is the number of the next row. */
const SYNC_KEY = Uint8Array.of(0xff)
/** Blocks kept open for the next reader of the same rows. */
const OPEN_BLOCKS = 24
/** LevelDB's memory table: blocks are large, so it is. */
const WRITE_BUFFER_OCTETS = 16 * 1024 * 1024

/** What the index knows of a block without its columns. */
export type IndexedBlock = Pick<
  BlockHeader,
  | 'stream'
  | 'firstSequence'
  | 'rows'
  | 'storedMilliseconds'
  | 'receivedFromMilliseconds'
  | 'receivedToMilliseconds'
  | 'protocols'
> & {
  readonly octets: number
  /** Set when the block could not be read: why. */
  readonly damage?: string
}

export type BlockStore = {
  readonly sequence: IngestSequence
  open(): Promise<void>
  close(): Promise<void>
  /** Encodes and writes the rows of a builder, which may be reused at once. Resolves when the block is readable. */
  append(builder: BlockBuilder, storedMilliseconds: number): Promise<{ rows: number; octets: number }>
  /** Makes all blocks written so far durable. */
  sync(): Promise<void>
  /** The blocks of a stream below the watermark, in sequence order, as the index has them after looking for new ones. */
  index(stream: StreamName): Promise<readonly IndexedBlock[]>
  /** Opens a block; throws BLOCK_DAMAGED when it cannot be read. */
  block(entry: Pick<IndexedBlock, 'stream' | 'firstSequence' | 'damage'>): Promise<Block>
  /** Deletes blocks; cursors step over them. */
  remove(entries: readonly IndexedBlock[]): Promise<void>
}

export type BlockStoreOptions = {
  readonly location: string
  /** Shared memory of the sequence, when another thread has made it. */
  readonly sequence?: SharedArrayBuffer
  /** True in the one thread that finds where numbering goes on. */
  readonly isFirst: boolean
  readonly onRepair?: (cause: Error) => void
}

/** Makes a store over the folder; inert until `open`. */
export function createBlockStore(options: BlockStoreOptions): BlockStore {
  const sequence = createIngestSequence(options.sequence)
  let database: ClassicLevel<Uint8Array, Uint8Array> | undefined
  const indexes = new Map<StreamName, IndexedBlock[]>()
  const opened = new Map<string, Block>()

  const level = () => {
    if (database === undefined) throw new Error('the blocks database is not open')
    return database
  }

  async function nextSequence(): Promise<number> {
    const synced = readSynced(await level().get(SYNC_KEY))
    let next = synced
    for (const stream of streams) {
      const range = {
        gte: blockKey(stream, 0),
        lt: blockKey(stream, Number.MAX_SAFE_INTEGER),
        reverse: true,
        limit: 1,
      }
      for await (const [key, value] of level().iterator(range)) {
        const indexed = indexBlock(stream, key, value)
        // How many rows a damaged block has is not known, so that none is numbered twice it is taken for a full one,
        // unless it is older than the last sync and its rows are below that number.
        const isOlder = indexed.firstSequence < synced
        const rows = indexed.damage === undefined ? indexed.rows : isOlder ? 1 : BLOCK_ROWS
        next = Math.max(next, indexed.firstSequence + rows)
      }
    }
    return next
  }

  async function extend(stream: StreamDefinition): Promise<IndexedBlock[]> {
    let index = indexes.get(stream.name)
    if (index === undefined) {
      index = []
      indexes.set(stream.name, index)
    }
    const watermark = sequence.watermark()
    const last = index.at(-1)
    const from = last === undefined ? 0 : last.firstSequence + 1
    if (from >= watermark) return index
    const range = { gte: blockKey(stream, from), lt: blockKey(stream, watermark) }
    for await (const [key, value] of level().iterator(range)) {
      const indexed = indexBlock(stream, key, value)
      // Two callers may extend at the same time; each block is taken once and in order.
      if (indexed.firstSequence > (index.at(-1)?.firstSequence ?? -1)) index.push(indexed)
    }
    return index
  }

  return {
    sequence,
    async open() {
      await guarded(WHAT, mkdir(options.location, { recursive: true }))
      database = await openLevel<Uint8Array, Uint8Array>({
        location: options.location,
        what: WHAT,
        keyEncoding: 'view',
        valueEncoding: 'view',
        compression: false,
        writeBufferOctets: WRITE_BUFFER_OCTETS,
        onRepair: options.onRepair,
      })
      if (options.isFirst) sequence.startAt(await guarded(WHAT, nextSequence()))
    },
    async close() {
      const closing = database
      database = undefined
      await closing?.close()
    },
    async append(builder, storedMilliseconds) {
      const { rows, stream } = builder
      const first = sequence.reserve(rows)
      try {
        const block = encodeBlock(builder, first, storedMilliseconds)
        await guarded(WHAT, level().put(blockKey(stream, first), block))
        return { rows, octets: block.length }
      } finally {
        sequence.committed(first)
      }
    },
    async sync() {
      await guarded(WHAT, level().put(SYNC_KEY, syncedValue(sequence.next()), { sync: true }))
    },
    async index(stream) {
      return guarded(WHAT, extend(streamNamed(stream)))
    },
    async block(entry) {
      if (entry.damage !== undefined) throw new ApplianceError('BLOCK_DAMAGED', entry.damage)
      const name = `${entry.stream.id}/${entry.firstSequence}`
      const found = opened.get(name)
      if (found !== undefined) {
        opened.delete(name)
        opened.set(name, found)
        return found
      }
      const octets = await guarded(WHAT, level().get(blockKey(entry.stream, entry.firstSequence)))
      if (octets === undefined) throw new ApplianceError('BLOCK_DAMAGED', `block ${name} is gone`)
      const block = openBlock(entry.stream, entry.firstSequence, octets)
      opened.set(name, block)
      if (opened.size > OPEN_BLOCKS) opened.delete(opened.keys().next().value!)
      return block
    },
    async remove(entries) {
      const operations = entries.map((entry) => ({
        type: 'del' as const,
        key: blockKey(entry.stream, entry.firstSequence),
      }))
      await guarded(WHAT, level().batch(operations))
      const gone = new Set(entries.map((entry) => entry.firstSequence))
      for (const [name, index] of indexes) {
        indexes.set(
          name,
          index.filter((entry) => !gone.has(entry.firstSequence)),
        )
      }
    },
  }
}

/** stream <1> · first sequence <8, big-endian>, so that keys sort as sequences do. */
export function blockKey(stream: StreamDefinition, firstSequence: number): Uint8Array {
  const key = new Uint8Array(KEY_OCTETS)
  key[0] = stream.id
  new DataView(key.buffer).setBigUint64(1, BigInt(firstSequence))
  return key
}

function syncedValue(next: number): Uint8Array {
  const value = new Uint8Array(8)
  new DataView(value.buffer).setBigUint64(0, BigInt(next), true)
  return value
}

function readSynced(value: Uint8Array | undefined): number {
  if (value === undefined || value.length !== 8) return 1
  return Number(new DataView(value.buffer, value.byteOffset, 8).getBigUint64(0, true))
}

/** Opens a block that lies under a key; one that says it is another is as good as damaged. */
function openBlock(stream: StreamDefinition, firstSequence: number, value: Uint8Array): Block {
  const block = new Block(value)
  const { header } = block
  if (header.stream === stream && header.firstSequence === firstSequence) return block
  const name = `${stream.name}/${firstSequence}`
  const other = `${header.stream.name}/${header.firstSequence}`
  throw new ApplianceError('BLOCK_DAMAGED', `block ${name} holds ${other}`)
}

function indexBlock(stream: StreamDefinition, key: Uint8Array, value: Uint8Array): IndexedBlock {
  const firstSequence = Number(new DataView(key.buffer, key.byteOffset, key.length).getBigUint64(1))
  try {
    const { header } = openBlock(stream, firstSequence, value)
    const { rows, storedMilliseconds, receivedFromMilliseconds, receivedToMilliseconds, protocols } = header
    return {
      stream,
      firstSequence,
      rows,
      storedMilliseconds,
      receivedFromMilliseconds,
      receivedToMilliseconds,
      protocols,
      octets: value.length,
    }
  } catch (error) {
    // A block that cannot be read stays in the index, so that every scan over it counts it as failed.
    return {
      stream,
      firstSequence,
      rows: 0,
      storedMilliseconds: 0,
      receivedFromMilliseconds: Number.NEGATIVE_INFINITY,
      receivedToMilliseconds: Number.POSITIVE_INFINITY,
      protocols: new Uint8Array(32).fill(0xff),
      octets: value.length,
      damage: (error as Error).message,
    }
  }
}
