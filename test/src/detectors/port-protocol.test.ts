/**
 * Port/protocol pairing on rows made by hand, on the simulated networks, and on the laboratory capture when it is there.
 * Every shape test once met and once not; ordinary traffic on all kinds of ports gives nothing.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { inputDatagrams } from '#cli/inputs.js'
import { createImportIntake } from '#collectors/import-intake.js'
import { Block } from '#core/blocks/block.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { encodeBlock } from '#core/blocks/encode.js'
import { createEvictionCoverage } from '#core/detectors/port-protocol/coverage.js'
import { applicationIndex, isExpected, isUsualPort } from '#core/detectors/port-protocol/expected.js'
import { portProtocol } from '#core/detectors/port-protocol/index.js'
import { profiles } from '#core/detectors/port-protocol/profiles.js'
import { serverOf } from '#core/detectors/port-protocol/server.js'
import { MAX_TESTS } from '#core/detectors/port-protocol/shape-test.js'
import { KeyedTable } from '#core/detectors/port-protocol/table.js'
import { settingsOf } from '#core/detectors/settings.js'
import { makeSurroundings, nothingKnown } from '#core/detectors/surroundings.js'
import type { Observation } from '#core/findings/finding.js'
import { formatAddress, parseAddress } from '#core/records/address.js'
import { type FlowColumn, FlowColumnIndex, outcomeNames, streamNamed } from '#core/records/columns.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { shapeOf } from '#core/records/shape.js'
import { ceilingTo, evaluate, floorTo, STEP_MILLISECONDS } from '#core/scheduler/evaluate.js'
import { createBlockStore } from '#core/store/blocks.js'
import { emptyScanCounts, receivedRange } from '#core/store/scan.js'
import { createBlockWriter } from '#core/store/writer.js'
import { enterprise } from '#simulate/enterprise.js'
import type { Simulation } from '#simulate/scenario.js'
import { smallCompany } from '#simulate/small-company.js'

const START = Date.UTC(2026, 0, 5, 9)
const TCP = 6
const UDP = 17
const router: ExporterIdentity = {
  address: parseAddress('10.0.0.1')!,
  listenerPort: 2055,
  transport: 0,
  protocol: 10,
  observationDomainId: 1,
}
const firewall: ExporterIdentity = { ...router, listenerPort: 5514, protocol: 200, observationDomainId: 0 }

/** One conversation, or several alike: [packets, octets] each way over its whole length. */
type Made = {
  client?: string
  server?: string
  clientPort?: number
  port: number
  protocol?: number
  /** Seconds after START. */
  at?: number
  seconds?: number
  up: readonly [packets: number, octets: number]
  down: readonly [packets: number, octets: number]
  /** Repeats, every so many seconds, each from a port of its own unless `onePort`. */
  times?: number
  every?: number
  onePort?: boolean
  name?: string
  service?: string
  outcome?: (typeof outcomeNames)[number]
  exporter?: ExporterIdentity
  /** The exporter's active timeout in seconds. */
  slice?: number
  sampling?: number
}

type Row = { receivedMilliseconds: number; exporter: ExporterIdentity; values: Map<FlowColumn, unknown> }

function rowsOf(made: Made): Row[] {
  const rows: Row[] = []
  const { times = 1, every = 60, seconds = 0.2, slice = 60 } = made
  for (let index = 0; index < times; index++) {
    const clientPort = (made.clientPort ?? 40_000) + (made.onePort === true ? 0 : index)
    const from = START + ((made.at ?? 1) + index * every) * 1000
    const pieces = Math.max(1, Math.ceil(seconds / slice))
    for (let piece = 0; piece < pieces; piece++) {
      const start = from + (seconds * 1000 * piece) / pieces
      const end = from + (seconds * 1000 * (piece + 1)) / pieces - (pieces > 1 ? 10 : 0)
      const part = (sum: number) =>
        Math.floor((sum * (piece + 1)) / pieces) - Math.floor((sum * piece) / pieces)
      const common: [FlowColumn, unknown][] = [
        ['protocolIdentifier', made.protocol ?? TCP],
        ['startMilliseconds', start],
        ['endMilliseconds', end],
      ]
      if (pieces > 1) common.push(['flowEndReason', piece < pieces - 1 ? 2 : 1])
      if (made.name !== undefined) common.push(['applicationName', made.name])
      if (made.service !== undefined) common.push(['service', made.service])
      if (made.outcome !== undefined) common.push(['outcome', outcomeNames.indexOf(made.outcome)])
      if (made.sampling !== undefined) common.push(['samplingInterval', made.sampling], ['samplingFrom', 1])
      const client = made.client ?? '10.1.1.5'
      const server = made.server ?? '198.51.100.9'
      const up: [FlowColumn, unknown][] = [
        ['packets', part(made.up[0])],
        ['octets', part(made.up[1])],
      ]
      const down: [FlowColumn, unknown][] = [
        ['packets', part(made.down[0])],
        ['octets', part(made.down[1])],
      ]
      const exporter = made.exporter ?? router
      const receivedMilliseconds = end + 1000
      const ends = (source: string, sourcePort: number, destination: string, port: number) =>
        [
          ['sourceAddress', source],
          ['destinationAddress', destination],
          ['sourceTransportPort', sourcePort],
          ['destinationTransportPort', port],
        ] as [FlowColumn, unknown][]
      if (exporter.protocol === 200) {
        const reverse: [FlowColumn, unknown][] = [
          ['reversePackets', part(made.down[0])],
          ['reverseOctets', part(made.down[1])],
        ]
        const values = [...ends(client, clientPort, server, made.port), ...common, ...up, ...reverse]
        rows.push({ receivedMilliseconds, exporter, values: new Map(values) })
        continue
      }
      const there = [...ends(client, clientPort, server, made.port), ...common, ...up]
      const back = [...ends(server, made.port, client, clientPort), ...common, ...down]
      if (made.up[0] > 0) rows.push({ receivedMilliseconds, exporter, values: new Map(there) })
      if (made.down[0] > 0) rows.push({ receivedMilliseconds, exporter, values: new Map(back) })
    }
  }
  return rows
}

