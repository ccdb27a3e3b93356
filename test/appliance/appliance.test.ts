/** The whole appliance: real sockets, threads, databases and HTTP on loopback, stopped, killed and started again. */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { createNetflowV9Encoder } from '#simulate/encode/netflow-v9.js'
import type { DataRecord, Template } from '#simulate/encode/packer.js'
import { createSflowEncoder, interfaceCounters } from '#simulate/encode/sflow.js'
import { command, plainNode } from '../support/project.js'
import {
  eventually,
  freePort,
  getJson,
  spawnAppliance,
  startAppliance,
  stopAppliance,
} from '../support/running.js'

function send(port: number, payloads: readonly Uint8Array[], from = '127.0.0.1'): Promise<void> {
  const socket = createSocket('udp4')
  return new Promise((resolve, reject) => {
    socket.bind(0, from, async () => {
      try {
        for (const payload of payloads)
          await new Promise<void>((done, fail) =>
            socket.send(payload, port, '127.0.0.1', (error) => (error ? fail(error) : done())),
          )
        resolve()
      } catch (error) {
        reject(error)
      } finally {
        socket.close()
      }
    })
  })
}

const template: Template = {
  templateId: 300,
  fields: [8, 12, 1, 2, 21, 22]
    .map((elementId) => ({ elementId, length: 4 }))
    .concat(
      [7, 11].map((elementId) => ({ elementId, length: 2 })),
      [{ elementId: 4, length: 1 }],
    ),
}

const record = (index: number, upTime: number): DataRecord => ({
  templateId: 300,
  values: [
    `10.1.${index >> 8}.${index & 255}`,
    '192.0.2.9',
    840 + index,
    10,
    upTime - 1000,
    upTime - 11_000,
    40_000 + index,
    443,
    6,
  ],
})

