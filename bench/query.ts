/**
 * Questions over stored rows: counting a protocol, top talkers, four columns. Rows are drawn with a fixed seed so that
 * there are many groups: 30,000 hosts, a few of them busy, as in a network. One thread is this one; more are workers.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { BLOCK_ROWS, BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, type StreamName, streamNamed } from '#core/records/columns.js'
import type { BlockStore } from '#core/store/block-store.js'
import { createBlockStore } from '#core/store/blocks.js'
import { type AggregateQuery, aggregatePart, planAggregate } from '#core/store/query/aggregate.js'
import { parseDimensions } from '#core/store/query/dimensions.js'
import { allEffort } from '#core/store/query/effort.js'
import type { Measure } from '#core/store/query/measures.js'
import { parseFilter } from '#core/store/query/parse.js'
import { rankParts } from '#core/store/query/ranking.js'
import { queryRows } from '#core/store/query/rows.js'
import { createQueryClient } from '#core/workers/query-client.js'
import { print, ROUNDS } from './figures.js'
import { exporter, shape } from './flow-rows.js'

const ROWS = 4_000_000
const HOSTS = 30_000
/** Of the rows, one in so many is ICMP, in a stream of its own. */
const ICMP_ONE_IN = 40
const FROM = Date.UTC(2026, 5, 1)

/** Marsaglia's xorshift: 32 bits a step. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 0x1_0000_0000
  }
}

function fill(builder: BlockBuilder, count: number, first: number, random: () => number): void {
  const isIcmp = builder.stream.name === 'icmp4'
  const received = FROM + first
  const row = builder.begin(exporter, shape, received, count)
  for (let at = row; at < row + count; at++) {
    // The cube makes low numbers busy.
    const source = Math.floor(random() ** 3 * HOSTS)
    const destination = Math.floor(random() ** 3 * HOSTS)
    const packets = 1 + Math.floor(random() ** 6 * 1000)
    builder.setAddress(Column.sourceAddress, at, [0, 0, 0, 0x0a000000 + source])
    builder.setAddress(Column.destinationAddress, at, [0, 0, 0, 0xc6120000 + destination])
    builder.setNumber(Column.sourceTransportPort, at, isIcmp ? 0 : 1024 + Math.floor(random() * 64_000))
    builder.setNumber(Column.destinationTransportPort, at, isIcmp ? 0 : random() < 0.8 ? 443 : 53)
    builder.setNumber(Column.protocolIdentifier, at, isIcmp ? 1 : random() < 0.8 ? 6 : 17)
    builder.setUnsigned64(Column.octets, at, packets * (64 + Math.floor(random() * 1400)))
    builder.setUnsigned64(Column.packets, at, packets)
    builder.setNumber(Column.startMilliseconds, at, received - 1000 - Math.floor(random() * 1000))
    builder.setNumber(Column.endMilliseconds, at, received - 500)
    builder.setNumber(Column.tcpControlBits, at, 0x1b)
  }
}

async function store(blocks: BlockStore): Promise<void> {
  const random = randomOf(1)
  const builders = (['flow4', 'icmp4'] satisfies StreamName[]).map(
    (name) => new BlockBuilder(streamNamed(name), BLOCK_ROWS),
  )
  const CHUNK = 1024
  for (let first = 0; first < ROWS; first += CHUNK) {
    const icmp = Math.floor(CHUNK / ICMP_ONE_IN)
    for (const [index, count] of [CHUNK - icmp, icmp].entries()) {
      const builder = builders[index]!
      if (builder.rows + count > builder.capacity) {
        await blocks.append(builder, FROM)
        builder.reset()
      }
      fill(builder, count, first, random)
    }
  }
  for (const builder of builders) await blocks.append(builder, FROM)
}

type Question = {
  readonly what: string
  readonly filter: string
  readonly by: string
  readonly sums: readonly Measure[]
}

const questions: readonly Question[] = [
  { what: 'count `proto icmp`', filter: 'proto icmp', by: '', sums: ['flows'] },
  { what: 'count `flags S and bytes > 100k`', filter: 'flags S and bytes > 100k', by: '', sums: ['flows'] },
  { what: 'count `host 10.0.0.77`', filter: 'host 10.0.0.77', by: '', sums: ['flows'] },
  { what: 'top sources by octets', filter: '', by: 'src', sums: ['octets'] },
  { what: 'destination ports by flows', filter: '', by: 'dstport', sums: ['flows'] },
  { what: 'src, dst, proto, dstport by octets', filter: '', by: 'src,dst,proto,dstport', sums: ['octets'] },
]

function queryOf({ filter, by, sums }: Question): AggregateQuery {
  const read = parseFilter(filter)
  const dimensions = by === '' ? [] : parseDimensions(by, 1000)
  if ('problem' in read || typeof dimensions === 'string') throw new Error('the question cannot be read')
  return { filter: read.filter, by: dimensions, sums, top: 10 }
}

/** Prints rows a second: those stored, whether a question must look at them or not. */
export async function benchQuery(): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'culvert-bench-'))
  const blocks = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  await blocks.open()
  await store(blocks)
  const threads = availableParallelism()
  const client = createQueryClient({ setup: { data, sequence: blocks.sequence.shared }, threads })
  process.stdout.write(`\n${(ROWS / 1e6).toFixed(1)} million rows of ${HOSTS.toLocaleString('en')} hosts\n`)
  for (const question of questions) {
    const query = queryOf(question)
    let groups = 0
    const alone = await fastest(async () => {
      const plan = await planAggregate(blocks, query)
      let next = 0
      const part = await aggregatePart(blocks, query, plan, () => next++, allEffort)
      groups = rankParts(query, plan, [part]).groupCount
    })
    print(
      question.what,
      alone,
      'rows/s',
      `${(ROWS / alone).toFixed(3)} s, ${groups.toLocaleString('en')} groups`,
    )
    const shared = await fastest(async () => {
      await client.aggregate(query)
    })
    print(`  in ${threads} threads`, shared, 'rows/s', `${(ROWS / shared).toFixed(3)} s`)
  }
  const read = parseFilter('host 10.0.0.77')
  const page = await fastest(async () => {
    await queryRows(blocks, { limit: 100, ...read })
  })
  print('first 100 rows of a host', 1000 * (ROWS / page), 'ms')
  await client.close()
  await blocks.close()
  await rm(data, { recursive: true, force: true })
}

/** Stored rows a second, of the best of some rounds. */
async function fastest(work: () => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    await work()
    least = Math.min(least, performance.now() - began)
  }
  return (ROWS * 1000) / least
}
