import { join } from 'node:path'
import t from 'tap'
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex, type StreamName, streamNamed } from '#core/records/columns.js'
import { createBlockStore } from '#core/store/blocks.js'
import { findHoles } from '#core/store/holes.js'
import type { IndexedBlock } from '#core/store/index-entry.js'
import { aggregatePart, planAggregate } from '#core/store/query/aggregate.js'
import { allEffort } from '#core/store/query/effort.js'
import { rankParts } from '#core/store/query/ranking.js'
import { queryRows } from '#core/store/query/rows.js'
import { arrivedSince, planRemoval, type RetentionLimits, type SpaceUsed } from '#core/store/retention.js'
import { emptyScanCounts, scan } from '#core/store/scan.js'
import { querySessions } from '#core/store/sessions.js'
import { createRandom } from '#simulate/random.js'
import { addRows, builderOf } from './rows.js'

const MIB = 1024 * 1024
const limits: RetentionLimits = {
  nowMilliseconds: 100_000,
  rawBeforeMilliseconds: 0,
  messagesBeforeMilliseconds: 0,
  maximumOctets: undefined,
  minimumFreeOctets: 0,
}
const space: SpaceUsed = { usedOctets: 0, freeOctets: 1e12, expectedOctets: 0 }

/** Blocks of a mebibyte and ten rows each, stored a second apart, from a sequence on. */
function blocks(stream: StreamName, firstSequences: readonly number[]): IndexedBlock[] {
  return firstSequences.map((firstSequence) => ({
    stream: streamNamed(stream),
    firstSequence,
    level: 0,
    rows: 10,
    runs: [{ firstSequence, rows: 10 }],
    storedMilliseconds: firstSequence * 1000,
    receivedFromMilliseconds: 0,
    receivedToMilliseconds: 0,
    protocols: new Uint8Array(32),
    octets: MIB,
  }))
}

const indexes = new Map<StreamName, IndexedBlock[]>([
  ['flow4', blocks('flow4', [0, 20, 40, 60, 80])],
  ['message', blocks('message', [10, 30, 50])],
  ['icmp6', blocks('icmp6', [70])],
  ['flow6', []],
])

const cases: readonly (readonly [
  title: string,
  limits: Partial<RetentionLimits>,
  space: Partial<SpaceUsed>,
  removed: Record<string, number>,
  reasons: readonly string[],
  isShort?: boolean,
])[] = [
  ['nothing is over its limit', {}, {}, {}, []],
  ['age, by class of row', { rawBeforeMilliseconds: 41_000 }, {}, { flow4: 60 }, ['age']],
  ['age of messages', { messagesBeforeMilliseconds: 31_000 }, {}, { message: 50 }, ['age']],
  [
    'size: the oldest of all streams',
    { maximumOctets: 6 * MIB },
    { usedOctets: 9 * MIB },
    { flow4: 40, message: 50 },
    ['size'],
  ],
  [
    'size: room for what is written anew before the old is deleted',
    { maximumOctets: 100 * MIB },
    { usedOctets: 98.1 * MIB },
    { flow4: 40, message: 30 },
    ['size'],
  ],
  [
    'what is to come until the next look counts',
    { maximumOctets: 10 * MIB },
    { usedOctets: 9 * MIB, expectedOctets: 1.5 * MIB },
    { flow4: 20 },
    ['size'],
  ],
  ['free space', { minimumFreeOctets: 5 * MIB }, { freeOctets: 4.5 * MIB }, { flow4: 20 }, ['freeSpace']],
  [
    'what goes for its age is not counted twice',
    { rawBeforeMilliseconds: 41_000, maximumOctets: 6.2 * MIB },
    { usedOctets: 9 * MIB },
    { flow4: 60 },
    ['age'],
  ],
  [
    'each stream keeps its newest block, and that it is not enough is told',
    { minimumFreeOctets: 100 * MIB },
    { freeOctets: 0 },
    { flow4: 80, message: 50 },
    ['freeSpace'],
    true,
  ],
]

