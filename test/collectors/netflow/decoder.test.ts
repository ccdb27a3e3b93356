/** What a datagram may hold and what is made of it: lies about lengths, odd fields, several messages, and what it may cost. */
import t from 'tap'
import { MAX_FIELDS_PER_TEMPLATE } from '#collectors/netflow/template.js'
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
  v5,
  v9,
  v9Template,
} from './datagrams.js'
import { createProbe, type Probe } from './probe.js'

const sources = (probe: Probe) => probe.flows.map((flow) => flow['sourceAddress'])

t.test('times beyond the year 9999 are unknown, and told', async (t) => {
  const most = 253_402_300_799_999n
  const u64 = (value: bigint) => [...Buffer.from(value.toString(16).padStart(16, '0'), 'hex')]
  const absolute: readonly Pair[] = [...simple, [152, 8], [153, 8]]
  const lasting: readonly Pair[] = [...simple, [152, 8], [161, 4]]
  const upTimes: readonly Pair[] = [...simple, [160, 8], [22, 4]]
  for (const observed of [true, false]) {
    const probe = createProbe({ observed })
    const templates = [absolute, lasting, upTimes].map((fields, index) => ipfixTemplate(256 + index, fields))
    const options = ipfixOptions(259, [
      [149, 4],
      [160, 8],
    ])
    probe.feed(ipfix([...templates, options]))
    probe.feed(ipfix([data(256, record(1), u64(most), u64(most))]))
    t.same(probe.reasons(), [], 'the last there is')
    probe.feed(
      ipfix([data(256, record(2), u64(2n ** 64n - 1n), u64(5n), record(3), u64(5n), u64(most + 1n))]),
    )
    t.same(probe.reasons(), ['time-impossible'], 'once a set')
    probe.feed(ipfix([data(257, record(4), u64(most), [0, 0, 0, 1])]))
    probe.feed(ipfix([data(258, record(5), u64(2n ** 63n), [0, 0, 0, 1])]))
    probe.feed(ipfix([data(259, [0, 0, 0, 1], u64(2n ** 63n))]))
    t.same(new Set(probe.reasons()), new Set(['time-impossible']))
    t.equal(probe.reasons().length, 4)
    const [domain] = probe.decoder.store.exporters[0]!.domains.values()
    t.ok(Number.isNaN(domain!.systemInitMilliseconds))
    probe.finish()
    t.same(
      probe.flows.map(({ startMilliseconds, endMilliseconds }) => [startMilliseconds, endMilliseconds]),
      [
        [Number(most), Number(most)],
        [undefined, 5],
        [5, undefined],
        [Number(most), undefined],
        [undefined, undefined],
      ],
    )
  }
})

t.test('strings that are no UTF-8 are kept and told', async (t) => {
  const names: readonly Pair[] = [...simple, [371, 65_535]]
  const options: readonly Pair[] = [
    [10, 4],
    [82, 65_535],
  ]
  const text = (value: string | number[]) => {
    const octets = typeof value === 'string' ? [...Buffer.from(value)] : value
    return octets.length < 255
      ? [octets.length, ...octets]
      : [255, octets.length >> 8, octets.length & 0xff, ...octets]
  }
  const latin1 = [0x4d, 0xfc, 0x6c, 0x6c]
  for (const observed of [true, false]) {
    const probe = createProbe({ observed })
    probe.feed(ipfix([ipfixTemplate(256, names), ipfixOptions(257, options)]))
    probe.feed(ipfix([data(256, record(1), text('Müller'), record(2), text('\uFFFD is a character'))]))
    t.same(probe.reasons(), [], 'well formed')
    probe.feed(ipfix([data(256, record(3), text(latin1), record(4), text(latin1))]))
    t.same(probe.undecoded.splice(0), [
      { reason: 'string-not-utf8', setId: 256, octets: 0, exporter: '192.0.2.1', domain: 1 },
    ])
    // A name that is cut between two octets of a character was well formed.
    probe.feed(ipfix([data(257, [0, 0, 0, 7], text('ä'.repeat(200)))]))
    t.same(probe.reasons(), [], 'a long name')
    probe.feed(ipfix([data(257, [0, 0, 0, 8], text(latin1))]))
    t.same(probe.reasons(), ['string-not-utf8'])
    const [domain] = probe.decoder.store.exporters[0]!.domains.values()
    t.same(
      [...domain!.interfaces.values()].map(({ name }) => name),
      ['ä'.repeat(127), 'M\uFFFDll'],
    )
    probe.finish()
    t.same(
      probe.flows.map((flow) => flow['userName']),
      ['Müller', '\uFFFD is a character', 'M\uFFFDll', 'M\uFFFDll'],
    )
  }
})

