/** Checks of `/health` that no other suite brings about. */
import t from 'tap'
import { healthOf } from '../support/health.js'

t.test('a receiving thread that hangs is told, and that it goes on', async (t) => {
  let quiet = 1000
  const socket = { name: 'netflow', transport: 'udp', port: 2055, ok: true, isOptional: false }
  const sockets = [{ ...socket, receive: 'dgram', bufferAsked: 100, bufferGranted: 50 }]
  const health = healthOf({ sockets, receiversQuiet: () => quiet })
  const udp = () => health.report().checks.find(({ name }) => name === 'UDP')
  t.match(udp(), { status: 'ok', text: 'by dgram in 1 thread, 50 octets' })
  quiet = 31_000
  t.match(udp(), { status: 'failing', text: 'has not told its state for 31 s' })
  t.equal(health.report().status, 'failing')
  quiet = 0
  t.match(udp(), { status: 'ok' })
})

t.test('a clock that is not believed is told', async (t) => {
  const untilMilliseconds = Date.UTC(2027, 0, 2)
  const held = { aheadMilliseconds: 48 * 3_600_000, untilMilliseconds }
  const { checks } = healthOf({ age: () => ({ nowMilliseconds: 0, timeMilliseconds: 0, held }) }).report()
  const clock = checks.find(({ name }) => name === 'clock')
  t.match(clock, { status: 'degraded', text: /48 h ahead .* until 2027-01-02T00:00:00.000Z/ })
  t.notOk(
    healthOf({})
      .report()
      .checks.some(({ name }) => name === 'clock'),
  )
})

t.test('drops in the kernel are a fault for an hour, and told for longer', async (t) => {
  const NOW = Date.UTC(2026, 0, 5)
  let time = NOW
  const counts = () => ({ kernelDrops: { 2055: 3, 514: 4 }, lastKernelDropMilliseconds: NOW }) as never
  const health = healthOf({ counts, now: () => time })
  const drops = () => health.report().checks.find(({ name }) => name === 'kernel drops')
  const text = /^7 datagrams were lost in our kernel since the start, the last at 2026-01-05T00:00:00.000Z/
  t.match(drops(), { status: 'degraded', text })
  time += 3_600_001
  t.match(drops(), { status: 'ok', text })
  t.match(healthOf({}).report().checks[0], { name: 'kernel drops', status: 'ok', text: /^no datagram/ })
})
