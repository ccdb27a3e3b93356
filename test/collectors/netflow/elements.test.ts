// Elements beyond IANA's, lists of RFC 6313, what devices say of themselves, and what of it survives a restart. All
// messages are made by our own encoder.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Value } from 'typebox/value'
import { readIpfixMessages } from '#collectors/capture/ipfix-file.js'
import { createTimeoutMeter } from '#collectors/exporter-watch.js'
import { enterprises, version9Elements } from '#collectors/netflow/enterprise/index.js'
import { MAX_LIST_DEPTH, MAX_LIST_VALUES } from '#collectors/netflow/structured.js'
import { TemplateStore } from '#collectors/netflow/template-store.js'
import { netflowStatus } from '#collectors/status.js'
import { createTemplateArchive } from '#collectors/template-archive.js'
import { ExporterStatus } from '#core/exporters.js'
import { informationElements } from '#core/iana/information-elements.js'
import { createDocuments } from '#core/store/documents.js'
import { concatenate } from '#simulate/encode/bytes.js'
import {
  data,
  ipfix,
  ipfixOptions,
  ipfixTemplate,
  NOW,
  type Pair,
  record,
  simple,
  v9,
  v9Options,
  v9Template,
} from './datagrams.js'
import { createProbe, exporterAddress } from './probe.js'

const VARIABLE = 65_535
const octets = (...parts: (number | string)[]) =>
  parts.flatMap((part) => (typeof part === 'number' ? [part] : [...Buffer.from(part)]))
const u32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]

/** Decodes one record of a template of these fields. */
function decodeOne(pairs: readonly Pair[], body: readonly number[], options = {}) {
  const probe = createProbe(options)
  probe.feed(ipfix([ipfixTemplate(256, pairs), data(256, body)]))
  return probe.flows[0]!
}

t.test("vendors' elements have names and types, also in version 9, and none is there twice", async (t) => {
  for (const [enterpriseNumber, elements] of enterprises) {
    const named = `${enterpriseNumber}: ${elements.length} elements`
    t.equal(new Set(elements.map(([id]) => id)).size, elements.length, `${named}, each id once`)
    t.equal(new Set(elements.map(([, name]) => name)).size, elements.length, `${named}, each name once`)
    t.ok(
      elements.every(([id]) => id > 0 && id < 0x8000),
      `${named}, ids of 15 bits`,
    )
  }
  t.equal(new Set(version9Elements.map(([id]) => id)).size, version9Elements.length)
  const largest = Math.max(...informationElements.map(([id]) => id))
  t.ok(
    version9Elements.every(([id]) => id > largest),
    "no element of IANA's is hidden",
  )
  const { elements } = decodeOne(
    [
      [119, 4, 35_632],
      [33, 2, 6871],
      [33 | 0x4000, 2, 6871],
      [881, 4, 6876],
      [38, 4, 15_397],
      [137, 2, 2636],
      [999, 2, 9],
      [21 | 0x4000, 1, 6871],
      [1, 4, 29_305],
      [0x2001, 1, 29_305],
      [493, 2, 35_632],
      [950, 4, 6876],
      [464, VARIABLE, 6871],
      [338, VARIABLE, 6871],
      [1016, 1, 8057],
    ],
    [
      ...[...octets('DNS', 0), 0, 53, 0, 54, 10, 0, 0, 9, 0x3f, 0xc0, 0, 0, 4, 1, 0, 7],
      ...[8, 0, 0, 0, 9, 6, 0x13, 0x01, 0, 0, 4, 0, ...octets(3, '771')],
      // basicList: ordered, httpServerString (0x806e with the enterprise number) of variable length.
      ...octets(12, 4, 0x80, 0x6e, 255, 255, 0, 0, 0x1a, 0xd7, 2, 'ws'),
      0xff,
    ],
  )
  t.same(elements, {
    ntopL7ProtoName: 'DNS',
    silkAppLabel: 53,
    reverseSilkAppLabel: 54,
    vmwareTenantSourceIPv4: '10.0.0.9',
    proceraQoeIncomingInternal: 1.5,
    commonPropertiesId: '0401',
    '9/999': '0007',
    '6871/16405': '08',
    reverseOctetDeltaCount: 9,
    '29305/8193': '06',
    ntopTlsCipher: 0x1301,
    vmwareRuleId: 1024,
    sslClientJA3Fingerprint: '771',
    httpServerStringList: { semantic: 'ordered', element: 'httpServerString', values: ['ws'] },
    cesnetPacketDirection: -1,
  })
  const probe = createProbe()
  probe.feed(
    v9([
      v9Template(256, [
        [8, 4],
        [57_591, 4],
        [56_702, 5],
        [40_005, 1],
      ]),
      data(256, [10, 0, 0, 1, ...octets('NTP', 0, 'alice'), 1]),
    ]),
  )
  t.match(probe.flows, [
    {
      applicationName: 'NTP',
      userName: 'alice',
      firewallEvent: 1,
      elements: { ntopL7ProtoName: 'NTP', paloAltoUserId: 'alice', asaFirewallEvent: 1 },
    },
  ])
})

