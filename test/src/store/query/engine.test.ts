import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import type { BlockStore } from '#core/store/block-store.js'
import { createBlockStore } from '#core/store/blocks.js'
import { createMerger } from '#core/store/merge.js'
import { type AggregateQuery, aggregatePart, planAggregate } from '#core/store/query/aggregate.js'
import { allEffort } from '#core/store/query/effort.js'
import type { Filter } from '#core/store/query/filter.js'
import { parseFilter } from '#core/store/query/parse.js'
import { type AggregateResult, rankParts } from '#core/store/query/ranking.js'
import { queryRows } from '#core/store/query/rows.js'
import { exporter } from '../rows.js'
import { aggregations, blocks, build, type DrawnBlock, filters, RECEIVED } from './arbitrary.js'
import { aggregate, groupsOf, matches, type Row } from './naive.js'

/** A store that holds the blocks and nothing else, and its rows as JSON in the order of their numbers. */
async function stored(store: BlockStore, drawn: readonly DrawnBlock[]): Promise<Row[]> {
  await empty(store)
  return add(store, drawn)
}

async function empty(store: BlockStore): Promise<void> {
  for (const name of ['flow4', 'flow6', 'icmp4'] as const) {
    const old = await store.index(name)
    const last = old.at(-1)
    if (last !== undefined) await store.removeBefore(new Map([[name, last.firstSequence + last.rows]]))
  }
}

/** The rows as JSON in the order of their numbers. */
async function add(store: BlockStore, drawn: readonly DrawnBlock[]): Promise<Row[]> {
  const all: Row[] = []
  for (const block of drawn) {
    const { builder, rows } = build(block)
    const row = store.sequence.next()
    await store.append(builder, 0)
    all.push(...rows.map((each, index) => ({ ...each, row: row + index })))
  }
  return all
}

