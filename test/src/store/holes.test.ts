/** Which parts of a store may miss rows, by the holes that are known; finding those of a damaged store is in faults.test.ts. */
import { join } from 'node:path'
import t from 'tap'
import type { BlockStore } from '#core/store/block-store.js'
import { createBlockStore } from '#core/store/blocks.js'
import { findHoles, mayMissRows } from '#core/store/holes.js'
import { builderOf } from './rows.js'

t.test('holes beyond those that are named', async (t) => {
  const holes = [{ fromSequence: 100, toSequence: 110, fromMilliseconds: 1000, toMilliseconds: 1100 }]
  const span = (fromMilliseconds: number, toMilliseconds: number, fromSequence = 0) => ({
    fromMilliseconds,
    toMilliseconds,
    fromSequence,
    toSequence: Number.POSITIVE_INFINITY,
  })
  const cases = [
    [10, span(1100, 1101), true],
    [10, span(1101, 2000), false],
    [10, span(0, 1000), false],
    [10, span(0, 2000, 110), false],
    [11, span(0, 500), true],
    [11, span(1101, 2000), false],
    [11, span(0, 500, 100), false],
  ] as const
  for (const [lostRows, asked, expected] of cases)
    t.equal(mayMissRows({ lostRows, holes }, asked), expected, JSON.stringify({ lostRows, asked }))
})

t.test('what is written while it is looked for is no hole', async (t) => {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  await store.append(builderOf(10, 0), 0)
  const looking: BlockStore = {
    ...store,
    async index(name) {
      const entries = await store.index(name)
      if (name === 'flow4') {
        await store.append(builderOf(10, 10), 0)
        await store.append(builderOf(10, 20, 'icmp4'), 0)
      }
      return entries
    },
  }
  t.match(await findHoles(looking, store.sequence.watermark()), { lostRows: 0, holes: [] })
  t.match(await findHoles(store, store.sequence.watermark()), { lostRows: 0, holes: [] })
})
