/** What is remembered of pairs, over a restart of the judge that reads rows back. */
import t from 'tap'
import { Histories } from '#core/detectors/icmp-tunnel/histories.js'
import type { Slice } from '#core/detectors/icmp-tunnel/mirror.js'

const NOON = Date.UTC(2026, 0, 5, 12)
const slice = (second: number, packets: number) =>
  ({
    startMilliseconds: NOON + second * 1000,
    endMilliseconds: NOON + second * 1000 + 9000,
    receivedMilliseconds: NOON + second * 1000 + 10_000,
    packets,
    octets: packets * 100,
  }) as Slice

t.test('records that are read again after a restart are not counted twice', async (t) => {
  const take = (histories: Histories, second: number) =>
    histories.add('10.0.0.1', '192.0.2.1', 'p', [slice(second, 10)], [slice(second + 1, 9)])
  const before = new Histories()
  take(before, 0)
  take(before, 60)
  const [kept] = before.snapshot()
  const after = new Histories()
  after.restore(before.snapshot())
  take(after, 0)
  take(after, 60)
  t.same(after.snapshot(), [kept])
  take(after, 120)
  take(before, 120)
  t.same(after.snapshot(), before.snapshot(), 'as if there had been no restart')
})
