// IPFIX over TCP and TLS with real sockets; `openssl` makes the certificates and is the client of TLS.
import { once } from 'node:events'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { createTimeoutMeter } from '#collectors/exporter-watch.js'
import { createIpfixSessions } from '#collectors/ipfix-sessions.js'
import { streamStatus } from '#collectors/status.js'
import { IpfixFramer } from '#collectors/stream/ipfix-framing.js'
import { createIpfixListener, type IpfixListenerOptions } from '#collectors/stream/ipfix-tcp.js'
import { readTls } from '#collectors/stream/tls-files.js'
import { concatenate } from '#simulate/encode/bytes.js'
import { data, ipfix, ipfixTemplate, record, simple } from '../netflow/datagrams.js'
import { createProbe } from '../netflow/probe.js'
import { closed, makeAuthority, noOpenssl, open, sendWithOpenssl, until } from './peers.js'

const TCP = 1
const TLS = 2

t.test('messages come whole out of any chunks', async (t) => {
  const messages = [1, 2, 3].map((last) => ipfix([ipfixTemplate(256, simple), data(256, record(last))]))
  messages.push(ipfix([]), ipfix([data(256, new Uint8Array(65_000))]))
  const stream = concatenate(messages)
  const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 70_000 })), {
    minLength: 1,
    maxLength: 60,
  })
  fc.assert(
    fc.property(cuts, (sizes) => {
      const found: string[] = []
      const framer = new IpfixFramer((octets) => found.push(Buffer.from(octets).toString('hex')))
      let at = 0
      for (let index = 0; at < stream.length; index++) {
        const step = sizes[index % sizes.length]!
        if (framer.push(stream.subarray(at, at + step)) !== undefined) throw new Error('a fault')
        at += step
      }
      const wanted = messages.map((message) => Buffer.from(message).toString('hex'))
      if (found.join() !== wanted.join()) throw new Error('other messages')
      if (framer.pending !== 0) throw new Error('octets are left')
    }),
    { numRuns: 200 },
  )
  const faults = (...chunks: number[][]) => {
    const framer = new IpfixFramer(() => {})
    return chunks.map((chunk) => framer.push(Uint8Array.from(chunk))).find((fault) => fault !== undefined)
  }
  t.equal(faults([0, 9]), 'badVersion')
  t.equal(faults([0x16, 3, 1]), 'badVersion')
  t.equal(faults([0], [11]), 'badVersion')
  t.equal(faults([0, 10, 0], [15]), 'badLength')
  t.equal(faults([0, 10, 0, 15]), 'badLength')
  t.equal(faults([0, 10, 0, 16], new Array(12).fill(0), [0, 5]), 'badVersion', 'behind a whole message too')
})

async function listen(options: Partial<IpfixListenerOptions> = {}) {
  const probe = createProbe()
  let at = 1_780_315_200_000
  const transport = options.tls === undefined ? TCP : TLS
  const sessions = createIpfixSessions(
    probe.decoder,
    () => at++,
    () => {},
  )
  const made = createIpfixListener({
    host: '127.0.0.1',
    port: 0,
    open: (address) => sessions.open(address, 4739, transport),
    ...options,
  })
  const port = await made.start()
  const status = () => {
    const [exporter] = [...sessions.exporters.values()]
    return streamStatus(probe.decoder, exporter!, createTimeoutMeter(), at)
  }
  return { made, port, probe, sessions, status }
}

const withTemplate = (last: number) => ipfix([ipfixTemplate(256, simple), data(256, record(last))])
const without = (last: number) => ipfix([data(256, record(last))])

t.test('templates live as long as their connection (RFC 7011 section 8)', async (t) => {
  const { made, port, probe, status } = await listen()
  const first = await open(port)
  first.write(withTemplate(1).subarray(0, 30))
  await new Promise((resolve) => setTimeout(resolve, 20))
  first.write(concatenate([withTemplate(1).subarray(30), without(2)]))
  await until('two flows', () => probe.flows.length === 2)
  t.match(status(), {
    id: '127.0.0.1_4739_tcp',
    transport: 'tcp',
    connections: 1,
    datagrams: 2,
    records: 2,
    observationDomains: [{ observationDomainId: 1, templates: [{ templateId: 256 }] }],
  })

  const second = await open(port)
  second.write(without(3))
  await until('a set that waits', () => status().observationDomains.some(({ held }) => held.length === 1))
  t.equal(probe.flows.length, 2, "another connection's templates are not its own")
  first.write(ipfix([{ setId: 2, body: Uint8Array.of(1, 0, 0, 0) }, data(256, record(4))]))
  await until(
    'the withdrawal',
    () => status().observationDomains.filter(({ held }) => held.length).length === 2,
  )
  t.equal(probe.flows.length, 2, 'a withdrawn template decodes nothing')
  first.end()
  second.end()
  await until('both are closed', () => made.counts.closed === 2)
  t.same(probe.reasons(), ['template-unknown', 'template-unknown'], 'what waited is told as lost')
  t.match(status(), { connections: 0, datagrams: 4, records: 2, observationDomains: [] })
  t.equal(probe.decoder.store.exporters.length, 0)

  const third = await open(port)
  third.write(without(5))
  await until('a message', () => status().datagrams === 5)
  t.equal(probe.flows.length, 2, 'a new connection begins without templates')
  third.end(withTemplate(6))
  await until('replayed', () => probe.flows.length === 4)
  await made.close()
})

