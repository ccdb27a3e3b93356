/**
 * The blocks database: sealed blocks under growing keys (docs/storage-format.md). Reading goes through the index, which
 * tells what is where without reading it.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { ClassicLevel } from 'classic-level'
import { addressFilter } from '../blocks/address-filter.js'
import type { ArrayRoom } from '../blocks/array-room.js'
import type { Block } from '../blocks/block.js'
import { BLOCK_ROWS } from '../blocks/builder.js'
import { encodeBlock } from '../blocks/encode.js'
import { OctetWriter } from '../blocks/octet-writer.js'
import { requireVectors } from '../blocks/simd/room.js'
import { ApplianceError } from '../errors.js'
import { streamNamed, streams } from '../records/columns.js'
import { createBlockIndex } from './block-index.js'
import type { BlockStore, BlockStoreOptions } from './block-store.js'
import { octetsOfFolder } from './folder-size.js'
import { entryOf, type IndexedBlock, openBlock } from './index-entry.js'
import {
  type BlockPlace,
  blockKey,
  FLOOR_KEY,
  NOTE_KEY,
  nameOfBlock,
  readSequenceValue,
  SYNC_KEY,
  sequenceKey,
  sequenceValue,
} from './keys.js'
import { guarded, openLevel } from './level.js'
import { OpenedBlocks } from './opened-blocks.js'
import { reconcile } from './reconcile.js'
import { createIngestSequence } from './sequence.js'
import { type OpenValue, TableValues } from './table-values.js'
import { forgetRepair, wasRepaired } from './tables.js'
import { migrateFromVersion1 } from './version1.js'

/** Blocks that are written at a time, as a rule. */
const SPARE_WRITERS = 8

