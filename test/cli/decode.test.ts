// `culvert decode` as people and programs run it: in a process of its own, on files.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { concatenate } from '#simulate/encode/bytes.js'
import { pcapChunks } from '#simulate/pcap.js'
import { connection, rawPcap, tcpPacket } from '../collectors/capture/segments.js'
import {
  data,
  ipfix,
  ipfixOptions,
  ipfixTemplate,
  NOW,
  type Pair,
  record,
  simple,
  v5,
  v9,
  v9Template,
} from '../collectors/netflow/datagrams.js'
import { command, plainNode } from '../support/project.js'

type Line = Record<string, unknown>

function culvert(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('env', [...plainNode, command, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const lines = stdout === '' ? [] : stdout.trimEnd().split('\n')
  return { status, stderr, lines, objects: () => lines.map((line) => JSON.parse(line) as Line) }
}

const sent = (payload: Uint8Array, exporterAddress = '192.0.2.33', listenerPort = 4739) => ({
  timeMilliseconds: NOW + 500,
  exporterAddress,
  sourcePort: 50_000,
  listenerPort,
  transport: 'udp' as const,
  payload,
})

const biflow: readonly Pair[] = [
  ...simple,
  [7, 2],
  [11, 2],
  [1, 8],
  [2, 4],
  [1, 8, 29_305],
  [2, 4, 29_305],
  [152, 8],
  [153, 8],
  [82, 65_535],
  [82, 65_535],
  [100, 3, 9],
]
const time = (milliseconds: number) =>
  [...new Uint8Array(new BigUint64Array([BigInt(milliseconds)]).buffer)].reverse()

t.test('a capture: one line a thing, with the names of the contract', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'own.pcap')
  const flow = data(
    256,
    record(1, 6),
    [0xc3, 0x50, 0, 22],
    // 2^53, which a double cannot be trusted with.
    [0, 0x20, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 3],
    [0, 0, 0, 0, 0, 0, 2, 0],
    [0, 0, 0, 2],
    time(NOW - 1000),
    time(NOW),
    [2, 97, 98],
    [1, 99],
    [1, 2, 3],
  )
  const capture = pcapChunks([
    sent(ipfix([flow], { domain: 9 })),
    sent(
      ipfix(
        [
          ipfixTemplate(256, biflow),
          ipfixOptions(257, [
            [149, 4],
            [34, 4],
          ]),
        ],
        { domain: 9 },
      ),
    ),
    sent(ipfix([data(257, [0, 0, 0, 9, 0, 0, 0, 100]), flow, data(300, [1, 2, 3])], { domain: 9 })),
    sent(v5(1), '192.0.2.44', 2055),
    sent(Uint8Array.of(0, 77, 1, 2)),
  ])
  writeFileSync(path, Buffer.concat([...capture]))
  const { status, stderr, objects } = culvert('decode', path)
  t.equal(status, 0, stderr)
  const [template, held, options, optionsRecord, plain, old, refused, waiting, ...more] = objects()
  const place = { file: 'own.pcap', receivedMilliseconds: NOW + 500, protocolVersion: 10 }
  const from = { exporterAddress: '192.0.2.33', listenerPort: 4739, observationDomainId: 9 }
  const addresses = { sourceAddress: '10.0.0.1', destinationAddress: '10.0.1.1' }
  const rest = {
    ...addresses,
    sourceTransportPort: 50_000,
    destinationTransportPort: 22,
    protocolIdentifier: 6,
    octets: '9007199254740992',
    packets: 3,
    reverseOctets: 512,
    reversePackets: 2,
    startMilliseconds: NOW - 1000,
    endMilliseconds: NOW,
    elements: {
      sourceIPv4Address: '10.0.0.1',
      destinationIPv4Address: '10.0.1.1',
      protocolIdentifier: 6,
      sourceTransportPort: 50_000,
      destinationTransportPort: 22,
      octetDeltaCount: '9007199254740992',
      packetDeltaCount: 3,
      reverseOctetDeltaCount: 512,
      reversePacketDeltaCount: 2,
      flowStartMilliseconds: NOW - 1000,
      flowEndMilliseconds: NOW,
      interfaceName: ['ab', 'c'],
      '9/100': '010203',
    },
  }
  t.match(template, {
    kind: 'template',
    ...place,
    ...from,
    datagram: 1,
    set: 0,
    templateId: 256,
    options: false,
  })
  t.same((template?.['fields'] as Line[] | undefined)?.at(-1), {
    name: '9/100',
    elementId: 100,
    enterpriseNumber: 9,
    length: 3,
  })
  t.same(held, {
    kind: 'flow',
    ...place,
    datagram: 0,
    set: 0,
    record: 0,
    ...from,
    templateId: 256,
    held: true,
    ...rest,
  })
  t.match(options, { kind: 'template', datagram: 1, set: 1, templateId: 257, options: true })
  t.same(optionsRecord, {
    kind: 'options',
    ...place,
    datagram: 2,
    set: 0,
    record: 0,
    ...from,
    templateId: 257,
    elements: { observationDomainId: 9, samplingInterval: 100 },
  })
  t.same(plain, {
    kind: 'flow',
    ...place,
    datagram: 2,
    set: 1,
    record: 0,
    ...from,
    templateId: 256,
    samplingInterval: 100,
    samplingFrom: 'options',
    ...rest,
  })
  t.match(old, {
    kind: 'flow',
    protocolVersion: 5,
    exporterAddress: '192.0.2.44',
    listenerPort: 2055,
    datagram: 3,
  })
  t.notOk('templateId' in old!, 'v5 sends no template id')
  t.same(refused, {
    kind: 'undecoded',
    file: 'own.pcap',
    datagram: 4,
    receivedMilliseconds: NOW + 500,
    protocolVersion: 77,
    set: 0,
    exporterAddress: '192.0.2.33',
    listenerPort: 4739,
    reason: 'version-unknown',
    setId: 0,
    octets: 4,
  })
  t.same(
    waiting,
    {
      kind: 'undecoded',
      ...place,
      datagram: 2,
      set: 2,
      ...from,
      reason: 'template-unknown',
      setId: 300,
      octets: 3,
    },
    'at the end: what waited for a template that never came, under its own exporter',
  )
  t.same(more, [])
})

