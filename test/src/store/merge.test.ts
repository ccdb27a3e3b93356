import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import fc from 'fast-check'
import t from 'tap'
import { BLOCK_ROWS, BlockBuilder } from '#core/blocks/builder.js'
import { encodeBlock } from '#core/blocks/encode.js'
import { FlowColumnIndex as Column, type StreamName, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import type { BlockStore } from '#core/store/block-store.js'
import { createBlockStore } from '#core/store/blocks.js'
import { findHoles } from '#core/store/holes.js'
import type { IndexedBlock } from '#core/store/index-entry.js'
import { blockKey } from '#core/store/keys.js'
import { createMerger, planMerges } from '#core/store/merge.js'
import { queryRows } from '#core/store/query/rows.js'
import { builderOf, exporter } from './rows.js'

const MINUTE = 60_000
const NOW = 100 * MINUTE

async function openStore(location: string, isFirst = true, sequence?: SharedArrayBuffer) {
  const store = createBlockStore({ location, isFirst, ...(sequence === undefined ? {} : { sequence }) })
  await store.open()
  return store
}

/** Rows of two streams in turns, a block a second. */
async function fill(store: BlockStore, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await store.append(builderOf(3, 1000 + 10 * second), second)
    if (second % 3 === 0) await store.append(builderOf(2, 1000 + 10 * second, 'icmp4'), second)
  }
}

/** Every row by its number, newest first, in pages of a size. */
async function pages(store: BlockStore, limit: number): Promise<object[]> {
  const rows: object[] = []
  let cursor: string | undefined
  do {
    const page = await queryRows(store, { limit, ...(cursor === undefined ? {} : { cursor }) })
    rows.push(...page.rows)
    cursor = page.nextCursor
    if (page.blocksFailed > 0) throw new Error(`${page.blocksFailed} blocks failed`)
  } while (cursor !== undefined)
  return rows
}

const numbers = (rows: readonly object[]) => rows.map((row) => (row as { row: number }).row)
const firsts = async (store: BlockStore, name: StreamName) =>
  (await store.index(name)).map(({ firstSequence, level, rows }) => [firstSequence, level, rows])

t.test('a merge changes no row, no number and no page of those who read', async (t) => {
  const location = t.testdir()
  const store = await openStore(location)
  const reader = await openStore(location, false, store.sequence.shared)
  await fill(store, 90)
  const before = await pages(store, 7)
  t.same(
    numbers(before).toSorted((one, other) => other - one),
    numbers(before),
    'newest first',
  )
  t.equal(before.length, 90 * 3 + 30 * 2)
  const walking = await reader.index('flow4')
  const halfway = await queryRows(reader, { limit: 100 })

  const merger = createMerger(store)
  t.match(await merger.pass(NOW), { merged: 64, into: 1, dropped: 0 })
  t.equal((await store.index('flow4')).length, 1 + 26)
  t.equal((await firsts(store, 'flow4'))[0]![1], 1, 'the level of a merged block')
  t.same(await pages(store, 7), before)
  t.same(await pages(reader, 1000), before, 'another thread sees it too')
  const rest = await queryRows(reader, { limit: 1000, cursor: halfway.nextCursor! })
  t.same([...halfway.rows, ...rest.rows], before, 'a cursor from before goes on')
  for (const entry of walking)
    t.ok(await reader.block(entry), 'who walks over the old blocks still reads them')
  t.match(await findHoles(store), { lostRows: 0, damagedBlocks: 0 })

  t.match(await merger.pass(NOW + 9 * MINUTE), { merged: 0, dropped: 0 })
  t.match(await merger.pass(NOW + 11 * MINUTE), { dropped: 64 })
  t.same(await pages(store, 7), before)
  const next = store.sequence.next()
  await reader.close()
  await store.close()

  const again = await openStore(location)
  t.equal(again.sequence.next(), next)
  t.same(await pages(again, 9), before, 'after a restart')
  await again.close()
})

t.test('a merge that was cut off anywhere leaves every row once', async (t) => {
  const location = t.testdir()
  let store = await openStore(location)
  await fill(store, 70)
  const before = await pages(store, 50)
  await createMerger(store).pass(NOW)
  await store.close()
  // As if the index had been lost before the old blocks were deleted: both are there.
  rmSync(join(location, 'index'), { recursive: true })
  store = await openStore(location)
  t.same(await pages(store, 50), before)
  t.match(await firsts(store, 'flow4'), [[1, 1, 192]])
  t.match(await createMerger(store).pass(NOW), { dropped: 64 }, 'the old ones are deleted')
  await store.close()

  store = await openStore(location)
  const [merged] = await store.index('flow4')
  t.same(await pages(store, 50), before)
  t.equal(merged!.runs.length > 20, true, 'numbers of other streams lie between')
  await store.removeBefore(new Map([['flow4', merged!.firstSequence + 1]]))
  t.equal((await pages(store, 50)).length, before.length - merged!.rows)
  await store.close()
})

