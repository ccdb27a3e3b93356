// Real threads over a real database.
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import t, { type Test } from 'tap'
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { createBlockStore } from '#core/store/blocks.js'
import { findHoles } from '#core/store/holes.js'
import { blockKey } from '#core/store/keys.js'
import { parseFilter } from '#core/store/query/parse.js'
import { createQueryClient } from '#core/workers/query-client.js'
import { exporter } from '../store/rows.js'

const BLOCKS = 40
const ROWS = 100
const shape = shapeOf([
  0,
  1,
  2,
  Column.sourceAddress,
  Column.protocolIdentifier,
  Column.octets,
  Column.userName,
])

/** Row r of block b: source 10.0.0.b, user u(r % 3), b + r octets. */
function block(number: number): BlockBuilder {
  const builder = new BlockBuilder(streamNamed('flow4'), ROWS)
  for (let index = 0; index < ROWS; index++) {
    const row = builder.begin(exporter, shape, 1_000_000 + number * 1000 + index, 1)
    builder.setAddress(Column.sourceAddress, row, [0, 0, 0, 0x0a000000 + number])
    builder.setNumber(Column.protocolIdentifier, row, 17)
    builder.setUnsigned64(Column.octets, row, number + index)
    builder.setText(Column.userName, row, `u${(index + number) % 3}`)
  }
  return builder
}

async function start(t: Test, threads: number) {
  const data = t.testdir()
  const store = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  await store.open()
  for (let number = 0; number < BLOCKS; number++) await store.append(block(number), 0)
  const client = createQueryClient({ setup: { data, sequence: store.sequence.shared }, threads })
  t.teardown(async () => {
    await client.close()
    await store.close()
  })
  return { data, store, client }
}

const filterOf = (text: string) => {
  const read = parseFilter(text)
  if ('problem' in read) throw new Error(read.problem.message)
  return read.filter
}
const octetsOf = (number: number) => ROWS * number + (ROWS * (ROWS - 1)) / 2

t.test('threads share the blocks of an aggregation, and what they found is joined', async (t) => {
  for (const threads of [1, 3]) {
    t.test(`${threads} at work`, async (t) => {
      const { client } = await start(t, threads)
      const by = [{ name: 'userName' }]
      const users = await client.aggregate({ by, sums: ['flows', 'octets'], top: 5, filter: filterOf('udp') })
      t.match(users, { groupCount: 3, rowsMatched: BLOCKS * ROWS, blocksRead: BLOCKS, partial: false })
      const flows = users.groups.map(({ flows }) => Number(flows))
      t.equal(
        flows.reduce((sum, count) => sum + count, 0),
        BLOCKS * ROWS,
      )
      t.same(users.groups.map(({ userName }) => userName).sort(), ['u0', 'u1', 'u2'])
      const sources = await client.aggregate({ by: [{ name: 'sourceAddress' }], sums: ['octets'], top: 2 })
      t.same(sources.groups, [
        { sourceAddress: '10.0.0.39', octets: octetsOf(39) },
        { sourceAddress: '10.0.0.38', octets: octetsOf(38) },
      ])
      const page = await client.rows({ filter: filterOf('src host 10.0.0.7 and bytes < 9'), limit: 10 })
      t.same(
        page.rows.map((row) => (row as { octets: number }).octets),
        [8, 7],
      )
      const sessions = await client.sessions({ limit: 3 })
      const none = {
        sessions: [],
        nextCursor: undefined,
        partial: false,
        partialReasons: [],
        blocksFailed: 0,
      }
      t.same(sessions, none)
      await t.rejects(client.rows({ limit: 1, cursor: 'x' }), { code: 'INVALID' })
    })
  }
})

t.test('a query that nobody waits for any more, or that has had its time, ends and says so', async (t) => {
  const { client } = await start(t, 2)
  const query = { by: [{ name: 'sourceAddress' }], sums: ['octets'], top: 5 } as const
  const cancelled = await client.aggregate(query, { signal: AbortSignal.abort() })
  t.match(cancelled, { partial: true, partialReasons: ['cancelled'], rowsMatched: 0 })
  const late = await client.aggregate(query, { budgetMilliseconds: -1 })
  t.match(late, { partial: true, partialReasons: ['time'], rowsMatched: 0 })
  t.match(await client.aggregate(query), { partial: false, rowsMatched: BLOCKS * ROWS })

  const controller = new AbortController()
  const given = Array.from({ length: 6 }, () => client.aggregate(query, { signal: controller.signal }))
  controller.abort()
  const results = await Promise.all(given)
  t.ok(
    results.every(
      ({ partialReasons }) => partialReasons.length === 0 || partialReasons.includes('cancelled'),
    ),
  )
  const many = Array.from({ length: 40 }, () => client.aggregate(query))
  const outcomes = await Promise.allSettled(many)
  const busy = outcomes.filter(({ status }) => status === 'rejected')
  t.match(busy[0], { reason: { code: 'BUSY' } })
  t.equal(outcomes.length - busy.length, 18, 'two at work and sixteen waiting')
  t.match(await client.aggregate(query), { partial: false }, 'and the next one is served')
})