t.test('files of one datagram: in the order given, one state, at no known time', async (t) => {
  const folder = t.testdir()
  const write = (name: string, octets: Uint8Array) => {
    writeFileSync(join(folder, name), octets)
    return join(folder, name)
  }
  const early = write('b.dat', v9([data(256, record(1))]))
  const template = write('a.dat', v9([v9Template(256, simple)]))
  const { status, objects } = culvert('decode', early, template)
  t.equal(status, 0)
  t.match(objects(), [
    { kind: 'template', file: 'a.dat', datagram: 0 },
    {
      kind: 'flow',
      file: 'b.dat',
      datagram: 0,
      held: true,
      exporterAddress: '192.0.2.1',
      listenerPort: 2055,
    },
  ])
  t.ok(objects().every((line) => !('receivedMilliseconds' in line)))
  const swapped = culvert('decode', template, early).objects()
  t.notOk('held' in swapped[1]!, 'the other way round nothing waits')
  const alone = culvert('decode', early)
  t.equal(alone.status, 0, 'whatever was found')
  t.match(alone.objects(), [{ kind: 'undecoded', reason: 'template-unknown' }])
  const short = culvert('decode', write('c.dat', Uint8Array.of(9))).objects()
  t.match(short, [
    { kind: 'undecoded', reason: 'datagram-too-short', octets: 1, exporterAddress: '192.0.2.1' },
  ])
  t.notOk('protocolVersion' in short[0]!, 'one octet has no version')
})

t.test('--udp-port keeps datagrams of these ports, and files may follow it', async (t) => {
  const path = join(t.testdir(), 'ports.pcap')
  const list = [2055, 9995, 4739].map((port) => sent(v5(1), '192.0.2.33', port))
  writeFileSync(path, Buffer.concat([...pcapChunks(list)]))
  const ports = (...args: string[]) =>
    culvert('decode', ...args)
      .objects()
      .map((line) => [line['listenerPort'], line['datagram']])
  t.same(ports('--udp-port', '2055', '--udp-port', '4739', path), [
    [2055, 0],
    [4739, 2],
  ])
  t.same(ports(path, '--udp-port', '9995', '--json'), [[9995, 1]])
})