t.test('what a merge or a removal left behind when it was cut off does not come again', async (t) => {
  const location = t.testdir()
  let store = await openStore(location)
  await fill(store, 70)
  const olds = (await store.index('flow4')).slice(0, 64)
  const blocks = new ClassicLevel<Uint8Array, Uint8Array>(location, {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  await store.close()
  // A merged block that the index never heard of, and one that was removed from the index alone.
  const rows = olds.reduce((sum, { rows }) => sum + rows, 0)
  const runs = olds.flatMap((old) => old.runs)
  const merged = encodeBlock(builderOf(rows, 1000), runs, 0)
  const keyOf = (at: number, level: number) => blockKey({ ...olds[at]!, level })
  await blocks.open()
  await blocks.put(keyOf(0, 1), merged)
  const removed = (await blocks.get(keyOf(3, 0)))!
  await blocks.close()

  store = await openStore(location)
  await store.removeBefore(new Map([['flow4', olds[10]!.firstSequence]]))
  const before = await pages(store, 50)
  await store.close()
  await blocks.open()
  t.ok(await blocks.has(keyOf(0, 1)), 'nobody knew of it to remove it')
  await blocks.put(keyOf(3, 0), removed)
  await blocks.close()

  store = await openStore(location)
  t.same(await pages(store, 50), before, 'no row is there again, or twice')
  await store.close()
  await blocks.open()
  t.same([await blocks.has(keyOf(0, 1)), await blocks.has(keyOf(3, 0))], [false, false])
  t.ok(await blocks.has(keyOf(10, 0)), 'what is at the floor stays')
  await blocks.close()
})

const block = (
  firstSequence: number,
  rows: number,
  { level = 0, storedMilliseconds = 0, receivedFromMilliseconds = 0, damage }: Partial<IndexedBlock> = {},
): IndexedBlock => ({
  stream: streamNamed('flow4'),
  firstSequence,
  level,
  rows,
  runs: [{ firstSequence, rows }],
  storedMilliseconds,
  receivedFromMilliseconds,
  receivedToMilliseconds: receivedFromMilliseconds,
  protocols: new Uint8Array(32),
  octets: 1000,
  ...(damage === undefined ? {} : { damage }),
})

t.test('blocks that were replaced while the clock was ahead are deleted', async (t) => {
  const store = await openStore(t.testdir())
  t.teardown(() => store.close())
  await fill(store, 90)
  const merger = createMerger(store)
  t.match(await merger.pass(NOW + 365 * 24 * 60 * MINUTE), { merged: 64, dropped: 0 })
  t.match(await merger.pass(NOW), { merged: 0, dropped: 64 })
})

t.test('what is merged with what', async (t) => {
  const many = (count: number, rows: number, options: Partial<IndexedBlock> = {}) =>
    Array.from({ length: count }, (_, index) => block(index * rows, rows, options))
  const sizes = (blocks: readonly IndexedBlock[], now = NOW) =>
    planMerges(blocks, now).map(({ length }) => length)
  t.same(sizes(many(20, 10)), [], 'a few small ones wait for more')
  t.same(sizes(many(100, 10)), [64, 36])
  t.same(sizes(many(100, 10), MINUTE - 1), [], 'young ones are left alone')
  const ahead = many(100, 10, { storedMilliseconds: NOW + 1e10 })
  t.same(sizes(ahead), [64, 36], 'those of a clock that was ahead are not young')
  t.same(sizes(many(20, 10_000)), [6, 6, 6], 'until a block is full')
  t.same(sizes(many(20, BLOCK_ROWS / 2)), [], 'large ones are left alone')
  t.same(sizes([...many(40, 10), ...many(40, 10, { level: 1 })]), [40, 40], 'by level')
  t.same(
    sizes([...many(40, 10), block(500, 10, { damage: 'torn' }), ...many(20, 10)]),
    [40],
    'not over damage',
  )
  const spread = Array.from({ length: 80 }, (_, index) =>
    block(index, 1, { receivedFromMilliseconds: index * 3 * MINUTE }),
  )
  t.same(sizes(spread), [41, 39], 'within two hours')

  const property = fc.property(
    fc.array(fc.record({ rows: fc.integer({ min: 1, max: 40_000 }), level: fc.nat(2) }), { maxLength: 200 }),
    (list) => {
      let next = 1
      const blocks = list.map(({ rows, level }) => {
        const made = block(next, rows, { level })
        next += rows + 3
        return made
      })
      return planMerges(blocks, NOW).every((group) => {
        const at = blocks.indexOf(group[0]!)
        return (
          group.length >= 2 &&
          group.every((each, index) => each === blocks[at + index] && each.level === group[0]!.level) &&
          group.reduce((sum, { rows }) => sum + rows, 0) <= BLOCK_ROWS
        )
      })
    },
  )
  fc.assert(property, { numRuns: 300, seed: 5 })
})

t.test('texts, translated addresses and exporters of merged blocks are those of their rows', async (t) => {
  const store = await openStore(t.testdir())
  const plain = shapeOf([0, 1, 2, Column.octets])
  const full = shapeOf([
    0,
    1,
    2,
    Column.octets,
    Column.ruleName,
    Column.userName,
    Column.postNATSourceAddress,
  ])
  for (let second = 0; second < 40; second++) {
    const builder = new BlockBuilder(streamNamed('flow6'), 4)
    for (const shape of second % 2 === 0 ? [full, plain] : [plain, full]) {
      const from = { ...exporter, observationDomainId: second % 3 }
      const row = builder.begin(from, shape, 1000 + second, 1)
      builder.setUnsigned64(Column.octets, row, 2 ** 40 + second)
      if (shape === plain) continue
      builder.setText(Column.ruleName, row, `rule ${second % 5}`)
      if (second % 4 === 0) builder.setText(Column.userName, row, 'zoë')
      const number = builder.addresses.indexOf(0x20010db8, 0, 0, second % 7)
      builder.setNumber(Column.postNATSourceAddress, row, number)
    }
    await store.append(builder, second)
  }
  const before = await pages(store, 1000)
  t.match(before[0], { ruleName: 'rule 4', octets: 2 ** 40 + 39 })
  t.match(await createMerger(store).pass(NOW), { merged: 40, into: 1 })
  t.same(await pages(store, 1000), before)
  const [merged] = await store.index('flow6')
  const { header } = (await store.block(merged!))!
  t.same([header.exporters.length, header.shapes.length, header.runs.length], [3, 2, 1], 'each is named once')
  await store.close()
})
