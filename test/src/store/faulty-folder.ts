/** Data folders with several tables and a log, and what can happen to them. */
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { BlockBuilder } from '#core/blocks/builder.js'
import { encodeBlock } from '#core/blocks/encode.js'
import { FlowColumnIndex, streamNamed } from '#core/records/columns.js'
import { createBlockIndex } from '#core/store/block-index.js'
import { createDocuments } from '#core/store/documents.js'
import { WRITTEN_TO } from '#core/store/holes.js'
import { entryOf } from '#core/store/index-entry.js'
import { blockKey, FORMAT_KEY, SYNC_KEY, sequenceValue } from '#core/store/keys.js'
import { createIngestSequence } from '#core/store/sequence.js'
import { createRandom } from '#simulate/random.js'
import { addRows } from './rows.js'

export const BLOCKS = 240
export const ROWS = 100
/** Rows whose blocks were written last lie in LevelDB's log alone. */
export const LOGGED_BLOCKS = 40

/** A data folder of BLOCKS blocks with ROWS rows each, all synced, in tables of about 64 KiB and a log. */
export async function makeFolder(data: string, receivedFromMilliseconds: number): Promise<void> {
  const location = join(data, 'blocks')
  await mkdir(location, { recursive: true })
  const options = { keyEncoding: 'view', valueEncoding: 'view', compression: false } as const
  const builder = new BlockBuilder(streamNamed('flow4'), ROWS)
  const random = createRandom(11)
  const index = createBlockIndex(location, createIngestSequence())
  await index.open(true)
  const write = async (from: number, to: number, writeBufferSize: number) => {
    const database = new ClassicLevel<Uint8Array, Uint8Array>(location, { ...options, writeBufferSize })
    await database.put(FORMAT_KEY, Uint8Array.of(2))
    for (let block = from; block < to; block++) {
      builder.reset()
      addRows(builder, ROWS, block * ROWS, receivedFromMilliseconds + block * ROWS)
      for (let row = 0; row < ROWS; row++)
        builder.setUnsigned64(FlowColumnIndex.octets, row, Math.floor(random.uniform() * 2 ** 53))
      const first = 1 + block * ROWS
      const octets = encodeBlock(builder, [{ firstSequence: first, rows: ROWS }], receivedFromMilliseconds)
      const place = { stream: streamNamed('flow4'), firstSequence: first, level: 0 }
      await database.put(blockKey(place), octets, { sync: block % 20 === 0 })
      await index.add(entryOf(place, octets), undefined)
    }
    await database.put(SYNC_KEY, sequenceValue(1 + to * ROWS), { sync: true })
    await database.close()
  }
  await write(0, BLOCKS - LOGGED_BLOCKS, 64 * 1024)
  // The log of this opening holds them all: nothing is flushed below 16 MiB.
  await write(BLOCKS - LOGGED_BLOCKS, BLOCKS, 16 * 1024 * 1024)
  await index.sync()
  await index.close()
  const documents = createDocuments({ location: join(data, 'documents') })
  await documents.open()
  await documents.put(WRITTEN_TO, 1 + BLOCKS * ROWS)
  await documents.close()
}

async function files(location: string, ending: RegExp): Promise<string[]> {
  return (await readdir(location)).filter((name) => ending.test(name)).sort()
}

async function middleTable(location: string): Promise<string> {
  const tables = await files(location, /\.ldb$/)
  return join(location, tables[tables.length >> 1]!)
}

async function lastLog(location: string): Promise<string> {
  return join(location, (await files(location, /\.log$/)).at(-1)!)
}

async function overwrite(path: string, change: (octets: Buffer) => void): Promise<void> {
  const octets = await readFile(path)
  change(octets)
  await writeFile(path, octets)
}

export type Fault = {
  readonly damage: (location: string) => Promise<void>
  /** Rows that may be lost at most; more than 0 must be told. */
  readonly losesAtMost: number
  /** Whether a repair is made, which puts something aside. */
  readonly isRepaired: boolean
}

/** What a table of LevelDB's, 2 MiB, holds at most of these rows, which take some 250 octets each. */
const TABLE_ROWS = 8500

export const faults: Readonly<Record<string, Fault>> = {
  'a log whose end is torn off': {
    damage: async (location) => {
      const log = await lastLog(location)
      await truncate(log, (await stat(log)).size - 5000)
    },
    losesAtMost: LOGGED_BLOCKS * ROWS,
    isRepaired: false,
  },
  'damage in the middle of the log': {
    damage: async (location) =>
      overwrite(await lastLog(location), (octets) =>
        octets.fill(0xa5, octets.length >> 1, (octets.length >> 1) + 200),
      ),
    losesAtMost: LOGGED_BLOCKS * ROWS,
    isRepaired: false,
  },
  'damage inside of a table': {
    damage: async (location) =>
      overwrite(await middleTable(location), (octets) =>
        // LevelDB decides how large a table becomes.
        octets.fill(0xa5, Math.min(10_000, octets.length >> 2), Math.min(22_000, octets.length >> 1)),
      ),
    losesAtMost: TABLE_ROWS,
    isRepaired: true,
  },
  'a table without its footer': {
    damage: async (location) =>
      overwrite(await middleTable(location), (octets) => octets.fill(0, octets.length - 48)),
    losesAtMost: TABLE_ROWS,
    isRepaired: true,
  },
  'a table with a damaged index': {
    damage: async (location) =>
      overwrite(await middleTable(location), (octets) =>
        octets.fill(0x33, octets.length - 300, octets.length - 100),
      ),
    losesAtMost: TABLE_ROWS,
    isRepaired: true,
  },
  'a table that is gone': {
    damage: async (location) => rm(await middleTable(location)),
    losesAtMost: TABLE_ROWS,
    isRepaired: true,
  },
  'a missing MANIFEST': {
    damage: async (location) => {
      for (const name of await files(location, /^MANIFEST/)) await rm(join(location, name))
    },
    losesAtMost: 0,
    isRepaired: true,
  },
  'a missing CURRENT': {
    damage: (location) => rm(join(location, 'CURRENT')),
    losesAtMost: 0,
    isRepaired: true,
  },
}
