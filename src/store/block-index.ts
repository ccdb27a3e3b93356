/**
 * The index of blocks: a small database beside the blocks, so that a start reads some hundred octets of a block instead
 * of all of it. Each thread keeps the entries in memory and adds new ones as rows are committed; when blocks were merged
 * or removed, which shared memory tells, it reads them anew. Whatever is lost here is made again from the blocks.
 */
import { join } from 'node:path'
import type { BatchOperation, ClassicLevel } from 'classic-level'
import {
  FILTER_PARTS,
  mayHoldAddress,
  mayPartHoldAddress,
  partOfAddress,
  partsOf,
} from '../blocks/address-filter.js'
import { type StreamDefinition, streams } from '../records/columns.js'
import { damagedEntry, decodeEntry, encodeEntry, type IndexedBlock } from './index-entry.js'
import {
  type BlockPlace,
  IndexKind,
  indexFrom,
  indexKey,
  nameOfBlock,
  partKey,
  readIndexKey,
  readSequenceValue,
  SYNC_KEY,
  sequenceValue,
} from './keys.js'
import { openDerivedLevel } from './level.js'
import type { IngestSequence } from './sequence.js'

/** Entries are fetched so many octets at a time: some thousand. */
const READ_AHEAD_OCTETS = 256 * 1024
const ENTRIES_TOGETHER = 1000

type Database = ClassicLevel<Uint8Array, Uint8Array>
type Cached = { entries: IndexedBlock[]; upToSequence: number; generation: number }

/** A block that a merged one stands for now, kept for readers that still walk over it. */
export type ReplacedBlock = { readonly place: BlockPlace; readonly replacedMilliseconds: number }

/** Whether a block may have rows with an address: one word for IPv4, four for IPv6. */
export type AddressTest = (address: readonly number[]) => boolean

export type BlockIndex = {
  /** `isFirst` in the one thread that may throw a damaged index away. True when it is empty now. */
  open(isFirst: boolean): Promise<void>
  close(): Promise<void>
  /** The entries of a stream below the watermark, in sequence order. */
  of(stream: StreamDefinition): Promise<readonly IndexedBlock[]>
  /** Every entry, whatever the watermark; for the start. */
  all(): Promise<IndexedBlock[]>
  /** What `all` gave, in sequence order, with nothing written since: it is not read again. All of it lies below the watermark. */
  remember(entries: readonly IndexedBlock[]): void
  add(entry: IndexedBlock, addresses: Uint8Array | undefined): Promise<void>
  /** Puts a merged block's entry in the place of others', at once for all readers to come. */
  replace(
    olds: readonly BlockPlace[],
    entry: IndexedBlock,
    addresses: Uint8Array | undefined,
    nowMilliseconds: number,
  ): Promise<void>
  replaced(): Promise<ReplacedBlock[]>
  /** A block that was replaced before anybody could read it: it goes with the next that are dropped. */
  addReplaced(place: BlockPlace): Promise<void>
  forgetReplaced(places: readonly BlockPlace[]): Promise<void>
  remove(places: readonly BlockPlace[]): Promise<void>
  /** What the filters of blocks say of addresses, and of no others; undefined for blocks that have no filter. */
  addressTests(
    places: readonly BlockPlace[],
    addresses: readonly (readonly number[])[],
  ): Promise<(AddressTest | undefined)[]>
  /** The sequence below which blocks of a stream were removed: what is missing there is no loss. */
  floor(stream: StreamDefinition): Promise<number>
  setFloors(floors: ReadonlyMap<StreamDefinition, number>): Promise<void>
  /** Makes the index durable, and the number of the next row with it. */
  sync(): Promise<void>
  /** That number, as it was when the index was last made durable. */
  syncedNext(): Promise<number>
}

const damaged = (place: BlockPlace) =>
  damagedEntry(place, 0, `the entry of block ${nameOfBlock(place)} is damaged`)

const floorKey = (stream: StreamDefinition) => Uint8Array.of(IndexKind.floor, stream.id)

