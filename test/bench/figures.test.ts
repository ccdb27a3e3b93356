/** What the benches make of their measurements, and the long run in its short form, so that the command cannot rot. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { startSender } from '#bench/load/client.js'
import { flowGoals, verdictOf } from '#bench/peers/goals.js'
import { measure, type Run } from '#bench/peers/measure.js'
import { queryGoals, queryTable } from '#bench/peers/queries.js'
import { aligned, figuresOf, tableOf } from '#bench/peers/table.js'
import { culvert } from '#bench/service/culvert.js'
import { reapedSeconds, treeSeconds } from '#bench/service/process-time.js'
import { median, quantile, slope } from '#bench/service/series.js'
import { plainNode, project } from '../support/project.js'

t.test('medians, quantiles and slopes', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
  t.equal(quantile([1, 2, 3, 4, 5], 1), 5)
  t.equal(quantile([0, 100], 0.99), 99)
  t.ok(Number.isNaN(median([])))
  t.equal(
    slope([
      [0, 5],
      [1, 7],
      [2, 9],
    ]),
    2,
  )
  t.equal(slope([[1, 1]]), 0)
})

const run = (collector: string, processorSeconds: number, octets: number, stored = 1_000_000): Run => ({
  collector,
  datagramsPerSecond: 1000,
  sent: 1_000_000,
  stored,
  dropped: 0,
  measured: stored,
  processorSeconds,
  octets,
  lineOctets: undefined,
  reachedPerSecond: 999,
})

t.test('a table has medians, ratios to the peer and what was lost', async (t) => {
  const runs = [
    run('nfcapd, LZ4', 0.2, 50e6),
    run('Culvert, recvmmsg', 0.1, 20e6),
    run('nfcapd, LZ4', 0.4, 50e6),
    run('Culvert, recvmmsg', 0.3, 20e6, 999_000),
    run('nfcapd, LZ4', 0.3, 50e6),
  ]
  const figures = figuresOf(runs)
  t.equal(figures[0]!.processorSecondsPerMillion, 0.3)
  t.equal(figures[1]!.sent - figures[1]!.stored, 1000)
  const table = tableOf(figures, 'nfcapd, LZ4')
  t.match(
    table,
    /Culvert, recvmmsg +999 +0\.200 +0\.67 x +20\.0 +0\.40 x +1000 \(0\.05 %\), 0 datagrams by the kernel/,
  )
  t.same(flowGoals(figures).map(verdictOf), ['not run', 'not run', 'met, all', 'met, all', 'short'])
  const alone = figuresOf([
    ...runs.filter(({ collector }) => collector.startsWith('nfcapd')),
    run('Culvert, recvmmsg, without detectors', 0.3, 30e6),
    run('Culvert, dgram, without detectors', 0.5, 30e6),
  ])
  t.same(flowGoals(alone).map(verdictOf), ['met', 'short', 'not run', 'short', 'met, all'])
})

t.test(
  'a table of log messages has their octets without the lines, where those are kept beside',
  async (t) => {
    const figures = figuresOf([
      run('rsyslog', 1, 300e6),
      { ...run('Culvert', 2, 80e6), lineOctets: 50e6 },
      { ...run('Culvert', 2, 90e6), lineOctets: 50e6 },
    ])
    t.equal(figures[1]!.octetsWithoutLine, 35)
    t.match(tableOf(figures, 'rsyslog'), /Culvert .* 85\.0 +0\.28 x +35\.0 +0$/m)
  },
)

t.test('goals are met, met wholly, or short', async (t) => {
  const goal = { what: '', unit: '', limits: [1, 0.75] }
  t.equal(verdictOf({ ...goal, value: 0.9 }), 'met')
  t.equal(verdictOf({ ...goal, value: 0.7 }), 'met, all')
  t.equal(verdictOf({ ...goal, value: 1.1 }), 'short')
  t.equal(verdictOf({ ...goal, limits: [10], isMinimum: true, value: 12 }), 'met, all')
  t.equal(verdictOf({ ...goal, limits: [10], isMinimum: true, value: 9 }), 'short')
  t.equal(
    aligned([
      ['a', '1'],
      ['bcd', '22'],
    ]),
    'a     1\nbcd  22',
  )
})

t.test('questions are compared with nfdump by the API where it was asked', async (t) => {
  const timed = (seconds: number) => ({ seconds, processorSeconds: seconds })
  const figures = {
    rows: 2_000_000,
    answers: [
      {
        what: 'icmp',
        nfdump: timed(2),
        culvert: timed(1),
        apiSeconds: 0.1,
        goal: { unit: 'x as fast' as const, limit: 10 },
      },
      {
        what: 'groups',
        nfdump: timed(1),
        culvert: timed(0.5),
        apiSeconds: undefined,
        goal: { unit: 'M rows/s' as const, limit: 6 },
      },
    ],
  }
  const goals = queryGoals(figures)
  t.same(
    goals.map(({ value }) => value),
    [20, 4],
  )
  t.same(goals.map(verdictOf), ['met, all', 'short'])
  t.match(queryTable(figures), /icmp +2\.000 +2\.00 +1\.000 +1\.00 +2\.0 x +0\.100 +20\.0 x/)
})

const isLinux = process.platform === 'linux'

t.test('processor time of a child is found, while it lives and afterwards', { skip: !isLinux }, async (t) => {
  const before = reapedSeconds()
  const burn = 'const end = Date.now() + 300; while (Date.now() < end); console.log(1)'
  const child = promisify(execFile)(process.execPath, ['-e', burn])
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.ok(treeSeconds(child.child.pid!) > 0)
  await child
  t.ok(reapedSeconds() - before > 0.05)
})

t.test('Culvert keeps all that it is sent', { skip: !isLinux }, async (t) => {
  const sender = startSender()
  const traffic = { kind: 'syslog' as const, seed: 1 }
  const feed = { traffic, datagramsPerSecond: 1000, seconds: 1, warmUpSeconds: 0.5 }
  const result = await measure(culvert({ receive: 'dgram', takes: 'syslog' }), sender, feed)
  t.equal(result.sent, 1500)
  t.equal(result.stored, result.sent)
  t.equal(result.measured, 1000)
  t.ok(result.processorSeconds > 0 && result.octets > 0)
  await sender.close()
})

t.test('a sustained run says what was lost and how long things took', { skip: !isLinux }, async (t) => {
  const program = join(project, 'dist/bench/sustained.js')
  const args = ['--rate', '20000', '--seconds', '3', '--gigabytes', '0.1', '--json']
  const { stdout } = await promisify(execFile)('env', [...plainNode, program, ...args])
  const report = JSON.parse(stdout)
  t.equal(report.lost, 0)
  t.equal(report.stored, report.sent)
  t.ok(report.sent > 50_000)
  t.ok(report.memory.mostOctets > 10e6)
  t.ok(report.api.asked > 0 && report.api.failed === 0)
  t.ok(report.detectors.length > 0)
})
