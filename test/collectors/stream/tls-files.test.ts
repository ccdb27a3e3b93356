import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import t from 'tap'
import { createSyslogListener } from '#collectors/stream/syslog-tcp.js'
import { readTls, type TlsMaterial, watchTls } from '#collectors/stream/tls-files.js'
import { closed, makeAuthority, noOpenssl, until } from './peers.js'

t.test('files that cannot be used are told with their key and name', { skip: noOpenssl }, async (t) => {
  const folder = t.testdir({ 'text.pem': 'no PEM', 'broken.pem': '' })
  const path = (name: string) => join(folder, name)
  const authority = makeAuthority(folder)
  authority.sign('one')
  authority.sign('other')
  const pem = readFileSync(path('one.pem'), 'utf8')
  writeFileSync(path('broken.pem'), pem.replace(/\n[A-Za-z0-9+/]{4}/, '\nAAAA'))
  const encrypted = spawnSync(
    'openssl',
    ['pkcs8', '-topk8', '-in', 'one.key', '-out', 'locked.key', '-passout', 'pass:secret'],
    { cwd: folder },
  )
  t.equal(encrypted.status, 0)
  const good = authority.settingsOf('one')
  const fingerprint = `sha-256:${'AB:'.repeat(31)}AB`
  const cases: readonly (readonly [object, RegExp])[] = [
    [
      { certificate: path('none.pem') },
      /^listen\.tls\.certificate: .*none\.pem cannot be read: there is no such/,
    ],
    [{ key: path('none.key') }, /^listen\.tls\.key: .*none\.key cannot be read/],
    [{ clientCa: path('none.pem') }, /^listen\.tls\.clientCa: .*none\.pem cannot be read/],
    [{ certificate: folder }, /^listen\.tls\.certificate: .* cannot be read: EISDIR/],
    [{ certificate: path('text.pem') }, /^listen\.tls\.certificate: .*text\.pem holds no certificate in PEM/],
    [{ certificate: path('one.key') }, /^listen\.tls\.certificate: .*one\.key holds no certificate in PEM/],
    [{ certificate: path('broken.pem') }, /^listen\.tls\.certificate: .*broken\.pem certificate 1 of 1/],
    [{ clientCa: path('text.pem') }, /^listen\.tls\.clientCa: .*text\.pem holds no certificate in PEM/],
    [{ key: path('one.pem') }, /^listen\.tls\.key: .*one\.pem holds no private key in PEM/],
    [{ key: path('locked.key') }, /^listen\.tls\.key: .*locked\.key is encrypted/],
    [{ key: path('other.key') }, /^listen\.tls\.key: .*other\.key is not the key of .*one\.pem/],
    [{ peers: ['fw1.example.net'] }, /^listen\.tls\.peers: fw1\.example\.net is a name.*clientCa/],
    [{ peers: ['192.0.2.1'] }, /^listen\.tls\.peers: 192\.0\.2\.1 is a name.*clientCa/],
    ...['not a name', 'fw*.example.net', '', 'sha-1:AB', fingerprint.slice(0, -1), `${fingerprint}:AB`].map(
      (entry) =>
        [
          { peers: [fingerprint, entry] },
          /^listen\.tls\.peers: ".*" is no DNS name, no address and/,
        ] as const,
    ),
  ]
  for (const [change, message] of cases)
    await t.rejects(readTls({ ...good, ...change }), { code: 'CONFIG_INVALID', message }, message.source)

  const material = await readTls({ ...good, peers: [fingerprint] })
  t.ok(material.validToMilliseconds > Date.now())
  t.same(material.peers?.fingerprints, new Set(['AB'.repeat(32)]))
})

t.test(
  'renewed files are used for new connections, and cut no old one off',
  { skip: noOpenssl },
  async (t) => {
    const folder = t.testdir()
    const authority = makeAuthority(folder)
    for (const name of ['first', 'second', 'third']) authority.sign(name)
    const path = (name: string) => join(folder, name)
    const put = (from: string, suffix: string) => {
      copyFileSync(path(`${from}.${suffix}`), path(`new.${suffix}`))
      renameSync(path(`new.${suffix}`), path(`used.${suffix}`))
    }
    put('first', 'pem')
    put('first', 'key')
    const settings = authority.settingsOf('used')
    const lines: string[] = []
    const listener = createSyslogListener({
      host: '127.0.0.1',
      port: 0,
      tls: await readTls(settings),
      onFrame: (_address, octets, start, end) =>
        lines.push(Buffer.from(octets.subarray(start, end)).toString()),
    })
    const port = await listener.start()
    const renewals: TlsMaterial[] = []
    const problems: string[] = []
    const watch = watchTls({
      settings,
      everyMilliseconds: 10,
      onRenewed(material) {
        renewals.push(material)
        listener.renew(material)
      },
      onProblem: ({ message }) => problems.push(message),
    })
    t.teardown(async () => {
      watch.close()
      await listener.close()
    })
    const meet = async (): Promise<[TLSSocket, string]> => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
      socket.on('error', () => {})
      await new Promise((resolve) => socket.once('secureConnect', resolve))
      return [socket, socket.getPeerCertificate().subject.CN as string]
    }
    const [old, oldName] = await meet()
    t.equal(oldName, 'first')
    await new Promise((resolve) => setTimeout(resolve, 60))
    t.equal(renewals.length, 0, 'nothing has changed')

    // As a renewal does: the certificate, and somewhat later the key that belongs to it.
    put('second', 'pem')
    await until('the fault', () => problems.length > 0)
    await new Promise((resolve) => setTimeout(resolve, 60))
    t.equal(problems.length, 1, 'a fault is told once')
    t.match(problems[0], /listen\.tls\.key: .*used\.key is not the key of/)
    const [between, betweenName] = await meet()
    t.equal(betweenName, 'first', 'the old pair stays in use')
    put('second', 'key')
    await until('the renewal', () => renewals.length === 1)
    const [young, youngName] = await meet()
    t.equal(youngName, 'second')
    for (const [index, socket] of [old, between, young].entries()) socket.write(`<1>${index}\n`)
    await until('a line of each', () => lines.length === 3)
    t.same(new Set(lines), new Set(['<1>0', '<1>1', '<1>2']))

    // A link that is exchanged, as container platforms do it.
    for (const suffix of ['pem', 'key']) {
      symlinkSync(path(`third.${suffix}`), path(`new.${suffix}`))
      renameSync(path(`new.${suffix}`), path(`used.${suffix}`))
    }
    await until('the other renewal', () => renewals.length === 2)
    const [last, lastName] = await meet()
    t.equal(lastName, 'third')
    for (const socket of [old, between, young, last]) {
      socket.end()
      await closed(socket)
    }
  },
)