export function createBlockIndex(folder: string, sequence: IngestSequence): BlockIndex {
  let database: Database | undefined
  const cache = new Map<number, Cached>()

  const level = () => {
    if (database === undefined) throw new Error('the index is not open')
    return database
  }

  /** Many at a time, for a loop that waits for each costs ten times as much. */
  async function entriesFrom(stream: StreamDefinition, from: number, to?: number): Promise<IndexedBlock[]> {
    const iterator = level().iterator({
      gte: indexFrom(IndexKind.block, stream, from),
      lt:
        to === undefined
          ? Uint8Array.of(IndexKind.block, stream.id + 1)
          : indexFrom(IndexKind.block, stream, to),
      highWaterMarkBytes: READ_AHEAD_OCTETS,
    })
    const entries: IndexedBlock[] = []
    try {
      for (;;) {
        const found = await iterator.nextv(ENTRIES_TOGETHER)
        if (found.length === 0) return entries
        for (const [key, value] of found) {
          const place = readIndexKey(key)
          if (place !== undefined) entries.push(decodeEntry(place, value) ?? damaged(place))
        }
      }
    } finally {
      await iterator.close()
    }
  }

  async function extend(stream: StreamDefinition): Promise<readonly IndexedBlock[]> {
    const generation = sequence.generation()
    const watermark = sequence.watermark()
    let cached = cache.get(stream.id)
    if (cached === undefined || cached.generation !== generation) {
      cached = { entries: [], upToSequence: 0, generation }
    } else if (cached.upToSequence >= watermark) return cached.entries
    // Readers may be walking over the list that they were given, so it is added to, never changed.
    const { entries, upToSequence } = cached
    for (const entry of await entriesFrom(stream, upToSequence, watermark)) {
      // Two callers may extend at the same time; each block is taken once and in order.
      if (entry.firstSequence > (entries.at(-1)?.firstSequence ?? -1)) entries.push(entry)
    }
    const known = cache.get(stream.id)
    if (known === undefined || known === cached || known.generation <= generation) {
      cached.upToSequence = Math.max(cached.upToSequence, watermark)
      cache.set(stream.id, cached)
    }
    return entries
  }

  const puts = (entry: IndexedBlock, addresses: Uint8Array | undefined) => {
    const operations: BatchOperation<Database, Uint8Array, Uint8Array>[] = [
      { type: 'put', key: indexKey(IndexKind.block, entry), value: encodeEntry(entry) },
    ]
    if (addresses === undefined) return operations
    const parts = partsOf(addresses)
    if (parts === undefined)
      operations.push({ type: 'put', key: indexKey(IndexKind.addresses, entry), value: addresses })
    else
      for (const [part, value] of parts.entries())
        operations.push({ type: 'put', key: partKey(entry, part), value })
    return operations
  }
  const addressTest = (place: BlockPlace, parts: readonly number[]): AddressTest | undefined => {
    // Small values from few tables: a round of waiting for each would take longer.
    const get = (key: Uint8Array) => level().getSync(key)
    const found = new Map<number, Uint8Array>()
    for (const part of parts) {
      const octets = get(partKey(place, part))
      if (octets === undefined) break
      found.set(part, octets)
    }
    if (found.size === parts.length)
      return (address) => mayPartHoldAddress(found.get(partOfAddress(address))!, address)
    const whole = get(indexKey(IndexKind.addresses, place))
    return whole && ((address) => mayHoldAddress(whole, address))
  }
  const deletes = (places: readonly BlockPlace[]) =>
    places.flatMap((place) => [
      { type: 'del' as const, key: indexKey(IndexKind.block, place) },
      { type: 'del' as const, key: indexKey(IndexKind.addresses, place) },
      ...Array.from({ length: FILTER_PARTS }, (_, part) => ({
        type: 'del' as const,
        key: partKey(place, part),
      })),
    ])

  return {
    async open(isFirst) {
      database = await openDerivedLevel(
        {
          location: join(folder, 'index'),
          what: 'index of blocks',
          keyEncoding: 'view',
          valueEncoding: 'view',
        },
        isFirst,
      )
    },
    async close() {
      const closing = database
      database = undefined
      cache.clear()
      await closing?.close()
    },
    of: extend,
    all: async () => (await Promise.all(streams.map((stream) => entriesFrom(stream, 0)))).flat(),
    remember(entries) {
      const [generation, upToSequence] = [sequence.generation(), sequence.watermark()]
      for (const stream of streams) {
        const own = entries.filter((entry) => entry.stream === stream)
        cache.set(stream.id, { entries: own, upToSequence, generation })
      }
    },
    add: (entry, addresses) => level().batch(puts(entry, addresses)),
    async replace(olds, entry, addresses, nowMilliseconds) {
      const value = new Uint8Array(8)
      new DataView(value.buffer).setFloat64(0, nowMilliseconds, true)
      const kept = olds.map((place) => ({
        type: 'put' as const,
        key: indexKey(IndexKind.replaced, place),
        value,
      }))
      await level().batch([...deletes(olds), ...kept, ...puts(entry, addresses)], { sync: true })
      sequence.changed()
    },
    addReplaced: (place) => level().put(indexKey(IndexKind.replaced, place), new Uint8Array(8)),
    async replaced() {
      const found: ReplacedBlock[] = []
      const range = { gte: Uint8Array.of(IndexKind.replaced), lt: Uint8Array.of(IndexKind.replaced + 1) }
      for await (const [key, value] of level().iterator(range)) {
        const place = readIndexKey(key)
        if (place === undefined || value.length !== 8) continue
        const replacedMilliseconds = new DataView(value.buffer, value.byteOffset, 8).getFloat64(0, true)
        found.push({ place, replacedMilliseconds })
      }
      return found
    },
    forgetReplaced: (places) =>
      level().batch(places.map((place) => ({ type: 'del', key: indexKey(IndexKind.replaced, place) }))),
    async remove(places) {
      await level().batch(deletes(places))
      sequence.changed()
    },
    async addressTests(places, addresses) {
      const parts = [...new Set(addresses.map(partOfAddress))]
      return places.map((place) => addressTest(place, parts))
    },
    floor: async (stream) => readSequenceValue(await level().get(floorKey(stream))),
    async setFloors(floors) {
      const puts = [...floors].map(([stream, floor]) => ({
        type: 'put' as const,
        key: floorKey(stream),
        value: sequenceValue(floor),
      }))
      await level().batch(puts, { sync: true })
    },
    syncedNext: async () => readSequenceValue(await level().get(SYNC_KEY)),
    sync: () => level().put(SYNC_KEY, sequenceValue(sequence.next()), { sync: true }),
  }
}