function blockOf(rows: readonly Row[], family: 4 | 6, firstSequence: number): Block {
  const stream = streamNamed(family === 4 ? 'flow4' : 'flow6')
  const builder = new BlockBuilder(stream, rows.length)
  for (const { receivedMilliseconds, exporter, values } of rows) {
    const shape = shapeOf([0, 1, 2, ...[...values.keys()].map((name) => FlowColumnIndex[name])])
    const row = builder.begin(exporter, shape, receivedMilliseconds, 1)
    for (const [name, value] of values) {
      const column = FlowColumnIndex[name]
      const { type } = stream.columns[column]!
      if (type === 'address') builder.setAddress(column, row, parseAddress(value as string)!.words as never)
      else if (type === 'text') builder.setText(column, row, value as string)
      else if (type === 'u64') builder.setUnsigned64(column, row, value as number)
      else builder.setNumber(column, row, value as number)
    }
  }
  return new Block(encodeBlock(builder, [{ firstSequence: firstSequence, rows: builder.rows }], START))
}

/** Runs a judge over rows minute by minute, as the scheduler does; the last word on each subject. */
function judged(made: readonly Made[], settings: Record<string, unknown> = {}): Observation[] {
  const rows = made.flatMap(rowsOf).sort((a, b) => a.receivedMilliseconds - b.receivedMilliseconds)
  const judge = portProtocol.start(settingsOf(portProtocol, settings), makeSurroundings(nothingKnown))
  const found = new Map<string, Observation>()
  const last =
    ceilingTo(rows.at(-1)!.receivedMilliseconds + 1, STEP_MILLISECONDS) + portProtocol.settleMilliseconds
  let next = 0
  for (let at = floorTo(START, STEP_MILLISECONDS) + 60_000; at <= last; at += 60_000) {
    const from = next
    while (next < rows.length && rows[next]!.receivedMilliseconds < at) next++
    for (const family of [4, 6] as const) {
      const isFamily = (row: Row) =>
        (row.values.get('sourceAddress') as string).includes(':') === (family === 6)
      const part = rows.slice(from, next).filter(isFamily)
      if (part.length === 0) continue
      const block = blockOf(part, family, from)
      judge.observe({ block, rows: Uint32Array.from(part, (_, index) => index) })
    }
    for (const observation of judge.evaluate(at)) found.set(observation.id, observation)
  }
  return [...found.values()]
}

const findings = (made: readonly Made[], settings: Record<string, unknown> = {}) =>
  judged(made, settings).filter(({ kind }) => kind === 'finding')
const codes = (observation: Observation | undefined) => observation?.reasons.map(({ code }) => code) ?? []
const udp = (port: number, rest: Omit<Made, 'port' | 'protocol'>): Made => ({ port, protocol: UDP, ...rest })
const tcp = (port: number, rest: Omit<Made, 'port'>): Made => ({ port, protocol: TCP, ...rest })

