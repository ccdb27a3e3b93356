// The encoders against readers that share nothing with them: tshark, nfdump, and small parsers by the RFCs.
import fc from 'fast-check'
import t from 'tap'
import { buildMessage, createIpfixEncoder, ipfixTemplateRecord } from '#simulate/encode/ipfix.js'
import { createNetflowV5Encoder } from '#simulate/encode/netflow-v5.js'
import {
  buildNetflowV9Packet,
  createNetflowV9Encoder,
  netflowV9TemplateRecord,
} from '#simulate/encode/netflow-v9.js'
import { createFlowTemplates } from '#simulate/flow-templates.js'
import type { FlowRecord } from '#simulate/meter.js'
import { createNetwork, type ExporterSettings, exporterDefaults } from '#simulate/network.js'
import { pcapChunks } from '#simulate/pcap.js'
import { createRandom } from '#simulate/random.js'
import {
  createIpfixReader,
  hasProgram,
  type ReadFlow,
  readV5,
  readWithNfdump,
  readWithTshark,
} from './decoders.js'

const EXPORT_TIME = Date.UTC(2026, 0, 5, 9, 0, 10)
const SYSTEM_INIT = EXPORT_TIME - 7_200_000
const FLOWS = 60

const random = createRandom(20_260_105)
const network = createNetwork()
const hosts = Array.from({ length: 8 }, (_, index) =>
  network.addHost(
    `h${index}`,
    'workstation',
    'a',
    `10.0.${index}.${200 + index}`,
    `2001:db8:${index + 1}::${index + 1}`,
  ),
)

function randomFlow(index: number): FlowRecord {
  const protocolIdentifier = [6, 17, 1, 58, 6][index % 5]!
  const isIPv6 = protocolIdentifier === 58 || index % 10 === 9
  const ends = [random.choice(hosts), random.choice(hosts)].map((host) => (isIPv6 ? host.ipv6! : host))
  const isIcmp = protocolIdentifier === 1 || protocolIdentifier === 58
  const startMilliseconds = EXPORT_TIME - random.integer(5000, 65_000)
  return {
    source: ends[0]!,
    destination: ends[1]!,
    protocolIdentifier,
    sourceTransportPort: isIcmp ? 0 : random.integer(1, 65_535),
    destinationTransportPort: isIcmp ? 0 : random.integer(1, 65_535),
    icmpType: isIcmp ? random.integer(1, 130) : 0,
    icmpCode: isIcmp ? random.integer(0, 15) : 0,
    ipClassOfService: random.integer(0, 255),
    ingressInterface: 1,
    egressInterface: 2,
    startMilliseconds,
    endMilliseconds: startMilliseconds + random.integer(0, 5000),
    packets: random.integer(1, 100_000),
    octets: random.integer(28, 4_294_967_295),
    tcpControlBits: protocolIdentifier === 6 ? random.integer(0, 255) : 0,
    flowEndReason: 2,
    flowDirection: 0,
    direction: 0,
    application: 'dns',
    reversePackets: random.integer(0, 1000),
    reverseOctets: random.integer(0, 1_000_000),
    reverseTcpControlBits: 0,
  }
}

const flows = Array.from({ length: FLOWS }, (_, index) => randomFlow(index))

function expectation(flow: FlowRecord): ReadFlow {
  const { protocolIdentifier } = flow
  const isIcmp = protocolIdentifier === 1 || protocolIdentifier === 58
  return {
    source: flow.source.address.text,
    destination: flow.destination.address.text,
    protocol: protocolIdentifier,
    sourcePort: flow.sourceTransportPort,
    destinationPort: isIcmp ? flow.icmpType * 256 + flow.icmpCode : flow.destinationTransportPort,
    packets: flow.packets,
    octets: flow.octets,
    startMilliseconds: flow.startMilliseconds,
    endMilliseconds: flow.endMilliseconds,
  }
}

const variants: (Partial<ExporterSettings> & Pick<ExporterSettings, 'version'>)[] = [
  { version: 5 },
  { version: 9, timeStyle: 'sysUpTime', icmpStyle: 'destinationPort' },
  {
    version: 9,
    timeStyle: 'sysUpTime',
    icmpStyle: 'icmpTypeCode',
    applications: true,
    samplingInterval: 100,
  },
  { version: 10, timeStyle: 'milliseconds', icmpStyle: 'icmpTypeCode' },
  { version: 10, timeStyle: 'seconds', icmpStyle: 'separate', applications: true },
  { version: 10, timeStyle: 'microseconds', icmpStyle: 'separate', samplingInterval: 100 },
  { version: 10, timeStyle: 'nanoseconds', icmpStyle: 'separate', biflow: true },
  { version: 10, timeStyle: 'deltaMicroseconds', icmpStyle: 'destinationPort' },
  { version: 10, timeStyle: 'sysUpTime', icmpStyle: 'icmpTypeCode' },
  { version: 9, timeStyle: 'sysUpTime', icmpStyle: 'icmpTypeCode' },
]

