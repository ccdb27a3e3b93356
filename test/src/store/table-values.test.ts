/** Parts of blocks, read out of the tables of a real database. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import type { Block } from '#core/blocks/block.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, streamNamed } from '#core/records/columns.js'
import { BlockReader } from '#core/store/block-reader.js'
import { createBlockStore } from '#core/store/blocks.js'
import { blockKey } from '#core/store/keys.js'
import { TableValues } from '#core/store/table-values.js'
import { findBadTables, tableNames } from '#core/store/tables.js'
import { createRandom } from '#simulate/random.js'
import { addRows } from './rows.js'

const ROWS = 20_000
/** Of rows each; small ones lie with the next in one block of a table. */
const SIZES = [ROWS, 10, 10, ROWS, ROWS, 10, ROWS]

/** A folder of blocks of both sizes; with their tables on the disk, for a store that was closed and opened has no log. */
async function makeBlocks(location: string): Promise<void> {
  const store = createBlockStore({ location, isFirst: true })
  await store.open()
  const builder = new BlockBuilder(streamNamed('flow4'), ROWS)
  const random = createRandom(5)
  for (const [number, rows] of SIZES.entries()) {
    builder.reset()
    addRows(builder, rows, number * ROWS)
    for (let row = 0; row < rows; row++)
      builder.setUnsigned64(Column.octets, row, Math.floor(random.uniform() * 2 ** 53))
    await store.append(builder, 0, true)
  }
  await store.close()
  await reopen(location)
}

async function reopen(location: string): Promise<void> {
  const store = createBlockStore({ location, isFirst: true })
  await store.open()
  await store.close()
}

async function withStore<T>(
  location: string,
  work: (store: ReturnType<typeof createBlockStore>) => Promise<T>,
): Promise<T> {
  const store = createBlockStore({ location, isFirst: true, openedOctets: 0 })
  await store.open()
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

const octetsOf = (block: Block) => (block.column(Column.octets) as readonly Uint32Array[])[0]!.slice()

/** Where tables have the values of blocks. */
async function valuesOf(location: string): Promise<TableValues> {
  const values = new TableValues(location)
  await findBadTables(location, await tableNames(location), (table) => values.add(table))
  return values
}

t.test('a block read by parts is the block that is read whole, wherever it lies', async (t) => {
  const location = join(t.testdir(), 'blocks')
  await makeBlocks(location)
  const values = await valuesOf(location)
  await withStore(location, async (store) => {
    const entries = await store.index('flow4')
    t.same(
      entries.map(({ rows }) => rows),
      SIZES,
    )
    for (const entry of entries) {
      const value = values.open(blockKey(entry))
      t.equal(value?.octets, entry.octets, 'it is found in a table')
      value?.close()
      const whole = await store.block(entry, 'once')
      const parts = await store.read(entry, 'kept', (block) => {
        block.verify()
        return { octets: octetsOf(block), header: block.header }
      })
      t.same(parts!.result.header, whole!.header)
      t.same(parts!.result.octets, octetsOf(whole!))
    }
  })
})

t.test('what is not in a table is read by the database', async (t) => {
  const location = join(t.testdir(), 'blocks')
  await makeBlocks(location)
  await withStore(location, async (store) => {
    const builder = new BlockBuilder(streamNamed('flow4'), ROWS)
    addRows(builder, ROWS, 0)
    await store.append(builder, 0)
    const logged = (await store.index('flow4')).at(-1)!
    const read = await store.read(logged, 'once', (block) => block.header.rows)
    t.same(read, { result: ROWS }, 'in the log')
    const [first] = await store.index('flow4')
    await store.removeBefore(new Map([['flow4', logged.firstSequence]]))
    t.equal(await store.read(first!, 'once', () => t.fail('it is gone')), undefined, 'removed')
  })
})

t.test('damage is found in the columns that are asked for', async (t) => {
  const location = join(t.testdir(), 'blocks')
  await makeBlocks(location)
  const [name] = (await tableNames(location)).slice(-1)
  const path = join(location, name!)
  const octets = readFileSync(path)
  const { place, at } = await withStore(location, async (store) => {
    const [entry] = await store.index('flow4')
    const whole = await store.octets(entry!)
    return { place: entry!, at: octets.indexOf(whole!) }
  })
  t.ok(at >= 0)
  const change = async (offset: number) => {
    const changed = Buffer.from(octets)
    changed[at + offset]! ^= 1
    writeFileSync(path, changed)
    await withStore(location, async (store) => {
      const port = () =>
        store.read(place, 'once', (block) => block.column(Column.sourceTransportPort)![0]!.length)
      const counters = store.read(place, 'once', octetsOf)
      await t.rejects(counters, { code: 'BLOCK_DAMAGED' }, `octet ${offset}`)
      if (offset < 100) await t.rejects(port(), { code: 'BLOCK_DAMAGED' }, 'the header is everybody’s')
      else t.same(await port(), { result: ROWS }, 'other columns are as they were')
    })
  }
  await change(40)
  // The counters are the last of its columns.
  await change(place.octets - 10)
})

t.test('tables that come are found, those that go are forgotten, and what was opened stays', async (t) => {
  const location = join(t.testdir(), 'blocks')
  const values = new TableValues(location)
  const store = createBlockStore({ location, isFirst: true })
  await store.open()
  const builder = new BlockBuilder(streamNamed('flow4'), ROWS)
  addRows(builder, ROWS, 0)
  await store.append(builder, 0)
  const [entry] = await store.index('flow4')
  const key = blockKey(entry!)
  t.equal(await values.look(), false, 'it is in the log')
  await store.close()
  await reopen(location)
  t.equal(await values.look(), false, 'it was looked a moment ago')
  await setTimeout(1100)
  t.equal(await values.look(), true)
  const value = values.open(key)
  const reader = new BlockReader(store)
  await store.open()
  const octets = octetsOf((await store.block(entry!, 'once'))!)
  const block = (await reader.open(entry!))!
  t.same(block.column(Column.sourceTransportPort)![0]!.length, ROWS)
  const had = await tableNames(location)
  await store.removeBefore(new Map([['flow4', entry!.firstSequence + ROWS]]))
  const left = await tableNames(location)
  t.notOk(
    had.some((name) => left.includes(name)),
    'the table is gone',
  )
  t.same(octetsOf(block), octets, 'who had the block open reads on')
  const whole = new Uint8Array(value!.octets)
  value!.read(whole, 0, whole.length)
  t.equal(whole.length, entry!.octets)
  value!.close()
  reader.close()
  t.throws(() => block.column(Column.octets), /its memory had gone/)
  t.equal(await reader.open(entry!), undefined, 'nobody else finds it')
  reader.close()
  await store.close()
  t.equal(values.open(key), undefined)
  await setTimeout(1100)
  await values.look()
  t.equal(values.open(key), undefined)
})

t.test('a table that is gone or is none has no values', async (t) => {
  const location = join(t.testdir(), 'blocks')
  await makeBlocks(location)
  const values = await valuesOf(location)
  const key = await withStore(location, async (store) => blockKey((await store.index('flow4'))[0]!))
  values.open(key)!.close()
  for (const name of readdirSync(location)) if (name.endsWith('.ldb')) rmSync(join(location, name))
  t.equal(values.open(key), undefined)
  const random = createRandom(3)
  const none = new TableValues(location)
  for (let length = 0; length < 200; length++) {
    const index = Uint8Array.from({ length }, () => Math.floor(random.uniform() * 256))
    none.add({ name: 'none.ldb', octets: index })
  }
  t.equal(none.open(key), undefined)
})
