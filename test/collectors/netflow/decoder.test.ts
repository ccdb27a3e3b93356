import t from 'tap'
import { Value } from 'typebox/value'
import { createTimeoutMeter } from '#collectors/exporter-watch.js'
import {
  type HeldSet,
  MAX_HELD_MILLISECONDS,
  MAX_HELD_OCTETS_PER_DOMAIN,
} from '#collectors/netflow/held-sets.js'
import { type SequenceOutcome, SequenceTracker } from '#collectors/netflow/sequence.js'
import { MAX_FIELDS_PER_TEMPLATE } from '#collectors/netflow/template.js'
import { isStale } from '#collectors/netflow/template-refresh.js'
import { TemplateStore } from '#collectors/netflow/template-store.js'
import { netflowStatus } from '#collectors/status.js'
import { ExporterStatus } from '#core/exporters.js'
import { parseAddress } from '#core/records/address.js'
import { concatenate } from '#simulate/encode/bytes.js'
import type { RawSet } from '#simulate/encode/ipfix.js'
import {
  data,
  ipfix,
  ipfixOptions,
  ipfixTemplate,
  NOW,
  type Pair,
  record,
  simple,
  UPTIME,
  v5,
  v9,
  v9Options,
  v9Template,
} from './datagrams.js'
import { createProbe, type Probe } from './probe.js'

const sources = (probe: Probe) => probe.flows.map((flow) => flow['sourceAddress'])

t.test('a data set before its template is held, and decoded as of its own message', async (t) => {
  const probe = createProbe()
  const early: readonly Pair[] = [...simple, [22, 4]]
  const upTimeOctets = [0, 0, 0, 0]
  probe.feed(v9([data(256, record(1), upTimeOctets)], { seconds: NOW / 1000 - 60, upTime: UPTIME - 60_000 }))
  probe.feed(v9([data(256, record(2), upTimeOctets), data(257, record(3))]))
  t.same(probe.flows, [], 'nothing yet')
  probe.feed(
    v9([v9Template(256, early), data(256, record(4), upTimeOctets)], {
      seconds: NOW / 1000 + 60,
      upTime: UPTIME,
    }),
  )
  t.same(sources(probe), ['10.0.0.1', '10.0.0.2', '10.0.0.4'])
  t.same(
    probe.flows.map(({ held }) => held),
    [true, true, false],
  )
  // Uptime 0 is the start of the device as each message's header puts it.
  t.same(
    probe.flows.map((flow) => flow['startMilliseconds']),
    [NOW - UPTIME, NOW - UPTIME, NOW + 60_000 - UPTIME],
  )
  probe.finish()
  t.same(probe.undecoded, [
    { reason: 'template-unknown', setId: 257, octets: 9, exporter: '192.0.2.1', domain: 1 },
  ])
})

t.test('sets that wait are bounded in octets, in number and in age', async (t) => {
  const probe = createProbe()
  const big = new Uint8Array(60_000)
  const feeds = Math.ceil(MAX_HELD_OCTETS_PER_DOMAIN / big.length) + 2
  for (let index = 0; index < feeds; index++) probe.feed(v9([data(300, big)], { sequence: index }))
  t.ok(probe.reasons().length >= 2, 'more than fits is refused')
  t.ok(probe.reasons().every((reason) => reason === 'held-limit'))

  const other = { domain: 2 }
  const small = Array.from({ length: 5000 }, () => data(300, [1]))
  for (let index = 0; index < 4; index++) probe.feed(v9(small, other))
  const exporter = probe.decoder.store.exporters[0]!
  const domain = [...exporter.domains.values()].find(({ identity }) => identity.observationDomainId === 2)!
  const waiting = probe.decoder.held.waiting(domain).get(300)!
  t.ok(waiting < 4200, `${waiting} small sets wait`)

  const empty = createProbe()
  const none = Array.from({ length: 10_000 }, () => data(300))
  empty.feed(v9(none))
  const emptyDomain = [...empty.decoder.store.exporters[0]!.domains.values()][0]!
  t.equal(empty.decoder.held.waiting(emptyDomain).size, 0, 'sets without records do not wait')

  const aged = createProbe()
  aged.feed(v9([data(300, record(1))]), { at: NOW })
  aged.feed(v9([]), { at: NOW + MAX_HELD_MILLISECONDS - 1000 })
  t.same(aged.reasons(), [])
  aged.feed(v9([]), { at: NOW + MAX_HELD_MILLISECONDS + 61_000 })
  t.same(aged.reasons(), ['template-unknown'])
  aged.feed(v9([v9Template(300, simple)]), { at: NOW + MAX_HELD_MILLISECONDS + 62_000 })
  t.same(aged.flows, [], 'what was given up is not replayed')
})