const nameOf = (variant: Partial<ExporterSettings>) =>
  Object.entries(variant)
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(', ')

function encodeVariant(
  variant: (typeof variants)[number],
  index: number,
): { settings: ExporterSettings; payloads: Uint8Array[] } {
  const settings = exporterDefaults({
    name: nameOf(variant),
    address: `10.9.0.${index + 1}`,
    observationDomainId: index + 1,
    home: [],
    interfaces: { a: 1 },
    ...variant,
  })
  if (settings.version === 5) {
    const encoder = createNetflowV5Encoder({ systemInitTimeMilliseconds: SYSTEM_INIT })
    const records = flows
      .filter((flow) => flow.source.address.family === 4)
      .map((flow) => ({
        ...flow,
        sourceIPv4Address: flow.source.address.octets,
        destinationIPv4Address: flow.destination.address.octets,
        destinationTransportPort: expectation(flow).destinationPort,
      }))
    return { settings, payloads: encoder.encode(records, EXPORT_TIME) }
  }
  const templates = createFlowTemplates(settings)
  const options = {
    observationDomainId: settings.observationDomainId,
    templates: templates.templates,
    optionsRecords: () => templates.optionsRecords(SYSTEM_INIT),
    systemInitTimeMilliseconds: SYSTEM_INIT,
  }
  const encoder = settings.version === 9 ? createNetflowV9Encoder(options) : createIpfixEncoder(options)
  const context = {
    exportTimeMilliseconds: EXPORT_TIME,
    systemInitTimeMilliseconds: SYSTEM_INIT,
    clockOffsetMilliseconds: 0,
  }
  return {
    settings,
    payloads: encoder.encode(
      flows.map((flow) => templates.toDataRecord(flow, context)),
      EXPORT_TIME,
    ),
  }
}

type Node = Record<string, unknown>
const first = (value: unknown) => String(Array.isArray(value) ? value[0] : value)

/** A flow of tshark's JSON in the common form; `cut` says to how many milliseconds times are known. */
function fromTshark(node: Node): ReadFlow {
  const delta = node['cflow.timedelta_tree'] as Node
  const time = (name: string) => {
    const absolute = delta[`cflow.abs${name}`]
    if (absolute === undefined) return SYSTEM_INIT + Math.round(Number(delta[`cflow.${name}`]) * 1000)
    const [, text = '', fraction = ''] = /^(.*\d)\.(\d{9}) UTC$/.exec(String(absolute)) ?? []
    return Date.parse(`${text} UTC`) + Math.floor(Number(fraction) / 1_000_000)
  }
  const number = (name: string) => (node[name] === undefined ? undefined : Number(first(node[name])))
  const family = node['cflow.srcaddr'] === undefined ? 6 : 4
  const type = number(`cflow.icmp_ipv${family}_type`)
  const code = number(`cflow.icmp_ipv${family}_code`) ?? 0
  const both = number('cflow.icmp_type_code_ipv4') ?? number('cflow.icmp_type_code_ipv6')
  return {
    source: first(node['cflow.srcaddr'] ?? node['cflow.srcaddrv6']),
    destination: first(node['cflow.dstaddr'] ?? node['cflow.dstaddrv6']),
    protocol: Number(first(node['cflow.protocol'])),
    sourcePort: number('cflow.srcport') ?? 0,
    destinationPort: number('cflow.dstport') ?? both ?? (type ?? 0) * 256 + code,
    packets: number('cflow.packets') ?? -1,
    octets: number('cflow.octets') ?? -1,
    startMilliseconds: time('timestart'),
    endMilliseconds: time('timeend'),
  }
}

