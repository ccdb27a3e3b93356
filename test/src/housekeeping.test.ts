import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { makeConfig } from '#core/config.js'
import { keepHouse } from '#core/housekeeping.js'
import type { RetentionOutcome } from '#core/workers/analysis-messages.js'
import { healthOf } from '../support/health.js'

t.test('health tells of a retention that fails, and the next one is made all the same', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const outcome = { blocks: 0, reasons: [], isShort: false, usedOctets: 0, freeOctets: 0 }
  let isBroken = true
  let retained: RetentionOutcome | undefined
  let failure: string | undefined
  const end = keepHouse({
    limits: makeConfig().retention,
    analysis: {
      retain: async () => {
        if (isBroken) throw new Error('the disk is away')
        return outcome
      },
    } as never,
    visibility: {} as never,
    ballast: { keep: async () => 'held', release: async () => undefined },
    documents: { put: async () => undefined } as never,
    ageing: { look: () => ({ nowMilliseconds: Date.now(), timeMilliseconds: Date.now() }) },
    now: Date.now,
    logger: pino({ level: 'silent' }),
    onRetained(outcome) {
      retained = outcome
      failure = undefined
    },
    onRetentionFailure({ message }) {
      failure = message
    },
  })
  const health = healthOf({ retention: () => retained, retentionFailure: () => failure })
  const space = () => health.report().checks.find(({ name }) => name === 'space')
  t.equal(space(), undefined)
  for (const [broken, expected] of [
    [true, { status: 'failing', text: 'what is beyond the limits stays: the disk is away' }],
    [false, { status: 'ok' }],
    [true, { status: 'failing' }],
  ] as const) {
    isBroken = broken
    mock.timers.tick(10_000)
    await turn()
    await turn()
    t.match(space(), expected)
  }
  await end()
})
