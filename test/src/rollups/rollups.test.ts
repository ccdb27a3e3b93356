import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { Block } from '#core/blocks/block.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { type RowSource, rowObject } from '#core/blocks/row.js'
import { FlowColumnIndex as Column, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { createRoller } from '#core/rollups/roller.js'
import type { BlockStore } from '#core/store/block-store.js'
import { createBlockStore } from '#core/store/blocks.js'
import { findHoles } from '#core/store/holes.js'
import { createMerger } from '#core/store/merge.js'
import { type AggregateQuery, aggregatePart, planAggregate } from '#core/store/query/aggregate.js'
import { allEffort } from '#core/store/query/effort.js'
import type { Filter } from '#core/store/query/filter.js'
import { parseFilter } from '#core/store/query/parse.js'
import { type AggregateResult, rankParts } from '#core/store/query/ranking.js'
import { rollupProblem } from '#core/store/query/resolution.js'
import { decodeProgress } from '#core/store/rollup-progress.js'
import { plainNode, project } from '../../support/project.js'
import {
  aggregations,
  build,
  type DrawnBlock,
  blocks as drawnBlocks,
  RECEIVED,
} from '../store/query/arbitrary.js'
import { exporter } from '../store/rows.js'

const rollingProcess = join(project, 'test/src/rollups/rolling-process.mjs')
const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** Long after all rows of the tests. */
const LATER = RECEIVED + 24 * HOUR

type Stores = { readonly blocks: BlockStore; readonly rollups: BlockStore }

async function openStores(data: string): Promise<Stores> {
  const blocks = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  const rollups = createBlockStore({ location: join(data, 'rollups'), what: 'rollups', isFirst: true })
  await blocks.open()
  await rollups.open()
  return { blocks, rollups }
}

async function closeStores({ blocks, rollups }: Stores): Promise<void> {
  await blocks.close()
  await rollups.close()
}

async function rollAll(stores: Stores, now = LATER, maximumGroups?: number): Promise<void> {
  const roller = createRoller({ ...stores, ...(maximumGroups === undefined ? {} : { maximumGroups }) })
  while ((await roller.step(now)) !== undefined);
}

async function aggregated({ blocks, rollups }: Stores, query: AggregateQuery): Promise<AggregateResult> {
  const plan = await planAggregate(blocks, query, rollups)
  let next = 0
  const part = await aggregatePart(blocks, query, plan, () => next++, allEffort, rollups)
  return rankParts(query, plan, [part])
}

/** Without what says how an answer was found. */
function answerOf({ groups, groupCount, total, unknown }: AggregateResult) {
  const sorted = groups.map((group) => JSON.stringify(group)).sort()
  return { groups: sorted, groupCount, total, unknown }
}

/** Rows over some 80 minutes instead of seconds. */
function spread(drawn: readonly DrawnBlock[]): DrawnBlock[] {
  return drawn.map(({ stream, rows }) => ({
    stream,
    rows: rows.map((row) => ({ ...row, after: row.after * 1000 })),
  }))
}

const TIME = { name: 'timeMilliseconds', bucketMilliseconds: 5 * MINUTE }
const bySource: AggregateQuery = { by: [{ name: 'sourceAddress' }], sums: ['octets', 'flows'], top: 100 }

function blockRows(block: Block): RowSource {
  const { stream, exporters, shapes } = block.header
  return {
    stream,
    exporters,
    shapes,
    column: (column) => block.column(column),
    strings: (column) => block.strings(column),
    addresses: () => block.addresses(),
  }
}

/** One row of some minutes after twelve, of a host to another. */
type Flow = { minute: number; host: number; octets: number; icmpType?: number; interval?: number }

const common = [
  0,
  1,
  2,
  Column.sourceAddress,
  Column.destinationAddress,
  Column.protocolIdentifier,
  Column.octets,
  Column.packets,
  Column.startMilliseconds,
  Column.endMilliseconds,
]
const tcp = shapeOf([
  ...common,
  Column.destinationTransportPort,
  Column.samplingInterval,
  Column.samplingFrom,
])
const icmp = shapeOf([...common, Column.icmpType, Column.icmpCode, Column.icmpFrom])

async function append(
  blocks: BlockStore,
  name: 'flow4' | 'flow6' | 'icmp6',
  flows: readonly Flow[],
  storedMilliseconds = RECEIVED + Math.max(0, ...flows.map(({ minute }) => minute)) * MINUTE,
): Promise<void> {
  const builder = new BlockBuilder(streamNamed(name), Math.max(1, flows.length))
  for (const { minute, host, octets, icmpType, interval = 0 } of flows) {
    const received = RECEIVED + minute * MINUTE
    const row = builder.begin(exporter, name === 'icmp6' ? icmp : tcp, received, 1)
    builder.setAddress(Column.sourceAddress, row, [0x20010db8, 0, 0, 0x0a000000 + host])
    builder.setAddress(Column.destinationAddress, row, [0x20010db8, 0, 1, 0x0a000001])
    builder.setNumber(Column.protocolIdentifier, row, icmpType === undefined ? 6 : 58)
    builder.setUnsigned64(Column.octets, row, octets)
    builder.setUnsigned64(Column.packets, row, 1)
    builder.setNumber(Column.startMilliseconds, row, received - 1000 * host)
    builder.setNumber(Column.endMilliseconds, row, received)
    if (icmpType === undefined) {
      builder.setNumber(Column.destinationTransportPort, row, 443)
      builder.setNumber(Column.samplingInterval, row, interval)
      builder.setNumber(Column.samplingFrom, row, interval === 0 ? 0 : 3)
    } else {
      builder.setNumber(Column.icmpType, row, icmpType)
      builder.setNumber(Column.icmpFrom, row, 1)
    }
  }
  await blocks.append(builder, storedMilliseconds)
}

t.test('a bucket is summed when it is over, by five minutes and then by the hour', async (t) => {
  const stores = await openStores(t.testdir())
  t.teardown(() => closeStores(stores))
  await append(stores.blocks, 'flow6', [
    { minute: 1, host: 1, octets: 100, interval: 10 },
    { minute: 2, host: 1, octets: 200, interval: 10 },
    { minute: 3, host: 1, octets: 5 },
    { minute: 4, host: 2, octets: 50 },
  ])
  await append(stores.blocks, 'icmp6', [
    { minute: 4, host: 1, octets: 84, icmpType: 128 },
    { minute: 7, host: 1, octets: 84, icmpType: 129 },
  ])
  const roller = createRoller(stores)
  t.equal(await roller.step(RECEIVED + 5 * MINUTE), undefined, 'rows may still come')
  t.match(await roller.step(RECEIVED + 6 * MINUTE), { rollup: 'fiveMinutes', rows: 6, rollupRows: 5 })
  t.equal(await roller.step(RECEIVED + 12 * MINUTE), undefined, 'the hour is not over')
  t.match(await roller.step(RECEIVED + 62 * MINUTE), { rollup: 'hours', rollupRows: 5 })
  t.equal(await roller.step(RECEIVED + 62 * MINUTE), undefined)

  const sums = ['octets', 'packets', 'flows'] as const
  const by = [{ name: 'sourceAddress' }, { name: 'icmpType' }]
  for (const resolution of ['5m', '1h'] as const) {
    const result = await aggregated(stores, { by, sums, top: 10, isScaled: true, resolution })
    t.same(result.groups, [
      { sourceAddress: '2001:db8::a00:1', octets: 3005, packets: 21, flows: 3 },
      { sourceAddress: '2001:db8::a00:1', icmpType: 128, octets: 84, packets: 1, flows: 1 },
      { sourceAddress: '2001:db8::a00:1', icmpType: 129, octets: 84, packets: 1, flows: 1 },
      { sourceAddress: '2001:db8::a00:2', octets: 50, packets: 1, flows: 1 },
    ])
    t.equal(result.partial, false)
  }
  const [icmpBlock, ...others] = (await stores.rollups.index('rollup6')).filter(
    ({ protocols }) => (protocols[58 >> 3]! & (1 << (58 & 7))) !== 0,
  )
  t.equal(others.length, 0)
  const block = (await stores.rollups.block(icmpBlock!))!
  t.equal(block.header.rows, 2, 'ICMP lies in blocks of its own')
  t.same(rowObject(blockRows(block), 0), {
    exporterAddress: '192.0.2.1',
    listenerPort: 2055,
    protocolVersion: 9,
    observationDomainId: 1,
    receivedMilliseconds: RECEIVED,
    sourceAddress: '2001:db8::a00:1',
    destinationAddress: '2001:db8::1:a00:1',
    protocolIdentifier: 58,
    octets: 84,
    packets: 1,
    startMilliseconds: RECEIVED + 4 * MINUTE - 1000,
    endMilliseconds: RECEIVED + 4 * MINUTE,
    icmpType: 128,
    icmpCode: 0,
    icmpFrom: 'element',
    deltaFlowCount: 1,
    bucketMilliseconds: 5 * MINUTE,
  })
})

t.test(
  'rows that come late, or were imported, make rows of their own in the bucket of their time',
  async (t) => {
    const stores = await openStores(t.testdir())
    t.teardown(() => closeStores(stores))
    await append(stores.blocks, 'flow4', [{ minute: 1, host: 1, octets: 1 }])
    await rollAll(stores, RECEIVED + 6 * MINUTE)
    await append(stores.blocks, 'flow4', [{ minute: 2, host: 1, octets: 10 }])
    await append(stores.blocks, 'flow4', [{ minute: -600, host: 1, octets: 100 }])
    await rollAll(stores)
    const query: AggregateQuery = { by: [TIME], sums: ['octets', 'flows'], top: 10, resolution: '5m' }
    t.same((await aggregated(stores, query)).groups, [
      { timeMilliseconds: RECEIVED - 600 * MINUTE, octets: 100, flows: 1 },
      { timeMilliseconds: RECEIVED, octets: 11, flows: 2 },
    ])
  },
)

t.test('rows by a clock that was ahead do not hold up those that came after them', async (t) => {
  const stores = await openStores(t.testdir())
  t.teardown(() => closeStores(stores))
  const add = (minute: number) => append(stores.blocks, 'flow4', [{ minute, host: 1, octets: 1 }])
  await add(1)
  await add(600_000)
  await add(600_100)
  await add(2)
  await add(62)
  await add(121)
  await rollAll(stores, RECEIVED + 122 * MINUTE)
  const query: AggregateQuery = { by: [TIME], sums: ['flows'], top: 10, resolution: '5m' }
  const five = await aggregated(stores, query)
  t.same(five.groups, [
    { timeMilliseconds: RECEIVED, flows: 2 },
    { timeMilliseconds: RECEIVED + HOUR, flows: 1 },
  ])
  t.equal(five.sources[0]!.toMilliseconds, RECEIVED + 120 * MINUTE)
  t.match((await aggregated(stores, { ...bySource, resolution: '1h' })).total, { flows: 3 })
  await rollAll(stores, RECEIVED + 700_000 * MINUTE)
  for (const resolution of ['5m', '1h'] as const)
    t.match((await aggregated(stores, { ...bySource, resolution })).total, { flows: 6 }, resolution)
})

t.test('sums of which it is not known whether they were written are not written twice', async (t) => {
  const stores = await openStores(t.testdir())
  t.teardown(() => closeStores(stores))
  const builder = new BlockBuilder(streamNamed('flow4'), 10)
  const shape = shapeOf([0, 1, 2, Column.octets])
  for (let count = 0; count < 10; count++)
    builder.setUnsigned64(Column.octets, builder.begin(exporter, shape, RECEIVED, 1), 100)
  await stores.blocks.append(builder, RECEIVED)
  let fails = 1
  const roller = createRoller({
    blocks: stores.blocks,
    rollups: {
      ...stores.rollups,
      async appendNoted(...args) {
        const written = await stores.rollups.appendNoted(...args)
        if (fails-- > 0) throw new Error('the index took nothing')
        return written
      },
    },
  })
  await t.rejects(roller.step(LATER))
  while ((await roller.step(LATER)) !== undefined);
  const rows = (await stores.rollups.index('rollup4')).reduce((sum, entry) => sum + entry.rows, 0)
  t.equal(rows, 1)
})

t.test('what a stop in the middle leaves is taken up again: each row counts once', async (t) => {
  const data = t.testdir()
  let stores = await openStores(data)
  for (const minute of [1, 2, 6, 7, 64])
    await append(stores.blocks, 'flow4', [{ minute, host: 1, octets: 10 ** (minute % 5) }])
  const roller = createRoller(stores)
  await roller.step(LATER)
  // Sums that were never written: the process ended before.
  const dying = { ...stores.rollups, appendNoted: async () => Promise.reject(new Error('killed')) }
  await t.rejects(createRoller({ blocks: stores.blocks, rollups: dying }).step(LATER), /killed/)
  await closeStores(stores)
  // The index did not hear of blocks that were written: they were, and their note with them.
  rmSync(join(data, 'rollups', 'index'), { recursive: true })
  stores = await openStores(data)
  t.teardown(() => closeStores(stores))
  await rollAll(stores)
  for (const resolution of ['raw', '5m', '1h'] as const)
    t.match(
      (await aggregated(stores, { ...bySource, resolution })).total,
      { octets: 10_220, flows: 5 },
      resolution,
    )
})

t.test('after any number of kills sums are those of the rows', async (t) => {
  const data = t.testdir()
  let from = RECEIVED
  for (let round = 0; round < 4; round++) {
    const child = spawn('env', [...plainNode, rollingProcess, project, data, String(from)])
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (lines: Buffer) => {
        from = Number(lines.toString().trim().split('\n').at(-1))
        // At another place of a step each time.
        if (from > RECEIVED + (round + 1) * 4 * HOUR) setTimeout(() => child.kill('SIGKILL'), round)
      })
      child.on('exit', () => resolve())
    })
    const stores = await openStores(data)
    await rollAll(stores, from + 1000 * HOUR)
    const rows = await aggregated(stores, bySource)
    t.ok(rows.total.flows! > 400 * (round + 1))
    for (const resolution of ['5m', '1h'] as const)
      t.same(answerOf(await aggregated(stores, { ...bySource, resolution })), answerOf(rows))
    t.equal((await findHoles(stores.rollups, stores.rollups.sequence.watermark())).lostRows, 0)
    await closeStores(stores)
    from += HOUR
  }
})