// IPv4 and UDP headers are 28 octets, IPv4 and TCP without options 40.
const shapes: readonly (readonly [code: string, met: Made[], notMet: Made[]])[] = [
  [
    'answers-smaller-than-questions',
    // 92 octets of payload up, 24 down: 68 less.
    [udp(53, { up: [1, 120], down: [1, 52], times: 8 })],
    [udp(53, { up: [1, 70], down: [1, 59], times: 8 })],
  ],
  [
    'more-answers-than-requests',
    [
      udp(161, { up: [60, 6000], down: [90, 20_000], seconds: 40, times: 2, every: 900 }),
      udp(53, { up: [40, 2800], down: [80, 9000], seconds: 50 }),
    ],
    [udp(161, { up: [60, 6000], down: [60, 20_000], seconds: 40 })],
  ],
  [
    'one-port-with-large-questions',
    [udp(53, { up: [120, 17_760], down: [120, 20_000], seconds: 1200 })],
    // A stub that uses a port for each question.
    [udp(53, { up: [1, 148], down: [1, 300], times: 120, every: 10 })],
  ],
  [
    'one-port-for-minutes',
    [udp(53, { up: [120, 8000], down: [120, 20_000], seconds: 1200 })],
    // An old forwarder that asks from port 53.
    [udp(53, { clientPort: 53, up: [120, 8000], down: [120, 20_000], seconds: 1200 })],
  ],
  [
    'large-answer-to-small-request',
    [tcp(53, { up: [23, 1292], down: [23, 28_411], times: 12, every: 30 })],
    [tcp(53, { up: [6, 420], down: [5, 3000], times: 4, every: 30 })],
  ],
  [
    'tcp-without-udp',
    [tcp(53, { up: [6, 700], down: [6, 2000], times: 14, every: 30 })],
    [
      tcp(53, { up: [6, 700], down: [6, 2000], times: 14, every: 30 }),
      udp(53, { up: [1, 70], down: [1, 200], times: 20, every: 20, clientPort: 50_000 }),
    ],
  ],
  [
    'interactive-session',
    [tcp(443, { up: [1000, 85_000], down: [990, 121_000], seconds: 1200 })],
    [tcp(443, { up: [1000, 85_000], down: [1500, 1_500_000], seconds: 1200 })],
  ],
  [
    'opener-answers-responder',
    [tcp(8443, { up: [131, 134_875], down: [214, 11_980], seconds: 1188 })],
    // An upload: acknowledgements of every second segment.
    [tcp(8443, { up: [5000, 7_000_000], down: [2500, 130_000], seconds: 1188 })],
  ],
  [
    'not-the-size-of-ntp',
    [udp(123, { up: [40, 3040], down: [40, 12_000], seconds: 100, times: 2, every: 600 })],
    [udp(123, { up: [40, 3040], down: [40, 3040], seconds: 2400 })],
  ],
  [
    'smaller-than-ntp',
    [udp(123, { up: [40, 1600], down: [40, 1600], seconds: 2400 })],
    [udp(123, { up: [40, 3040], down: [40, 3040], seconds: 2400 })],
  ],
  [
    'between-ntp-and-nts',
    [udp(123, { up: [160, 32_000], down: [160, 32_000], seconds: 2400 })],
    // NTS: 228 octets behind the headers.
    [udp(123, { up: [160, 40_960], down: [160, 40_960], seconds: 2400 })],
  ],
  [
    'faster-than-ntp',
    [udp(123, { up: [2000, 152_000], down: [2000, 152_000], seconds: 600 })],
    [udp(123, { up: [300, 22_800], down: [300, 22_800], seconds: 4800 })],
  ],
  [
    'server-answers-from-69',
    [udp(69, { up: [50, 5000], down: [50, 20_000], seconds: 60 })],
    [udp(69, { up: [2, 100], down: [0, 0] })],
  ],
  [
    'collector-answers',
    [udp(514, { up: [50, 9000], down: [50, 5000], seconds: 60 })],
    [udp(514, { up: [500, 90_000], down: [0, 0], seconds: 600 })],
  ],
  [
    'smaller-than-dhcp',
    [udp(67, { clientPort: 68, up: [50, 5000], down: [50, 17_000], seconds: 200 })],
    [udp(67, { clientPort: 68, up: [50, 16_400], down: [50, 17_000], seconds: 200 })],
  ],
  [
    'no-quic-initial',
    [udp(443, { up: [6, 720], down: [6, 800], times: 14, every: 60, seconds: 2 })],
    [udp(443, { up: [12, 4000], down: [16, 14_000], times: 14, every: 60, seconds: 2 })],
  ],
  [
    'small-datagrams-for-minutes',
    [udp(443, { up: [60, 7200], down: [60, 8000], seconds: 1800 })],
    [udp(443, { up: [600, 72_000], down: [900, 900_000], seconds: 1800 })],
  ],
  [
    'no-key-exchange',
    [tcp(22, { up: [8, 600], down: [30, 40_000], times: 8, every: 60 })],
    [tcp(22, { up: [16, 3200], down: [18, 40_000], times: 8, every: 60 })],
  ],
  [
    'server-sends-the-mail',
    [tcp(25, { up: [60, 4000], down: [80, 100_000], times: 5, every: 60 })],
    [tcp(25, { up: [80, 100_000], down: [60, 4000], times: 5, every: 60 })],
  ],
  [
    'smaller-than-sip',
    [udp(5060, { up: [200, 16_000], down: [200, 16_000], seconds: 900 })],
    // A phone that keeps its binding open.
    [udp(5060, { up: [200, 6400], down: [200, 6400], seconds: 900 })],
  ],
  [
    'client-sends-the-mail',
    [tcp(995, { up: [200, 200_000], down: [200, 20_000], seconds: 20 })],
    [tcp(995, { up: [3000, 180_000], down: [3000, 900_000], seconds: 60 })],
  ],
  [
    'larger-than-modbus',
    [tcp(502, { up: [100, 6000], down: [100, 120_000], seconds: 60 })],
    [tcp(502, { up: [1000, 52_000], down: [1000, 290_000], seconds: 60 })],
  ],
  [
    'sessions-of-seconds',
    [tcp(179, { up: [20, 4000], down: [20, 4000], seconds: 5, times: 12, every: 60 })],
    [tcp(179, { up: [2000, 140_000], down: [2000, 140_000], seconds: 2400 })],
  ],
  [
    'no-screen-sent',
    [tcp(3389, { up: [200, 20_000], down: [200, 14_000], seconds: 900 })],
    [tcp(3389, { up: [2000, 200_000], down: [4000, 3_000_000], seconds: 900 })],
  ],
]

