/** The whole appliance with several receiving threads: nothing is lost or counted twice, over a restart too. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t from 'tap'
import { loadLibc } from '#collectors/datagram/libc.js'
import { steeringRefusal } from '#collectors/datagram/linux-socket.js'
import { workerOf } from '#collectors/datagram/steering.js'
import { parseAddress } from '#core/records/address.js'
import { data, ipfix, ipfixTemplate, record, simple } from '../collectors/netflow/datagrams.js'
import { freePort, reported, startListening } from '../support/running.js'

const libc = loadLibc()
const skip = typeof libc === 'string' ? libc : (steeringRefusal(libc) ?? false)
const devices = Array.from({ length: 16 }, (_, index) => `127.0.0.${index + 10}`)
const RECORDS = 3
/** Of this second: another clock would be noted, in a row. */
const packet = (set: Parameters<typeof ipfix>[0][number]) =>
  ipfix([set], { seconds: Math.floor(Date.now() / 1000) })

/** Sends from a new source port. */
async function send(from: string, port: number, octets: Uint8Array): Promise<void> {
  const socket = createSocket('udp4')
  socket.bind(0, from)
  await once(socket, 'listening')
  await new Promise<void>((resolve) => socket.send(octets, port, '127.0.0.1', () => resolve()))
  socket.close()
}

async function start(folder: string, listen: object) {
  const running = await reported(folder, await startListening(folder, listen))
  const get = async (path: string) => {
    const headers = { authorization: `Bearer ${running.token}` }
    return (await fetch(running.url + path, { headers })).text()
  }
  return { ...running, get }
}

async function untilMetric(get: (path: string) => Promise<string>, name: string, value: number) {
  let metrics = ''
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    metrics = await get('/metrics')
    if (metrics.includes(`${name} ${value}\n`)) return metrics
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`no ${name} ${value} in ${metrics.match(new RegExp(`^${name} .*`, 'm'))}`)
}

type Exporter = {
  address: string
  datagrams: number
  records: number
  undecoded: object
  observationDomains: { templates: unknown[]; held: unknown[] }[]
}

t.test('two threads share a port by exporter', { skip }, async (t) => {
  const folder = t.testdir()
  const [flows, lines] = [await freePort(), await freePort()]
  const listen = { netflowPorts: [flows], syslogPorts: [lines], workers: 2 }
  const shares = [0, 1].map(
    (worker) => devices.filter((address) => workerOf(parseAddress(address)!, 2) === worker).length,
  )
  t.ok(Math.min(...shares) > 0, 'both have some')

  const first = await start(folder, listen)
  t.teardown(() => first.child.kill('SIGKILL'))
  t.match(first.report, { receivers: 2, restoredTemplates: 0 })
  t.same(
    first.report.sockets.map(({ transport, port }) => `${transport} ${port}`).sort(),
    [`tcp ${lines}`, `udp ${flows}`, `udp ${lines}`].sort(),
    'a port is told once',
  )
  const records = Array.from({ length: RECORDS }, (_, index) => record(index + 1))
  for (const address of devices) await send(address, flows, packet(ipfixTemplate(256, simple)))
  for (const address of devices) await send(address, flows, packet(data(256, ...records)))
  for (const address of devices) await send(address, lines, Buffer.from('<13>host app: a line'))
  const rows = devices.length * (RECORDS + 1)
  const metrics = await untilMetric(first.get, 'culvert_stored_rows_total', rows)
  t.match(metrics, new RegExp(`^culvert_received_datagrams_total ${devices.length * 3}$`, 'm'))
  t.match(metrics, new RegExp(`^culvert_exporters ${devices.length * 2}$`, 'm'))
  t.match(metrics, new RegExp(`^culvert_kernel_drops_total\\{port="${flows}"\\} 0$`, 'm'))
  const { items } = JSON.parse(await first.get('/api/v1/exporters?limit=1000')) as { items: Exporter[] }
  const exporting = items.filter(({ records: count }) => count === RECORDS)
  t.same(exporting.map(({ address }) => address).sort(), [...devices].sort())
  for (const one of exporting) {
    t.match(one, { datagrams: 2, undecoded: {}, kernelDrops: 0 })
    t.match(one.observationDomains, [{ templates: [{ templateId: 256 }], held: [] }])
  }
  t.equal(items.length, devices.length * 2)
  const one = JSON.parse(await first.get(`/api/v1/exporters/${devices[3]}_${flows}`)) as Exporter
  t.match(one, { address: devices[3], records: RECORDS })
  t.match(JSON.parse(await first.get('/api/v1/exporters/192.0.2.1_1')), { code: 'NOT_FOUND' })
  const { checks } = JSON.parse(await first.get('/api/v1/health')) as { checks: object[] }
  t.match(
    checks.find((check) => 'name' in check && check.name === 'UDP'),
    { text: /^by recvmmsg in 2 threads, / },
  )
  first.child.kill('SIGTERM')
  t.same(await once(first.child, 'exit'), [0, null])
  t.notMatch(first.log(), /one thread receives/)

  for (const workers of [2, 3, 1]) {
    const again = await start(folder, { ...listen, workers })
    t.teardown(() => again.child.kill('SIGKILL'))
    t.match(again.report, { receivers: workers, restoredTemplates: devices.length })
    for (const address of devices) await send(address, flows, packet(data(256, ...records)))
    await untilMetric(again.get, 'culvert_stored_rows_total', devices.length * RECORDS)
    again.child.kill('SIGTERM')
    t.same(await once(again.child, 'exit'), [0, null], `the first datagram decodes, with ${workers}`)
  }
})

t.test('where threads cannot share a port, one receives and that is told', async (t) => {
  const port = await freePort()
  const { child, report, log } = await start(t.testdir(), {
    netflowPorts: [port],
    workers: 2,
    receive: 'dgram',
  })
  t.teardown(() => child.kill('SIGKILL'))
  t.equal(report.receivers, 1)
  t.match(log(), /one thread receives instead of 2: listen\.receive asks for dgram/)
  child.kill('SIGTERM')
  t.same(await once(child, 'exit'), [0, null])
})