t.test('a note that a repair lost is made up for by the sums that are there', async (t) => {
  const stores = await openStores(t.testdir())
  t.teardown(() => closeStores(stores))
  await append(stores.blocks, 'flow4', [{ minute: 1, host: 1, octets: 1 }])
  await append(stores.blocks, 'flow4', [{ minute: 61, host: 1, octets: 10 }])
  await rollAll(stores)
  await stores.rollups.appendNoted([], 0, Buffer.from('{'))
  await append(stores.blocks, 'flow4', [{ minute: 121, host: 1, octets: 100 }])
  await rollAll(stores)
  for (const resolution of ['5m', '1h'] as const)
    t.match((await aggregated(stores, { ...bySource, resolution })).total, { octets: 111 }, resolution)
})

t.test(
  'groups beyond the most that are kept apart are put together, the smaller ones, and told of',
  async (t) => {
    const stores = await openStores(t.testdir())
    t.teardown(() => closeStores(stores))
    const flows = Array.from({ length: 50 }, (_, host) => ({ minute: 1, host, octets: 10 }))
    await append(stores.blocks, 'flow4', flows)
    await append(stores.blocks, 'flow6', flows)
    await rollAll(stores, LATER, 20)
    // In the hours the row of what was put together takes the room of one of the others.
    for (const [resolution, rows] of [
      ['5m', 60],
      ['1h', 62],
    ] as const) {
      const whole = await aggregated(stores, { by: [], sums: ['octets', 'flows'], top: 1, resolution })
      t.match(whole, { total: { octets: 1000, flows: 100 }, togetherRows: rows, partial: false })
      const result = await aggregated(stores, { ...bySource, top: 1, resolution })
      t.match(result, {
        groups: [{ octets: 10 * rows, flows: rows }],
        groupCount: 101 - rows,
        partialReasons: ['together'],
      })
      t.equal(result.groups[0]!['sourceAddress'], undefined)
      const { filter } = parseFilter('src host 10.0.0.49') as { filter: Filter }
      const host = await aggregated(stores, { ...bySource, filter, resolution })
      t.match(host, { total: { flows: 0 }, togetherRows: rows / 2, partial: true })
    }
  },
)