t.test('what waits for one exporter is given up under its own name', async (t) => {
  const probe = createProbe()
  const [one, other] = [parseAddress('192.0.2.7')!, parseAddress('192.0.2.8')!]
  probe.feed(v9([data(300, record(1))], { domain: 4 }), { source: one })
  probe.feed(v9([data(301, record(1))], { domain: 5 }), { source: other })
  probe.finish()
  t.same(
    probe.undecoded.map(({ setId, domain }) => [setId, domain]),
    [
      [300, 4],
      [301, 5],
    ],
  )
})

t.test('a template sent anew with another layout holds from then on', async (t) => {
  const probe = createProbe()
  probe.feed(v9([v9Template(256, simple), data(256, record(1))]))
  probe.feed(v9([v9Template(256, simple)]))
  t.equal(probe.documents.length, 1, 'the same definition is not learnt twice')
  const reversed: readonly Pair[] = [
    [12, 4],
    [8, 4],
    [4, 1],
  ]
  probe.feed(v9([v9Template(256, reversed), data(256, record(2))]))
  t.same(sources(probe), ['10.0.0.1', '10.0.1.2'])
  probe.feed(
    v9([
      v9Options(256, [
        [1, 4],
        [34, 4],
      ]),
      data(256, [0, 0, 0, 0, 0, 0, 0, 9]),
    ]),
  )
  t.equal(probe.flows.length, 2)
  t.same(probe.optionsRecords, [{ templateId: 256, elements: { scopeSystem: 0, samplingInterval: 9 } }])
})

t.test('a withdrawal is ignored over UDP and obeyed over TCP', async (t) => {
  const withdrawn = { setId: 2, body: Uint8Array.of(1, 0, 0, 0) }
  const all = { setId: 2, body: Uint8Array.of(0, 2, 0, 0) }
  for (const [name, withdrawal] of Object.entries({ one: withdrawn, all })) {
    const messages = [
      ipfix([
        ipfixTemplate(256, simple),
        ipfixOptions(257, [
          [149, 4],
          [34, 4],
        ]),
      ]),
      ipfix([withdrawal]),
      ipfix([data(256, record(1))]),
    ]
    const udp = createProbe()
    const tcp = createProbe()
    for (const message of messages) {
      udp.feed(message)
      tcp.feed(message, { transport: 1 })
    }
    t.equal(udp.flows.length, 1, `${name}, UDP`)
    t.same(udp.reasons(), ['template-withdrawal-ignored'])
    tcp.finish()
    t.equal(tcp.flows.length, 0, `${name}, TCP`)
    t.same(tcp.reasons(), ['template-unknown'])
    const [domain] = tcp.decoder.store.exporters[0]!.domains.values()
    t.same([...domain!.templates.keys()], [257], 'options templates are withdrawn by sets of their own')
  }
})

t.test('another layout without a withdrawal is told over TCP, and holds', async (t) => {
  const messages = [
    ipfix([ipfixTemplate(256, simple)]),
    ipfix([ipfixTemplate(256, simple.toReversed()), data(256, [17, 10, 0, 0, 2, 10, 0, 0, 1])]),
  ]
  for (const [transport, reasons] of [
    [0, []],
    [1, ['template-redefined']],
  ] as const) {
    const probe = createProbe()
    for (const message of messages) probe.feed(message, { transport })
    t.same(probe.reasons(), reasons)
    t.match(probe.flows, [{ sourceAddress: '10.0.0.1', destinationAddress: '10.0.0.2' }])
  }
})

t.test('over TCP what a device should not send about templates is told by name', async (t) => {
  const template = ipfixTemplate(256, simple)
  const withdraw = (id: number) => ({ setId: 2, body: Uint8Array.of(id >> 8, id & 0xff, 0, 0) })
  const cases: [name: string, sets: RawSet[], reasons: string[]][] = [
    [
      'a withdrawal of a template that is not known',
      [template, withdraw(300)],
      ['template-withdrawal-unknown'],
    ],
    ['one withdrawn twice', [template, withdraw(256), withdraw(256)], ['template-withdrawal-unknown']],
    ['a withdrawal of a reserved id', [template, withdraw(17)], ['template-id-reserved']],
    ['the same template again', [template, template], ['template-repeated']],
    ['all that there is, and there is none', [withdraw(2), withdraw(3)], []],
  ]
  t.plan(2 * cases.length)
  for (const [name, sets, reasons] of cases) {
    const tcp = createProbe()
    const options = ipfixOptions(400, [
      [149, 4],
      [34, 4],
    ])
    tcp.feed(ipfix([...(reasons.length === 0 ? [] : [options]), ...sets]), { transport: 1 })
    t.same(tcp.reasons(), reasons, name)
    const [domain] = tcp.decoder.store.exporters[0]!.domains.values()
    t.equal(domain!.templates.has(400), reasons.length > 0, `${name}: others stay`)
  }
})