t.test('what was received, found and decided is there after a stop and a start', async (t) => {
  const folder = t.testdir()
  const [netflow, syslog] = [await freePort(), await freePort()]
  let appliance = await startAppliance({ folder, netflow, syslog })
  t.teardown(() => stopAppliance(appliance, 'SIGKILL'))
  t.equal((await stat(join(folder, 'data', 'token'))).mode & 0o777, 0o600, 'the token is for its owner alone')
  t.ok(
    appliance.report.sockets.find(({ transport, port }) => transport === 'udp' && port === netflow)
      ?.bufferGranted,
    'the granted buffer is told',
  )

  const encoder = createNetflowV9Encoder({
    observationDomainId: 7,
    templates: [template],
    systemInitTimeMilliseconds: Date.now() - 60_000,
  })
  const records = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => record(from + index, 60_000))
  await send(netflow, encoder.encode(records(0, 20), Date.now()))
  await send(syslog, [
    Buffer.from(
      '<134>Jan  5 10:00:00 fw1 %ASA-4-106023: Deny tcp src inside:10.1.1.1/1025 dst outside:192.0.2.1/23 by access-group "acl" [0x0, 0x0]\n',
    ),
    Buffer.from('<13>1 2026-01-05T10:00:00Z host app 1 - - hello'),
  ])
  const tcp = connect(syslog, '127.0.0.1')
  await once(tcp, 'connect')
  tcp.end('48 <13>1 2026-01-05T10:00:00Z host app 1 - - framed\n')
  await eventually(
    '20 flows and one denied connection',
    async () => (await getJson(appliance, 'flows?limit=100')).items.length === 21,
  )
  const [exporter] = (await getJson(appliance, `exporters`)).items.filter(
    ({ kind }: { kind: string }) => kind === 'netflow',
  )
  t.match(exporter, {
    protocolVersions: [9],
    observationDomains: [{ observationDomainId: 7, templates: [{ templateId: 300, fieldCount: 9 }] }],
  })
  const agent = createSflowEncoder({
    agentAddress: Uint8Array.of(10, 0, 0, 9),
    bootMilliseconds: Date.now() - 60_000,
  })
  const counters = interfaceCounters({
    ifIndex: 3,
    ifSpeed: 1e10,
    ifInOctets: 5,
    ifInUcastPkts: 1,
    ifOutOctets: 6,
    ifOutUcastPkts: 1,
  })
  await send(netflow, agent.encode([{ kind: 'counters', sourceIndex: 3, records: [counters] }], Date.now()))
  const switched = await eventually('the counters of an interface', async () => {
    const { items } = await getJson(appliance, 'exporters')
    const found = items.find(({ kind }: { kind: string }) => kind === 'sflow')
    return found === undefined ? undefined : getJson(appliance, `exporters/${found.id}`)
  })
  t.match(switched.observationDomains, [
    { sflow: { agentAddress: '10.0.0.9', interfaces: [{ ifIndex: 3, counters: { ifInOctets: 5 } }] } },
  ])
  const messages = await eventually('two messages', async () => {
    const { items } = await getJson(appliance, 'flows?stream=message')
    return items.length === 2 && items
  })
  t.same(
    new Set(messages.map(({ protocolVersion }: { protocolVersion: string }) => protocolVersion)),
    new Set(['syslog']),
  )

  const created = await fetch(`${appliance.url}/api/v1/exceptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${appliance.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      match: { detector: 'icmp-tunnel', sourceAddresses: ['10.1.1.1'] },
      effect: { kind: 'hide' },
      owner: 'noc',
      reason: 'monitoring',
      neverExpires: true,
    }),
  })
  const exception = (await created.json()) as { id?: string; message?: string; details?: unknown }
  t.equal(created.status, 201, JSON.stringify(exception))
  t.equal(await stopAppliance(appliance), 0, 'it ends by itself when it is told to')

  appliance = await startAppliance({ folder, netflow, syslog })
  t.equal(appliance.report.restoredTemplates, 1)
  t.equal(appliance.report.lostRows, 0)
  t.equal(
    (await readFile(join(folder, 'data', 'token'), 'utf8')).trim(),
    appliance.token,
    'no second first-start token',
  )
  // A data set alone, as the device would go on: the template is known from before.
  const onlyData = createNetflowV9Encoder({
    observationDomainId: 7,
    templates: [template],
    systemInitTimeMilliseconds: Date.now() - 60_000,
    templateRefreshDatagrams: 1000,
  })
  onlyData.encode(records(0, 1), Date.now())
  await send(netflow, onlyData.encode(records(20, 5), Date.now()))
  const { items } = await eventually('25 flows and the denied connection', async () => {
    const page = await getJson(appliance, 'flows?limit=100')
    return page.items.length === 26 && page
  })
  t.equal(items[0].octets, 864, 'the newest first')
  t.same(
    (await getJson(appliance, 'exceptions')).items.map(({ id }: { id: string }) => id),
    [exception.id],
  )
  t.ok((await getJson(appliance, 'runs')).items.length > 0)
  t.equal((await getJson(appliance, 'health')).status, 'ok')
})

t.test('a killed process loses at most the second before', async (t) => {
  const folder = t.testdir()
  const [netflow, syslog] = [await freePort(), await freePort()]
  let appliance = await startAppliance({ folder, netflow, syslog })
  t.teardown(() => stopAppliance(appliance, 'SIGKILL'))
  const encoder = createNetflowV9Encoder({
    observationDomainId: 1,
    templates: [template],
    systemInitTimeMilliseconds: Date.now() - 60_000,
  })
  await send(
    netflow,
    encoder.encode(
      Array.from({ length: 100 }, (_, index) => record(index, 60_000)),
      Date.now(),
    ),
  )
  await new Promise((resolve) => setTimeout(resolve, 2100))
  await stopAppliance(appliance, 'SIGKILL')
  appliance = await startAppliance({ folder, netflow, syslog })
  t.equal((await getJson(appliance, 'flows?limit=1000')).items.length, 100)
  t.equal(appliance.report.restoredTemplates, 1)
})

t.test('a second process on the same folder is refused and says so', async (t) => {
  const folder = t.testdir()
  const appliance = await startAppliance({ folder, netflow: await freePort(), syslog: await freePort() })
  t.teardown(() => stopAppliance(appliance, 'SIGKILL'))
  const second = spawn('env', [...plainNode, command, 'detect', '--data', join(folder, 'data')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  second.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [code] = await once(second, 'exit')
  t.equal(code, 1)
  t.match(
    said,
    /another process has the documents database open\n {2}Culvert or one of its commands uses that folder: ask a running one by its API/,
  )
})

t.test('Ctrl-C that comes twice, as npm passes it on, ends in order', async (t) => {
  const folder = t.testdir()
  const [netflow, syslog] = [await freePort(), await freePort()]
  const appliance = await startAppliance({ folder, netflow, syslog })
  t.teardown(() => stopAppliance(appliance, 'SIGKILL'))
  await send(syslog, [Buffer.from('<13>1 2026-01-05T10:00:00Z host app 1 - - just before the end')])
  const exited = once(appliance.child, 'exit')
  appliance.child.kill('SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 5))
  appliance.child.kill('SIGINT')
  t.same(await exited, [0, null])
  const again = await startAppliance({ folder, netflow, syslog })
  t.teardown(() => stopAppliance(again, 'SIGKILL'))
  const { items } = await getJson(again, 'flows?stream=message')
  t.match(JSON.stringify(items), /just before the end/, 'what came before it is stored')
  t.equal(await stopAppliance(again), 0)
})

t.test('a signal while it starts ends it in order', async (t) => {
  const folder = t.testdir()
  const ports = { netflow: await freePort(), syslog: await freePort() }
  const { child } = await spawnAppliance({ folder, ...ports })
  t.teardown(() => child.kill('SIGKILL'))
  await eventually('a store', async () => existsSync(join(folder, 'data', 'blocks')))
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  t.same(await exited, [0, null])
  const appliance = await startAppliance({ folder, ...ports })
  t.teardown(() => stopAppliance(appliance, 'SIGKILL'))
  t.equal(appliance.report.lostRows, 0)
})