t.test('padding is not data, and lies about lengths and counts lose no more than they must', async (t) => {
  const cases: [name: string, datagram: Uint8Array, flows: number, reasons: string[]][] = [
    [
      'a tail of zeros',
      concatenate([v9([v9Template(256, simple), data(256, record(1))]), new Uint8Array(300)]),
      1,
      [],
    ],
    [
      'a set of length 0 that is no tail',
      concatenate([v9([v9Template(256, simple), data(256, record(1))]), Uint8Array.of(1, 0, 0, 0, 9)]),
      1,
      ['set-length-below-header'],
    ],
    [
      'a data set with 3 octets of padding',
      v9([v9Template(256, simple), data(256, record(1), [0, 0, 0])]),
      1,
      [],
    ],
    [
      'a template set with 7 octets of padding',
      v9([
        { setId: 0, body: concatenate([v9Template(256, simple).body, new Uint8Array(7)]) },
        data(256, record(1)),
      ]),
      1,
      [],
    ],
    ['a header and nothing else', v9([]), 0, []],
    [
      'three octets behind the last set',
      concatenate([v9([v9Template(256, simple), data(256, record(1))]), Uint8Array.of(1, 2, 3)]),
      1,
      [],
    ],
    [
      'a set past the end',
      v9([v9Template(256, simple), data(256, record(1), record(2))]).subarray(0, -1),
      0,
      ['set-past-end'],
    ],
    [
      'a reserved set',
      v9([data(2, [1]), data(255, [1]), v9Template(256, simple), data(256, record(1))]),
      1,
      ['set-id-reserved', 'set-id-reserved'],
    ],
  ]
  t.plan(cases.length * 2)
  for (const [name, datagram, flows, reasons] of cases) {
    const probe = createProbe()
    probe.feed(datagram)
    t.equal(probe.flows.length, flows, name)
    t.same(probe.reasons(), reasons)
  }
})

t.test('a datagram may hold several IPFIX messages, of several domains', async (t) => {
  const probe = createProbe()
  const first = ipfix([ipfixTemplate(256, simple), data(256, record(1))], { domain: 1 })
  const second = ipfix([ipfixTemplate(256, simple), data(256, record(2))], { domain: 2 })
  const third = ipfix([data(256, record(3))], { domain: 1, sequence: 1 })
  probe.feed(concatenate([first, second, third, Uint8Array.of(0xff, 0xff, 0xff)]), { at: NOW })
  t.same(sources(probe), ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  t.same(probe.undecoded, [])
  for (const { statistics } of probe.decoder.store.exporters[0]!.domains.values())
    t.equal(statistics.lastSeenMilliseconds, NOW, 'each domain was seen')

  const short = ipfix([ipfixTemplate(256, simple), data(256, record(1), [0, 0])])
  short[3]! -= 2
  probe.feed(short)
  t.equal(probe.flows.length, 4, 'a last set that ends with the datagram, two octets behind its message')
  t.same(probe.undecoded, [])
  const long = ipfix([ipfixTemplate(256, simple), data(256, record(1))])
  long[3]! += 9
  probe.feed(long)
  t.equal(probe.flows.length, 5, 'a message length past the datagram')
  t.same(probe.reasons(), ['length-exceeds-datagram'])
})

t.test('NetFlow v5 counts more or fewer records than there are', async (t) => {
  const probe = createProbe()
  const more = v5(2)
  more[3] = 30
  probe.feed(more)
  t.equal(probe.flows.length, 2)
  const fewer = v5(3)
  fewer[3] = 1
  probe.feed(fewer)
  t.equal(probe.flows.length, 3)
  probe.feed(v5(2).subarray(0, 24 + 48 + 20))
  t.equal(probe.flows.length, 4)
  t.same(
    probe.undecoded.map(({ reason, octets }) => [reason, octets]),
    [
      ['count-exceeds-datagram', 0],
      ['count-exceeds-datagram', 20],
    ],
  )
})

t.test(
  'both families in one template: the one that is not zero, 0.0.0.0 and :: being sources too',
  async (t) => {
    const both: readonly Pair[] = [
      [8, 4],
      [12, 4],
      [27, 16],
      [28, 16],
      [4, 1],
    ]
    const four = (source: number, destination: number) =>
      [10, 0, 0, source, 10, 0, 1, destination].map((octet) =>
        source === 0 && destination === 0 ? 0 : octet,
      )
    const none = new Uint8Array(16)
    const group = Uint8Array.of(0xff, 2, ...new Uint8Array(13), 1)
    const cases: [name: string, octets: Uint8Array[], stream: string, source: string, destination: string][] =
      [
        ['IPv4', [Uint8Array.from(four(1, 2)), none, none], 'flow4', '10.0.0.1', '10.0.1.2'],
        ['IPv6', [new Uint8Array(8), group, group], 'flow6', 'ff02::1', 'ff02::1'],
        [
          'a host without an address asks by IPv4',
          [Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255), none, none],
          'flow4',
          '0.0.0.0',
          '255.255.255.255',
        ],
        [
          'a host without an address asks by IPv6',
          [new Uint8Array(8), none, group],
          'flow6',
          '::',
          'ff02::1',
        ],
        ['nothing at all', [new Uint8Array(8), none, none], 'flow4', '0.0.0.0', '0.0.0.0'],
      ]
    t.plan(cases.length)
    for (const [name, octets, stream, sourceAddress, destinationAddress] of cases) {
      const probe = createProbe()
      probe.feed(v9([v9Template(256, both), data(256, ...octets, [17])]))
      t.match(probe.flows[0], { stream, sourceAddress, destinationAddress }, name)
    }
  },
)