t.test('what is asked of a time in which rows are gone is marked so', async (t) => {
  const data = t.testdir()
  const store = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  await store.open()
  for (let number = 0; number < BLOCKS; number++) {
    await store.append(block(number), 0)
    // Rows 2001 to 2050 are gone, between blocks 19 and 20.
    if (number === 19) store.skip(50)
  }
  const damage = await findHoles(store, store.sequence.watermark())
  const [hole] = damage.holes
  const client = createQueryClient({
    setup: { data, sequence: store.sequence.shared },
    threads: 2,
    damage: () => damage,
  })
  t.teardown(async () => {
    await client.close()
    await store.close()
  })
  const at = (number: number) => 1_000_000 + number * 1000
  const lost = { partial: true, partialReasons: ['lost'], blocksFailed: 0 }
  const whole = { partial: false, partialReasons: [] }
  const windows = [
    [{}, lost],
    [{ toMilliseconds: at(10) }, whole],
    [{ fromMilliseconds: at(30) }, whole],
    [{ fromMilliseconds: at(15), toMilliseconds: at(25) }, lost],
  ] as const
  for (const [window, expected] of windows) {
    const asked = JSON.stringify(window)
    t.match(await client.aggregate({ ...window, by: [], sums: ['flows'], top: 1 }), expected, asked)
    t.match(await client.rows({ ...window, limit: 10_000 }), expected, asked)
    t.match(await client.sessions({ ...window, limit: 10 }), expected, asked)
  }
  // Of pages of 190 rows, those alone that reach over the hole.
  const marked: number[] = []
  let cursor: string | undefined
  for (let page = 0; page === 0 || cursor !== undefined; page++) {
    const { nextCursor, partial } = await client.rows({
      limit: 190,
      ...(cursor === undefined ? {} : { cursor }),
    })
    const [low, high] = [Number(nextCursor ?? 0), Number(cursor ?? Number.POSITIVE_INFINITY)]
    t.equal(partial, low < hole!.toSequence && high > hole!.fromSequence, `rows ${low} to ${high}`)
    if (partial) marked.push(page)
    cursor = nextCursor
  }
  t.equal(marked.length, 1, 'a page that reaches over the hole')
})

t.test('a damaged block makes the result partial, not wrong', async (t) => {
  const { data, store, client } = await start(t, 2)
  const [, second, third] = await store.index('flow4')
  await store.close()
  await client.close()
  const level = new ClassicLevel<Uint8Array, Uint8Array>(join(data, 'blocks'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  for (const [entry, at] of [
    [second!, 20],
    [third!, second!.octets - 30],
  ] as const) {
    const key = blockKey(entry)
    const octets = (await level.get(key))!
    // One is damaged in its header, the other in its last pieces: the octets and the users.
    octets[at]! ^= 0xff
    await level.put(key, octets)
  }
  await level.close()
  await store.open()
  const again = createQueryClient({ setup: { data, sequence: store.sequence.shared }, threads: 2 })
  t.teardown(() => again.close())
  const by = [{ name: 'sourceAddress' }]
  const result = await again.aggregate({
    by: [...by, { name: 'userName' }],
    sums: ['flows', 'octets'],
    top: 1000,
  })
  t.match(result, { blocksFailed: 2, blocksRead: BLOCKS - 2, partial: true, partialReasons: ['blocks'] })
  t.equal(result.rowsMatched, (BLOCKS - 2) * ROWS)
  t.notOk(result.groups.some(({ sourceAddress }) => ['10.0.0.1', '10.0.0.2'].includes(String(sourceAddress))))
  const page = await again.rows({ limit: 1000, filter: filterOf('src net 10.0.0.0/30') })
  t.equal(page.partial, true)
  t.equal(page.blocksFailed, 2)
  t.equal(page.rows.length, 2 * ROWS)
})