t.test('`auto` reads rows where they are kept, and sums of the time before', async (t) => {
  const stores = await openStores(t.testdir())
  t.teardown(() => closeStores(stores))
  for (let hour = 0; hour < 100; hour++)
    await append(stores.blocks, 'flow4', [{ minute: 60 * hour + 1, host: hour % 3, octets: 1 }])
  const now = RECEIVED + 101 * HOUR
  await rollAll(stores, now)
  const query: AggregateQuery = { by: [{ name: 'sourceAddress' }], sums: ['flows'], top: 10 }
  const before = await aggregated(stores, query)
  t.same((await aggregated(stores, { ...query, resolution: 'auto' })).sources, [{ resolution: 'raw' }])
  await stores.blocks.removeBefore(new Map([['flow4', 71]]))
  t.match((await aggregated(stores, query)).total, { flows: 30 })
  const after = await aggregated(stores, { ...query, resolution: 'auto' })
  t.same(answerOf(after), answerOf(before))
  const boundary = RECEIVED + 71 * HOUR
  t.same(after.sources, [
    { resolution: '1h', fromMilliseconds: RECEIVED, toMilliseconds: boundary },
    { resolution: 'raw', fromMilliseconds: boundary },
  ])
  const bySteps = { ...query, by: [{ name: 'timeMilliseconds', bucketMilliseconds: 5 * MINUTE }] }
  t.equal((await aggregated(stores, { ...bySteps, resolution: 'auto' })).sources[0]!.resolution, '5m')
  const { filter } = parseFilter('src port 53') as { filter: Filter }
  const asked = { ...query, filter, resolution: 'auto' as const }
  await t.rejects(
    aggregated(stores, asked),
    /cannot tell `sourcePort`: rollups know .*rows are kept from 2026-/,
  )
  t.match(await aggregated(stores, { ...asked, fromMilliseconds: boundary }), { total: { flows: 0 } })
  await t.rejects(aggregated(stores, { ...asked, resolution: '1h' }), { code: 'INVALID' })
})

