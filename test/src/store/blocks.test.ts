import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ClassicLevel } from 'classic-level'
import t from 'tap'
import { BLOCK_ROWS } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, type StreamName, streamNamed } from '#core/records/columns.js'
import { BlockReader } from '#core/store/block-reader.js'
import type { BlockStore, BlockStoreOptions } from '#core/store/block-store.js'
import { createBlockStore } from '#core/store/blocks.js'
import { findHoles } from '#core/store/holes.js'
import { blockKey } from '#core/store/keys.js'
import { emptyScanCounts, receivedRange, type ScanOptions, scan } from '#core/store/scan.js'
import { createIngestSequence } from '#core/store/sequence.js'
import { createBlockWriter } from '#core/store/writer.js'
import { plainNode, project } from '../../support/project.js'
import { addRows, builderOf } from './rows.js'

const writingProcess = join(project, 'test/src/store/writing-process.mjs')

async function openStore(location: string, options: Partial<BlockStoreOptions> = {}): Promise<BlockStore> {
  const store = createBlockStore({ location, isFirst: true, ...options })
  await store.open()
  return store
}

/** The octets of all rows that a scan gives, in its order. */
async function octetsOf(store: BlockStore, options: Partial<ScanOptions> = {}, counts = emptyScanCounts()) {
  const found: number[] = []
  const window = { stream: 'flow4' as StreamName, fromMilliseconds: 0, toMilliseconds: Infinity, ...options }
  for await (const { block, rows } of scan(store, window, counts)) {
    const [low, high] = block.column(Column.octets)! as [Uint32Array, Uint32Array]
    for (const row of rows) found.push(low[row]! + high[row]! * 2 ** 32)
  }
  return found
}

const keyOf = (name: StreamName, firstSequence: number) =>
  blockKey({ stream: streamNamed(name), firstSequence, level: 0 })

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