/** Makes a store over the folder; inert until `open`. */
export function createBlockStore(options: BlockStoreOptions): BlockStore {
  const { location, isFirst, what = 'blocks' } = options
  const isReadOnce = options.openedOctets === 0
  const sequence = createIngestSequence(options.sequence)
  const index = createBlockIndex(location, sequence)
  let database: ClassicLevel<Uint8Array, Uint8Array> | undefined
  /** Writes that are done, and how many of them a later synced one has made durable. */
  let written = 0
  let durable = 0
  /** The latest synced write on its way. */
  let syncing: Promise<void> = Promise.resolve()
  const opened = new OpenedBlocks(options.openedOctets)
  const values = new TableValues(location)
  /** What parts of a block are read into, where they are wanted for the moment. */
  let scratch = new Uint8Array(0)
  /** What blocks are put together in, free again when they are written. */
  const writers: OctetWriter[] = []

  const level = () => {
    if (database === undefined) throw new Error('the blocks database is not open')
    return database
  }

  /** Finds where numbering goes on, after the index and the blocks agree. */
  async function prepare(): Promise<void> {
    await migrateFromVersion1(level())
    // A repair may have lost blocks anywhere, of which the index still tells.
    const isRepaired = wasRepaired(location)
    const found = await reconcile(level(), index, isRepaired ? Number.POSITIVE_INFINITY : undefined)
    let { next } = found
    if (isRepaired) await forgetRepair(location)
    for (const stream of streams) next = Math.max(next, await index.floor(stream))
    const noted = readSequenceValue(await level().get(SYNC_KEY))
    next = Math.max(next, noted, await index.syncedNext(), (await options.writtenTo) ?? 1)
    // Blocks are numbered whole, so any later number tells where a damaged one ends. Without one it is taken for a full one: no
    // number may be given twice.
    sequence.startAt(found.damagedAt < next ? next : found.damagedAt + BLOCK_ROWS)
    if (found.entries !== undefined) index.remember(found.entries)
  }

  async function completeFrom(): Promise<number> {
    const floors = await guarded(what, Promise.all(streams.map((stream) => index.floor(stream))))
    return Math.max(...floors, readSequenceValue(await guarded(what, level().get(FLOOR_KEY))))
  }

  /**
   * Readers of blocks are threads of their own and can wait: the value comes straight out of LevelDB's files, where an asynchronous
   * reading copies it once more. Between two blocks what others tell the thread is heard.
   */
  async function read(place: BlockPlace): Promise<Uint8Array | undefined> {
    await setImmediate()
    return level().getSync(blockKey(place), { fillCache: false })
  }

  /** A block's value in an open file; undefined where no table has it. */
  async function openValue(place: BlockPlace): Promise<OpenValue | undefined> {
    await setImmediate()
    const key = blockKey(place)
    return values.open(key) ?? ((await guarded(what, values.look())) ? values.open(key) : undefined)
  }

  /** Undefined where no table has the block. */
  async function readParts<Result>(
    place: BlockPlace,
    work: (block: Block) => Result,
  ): Promise<{ readonly result: Result } | undefined> {
    const value = await openValue(place)
    if (value === undefined) return undefined
    try {
      if (scratch.length < value.octets) scratch = new Uint8Array(value.octets)
      const octets = scratch.subarray(0, value.octets)
      const fill = (from: number, end: number) => value.read(octets, from, end)
      return { result: work(openBlock(place, octets, { fill })) }
    } finally {
      value.close()
    }
  }

  /** The same, for as long as the room is not reset. */
  async function openParts(place: BlockPlace, room: ArrayRoom): Promise<Block | undefined> {
    const value = await openValue(place)
    if (value === undefined) return undefined
    const octets = room.hold(value.octets, () => value.close())
    return openBlock(place, octets, { room, fill: (from, end) => value.read(octets, from, end) })
  }

  async function put(place: BlockPlace, block: Uint8Array, sync: boolean): Promise<void> {
    const before = written
    const putting = level().put(blockKey(place), block, { sync })
    if (sync) syncing = putting
    await putting
    if (sync) durable = Math.max(durable, before)
    else written++
  }

  async function block(
    entry: BlockPlace & Pick<IndexedBlock, 'damage'>,
    use: 'kept' | 'once' | ArrayRoom = 'kept',
  ): Promise<Block | undefined> {
    if (entry.damage !== undefined) throw new ApplianceError('BLOCK_DAMAGED', entry.damage)
    const name = nameOfBlock(entry)
    const room = typeof use === 'string' ? undefined : use
    // Who has a room of its own goes through everything once: looking here would only turn out what others come back for.
    const found = room === undefined ? opened.get(name) : await openParts(entry, room)
    if (found !== undefined) return found
    const octets = await guarded(what, read(entry))
    if (octets === undefined) {
      if (entry.firstSequence < (await guarded(what, index.floor(entry.stream)))) return undefined
      throw new ApplianceError('BLOCK_DAMAGED', `block ${name} is gone`)
    }
    const block = openBlock(entry, octets, { room })
    if (use === 'kept') opened.add(name, block)
    return block
  }

  return {
    sequence,
    async open() {
      requireVectors()
      await guarded(what, mkdir(location, { recursive: true }))
      database = await openLevel<Uint8Array, Uint8Array>({
        location,
        what,
        keyEncoding: 'view',
        valueEncoding: 'view',
        compression: false,
        isChecked: options.isFirst,
        onTable: isReadOnce ? (table) => values.add(table) : undefined,
        onRepair: options.onRepair,
      })
      await index.open(isFirst)
      if (isFirst) await guarded(what, prepare())
    },
    async close() {
      const closing = database
      database = undefined
      await index.close()
      await closing?.close()
    },
    async append(builder, storedMilliseconds, sync = false) {
      const { rows, stream } = builder
      const firstSequence = sequence.reserve(rows)
      const place = { stream, firstSequence, level: 0 }
      const writer = writers.pop() ?? new OctetWriter()
      try {
        const block = encodeBlock(builder, [{ firstSequence, rows }], storedMilliseconds, writer)
        const addresses = addressFilter(builder)
        const entry = entryOf(place, block)
        // The block first: an entry without a block would look like a loss.
        await guarded(what, put(place, block, sync))
        await guarded(what, index.add(entry, addresses))
        return { rows, octets: block.length }
      } finally {
        if (writers.length < SPARE_WRITERS) writers.push(writer)
        sequence.committed(firstSequence)
      }
    },
    async appendNoted(builders, storedMilliseconds, note) {
      const numbers: number[] = []
      const entries: { entry: IndexedBlock; addresses: Uint8Array | undefined }[] = []
      const puts: { type: 'put'; key: Uint8Array; value: Uint8Array }[] = [
        { type: 'put', key: NOTE_KEY, value: note },
      ]
      const writer = writers.pop() ?? new OctetWriter()
      try {
        for (const builder of builders) {
          const { rows, stream } = builder
          const firstSequence = sequence.reserve(rows)
          numbers.push(firstSequence)
          const place = { stream, firstSequence, level: 0 }
          // They wait for each other, so none keeps the room in which it was put together.
          const value = encodeBlock(builder, [{ firstSequence, rows }], storedMilliseconds, writer).slice()
          puts.push({ type: 'put', key: blockKey(place), value })
          entries.push({ entry: entryOf(place, value), addresses: addressFilter(builder) })
        }
        await guarded(what, level().batch(puts, { sync: true }))
        for (const { entry, addresses } of entries) await guarded(what, index.add(entry, addresses))
      } finally {
        if (writers.length < SPARE_WRITERS) writers.push(writer)
        for (const number of numbers) sequence.committed(number)
      }
      const total = (key: 'rows' | 'octets') => entries.reduce((sum, { entry }) => sum + entry[key], 0)
      return { rows: total('rows'), octets: total('octets') }
    },
    note: () => guarded(what, level().get(NOTE_KEY)),
    async sync() {
      const before = written
      await syncing.catch(() => {})
      if (before > durable) {
        await guarded(what, level().put(SYNC_KEY, sequenceValue(sequence.next()), { sync: true }))
        durable = Math.max(durable, before)
      }
      await guarded(what, index.sync())
    },
    index: (stream) => guarded(what, index.of(streamNamed(stream))),
    block,
    async read(entry, use, work) {
      const isOnce = isReadOnce || use === 'once'
      if (isOnce && entry.damage === undefined && opened.get(nameOfBlock(entry)) === undefined) {
        const done = await readParts(entry, work)
        if (done !== undefined) return done
      }
      const whole = await block(entry, isOnce ? 'once' : use)
      return whole && { result: work(whole) }
    },
    async octets(place) {
      const octets = await guarded(what, level().get(blockKey(place), { fillCache: false }))
      if (octets !== undefined) return octets
      if (place.firstSequence < (await guarded(what, index.floor(place.stream)))) return undefined
      throw new ApplianceError('BLOCK_DAMAGED', `block ${nameOfBlock(place)} is gone`)
    },
    skip(rows) {
      sequence.committed(sequence.reserve(rows))
    },
    completeFrom,
    floor: (stream) => guarded(what, index.floor(streamNamed(stream))),
    addressTests: (entries, addresses) => guarded(what, index.addressTests(entries, addresses)),
    async replace(olds, builder, runs, nowMilliseconds) {
      const stored = Math.max(...olds.map(({ storedMilliseconds }) => storedMilliseconds))
      const place = {
        stream: builder.stream,
        firstSequence: runs[0]!.firstSequence,
        level: 1 + Math.max(...olds.map((old) => old.level)),
      }
      const block = encodeBlock(builder, runs, stored)
      const addresses = addressFilter(builder)
      await guarded(what, put(place, block, true))
      await guarded(what, index.replace(olds, entryOf(place, block), addresses, nowMilliseconds))
    },
    async dropReplaced(nowMilliseconds, keptMilliseconds) {
      const replaced = await guarded(what, index.replaced())
      const places = replaced
        // Long ago or, by a clock that was ahead, in a far future.
        .filter(({ replacedMilliseconds: at }) => Math.abs(nowMilliseconds - at) > keptMilliseconds)
        .map(({ place }) => place)
      if (places.length === 0) return 0
      await guarded(what, level().batch(places.map((place) => ({ type: 'del', key: blockKey(place) }))))
      await guarded(what, index.forgetReplaced(places))
      const keys = places.map(blockKey).sort(Buffer.compare)
      // Nothing else would touch the tables of keys that only grow.
      await guarded(what, level().compactRange(keys[0]!, keys.at(-1)!))
      return places.length
    },
    async removeBefore(limits) {
      // The floors first: a crash in between leaves blocks that nobody misses and the next removal deletes.
      const floors = new Map([...limits].map(([name, floor]) => [streamNamed(name), floor]))
      const highest = Math.max(await completeFrom(), ...floors.values())
      await guarded(what, level().put(FLOOR_KEY, sequenceValue(highest), { sync: true }))
      await guarded(what, index.setFloors(floors))
      const places: BlockPlace[] = []
      for (const [stream, floor] of floors)
        for (const entry of await index.of(stream)) if (entry.firstSequence < floor) places.push(entry)
      await guarded(what, level().batch(places.map((place) => ({ type: 'del', key: blockKey(place) }))))
      await guarded(what, index.remove(places))
      // Whole tables go at once; what lay in LevelDB's memory table, 4 MiB at most, goes with a later merge.
      await guarded(what, level().compactRange(sequenceKey(0), sequenceKey(Math.max(...limits.values()))))
      for (const place of places) opened.delete(nameOfBlock(place))
    },
    async usedOctets() {
      const folders = [location, join(location, 'index')]
      const sizes = await guarded(what, Promise.all(folders.map(octetsOfFolder)))
      return sizes.reduce((sum, size) => sum + size, 0)
    },
  }
}