t.test('every shape test is met by one conversation and not by another', (t) => {
  const covered = new Set(shapes.map(([code]) => code))
  const all = new Set(profiles.flatMap(({ tests }) => tests.map(({ code }) => code)))
  t.same(
    [...all].filter((code) => !covered.has(code)),
    [],
    'the table has every test',
  )
  for (const [code, met, notMet] of shapes) {
    const found = met.flatMap((made) => findings([made]))
    t.ok(found.length > 0 && found.every((one) => codes(one).includes(code)), `${code} is found`)
    for (const one of found) t.ok(one.severity === 'medium' || one.severity === 'low', `${code} is not high`)
    t.notOk(
      findings(notMet).some((one) => codes(one).includes(code)),
      `${code} is not found`,
    )
  }
  t.end()
})

t.test('profiles are whole: few enough tests, a source each', (t) => {
  for (const { service, tests } of profiles) {
    t.ok(tests.length <= MAX_TESTS, service)
    for (const { because } of tests) t.ok(because.length > 40, because)
  }
  t.end()
})

t.test('an application that a device names on another port', (t) => {
  const ssh = tcp(443, { name: 'ssh', up: [400, 30_000], down: [400, 60_000], seconds: 600 })
  const [found, ...others] = findings([ssh])
  t.equal(others.length, 0)
  t.match(found, {
    kind: 'finding',
    detector: 'port-protocol',
    severity: 'high',
    sourceAddresses: ['10.1.1.5'],
    destinationAddresses: ['198.51.100.9'],
    destinationTransportPort: 443,
    protocolIdentifier: TCP,
    applicationName: 'ssh',
    evidenceQuality: { level: 'good' },
    attack: { strategy: 'DET0457', analytic: 'AN1258', technique: 'T1095' },
  })
  t.ok(found!.evidence.length > 0 && found!.evidence.length <= 20)
  t.ok(Object.values(found!.subScores).every((score) => score >= 0 && score <= 1))
  // 100 × 1 × (0.5 + 0.5 × (0.35 external + 0.15 few + 0.15 × 600/3600 long)) = 76.
  t.equal(found!.score, 76)

  const nothing: readonly (readonly [why: string, made: Made])[] = [
    ['it is expected there', { ...ssh, port: 22 }],
    ['a usual second port', { ...ssh, port: 2222 }],
    ['the name is generic', { ...ssh, name: 'unknown-tcp' }],
    ['the application is not in the table', { ...ssh, name: 'some-new-app' }],
    ['no second fact: inside, short', { ...ssh, server: '10.2.0.9', seconds: 5 }],
    ['refused', { ...ssh, outcome: 'deny', exporter: firewall }],
    ['one side only', { ...ssh, down: [0, 0] }],
    ['no payload', tcp(443, { name: 'ssh', up: [400, 16_000], down: [400, 16_000], seconds: 600 })],
    ['it negotiated the port', { ...ssh, port: 20_100, name: 'ftp' }],
    ['a web server on a port of nobody, inside', { ...ssh, port: 4567, name: 'http', server: '10.2.0.9' }],
    ['later fragments', { ...ssh, port: 0, clientPort: 0 }],
    ['decrypted web traffic', { ...ssh, name: 'web-browsing', up: [400, 60_000], down: [900, 900_000] }],
  ]
  for (const [why, made] of nothing) {
    t.equal(findings([made]).filter((one) => codes(one).includes('application-on-other-port')).length, 0, why)
  }
  t.end()
})

t.test('names of several vendors mean one application', (t) => {
  for (const name of ['ssl', 'SSL', 'https', 'HTTPS.BROWSER', 'secure-http', 'TLS']) {
    t.equal(applicationIndex(name), applicationIndex('tls'), name)
  }
  for (const name of ['rdp', 'ms-rdp', 'ms-wbt', 'Remote.Desktop']) {
    t.equal(applicationIndex(name), applicationIndex('rdp'), name)
  }
  for (const name of ['smb', 'ms-smb', 'CIFS', 'microsoft-ds']) {
    t.equal(applicationIndex(name), applicationIndex('smb'), name)
  }
  for (const name of ['', 'tcp', 'UDP', 'unknown-udp', 'incomplete', 'not-applicable']) {
    t.equal(applicationIndex(name), -1, name)
  }
  t.ok(isExpected(applicationIndex('https'), TCP, 8443))
  t.notOk(isExpected(applicationIndex('dns'), TCP, 443))
  t.notOk(isUsualPort(TCP, 4444))
  t.end()
})

t.test('one finding for a server, port and application, with all clients', (t) => {
  const made = ['10.1.1.5', '10.1.1.6', '10.1.1.7'].map((client) =>
    tcp(4444, { client, name: 'socks', up: [16, 1400], down: [25, 28_527], times: 20, every: 25 }),
  )
  const found = findings(made)
  t.equal(found.length, 1)
  t.same(found[0]!.sourceAddresses, ['10.1.1.5', '10.1.1.6', '10.1.1.7'])
  t.notOk(codes(found[0]).includes('few-clients'))
  t.end()
})