/** Changes stored octets behind the store's back. */
async function tamper(
  location: string,
  change: (database: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>,
) {
  const options = { keyEncoding: 'view', valueEncoding: 'view', compression: false }
  const database = new ClassicLevel<Uint8Array, Uint8Array>(location, options)
  await database.open()
  await change(database)
  // A value never changes under its key, so readers may take it from any table that has the key: the old ones go.
  await database.compactRange(Uint8Array.of(0), new Uint8Array(16).fill(255))
  await database.close()
}

t.test('rows come back by received time, stream by stream, in sequence order', async (t) => {
  const store = await openStore(t.testdir())
  for (const from of [100, 200, 300]) await store.append(builderOf(50, from), 1000)
  await store.append(builderOf(10, 100, 'icmp4'), 1000)
  t.same(await octetsOf(store), [...range(100, 150), ...range(200, 250), ...range(300, 350)])
  t.same(await octetsOf(store, { stream: 'icmp4' }), range(100, 110))
  t.same(await octetsOf(store, { stream: 'flow6' }), [])
  const counts = emptyScanCounts()
  t.same(
    await octetsOf(store, { fromMilliseconds: 140, toMilliseconds: 205 }, counts),
    [...range(140, 150), ...range(200, 205)],
    'from is in, to is out',
  )
  t.match(counts, { blocksRead: 2, blocksFailed: 0, rowsRead: 15 }, 'the third block is not looked at')
  t.same(await octetsOf(store, { accept: ({ firstSequence }) => firstSequence > 50 }), [
    ...range(200, 250),
    ...range(300, 350),
  ])
  t.same(await receivedRange(store, ['flow4', 'icmp4']), { fromMilliseconds: 100, toMilliseconds: 349 })
  t.equal(await receivedRange(store, ['flow6']), undefined)
  await store.append(builderOf(5, 400), 1000)
  t.equal((await octetsOf(store)).length, 155, 'the index goes on where it was')
  await store.removeBefore(new Map([['flow4', (await store.index('flow4'))[2]!.firstSequence]]))
  t.same(await octetsOf(store), [...range(300, 350), ...range(400, 405)])
  await store.close()
})

t.test('readers stop below the lowest number that is not yet written', async (t) => {
  const one = createIngestSequence()
  const other = createIngestSequence(one.shared)
  t.equal(one.watermark(), 1)
  const first = one.reserve(10)
  const second = other.reserve(5)
  const third = one.reserve(7)
  t.same([first, second, third], [1, 11, 16])
  other.committed(second)
  t.equal(other.watermark(), 1, 'the first is in flight')
  one.committed(third)
  t.equal(other.watermark(), 1)
  one.committed(first)
  t.equal(other.watermark(), 23)
  one.committed(first)
  t.equal(one.watermark(), 23, 'committing twice changes nothing')

  const many = range(0, 1000).map(() => one.reserve(1))
  t.equal(one.watermark(), 23, 'a thousand blocks in flight')
  for (const number of [...many].reverse()) one.committed(number)
  t.equal(one.watermark(), 1023)
  t.equal(one.next(), 1023)

  const store = await openStore(t.testdir())
  const behind = store.sequence.reserve(3)
  await store.append(builderOf(4, 10), 1000)
  t.same(await octetsOf(store), [], 'written, but behind one that is not')
  store.sequence.committed(behind)
  t.same(await octetsOf(store), range(10, 14))
  await store.close()
})

t.test('the writer seals by rows, keeps the order, and never waits for itself', async (t) => {
  const store = await openStore(t.testdir())
  const writer = createBlockWriter({
    store,
    now: () => 1000,
    onFailure: (error) => t.fail(error),
    capacity: 4,
  })
  // 700 blocks without a pause: more than there are slots in the sequence.
  for (let from = 0; from < 2800; from += 2) addRows(writer.builder(0), 2, from, 1000 + from)
  addRows(writer.builder(2), 3, 5000)
  t.equal(writer.counts.blocks, 0, 'nothing has been waited for')
  await writer.flush()
  t.same(await octetsOf(store), range(0, 2800))
  t.same(await octetsOf(store, { stream: 'icmp4' }), range(5000, 5003))
  t.match(writer.counts, { blocks: 701, rows: 2803, droppedRows: 0, failures: 0 })
  t.equal(writer.pendingOctets(), 0)
  await store.close()
  const failures: Error[] = []
  const failing = createBlockWriter({ store, now: () => 1000, onFailure: (error) => failures.push(error) })
  addRows(failing.builder(0), 5, 0)
  await failing.flush()
  t.match(failing.counts, { blocks: 0, droppedRows: 5, failures: 1 }, 'what cannot be written is counted')
  t.equal(failures.length, 1)
})

t.test('numbering goes on after a restart, also when every block has been deleted', async (t) => {
  const location = t.testdir()
  let store = await openStore(location)
  await store.append(builderOf(10, 0), 1000)
  await store.append(builderOf(5, 0, 'icmp6'), 1000)
  await store.close()
  store = await openStore(location)
  t.equal(store.sequence.next(), 16)
  await store.append(builderOf(10, 20), 1000)
  await store.sync()
  const all = await Promise.all((['flow4', 'icmp6'] as const).map((name) => store.index(name)))
  t.same(
    all.flat().map(({ firstSequence }) => firstSequence),
    [1, 16, 11],
  )
  await store.removeBefore(
    new Map([
      ['flow4', 26],
      ['icmp6', 26],
    ]),
  )
  await store.close()
  store = await openStore(location)
  t.equal(store.sequence.next(), 26)
  await store.close()

  store = await openStore(location)
  await store.append(builderOf(10, 40), 1000)
  await store.sync()
  await store.close()
  await tamper(location, (database) => database.put(keyOf('flow4', 26), Uint8Array.of(1)))
  store = await openStore(location)
  t.equal(store.sequence.next(), 36, 'the sync knows how many rows a damaged last block had')
  await store.close()
})

t.test('a damaged block is counted by every scan that meets it, and the others still come', async (t) => {
  const location = t.testdir()
  let store = await openStore(location)
  for (const from of [100, 200, 300, 400]) await store.append(builderOf(50, from), 1000)
  await store.close()
  await tamper(location, async (database) => {
    const second = (await database.get(keyOf('flow4', 51)))!
    second[40]! ^= 1
    await database.put(keyOf('flow4', 51), second)
    // The last octet is in the last column's piece, which is not the one that a scan selects by.
    const third = (await database.get(keyOf('flow4', 101)))!
    third[third.length - 1]! ^= 1
    await database.put(keyOf('flow4', 101), third)
    const misplaced = (await database.get(keyOf('flow4', 151)))!
    await database.put(keyOf('icmp4', 151), misplaced)
  })
  store = await openStore(location)
  const indexed = emptyScanCounts()
  t.same(await octetsOf(store, {}, indexed), [...range(100, 150), ...range(400, 450)])
  t.match(indexed, { blocksRead: 2, blocksFailed: 2 })
  await octetsOf(store, { toMilliseconds: 350, fromMilliseconds: 300 }, emptyScanCounts())
  await store.close()
  // Without its index a store is read block by block, and a header that cannot be read has no known time.
  rmSync(join(location, 'index'), { recursive: true })
  store = await openStore(location)
  const counts = emptyScanCounts()
  t.same(await octetsOf(store, {}, counts), [...range(100, 150), ...range(400, 450)])
  t.match(counts, { blocksRead: 2, blocksFailed: 2, rowsRead: 100 })
  t.equal(counts.failures.length, 2)
  await octetsOf(store, {}, counts)
  t.equal(counts.blocksFailed, 2, 'a block that fails twice is one block')
  const ports = emptyScanCounts()
  await octetsOf(store, { columns: [Column.octets], toMilliseconds: 350, fromMilliseconds: 300 }, ports)
  t.equal(
    ports.blocksFailed,
    2,
    'a scan may name its columns; damage there is counted, and a header of no known time',
  )
  const unread = emptyScanCounts()
  const window = { stream: 'flow4' as const, fromMilliseconds: 300, toMilliseconds: 350 }
  let rows = 0
  for await (const selection of scan(store, { ...window, columns: [Column.sourceTransportPort] }, unread))
    rows += selection.rows.length
  t.equal(rows, 50, 'a column that is whole is read beside one that is not')
  const misplaced = emptyScanCounts()
  t.same(await octetsOf(store, { stream: 'icmp4' }, misplaced), [])
  t.match(misplaced, { blocksFailed: 1, failures: ['block icmp4/151 holds flow4/151'] })
  t.equal(store.sequence.next(), 201)
  await store.close()
})

t.test(
  'a block that cannot be read is named as damaged, and no row is told to be lost that never was',
  async (t) => {
    for (const [title, isLast] of [
      ['in the middle', false],
      ['the last one', true],
    ] as const) {
      const location = t.testdir()
      let store = await openStore(location)
      for (let count = 0; count < 10; count++) await store.append(builderOf(10, 10 * count), 1000)
      await store.close()
      const sequence = isLast ? 91 : 51
      await tamper(location, async (database) => {
        const octets = (await database.get(keyOf('flow4', sequence)))!
        octets[40]! ^= 1
        await database.put(keyOf('flow4', sequence), octets)
      })
      rmSync(join(location, 'index'), { recursive: true })
      for (const start of ['first', 'next']) {
        store = await openStore(location)
        const { lostRows, ...found } = await findHoles(store, store.sequence.watermark())
        t.match(
          found,
          {
            damagedBlocks: 1,
            damaged: [{ name: `flow4/${sequence}`, reason: /does not match its checksum/ }],
          },
          `${title}, ${start} start`,
        )
        // Behind the last one no later number tells how many it had: none may be given twice.
        t.equal(lostRows, isLast ? BLOCK_ROWS : 10, `${title}, ${start} start`)
        await store.close()
      }
    }
  },
)

t.test('a database without CURRENT or MANIFEST is repaired, and says so', async (t) => {
  const location = t.testdir()
  for (const lost of ['CURRENT', 'MANIFEST']) {
    let store = await openStore(location)
    const had = await octetsOf(store)
    await store.append(builderOf(20, 1000 * (had.length + 1)), 1000)
    await store.sync()
    const before = await octetsOf(store)
    await store.close()
    for (const name of readdirSync(location)) if (name.startsWith(lost)) rmSync(join(location, name))
    const repairs: string[] = []
    store = await openStore(location, { onRepair: ({ message }) => repairs.push(message) })
    t.equal(repairs.length, 1, lost)
    t.same(await octetsOf(store), before, `${lost}: every row is there`)
    await store.close()
  }
  const file = join(t.testdir({ sub: {} }), 'sub', 'file')
  writeFileSync(file, 'no folder')
  await t.rejects(openStore(join(file, 'blocks')), { code: 'STORE_DAMAGED' }, 'a folder that cannot be one')
})

async function startProcess(location: string, from: number, mode = 'write'): Promise<ChildProcess> {
  const args = [writingProcess, project, location, String(from), mode]
  const child = spawn('env', [...plainNode, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout!, 'readable')
  return child
}

t.test('a second process is refused', async (t) => {
  const location = t.testdir()
  const child = await startProcess(location, 0, 'hold')
  try {
    await t.rejects(openStore(location), { code: 'STORE_LOCKED', message: /another process/ })
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const store = await openStore(location)
  t.same(await octetsOf(store), [], 'and let in when the first is gone')
  await store.close()
})

t.test('ten times killed while it writes: whatever was synced is there, whole and in order', async (t) => {
  t.plan(10)
  const location = t.testdir()
  let from = 1
  for (let round = 0; round < 10; round++) {
    const child = await startProcess(location, from)
    let said = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await delay(40 + 13 * round)
    child.kill('SIGKILL')
    await once(child, 'close')
    const [, synced = ''] = /synced (\d+)\n(?!.*synced \d+\n)/s.exec(said) ?? []
    const store = await openStore(location)
    const counts = emptyScanCounts()
    const found = await octetsOf(store, {}, counts)
    const whole = found.every((octets, index) => octets === index + 1)
    t.ok(
      whole && counts.blocksFailed === 0 && synced !== '' && found.length >= Number(synced) - 1,
      `${synced} synced, ${found.length} there`,
    )
    from = found.length + 1
    await store.close()
  }
})

t.test('a reader gives one block after the other, and the last once more without reading it', async (t) => {
  const store = await openStore(t.testdir())
  t.teardown(() => store.close())
  await store.append(builderOf(300, 1), 0)
  await store.append(builderOf(200, 1000), 0)
  const [one, other] = await store.index('flow4')
  const reader = new BlockReader(store)
  const portsOf = async (entry = one!) => {
    const block = (await reader.open(entry))!
    return { block, ports: block.column(Column.sourceTransportPort)![0]! }
  }
  const first = await portsOf()
  t.strictSame(
    [...first.ports],
    Array.from({ length: 300 }, (_, index) => 1 + index),
  )
  t.equal((await portsOf()).block, first.block)
  const second = await portsOf(other)
  t.strictSame(
    [...second.ports],
    Array.from({ length: 200 }, (_, index) => 1000 + index),
  )
  t.equal(second.ports.buffer, first.ports.buffer, 'in the memory of the one before')
  t.throws(() => first.block.column(Column.sourceTransportPort), /gone to another/)
  t.strictSame([...(await portsOf()).ports].slice(0, 3), [1, 2, 3], 'and back again')

  const damaged = { ...other!, damage: 'a torn page' }
  await t.rejects(reader.open(damaged), { code: 'BLOCK_DAMAGED' })
  t.equal((await portsOf(other)).block.header.rows, 200, 'the next is read all the same')
  await store.removeBefore(new Map([['flow4', 2000]]))
  t.equal(await reader.open(one!), undefined, 'removed meanwhile')
})
