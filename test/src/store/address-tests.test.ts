// Address filters as the index keeps them: large ones in parts, small ones and those of former versions whole.
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import t from 'tap'
import { addressFilter } from '#core/blocks/address-filter.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, type StreamName, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { createBlockStore } from '#core/store/blocks.js'
import { IndexKind, indexKey } from '#core/store/keys.js'
import { exporter } from './rows.js'

const shape = shapeOf([0, 1, 2, Column.sourceAddress, Column.destinationAddress])

/** Rows of as many sources, whose last words count from a number on. */
function builderOf(stream: StreamName, rows: number, from: number): BlockBuilder {
  const builder = new BlockBuilder(streamNamed(stream), rows)
  const isOld = builder.stream.family === 4
  for (let index = 0; index < rows; index++) {
    const row = builder.begin(exporter, shape, 1, 1)
    builder.setAddress(Column.sourceAddress, row, [isOld ? 0 : 0x20010db8, 0, 0, from + index])
    builder.setAddress(Column.destinationAddress, row, [isOld ? 0 : 0x20010db8, 0, 0, 0xc0000201])
  }
  return builder
}

async function openStore(location: string) {
  const store = createBlockStore({ location, isFirst: true })
  await store.open()
  return store
}

async function withIndex<T>(
  location: string,
  work: (database: ClassicLevel<Uint8Array, Uint8Array>) => Promise<T>,
): Promise<T> {
  const options = { keyEncoding: 'view', valueEncoding: 'view' }
  const database = new ClassicLevel<Uint8Array, Uint8Array>(join(location, 'index'), options)
  await database.open()
  const result = await work(database)
  await database.close()
  return result
}

const countOf = (location: string, kind: IndexKind) =>
  withIndex(location, async (database) => {
    const range = { gte: Uint8Array.of(kind), lt: Uint8Array.of(kind + 1) }
    return (await database.keys(range).all()).length
  })

for (const [stream, hostOf] of [
  ['flow4', (last: number) => [last]],
  ['flow6', (last: number) => [0x20010db8, 0, 0, last]],
] as const) {
  t.test(`hosts of ${stream} are found in parts of a filter, few others`, async (t) => {
    const location = t.testdir()
    const store = await openStore(location)
    await store.append(builderOf(stream, 8000, 0x0a000000), 0)
    await store.append(builderOf(stream, 50, 0x0b000000), 0)
    const entries = await store.index(stream)
    const hosts = Array.from({ length: 500 }, (_, index) => hostOf(0x0a000000 + 16 * index))
    const [large, small] = await store.addressTests(entries, hosts)
    t.ok(hosts.every((host) => large!(host)))
    t.ok(hosts.filter((host) => small!(host)).length < 50)
    const others = Array.from({ length: 1000 }, (_, index) => hostOf(0x0c000000 + 7 * index))
    const [again] = await store.addressTests(entries, others)
    t.ok(others.filter((host) => again!(host)).length < 50)
    await store.close()
    t.equal(await countOf(location, IndexKind.addressPart), 8)
    t.equal(await countOf(location, IndexKind.addresses), 1)
  })
}

t.test(
  'a large filter that a former version kept whole is read, and both go with their blocks',
  async (t) => {
    const location = t.testdir()
    const store = await openStore(location)
    const builder = builderOf('flow4', 8000, 0x0a000000)
    const whole = addressFilter(builder)!
    await store.append(builder, 0)
    await store.append(builderOf('flow4', 8000, 0x0b000000), 0)
    const [entry] = await store.index('flow4')
    await store.close()
    await withIndex(location, async (database) => {
      const range = {
        gte: Uint8Array.of(IndexKind.addressPart),
        lt: Uint8Array.of(IndexKind.addressPart + 1),
      }
      const [first, ...others] = await database.keys(range).all()
      for (const key of [first!, ...others.slice(0, 7)]) await database.del(key)
      await database.put(indexKey(IndexKind.addresses, entry!), whole)
    })
    const reopened = await openStore(location)
    const hosts = [[0x0a000007], [0x0b000007]]
    const tests = await reopened.addressTests(await reopened.index('flow4'), hosts)
    t.same(
      tests.map((test) => hosts.map((host) => test!(host))),
      [
        [true, false],
        [false, true],
      ],
    )
    await reopened.removeBefore(new Map([['flow4', 16_001]]))
    await reopened.close()
    t.equal(await countOf(location, IndexKind.addressPart), 0)
    t.equal(await countOf(location, IndexKind.addresses), 0)
  },
)