t.test("Cisco's client and server fill the addresses where IANA's are not there", async (t) => {
  const pairs: Pair[] = [
    [12_236, 4, 9],
    [12_237, 4, 9],
    [12_240, 2, 9],
    [12_241, 2, 9],
    [4, 1],
    [231, 4],
    [232, 4],
  ]
  const body = [10, 0, 0, 1, 10, 0, 0, 2, 0xc0, 0, 0, 53, 17, 0, 0, 0, 60, 0, 0, 0, 200]
  const wanted = {
    stream: 'flow4',
    sourceAddress: '10.0.0.1',
    destinationAddress: '10.0.0.2',
    sourceTransportPort: 49_152,
    destinationTransportPort: 53,
    octets: 60,
    reverseOctets: 200,
  }
  t.match(decodeOne(pairs, body), wanted)
  const own = decodeOne([[8, 4], [12, 4], ...pairs], [192, 0, 2, 1, 192, 0, 2, 2, ...body])
  t.match(own, { sourceAddress: '192.0.2.1', destinationAddress: '192.0.2.2' })
  const v6 = decodeOne(
    [
      [12_238, 16, 9],
      [12_239, 16, 9],
      [4, 1],
    ],
    [0x20, 1, ...new Array(13).fill(0), 1, 0x20, 1, ...new Array(13).fill(0), 2, 58],
  )
  t.match(v6, { stream: 'icmp6', sourceAddress: '2001::1', destinationAddress: '2001::2' })
})

t.test('configuration and devices (RFC 5610) name elements, of any type', async (t) => {
  const defined = new Map([
    ['4711/1', { name: 'mine', type: 'signed16' as const }],
    ['6871/33', { name: 'myLabel', type: 'unsigned16' as const }],
  ])
  const store = new TemplateStore(() => 0, {}, defined)
  const pairs: Pair[] = [
    [1, 2, 4711],
    [33, 2, 6871],
    [2, 8, 4712],
    [3, 4, 4712],
    [4, 1, 4712],
  ]
  const body = [0xff, 0xfe, 0, 80, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x49, 0x0f, 0xdb, 0xff]
  const probe = createProbe({ store })
  const types = ipfixOptions(
    300,
    [
      [346, 4],
      [303, 2],
      [339, 1],
      [344, 1],
      [341, VARIABLE],
    ],
    2,
  )
  const describe = (id: number, type: number, name: string, enterprise = 4712) => [
    ...u32(enterprise),
    ...[id >> 8, id & 255, type, 0, name.length],
    ...octets(name),
  ]
  probe.feed(ipfix([ipfixTemplate(256, pairs), data(256, body)]))
  t.same(probe.flows[0]?.elements, {
    mine: -2,
    myLabel: 80,
    '4712/2': '8000000000000000',
    '4712/3': '40490fdb',
    '4712/4': 'ff',
  })
  probe.feed(
    ipfix([
      types,
      data(
        300,
        describe(2, 8, 'large'),
        describe(3, 9, 'pi'),
        describe(0x8004, 5, 'small'),
        describe(33, 13, 'stolen', 6871),
        describe(1, 13, 'stolen', 4711),
        describe(9, 13, '__proto__'),
        describe(10, 99, 'unknownType'),
      ),
      data(256, body),
    ]),
  )
  const { elements } = probe.flows[1]!
  t.same(elements, { mine: -2, myLabel: 80, large: '-9223372036854775808', pi: elements?.['pi'], small: -1 })
  t.ok(Math.abs(Number(elements?.['pi']) - Math.PI) < 1e-6, 'float32')
  const other = createProbe()
  other.feed(ipfix([ipfixTemplate(256, pairs), data(256, body)]))
  t.ok(other.flows[0]?.elements?.['4712/2'], 'what one device says is for it alone')
})