t.test('IPFIX over TCP: each connection has its own templates, and gaps are told', async (t) => {
  const folder = t.testdir({
    'elements.yaml':
      'elements:\n  - { enterpriseNumber: 32473, elementId: 7, name: acmeRoom, type: string }\n',
    'wrong.yaml': 'elements: 7\n',
  })
  const path = join(folder, 'streams.pcap')
  const room: readonly Pair[] = [...simple, [7, 65_535, 32_473]]
  const ports = { sourcePort: 50_001 }
  const one = connection([
    ipfix([ipfixTemplate(256, simple)]),
    ipfix([data(256, record(1))]),
    ipfix([data(256, record(2))]),
    ipfix([data(256, record(3))]),
  ])
  const other = connection(
    [ipfix([ipfixTemplate(256, room), data(256, record(4), [4, 65, 49, 48, 55])])],
    ports,
  )
  const segments = [one[0]!, one[1]!, ...other, one[2]!, one[4]!]
  writeFileSync(path, rawPcap(segments.map(tcpPacket), NOW))
  const { status, objects, stderr } = culvert('decode', '--config', join(folder, 'elements.yaml'), path)
  t.equal(status, 0, stderr)
  t.match(
    objects().filter(({ kind }) => kind !== 'template'),
    [
      { sourceAddress: '10.0.0.4', exporterAddress: '192.0.2.33', elements: { acmeRoom: 'A107' } },
      { sourceAddress: '10.0.0.1', listenerPort: 4739 },
      {
        kind: 'undecoded',
        reason: 'stream-gap',
        octets: 29,
        exporterAddress: '192.0.2.33',
        listenerPort: 4739,
      },
      { sourceAddress: '10.0.0.3' },
    ],
  )
  t.same(culvert('decode', '--udp-port', '4739', path).lines, [])
  t.same(culvert('decode', '--tcp-port', '4740', path).lines, [])
  t.equal(culvert('decode', '--tcp-port', '4739', path).lines.length, 6)
  const wrong = culvert('decode', '--config', join(folder, 'wrong.yaml'), path)
  t.equal(wrong.status, 1)
  t.match(wrong.stderr, /wrong\.yaml:1:11: elements/)

  const stored = join(folder, 'data')
  const imported = culvert('import', path, '--data', stored, '--json')
  t.match(JSON.parse(imported.lines[0]!), { datagrams: 4, undecoded: { 'stream-gap': 1 } })
})

t.test('exit codes: 0, 1 for what cannot be read, 2 for what cannot be understood', async (t) => {
  const folder = t.testdir({ 'text.pcap': 'no capture at all' })
  const cases: [args: string[], status: number, message: RegExp][] = [
    [
      ['decode', join(folder, 'none.pcap')],
      1,
      /^culvert: .*none\.pcap: cannot be opened\n {2}because: ENOENT/,
    ],
    [['decode', join(folder, 'none.dat')], 1, /^culvert: .*none\.dat: cannot be read\n {2}because: ENOENT/],
    [['decode', folder], 1, /^culvert: .*: cannot be read\n {2}because: EISDIR[^\n]*\n$/],
    [['decode', join(folder, 'text.pcap')], 1, /^culvert: .*text\.pcap: neither pcap nor pcapng\n$/],
    [['decode', '--unknown', join(folder, 'text.pcap')], 2, /unknown option '--unknown'/],
    [['decode', '--udp-port', '70000', 'x.pcap'], 2, /a port is a number from 1 to 65535/],
    [['decode'], 2, /missing required argument/],
    [['nonsense'], 2, /unknown command|too many arguments/],
    [['decode', '--help'], 0, /^$/],
    [['--version'], 0, /^$/],
  ]
  t.plan(cases.length * 2)
  for (const [args, status, message] of cases) {
    const found = culvert(...args)
    t.equal(found.status, status, args.join(' '))
    t.match(found.stderr, message)
  }
})

t.test('a reader that goes away ends the command quietly', async (t) => {
  const path = join(t.testdir(), 'many.dat')
  const records = Array.from({ length: 5000 }, (_, index) => record(index & 0xff))
  writeFileSync(path, concatenate([v9([v9Template(256, simple), data(256, ...records)])]))
  const child = spawn('env', [...plainNode, command, 'decode', path, path, path, path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString()
  })
  child.stdout.once('data', () => child.stdout.destroy())
  const [status, signal] = await once(child, 'exit')
  t.same([status, signal, said], [0, null, ''])
})

t.test('a capture that is cut off is read up to there, and standard error says so', async (t) => {
  const path = join(t.testdir(), 'cut.pcap')
  const whole = concatenate([...pcapChunks([sent(v5(1)), sent(v5(1))])])
  writeFileSync(path, whole)
  const before = culvert('decode', path)
  writeFileSync(path, whole.subarray(0, -7))
  const { status, stderr, lines } = culvert('decode', path)
  t.equal(status, 0)
  t.match(stderr, /^culvert: .*cut\.pcap: ends within a packet, after 1 packet\n$/)
  t.equal(lines.length * 2, before.lines.length)
  writeFileSync(path, '')
  t.match(culvert('decode', path), { status: 1, stderr: /cut\.pcap: neither pcap nor pcapng: it is empty/ })
})
