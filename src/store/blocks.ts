/**
 * The blocks database: sealed blocks under growing keys (docs/storage-format.md). Reading goes through an index of
 * block headers that each thread keeps for itself and extends as blocks are written.
 */
import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
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
export const SYNC_KEY = Uint8Array.of(0xff)
/** Its value is the sequence below which blocks of a stream were removed: what is missing there is no loss. */
const FLOOR_PREFIX = 0xfe
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
  /** Opens a block; undefined when it has been removed meanwhile; throws BLOCK_DAMAGED when it cannot be read. */
  block(entry: Pick<IndexedBlock, 'stream' | 'firstSequence' | 'damage'>): Promise<Block | undefined>
  /** A block's octets as they lie in the database now, unchecked; undefined when it has been removed. Throws BLOCK_DAMAGED. */
  octets(entry: Pick<IndexedBlock, 'stream' | 'firstSequence'>): Promise<Uint8Array | undefined>
  /** Numbers rows that were received and will never be written, so that they show as missing ones. */
  skip(rows: number): void
  /** Deletes the blocks of a stream below a sequence and gives their space back; cursors step over them. */
  removeBefore(stream: StreamName, sequence: number): Promise<void>
  /** The sequence below which blocks of a stream were removed; 1 when none was. */
  floor(stream: StreamName): Promise<number>
  /** Octets of the database's files. */
  usedOctets(): Promise<number>
}

export type BlockStoreOptions = {
  readonly location: string
  /** Shared memory of the sequence, when another thread has made it. */
  readonly sequence?: SharedArrayBuffer
  /** True in the one thread that finds where numbering goes on. */
  readonly isFirst: boolean
  /** Rows below this number are known to have been written: numbering goes on at it at the least. */
  readonly writtenTo?: number
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

  async function floorOf(stream: StreamDefinition): Promise<number> {
    return readSynced(await level().get(floorKey(stream)))
  }

  async function extend(stream: StreamDefinition): Promise<IndexedBlock[]> {
    const floor = await floorOf(stream)
    let index = indexes.get(stream.name)
    if (index === undefined) {
      index = []
      indexes.set(stream.name, index)
    }
    if (index.length > 0 && index[0]!.firstSequence < floor) {
      // Readers may be walking over the old one.
      index = index.filter(({ firstSequence }) => firstSequence >= floor)
      indexes.set(stream.name, index)
    }
    const watermark = sequence.watermark()
    const last = index.at(-1)
    const from = last === undefined ? floor : last.firstSequence + 1
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
        isChecked: options.isFirst,
        onRepair: options.onRepair,
      })
      if (options.isFirst) {
        sequence.startAt(Math.max(await guarded(WHAT, nextSequence()), options.writtenTo ?? 1))
      }
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
      if (octets === undefined) {
        if (entry.firstSequence < (await guarded(WHAT, floorOf(entry.stream)))) return undefined
        throw new ApplianceError('BLOCK_DAMAGED', `block ${name} is gone`)
      }
      const block = openBlock(entry.stream, entry.firstSequence, octets)
      opened.set(name, block)
      if (opened.size > OPEN_BLOCKS) opened.delete(opened.keys().next().value!)
      return block
    },
    async octets({ stream, firstSequence }) {
      const octets = await guarded(WHAT, level().get(blockKey(stream, firstSequence), { fillCache: false }))
      if (octets !== undefined || firstSequence < (await guarded(WHAT, floorOf(stream)))) return octets
      throw new ApplianceError('BLOCK_DAMAGED', `block ${stream.id}/${firstSequence} is gone`)
    },
    skip(rows) {
      sequence.committed(sequence.reserve(rows))
    },
    async removeBefore(name, sequence) {
      const stream = streamNamed(name)
      const range = { gte: blockKey(stream, 0), lt: blockKey(stream, sequence) }
      // The floor first: a crash in between leaves blocks that nobody sees and the next removal deletes.
      await guarded(WHAT, level().put(floorKey(stream), syncedValue(sequence), { sync: true }))
      await guarded(WHAT, level().clear(range))
      // Whole tables go at once; what lay in LevelDB's memory table, 16 MiB at most, goes with a later merge.
      await guarded(WHAT, level().compactRange(range.gte, range.lt))
      for (const key of opened.keys()) {
        const [id, first] = key.split('/')
        if (Number(id) === stream.id && Number(first) < sequence) opened.delete(key)
      }
    },
    floor: (name) => guarded(WHAT, floorOf(streamNamed(name))),
    async usedOctets() {
      const names = await guarded(WHAT, readdir(options.location))
      const sizes = await Promise.all(
        // LevelDB may delete a table between the two calls.
        names.map(
          async (name) => (await stat(join(options.location, name)).catch(() => undefined))?.size ?? 0,
        ),
      )
      return sizes.reduce((sum, size) => sum + size, 0)
    },
  }
}

/** The floors of all streams, from a database that was opened by other means, at the moment of a snapshot. */
export async function readFloors(
  database: ClassicLevel<Uint8Array, Uint8Array>,
  snapshot: ReturnType<ClassicLevel['snapshot']>,
): Promise<Map<StreamName, number>> {
  const floors = new Map<StreamName, number>()
  for (const stream of streams)
    floors.set(stream.name, readSynced(await database.get(floorKey(stream), { snapshot })))
  return floors
}

function floorKey(stream: StreamDefinition): Uint8Array {
  return Uint8Array.of(FLOOR_PREFIX, stream.id)
}

/** stream <1> · first sequence <8, big-endian>, so that keys sort as sequences do. */
export function blockKey(stream: StreamDefinition, firstSequence: number): Uint8Array {
  const key = new Uint8Array(KEY_OCTETS)
  key[0] = stream.id
  new DataView(key.buffer).setBigUint64(1, BigInt(firstSequence))
  return key
}

export function syncedValue(next: number): Uint8Array {
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
