// Syslog over TCP and TLS with real sockets; `openssl` makes the certificates and is a device too.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import t from 'tap'
import type { RefusedPeer } from '#collectors/stream/listener.js'
import { createSyslogListener, type SyslogListenerOptions } from '#collectors/stream/syslog-tcp.js'
import { readTls } from '#collectors/stream/tls-files.js'
import { closed, makeAuthority, noOpenssl, open, sendWithOpenssl, until } from './peers.js'

async function listen(options: Partial<SyslogListenerOptions> = {}) {
  const received: string[] = []
  const refused: RefusedPeer[] = []
  const made = createSyslogListener({
    host: '127.0.0.1',
    port: 0,
    onFrame: (address, octets, start, end) => {
      received.push(`${address} ${Buffer.from(octets.subarray(start, end)).toString('latin1')}`)
    },
    onRefused: (peer) => refused.push(peer),
    ...options,
  })
  const port = await made.start()
  const lines = () => received.map((text) => text.slice(text.indexOf(' ') + 1))
  return { made, port, received, refused, lines }
}

/** Streams of one connection, and the messages in them. */
const streams: readonly (readonly [string, string, readonly string[]])[] = [
  ['octet counting', '4 <1>a6 <2>b\nc', ['<1>a', '<2>b\nc']],
  ['LF', '<1>a\n<2>b\n', ['<1>a', '<2>b']],
  ['CRLF', '<1>a\r\n<2>b\r\n', ['<1>a', '<2>b']],
  ['NUL', '<1>a\0<2>b\0', ['<1>a', '<2>b']],
  ['all of them', '<1>a\r\n4 <2>b<3>c\0<4>d\n0004 <5>e', ['<1>a', '<2>b', '<3>c', '<4>d', '<5>e']],
  ['a last line without its end', '<1>a\n<2>b', ['<1>a', '<2>b']],
  ['text that begins with digits', '1780315200 a\n7 b\n', ['1780315200 a', '7 b']],
]

t.test('messages arrive with the address of their peer, whichever way they are framed', async (t) => {
  for (const [title, stream, expected] of streams) {
    const { made, port, received } = await listen()
    const socket = await open(port)
    socket.end(stream)
    await until(title, () => made.counts.closed === 1)
    t.same(
      received,
      expected.map((message) => `127.0.0.1 ${message}`),
      title,
    )
    t.match(made.counts, { accepted: 1, truncated: 0, badCount: 0, oversized: 0 })
    await made.close()
  }
})

t.test('peers that are slow, silent, broken or too many are closed and counted', async (t) => {
  const { made, port, lines } = await listen({ idleTimeoutMilliseconds: 400, messageTimeoutMilliseconds: 80 })
  const silent = await open(port)
  const broken = await open(port)
  broken.write('999999999 <1>a')
  await closed(broken)
  t.equal(made.counts.badCount, 1)
  const cut = await open(port)
  cut.end('500 <1>a')
  await closed(cut)
  await until('told', () => made.counts.truncated === 1)

  // An octet now and then keeps a socket busy; the message as a whole has its time.
  const slowly = [
    ['<1>never', 'x'],
    ['7', '7'],
    ['600 <1>counted', 'x'],
  ] as const
  for (const [index, [begin, then]] of slowly.entries()) {
    const slow = await open(port)
    slow.write(begin)
    const timer = setInterval(() => slow.write(then), 10)
    await closed(slow)
    clearInterval(timer)
    t.equal(made.counts.slow, index + 1, begin)
  }
  t.match(lines()[0], /^<1>never/, 'what a line had is kept')
  await closed(silent)
  t.equal(made.counts.idle, 1)
  await made.close()

  const few = await listen({ maxConnections: 3, maxConnectionsPerAddress: 2 })
  const held = [await open(few.port), await open(few.port)]
  await closed(await open(few.port))
  t.equal(few.made.counts.tooManyFromAddress, 1)
  const another = await open(few.port, '127.0.0.2')
  another.write('<1>from another\n')
  await until('another address has room', () => few.received.length === 1)
  await closed(await open(few.port, '127.0.0.3'))
  t.equal(few.made.counts.tooManyConnections, 1)
  held[0]!.destroy()
  await until('one left', () => few.made.counts.closed === 1)
  const again = await open(few.port)
  again.write('<1>again\n')
  await until('its message', () => few.received.length === 2)
  t.same(few.received, ['127.0.0.2 <1>from another', '127.0.0.1 <1>again'])
  await few.made.close()
})