t.test('devices that name one application differently make one finding', (t) => {
  const socks = tcp(4444, { name: 'socks', up: [16, 1400], down: [25, 28_527], times: 20, every: 25 })
  const found = findings([socks, { ...socks, name: 'SOCKS5', exporter: firewall }])
  t.equal(found.length, 1)
  t.equal(found[0]!.exporters.length, 2)
  t.end()
})

t.test('firewall sessions: direction, name and both counts in one row', (t) => {
  const session = tcp(53, {
    exporter: firewall,
    outcome: 'allow',
    name: 'web-browsing',
    up: [20, 2000],
    down: [25, 28_000],
    times: 20,
    every: 30,
  })
  const [found] = findings([session])
  t.equal(found?.severity, 'high')
  t.ok(codes(found).includes('periodic-spread'))
  const [service] = findings([{ ...session, name: 'incomplete', service: 'HTTP', port: 4444 }])
  t.ok(codes(service).includes('service-name-on-other-port'), 'a policy service counts for less')
  t.ok(service!.score < found!.score)
  t.end()
})

t.test('slow, kept-up exchanges on ports without a usual service are low', (t) => {
  const beacons = [
    tcp(4444, { up: [15, 1600], down: [25, 30_000], times: 20, every: 40 }),
    udp(6000, { up: [40, 5920], down: [40, 4108], seconds: 1165 }),
    tcp(4444, { up: [178, 174_584], down: [289, 16_157], seconds: 1188 }),
  ]
  for (const made of beacons) {
    const [found] = findings([made])
    t.equal(found?.severity, 'low')
    t.ok(codes(found).includes('port-without-usual-service'))
    const many = ['10.1.1.5', '10.1.1.6', '10.1.1.7', '10.1.1.8'].map((client) => ({ ...made, client }))
    t.same(
      findings([...many, ...many.map((one) => ({ ...one, at: 4000 }))]).filter(
        (one) => codes(one).includes('few-clients') && one.lastSeenMilliseconds > START + 4_100_000,
      ),
      [],
      'used by many: not said again',
    )
    t.same(findings([{ ...made, server: '10.9.9.9' }]), [], 'inside')
  }
  t.end()
})

t.test('a proxy outside, and rare protocols of hosts, are low', (t) => {
  const [proxy] = findings([tcp(1080, { up: [16, 1400], down: [25, 28_527], times: 8, every: 35 })])
  t.match(proxy, { severity: 'low' })
  t.ok(codes(proxy).includes('proxy-port'))
  t.same(findings([tcp(1080, { server: '10.2.0.9', up: [16, 1400], down: [25, 28_527], times: 8 })]), [])

  const gre: Made = { port: 0, clientPort: 0, protocol: 47, up: [100, 9000], down: [100, 9000], seconds: 600 }
  const web = tcp(443, { server: '198.51.100.80', up: [12, 2000], down: [20, 20_000] })
  t.match(findings([gre, web])[0], { severity: 'low', protocolIdentifier: 47 })
  t.same(findings([gre]), [], 'nothing says that this end is no gateway')
  t.same(
    findings([
      { ...gre, client: '10.0.0.1' },
      { ...web, client: '10.0.0.1' },
    ]),
    [],
    'an exporter is a gateway',
  )
  t.end()
})