t.test(
  'an old capture that was imported among newer rows does not make `auto` take those for kept',
  async (t) => {
    const stores = await openStores(t.testdir())
    t.teardown(() => closeStores(stores))
    for (let hour = 0; hour < 10; hour++)
      await append(stores.blocks, 'flow4', [{ minute: 60 * hour, host: 1, octets: 1 }])
    const imported = [{ minute: -60 * 1000, host: 2, octets: 1 }]
    await append(stores.blocks, 'flow4', imported, RECEIVED + 10 * HOUR)
    for (let hour = 11; hour < 20; hour++)
      await append(stores.blocks, 'flow4', [{ minute: 60 * hour, host: 1, octets: 1 }])
    await rollAll(stores)
    await stores.blocks.removeBefore(new Map([['flow4', 11]]))
    const query: AggregateQuery = { ...bySource, resolution: 'auto' }
    const { total, sources } = await aggregated(stores, query)
    t.match(total, { flows: 20 })
    t.match(sources, [{ resolution: '1h' }, { resolution: 'raw', fromMilliseconds: RECEIVED + 11 * HOUR }])
  },
)

t.test('rows that retention took unread are counted, and retention of sums leaves rows alone', async (t) => {
  const stores = await openStores(t.testdir())
  t.teardown(() => closeStores(stores))
  await append(stores.blocks, 'flow4', [{ minute: 1, host: 1, octets: 1 }])
  await rollAll(stores, RECEIVED + 6 * MINUTE)
  await append(stores.blocks, 'flow4', [
    { minute: 11, host: 1, octets: 1 },
    { minute: 12, host: 1, octets: 1 },
  ])
  await append(stores.blocks, 'flow4', [{ minute: 21, host: 1, octets: 1 }])
  await stores.blocks.removeBefore(new Map([['flow4', 4]]))
  await rollAll(stores)
  t.equal(decodeProgress(await stores.rollups.note())!.unreadRows, 2)
  t.match((await aggregated(stores, { ...bySource, resolution: '5m' })).total, { flows: 2 })
  await stores.rollups.removeBefore(new Map([['rollup4', 2]]))
  t.match((await aggregated(stores, { ...bySource, resolution: '5m' })).total, { flows: 1 })
  t.match((await aggregated(stores, { ...bySource, resolution: '1h' })).total, { flows: 2 })
  t.match((await aggregated(stores, bySource)).total, { flows: 1 })
})