t.test('tshark reads the flows that were encoded, in every variant, and finds nothing wrong', async (t) => {
  if (!hasProgram('tshark')) {
    t.comment('SKIPPED: tshark is not installed, so no encoder was checked against Wireshark')
    t.pass('not checked', { skip: 'tshark is not installed' })
    return
  }
  t.plan(variants.length + 3)
  const encoded = variants.map(encodeVariant)
  const datagrams = encoded.flatMap(({ settings, payloads }) =>
    payloads.map((payload) => ({
      timeMilliseconds: EXPORT_TIME,
      exporterAddress: settings.address,
      sourcePort: 50_000,
      listenerPort: 2055,
      transport: 'udp' as const,
      payload,
    })),
  )
  const read = readWithTshark(Buffer.concat([...pcapChunks(datagrams)]))
  t.same(read.complaints, [], 'no malformed datagram, bad checksum or unexpected sequence number')
  for (const { settings } of encoded) {
    const wanted = flows
      .filter((flow) => settings.version !== 5 || flow.source.address.family === 4)
      .map(expectation)
    if (settings.timeStyle === 'seconds') {
      for (const flow of wanted) {
        flow.startMilliseconds = Math.floor(flow.startMilliseconds / 1000) * 1000
        flow.endMilliseconds = Math.floor(flow.endMilliseconds / 1000) * 1000
      }
    }
    const found = (read.flows.get(settings.address) ?? []).map((node) => fromTshark(node as Node))
    t.same(found, wanted, settings.name)
  }
  const biflows = read.flows.get('10.9.0.7') ?? []
  const reverse = biflows.map((node) => ((node as Node)['cflow.octets'] as string[])[1])
  t.same(
    reverse,
    flows.map((flow) => String(flow.reverseOctets)),
    'reverse octets (RFC 5103)',
  )
  t.ok(
    datagrams.every(({ payload }) => payload.length <= 1464),
    'no datagram is larger than allowed',
  )
})

t.test('nfdump stores the flows that were encoded', async (t) => {
  if (!hasProgram('nfcapd') || !hasProgram('nfdump')) {
    t.comment('SKIPPED: nfcapd or nfdump is not installed, so no encoder was checked against nfdump')
    t.pass('not checked', { skip: 'nfdump is not installed' })
    return
  }
  // Sampled variants are left out, since nfdump multiplies their counters, and version 9 with the ICMP type in
  // the destination port, which nfdump 1.7 shows as type 0, as it does IE 139 in version 9.
  const chosen = [0, 9, 3]
  t.plan(1)
  const payloads = chosen.flatMap((index) => encodeVariant(variants[index]!, index).payloads)
  const key = (flow: ReadFlow) => JSON.stringify(Object.values(flow))
  const found = (await readWithNfdump(payloads)).map(key).sort()
  const wanted = chosen.flatMap((index) => {
    const isVersion9 = variants[index]?.version === 9
    return flows
      .filter((flow) => index !== 0 || flow.source.address.family === 4)
      .map(expectation)
      .map((flow) => key(isVersion9 && flow.protocol === 58 ? { ...flow, destinationPort: 0 } : flow))
  })
  t.same(found, wanted.sort())
})

t.test('version 5: sequence numbers count flows, thirty at most in a datagram', async (t) => {
  const encoder = createNetflowV5Encoder({ systemInitTimeMilliseconds: SYSTEM_INIT, samplingInterval: 100 })
  const octets = Uint8Array.of(10, 0, 0, 1)
  const record = { ...flows[0]!, sourceIPv4Address: octets, destinationIPv4Address: octets }
  const read = [
    ...encoder.encode(new Array(70).fill(record), EXPORT_TIME),
    ...encoder.encode([record], EXPORT_TIME),
  ].map(readV5)
  t.same(
    read.map(({ count, sequence }) => [count, sequence]),
    [
      [30, 0],
      [30, 30],
      [10, 60],
      [1, 70],
    ],
  )
  t.equal(read[0]?.sampling, (2 << 14) | 100, 'random sampling, 1 in 100')
  t.equal(read[0]?.uptime, 7_200_000)
})

t.test('templates are sent first, then again by time and by number of datagrams', async (t) => {
  const encoder = createNetflowV9Encoder({
    observationDomainId: 3,
    templates: [{ templateId: 300, fields: [{ elementId: 1, length: 4 }] }],
    systemInitTimeMilliseconds: SYSTEM_INIT,
    templateRefreshMilliseconds: 10_000,
    templateRefreshDatagrams: 3,
    initialSequenceNumber: 4_294_967_295,
  })
  const records = [{ templateId: 300, values: [7] }]
  const at = (seconds: number) => encoder.encode(records, EXPORT_TIME + seconds * 1000)[0]!
  const sent = [0, 1, 2, 3, 4, 14].map(at)
  // Header 20; template FlowSet 4 + 4 + 4; data FlowSet 4 + 4.
  t.same(
    sent.map((datagram) => datagram.length),
    [40, 28, 28, 40, 28, 40],
  )
  const view = (datagram: Uint8Array) => new DataView(datagram.buffer)
  t.same(
    sent.map((datagram) => view(datagram).getUint32(12)),
    [4_294_967_295, 0, 1, 2, 3, 4],
    'packets are counted modulo 2^32',
  )
  t.same(
    sent.map((datagram) => view(datagram).getUint16(2)),
    [2, 1, 1, 2, 1, 2],
    'the count is of records of both kinds',
  )
})

