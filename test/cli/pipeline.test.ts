/** The commands from a capture to findings, each in a process of its own, on what the simulator sends. */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { pcapChunks } from '#simulate/pcap.js'
import { smallCompany } from '#simulate/small-company.js'
import { command, plainNode, project } from '../support/project.js'

async function culvert(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn('env', [...plainNode, command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

const lines = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

t.test('a capture is imported, judged and judged again to the same octet', async (t) => {
  const folder = t.testdir()
  const capture = join(folder, 'company.pcap')
  const simulation = smallCompany(7, { durationMilliseconds: 30 * 60_000 })
  const file = createWriteStream(capture)
  let sent = 0
  for (const chunk of pcapChunks(count(simulation.datagrams, () => sent++))) file.write(chunk)
  file.end()
  await once(file, 'close')

  const data = join(folder, 'data')
  const first = await culvert('import', capture, '--data', data, '--json')
  t.equal(first.code, 0, first.err)
  const [counts] = lines(first.out)
  t.equal(counts.datagrams, sent)
  t.same(counts.undecoded, {})
  t.equal(counts.linesNotUnderstood, 0)

  const one = await culvert('detect', '--data', data)
  const two = await culvert('detect', '--data', data)
  t.equal(one.code, 0, one.err)
  t.equal(two.out, one.out, 'equal to the octet')
  const found = lines(one.out)
  const keys = found.map(
    ({ detector, firstSeenMilliseconds, id }) =>
      `${detector} ${String(firstSeenMilliseconds).padStart(20)} ${id}`,
  )
  t.same(keys, [...keys].sort(), 'sorted by detector, first seen and id')
  t.equal(new Set(found.map(({ id }) => id)).size, found.length, 'one line a subject')
  t.ok(found.some(({ detector, severity }) => detector === 'icmp-tunnel' && severity === 'high'))
  t.ok(found.some(({ detector }) => detector === 'port-protocol'))
  for (const finding of found) {
    t.match(finding, {
      kind: /^(finding|coverage)$/,
      attack: { strategy: 'DET0457', analytic: 'AN1258', technique: 'T1095', tactic: 'TA0011' },
      hiddenBy: [],
      exporters: Array,
      reasons: Array,
      subScores: Object,
    })
  }

  const only = lines((await culvert('detect', '--data', data, '--detector', 'icmp-tunnel')).out)
  t.same(
    only,
    found.filter(({ detector }) => detector === 'icmp-tunnel'),
  )
  const before = await culvert('detect', '--data', data, '--to', '2026-01-05T09:00:30Z')
  t.equal(
    lines(before.out).filter(({ kind }) => kind === 'finding').length,
    0,
    'nothing was there half a minute in',
  )

  const saved = await culvert('detect', '--data', data, '--save')
  t.equal(saved.out, one.out)
  const again = await culvert('import', capture, '--data', data)
  t.match(again.err, /was imported before/)
})

t.test('log lines are imported and parsed', async (t) => {
  const folder = t.testdir()
  const file = join(folder, 'messages.log')
  await writeFile(
    file,
    'Jan  5 10:00:00 fw1 : %ASA-4-106023: Deny tcp src inside:10.1.1.1/1025 dst outside:192.0.2.1/23 by access-group "acl" [0x0, 0x0]\r\n\u0000\u0001 nothing at all\n',
    'latin1',
  )
  const parsed = await culvert(
    'parse-syslog',
    file,
    '--zone',
    'Europe/Berlin',
    '--received',
    '2026-01-05T12:00:00Z',
  )
  t.equal(parsed.code, 0, parsed.err)
  const [connection, nothing] = lines(parsed.out)
  t.match(connection, {
    line: 1,
    kind: 'connection',
    vendor: 'cisco',
    eventId: '106023',
    host: 'fw1',
    timeMilliseconds: Date.UTC(2026, 0, 5, 9),
    timeZoneFrom: 'configured',
    yearInferred: true,
    sourceAddress: '10.1.1.1',
    sourceTransportPort: 1025,
    destinationAddress: '192.0.2.1',
    destinationTransportPort: 23,
    protocolIdentifier: 6,
    outcome: 'deny',
  })
  t.equal(nothing, null)
  const data = join(folder, 'data')
  const imported = await culvert(
    'import',
    '--data',
    data,
    '--syslog-file',
    file,
    '--exporter',
    '192.0.2.250',
    '--received',
    '2026-01-05T12:00:00Z',
    '--json',
  )
  t.match(lines(imported.out)[0], { lines: 2, rows: 2, linesNotUnderstood: 1 })
})

t.test('wrong use is told in words and by the exit code', async (t) => {
  const folder = t.testdir()
  const cases: [code: number, said: RegExp, ...args: string[]][] = [
    [2, /unknown option|too many|error/, 'detect', '--nonsense'],
    [2, /required option/, 'detect'],
    [2, /a time is written like/, 'detect', '--data', folder, '--from', 'yesterday'],
    [1, /no data folder/, 'detect', '--data', join(folder, 'nowhere')],
    [1, /no such file/, 'import', join(folder, 'nothing.pcap'), '--data', join(folder, 'data')],
    [2, /--exporter/, 'import', '--syslog-file', command, '--data', join(folder, 'data')],
    [1, /neither pcap nor pcapng/, 'decode', command],
    [2, /HOST:PORT/, 'replay', command, '--to', 'nowhere'],
    [2, /IANA name/, 'parse-syslog', command, '--zone', 'Mars/Base'],
    [1, /cannot be read/, 'start', '--config', join(folder, 'none.yaml')],
    [0, /./, '--help'],
    [0, /./, 'detect', '--help'],
  ]
  t.plan(cases.length * 2)
  for (const [code, said, ...args] of cases) {
    const result = await culvert(...args)
    t.equal(result.code, code, `${args.join(' ')}: ${result.err}`)
    t.match(result.err + result.out, said)
  }
})

t.test('a capture is replayed over real UDP', async (t) => {
  const folder = t.testdir()
  const capture = join(folder, 'short.pcap')
  const datagrams = [...smallCompany(2, { durationMilliseconds: 120_000 }).datagrams].slice(0, 50)
  await writeFile(capture, Buffer.concat([...pcapChunks(datagrams)]))
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const received: Buffer[] = []
  socket.on('message', (message) => received.push(message))
  const { code, out } = await culvert(
    'replay',
    capture,
    '--to',
    `127.0.0.1:${socket.address().port}`,
    '--speed',
    'max',
    '--json',
  )
  t.equal(code, 0)
  t.same(lines(out), [{ sent: 50 }])
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.same(
    received,
    datagrams.map(({ payload }) => Buffer.from(payload)),
  )
})

t.test("the version is the package's", async (t) => {
  const { version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
  t.equal((await culvert('--version')).out.trim(), version)
})

function* count<T>(items: Iterable<T>, seen: () => void): Generator<T> {
  for (const item of items) {
    seen()
    yield item
  }
}
