/** What retention deletes before a detector has read it is told of; what was judged long ago is not. */
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { makeConfig } from '#core/config.js'
import { attackNetworkDevices } from '#core/detectors/detector.js'
import { configuredDetectors } from '#core/detectors/settings.js'
import { nothingKnown } from '#core/detectors/surroundings.js'
import type { Observation } from '#core/findings/finding.js'
import { evaluate } from '#core/scheduler/evaluate.js'
import { unreadCoverage } from '#core/scheduler/hole-coverage.js'
import type { DetectorState } from '#core/scheduler/plan.js'
import { RemovalWatch, type RemovedTo } from '#core/scheduler/removal-watch.js'
import { createBlockStore } from '#core/store/blocks.js'
import { emptyScanCounts } from '#core/store/scan.js'
import { type AnalysisClient, createAnalysisClient } from '#core/workers/analysis-client.js'
import { builderOf } from '../store/rows.js'

type RetainLimits = Parameters<AnalysisClient['retain']>[0]

const MINUTE = 60_000
const NOW = 1000 * MINUTE
const upTo = (minute: number, endSequence: number): RemovedTo => ({
  toMilliseconds: minute * MINUTE,
  endSequence,
})
const span = (from: number, to: number) => ({ fromMilliseconds: from * MINUTE, toMilliseconds: to * MINUTE })

t.test('what a removal takes from a run', async (t) => {
  const judged = (minute: number, sequence: number) => ({ judgedToMilliseconds: minute * MINUTE, sequence })
  const cases: readonly (readonly [
    title: string,
    state: DetectorState | undefined,
    judgeFrom: number,
    before: RemovedTo | undefined,
    position: number,
    during: RemovedTo | undefined,
    unread: ReturnType<typeof span> | undefined,
  ])[] = [
    ['nothing removed', judged(100, 50), 100, undefined, 101, undefined, undefined],
    ['rows judged long ago', judged(100, 50), 100, upTo(90, 40), 101, upTo(95, 45), undefined],
    [
      'before the run, beyond what was judged',
      judged(100, 50),
      100,
      upTo(110, 60),
      100,
      undefined,
      span(100, 110),
    ],
    [
      'before the first run there was none to judge them',
      undefined,
      80,
      upTo(90, 40),
      80,
      undefined,
      undefined,
    ],
    ['behind the run', judged(100, 50), 100, undefined, 120, upTo(119, 70), undefined],
    ['ahead of the run', judged(100, 50), 100, undefined, 120, upTo(125, 70), span(120, 125)],
    ['ahead of the first run', undefined, 80, undefined, 85, upTo(90, 40), span(85, 90)],
    ['before it and ahead of it', judged(100, 50), 100, upTo(103, 60), 105, upTo(110, 70), span(100, 110)],
    [
      'old rows that an import has judged again',
      judged(100, 50),
      10,
      upTo(30, 20),
      20,
      upTo(40, 30),
      undefined,
    ],
    ['the import itself, before the run', judged(100, 50), 100, upTo(20, 60), 100, undefined, span(20, 20)],
    ['the import itself, ahead of the run', judged(100, 50), 10, undefined, 15, upTo(20, 60), span(15, 20)],
    [
      'a receive time that lies ahead of now',
      judged(1001, 50),
      1001,
      upTo(9999, 40),
      1001,
      undefined,
      undefined,
    ],
  ]
  for (const [title, state, judgeFrom, before, position, during, unread] of cases) {
    const earlier = new RemovalWatch()
    if (before !== undefined) earlier.remove('flow4', before, NOW)
    // Over a restart.
    const watch = new RemovalWatch(JSON.parse(JSON.stringify(earlier.removed)))
    const watched = { judged: state, judgeFromMilliseconds: judgeFrom * MINUTE }
    const run = watch.begin({ ...watched, streams: ['flow4', 'flow6'] })
    const other = watch.begin({ ...watched, streams: ['icmp4'] })
    run.judgedTo(position * MINUTE)
    if (during !== undefined) watch.remove('flow4', during, NOW)
    t.same(run.unread(), unread, title)
    t.equal(other.unread(), undefined, `${title}: not of a stream that is not read`)
    run.end()
    watch.remove('flow4', upTo(900, 900), NOW)
    t.same(run.unread(), unread, `${title}: what has ended is left alone`)
  }
})

t.test('the entry says which time, and what to do', async (t) => {
  const entry = unreadCoverage({ id: 'icmp-tunnel', attack: attackNetworkDevices }, span(0, 2))
  t.match(entry, {
    kind: 'coverage',
    firstSeenMilliseconds: 0,
    lastSeenMilliseconds: 2 * MINUTE,
    title: /between 1970-01-01T00:00:00\.000Z and 1970-01-01T00:02:00\.000Z .*raise retention\.maximumOctets/,
    reasons: [{ code: 'rows-deleted-unread', value: 120 }],
    evidenceQuality: { reasons: [{ code: 'rows-deleted-unread' }] },
  })
})

async function openStore(data: string) {
  const store = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  await store.open()
  return store
}