const fieldArbitrary = fc.record({
  elementId: fc.integer({ min: 1, max: 32_767 }),
  length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(65_535)),
  enterprise: fc.option(fc.integer({ min: 1, max: 4_294_967_295 }), { nil: undefined }),
})

t.test('IPFIX: any template and records come back as they were, within the size allowed', async (t) => {
  t.plan(1)
  const property = fc.property(
    fc.array(fieldArbitrary, { minLength: 1, maxLength: 20 }),
    fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 40 }),
    fc.boolean(),
    fc.boolean(),
    (fields, seeds, padding, isLong) => {
      const template = {
        templateId: 256,
        fields: fields.map(({ elementId, length, enterprise }) =>
          enterprise === undefined ? { elementId, length } : { elementId, length, enterprise },
        ),
      }
      const encoder = createIpfixEncoder({
        observationDomainId: 5,
        templates: [template],
        padding,
        variableLengthForm: isLong ? 'long' : 'short',
      })
      const records = seeds.map((seed) => ({
        templateId: 256,
        values: fields.map(({ length }) =>
          new Uint8Array(length === 65_535 ? seed : length).fill(seed & 0xff),
        ),
      }))
      const messages = encoder.encode(records, EXPORT_TIME)
      const read = messages.map(createIpfixReader())
      const largest = Math.max(
        ...records.map(({ values }) => values.reduce((sum, value) => sum + value.length + 3, 0)),
      )
      let sequence = 0
      for (const [index, { octets, sequence: found, records: inMessage }] of read.entries()) {
        if (octets !== messages[index]!.length || found !== sequence) return false
        if (octets > Math.max(1400, largest + 23)) return false
        sequence += inMessage.length
      }
      const found = read.flatMap((message) => message.records)
      return JSON.stringify(found) === JSON.stringify(records)
    },
  )
  fc.assert(property, { numRuns: 150, seed: 7 })
  t.pass('150 templates')
})

t.test('integers of one to eight octets keep their value, wider ones their low octets', async (t) => {
  const cases: [number | bigint, number, string][] = [
    [0x0102, 2, '0102'],
    [0x010203, 2, '0203'],
    [4_294_967_296, 5, '0100000000'],
    [Number.MAX_SAFE_INTEGER, 8, '001fffffffffffff'],
    [2n ** 64n - 1n, 8, 'ffffffffffffffff'],
    [-2, 4, 'fffffffe'],
    [1, 7, '00000000000001'],
    [281_474_976_710_655, 6, 'ffffffffffff'],
  ]
  t.plan(cases.length)
  for (const [value, length, hex] of cases) {
    const templates = [{ templateId: 256, fields: [{ elementId: 1, length }] }]
    const encoder = createIpfixEncoder({ observationDomainId: 1, templates, padding: false })
    const read = createIpfixReader()(encoder.encode([{ templateId: 256, values: [value] }], EXPORT_TIME)[0]!)
    t.equal(Buffer.from(read.records[0]!.values[0]!).toString('hex'), hex, `${value} in ${length} octets`)
  }
})

t.test('messages built by hand, octet by octet', async (t) => {
  t.plan(2)
  const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')
  const options = {
    templateId: 512,
    scopeFieldCount: 1,
    fields: [
      { elementId: 149, length: 4 },
      { elementId: 1, length: 8, enterprise: 29_305 },
    ],
  }
  const header = { exportTimeSeconds: 0x695b7a40, sequenceNumber: 5, observationDomainId: 7 }
  t.equal(
    hex(buildMessage(header, [{ setId: 3, body: ipfixTemplateRecord(options) }])),
    // RFC 7011 §3.1: version 10, 38 octets, time, sequence, domain.
    '000a0026695b7a400000000500000007' +
      // §3.3.2: set 3 of 22 octets. §3.4.2.2: template 512, two fields, one of them scope.
      '00030016020000020001' +
      // §3.2: IE 149 of 4 octets; IE 1 with the enterprise bit, 8 octets, enterprise 29305.
      '009500048001000800007279',
  )
  const v9 = { count: 1, sysUpTimeMilliseconds: 256, unixSeconds: 0x695b7a40, sequenceNumber: 5, sourceId: 7 }
  const sampling = {
    templateId: 512,
    scopeFieldCount: 1,
    fields: [
      { elementId: 1, length: 4 },
      { elementId: 34, length: 4 },
    ],
  }
  t.equal(
    hex(buildNetflowV9Packet(v9, [{ setId: 1, body: netflowV9TemplateRecord(sampling) }])),
    // RFC 3954 §5.1: version 9, one record, uptime, time, sequence, source.
    '0009000100000100695b7a400000000500000007' +
      // §6.1: FlowSet 1 of 18 octets, template 512, 4 octets of scope, 4 of options; system; IE 34.
      '0001001202000004000400010004' +
      '00220004',
  )
})