t.test('peers that are slow, idle, broken or too many are closed and counted', async (t) => {
  const closedBy = async (port: number, octets: Uint8Array | string) => {
    const socket = await open(port)
    socket.write(octets)
    await closed(socket)
  }
  const { made, port, probe } = await listen({ idleTimeoutMilliseconds: 300, messageTimeoutMilliseconds: 60 })
  await closedBy(port, 'GET / HTTP/1.1\r\n\r\n')
  t.equal(made.counts.badVersion, 1)
  t.equal(made.counts.truncated, 0, 'what is broken is not told as cut too')
  await closedBy(port, Uint8Array.of(0, 10, 0, 4, 0, 0, 0, 0))
  t.equal(made.counts.badLength, 1)
  // One octet now and then would keep a socket busy for ever; the message as a whole has its time.
  const slow = await open(port)
  const message = withTemplate(1)
  let sent = 0
  const timer = setInterval(() => slow.write(message.subarray(sent, ++sent)), 10)
  await closed(slow)
  clearInterval(timer)
  t.equal(made.counts.slow, 1)
  const idle = await open(port)
  await closed(idle)
  t.equal(made.counts.idle, 1)
  const cut = await open(port)
  cut.end(message.subarray(0, 20))
  await closed(cut)
  await until('told', () => made.counts.truncated >= 1)
  t.equal(probe.flows.length, 0)
  await made.close()

  const few = await listen({ maxConnections: 3, maxConnectionsPerAddress: 2 })
  const held = [await open(few.port), await open(few.port)]
  await closedBy(few.port, '')
  t.equal(few.made.counts.tooManyFromAddress, 1)
  held[0]!.destroy()
  await until('one left', () => few.made.counts.closed === 1)
  const again = await open(few.port)
  again.write(withTemplate(1))
  await until('its flow', () => few.probe.flows.length === 1)
  await few.made.close()
})

t.test('what was received may wait for the disk before more is read', async (t) => {
  let waits = 0
  const { made, port, probe } = await listen({
    drained: async () => {
      waits++
      await new Promise((resolve) => setTimeout(resolve, 10))
    },
  })
  const socket = await open(port)
  const big = ipfix([data(256, new Uint8Array(63_000))])
  for (let index = 0; index < 150; index++) socket.write(big)
  socket.write(withTemplate(9))
  await until('the last', () => probe.flows.some((flow) => flow['sourceAddress'] === '10.0.0.9'))
  t.ok(waits > 0, `${waits} times`)
  await made.close()
})

t.test('TLS, with openssl as the device', { skip: noOpenssl }, async (t) => {
  const folder = t.testdir()
  const authority = makeAuthority(folder)
  authority.sign('collector')
  authority.sign('device', 'DNS:edge1.example.net')
  makeAuthority(folder, 'strangers').sign('stranger', 'DNS:edge1.example.net')
  const collector = authority.settingsOf('collector')
  const send = (port: number, args: string[], octets: Uint8Array) =>
    sendWithOpenssl(folder, port, args, octets)

  const plain = await listen({ tls: await readTls(collector) })
  for (const [index, version] of ['-tls1_2', '-tls1_3'].entries()) {
    const child = send(plain.port, [version, '-verify_return_error'], withTemplate(index + 1))
    await until(`a flow over ${version}`, () => plain.probe.flows.length === index + 1)
    child.kill()
  }
  t.match(plain.status(), { id: '127.0.0.1_4739_tls', transport: 'tls', records: 2 })
  const old = send(plain.port, ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], withTemplate(3))
  await once(old, 'exit')
  const raw = await open(plain.port)
  raw.write(withTemplate(3))
  await closed(raw)
  await until('no handshake', () => plain.made.counts.handshakeFailed >= 1)
  t.equal(plain.probe.flows.length, 2, 'nothing without TLS 1.2')
  await plain.made.close()

  const mutual = await listen({
    tls: await readTls({ ...collector, clientCa: join(folder, 'authority.pem') }),
  })
  const known = send(mutual.port, ['-cert', 'device.pem', '-key', 'device.key'], withTemplate(1))
  await until('a flow of the known device', () => mutual.probe.flows.length === 1)
  known.kill()
  for (const args of [[], ['-cert', 'stranger.pem', '-key', 'stranger.key']]) {
    const child = send(mutual.port, args, withTemplate(2))
    await once(child, 'exit')
  }
  await until('both are refused', () => mutual.made.counts.peerNotTrusted === 1)
  t.equal(mutual.made.counts.peerWithoutCertificate, 1)
  t.equal(mutual.probe.flows.length, 1)
  await mutual.made.close()

  const named = await listen({
    tls: await readTls({
      ...collector,
      clientCa: join(folder, 'authority.pem'),
      peers: ['edge1.example.net'],
    }),
  })
  const other = send(named.port, ['-cert', 'collector.pem', '-key', 'collector.key'], withTemplate(1))
  await once(other, 'exit')
  const listed = send(named.port, ['-cert', 'device.pem', '-key', 'device.key'], withTemplate(2))
  await until('a flow of the listed device', () => named.probe.flows.length === 1)
  listed.kill()
  t.equal(named.made.counts.peerNotAllowed, 1, 'signed, but by another name')
  await named.made.close()

  const silent = await listen({ tls: await readTls(collector), handshakeTimeoutMilliseconds: 50 })
  const half = await open(silent.port)
  await closed(half)
  t.equal(silent.made.counts.handshakeTimeout, 1, 'a handshake that does not come ends too')
  await silent.made.close()
})
