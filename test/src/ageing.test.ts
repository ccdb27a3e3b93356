/** The time of retention by age, over clocks that jump. */
import t from 'tap'
import { createAgeing } from '#core/ageing.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.UTC(2026, 0, 5)
const limits = { rawDays: 14, messageDays: 14, rollupDays: 400 }

/** A machine whose clock can be set, and on which time passes. */
function machine(lastMilliseconds: number | undefined, clockMilliseconds: number, days = limits) {
  let elapsed = 5000
  let offset = clockMilliseconds - elapsed
  const clock = { now: () => elapsed + offset, span: (milliseconds: number) => milliseconds }
  const ageing = createAgeing({ lastMilliseconds, limits: days, clock, elapsed: () => elapsed })
  return {
    clock,
    look: ageing.look,
    pass(milliseconds: number) {
      elapsed += milliseconds
    },
    set(milliseconds: number) {
      offset = milliseconds - elapsed
    },
  }
}

t.test('a clock that goes on is believed, at a first start and after a short stop', async (t) => {
  const first = machine(undefined, NOW)
  t.same(first.look(), { nowMilliseconds: NOW, timeMilliseconds: NOW })
  first.pass(10 * DAY)
  t.same(first.look(), { nowMilliseconds: NOW + 10 * DAY, timeMilliseconds: NOW + 10 * DAY })
  t.equal(machine(NOW - 20 * HOUR, NOW).look().nowMilliseconds, NOW)
})

t.test('one that jumped ahead is believed after a day, and a restart begins the day anew', async (t) => {
  const { look, pass, set } = machine(NOW, NOW)
  look()
  set(NOW + 365 * DAY)
  const held = { aheadMilliseconds: 365 * DAY, untilMilliseconds: NOW + 366 * DAY }
  t.same(look(), { nowMilliseconds: NOW, timeMilliseconds: NOW, held })
  pass(23 * HOUR)
  const { timeMilliseconds } = look()
  t.equal(timeMilliseconds, NOW + 23 * HOUR, 'it goes on')
  const again = machine(timeMilliseconds, NOW + 365 * DAY + 23 * HOUR)
  t.equal(again.look().nowMilliseconds, NOW + 23 * HOUR)
  pass(HOUR)
  t.same(look(), { nowMilliseconds: NOW + 366 * DAY, timeMilliseconds: NOW + 366 * DAY })
})

t.test('one that is set right before goes on as if nothing had been', async (t) => {
  const { look, pass, set } = machine(NOW, NOW + 365 * DAY)
  t.ok(look().held)
  pass(HOUR)
  set(NOW + HOUR)
  t.same(look(), { nowMilliseconds: NOW + HOUR, timeMilliseconds: NOW + HOUR })
})

t.test('a machine that wakes in 1970 and is then told the time has not jumped', async (t) => {
  const { look, pass, set } = machine(NOW, 0)
  t.match(look(), { nowMilliseconds: 0, timeMilliseconds: NOW, held: undefined })
  pass(60_000)
  set(NOW + HOUR)
  t.same(look(), { nowMilliseconds: NOW + HOUR, timeMilliseconds: NOW + HOUR })
})

t.test('a short age makes a small jump', async (t) => {
  t.ok(machine(NOW, NOW + 2 * HOUR, { ...limits, messageDays: 0.1 }).look().held)
  t.notOk(machine(NOW, NOW + HOUR, { ...limits, messageDays: 0.1 }).look().held)
})