t.test('ordinary traffic gives nothing', (t) => {
  const ordinary: Made[] = [
    tcp(443, { up: [15, 1516], down: [25, 30_284], times: 40, every: 20 }),
    // Push and chat: a few small packets a minute for hours.
    tcp(5223, { clientPort: 50_001, up: [120, 9000], down: [120, 12_000], seconds: 7200 }),
    tcp(5228, { clientPort: 50_002, up: [60, 5000], down: [60, 6000], seconds: 7200 }),
    tcp(443, { clientPort: 50_003, up: [240, 20_000], down: [240, 24_000], seconds: 7200 }),
    udp(443, { clientPort: 50_004, up: [40, 8000], down: [90, 90_000], seconds: 30, times: 10 }),
    // A call: 50 packets a second each way.
    udp(3480, { clientPort: 50_005, up: [30_000, 6_000_000], down: [30_000, 6_000_000], seconds: 600 }),
    udp(50_700, { clientPort: 50_006, up: [30_000, 6_000_000], down: [30_000, 6_000_000], seconds: 600 }),
    udp(51820, { clientPort: 50_007, up: [9000, 2_000_000], down: [9000, 9_000_000], seconds: 3600 }),
    udp(500, { clientPort: 500, up: [20, 4000], down: [20, 4000], seconds: 3600 }),
    udp(4500, { clientPort: 4500, up: [9000, 2_000_000], down: [9000, 9_000_000], seconds: 3600 }),
    {
      port: 0,
      clientPort: 0,
      protocol: 50,
      up: [9000, 2_000_000],
      down: [9000, 9_000_000],
      seconds: 3600,
      client: '10.0.0.2',
    },
    udp(19302, { clientPort: 50_008, up: [20, 1000], down: [20, 1400], seconds: 600 }),
    udp(123, { clientPort: 123, up: [1, 76], down: [1, 76], times: 40, every: 64, onePort: true }),
    udp(53, { up: [1, 66], down: [1, 180], times: 100, every: 7 }),
    udp(53, { server: '10.2.0.2', up: [1, 66], down: [1, 180], times: 100, every: 7 }),
    // A zone transfer to a secondary inside, now and then.
    tcp(53, {
      client: '10.2.0.2',
      server: '10.2.0.3',
      up: [10, 700],
      down: [90, 100_000],
      times: 3,
      every: 900,
    }),
    udp(161, { server: '10.2.0.9', up: [40, 4400], down: [40, 12_800], times: 10, every: 300 }),
    udp(514, { server: '10.2.0.9', clientPort: 514, up: [50, 9000], down: [0, 0], seconds: 600 }),
    tcp(22, { server: '10.2.0.9', up: [1000, 85_000], down: [990, 121_000], seconds: 1200 }),
    tcp(25, { server: '198.51.100.25', up: [40, 30_000], down: [30, 3000], times: 20, every: 40 }),
    tcp(3389, { server: '10.2.0.9', up: [2000, 200_000], down: [4000, 3_000_000], seconds: 900 }),
    tcp(3128, { server: '10.2.0.9', up: [20, 4000], down: [40, 40_000], times: 40, every: 30 }),
    // Backups and replication at odd ports inside, every hour and for long.
    tcp(9876, { server: '10.2.0.9', up: [90_000, 120_000_000], down: [40_000, 2_100_000], seconds: 1800 }),
    tcp(17_777, { server: '10.2.0.9', up: [20, 4000], down: [20, 3000], times: 30, every: 60 }),
    // A game and a download at unusual ports outside: fast.
    udp(7777, { clientPort: 50_009, up: [36_000, 3_600_000], down: [36_000, 7_200_000], seconds: 1800 }),
    tcp(8765, { clientPort: 50_010, up: [9000, 500_000], down: [20_000, 28_000_000], seconds: 600 }),
    // A closed port, tried again and again: no answer, or a reset.
    udp(33_999, { up: [1, 30], down: [0, 0], times: 100, every: 9 }),
    tcp(4445, { up: [1, 60], down: [1, 40], times: 40, every: 30 }),
    // Multicast.
    udp(5353, { server: '224.0.0.251', clientPort: 5353, up: [100, 12_000], down: [0, 0], seconds: 900 }),
  ]
  for (const made of ordinary) {
    const found = findings([made])
    t.same(
      found.map(({ title }) => title),
      [],
      `${made.protocol}/${made.port} to ${made.server ?? 'outside'}`,
    )
  }
  t.end()
})

t.test('what is expected here is not reported', (t) => {
  const ssh = tcp(443, { name: 'ssh', up: [400, 30_000], down: [400, 60_000], seconds: 600 })
  const profile = { protocol: TCP, port: 443, application: 'ssh' }
  t.same(findings([ssh], { BaselinePortProfiles: [profile] }), [])
  t.same(findings([ssh], { BaselinePortProfiles: [{ ...profile, server: '198.51.100.0/24' }] }), [])
  t.equal(findings([ssh], { BaselinePortProfiles: [{ ...profile, server: '203.0.113.0/24' }] }).length, 1)
  t.equal(findings([ssh], { BaselinePortProfiles: [{ ...profile, application: 'rdp' }] }).length, 1)
  t.equal(findings([ssh], { insidePrefixes: ['198.51.100.0/24'] })[0]?.severity, 'low')
  t.throws(() => settingsOf(portProtocol, { SessionDurationTreshold: 1 }), { code: 'CONFIG_INVALID' })
  const invalid = { code: 'CONFIG_INVALID' }
  t.throws(() => findings([ssh], { insidePrefixes: ['10.0.0.0/33'] }), invalid)
  t.throws(() => findings([ssh], { BaselinePortProfiles: [{ ...profile, application: 'shh' }] }), invalid)
  t.same(
    findings([tcp(8443, { up: [131, 134_875], down: [214, 11_980], seconds: 1188 })], {
      SessionDurationThreshold: 3600,
    }),
    [],
  )
  t.end()
})

t.test('a device that looked inside and saw what belongs there outweighs a shape', (t) => {
  const shaped = tcp(443, { up: [1000, 85_000], down: [990, 121_000], seconds: 1200 })
  t.equal(findings([shaped]).length, 1)
  const seen = tcp(443, {
    clientPort: 45_000,
    name: 'ssl',
    up: [15, 1500],
    down: [25, 30_000],
    exporter: firewall,
  })
  t.same(findings([seen, shaped]), [])
  t.end()
})

t.test('IPv6: own prefixes tell inside from outside', (t) => {
  const made = udp(53, {
    client: '2001:db8:1::5',
    server: '2001:db8:f::9',
    up: [120, 20_000],
    down: [120, 22_000],
    seconds: 1200,
  })
  t.same(findings([made]), [])
  t.equal(findings([made], { insidePrefixes: ['2001:db8:1::/48'] })[0]?.severity, 'medium')
  t.end()
})