async function openStore(location: string): Promise<BlockStore> {
  const store = createBlockStore({ location: join(location, 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  return store
}

/** In so many parts, one after the other: what threads do at the same time. */
async function aggregated(store: BlockStore, query: AggregateQuery, parts: number): Promise<AggregateResult> {
  const plan = await planAggregate(store, query)
  let next = 0
  const found = []
  for (let part = 0; part < parts; part++) {
    // Each part but the last takes one block.
    let taken = 0
    const take = () => (part < parts - 1 && taken++ > 0 ? plan.rows.length : next++)
    found.push(await aggregatePart(store, query, plan, take, allEffort))
  }
  return rankParts(query, plan, found)
}

t.test('rows found are those that match one by one, in any pages', async (t) => {
  const store = await openStore(t.testdir())
  const property = fc.asyncProperty(
    blocks,
    filters,
    fc.integer({ min: 1, max: 40 }),
    fc.option(fc.nat(5000), { nil: undefined }),
    async (drawn, filter, limit, from) => {
      const rows = await stored(store, drawn)
      const fromMilliseconds = RECEIVED + (from ?? 0)
      const expected = rows
        .filter((row) => Number(row['receivedMilliseconds']) >= fromMilliseconds && matches(filter, row))
        .map(({ row }) => row)
        .reverse()
      const found: unknown[] = []
      let cursor: string | undefined
      do {
        const page = await queryRows(store, {
          filter,
          limit,
          fromMilliseconds,
          ...(cursor === undefined ? {} : { cursor }),
        })
        assert.ok(page.rows.length <= limit && !page.partial)
        found.push(...page.rows.map((row) => (row as { row: number }).row))
        cursor = page.nextCursor
      } while (cursor !== undefined)
      assert.deepEqual(found, expected)
    },
  )
  await t.resolves(fc.assert(property, { numRuns: 300 }))
})

t.test('aggregates are those of rows one by one, in any parts', async (t) => {
  const store = await openStore(t.testdir())
  const property = fc.asyncProperty(
    blocks,
    aggregations,
    fc.constantFrom(1, 3),
    async (drawn, query, parts) => {
      const rows = await stored(store, drawn)
      const expected = aggregate(rows, query)
      const result = await aggregated(store, { ...query, top: 10_000 }, parts)
      assert.deepEqual(groupsOf(result.groups, query.sums), expected)
      assert.equal(result.groupCount, expected.size)
      assert.equal(result.rowsMatched, rows.filter((row) => matches(query.filter, row)).length)
      assert.equal(result.partial, false)
      const first = query.sums[0]!
      const ranked = result.groups.map((group) => Number(group[first]))
      const isHistory = query.by.length === 1 && query.by[0]!.name === 'timeMilliseconds'
      if (!isHistory)
        assert.deepEqual(
          ranked,
          [...ranked].sort((one, other) => other - one),
        )
      const top = await aggregated(store, { ...query, top: 2 }, parts)
      if (!isHistory)
        assert.deepEqual(
          top.groups.map((group) => group[first]),
          ranked.slice(0, 2),
        )
      for (const measure of query.sums) {
        const sum = [...expected.values()].reduce((all, group) => all + group[measure]!, 0)
        assert.equal(result.total[measure], sum)
      }
    },
  )
  await t.resolves(fc.assert(property, { numRuns: 300 }))
})

t.test('groups beyond the most are counted together and told', async (t) => {
  const store = await openStore(t.testdir())
  const row = (pick: number) => ({ shape: 0, exporter: 0, after: pick * 1000, picks: Array(8).fill(pick) })
  const all = await stored(store, [{ stream: 'flow4', rows: [0, 1, 2, 3, 4].map(row) }])
  const by = [{ name: 'timeMilliseconds', bucketMilliseconds: 1000 }]
  const query = { by, sums: ['flows'], top: 10, maximumGroups: 2 } as const
  const result = await aggregated(store, query, 1)
  t.match(result, {
    groups: [
      { timeMilliseconds: RECEIVED, flows: 1 },
      { timeMilliseconds: RECEIVED + 1000, flows: 1 },
    ],
    groupCount: 2,
    total: { flows: all.length },
    other: { flows: 3 },
    partial: true,
    partialReasons: ['groups'],
  })
})

t.test('a filter on protocols opens no block of others, and counting opens none at all', async (t) => {
  const store = await openStore(t.testdir())
  const pick = (protocol: number) => ({ shape: 0, exporter: 0, after: 0, picks: Array(8).fill(protocol) })
  // The third column of the list is the protocol: a pick of 59 + 2 gives the second value, 1.
  await stored(store, [
    { stream: 'icmp4', rows: [pick(59), pick(59)] },
    { stream: 'flow4', rows: [pick(0)] },
  ])
  const filter: Filter = { type: 'compare', field: 'protocol', operator: '=', value: 1 }
  const opened: number[] = []
  const watched: BlockStore = {
    ...store,
    read: (entry, use, work) => {
      opened.push(entry.firstSequence)
      return store.read(entry, use, work)
    },
  }
  const count = await aggregated(watched, { filter, by: [], sums: ['flows'], top: 1 }, 1)
  t.match(count, { groups: [{ flows: 2 }], rowsMatched: 2 })
  t.same(opened, [])
  await queryRows(watched, { filter, limit: 9 })
  t.equal(opened.length, 1)
  const none = await aggregated(
    watched,
    { filter: { type: 'family', family: 6 }, by: [], sums: ['flows'], top: 1 },
    1,
  )
  t.match(none, { groups: [], total: { flows: 0 }, rowsMatched: 0 })
  t.equal(opened.length, 1)
})

t.test('of rows just the values are given that were asked for, and who sent them', async (t) => {
  const store = await openStore(t.testdir())
  const names = ['sourceAddress', 'destinationAddress', 'icmpFrom', 'icmpType', 'octets'] as const
  const shape = shapeOf([0, 1, 2, ...names.map((name) => Column[name])])
  const builder = new BlockBuilder(streamNamed('icmp4'), 1)
  const row = builder.begin(exporter, shape, RECEIVED, 1)
  builder.setAddress(Column.sourceAddress, row, [0, 0, 0, 0x0a000001])
  builder.setNumber(Column.icmpFrom, row, 1)
  builder.setNumber(Column.icmpType, row, 8)
  await store.append(builder, 0)
  const filter: Filter = { type: 'any' }
  const columns = ['sourceAddress', 'icmpType', 'packets']
  const { rows } = await queryRows(store, { filter, columns, limit: 9 })
  const [whole] = (await queryRows(store, { filter, limit: 9 })).rows as Record<string, unknown>[]
  const { destinationAddress, octets, receivedMilliseconds, ...wanted } = whole!
  t.same(rows, [wanted])
  t.match(wanted, { sourceAddress: '10.0.0.1', icmpType: 8, exporterAddress: String })
  t.same([destinationAddress, octets, receivedMilliseconds], ['0.0.0.0', 0, RECEIVED])
  await store.close()
})

t.test('type and code of ICMP in the place of a port are no port', async (t) => {
  const store = await openStore(t.testdir())
  const names = [
    'sourceTransportPort',
    'destinationTransportPort',
    'icmpFrom',
    'icmpType',
    'icmpCode',
  ] as const
  const builder = new BlockBuilder(streamNamed('icmp4'), 1)
  const row = builder.begin(exporter, shapeOf([0, 1, 2, ...names.map((name) => Column[name])]), RECEIVED, 1)
  for (const [name, value] of [
    ['destinationTransportPort', 2048],
    ['icmpFrom', 2],
    ['icmpType', 8],
  ] as const)
    builder.setNumber(Column[name], row, value)
  await store.append(builder, 0)
  const filters: [text: string, rows: number][] = [
    ['src port != 53', 0],
    ['dst port 2048', 0],
    ['port >= 0', 0],
    ['not port 53', 1],
    ['icmp-type 8 and icmp-code 0', 1],
  ]
  for (const [text, wanted] of filters) {
    const { filter } = parseFilter(text) as { filter: Filter }
    const { rows } = await queryRows(store, { filter, limit: 9 })
    t.equal(rows.length, wanted, text)
  }
  await store.close()
})

t.test('an IPv4-mapped address is found as rows show it', async (t) => {
  const store = await openStore(t.testdir())
  const shape = shapeOf([0, 1, 2, Column.sourceAddress])
  for (const [stream, words] of [
    ['flow4', [0, 0, 0, 0x0a000001]],
    ['flow6', [0, 0, 0xffff, 0x0a000001]],
  ] as const) {
    const builder = new BlockBuilder(streamNamed(stream), 1)
    builder.setAddress(Column.sourceAddress, builder.begin(exporter, shape, RECEIVED, 1), words)
    await store.append(builder, 0)
  }
  const cases = [
    ['host ::ffff:10.0.0.1', ['::ffff:10.0.0.1', '10.0.0.1']],
    ['src host in [::ffff:10.0.0.1, 10.0.0.2]', ['::ffff:10.0.0.1', '10.0.0.1']],
    ['net ::ffff:10.0.0.0/104', ['::ffff:10.0.0.1', '10.0.0.1']],
    ['ipv6 and net ::ffff:0:0/96', ['::ffff:10.0.0.1']],
    ['host 10.0.0.1', ['10.0.0.1']],
    ['host ::ffff:10.0.0.2', []],
  ] as const
  for (const [text, wanted] of cases) {
    const parsed = parseFilter(text)
    assert('filter' in parsed, text)
    const { rows } = await queryRows(store, { ...parsed, limit: 9 })
    t.same(
      rows.map((row) => (row as Record<string, unknown>)['sourceAddress']),
      wanted,
      text,
    )
  }
  await store.close()
})

t.test('a question about a host opens the blocks that may have it', async (t) => {
  const store = await openStore(t.testdir())
  const shape = shapeOf([0, 1, 2, Column.sourceAddress, Column.destinationAddress])
  for (let block = 0; block < 50; block++) {
    const builder = new BlockBuilder(streamNamed('flow4'), 100)
    for (let index = 0; index < 100; index++) {
      const row = builder.begin(exporter, shape, RECEIVED, 1)
      builder.setAddress(Column.sourceAddress, row, [0, 0, 0, 0x0a000000 + block * 256 + index])
      builder.setAddress(Column.destinationAddress, row, [0, 0, 0, 0xc0000200 + (index % 4)])
    }
    await store.append(builder, 0)
  }
  const opened = new Set<number>()
  const watched: BlockStore = {
    ...store,
    read: (entry, use, work) => {
      opened.add(entry.firstSequence)
      return store.read(entry, use, work)
    },
  }
  const cases = [
    ['host 10.0.7.9', 1, 6],
    ['src host 10.0.7.9 or dst host 10.0.3.1', 1, 6],
    ['src host 10.0.7.9 and dst host 192.0.2.1', 1, 6],
    ['host 192.0.2.2', 1250, 50],
    ['net 10.0.7.8/30', 4, 15],
    ['net 10.0.7.0/24', 100, 50],
    ['host 2001:db8::1', 0, 0],
    ['not host 10.0.7.9', 4999, 50],
  ] as const
  for (const [text, flows, atMost] of cases) {
    opened.clear()
    const parsed = parseFilter(text)
    assert('filter' in parsed)
    const query: AggregateQuery = { ...parsed, by: [], sums: ['flows'], top: 1 }
    const { total } = await aggregated(watched, query, 1)
    t.equal(total.flows, flows, text)
    t.ok(opened.size <= atMost, `${text}: ${opened.size} blocks`)
  }
})

t.test(
  'a merged block that cannot be read is tried once, however many rows of others lie between its own',
  async (t) => {
    const store = await openStore(t.testdir())
    const pick = { shape: 0, exporter: 0, after: 0, picks: Array(8).fill(0) }
    for (let count = 0; count < 40; count++)
      await add(store, [
        { stream: 'flow4', rows: [pick] },
        { stream: 'flow6', rows: [pick] },
      ])
    await createMerger(store).pass(RECEIVED)
    const [merged] = await store.index('flow4')
    t.equal(merged?.runs.length, 40)
    let tries = 0
    const failing: BlockStore = {
      ...store,
      block: async (entry) => {
        if (entry.stream.name === 'flow6') return store.block(entry)
        tries++
        throw new Error('no such octets')
      },
    }
    const page = await queryRows(failing, { limit: 1000 })
    t.match(page, { rows: { length: 40 }, blocksFailed: 1, partial: true, partialReasons: ['blocks'] })
    t.equal(tries, 1)
  },
)