t.test('sums of rollups are those of the rows, by whatever both know', async (t) => {
  const property = fc.asyncProperty(
    fc.array(drawnBlocks, { minLength: 1, maxLength: 3 }),
    fc.array(aggregations, { minLength: 1, maxLength: 4 }),
    fc.constantFrom(LATER, RECEIVED + 20 * MINUTE),
    async (arrivals, queries, firstLook) => {
      const data = mkdtempSync(join(t.testdirName, 'data-'))
      let stores = await openStores(data)
      try {
        for (const [index, arrival] of arrivals.entries()) {
          for (const block of spread(arrival)) await stores.blocks.append(build(block).builder, 0)
          await rollAll(stores, index === 0 ? firstLook : LATER)
          await closeStores(stores)
          stores = await openStores(data)
        }
        await rollAll(stores)
        await createMerger(stores.rollups).pass(Date.now() + HOUR)
        const known = queries.map((drawn) => ({
          ...drawn,
          filter: { type: 'any' as const },
          by: drawn.by.filter((dimension) => rollupProblem({ by: [dimension] }, '5m') === undefined),
        }))
        for (const drawn of [...queries, ...known]) {
          const by = drawn.by.map((dimension) =>
            dimension.name === 'timeMilliseconds' ? { ...dimension, bucketMilliseconds: HOUR } : dimension,
          )
          const query: AggregateQuery = { ...drawn, by, top: 10_000 }
          const rows = await aggregated(stores, query)
          for (const resolution of ['5m', '1h'] as const) {
            const asked = { ...query, resolution }
            if (rollupProblem(query, resolution) !== undefined)
              await assert.rejects(planAggregate(stores.blocks, asked, stores.rollups), { code: 'INVALID' })
            else assert.deepEqual(answerOf(await aggregated(stores, asked)), answerOf(rows))
          }
        }
        const damage = await findHoles(stores.rollups, stores.rollups.sequence.watermark())
        assert.equal(damage.lostRows, 0)
        assert.equal(decodeProgress(await stores.rollups.note())!.unreadRows, 0)
      } finally {
        await closeStores(stores)
        rmSync(data, { recursive: true })
      }
    },
  )
  t.testdir()
  await t.resolves(fc.assert(property, { numRuns: 25 }))
})
