/** Templates: what waits for one, what replaces one, how they are kept, to whom they belong, and how many there may be. */
import t from 'tap'
import { Value } from 'typebox/value'
import { createTimeoutMeter } from '#collectors/exporter-watch.js'
import {
  type HeldSet,
  MAX_HELD_MILLISECONDS,
  MAX_HELD_OCTETS_PER_DOMAIN,
} from '#collectors/netflow/held-sets.js'
import { MAX_FIELDS_PER_TEMPLATE } from '#collectors/netflow/template.js'
import { isStale } from '#collectors/netflow/template-refresh.js'
import { TemplateStore } from '#collectors/netflow/template-store.js'
import { netflowStatus } from '#collectors/status.js'
import { ExporterStatus } from '#core/exporters.js'
import { parseAddress } from '#core/records/address.js'
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
