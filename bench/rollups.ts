/**
 * What rollups cost: processor time for a million rows, of a network with busy hosts and of one where each row is another
 * pair, the worst that can come. `node dist/bench/rollups.js [rows]`; rows are drawn with a fixed seed, in one bucket.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BLOCK_ROWS, BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, type StreamName, streamNamed } from '#core/records/columns.js'
import { createRoller } from '#core/rollups/roller.js'
import type { BlockStore } from '#core/store/block-store.js'
import { createBlockStore } from '#core/store/blocks.js'
import { createRandom } from '#simulate/random.js'
import { print } from './figures.js'
import { exporter, shape } from './flow-rows.js'

const HOSTS = 30_000
const FEW_HOSTS = 100
const FROM = Date.UTC(2026, 5, 1)
const BUCKET_MILLISECONDS = 300_000

/** `few`: 100 hosts, whose groups are all kept apart. `busy`: 30,000, of which the low ones are met often. `pairs`: no pair twice. */
type Mix = 'few' | 'busy' | 'pairs'

async function store(blocks: BlockStore, name: StreamName, rows: number, mix: Mix): Promise<void> {
  const random = createRandom(1)
  const hosts = mix === 'few' ? FEW_HOSTS : HOSTS
  const builder = new BlockBuilder(streamNamed(name), BLOCK_ROWS)
  for (let row = 0; row < rows; row++) {
    const received = FROM + Math.floor((row * (BUCKET_MILLISECONDS - 1)) / rows)
    const at = builder.begin(exporter, shape, received, 1)
    const host = (low: number) => (mix === 'pairs' ? row : Math.floor(low ** 3 * hosts))
    const packets = 1 + Math.floor(random.uniform() ** 6 * 1000)
    builder.setAddress(Column.sourceAddress, at, [0x20010db8, 0, 0, 0x0a000000 + host(random.uniform())])
    builder.setAddress(Column.destinationAddress, at, [0x20010db8, 0, 1, 0xc6120000 + host(random.uniform())])
    builder.setNumber(Column.sourceTransportPort, at, 1024 + Math.floor(random.uniform() * 64_000))
    builder.setNumber(Column.destinationTransportPort, at, random.uniform() < 0.8 ? 443 : 53)
    builder.setNumber(Column.protocolIdentifier, at, random.uniform() < 0.8 ? 6 : 17)
    builder.setUnsigned64(Column.octets, at, packets * (64 + Math.floor(random.uniform() * 1400)))
    builder.setUnsigned64(Column.packets, at, packets)
    builder.setNumber(Column.startMilliseconds, at, received - 1000 - Math.floor(random.uniform() * 1000))
    builder.setNumber(Column.endMilliseconds, at, received - 500)
    if (!builder.isFull) continue
    await blocks.append(builder, FROM)
    builder.reset()
  }
  if (builder.rows > 0) await blocks.append(builder, FROM)
}

async function measure(name: StreamName, rows: number, mix: Mix): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'culvert-bench-'))
  const blocks = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  const rollups = createBlockStore({ location: join(data, 'rollups'), what: 'rollups', isFirst: true })
  await blocks.open()
  await rollups.open()
  await store(blocks, name, rows, mix)
  const roller = createRoller({ blocks, rollups })
  const before = process.cpuUsage()
  const step = await roller.step(FROM + 2 * BUCKET_MILLISECONDS)
  const { user, system } = process.cpuUsage(before)
  if (step?.rows !== rows) throw new Error('not all rows were summed')
  const memory = Math.round(process.memoryUsage().rss / 2 ** 20)
  const { rollupRows, octets, progress } = step
  const text = `${rollupRows} rows of ${(octets / rollupRows).toFixed(1)} octets, ${progress.togetherRows} put together, ${memory} MiB`
  print(`${name} ${mix}`, (user + system) / 1e6 / (rows / 1e6), 'CPU-s/M rows', text)
  await rollups.close()
  await blocks.close()
  await rm(data, { recursive: true, force: true })
}

/** Prints processor seconds for a million rows. */
export async function benchRollups(rows: number): Promise<void> {
  for (const name of ['flow4', 'flow6'] as const)
    for (const mix of ['few', 'busy', 'pairs'] as const) await measure(name, rows, mix)
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href)
  await benchRollups(Number(process.argv[2] ?? 4e6))