t.test('numbers of variable length, and n out of N', async (t) => {
  const pairs: Pair[] = [
    [8, 4],
    [12, 4],
    [4, VARIABLE],
    [1, VARIABLE],
    [7, VARIABLE],
    [152, VARIABLE],
    [309, 2],
    [310, 2],
  ]
  const body = [
    ...[10, 0, 0, 1, 10, 0, 0, 2, 1, 17, 5, 1, 0, 0, 0, 2, 255, 0, 2, 0x12, 0x34],
    ...[8, 0, 0, 1, 0x9e, 0, 0, 0, 0, 0, 2, 1, 0x90],
  ]
  for (const observed of [true, false]) {
    const probe = createProbe({ observed })
    probe.feed(
      ipfix([ipfixTemplate(256, pairs), data(256, body, [9, 9, 9, 9], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1])]),
    )
    probe.finish()
    t.match(probe.flows, [
      {
        protocolIdentifier: 17,
        octets: 0x1_0000_0002,
        sourceTransportPort: 0x1234,
        startMilliseconds: 0x19e * 2 ** 32,
        samplingInterval: 200,
        samplingFrom: 'record',
      },
      { octets: 0, sourceTransportPort: 0, samplingInterval: 1 },
    ])
  }
  const probe = createProbe()
  probe.feed(
    ipfix([
      ipfixOptions(257, [
        [302, 4],
        [309, 4],
        [310, 4],
      ]),
      ipfixTemplate(258, [...simple, [302, 4], [21, 4], [160, 8], [162, 4]]),
      data(257, u32(7), u32(3), u32(300)),
      data(258, record(1), u32(7), u32(10_000), [0, 0, 0, 0, ...u32(1_000_000)], u32(2_500_000)),
    ]),
  )
  t.match(probe.flows, [
    {
      samplingInterval: 100,
      samplingFrom: 'options',
      endMilliseconds: 1_010_000,
      startMilliseconds: 1_007_500,
    },
  ])
})

