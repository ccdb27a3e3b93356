import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import t from 'tap'
import { streamNamed } from '#core/records/columns.js'
import { createBlockStore } from '#core/store/blocks.js'
import { blockKey } from '#core/store/keys.js'
import { createScrubber } from '#core/store/scrub.js'
import { builderOf } from './rows.js'

const FAST = { octetsPerSecond: 1e12, passHours: 1e-9 }
const now = () => 5000

t.test('a pass reads every block, names what is damaged, and goes on after a restart', async (t) => {
  const location = join(t.testdir(), 'blocks')
  let store = createBlockStore({ location, isFirst: true })
  await store.open()
  for (let count = 0; count < 20; count++)
    await store.append(builderOf(50, count * 50, count % 2 === 0 ? 'flow4' : 'icmp6'), 1000)
  await store.close()
  const database = new ClassicLevel<Uint8Array, Uint8Array>(location, {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  for (const [stream, sequence, at] of [
    ['flow4', 101, -1],
    ['icmp6', 151, 30],
  ] as const) {
    const key = blockKey({ stream: streamNamed(stream), firstSequence: sequence, level: 0 })
    const octets = (await database.get(key))!
    octets[at < 0 ? octets.length + at : at]! ^= 1
    await database.put(key, octets)
  }
  await database.close()
  store = createBlockStore({ location, isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  const first = (await store.index('flow4'))[0]!
  await store.block(first)

  const whole = createScrubber(store, FAST, now)
  t.equal(await whole.step(1000), true, 'a pass at any rate ends at once')
  t.match(whole.state(), {
    position: undefined,
    lastPass: { blocks: 20, damagedBlocks: 2, endedMilliseconds: 5000 },
    damaged: [
      { name: 'flow4/101', reason: /checksum/ },
      { name: 'icmp6/151', reason: /checksum/ },
    ],
  })

  // Each block has some 700 octets; 64 KiB a second is the least, so 20 ms are good for two or three.
  const slow = createScrubber(store, { octetsPerSecond: 1e9, passHours: 1e6 }, now)
  let steps = 1
  while (!(await slow.step(20))) {
    steps++
    if (steps === 4) break
  }
  const half = slow.state()
  t.ok(half.blocks > 3 && half.blocks < 20, `${half.blocks} blocks in ${steps} steps`)
  const resumed = createScrubber(store, FAST, now, JSON.parse(JSON.stringify(half)))
  t.equal(await resumed.step(1000), true)
  t.match(resumed.state().lastPass, { blocks: 20, damagedBlocks: 2 }, 'it went on where it was')

  await store.removeBefore(new Map([['flow4', 401]]))
  const later = createScrubber(store, FAST, now, resumed.state())
  await later.step(1000)
  t.same(
    later.state().damaged.map(({ name }) => name),
    ['icmp6/151'],
    'what retention removed is no damage any more',
  )
})

t.test('no more is read than may be, and a pause is made up for by no rush', async (t) => {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  for (let count = 0; count < 200; count++) await store.append(builderOf(200, count * 200), 1000)
  const scrubber = createScrubber(store, { octetsPerSecond: 100_000, passHours: 1e-9 }, now)
  const octets = Math.max(...(await store.index('flow4')).map((entry) => entry.octets))
  for (let step = 1; step <= 5; step++) {
    await scrubber.step(100)
    const read = scrubber.state().octets
    t.ok(
      read >= step * 10_000 - octets && read <= step * 10_000 + octets,
      `${read} octets after ${step} steps`,
    )
  }
})