t.test('how often a template comes is seen over UDP, and when it ceases', async (t) => {
  const probe = createProbe()
  const minute = 60_000
  const stored = () => {
    const [domain] = probe.decoder.store.exporters[0]!.domains.values()
    return domain!.templates.get(256)!
  }
  const send = (at: number) => probe.feed(v9([v9Template(256, simple)]), { at })
  send(NOW)
  t.equal(stored().refreshMilliseconds, 0, 'once tells nothing')
  t.notOk(isStale(stored(), NOW + 1000 * minute))
  send(NOW + 10)
  t.equal(stored().refreshMilliseconds, 0, 'nor do two in a burst')
  send(NOW + minute)
  send(NOW + 2 * minute)
  t.equal(stored().refreshMilliseconds, minute)
  send(NOW + 4 * minute)
  t.equal(stored().refreshMilliseconds, 2 * minute, 'one that was lost')
  for (let index = 5; index < 60; index++) send(NOW + index * minute)
  t.ok(stored().refreshMilliseconds < 1.1 * minute, 'is forgotten')
  const last = NOW + 59 * minute
  t.equal(stored().lastReceivedMilliseconds, last)
  t.notOk(isStale(stored(), last + 3 * minute))
  t.ok(isStale(stored(), last + 4 * minute))
  const shown = (at: number) => {
    const [exporter] = probe.decoder.store.exporters
    const status = netflowStatus(probe.decoder, exporter!, createTimeoutMeter(), at)
    t.ok(
      Value.Check(ExporterStatus, { ...status, recordsPerSecond: 0, datagramsPerSecond: 0 }),
      'as the API describes it',
    )
    return status.observationDomains[0]!.templates[0]!
  }
  const refreshIntervalMilliseconds = Math.round(stored().refreshMilliseconds)
  const received = { lastReceivedAtMilliseconds: last, refreshIntervalMilliseconds }
  t.match(shown(last + minute), received)
  t.notOk('stale' in shown(last + minute))
  t.match(shown(last + 9 * minute), { ...received, stale: true })
  probe.feed(v9([data(256, record(1))]), { at: last + 9 * minute })
  t.equal(probe.flows.length, 1, 'a stale template is used')

  const store = new TemplateStore()
  store.restore(probe.documents[0]!, parseAddress('192.0.2.1')!)
  const after = createProbe({ store })
  const kept = [...store.exporters[0]!.domains.values()][0]!.templates.get(256)!
  t.same([kept.lastReceivedMilliseconds, kept.refreshMilliseconds], [0, 0], 'kept over a restart')
  after.feed(v9([v9Template(256, simple)]), { at: NOW + 5 * 86_400_000 })
  t.same([kept.lastReceivedMilliseconds, kept.refreshMilliseconds], [NOW + 5 * 86_400_000, 0])
})