t.test('a removal that overtakes a run', async (t) => {
  const store = await openStore(t.testdir())
  t.teardown(() => store.close())
  for (let minute = 0; minute < 10; minute++)
    await store.append(builderOf(100, minute * MINUTE), minute * MINUTE)
  const [, , , , fifth] = await store.index('flow4')
  const watch = new RemovalWatch()
  const run = watch.begin({ streams: ['flow4'], judgeFromMilliseconds: 0, judged: undefined })
  const seen: number[] = []
  const counts = emptyScanCounts()
  const steps = evaluate({
    store,
    judge: {
      observe: ({ rows }) => seen.push(rows.length),
      evaluate: (at) => [{ id: String(at) } as Observation],
    },
    streams: ['flow4'],
    fromMilliseconds: 0,
    toMilliseconds: 10 * MINUTE,
    stepMilliseconds: MINUTE,
    counts,
    onProgress: run.judgedTo,
  })
  for await (const { at } of steps) {
    if (at !== 2 * MINUTE) continue
    const removed = { toMilliseconds: fifth!.receivedToMilliseconds, endSequence: fifth!.firstSequence + 100 }
    watch.remove('flow4', removed, NOW)
    await store.removeBefore(new Map([['flow4', removed.endSequence]]))
  }
  t.equal(seen.length, 7, 'minutes 0 and 1, and 5 to 9')
  t.equal(counts.blocksFailed, 0, 'the scan stepped over the others')
  t.same(run.unread(), { fromMilliseconds: MINUTE, toMilliseconds: 4 * MINUTE + 99 })
})

t.test('the analysing thread tells of it, over a restart too', async (t) => {
  const data = join(t.testdir({ data: {} }), 'data')
  const store = await openStore(data)
  const rollups = createBlockStore({ location: join(data, 'rollups'), what: 'rollups', isFirst: true })
  await rollups.open()
  const start = async () => {
    const client = createAnalysisClient({
      setup: {
        data,
        sequence: store.sequence.shared,
        rollupSequence: rollups.sequence.shared,
        rollups: { enabled: false, stopBelowFreeOctets: 0 },
        stepMilliseconds: MINUTE,
        scrub: { octetsPerSecond: 0, passHours: 24, state: undefined },
      },
      onProblem: (message) => t.fail(message),
      onDamage: () => {},
      onScrub: () => {},
      onRolled: () => {},
      onDeath: (error) => t.fail(error),
    })
    await client.start()
    return client
  }
  let client = await start()
  t.teardown(async () => {
    await client.close()
    await rollups.close()
    await store.close()
  })
  const { settings } = configuredDetectors(makeConfig()).find(
    ({ detector }) => detector.id === 'port-protocol',
  )!
  let state: DetectorState | undefined
  /** A run up to a minute; its coverage entries about deleted rows. */
  const judge = async (minute: number) => {
    const entries: Observation[] = []
    const request = {
      id: `run to ${minute}`,
      detector: 'port-protocol',
      settings,
      judgeKey: 'one',
      surroundings: nothingKnown,
      wantsLearned: false,
      state,
      toMilliseconds: minute * MINUTE,
      droppedRows: 0,
    }
    const end = await client.run(request, async (observations) => {
      entries.push(...observations.filter(({ reasons }) => reasons[0]?.code === 'rows-deleted-unread'))
    })
    state = end.state
    return { ...end, entries }
  }
  const limits: RetainLimits = {
    nowMilliseconds: NOW,
    rollupsBeforeMilliseconds: 0,
    maximumRollupOctets: undefined,
    rawBeforeMilliseconds: 0,
    messagesBeforeMilliseconds: 0,
    maximumOctets: undefined,
    minimumFreeOctets: 0,
  }
  const retain = (changes: Partial<RetainLimits>) => client.retain({ ...limits, ...changes })
  const fill = async (from: number, to: number) => {
    for (let minute = from; minute < to; minute++)
      await store.append(builderOf(500, minute * MINUTE), minute * MINUTE)
  }

  await fill(0, 20)
  t.match(await judge(20), { hasMissingRows: false, entries: [] })
  // A disk that is away for a while.
  await rename(data, `${data}-away`)
  await t.rejects(retain({ rawBeforeMilliseconds: 18 * MINUTE }), { message: /^retention: ENOENT/ })
  await rename(`${data}-away`, data)
  t.match(await retain({ rawBeforeMilliseconds: 18 * MINUTE }), { blocks: 18, reasons: ['age'] })
  await fill(20, 30)
  t.match(await judge(30), { hasMissingRows: false, entries: [] }, 'what was judged may go')

  await fill(30, 330)
  // The run has 300 minutes before it; retention leaves a few blocks.
  const [overtaken, retained] = await Promise.all([judge(330), retain({ maximumOctets: 20_000 })])
  t.ok(retained.blocks > 280, `${retained.blocks} blocks were removed`)
  t.match(overtaken, {
    hasMissingRows: true,
    counts: {
      blocksFailed: 0,
      failures: [/^retention deleted rows received between .* before they were judged/],
    },
    entries: [{ kind: 'coverage', detector: 'port-protocol' }],
  })
  t.ok(overtaken.entries[0]!.firstSeenMilliseconds >= 30 * MINUTE)
  t.match(await judge(331), { hasMissingRows: false, entries: [] }, 'and once')

  await fill(331, 360)
  t.match(await retain({ maximumOctets: 1 }), { isShort: true })
  await client.close()
  client = await start()
  t.match(await judge(360), {
    hasMissingRows: true,
    entries: [{ firstSeenMilliseconds: 331 * MINUTE, lastSeenMilliseconds: 358 * MINUTE + 499 }],
  })
  t.match(await judge(361), { hasMissingRows: false, entries: [] })
})