t.test(
  'what only some devices send: egress counts, times of events, sampling by interface and by probability',
  async (t) => {
    const milliseconds = [0, 0, 0x01, 0x9e, 0, 0, 0, 0]
    const at = 0x19e * 2 ** 32
    const cases: [name: string, pairs: Pair[], body: number[], wanted: Record<string, unknown>][] = [
      [
        'counts behind a middlebox',
        [
          [23, 4],
          [24, 4],
        ],
        [...u32(500), ...u32(5)],
        { octets: 500, packets: 5 },
      ],
      [
        'not where there are others',
        [
          [1, 4],
          [23, 4],
          [2, 4],
          [24, 4],
        ],
        [500, 0, 5, 0].flatMap(u32),
        { octets: 500, packets: 5 },
      ],
      ['an event has one time', [[323, 8]], milliseconds, { startMilliseconds: at, endMilliseconds: at }],
      [
        'a flow and its event',
        [
          [152, 8],
          [323, 8],
        ],
        [0, 0, 0x01, 0x9d, 0, 0, 0, 0, ...milliseconds],
        { startMilliseconds: 0x19d * 2 ** 32, endMilliseconds: at },
      ],
      [
        'a duration goes before the event',
        [
          [153, 8],
          [161, 4],
          [323, 8],
        ],
        [...milliseconds, ...u32(1000), ...u32(9), ...u32(9)],
        { startMilliseconds: at - 1000, endMilliseconds: at },
      ],
      ['a length of Ethernet is no VLAN', [[242, 2]], [5, 220], { vlanId: undefined }],
      [
        'a VLAN',
        [
          [242, 2],
          [243, 2],
        ],
        [5, 220, 0, 7],
        { vlanId: 7 },
      ],
      ['a VLAN of what leaves', [[59, 2]], [0, 9], { vlanId: 9 }],
    ]
    for (const observed of [true, false]) {
      for (const [name, pairs, body, wanted] of cases) {
        const probe = createProbe({ observed })
        probe.feed(ipfix([ipfixTemplate(256, [...simple, ...pairs]), data(256, record(1), body)]))
        probe.finish()
        for (const [key, value] of Object.entries(wanted))
          t.equal(probe.flows[0]?.[key], value, `${name}: ${key}`)
      }
      const sampled: Pair[] = [...simple, [10, 4], [14, 4]]
      const flow = (last: number, ingress: number, egress: number) => [
        ...record(last),
        ...u32(ingress),
        ...u32(egress),
      ]
      const rows = [flow(1, 3, 4), flow(2, 4, 3), flow(3, 8, 4), flow(4, 8, 9)]
      const quarter = [0x3e, 0x80, 0, 0]
      for (const messages of [
        [
          ipfix([
            ipfixOptions(300, [
              [10, 4],
              [34, 4],
            ]),
            ipfixOptions(301, [
              [149, 4],
              [311, 4],
            ]),
          ]),
          ipfix([
            data(
              300,
              ...[
                [3, 100],
                [4, 200],
              ].map((pair) => pair.flatMap(u32)),
            ),
            data(301, u32(1), quarter),
          ]),
          ipfix([ipfixTemplate(256, sampled), data(256, ...rows)]),
        ],
        [
          v9([
            v9Options(300, [
              [2, 4],
              [34, 4],
            ]),
            v9Options(301, [
              [1, 4],
              [50, 4],
            ]),
          ]),
          v9([
            data(
              300,
              ...[
                [3, 100],
                [4, 200],
              ].map((pair) => pair.flatMap(u32)),
            ),
            data(301, u32(0), u32(4)),
          ]),
          v9([v9Template(256, sampled), data(256, ...rows)]),
        ],
      ]) {
        const probe = createProbe({ observed })
        for (const message of messages) probe.feed(message)
        probe.finish()
        t.same(
          probe.flows.map((row) => row['samplingInterval']),
          [100, 200, 200, 4],
        )
        t.same(probe.events.filter(({ event }) => event === 'sampling').length, 3)
      }
    }
  },
)

t.test('lists of RFC 6313 as nested JSON', async (t) => {
  const probe = createProbe()
  const row = (last: number) => record(last)
  const listed = (last: number) => ({
    sourceIPv4Address: `10.0.0.${last}`,
    destinationIPv4Address: `10.0.1.${last}`,
    protocolIdentifier: 17,
  })
  probe.feed(
    ipfix([
      ipfixTemplate(400, simple),
      ipfixTemplate(401, [[96, VARIABLE]]),
      ipfixTemplate(402, [...simple, [291, VARIABLE], [292, VARIABLE], [293, VARIABLE]]),
      data(
        402,
        row(1),
        // basicList: ordered, applicationName of variable length.
        [9, 4, 0, 96, 255, 255, ...octets(1, 'a', 2, 'bc')].with(0, 10),
        // subTemplateList: allOf template 400.
        [21, 3, 1, 0x90, ...row(2), ...row(3)],
        // subTemplateMultiList: one of 400, two of 401, one of a template that is not known.
        [
          1 + 13 + 8 + 6,
          255,
          1,
          0x90,
          0,
          13,
          ...row(4),
          1,
          0x91,
          0,
          8,
          ...octets(1, 'x', 1, 'y'),
          9,
          9,
          0,
          6,
          7,
          8,
        ],
      ),
    ]),
  )
  t.same(probe.reasons(), [])
  t.match(probe.flows[0]?.elements, {
    sourceIPv4Address: '10.0.0.1',
    basicList: { semantic: 'ordered', element: 'applicationName', values: ['a', 'bc'] },
    subTemplateList: { semantic: 'allOf', templateId: 400, records: [listed(2), listed(3)] },
    subTemplateMultiList: {
      semantic: 'undefined',
      lists: [
        { templateId: 400, records: [listed(4)] },
        { templateId: 401, records: [{ applicationName: 'x' }, { applicationName: 'y' }] },
        { templateId: 0x909, records: [], undecoded: '0708' },
      ],
    },
  })
  const list = (...body: number[]) =>
    decodeOne([[291, VARIABLE]], [body.length, ...body]).elements?.['basicList']
  t.same(list(3), { semantic: 'allOf' }, 'a list that ends within its head')
  t.same(list(3, 0, 4, 0, 0, 6), {
    semantic: 'allOf',
    element: 'protocolIdentifier',
    values: [],
    undecoded: '06',
  })
  t.same(list(7, 0x80, 5, 0, 1, 0, 0, 0, 77, 1, 2), { semantic: '7', element: '77/5', values: ['01', '02'] })
  t.same(list(3, 0, 8, 0, 4, 1, 2, 3, 4, 5), {
    semantic: 'allOf',
    element: 'sourceIPv4Address',
    values: ['1.2.3.4'],
    undecoded: '05',
  })
})