t.test('sampled rows: bounds on whole counts are left out, and it is said', (t) => {
  const large = udp(53, { up: [120, 17_760], down: [120, 20_000], seconds: 1200, sampling: 10 })
  const [found] = findings([large])
  t.equal(found?.severity, 'medium', 'a mean size survives sampling')
  t.match(found?.evidenceQuality, { level: 'degraded', reasons: [{ code: 'sampled' }] })
  t.match(found?.exporters, [{ samplingInterval: 10 }])
  const shell = tcp(443, { up: [1000, 85_000], down: [990, 121_000], seconds: 1200, sampling: 10 })
  t.same(findings([shell]), [], 'the pace is not known')
  t.ok(judged([large]).some(({ kind, title }) => kind === 'coverage' && title.includes('samples 1 in 10')))
  t.end()
})

t.test('who is the server', (t) => {
  const ends = {
    protocolIdentifier: TCP,
    lowPort: 443,
    highPort: 40_000,
    lowIsInside: true,
    highIsInside: false,
    opener: 0,
    firstSpeaker: 0,
    lowPeers: 0,
    highPeers: 0,
  } as const
  t.match(serverOf(ends), { server: 0, confidence: 'certain' }, 'the service port')
  t.match(serverOf({ ...ends, opener: 1 }), { server: 1 }, 'a lone SYN says more than ports')
  t.match(serverOf({ ...ends, lowPort: 50_000, highPort: 51_000, highPeers: 5 }), { server: 1 }, 'peers')
  t.equal(serverOf({ ...ends, lowPort: 50_000, highPort: 51_000 }), undefined, 'nothing tells')
  t.match(serverOf({ ...ends, lowPort: 123, highPort: 123 }), { server: 1 }, 'one port: the outside end')
  t.equal(serverOf({ ...ends, lowPort: 2500, highPort: 4444 }), undefined, 'two registered ports')
  t.end()
})

t.test('what does not fit is told of', (t) => {
  const table = new KeyedTable(1, 2)
  const told = createEvictionCoverage([['conversations', table]])
  const add = (number: number) => table.insert(Uint32Array.of(number))
  for (let number = 0; number < 2; number++) add(number)
  t.same(told(START), [])
  add(2)
  t.match(told(START), [{ kind: 'coverage', reasons: [{ code: 'state-full', value: 1, threshold: 2 }] }])
  t.same(told(START), [], 'once')
  add(3)
  t.equal(told(START).length, 1, 'and when it has doubled')
  t.end()
})

t.test('the table: found, evicted by last use, grown, bounded', (t) => {
  const table = new KeyedTable(2, 3000)
  const value = table.f64()
  const evicted: number[] = []
  table.onEvict = (slot) => evicted.push(table.keys[slot * 2]!)
  const key = new Uint32Array(2)
  const of = (number: number) => {
    key[0] = number
    key[1] = number * 7
    return key
  }
  const add = (number: number) => {
    // A column's array is replaced when the table grows.
    const slot = table.insert(of(number))
    value.values[slot] = number
  }
  for (let number = 0; number < 3000; number++) add(number)
  for (let number = 0; number < 3000; number++) {
    if (value.values[table.find(of(number))] !== number) t.fail(`lost ${number}`)
  }
  table.touch(table.find(of(0)))
  for (let number = 3000; number < 3100; number++) add(number)
  t.equal(table.size, 3000)
  t.equal(table.evicted, 100)
  t.ok(table.find(of(0)) >= 0, 'what was just used stays')
  t.equal(evicted[0], 1)
  table.delete(table.find(of(50 + 2000)))
  t.equal(table.find(of(2050)), -1)
  t.equal(table.size, 2999)
  let count = 0
  for (let slot = table.oldest(); slot >= 0; slot = table.after(slot)) count++
  t.equal(count, 2999)
  t.end()
})

t.test('a flood of new conversations neither grows without bound nor hides a finding', (t) => {
  const flood: Made[] = []
  for (let index = 0; index < 6000; index++) {
    const server = `198.18.${index >> 8}.${(index & 0xff) % 250}`
    flood.push(tcp(7000 + (index % 900), { server, at: index / 20, up: [3, 160], down: [3, 160] }))
  }
  flood.push(tcp(443, { name: 'ssh', up: [400, 30_000], down: [400, 60_000], seconds: 600 }))
  const found = findings(flood)
  t.equal(found.length, 1)
  t.end()
})

t.test('the same rows give the same observations', (t) => {
  const made = shapes.flatMap(([, met], index) =>
    met.map((one) => ({ ...one, client: `10.3.0.${index + 1}`, server: `198.51.100.${index + 1}` })),
  )
  const first = JSON.stringify(judged(made))
  t.equal(JSON.stringify(judged(made)), first)
  t.ok(JSON.parse(first).length > 10)
  t.end()
})

