/** Runs of a detector by a judge that stands, and by a new one in its place. */
import { join } from 'node:path'
import t from 'tap'
import { BlockBuilder } from '#core/blocks/builder.js'
import { emptyContext } from '#core/context/data.js'
import type { Judge, Learned } from '#core/detectors/detector.js'
import { icmpTunnel } from '#core/detectors/icmp-tunnel/index.js'
import { nothingKnown } from '#core/detectors/surroundings.js'
import { streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { RemovalWatch } from '#core/scheduler/removal-watch.js'
import { createBlockStore } from '#core/store/blocks.js'
import type { FromAnalysis, RunRequest } from '#core/workers/analysis-messages.js'
import { createDamageWatch } from '#core/workers/damage-watch.js'
import { detect, knownTo, type Standing } from '#core/workers/detection.js'
import { createObservationWindow } from '#core/workers/observation-window.js'

const MINUTE = 60_000
const NOW = Date.UTC(2026, 0, 5)
const context = { ...emptyContext, zones: [{ prefix: '10.0.0.0/8', name: 'campus' }] }
const learned: Learned = { fromMilliseconds: 1, toMilliseconds: NOW, version: 1, data: {} }

t.test('a judge that begins is told what the one before it knew', async (t) => {
  const told = { ...nothingKnown, context, learned }
  const stripped = nothingKnown
  t.same(knownTo(undefined, { surroundings: told, toMilliseconds: NOW }), told)
  const judge = { learned: () => ({ ...learned, fromMilliseconds: 2 }) } as unknown as Judge
  const after = knownTo({ context, judge }, { surroundings: stripped, toMilliseconds: NOW })
  t.match(after, { context, learned: { fromMilliseconds: 2, toMilliseconds: NOW } })
  t.match(
    knownTo({ context, judge }, { surroundings: stripped, toMilliseconds: NOW - MINUTE }),
    { learned: { toMilliseconds: NOW - MINUTE } },
    'by a clock that was set back it has learned up to now',
  )
  const nothing = { learned: () => undefined } as unknown as Judge
  t.match(knownTo({ context, judge: nothing }, { surroundings: stripped, toMilliseconds: NOW }), {
    context,
    learned: undefined,
  })
})

t.test('rows that come late are judged by one that knows the context', async (t) => {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  const write = async (receivedMilliseconds: number) => {
    const builder = new BlockBuilder(streamNamed('icmp4'), 1)
    const address = { family: 4, words: [0, 0, 0, 1] } as const
    const exporter = { address, listenerPort: 2055, transport: 0, protocol: 9, observationDomainId: 0 }
    builder.begin(exporter, shapeOf([0, 1, 2]), receivedMilliseconds, 1)
    await store.append(builder, receivedMilliseconds)
  }
  const standings = new Map<string, Standing>()
  const said: FromAnalysis[] = []
  const needs = {
    standings,
    stepMilliseconds: MINUTE,
    watch: createDamageWatch(store, () => {}),
    removals: new RemovalWatch(undefined),
    observations: createObservationWindow(9),
    say: (message: FromAnalysis) => said.push(message),
  }
  const run = async (surroundings: RunRequest['surroundings'], toMilliseconds: number) => {
    const { state } = standings.get(icmpTunnel.id) ?? {}
    await detect(
      store,
      {
        type: 'run',
        id: 'one',
        detector: icmpTunnel.id,
        settings: {},
        judgeKey: 'key',
        surroundings,
        wantsLearned: false,
        state,
        toMilliseconds,
        droppedRows: 0,
      },
      needs,
    )
    return standings.get(icmpTunnel.id)!
  }
  await write(NOW)
  const first = await run({ ...nothingKnown, context }, NOW + 10 * MINUTE)
  t.equal(first.context, context)
  await write(NOW + 10 * MINUTE)
  const second = await run(nothingKnown, NOW + 11 * MINUTE)
  t.equal(second.judge, first.judge, 'it goes on')
  await write(NOW + 2 * MINUTE)
  const third = await run(nothingKnown, NOW + 12 * MINUTE)
  t.not(third.judge, first.judge)
  t.equal(third.context, context)
  // The clock was an hour ahead.
  await write(NOW - 50 * MINUTE)
  const fourth = await run(nothingKnown, NOW - 49 * MINUTE)
  t.equal(fourth.state.judgedToMilliseconds, NOW - 49 * MINUTE)
  t.equal(fourth.context, context)
  t.match(said.at(-1), { type: 'done', fromMilliseconds: NOW - 50 * MINUTE, counts: { rowsRead: 1 } })
})