t.test('lists cost what they hold, however deep and however many', async (t) => {
  const probe = createProbe()
  let nested: number[] = [3, 1, 0x90]
  for (let depth = 0; depth < 60; depth++)
    nested = [3, 1, 0x90, 255, nested.length >> 8, nested.length & 255, ...nested]
  probe.feed(
    ipfix([
      ipfixTemplate(400, [[292, VARIABLE]]),
      data(400, [255, nested.length >> 8, nested.length & 255, ...nested]),
    ]),
  )
  let depth = 0
  for (
    let value = probe.flows[0]?.elements?.['subTemplateList'] as Record<string, unknown> | undefined;
    value;
    depth++
  )
    value = (value['records'] as Record<string, Record<string, unknown>>[] | undefined)?.[0]?.[
      'subTemplateList'
    ]
  t.equal(depth, MAX_LIST_DEPTH + 1)

  const many = decodeOne([[291, VARIABLE]], [255, 0xea, 0x65, 3, 0, 4, 0, 1, ...new Array(0xea60).fill(6)])
  const { values, undecoded } = many.elements!['basicList'] as { values: number[]; undecoded: string }
  t.equal(values.length, MAX_LIST_VALUES)
  t.equal(undecoded.length, 2 * (0xea60 - MAX_LIST_VALUES))

  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(291, 292, 293), (body, id) => {
      const one = createProbe()
      one.feed(
        ipfix([
          ipfixTemplate(400, [[id, VARIABLE]]),
          data(400, concatenate([Uint8Array.of(body.length), body])),
        ]),
      )
      return one.flows.length === 1
    }),
    { numRuns: 500 },
  )
})

t.test('long application ids, names of interfaces and VRFs, who the exporter says that it is', async (t) => {
  const probe = createProbe()
  const long = [20, 0, 0, 0x30, 0x44, 0, 0, 0x8f, 0x34]
  probe.feed(
    v9([
      v9Options(300, [
        [1, 4],
        [95, 9],
        [96, 6],
      ]),
      v9Options(301, [
        [2, 4],
        [82, 4],
      ]),
      v9Options(302, [
        [1, 4],
        [234, 4],
        [236, 3],
      ]),
      data(300, [0, 0, 0, 0], long, octets('WebRTC')),
      data(301, u32(3), octets('Gi03')),
      data(302, u32(0), u32(5), octets('red')),
      v9Template(256, [...simple, [95, 9], [130, 4], [403, 4]]),
      data(256, record(1), long, [198, 51, 100, 7], [203, 0, 113, 9]),
    ]),
    { at: NOW },
  )
  t.match(probe.flows, [{ applicationName: 'WebRTC', applicationId: Buffer.from(long).toString('hex') }])
  const [exporter] = probe.decoder.store.exporters
  const status = netflowStatus(probe.decoder, exporter!, createTimeoutMeter(), NOW)
  t.match(status.observationDomains[0], {
    applicationNames: [{ id: Buffer.from(long).toString('hex'), name: 'WebRTC', learntAtMilliseconds: NOW }],
    interfaceNames: [{ id: '3', name: 'Gi03', learntAtMilliseconds: NOW }],
    vrfNames: [{ id: '5', name: 'red', learntAtMilliseconds: NOW }],
    reportedExporterAddresses: ['198.51.100.7'],
    originalExporterAddresses: ['203.0.113.9'],
  })
  t.ok(
    Value.Check(ExporterStatus, { ...status, recordsPerSecond: 0, datagramsPerSecond: 0 }),
    'as the API describes it',
  )
})