t.test('of microseconds the last bits are ignored, of nanoseconds none', async (t) => {
  const names = { 154: 'flowStartMicroseconds', 156: 'flowStartNanoseconds' } as const
  // Half a second, and all of the last 11 bits.
  const octets = [0xed, 0xc7, 0xe7, 0x40, 0x80, 0, 0x07, 0xff]
  const seconds = (0xedc7e740 - 2_208_988_800) * 1000
  for (const [element, rest] of [
    [154, 0],
    [156, (0x7ff / 2 ** 32) * 1000],
  ] as const) {
    const probe = createProbe()
    probe.feed(ipfix([ipfixTemplate(256, [...simple, [element, 8]]), data(256, record(1), octets)]))
    const [flow] = probe.flows
    t.equal(flow?.elements?.[names[element]], seconds + 500 + rest)
    t.equal(flow?.['startMilliseconds'], seconds + 500 + rest)
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

t.test('templates belong to address, listener and domain, not to a source port', async (t) => {
  const probe = createProbe()
  const mirrored: readonly Pair[] = [
    [12, 4],
    [8, 4],
    [4, 1],
  ]
  probe.feed(v9([v9Template(256, simple)], { domain: 1 }))
  probe.feed(v9([v9Template(256, mirrored)], { domain: 2 }))
  probe.feed(v9([data(256, record(1))], { domain: 1 }))
  probe.feed(v9([data(256, record(2))], { domain: 2 }))
  t.same(sources(probe), ['10.0.0.1', '10.0.1.2'], 'the same id in two domains')
  // An equal address that is another object, as a new socket would give it.
  probe.feed(v9([data(256, record(3))]), { source: parseAddress('192.0.2.1')! })
  t.equal(sources(probe).at(-1), '10.0.0.3')
  probe.feed(v9([data(256, record(4))]), { listenerPort: 9995 })
  probe.feed(v9([data(256, record(4))]), { source: parseAddress('192.0.2.2')! })
  probe.feed(ipfix([data(256, record(4))]))
  t.equal(probe.flows.length, 3, 'another listener, exporter or protocol knows no template')
})

t.test('the caps hold: fields, templates, exporters, domains', async (t) => {
  const fields = (count: number): Pair[] => Array.from({ length: count }, () => [8, 1])
  const wide = createProbe()
  wide.feed(
    v9([
      v9Template(256, fields(MAX_FIELDS_PER_TEMPLATE)),
      v9Template(257, fields(MAX_FIELDS_PER_TEMPLATE + 1)),
    ]),
  )
  wide.feed(ipfix([ipfixTemplate(258, fields(MAX_FIELDS_PER_TEMPLATE + 1)), ipfixTemplate(259, simple)]))
  t.same(wide.reasons(), ['template-too-many-fields', 'template-too-many-fields'])
  t.same(
    wide.templates.map(({ id }) => id),
    [256, 259],
    'a template behind one that is refused is read',
  )

  const store = new TemplateStore(() => 0, {
    templatesPerDomain: 4,
    templates: 6,
    fields: 30,
    exporters: 2,
    domainsPerExporter: 2,
    domains: 3,
  })
  const probe = createProbe({ store })
  for (let id = 256; id < 261; id++) probe.feed(v9([v9Template(id, simple)]), { at: NOW + id })
  const [first] = store.exporters[0]!.domains.values()
  t.same([...first!.templates.keys()], [257, 258, 259, 260], 'the least recently used of a domain goes')
  probe.feed(v9([v9Template(300, simple), v9Template(301, simple), v9Template(302, simple)], { domain: 2 }), {
    at: NOW + 400,
  })
  t.same([...first!.templates.keys()], [258, 259, 260], 'in all: the largest domain gives')
  t.equal(store.evictions, 2)
  t.same(probe.reasons(), ['template-limit', 'template-limit'])
  probe.feed(v9([v9Template(300, fields(25))], { domain: 2 }), { at: NOW + 500 })
  const kept = [...store.exporters[0]!.domains.values()].flatMap(({ templates }) => [...templates.values()])
  t.ok(kept.reduce((sum, { template }) => sum + template.fields.length, 0) <= 30, 'fields in all')
  probe.feed(v9([], { domain: 3 }))
  probe.feed(v9([]), { source: parseAddress('192.0.2.2')! })
  probe.feed(v9([], { domain: 2 }), { source: parseAddress('192.0.2.2')! })
  probe.feed(v9([]), { source: parseAddress('192.0.2.3')! })
  t.same(probe.reasons().slice(-3), ['exporter-limit', 'exporter-limit', 'exporter-limit'])
  t.equal(store.exporters.length, 2)
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

t.test('device uptimes survive their wrap after 49.7 days', async (t) => {
  const probe = createProbe()
  const fields: readonly Pair[] = [...simple, [22, 4], [21, 4]]
  // Header at uptime 1000; the flow began 1256 ms before it and ended 500 ms before.
  const times = [0xff, 0xff, 0xff, 0, 0, 0, 1, 0xf4]
  probe.feed(v9([v9Template(256, fields), data(256, record(1), times)], { upTime: 1000 }))
  t.match(probe.flows[0], { startMilliseconds: NOW - 1256, endMilliseconds: NOW - 500 })
})

t.test('IPFIX uptimes count from systemInitTimeMilliseconds and are unknown without it', async (t) => {
  const fields: readonly Pair[] = [...simple, [22, 4]]
  const start = [0, 0, 0x10, 0]
  const init = [...new Uint8Array(new BigUint64Array([BigInt(NOW - UPTIME)]).buffer)].reverse()
  const probe = createProbe()
  probe.feed(ipfix([ipfixTemplate(256, fields), data(256, record(1), start)]))
  t.notOk('startMilliseconds' in probe.flows[0]!)
  probe.feed(
    ipfix([
      ipfixOptions(257, [
        [149, 4],
        [160, 8],
      ]),
      data(257, [0, 0, 0, 1], init),
      data(256, record(2), start),
    ]),
  )
  t.equal(probe.flows[1]?.['startMilliseconds'], NOW - UPTIME + 4096)
  const own = createProbe({ observed: false })
  own.feed(ipfix([ipfixTemplate(256, [...fields, [160, 8]]), data(256, record(1), start, init)]))
  own.finish()
  t.equal(own.flows[0]?.['startMilliseconds'], NOW - UPTIME + 4096, 'in the record itself')
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

t.test('a restart: restored templates decode the first data set', async (t) => {
  const before = createProbe()
  const variable: readonly Pair[] = [...simple, [82, 65_535], [1, 2, 9]]
  before.feed(
    v9(
      [
        v9Template(256, simple),
        v9Options(257, [
          [1, 4],
          [34, 4],
        ]),
      ],
      { domain: 7 },
    ),
  )
  before.feed(
    ipfix(
      [
        ipfixTemplate(256, variable),
        ipfixOptions(257, [
          [149, 4],
          [34, 4],
        ]),
      ],
      { domain: 8 },
    ),
    { listenerPort: 4739 },
  )
  t.equal(before.documents.length, 4)
  const store = new TemplateStore()
  for (const document of JSON.parse(JSON.stringify(before.documents)))
    t.ok(store.restore(document, parseAddress(document.address)!))
  const after = createProbe({ store })
  after.feed(v9([data(256, record(1)), data(257, [0, 0, 0, 0, 0, 0, 0, 5])], { domain: 7 }))
  after.feed(
    ipfix([data(256, record(2), [2, 104, 105], [1, 2]), data(257, [0, 0, 0, 0, 0, 0, 0, 5])], { domain: 8 }),
    { listenerPort: 4739 },
  )
  t.same(sources(after), ['10.0.0.1', '10.0.0.2'])
  t.equal(after.flows[1]?.elements?.['interfaceName'], 'hi')
  t.equal(after.optionsRecords.length, 2)
  t.same(after.undecoded, [])
  t.notOk(
    store.restore({ ...before.documents[0]!, definition: 'zz' }, parseAddress('192.0.2.1')!),
    'what cannot be read',
  )
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
function sequence(protocol: number, steps: readonly (readonly number[])[]) {
  const tracker = new SequenceTracker(protocol)
  const outcomes: SequenceOutcome[] = steps.map(([number, records, options = 0, upTime = -1]) =>
    tracker.observe(number!, records!, options, upTime),
  )
  const events = outcomes
    .filter(({ event }) => event !== 'none')
    .map(({ event, value }) => `${event} ${value}`)
  return { events, unit: tracker.unit, counts: tracker.counts }
}

/** `count` steps by a rule from number and records to the next number. */
function run(count: number, from: number, next: (number: number, records: number) => number, options = 0) {
  const steps: number[][] = []
  let number = from
  for (let index = 0; index < count; index++) {
    const records = 5 + (index % 7)
    steps.push([number, records, options])
    number = next(number, records) >>> 0
  }
  return steps
}

t.test(
  'sequence numbers: the convention is learnt, then gaps, restarts and late datagrams are told apart',
  async (t) => {
    const byPackets = run(10, 100, (number) => number + 1)
    const byRecords = run(10, 100, (number, records) => number + records)
    const withoutOptions = run(10, 100, (number, records) => number + records - 2, 2)
    const after: number[][] = []
    for (let index = 0, number = 0; index < 10; index++) {
      number += 5 + (index % 7)
      after.push([number, 5 + (index % 7)])
    }
    const end = (steps: number[][]) => steps.at(-1) as [number, number]
    const [packet] = end(byPackets)
    const [flow, last] = end(byRecords)
    const cases: [name: string, protocol: number, steps: number[][], events: string[], unit: string][] = [
      ['v9 by packets', 9, byPackets, [], 'packets'],
      ['v9 by records', 9, byRecords, [], 'recordsBefore'],
      ['IPFIX by records', 10, byRecords, [], 'recordsBefore'],
      ['IPFIX, the number behind the message', 10, after, [], 'recordsAfter'],
      ['IPFIX without options records', 10, withoutOptions, [], 'dataRecordsBefore'],
      ['IPFIX by packets', 10, byPackets, [], 'packets'],
      [
        'v5 by records over the wrap',
        5,
        run(10, 2 ** 32 - 20, (number, records) => number + records),
        [],
        'recordsBefore',
      ],
      ['v9 by packets over the wrap', 9, run(10, 2 ** 32 - 4, (number) => number + 1), [], 'packets'],
      [
        'three packets are missing',
        9,
        [...byPackets, [packet + 4, 5], [packet + 5, 5]],
        ['gap 3'],
        'packets',
      ],
      [
        'forty records are missing',
        10,
        [...byRecords, [flow + last + 40, 5], [flow + last + 45, 5]],
        ['gap 40'],
        'recordsBefore',
      ],
      [
        'a late packet',
        9,
        [...byPackets, [packet + 2, 5], [packet + 1, 5], [packet + 3, 5]],
        ['gap 1', 'reordered 1'],
        'packets',
      ],
      ['a packet twice', 9, [...byPackets, [packet, 5], [packet + 1, 5]], ['duplicate 1'], 'packets'],
      [
        'a restart seen by the number',
        9,
        [...run(10, 100_000, (number) => number + 1), [3, 5], [4, 5]],
        ['reset 1'],
        'packets',
      ],
      [
        'a restart seen by the uptime',
        9,
        [
          [500, 5, 0, 9_000_000],
          [501, 5, 0, 9_001_000],
          [502, 5, 0, 1000],
        ],
        ['reset 1'],
        'packets',
      ],
      [
        'an uptime that wraps is no restart',
        9,
        [
          [500, 5, 0, 0xffffff00],
          [501, 5, 0, 100],
          [502, 5, 0, 1100],
        ],
        [],
        'packets',
      ],
      [
        'a message whose records cannot be counted',
        10,
        [...byRecords, [flow + last, -1], [flow + last + 1000, 5], [flow + last + 1005, 5]],
        [],
        'recordsBefore',
      ],
      [
        'a packet that is late over the wrap',
        9,
        [...run(6, 2 ** 32 - 7, (number) => number + 1), [0, 5], [1, 5], [2 ** 32 - 1, 5], [2, 5]],
        ['gap 1', 'reordered 1'],
        'packets',
      ],
    ]
    t.plan(cases.length)
    for (const [name, protocol, steps, events, unit] of cases) {
      const found = sequence(protocol, steps)
      t.same({ events: found.events, unit: found.unit }, { events, unit }, name)
    }
  },
)

t.test('a late datagram takes back what its gap had counted', async (t) => {
  const steps = run(10, 100, (number) => number + 1)
  const { counts } = sequence(9, [...steps, [113, 5], [111, 5]])
  t.match(counts, { gaps: 1, missingUnits: 2, reordered: 1, resets: 0 })
})

t.test(
  'options records that waited are not taken for those of the message that brought the template',
  async (t) => {
    const probe = createProbe()
    const options = ipfixOptions(257, [
      [149, 4],
      [34, 4],
    ])
    const values = [0, 0, 0, 1, 0, 0, 0, 5]
    probe.feed(ipfix([ipfixTemplate(256, simple), data(257, values, values)], { sequence: 0 }))
    const [domain] = probe.decoder.store.exporters[0]!.domains.values()
    const seen: number[] = []
    const observe = domain!.sequence.observe.bind(domain!.sequence)
    domain!.sequence.observe = (number, records, optionsRecords, upTime) => {
      seen.push(optionsRecords)
      return observe(number, records, optionsRecords, upTime)
    }
    probe.feed(ipfix([options, data(256, record(1)), data(257, values)], { sequence: 2 }))
    t.equal(probe.optionsRecords.length, 3)
    t.same(seen, [1])
  },
)

t.test('held sets give back what was put in, in order', async (t) => {
  const probe = createProbe()
  for (const last of [1, 2, 3]) probe.feed(v9([data(300, record(last)), data(301, record(last))]))
  const [domain] = probe.decoder.store.exporters[0]!.domains.values()
  const taken: readonly HeldSet[] = probe.decoder.held.take(domain!, 300)
  t.same(
    taken.map(({ octets }) => octets[3]),
    [1, 2, 3],
  )
  t.same([...probe.decoder.held.waiting(domain!)], [[301, 3]])
  t.equal(probe.decoder.held.expire(Number.POSITIVE_INFINITY).length, 3)
  t.same(probe.decoder.held.waiting(domain!).size, 0)
})
