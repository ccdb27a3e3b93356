/** The coverage matrix: states and reasons from what an exporter sends, what a detector needs and what it said. */
import t from 'tap'
import { coverageFindings } from '#core/coverage/exporter-watch.js'
import { coverageOf, type Said } from '#core/coverage/matrix.js'
import { remedyFor, vendorOf } from '#core/coverage/remedies.js'
import { detectors } from '#core/detectors/registry.js'
import type { ExporterStatus, ObservationDomain, TemplateField } from '#core/exporters.js'

const NOW = Date.UTC(2026, 5, 15, 12)
const [icmp, pairing] = [detectors[0]!, detectors[1]!]

const field = (elementId: number, enterpriseNumber = 0): TemplateField => ({
  name: `${enterpriseNumber}/${elementId}`,
  elementId,
  enterpriseNumber,
  length: 4,
})
/** All that the detectors ask for. */
const everything = [4, 7, 11, 8, 12, 1, 2, 21, 22, 6, 10, 32, 95, 315].map((element) => field(element))

function domain(
  changes: Partial<ObservationDomain> = {},
  fields: readonly TemplateField[] = everything,
): ObservationDomain {
  return {
    observationDomainId: 1,
    protocolVersion: 9,
    templates: [
      {
        templateId: 256,
        kind: 'data',
        fieldCount: fields.length,
        fields: [...fields],
        learntAtMilliseconds: NOW,
      },
    ],
    sequence: { gaps: 0, missingUnits: 0, unit: 'packets', resets: 0, reordered: 0, duplicates: 0 },
    held: [],
    ...changes,
  }
}

function exporter(changes: Partial<ExporterStatus> = {}, domains = [domain()]): ExporterStatus {
  return {
    id: '192.0.2.1_2055',
    address: '192.0.2.1',
    listenerPort: 2055,
    transport: 'udp',
    kind: 'netflow',
    protocolVersions: [9],
    observationDomains: domains,
    datagrams: 10,
    octets: 1000,
    records: 100,
    recordsPerSecond: 1,
    datagramsPerSecond: 1,
    undecoded: {},
    firstSeenMilliseconds: NOW - 86_400_000,
    lastSeenMilliseconds: NOW,
    ...changes,
  }
}

const said = (code: string, ageMilliseconds = 0, detector = 'icmp-tunnel'): Said => ({
  detector,
  exporters: [{ address: '192.0.2.1', listenerPort: 2055, bothDirections: true }],
  reasons: [{ code }],
  evidenceQuality: { level: 'poor', reasons: [{ code, text: `it is ${code}` }] },
  lastSeenMilliseconds: NOW - ageMilliseconds,
})
const without = (...elements: number[]) => [
  domain(
    {},
    everything.filter(({ elementId }) => !elements.includes(elementId)),
  ),
]
const sampled = (samplingInterval: number, fields = everything) => [domain({ samplingInterval }, fields)]
const plain = everything.filter(({ elementId }) => elementId !== 315)