for (const [title, changed, used, removed, reasons, isShort = false] of cases) {
  t.test('what has come since a look', async (t) => {
    t.same(arrivedSince(indexes, 0), { toSequence: 90, octets: 9 * MIB })
    t.same(arrivedSince(indexes, 50), { toSequence: 90, octets: 4 * MIB })
    t.same(arrivedSince(indexes, 90), { toSequence: 90, octets: 0 })
  })

  t.test(title, async (t) => {
    const plan = planRemoval(indexes, { ...limits, ...changed }, { ...space, ...used })
    t.same(
      Object.fromEntries(plan.removals.map(({ stream, beforeSequence }) => [stream, beforeSequence])),
      removed,
    )
    t.same(plan.reasons, reasons)
    t.equal(plan.isShort, isShort)
  })
}

t.test('blocks that were stored while the clock was ahead go with the next that are old', async (t) => {
  const ahead = { storedMilliseconds: 1e12 }
  const flow4 = blocks('flow4', [0, 20, 40, 60, 80]).map((block, index) =>
    index === 1 || index === 4 ? { ...block, ...ahead } : block,
  )
  const removedBy = (rawBeforeMilliseconds: number) =>
    planRemoval(new Map([['flow4', flow4]]), { ...limits, rawBeforeMilliseconds }, space).removals
  t.match(removedBy(41_000), [{ beforeSequence: 60, blocks: 3 }])
  t.match(removedBy(20_000), [{ beforeSequence: 20, blocks: 1 }])
  t.match(removedBy(99_000), [{ beforeSequence: 80, blocks: 4 }])
})

t.test('other readers step over removed blocks', async (t) => {
  const location = join(t.testdir(), 'blocks')
  const store = createBlockStore({ location, isFirst: true })
  const reader = createBlockStore({ location, isFirst: false, sequence: store.sequence.shared })
  await store.open()
  await reader.open()
  t.teardown(async () => {
    await reader.close()
    await store.close()
  })
  for (let count = 0; count < 40; count++) await store.append(builderOf(2000, count * 2000), count)
  await store.sync()
  const before = (await reader.index('flow4')).slice()
  t.equal(before.length, 40)
  const octets = { by: [], sums: ['octets'], top: 1 } as const
  const planned = await planAggregate(reader, octets)

  await store.removeBefore(new Map([['flow4', before[35]!.firstSequence]]))
  t.equal(await reader.block(before[0]!), undefined, 'a block that is gone by intent is no damage')
  t.equal((await reader.index('flow4')).length, 5)
  const page = await queryRows(reader, { limit: 1000 })
  t.match(page, { partial: false, blocksFailed: 0 })
  const reasons = { partial: true, partialReasons: ['removed'], blocksFailed: 0 }
  let next = 0
  const part = await aggregatePart(reader, octets, planned, () => next++, allEffort)
  t.match(rankParts(octets, planned, [part]), { ...reasons, rowsMatched: 10_000 }, 'who had begun is told')
  const walking = { ...reader, index: async (name: StreamName) => (name === 'flow4' ? before : []) }
  const late = await queryRows(walking, { limit: 20_000 })
  t.match({ ...late, rows: late.rows.length }, { ...reasons, rows: 10_000 })
  t.match(await querySessions(walking, { limit: 1 }), reasons)
  const counts = emptyScanCounts()
  let rows = 0
  const whole = { stream: 'flow4' as const, fromMilliseconds: 0, toMilliseconds: 1e15 }
  for await (const { rows: selected } of scan(reader, whole, counts)) rows += selected.length
  t.equal(rows, 10_000)
  t.equal(counts.blocksFailed, 0)
  t.same(await findHoles(reader), { lostRows: 0, damagedBlocks: 0, holes: [], damaged: [] })
})

t.test('the space of removed blocks is given back', async (t) => {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  const random = createRandom(7)
  // Several of LevelDB's memory tables of 16 MiB; octets without order do not compress.
  const builder = new BlockBuilder(streamNamed('flow4'), 20_000)
  for (let count = 0; count < 300; count++) {
    builder.reset()
    addRows(builder, 20_000, 0)
    for (let row = 0; row < 20_000; row++) {
      builder.setUnsigned64(FlowColumnIndex.octets, row, Math.floor(random.uniform() * 2 ** 53))
    }
    await store.append(builder, count)
  }
  const used = await store.usedOctets()
  const index = await store.index('flow4')
  t.ok(used > 24 * MIB, `${used} octets`)
  await store.removeBefore(new Map([['flow4', index[290]!.firstSequence]]))
  const left = await store.usedOctets()
  t.ok(left < used / 2, `${left} octets are left of ${used}`)
})
