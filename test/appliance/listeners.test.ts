/** The listeners of the whole appliance: syslog and IPFIX over TLS from openssl, what is told of them, faults at the start. */
import { once } from 'node:events'
import { readFile, rename } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { concatenate } from '#simulate/encode/bytes.js'
import { data, ipfix, ipfixTemplate, record, simple } from '../collectors/netflow/datagrams.js'
import { makeAuthority, noOpenssl, sendWithOpenssl } from '../collectors/stream/peers.js'
import { eventually, startListening } from '../support/running.js'

async function freeTcpPort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

t.test('syslog and IPFIX over TLS, as openssl s_client sends them', { skip: noOpenssl }, async (t) => {
  const folder = t.testdir()
  const authority = makeAuthority(folder)
  authority.sign('collector')
  authority.sign('renewed')
  authority.sign('device', 'DNS:fw1.example.net')
  authority.sign('other', 'DNS:fw2.example.net')
  const [syslog, flows] = [await freeTcpPort(), await freeTcpPort()]
  const tls = {
    ...authority.settingsOf('collector'),
    clientCa: join(folder, 'authority.pem'),
    peers: ['fw1.example.net'],
  }
  const { child, text, log } = await startListening(folder, {
    syslogTlsPorts: [syslog],
    ipfixTlsPorts: [flows],
    tls,
  })
  t.teardown(() => child.kill('SIGKILL'))
  const report = JSON.parse(text) as { api: { port: number }; sockets: object[] }
  t.match(report.sockets, [
    { name: 'ipfix', transport: 'tls', port: flows, ok: true },
    { name: 'syslog', transport: 'tls', port: syslog, ok: true },
  ])
  const token = (await readFile(join(folder, 'data', 'token'), 'utf8')).trim()
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${report.api.port}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return answer.text()
  }
  const items = async (path: string) =>
    (JSON.parse(await get(path)) as { items: Record<string, unknown>[] }).items

  const asDevice = ['-cert', 'device.pem', '-key', 'device.key', '-verify_return_error']
  const lines = sendWithOpenssl(
    folder,
    syslog,
    asDevice,
    '<13>host app: one\n21 <13>host app: a\nline\n<13>host app: three\n',
  )
  const messages = await eventually('three messages', async () => {
    const found = await items('/api/v1/flows?stream=message')
    return found.length === 3 && found
  })
  t.same(
    new Set(messages.map(({ message }) => message)),
    new Set(['<13>host app: one', '<13>host app: a\nline', '<13>host app: three']),
  )
  const octets = concatenate([ipfix([ipfixTemplate(256, simple), data(256, record(1))])])
  const exporting = sendWithOpenssl(folder, flows, asDevice, octets)
  await eventually('a flow', async () => (await items('/api/v1/flows')).length === 1)
  const exporters = await items('/api/v1/exporters')
  t.match(
    new Set(exporters.map(({ kind, transport }) => `${kind} ${transport}`)),
    new Set(['syslog tls', 'netflow tls']),
  )

  const refused = sendWithOpenssl(folder, syslog, ['-cert', 'other.pem', '-key', 'other.key'], '<13>no\n')
  await once(refused, 'exit')
  await eventually('the count', async () =>
    (await get('/metrics')).includes('culvert_syslog_tcp_total{reason="peerNotAllowed"} 1'),
  )
  t.match(await get('/metrics'), /culvert_ipfix_stream_total\{reason="accepted"\} 1/)
  const health = JSON.parse(await get('/api/v1/health'))
  t.match(health.details.received, {
    tcp: { accepted: 1, peerNotAllowed: 1, handshakeTimeout: 0, tooManyFromAddress: 0 },
    refusedPeers: [{ address: '127.0.0.1', listenerPort: syslog, reason: 'peerNotAllowed', count: 1 }],
  })
  t.match(health.details.received.refusedPeers[0].description, /CN=other, DNS:fw2\.example\.net; sha-256:/)
  t.match(log(), /127\.0\.0\.1 was refused on TLS port \d+: peerNotAllowed \(CN=other/)

  for (const suffix of ['pem', 'key'])
    await rename(join(folder, `renewed.${suffix}`), join(folder, `collector.${suffix}`))
  await eventually('the renewal', () => log().includes('in use for new connections, valid until'))
  lines.stdin?.write('<13>host app: the old connection goes on\n')
  const young = sendWithOpenssl(folder, syslog, asDevice, '<13>host app: a new one\n')
  await eventually('both', async () => (await items('/api/v1/flows?stream=message')).length === 5)
  for (const device of [lines, exporting, young]) device.kill()
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  t.equal(code, 0)
})

t.test('a certificate that cannot be used ends the start before anything is opened', async (t) => {
  const folder = t.testdir({ 'a.pem': 'nothing' })
  const tls = { certificate: join(folder, 'a.pem'), key: join(folder, 'b.pem') }
  const { child, text, log } = await startListening(folder, { syslogTlsPorts: [await freeTcpPort()], tls })
  if (child.exitCode === null) await once(child, 'exit')
  t.equal(child.exitCode, 1)
  t.equal(text, '')
  t.match(log(), /^culvert: listen\.tls\.key: .*b\.pem cannot be read: there is no such file/m)
})
