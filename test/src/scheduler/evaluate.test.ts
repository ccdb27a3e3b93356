/** A judge is led step by step, and over long times without rows at once. */
import { join } from 'node:path'
import t from 'tap'
import { BlockBuilder } from '#core/blocks/builder.js'
import { icmpTunnel } from '#core/detectors/icmp-tunnel/index.js'
import { portProtocol } from '#core/detectors/port-protocol/index.js'
import { streamNamed } from '#core/records/columns.js'
import { evaluate } from '#core/scheduler/evaluate.js'
import { createBlockStore } from '#core/store/blocks.js'
import { emptyScanCounts } from '#core/store/scan.js'
import { datagramsOf } from '#evaluate/enterprise.js'
import { smallCompany } from '#simulate/small-company.js'
import { judgeDatagrams } from '../../support/judge.js'
import { addRows } from '../store/rows.js'

const STEP = 15_000
const DAY = 86_400_000

/** When rows were received and when judgement was asked for, over rows received at these times, a block for each list. */
async function led(folder: string, blocks: readonly (readonly number[])[], toMilliseconds: number) {
  const store = createBlockStore({ location: join(folder, 'blocks'), isFirst: true })
  await store.open()
  let octets = 0
  for (const times of blocks) {
    const builder = new BlockBuilder(streamNamed('flow4'), times.length)
    for (const time of times) addRows(builder, 1, octets++, time)
    await store.append(builder, 0)
  }
  const asked: number[] = []
  let rows = 0
  const steps = evaluate({
    store,
    judge: {
      observe: (selection) => {
        rows += selection.rows.length
      },
      evaluate: (at) => {
        asked.push(at)
        return []
      },
    },
    streams: ['flow4', 'icmp4'],
    fromMilliseconds: 0,
    toMilliseconds,
    stepMilliseconds: STEP,
    counts: emptyScanCounts(),
  })
  for await (const _ of steps) t.fail('nothing was observed')
  await store.close()
  return { asked, rows }
}

const cases: readonly (readonly [what: string, blocks: number[][], to: number, gaps: number])[] = [
  ['hours without rows', [[1, 20 * 3_600_000]], DAY, 0],
  ['fifty years between two blocks', [[1000], [18_262 * DAY + 5]], 18_262 * DAY + DAY, 1],
  ['fifty years within a block', [[1000, 18_262 * DAY + 5]], 18_262 * DAY + DAY, 1],
  ['a block that begins earlier ends later', [[1000, 900 * DAY], [300 * DAY]], 900 * DAY + STEP, 2],
  ['nothing more comes', [[1000]], 1000 * DAY, 1],
]
for (const [what, blocks, to, gaps] of cases) {
  t.test(what, async (t) => {
    const { asked, rows } = await led(t.testdir(), blocks, to)
    t.equal(rows, blocks.flat().length, 'every row is seen once')
    const leaps = asked.slice(1).filter((at, index) => at - asked[index]! !== STEP)
    t.equal(leaps.length, gaps)
    t.equal(asked.at(-1), to, 'judged to the end')
    for (const time of blocks.flat()) t.ok(asked.includes(Math.floor(time / STEP) * STEP + STEP), `${time}`)
    t.ok(asked.length <= (gaps + 1) * (DAY / STEP + 4), `${asked.length} steps`)
  })
}

t.test('what was received decades before changes nothing of what is found', async (t) => {
  const simulation = smallCompany(3, { durationMilliseconds: 1_800_000 })
  const datagrams = [...datagramsOf(simulation)]
  const stray = { ...datagrams[0]!, timeMilliseconds: 5000 }
  for (const detector of [icmpTunnel, portProtocol]) {
    const alone = await judgeDatagrams(datagrams, detector)
    const withStray = await judgeDatagrams([stray, ...datagrams], detector)
    const idsOf = ({ observations }: typeof alone) => observations.map(({ id }) => id).sort()
    t.ok(alone.observations.length > 0)
    t.same(idsOf(withStray), idsOf(alone), detector.id)
  }
})