async function overStored(
  t: { testdir(): string; teardown(handler: () => Promise<void>): void },
  datagrams: Iterable<{ payload: Uint8Array; exporter: string; port: number; milliseconds: number }>,
): Promise<Observation[]> {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true, onRepair: () => {} })
  await store.open()
  t.teardown(() => store.close())
  const fail = (error: Error) => {
    throw error
  }
  const writer = createBlockWriter({ store, now: () => START, onFailure: fail })
  const intake = createImportIntake(writer)
  let count = 0
  for (const { payload, exporter, port, milliseconds } of datagrams) {
    intake.datagram(payload, parseAddress(exporter)!, port, Math.floor(milliseconds))
    if (++count % 256 === 0) await writer.drained()
  }
  intake.finish()
  await writer.flush()
  const range = (await receivedRange(store, portProtocol.streams))!
  const judge = portProtocol.start(settingsOf(portProtocol, {}), makeSurroundings(nothingKnown))
  const found = new Map<string, Observation>()
  const steps = evaluate({
    store,
    judge,
    streams: portProtocol.streams,
    fromMilliseconds: floorTo(range.fromMilliseconds, STEP_MILLISECONDS),
    toMilliseconds: ceilingTo(range.toMilliseconds + 1, STEP_MILLISECONDS) + portProtocol.settleMilliseconds,
    stepMilliseconds: STEP_MILLISECONDS,
    counts: emptyScanCounts(),
  })
  for await (const { observations } of steps) for (const one of observations) found.set(one.id, one)
  return [...found.values()].filter(({ kind }) => kind === 'finding')
}

function* exported(simulation: Simulation) {
  for (const { payload, exporterAddress, listenerPort, timeMilliseconds } of simulation.datagrams) {
    yield { payload, exporter: exporterAddress, port: listenerPort, milliseconds: timeMilliseconds }
  }
}

t.test('the small company: what is misplaced, and nothing else', async (t) => {
  const simulation = smallCompany(3, { durationMilliseconds: 3_600_000 })
  const found = await overStored(t, exported(simulation))
  const isLabelled = ({ destinationAddresses, destinationTransportPort }: Observation) =>
    simulation.labels.some(
      (label) =>
        label.label === 'port_mismatch' &&
        label.destinationAddress === destinationAddresses[0] &&
        label.destinationTransportPort === destinationTransportPort,
    )
  t.same(
    found.filter((one) => !isLabelled(one)).map(({ title }) => title),
    [],
    'no false finding',
  )
  t.ok(found.length >= 5, `${found.length} of 7 are found`)
})

t.test('an enterprise without anything hidden gives nothing', async (t) => {
  const simulation = enterprise(5, 200, {
    durationMilliseconds: 7_200_000,
    hidden: false,
    webPauseMilliseconds: 120_000,
  })
  const found = await overStored(t, exported(simulation))
  t.same(
    found.map(({ title }) => title),
    [],
  )
})

/** The folder of shared captures: named by CULVERT_SHARED, or found above this file. */
function corpora(): string | undefined {
  const named = process.env['CULVERT_SHARED']
  if (named !== undefined) return join(named, 'corpora')
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    const candidate = join(folder, 'shared', 'corpora')
    if (existsSync(candidate)) return resolve(candidate)
  }
  return undefined
}

t.test('the laboratory: every exporter', async (t) => {
  const folder = corpora()
  const capture = folder === undefined ? '' : join(folder, 'detect', 'pcaps', 'lab_dev_netflow.pcap')
  if (!existsSync(capture)) {
    t.comment('NOT RUN: no shared/corpora folder found (set CULVERT_SHARED); the laboratory was not checked')
    t.pass('the laboratory', { skip: 'no shared/corpora folder found' })
    return
  }
  const labels = readFileSync(join(folder!, 'detect', 'lab_pairs.tsv'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t') as [string, string, string, string])
  const wanted = labels.filter(([, , label]) => ['port_mismatch', 'socks', 'dns_tunnel'].includes(label))
  for (const port of [2055, 2056, 2057, 2058, 2059, 2060]) {
    await t.test(`port ${port}`, async (t) => {
      function* captured() {
        for (const { payload, source, destinationPort, timeMilliseconds } of inputDatagrams(capture)) {
          if (destinationPort !== port) continue
          yield {
            payload,
            exporter: formatAddress(source),
            port: destinationPort,
            milliseconds: timeMilliseconds!,
          }
        }
      }
      const found = await overStored(t, captured())
      const servers = new Set(found.map(({ destinationAddresses }) => destinationAddresses[0]))
      const others = [...servers].filter((server) => !wanted.some(([, other]) => other === server))
      t.same(others, [], 'no benign pair')
      const hits = wanted.filter(([, server]) => servers.has(server)).length
      // One of ten packets leaves what means and regular starts tell.
      t.ok(hits >= (port === 2058 ? 4 : 10), `${hits} of ${wanted.length}`)
    })
  }
})

t.test('the page of detectors names every test, setting and measure of coverage', (t) => {
  const page = readFileSync(new URL('../../../docs/detectors.md', import.meta.url), 'utf8')
  const tests = profiles.flatMap((profile) => profile.tests.map(({ code }) => code))
  const settings = Object.keys(portProtocol.settings.properties)
  for (const name of [...tests, ...settings, 'state-full', 'applications-not-named', 'one-sided']) {
    t.ok(page.includes(`\`${name}\``), name)
  }
  t.end()
})
