/**
 * Writes the archive of a backup from two open databases: one moment of both, in bounded memory, at a bounded rate. A
 * reader that goes away ends it.
 */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { ClassicLevel } from 'classic-level'
import { createTarPacker } from 'modern-tar'
import { ApplianceError } from '../../errors.js'
import { VERSION } from '../../version.js'
import { FLOOR_KEY, readBlockKey, readSequenceValue, SYNC_KEY } from '../keys.js'
import {
  type DatabaseName,
  type Entry,
  encodeSegment,
  FORMAT_VERSION,
  MANIFEST_HASH_NAME,
  MANIFEST_NAME,
  MAX_VALUE_OCTETS,
  type Manifest,
  recordOctets,
  SEGMENT_OCTETS,
  segmentName,
} from './format.js'
import { createInventory } from './inventory.js'

export type RawDatabase = ClassicLevel<Uint8Array, Uint8Array>
type Snapshot = ReturnType<RawDatabase['snapshot']>

export type BackupSource = {
  readonly documents: RawDatabase
  readonly blocks: RawDatabase
  readonly rollups: RawDatabase
  /** All sums below this number, which is of their own, are written. */
  readonly rollupWatermark: () => number
  /** All rows below this number are written. */
  readonly watermark: () => number
}

export type BackupOptions = {
  readonly now: () => number
  /** Octets read and written in a second at most. */
  readonly octetsPerSecond: number
}

const MODE_PRIVATE = 0o600

/** The archive as a stream; nothing is read before it is. */
export function writeArchive(source: BackupSource, options: BackupOptions): ReadableStream<Uint8Array> {
  const { readable, controller } = createTarPacker()
  const createdMilliseconds = options.now()
  const mtime = new Date(createdMilliseconds)
  // Documents and sums first: what they say of rows (findings, how far detectors came) is then true of the blocks that
  // follow.
  const documents = source.documents.snapshot()
  const rollupWatermark = source.rollupWatermark()
  const rollups = source.rollups.snapshot()
  const watermark = source.watermark()
  const snapshots: Record<DatabaseName, Snapshot> = { documents, rollups, blocks: source.blocks.snapshot() }
  const inventory = createInventory()
  const inventoryOfRollups = createInventory()
  const entries: Manifest['entries'] = []
  const unreadable: string[] = []

  async function add(name: string, octets: Uint8Array): Promise<string> {
    const writer = controller.add({ name, size: octets.length, mode: MODE_PRIVATE, mtime }).getWriter()
    const hash = createHash('sha256').update(octets).digest('hex')
    await writer.write(octets)
    await writer.close()
    return hash
  }

  async function addDatabase(database: DatabaseName): Promise<void> {
    let records: Entry[] = []
    let size = 0
    let number = 0
    const flush = async () => {
      if (records.length === 0) return
      const name = segmentName(database, ++number)
      const segment = encodeSegment(records)
      const entry = { name, octets: segment.length, records: records.length }
      records = []
      size = 0
      entries.push({ ...entry, sha256: await add(name, segment) })
    }
    try {
      for await (const record of recordsOf(source[database], snapshots[database])) {
        if (database === 'blocks' && isAbove(record[0], watermark)) continue
        if (record[1].length > MAX_VALUE_OCTETS)
          throw new ApplianceError('STORE_DAMAGED', `a value of ${record[1].length} octets is none of ours`)
        const own = database === 'rollups' ? inventoryOfRollups : inventory
        own.add(database, ...record, false)
        records.push(record)
        size += recordOctets(record)
        if (size >= SEGMENT_OCTETS) await flush()
      }
    } catch (error) {
      // LevelDB gives all that it can read before it tells of what it cannot.
      if ((error as { code?: string }).code !== 'LEVEL_CORRUPTION') throw error
      unreadable.push(`${database}: ${(error as Error).message}`)
    }
    await flush()
  }

  async function fill(): Promise<void> {
    try {
      await addDatabase('documents')
      await addDatabase('blocks')
      await addDatabase('rollups')
      const noted = await source.blocks.get(FLOOR_KEY, { snapshot: snapshots.blocks })
      const completeFromSequence = readSequenceValue(noted)
      const { documents, blocks, rows, damagedBlocks, holes } = inventory.totals(
        completeFromSequence,
        watermark,
      )
      const manifest: Manifest = {
        format: 'culvert-backup',
        formatVersion: FORMAT_VERSION,
        culvertVersion: VERSION,
        createdMilliseconds,
        nextSequence: watermark,
        completeFromSequence,
        blocks,
        rows,
        documents,
        damagedBlocks: [...damagedBlocks],
        holes: [...holes],
        rollups: await describeRollups(),
        unreadable,
        entries,
      }
      const hash = await add(MANIFEST_NAME, Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`))
      await add(MANIFEST_HASH_NAME, Buffer.from(`${hash}  manifest.json\n`))
      controller.finalize()
    } finally {
      await Promise.all(Object.values(snapshots).map((snapshot) => snapshot.close()))
    }
  }
  /** Sums and the note of how far they go are written at once, so all that are there count. */
  async function describeRollups(): Promise<NonNullable<Manifest['rollups']>> {
    const noted = await source.rollups.get(FLOOR_KEY, { snapshot: snapshots.rollups })
    const completeFromSequence = readSequenceValue(noted)
    const nextSequence = Math.max(rollupWatermark, inventoryOfRollups.totals(1, 1).endSequence)
    const { blocks, rows, damagedBlocks, holes } = inventoryOfRollups.totals(
      completeFromSequence,
      nextSequence,
    )
    return {
      nextSequence,
      completeFromSequence,
      blocks,
      rows,
      damagedBlocks: [...damagedBlocks],
      holes: [...holes],
    }
  }
  fill().catch((error: unknown) => controller.error(error))
  return paced(readable, options.octetsPerSecond)
}

/** The same octets, no faster than so many in a second; what is not taken is not read either. */
function paced(source: ReadableStream<Uint8Array>, octetsPerSecond: number): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  const ending = new AbortController()
  const began = performance.now()
  let given = 0
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) return controller.close()
      controller.enqueue(value)
      given += value.length
      const wait = began + (given / octetsPerSecond) * 1000 - performance.now()
      if (wait > 1) await delay(wait, undefined, { signal: ending.signal }).catch(() => undefined)
    },
    async cancel(reason) {
      ending.abort()
      await reader.cancel(reason)
    },
  })
}

/** Without the reader's values pushing out of LevelDB's cache what others look for. */
function recordsOf(database: RawDatabase, snapshot: Snapshot): AsyncIterable<Entry> {
  return database.iterator({ snapshot, fillCache: false, highWaterMarkBytes: SEGMENT_OCTETS / 4 })
}

/** Blocks above the watermark stand behind rows that are not written yet; numbering goes on at the watermark. */
function isAbove(key: Uint8Array, watermark: number): boolean {
  if (key.length === SYNC_KEY.length && key[0] === SYNC_KEY[0]) return true
  return (readBlockKey(key)?.firstSequence ?? 0) >= watermark
}