t.test('what options data taught survives a restart', async (t) => {
  const documents = createDocuments({ location: join(t.testdir(), 'documents') })
  await documents.open()
  let now = NOW
  const archive = createTemplateArchive(documents, () => now)
  const probe = createProbe()
  const options = ipfixOptions(300, [
    [302, 4],
    [34, 4],
    [160, 8],
    [95, 4],
    [96, 4],
  ])
  const rows: Pair[] = [...simple, [302, 4], [22, 4], [95, 4]]
  const body = [...record(1), ...u32(2), ...u32(1000), 13, 0, 0, 9]
  probe.feed(
    ipfix([
      options,
      ipfixTemplate(256, rows),
      data(300, u32(2), u32(64), [0, 0, 0, 0, ...u32(5000)], [13, 0, 0, 9], octets('ssh', 0)),
    ]),
    { at: NOW },
  )
  const domain = [...probe.decoder.store.exporters[0]!.domains.values()][0]!
  for (const stored of domain.templates.values()) archive.keep(domain, stored)
  archive.keepOptions(domain)
  await archive.write()

  const restart = async () => {
    const store = new TemplateStore()
    t.equal(await createTemplateArchive(documents).restore(store), 2)
    const again = createProbe({ store })
    again.feed(ipfix([data(256, body)]))
    return again.flows[0]
  }
  const wanted = { samplingInterval: 64, startMilliseconds: 6000, applicationName: 'ssh' }
  t.match(await restart(), wanted)

  // A change that comes soon is written later, and at the end in any case.
  domain.samplers.set(2, { interval: 128, learntMilliseconds: now })
  archive.keepOptions(domain)
  now += 1000
  await archive.write()
  t.match(await restart(), wanted, 'not yet')
  now += 10_000
  await archive.write()
  t.match(await restart(), { ...wanted, samplingInterval: 128 })
  domain.samplers.set(2, { interval: 256, learntMilliseconds: now })
  archive.keepOptions(domain)
  await archive.write(true)
  t.match(await restart(), { ...wanted, samplingInterval: 256 })
  t.ok(exporterAddress, 'one exporter')
  await documents.close()
})

t.test('files of RFC 5655 are read message by message', async (t) => {
  const file = join(t.testdir(), 'flows.ipfix')
  const first = ipfix([ipfixTemplate(256, simple), data(256, record(1))])
  const large = ipfix([data(256, new Uint8Array(65_000))])
  const messages = [first, ...Array.from({ length: 40 }, () => large), first]
  writeFileSync(file, concatenate(messages))
  const read = [...readIpfixMessages(file)]
  t.same(
    read.map(({ payload }) => payload.length),
    messages.map(({ length }) => length),
  )
  t.equal(read[0]?.exportMilliseconds, NOW)
  writeFileSync(file, concatenate([first, first.subarray(0, 40)]))
  t.same(
    [...readIpfixMessages(file)].map(({ payload }) => payload.length),
    [first.length, 40],
    'what is cut off is given as it is',
  )
  writeFileSync(file, concatenate([first, Uint8Array.of(1, 2, 3)]))
  t.equal([...readIpfixMessages(file)].length, 2)
  t.throws(() => [...readIpfixMessages(`${file}.none`)], { code: 'INPUT_UNREADABLE' })
})