t.test('a peer that waits for our disk is neither idle nor slow', async (t) => {
  let goOn = () => {}
  const { made, port, lines } = await listen({
    idleTimeoutMilliseconds: 60,
    messageTimeoutMilliseconds: 60,
    drained: () =>
      new Promise((resolve) => {
        goOn = resolve
      }),
  })
  const socket = await open(port)
  socket.write('x'.repeat(6 * 1024 * 1024))
  socket.write('\n<1>the last\n')
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.match(made.counts, { idle: 0, slow: 0, closed: 0 })
  goOn()
  await until('the last', () => lines().includes('<1>the last'))
  await made.close()
})

t.test('a port in use is an error of start, and closing twice is none', async (t) => {
  const { made, port } = await listen()
  const other = createSyslogListener({ host: '127.0.0.1', port, onFrame: () => {} })
  await t.rejects(other.start(), { code: 'EADDRINUSE' })
  await made.close()
  await made.close()
})

t.test('syslog over TLS (RFC 5425)', { skip: noOpenssl }, async (t) => {
  const folder = t.testdir()
  const authority = makeAuthority(folder)
  authority.sign('collector', 'IP:127.0.0.1')
  authority.sign('device', 'DNS:fw1.example.net, DNS:*.branch.example.net, IP:192.0.2.7')
  authority.sign('nameless')
  makeAuthority(folder, 'strangers').sign('stranger', 'DNS:fw1.example.net')
  const pem = (name: string) => readFileSync(join(folder, name), 'utf8')
  const collector = authority.settingsOf('collector')
  const clientCa = join(folder, 'authority.pem')
  const connect = (port: number, device?: string, options: ConnectionOptions = {}): TLSSocket => {
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      ca: pem('authority.pem'),
      ...(device === undefined ? {} : { cert: pem(`${device}.pem`), key: pem(`${device}.key`) }),
      ...options,
    })
    socket.on('error', () => {})
    return socket
  }

  await t.test('framing is told apart as over TCP', async (t) => {
    for (const [title, stream, expected] of streams) {
      const { made, port, lines } = await listen({ tls: await readTls(collector) })
      connect(port).end(stream)
      await until(title, () => made.counts.closed === 1)
      t.same(lines(), expected, title)
      await made.close()
    }
    const { made, port, lines } = await listen({ tls: await readTls(collector) })
    connect(port).end('500 <1>a')
    await until('told', () => made.counts.truncated === 1)
    t.same(lines(), [])
    const piped = sendWithOpenssl(folder, port, ['-verify_return_error'], '<1>piped\n10 <2>by hand')
    await until('two lines', () => lines().length === 2)
    t.same(lines(), ['<1>piped', '<2>by hand'], 'of openssl s_client')
    piped.kill()
    await made.close()
  })

  await t.test('TLS 1.2 and 1.3 alone', async (t) => {
    const { made, port, lines, refused } = await listen({ tls: await readTls(collector) })
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      connect(port, undefined, { minVersion: version, maxVersion: version }).end(`<1>${version}\n`)
      await until(version, () => lines().includes(`<1>${version}`))
    }
    const old = connect(port, undefined, {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    await closed(old)
    await until('refused', () => made.counts.handshakeFailed === 1)
    t.same(refused, [
      { address: '127.0.0.1', reason: 'handshakeFailed', description: 'ERR_SSL_UNSUPPORTED_PROTOCOL' },
    ])
    const plain = await open(port)
    plain.end('<1>in clear\n')
    await closed(plain)
    await until('refused too', () => made.counts.handshakeFailed === 2)
    t.equal(lines().length, 2)
    t.equal(made.counts.accepted, 2, 'a failed handshake is no connection that was accepted')
    await made.close()
  })

  await t.test('who may send', async (t) => {
    const { X509Certificate } = await import('node:crypto')
    const fingerprint = (device: string) =>
      `sha-256:${new X509Certificate(pem(`${device}.pem`)).fingerprint256}`
    const listed = (...peers: string[]) => ({ clientCa, peers })
    const yes = undefined
    const devices = [undefined, 'stranger', 'nameless', 'device']
    // One column for each of `devices`: why it is refused.
    const cases: readonly (readonly [string, object, readonly (string | undefined)[]])[] = [
      ['anybody', {}, [yes, yes, yes, yes]],
      ['the authority', { clientCa }, ['peerWithoutCertificate', 'peerNotTrusted', yes, yes]],
      ...['fw1.example.net', 'FW1.example.net', 'x.branch.example.net', '*.example.net', '192.0.2.7'].map(
        (name) =>
          [name, listed(name), ['peerWithoutCertificate', 'peerNotTrusted', 'peerNotAllowed', yes]] as const,
      ),
      [
        'a name that none has',
        listed('fw2.example.net', 'a.b.branch.example.net', '*.net', '192.0.2.8'),
        ['peerWithoutCertificate', 'peerNotTrusted', 'peerNotAllowed', 'peerNotAllowed'],
      ],
      [
        'the common name where there is no other',
        listed('nameless', 'device'),
        ['peerWithoutCertificate', 'peerNotTrusted', yes, 'peerNotAllowed'],
      ],
      [
        'a fingerprint without an authority',
        { peers: [fingerprint('stranger')] },
        ['peerWithoutCertificate', yes, 'peerNotTrusted', 'peerNotTrusted'],
      ],
      [
        'a fingerprint in small letters, and a name',
        listed(fingerprint('stranger').toLowerCase(), 'fw1.example.net'),
        ['peerWithoutCertificate', yes, 'peerNotAllowed', yes],
      ],
    ]
    for (const [title, settings, reasons] of cases) {
      const { made, port, lines, refused } = await listen({
        tls: await readTls({ ...collector, ...settings }),
      })
      for (const [index, device] of devices.entries()) {
        const socket = connect(port, device)
        socket.end(`<1>${device}\n`)
        await closed(socket)
        await until('settled', () => made.counts.closed + refused.length === index + 1)
      }
      t.same(
        lines(),
        devices.filter((_, index) => reasons[index] === yes).map((device) => `<1>${device}`),
        title,
      )
      t.same(
        refused.map(({ reason }) => reason),
        reasons.filter((reason) => reason !== yes),
      )
      for (const reason of ['peerWithoutCertificate', 'peerNotTrusted', 'peerNotAllowed'] as const)
        t.equal(made.counts[reason], reasons.filter((one) => one === reason).length)
      for (const { reason, description } of refused) {
        if (reason === 'peerWithoutCertificate') t.equal(description, 'no certificate')
        else t.match(description, /CN=\w+.*; sha-256:([0-9A-F]{2}:){31}[0-9A-F]{2}$/, 'what to list it by')
      }
      await made.close()
    }
  })

  await t.test('handshakes have their time, and count as connections', async (t) => {
    const { made, port, refused } = await listen({
      tls: await readTls(collector),
      handshakeTimeoutMilliseconds: 100,
      maxConnectionsPerAddress: 2,
    })
    const silent = await open(port)
    const slow = await open(port)
    // The beginning of a ClientHello, octet by octet.
    const hello = Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, ...new Array(500).fill(7))
    let sent = 0
    const timer = setInterval(() => slow.write(hello.subarray(sent, ++sent)), 10)
    await closed(await open(port))
    t.equal(made.counts.tooManyFromAddress, 1)
    await Promise.all([closed(silent), closed(slow)])
    clearInterval(timer)
    await until('both', () => refused.length === 2)
    t.match(made.counts, { handshakeTimeout: 2, handshakeFailed: 0, accepted: 0, closed: 0 })
    const good = connect(port)
    good.end('<1>a\n')
    await until('room again', () => made.counts.closed === 1)
    const left = await open(port)
    left.destroy()
    await until('gone in its handshake', () => made.counts.handshakeFailed === 1)
    await made.close()
  })

  await t.test('slow and silent peers are closed behind the handshake too', async (t) => {
    const { made, port, lines } = await listen({
      tls: await readTls(collector),
      idleTimeoutMilliseconds: 300,
      messageTimeoutMilliseconds: 80,
    })
    const silent = connect(port)
    const slow = connect(port)
    const timer = setInterval(() => slow.write('x'), 10)
    await closed(slow)
    clearInterval(timer)
    await closed(silent)
    await until('both are told', () => made.counts.closed === 2)
    t.match(made.counts, { slow: 1, idle: 1 })
    t.match(lines(), [/^x+$/])
    await made.close()
  })
})
