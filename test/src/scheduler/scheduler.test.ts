/** When detectors run: never twice at a time, on from where they had come, with every run's outcome kept. */
import { join } from 'node:path'
import t from 'tap'
import { BlockBuilder } from '#core/blocks/builder.js'
import { attackNetworkDevices, type Detector, type Learned } from '#core/detectors/detector.js'
import { icmpTunnel } from '#core/detectors/icmp-tunnel/index.js'
import { nothingKnown } from '#core/detectors/surroundings.js'
import { createAudit } from '#core/findings/audit.js'
import { findingId, type Observation } from '#core/findings/finding.js'
import { createFindings } from '#core/findings/repository.js'
import { createRuns, type Run } from '#core/findings/runs.js'
import { parseAddress } from '#core/records/address.js'
import { streams } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { planRun } from '#core/scheduler/plan.js'
import { createScheduler } from '#core/scheduler/scheduler.js'
import { createBlockStore } from '#core/store/blocks.js'
import { createDocuments } from '#core/store/documents.js'
import { emptyScanCounts } from '#core/store/scan.js'
import type { AnalysisClient, RunEnd } from '#core/workers/analysis-client.js'

const observation: Observation = {
  kind: 'finding',
  id: findingId('icmp-tunnel', { pair: 'one' }),
  detector: 'icmp-tunnel',
  severity: 'high',
  score: 90,
  title: 'a pair',
  sourceAddresses: ['10.0.0.1'],
  destinationAddresses: ['192.0.2.1'],
  firstSeenMilliseconds: 1,
  lastSeenMilliseconds: 2,
  exporters: [],
  evidenceQuality: { level: 'good', reasons: [] },
  reasons: [],
  subScores: {},
  attack: attackNetworkDevices,
  evidence: [],
}

/** An analysing thread in place of the real one: it answers when it is told to. */
function createAnalysis() {
  const requests: Parameters<AnalysisClient['run']>[0][] = []
  let answer: (end: Partial<RunEnd>) => void = () => {}
  const client: AnalysisClient = {
    start: async () => ({ lostRows: 0, damagedBlocks: 0, holes: [], damaged: [] }),
    retain: async () => ({
      blocks: 0,
      rows: 0,
      octets: 0,
      reasons: [],
      isShort: false,
      usedOctets: 0,
      freeOctets: 0,
      mergedBlocks: 0,
      rollups: { blocks: 0, rows: 0, usedOctets: 0 },
    }),
    close: async () => {},
    explain: async () => undefined,
    review: async () => undefined,
    async run(request, onObservations) {
      await onObservations([observation])
      return new Promise((resolve) => {
        requests.push(request)
        answer = (end) => {
          const state = { judgedToMilliseconds: request.toMilliseconds, sequence: 5 }
          resolve({
            type: 'done',
            id: request.id,
            fromMilliseconds: 0,
            state,
            counts: emptyScanCounts(),
            hasMissingRows: false,
            ...end,
          })
        }
      })
    },
  }
  return { client, requests, answer: (end: Partial<RunEnd> = {}) => answer(end) }
}