t.test('NAT addresses: by IANA, by the numbers of old ASAs, and 0.0.0.0 as sent', async (t) => {
  const probe = createProbe()
  const iana: readonly Pair[] = [...simple, [225, 4], [226, 4], [227, 2], [228, 2]]
  const asa: readonly Pair[] = [...simple, [40001, 4], [40002, 4], [40003, 2], [40004, 2], [40005, 1]]
  const nat = [192, 0, 2, 9, 0, 0, 0, 0, 0, 80, 1, 0]
  const wanted = {
    postNATSourceAddress: '192.0.2.9',
    postNATDestinationAddress: '0.0.0.0',
    postNAPTSourceTransportPort: 80,
    postNAPTDestinationTransportPort: 256,
  }
  probe.feed(v9([v9Template(256, iana), data(256, record(1), nat)]))
  probe.feed(v9([v9Template(257, asa), data(257, record(2), nat, [2])]))
  t.match(probe.flows, [wanted, { ...wanted, firewallEvent: 2 }])
})

t.test('sampling fields behind one of variable length, and an interval without its space', async (t) => {
  const probe = createProbe()
  probe.feed(
    ipfix([
      ipfixTemplate(256, [...simple, [96, 65_535], [305, 4], [306, 4]]),
      data(256, record(1), [3, 97, 98, 99], [0, 0, 0, 1], [0, 0, 0, 99]),
      ipfixTemplate(257, [...simple, [305, 4]]),
      data(257, record(2), [0, 0, 0, 1]),
    ]),
  )
  t.match(probe.flows[0], { samplingInterval: 100, samplingFrom: 'record', applicationName: 'abc' })
  t.notOk('samplingInterval' in probe.flows[1]!)
})

t.test('the cost of a datagram follows from its octets, however it is made', async (t) => {
  const nothing: Pair[] = Array.from({ length: MAX_FIELDS_PER_TEMPLATE - 1 }, (_, index) => [index + 1, 0])
  const body = new Uint8Array(60_000)
  const zeros = new Uint8Array(65_000)
  zeros[zeros.length - 1] = 1
  const held = createProbe()
  for (let index = 0; index < 10; index++) held.feed(v9(Array.from({ length: 400 }, () => data(300, [1]))))
  const cases: [name: string, budgetMilliseconds: number, probe: Probe, datagrams: Uint8Array[]][] = [
    [
      'records of one octet with a thousand fields of none',
      1500,
      createProbe({ observed: false, capacity: 1000 }),
      [ipfix([ipfixTemplate(256, [...nothing, [4, 1]])]), ipfix([data(256, body)])],
    ],
    [
      'the same of variable length',
      600,
      createProbe({ observed: false, capacity: 1000 }),
      [ipfix([ipfixTemplate(256, [...nothing, [96, 65_535]])]), ipfix([data(256, body)])],
    ],
    [
      'the same as options',
      400,
      createProbe({ observed: false }),
      [ipfix([ipfixOptions(256, [[149, 1], ...nothing])]), ipfix([data(256, body)])],
    ],
    [
      'zeros in a template set, and one that is none at the end',
      600,
      createProbe({ observed: false }),
      [v9([{ setId: 0, body: zeros }])],
    ],
    [
      'templates for sets that wait for others',
      2000,
      held,
      [
        v9([
          {
            setId: 0,
            body: concatenate(
              Array.from({ length: 8000 }, (_, index) => v9Template(301 + index, [[4, 1]]).body),
            ),
          },
        ]),
      ],
    ],
  ]
  t.plan(cases.length)
  for (const [name, budgetMilliseconds, probe, datagrams] of cases) {
    const start = process.cpuUsage()
    for (let times = 0; times < 3; times++) for (const datagram of datagrams) probe.feed(datagram)
    const { user } = process.cpuUsage(start)
    // The budgets are some three times what it takes, and less than when each field or octet is looked at again.
    t.ok(user < budgetMilliseconds * 1000, `${name}: ${Math.round(user / 1000)} ms`)
  }
})

/** Feeds numbers with their records; the events but "none". */