t.test('states and their reasons', async (t) => {
  const cases: [title: string, ExporterStatus, Said[], icmp: string, pairing: string][] = [
    ['everything', exporter(), [], 'full', 'full'],
    ['no payload', exporter({}, without(315)), [], 'full: no-payloadEntropy', 'full'],
    [
      'no ICMP type, no ports',
      exporter({}, without(32, 11)),
      [],
      'blind: no-icmpType',
      'blind: no-destinationTransportPort',
    ],
    ['the type in the port', exporter({}, without(32)), [], 'full', 'full'],
    [
      'no times',
      exporter({}, without(21, 22)),
      [],
      'blind: no-startMilliseconds no-endMilliseconds',
      'degraded: no-startMilliseconds',
    ],
    ['no applications', exporter({}, without(95)), [], 'full', 'degraded: no-applicationName'],
    ['NetFlow v5 has no templates', exporter({}, [domain({ protocolVersion: 5 }, [])]), [], 'full', 'full'],
    ['no template yet', exporter({}, [domain({ templates: [] })]), [], 'full', 'full'],
    ['sampled', exporter({}, sampled(10)), [], 'degraded: sampled', 'degraded: sampled'],
    [
      'coarsely',
      exporter({}, sampled(1000, plain)),
      [],
      'blind: no-payloadEntropy sampled',
      'degraded: sampled',
    ],
    ['coarsely, with packets', exporter({}, sampled(1000)), [], 'degraded: sampled', 'degraded: sampled'],
    ['silent', exporter({ silentSinceMilliseconds: NOW - 600_000 }), [], 'blind: silent', 'blind: silent'],
    ['a clock', exporter({ clockSkewMilliseconds: -7_200_000 }), [], 'full: clock-off', 'full: clock-off'],
    ['drops', exporter({ kernelDrops: 7 }), [], 'degraded: collector-drops', 'degraded: collector-drops'],
    [
      'a long timeout',
      exporter({}, [domain({ activeTimeoutMilliseconds: 1_800_000 })]),
      [],
      'full: long-active-timeout',
      'full: long-active-timeout',
    ],
    ['what a detector said', exporter(), [said('one-sided')], 'degraded: one-sided', 'full'],
    ['that it sees nothing', exporter(), [said('icmp-type-unknown')], 'blind: icmp-type-unknown', 'full'],
    ['long ago', exporter(), [said('one-sided', 2 * 86_400_000)], 'full', 'full'],
    ['of another exporter', exporter({ address: '192.0.2.9' }), [said('one-sided')], 'full', 'full'],
    [
      'log lines',
      exporter({ kind: 'syslog', vendor: 'Fortinet' }, []),
      [],
      'degraded: log-lines',
      'degraded: log-lines',
    ],
  ]
  for (const [title, status, told, ofIcmp, ofPairing] of cases) {
    for (const [detector, wanted] of [
      [icmp, ofIcmp],
      [pairing, ofPairing],
    ] as const) {
      const { state, reasons } = coverageOf(status, detector, told, NOW)
      const codes = reasons.map(({ code }) => code)
      t.equal(
        [state, ...(codes.length === 0 ? [] : [codes.join(' ')])].join(': '),
        wanted,
        `${title}: ${detector.id}`,
      )
    }
  }
})

t.test('remedies speak the language of the maker, where it is known', async (t) => {
  const cisco = vendorOf(exporter({}, [domain({}, [...everything, field(12_232, 9)])]))
  t.match(remedyFor('long-active-timeout', cisco), {
    commands: [{ platform: 'Cisco IOS XE', lines: [/flow monitor/, / cache timeout active 60/] }],
    page: 'cisco-ios-xe.md',
  })
  const unknown = remedyFor('long-active-timeout', vendorOf(exporter()))!
  t.ok(unknown.commands.length > 2, 'several where nothing tells')
  t.equal(unknown.page, undefined)
  t.equal(
    remedyFor('times-missing', cisco)?.commands[0]?.platform,
    'Cisco IOS XE',
    'lacks that detectors name alike',
  )
  t.match(remedyFor('collector-drops', cisco), { commands: [{ platform: 'the host of the collector' }] })
  t.equal(remedyFor('no-such-code', cisco), undefined)
  t.match(vendorOf(exporter({ kind: 'syslog', vendor: 'Juniper' })), {
    name: 'Juniper',
    platforms: ['Juniper Junos'],
  })
})

t.test('blindness is told of as coverage of each detector', async (t) => {
  const found = coverageFindings(
    [exporter({ silentSinceMilliseconds: NOW - 600_000, clockSkewMilliseconds: 3_600_000 }), exporter()],
    [icmp, pairing],
    NOW,
  )
  t.same(
    found.map(({ detector, kind, reasons }) => `${kind} ${detector} ${reasons[0]?.code}`),
    [
      'coverage icmp-tunnel silent',
      'coverage icmp-tunnel clock-off',
      'coverage port-protocol silent',
      'coverage port-protocol clock-off',
    ],
  )
  t.equal(found[0]?.firstSeenMilliseconds, NOW - 600_000)
})