t.test('one run of a detector at a time, and on from where the last one ended', async (t) => {
  const documents = createDocuments({ location: join(t.testdir(), 'documents') })
  await documents.open()
  t.teardown(() => documents.close())
  let time = Date.UTC(2026, 0, 5, 10, 0, 30)
  const now = () => time
  const analysis = createAnalysis()
  const ended: Run[] = []
  const changes: string[] = []
  const runs = createRuns({ documents, now })
  const learned: Learned = { fromMilliseconds: 1, toMilliseconds: 2, version: 1, data: {} }
  const kept: Learned[] = []
  let timesRead = 0
  const scheduler = createScheduler({
    detectors: [{ detector: icmpTunnel, settings: {} }],
    intervalSeconds: 60,
    stepMilliseconds: 60_000,
    analysis: analysis.client,
    documents,
    findings: createFindings({ documents, audit: createAudit({ documents, now }), now }),
    runs,
    droppedRows: () => 0,
    clock: { now, timer: (span) => span, span: (span) => span },
    surroundingsOf: async () => ({
      key: 'one',
      data: nothingKnown,
      learned: async () => {
        timesRead++
        return learned
      },
    }),
    onLearned: async (_detector, what) => {
      kept.push(what)
    },
    onRun: (run) => ended.push(run),
    onFinding: (_observation, change) => changes.push(change),
  })
  const first = scheduler.runNow('icmp-tunnel')
  while (analysis.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  t.equal(await scheduler.runNow('icmp-tunnel'), undefined, 'the second call finds it running')
  const [written] = (await runs.page({ limit: 1 })).items
  t.equal(written?.outcome, 'running')
  const [afterwards] = (await createRuns({ documents, now }).page({ limit: 1 })).items
  t.equal(afterwards?.outcome, 'interrupted', 'what the process does not survive')
  t.match(analysis.requests[0], { surroundings: { learned }, wantsLearned: true })
  analysis.answer({ learned })
  t.match(await first, {
    outcome: 'ok',
    observations: 1,
    created: 1,
    toMilliseconds: Date.UTC(2026, 0, 5, 10, 0),
  })
  t.same(changes, ['created'])
  t.equal(await scheduler.runNow('icmp-tunnel'), undefined, 'nothing new within the minute')

  time += 60_000
  const second = scheduler.runNow('icmp-tunnel')
  while (analysis.requests.length === 1) await new Promise((resolve) => setTimeout(resolve, 5))
  t.match(analysis.requests[1], { state: { judgedToMilliseconds: Date.UTC(2026, 0, 5, 10, 0), sequence: 5 } })
  t.same(kept, [learned])
  t.equal(analysis.requests[1]?.surroundings.learned, undefined, 'the judge that stands knows it')
  t.equal(timesRead, 1, 'so it is not read either')
  t.equal(analysis.requests[1]?.wantsLearned, false, 'it was kept a minute ago')
  analysis.answer({ counts: { ...emptyScanCounts(), blocksFailed: 1, failures: ['block flow4/7'] } })
  t.match(await second, { outcome: 'partial', error: 'block flow4/7', created: 0 })

  time += 60_000
  const third = scheduler.runNow('icmp-tunnel')
  while (analysis.requests.length === 2) await new Promise((resolve) => setTimeout(resolve, 5))
  analysis.answer({ error: 'the judge threw' })
  t.match(await third, { outcome: 'failed', error: 'the judge threw' })

  time += 60_000
  const fourth = scheduler.runNow('icmp-tunnel')
  while (analysis.requests.length === 3) await new Promise((resolve) => setTimeout(resolve, 5))
  t.match(analysis.requests[3]?.surroundings, { learned }, 'a judge that failed begins anew')
  analysis.answer({ hasMissingRows: true, counts: { ...emptyScanCounts(), failures: ['7 rows are gone'] } })
  t.match(await fourth, { outcome: 'partial', error: '7 rows are gone' })
  t.equal(ended.length, 4)

  time -= 50_000
  t.equal(await scheduler.runNow('icmp-tunnel'), undefined, 'a clock that was a little ahead is waited for')
  time -= 3_600_000
  const fifth = scheduler.runNow('icmp-tunnel')
  while (analysis.requests.length === 4) await new Promise((resolve) => setTimeout(resolve, 5))
  t.equal(analysis.requests[4]?.wantsLearned, true)
  analysis.answer()
  t.match(await fifth, { outcome: 'ok', toMilliseconds: Date.UTC(2026, 0, 5, 9, 2) }, 'by an hour, it is not')
  await scheduler.close()
})

t.test('a run reads what is new, what its judge must remember, and what came late', async (t) => {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  const detector: Detector = { ...icmpTunnel, lookbackMilliseconds: 600_000 }
  const minute = 60_000
  const write = async (receivedMilliseconds: number) => {
    const builder = new BlockBuilder(streams[2]!, 4)
    const identity = {
      address: parseAddress('192.0.2.7')!,
      listenerPort: 2055,
      transport: 0,
      protocol: 9,
      observationDomainId: 0,
    }
    builder.begin(identity, shapeOf([0, 1, 2]), receivedMilliseconds, 1)
    await store.append(builder, receivedMilliseconds)
  }
  const plan = (
    state: { judgedToMilliseconds: number; sequence: number } | undefined,
    hasJudge: boolean,
    to: number,
  ) => planRun(store, detector, { state, hasJudge, toMilliseconds: to, stepMilliseconds: minute })

  t.match(
    await plan(undefined, false, 100 * minute),
    { judgeFromMilliseconds: 100 * minute, isFresh: true },
    'an empty store',
  )
  await write(50 * minute + 1)
  await write(70 * minute)
  const first = await plan(undefined, false, 100 * minute)
  t.match(
    first,
    { judgeFromMilliseconds: 50 * minute, readFromMilliseconds: 50 * minute, isFresh: true },
    'the first run takes everything',
  )
  const state = { judgedToMilliseconds: 100 * minute, sequence: first.sequence }
  t.match(
    await plan(state, true, 101 * minute),
    { judgeFromMilliseconds: 100 * minute, readFromMilliseconds: 100 * minute, isFresh: false },
    'the next goes on',
  )
  t.match(
    await plan(state, false, 101 * minute),
    { judgeFromMilliseconds: 100 * minute, readFromMilliseconds: 90 * minute, isFresh: true },
    'after a restart the judge remembers first',
  )
  await write(80 * minute)
  t.match(
    await plan(state, true, 101 * minute),
    { judgeFromMilliseconds: 80 * minute, readFromMilliseconds: 70 * minute, isFresh: true },
    'rows that came late are judged after all',
  )
  t.match(
    await plan({ ...state, sequence: 99 }, true, 60 * minute),
    { judgeFromMilliseconds: 60 * minute, readFromMilliseconds: 50 * minute, isFresh: true },
    'a clock that was set back: what comes from now on is judged',
  )
  t.match(
    await plan({ ...state, judgedToMilliseconds: 200 * minute }, true, 101 * minute),
    { judgeFromMilliseconds: 80 * minute, isFresh: true },
    'and what has come since it was',
  )
})
