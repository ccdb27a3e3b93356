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
