/** What may be on its way from who judges to who writes. */
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { createObservationWindow } from '#core/workers/observation-window.js'

t.test('who sends waits while more are under way than may be', async (t) => {
  const window = createObservationWindow(10)
  await window.sent(4)
  await window.sent(6)
  let isThrough = false
  const waiting = window.sent(5).then(() => {
    isThrough = true
  })
  await setImmediate()
  t.notOk(isThrough)
  window.taken(4)
  await setImmediate()
  t.notOk(isThrough, '11 are still under way')
  window.taken(6)
  await waiting
  t.ok(isThrough)
})

t.test('one batch of more than may be is sent, and waited for', async (t) => {
  const window = createObservationWindow(10)
  let isThrough = false
  const waiting = window.sent(25).then(() => {
    isThrough = true
  })
  window.taken(15)
  await waiting
  t.ok(isThrough)
  window.taken(10)
  await window.sent(10)
})
