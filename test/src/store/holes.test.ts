/** Which parts of a store may miss rows, by the holes that are known; finding them is in faults.test.ts. */
import t from 'tap'
import { mayMissRows } from '#core/store/holes.js'

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
