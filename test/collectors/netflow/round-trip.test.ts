// What the simulator's encoders write, which share no code with the decoder, comes back: any template out of the parts
// below, in any order of its fields, with any records.
import fc from 'fast-check'
import t from 'tap'
import type { FieldValue } from '#simulate/encode/bytes.js'
import { createIpfixEncoder } from '#simulate/encode/ipfix.js'
import { createNetflowV5Encoder } from '#simulate/encode/netflow-v5.js'
import { createNetflowV9Encoder } from '#simulate/encode/netflow-v9.js'
import type { DataRecord, Template } from '#simulate/encode/packer.js'
import { deltaMicroseconds, ntpMicroseconds, ntpNanoseconds } from '#simulate/encode/time.js'
import { createProbe, type Flow } from './probe.js'

const EXPORT_TIME = Date.UTC(2026, 5, 1, 12, 0, 0)
const SYSTEM_INIT = EXPORT_TIME - 3_600_000
const VARIABLE = 65_535
const REVERSE = 29_305
const DOMAIN = 77

type Field = { elementId: number; length: number; enterprise?: number }
/** What one record holds of a part: wire values of its fields, and what must come back. */
type Sample = {
  values: FieldValue[]
  columns?: Record<string, unknown>
  elements: Record<string, unknown>
}
/** A part of a template: fields that belong together, and how records fill them. */
type Part = {
  fields: Field[]
  sample: fc.Arbitrary<Sample>
  options?: 'systemInit' | 'sampler' | 'applications'
}

const field = (elementId: number, length: number, enterprise?: number): Field =>
  enterprise === undefined ? { elementId, length } : { elementId, length, enterprise }

const json = (value: bigint) => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString())

/** An unsigned integer of a width, in columns and elements. */
function unsigned(
  id: number,
  name: string,
  length: number,
  column?: string,
  bits = length * 8,
  pen?: number,
): Part {
  const most = 2n ** BigInt(Math.min(bits, length * 8)) - 1n
  return {
    fields: [field(id, length, pen)],
    sample: fc.oneof(fc.bigInt({ min: 0n, max: most }), fc.constantFrom(0n, most)).map((value) => ({
      values: [value],
      ...(column === undefined ? {} : { columns: { [column]: json(value) } }),
      elements: { [name]: json(value) },
    })),
  }
}

/** IE 233: created, deleted, denied, alert, update; the session's phase and outcome follow. */
const sessions = [
  {},
  { phase: 'start', outcome: 'allow' },
  { phase: 'end', outcome: 'allow' },
  { outcome: 'deny' },
  {},
  { phase: 'update', outcome: 'allow' },
]
const firewallEvent: Part = {
  fields: [field(233, 1)],
  sample: fc.constantFrom(0, 1, 2, 3, 4, 5, 255).map((event) => ({
    values: [event],
    columns: { firewallEvent: event, ...sessions[event] },
    elements: { firewallEvent: event },
  })),
}

const octets4 = fc.uint8Array({ minLength: 4, maxLength: 4 })
const ipv4Text = (octets: Uint8Array) => octets.join('.')

/** RFC 5952 by way of the URL parser, which is none of ours. */
const ipv6Text = (octets: Uint8Array) => {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((octets[2 * index]! << 8) | octets[2 * index + 1]!).toString(16),
  )
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}
const octets16 = fc
  .array(fc.constantFrom(0, 0, 0, 1, 0x20, 0xff), { minLength: 15, maxLength: 15 })
  .map((octets) => Uint8Array.of(0x20, ...octets))

function address(id: number, name: string, column: string, family: 4 | 6): Part {
  return {
    fields: [field(id, family === 4 ? 4 : 16)],
    sample: (family === 4 ? octets4 : octets16).map((octets) => {
      const text = family === 4 ? ipv4Text(octets) : ipv6Text(octets)
      return { values: [octets], columns: { [column]: text }, elements: { [name]: text } }
    }),
  }
}

/** The encoders' NTP fractions are rounded up, by less than a microsecond. */
const whole = (name: string, value: unknown) =>
  /^flow(Start|End)|^(start|end)Milliseconds$/.test(name) ? Math.round(Number(value)) : value

type Times = [start: number, end: number]
const moments: fc.Arbitrary<Times> = fc
  .tuple(fc.integer({ min: 0, max: 1_000_000 }), fc.integer({ min: 0, max: 1_000_000 }))
  .map(([before, length]) => [EXPORT_TIME - before - length, EXPORT_TIME - before])

function times(
  ids: [number, number],
  names: [string, string],
  length: number,
  write: (time: number) => FieldValue,
  shown: (time: number) => unknown,
  column: (time: number) => number = (time) => time,
): Part {
  return {
    fields: [field(ids[0], length), field(ids[1], length)],
    sample: moments.map(([start, end]) => ({
      values: [write(start), write(end)],
      columns: { startMilliseconds: column(start), endMilliseconds: column(end) },
      elements: { [names[0]]: shown(start), [names[1]]: shown(end) },
    })),
  }
}

const seconds = (time: number) => Math.floor(time / 1000) * 1000
const same = (time: number) => time
const upTime = times(
  [22, 21],
  ['flowStartSysUpTime', 'flowEndSysUpTime'],
  4,
  (time) => (((time - SYSTEM_INIT) % 2 ** 32) + 2 ** 32) % 2 ** 32,
  (time) => (((time - SYSTEM_INIT) % 2 ** 32) + 2 ** 32) % 2 ** 32,
)
const timeForms: Part[] = [
  times(
    [150, 151],
    ['flowStartSeconds', 'flowEndSeconds'],
    4,
    (time) => Math.floor(time / 1000),
    seconds,
    seconds,
  ),
  times([152, 153], ['flowStartMilliseconds', 'flowEndMilliseconds'], 8, same, same),
  times([154, 155], ['flowStartMicroseconds', 'flowEndMicroseconds'], 8, ntpMicroseconds, same),
  times([156, 157], ['flowStartNanoseconds', 'flowEndNanoseconds'], 8, ntpNanoseconds, same),
  times(
    [158, 159],
    ['flowStartDeltaMicroseconds', 'flowEndDeltaMicroseconds'],
    4,
    (time) => deltaMicroseconds(time, EXPORT_TIME),
    (time) => deltaMicroseconds(time, EXPORT_TIME),
  ),
  // An end and a duration (IE 161) make a start.
  {
    fields: [field(161, 4), field(153, 8)],
    sample: moments.map(([start, end]) => ({
      values: [end - start, end],
      columns: { startMilliseconds: start, endMilliseconds: end },
      elements: { flowDurationMilliseconds: end - start, flowEndMilliseconds: end },
    })),
  },
]

/** Protocol, ports and ICMP. */
function transport(family: 4 | 6, style: string): Part {
  const icmp = family === 4 ? 1 : 58
  const port = fc.integer({ min: 0, max: 65_535 })
  if (style === 'ports') {
    return {
      fields: [field(4, 1), field(7, 2), field(11, 2)],
      sample: fc
        .tuple(
          fc.integer({ min: 0, max: 255 }).filter((protocol) => protocol !== icmp),
          port,
          port,
        )
        .map(([protocolIdentifier, sourceTransportPort, destinationTransportPort]) => {
          const columns = { protocolIdentifier, sourceTransportPort, destinationTransportPort }
          return { values: Object.values(columns), columns, elements: columns }
        }),
    }
  }
  const typeAndCode = fc.tuple(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 0, max: 255 }))
  const protocol = { protocolIdentifier: icmp }
  const v = `IPv${family}`
  switch (style) {
    case 'typeCode':
      return {
        fields: [field(4, 1), field(family === 4 ? 32 : 139, 2)],
        sample: typeAndCode.map(([icmpType, icmpCode]) => ({
          values: [icmp, icmpType * 256 + icmpCode],
          columns: { ...protocol, icmpType, icmpCode, icmpFrom: 'element' },
          elements: { ...protocol, [`icmpTypeCode${v}`]: icmpType * 256 + icmpCode },
        })),
      }
    case 'separate':
      return {
        fields: [field(4, 1), field(family === 4 ? 176 : 178, 1), field(family === 4 ? 177 : 179, 1)],
        sample: typeAndCode.map(([icmpType, icmpCode]) => ({
          values: [icmp, icmpType, icmpCode],
          columns: { ...protocol, icmpType, icmpCode, icmpFrom: 'element' },
          elements: { ...protocol, [`icmpType${v}`]: icmpType, [`icmpCode${v}`]: icmpCode },
        })),
      }
    default: {
      const inSource = style === 'sourcePort'
      return {
        fields: [field(4, 1), field(7, 2), field(11, 2)],
        sample: typeAndCode.map(([icmpType, icmpCode]) => {
          const both = icmpType * 256 + icmpCode
          const ports = {
            sourceTransportPort: inSource ? both : 0,
            destinationTransportPort: inSource ? 0 : both,
          }
          return {
            values: [icmp, ...Object.values(ports)],
            columns: { ...protocol, ...ports, icmpType, icmpCode, icmpFrom: style },
            elements: { ...protocol, ...ports },
          }
        }),
      }
    }
  }
}

const texts = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ minLength: 255, maxLength: 300 }))
const withoutNul = texts.map((text) => text.replaceAll('\0', '0'))

function text(id: number, name: string, column: string | undefined, length: number): Part {
  return {
    fields: [field(id, length)],
    sample: withoutNul
      .map((value) => (length === VARIABLE ? value : value.replace(/[^ -~]/g, 'x').slice(0, length)))
      .map((value) => ({
        values: [value],
        columns: column === undefined || value === '' ? {} : { [column]: value },
        // A value of no octets is not there; one of nothing but padding is empty.
        elements: value === '' && length === VARIABLE ? {} : { [name]: value },
      })),
  }
}

/** An element that nobody knows, as hex. */
function unknown(enterprise: number, id: number, length: number): Part {
  const size =
    length === VARIABLE ? { minLength: 1, maxLength: 300 } : { minLength: length, maxLength: length }
  return {
    fields: [field(id, length, enterprise)],
    sample: fc.uint8Array(size).map((octets) => ({
      values: [octets],
      elements: { [`${enterprise}/${id}`]: Buffer.from(octets).toString('hex') },
    })),
  }
}

const applicationNames = new Map([
  ['0d000001', 'dns'],
  ['0d00005b', 'ssh'],
])
const applications: Part = {
  fields: [field(95, 4)],
  options: 'applications',
  sample: fc.constantFrom(0x0d000001, 0x0d00005b, 0x0d000063).map((value) => {
    const applicationId = value.toString(16).padStart(8, '0')
    const applicationName = applicationNames.get(applicationId)
    return {
      values: [value],
      columns: { applicationId, ...(applicationName === undefined ? {} : { applicationName }) },
      elements: { applicationId },
    }
  }),
}

const samplers = new Map([
  [1, 100],
  [2, 4000],
])
const samplings = (version: 9 | 10): Part[] => [
  { fields: [], sample: fc.constant({ values: [], elements: {} }) },
  {
    fields: [field(34, 4)],
    sample: fc.integer({ min: 1, max: 2 ** 32 - 1 }).map((samplingInterval) => ({
      values: [samplingInterval],
      columns: { samplingInterval, samplingFrom: 'record' },
      elements: { samplingInterval },
    })),
  },
  {
    fields: [field(305, 4), field(306, 4)],
    sample: fc.integer({ min: 0, max: 65_535 }).map((space) => ({
      values: [1, space],
      columns: { samplingInterval: space + 1, samplingFrom: 'record' },
      elements: { samplingPacketInterval: 1, samplingPacketSpace: space },
    })),
  },
  {
    fields: [field(version === 9 ? 48 : 302, version === 9 ? 1 : 8)],
    options: 'sampler',
    sample: fc.constantFrom(1, 2).map((sampler) => ({
      values: [sampler],
      columns: { samplingInterval: samplers.get(sampler), samplingFrom: 'options' },
      elements: { [version === 9 ? 'samplerId' : 'selectorId']: sampler },
    })),
  },
]

const widths = fc.integer({ min: 1, max: 8 })
const short = fc.integer({ min: 1, max: 4 })
const pick = <T>(...choices: T[]) => fc.constantFrom(...choices)

/** Templates: parts that are always there, and any choice of the others, shuffled. */
function parts(version: 9 | 10): fc.Arbitrary<Part[]> {
  const family = pick<4 | 6>(4, 6)
  const always = family.chain((family) =>
    fc.tuple(
      fc.constant(address(family === 4 ? 8 : 27, `sourceIPv${family}Address`, 'sourceAddress', family)),
      fc.constant(
        address(family === 4 ? 12 : 28, `destinationIPv${family}Address`, 'destinationAddress', family),
      ),
      pick('ports', 'typeCode', 'separate', 'destinationPort', 'sourcePort').map((style) =>
        transport(family, style),
      ),
      pick(...timeForms, version === 9 ? upTime : { ...upTime, options: 'systemInit' as const }),
      fc
        .tuple(pick(true, false), widths)
        .map(([delta, length]) =>
          delta
            ? unsigned(1, 'octetDeltaCount', length, 'octets')
            : unsigned(85, 'octetTotalCount', length, 'octets'),
        ),
      widths.map((length) => unsigned(2, 'packetDeltaCount', length, 'packets')),
      pick(...samplings(version)),
    ),
  )
  const optional: fc.Arbitrary<Part>[] = [
    short.map((length) => unsigned(6, 'tcpControlBits', length, 'tcpControlBits', 16)),
    fc.constant(unsigned(5, 'ipClassOfService', 1, 'ipClassOfService')),
    short.map((length) => unsigned(10, 'ingressInterface', length, 'ingressInterface')),
    short.map((length) => unsigned(14, 'egressInterface', length, 'egressInterface')),
    fc.constant(unsigned(58, 'vlanId', 2, 'vlanId')),
    fc.constant(unsigned(136, 'flowEndReason', 1, 'flowEndReason')),
    fc.constant(unsigned(61, 'flowDirection', 1, 'flowDirection')),
    fc.constant(firewallEvent),
    fc.constant(address(225, 'postNATSourceIPv4Address', 'postNATSourceAddress', 4)),
    fc.constant(address(282, 'postNATDestinationIPv6Address', 'postNATDestinationAddress', 6)),
    fc.constant(unsigned(227, 'postNAPTSourceTransportPort', 2, 'postNAPTSourceTransportPort')),
    fc.constant(unsigned(228, 'postNAPTDestinationTransportPort', 2, 'postNAPTDestinationTransportPort')),
    fc.constant(unsigned(25, 'minimumIpTotalLength', 8, 'minimumIpTotalLength', 32)),
    fc.constant(text(371, 'userName', 'userName', 24)),
    fc.constant(applications),
  ]
  const ipfixOnly: fc.Arbitrary<Part>[] = [
    widths.map((length) => unsigned(1, 'reverseOctetDeltaCount', length, 'reverseOctets', 64, REVERSE)),
    widths.map((length) => unsigned(2, 'reversePacketDeltaCount', length, 'reversePackets', 64, REVERSE)),
    fc.constant(unknown(9, 12_999, VARIABLE)),
    short.map((length) => unknown(35_632, 57_590 & 0x7fff, length)),
    fc.constant(text(94, 'applicationDescription', undefined, VARIABLE)),
    fc.constant(text(96, 'applicationName', 'applicationName', VARIABLE)).filter(() => true),
  ]
  const others = version === 9 ? optional : [...optional, ...ipfixOnly]
  return (
    fc
      .tuple(always, fc.tuple(...others.map((part) => fc.option(part, { nil: undefined, freq: 2 }))))
      .map(([required, chosen]) => [...required, ...chosen.filter((part) => part !== undefined)])
      // The record's own application name wins over the looked-up one, so only one of the two is in a template.
      .map((list) => {
        const named = list.some(({ fields }) => fields[0]?.elementId === 96)
        return named ? list.filter((part) => part !== applications) : list
      })
      .chain((list) => fc.shuffledSubarray(list, { minLength: list.length }))
  )
}

const EXPORTED = 300

function optionsOf(
  version: 9 | 10,
  kinds: Set<string | undefined>,
): { templates: Template[]; records: DataRecord[] } {
  const templates: Template[] = []
  const records: DataRecord[] = []
  const scope: Field = version === 9 ? field(1, 4) : field(149, 4)
  if (kinds.has('systemInit')) {
    templates.push({ templateId: 512, scopeFieldCount: 1, fields: [scope, field(160, 8)] })
    records.push({ templateId: 512, values: [0, SYSTEM_INIT] })
  }
  if (kinds.has('sampler')) {
    const id = version === 9 ? field(48, 1) : field(302, 8)
    const fields = version === 9 ? [scope, id, field(50, 4)] : [id, field(305, 4), field(306, 4)]
    templates.push({ templateId: 513, scopeFieldCount: 1, fields })
    for (const [sampler, interval] of samplers) {
      const values = version === 9 ? [0, sampler, interval] : [sampler, 1, interval - 1]
      records.push({ templateId: 513, values })
    }
  }
  if (kinds.has('applications')) {
    const name = field(96, version === 9 ? 24 : VARIABLE)
    const fields = version === 9 ? [scope, field(95, 4), name] : [field(95, 4), name]
    templates.push({ templateId: 514, scopeFieldCount: 1, fields })
    for (const [id, text] of applicationNames) {
      const values = [Number.parseInt(id, 16), text]
      records.push({ templateId: 514, values: version === 9 ? [0, ...values] : values })
    }
  }
  return { templates, records }
}

/** A template, its records, and what must come back of each. */
const exports = (version: 9 | 10) =>
  parts(version).chain((list) =>
    fc.record({
      list: fc.constant(list.map(({ fields, options }) => ({ fields, options }))),
      samples: fc.array(fc.tuple(...list.map(({ sample }) => sample)), { minLength: 1, maxLength: 12 }),
      padding: fc.boolean(),
      isLong: fc.boolean(),
    }),
  )

const common = (version: 9 | 10) => ({
  exporterAddress: '192.0.2.1',
  listenerPort: 2055,
  protocolVersion: version,
  observationDomainId: DOMAIN,
})

const normalised = ({ stream: _stream, held: _held, templateId: _id, elements, ...row }: Flow) => ({
  row: Object.fromEntries(Object.entries(row).map(([name, value]) => [name, whole(name, value)])),
  elements: Object.fromEntries(
    Object.entries(elements ?? {}).map(([name, value]) => [name, whole(name, value)]),
  ),
})

const sorted = (object: Record<string, unknown>) => JSON.stringify(Object.entries(object).sort())

for (const version of [9, 10] as const) {
  t.test(`version ${version}: whatever is encoded comes back, alone and in runs`, async (t) => {
    let records = 0
    const property = fc.property(exports(version), ({ list, samples, padding, isLong }) => {
      const { templates, records: optionsRecords } = optionsOf(
        version,
        new Set(list.map(({ options }) => options)),
      )
      const options = {
        observationDomainId: DOMAIN,
        templates: [{ templateId: EXPORTED, fields: list.flatMap(({ fields }) => fields) }, ...templates],
        optionsRecords: () => optionsRecords,
        systemInitTimeMilliseconds: SYSTEM_INIT,
        padding,
        variableLengthForm: isLong ? ('long' as const) : ('short' as const),
      }
      const encoder = version === 9 ? createNetflowV9Encoder(options) : createIpfixEncoder(options)
      const datagrams = encoder.encode(
        samples.map((sample) => ({ templateId: EXPORTED, values: sample.flatMap(({ values }) => values) })),
        EXPORT_TIME,
      )
      const wanted = samples.map((sample) => ({
        row: sorted({
          ...common(version),
          ...Object.assign({}, ...sample.map(({ columns }) => columns ?? {})),
        }),
        elements: sorted(Object.assign({}, ...sample.map(({ elements }) => elements))),
      }))
      const single = createProbe()
      const runs = createProbe({ observed: false })
      for (const datagram of datagrams) {
        single.feed(datagram)
        runs.feed(datagram)
      }
      single.finish()
      runs.finish()
      const found = single.flows
        .map(normalised)
        .map(({ row, elements }) => ({ row: sorted(row), elements: sorted(elements) }))
      const inRuns = runs.flows.map((flow) => sorted(normalised(flow).row))
      records += samples.length
      if (single.undecoded.length > 0) throw new Error(`undecoded: ${JSON.stringify(single.undecoded)}`)
      for (const [index, { row, elements }] of wanted.entries()) {
        if (found[index]?.row !== row) throw new Error(`wanted ${row}\ngot    ${found[index]?.row}`)
        if (found[index]?.elements !== elements)
          throw new Error(`wanted ${elements}\ngot    ${found[index]?.elements}`)
      }
      if (found.length !== wanted.length) throw new Error(`${found.length} flows instead of ${wanted.length}`)
      const wantedRows = wanted.map(({ row }) => row).sort()
      if (JSON.stringify(inRuns.sort()) !== JSON.stringify(wantedRows))
        throw new Error(`in runs: wanted ${wantedRows.join('\n')}\ngot ${inRuns.join('\n')}`)
      return true
    })
    fc.assert(property, { numRuns: 250, seed: 20_260_601 })
    t.ok(records > 500, `${records} records`)
  })
}

t.test('version 5: whatever is encoded comes back', async (t) => {
  const port = fc.integer({ min: 0, max: 65_535 })
  const counter = fc.integer({ min: 0, max: 2 ** 32 - 1 })
  const record = fc.record({
    sourceIPv4Address: octets4,
    destinationIPv4Address: octets4,
    ingressInterface: port,
    egressInterface: port,
    packets: counter,
    octets: counter,
    times: moments,
    sourceTransportPort: port,
    destinationTransportPort: port,
    tcpControlBits: fc.integer({ min: 0, max: 255 }),
    protocolIdentifier: fc.integer({ min: 0, max: 255 }),
    ipClassOfService: fc.integer({ min: 0, max: 255 }),
  })
  let records = 0
  const property = fc.property(
    fc.array(record, { minLength: 1, maxLength: 40 }),
    fc.integer({ min: 0, max: 0x3fff }),
    fc.boolean(),
    (list, samplingInterval, observed) => {
      const encoder = createNetflowV5Encoder({
        systemInitTimeMilliseconds: SYSTEM_INIT,
        engineType: 3,
        engineId: 7,
        samplingInterval,
        samplingMode: 1,
      })
      const flows = list.map(({ times: [startMilliseconds, endMilliseconds], ...rest }) => ({
        ...rest,
        startMilliseconds: Math.max(startMilliseconds, SYSTEM_INIT),
        endMilliseconds,
      }))
      const probe = createProbe({ observed })
      for (const datagram of encoder.encode(flows, EXPORT_TIME)) probe.feed(datagram)
      probe.finish()
      const wanted = flows.map(({ sourceIPv4Address, destinationIPv4Address, ...row }) => {
        const both = row.destinationTransportPort
        const useSource = both === 0 && row.sourceTransportPort !== 0
        const port = useSource ? row.sourceTransportPort : both
        return sorted({
          exporterAddress: '192.0.2.1',
          listenerPort: 2055,
          protocolVersion: 5,
          observationDomainId: 3 * 256 + 7,
          ...row,
          sourceAddress: ipv4Text(sourceIPv4Address),
          destinationAddress: ipv4Text(destinationIPv4Address),
          ...(row.protocolIdentifier === 1
            ? {
                icmpType: port < 256 ? port : port >> 8,
                icmpCode: port < 256 ? 0 : port & 0xff,
                icmpFrom: useSource ? 'sourcePort' : 'destinationPort',
              }
            : {}),
          ...(samplingInterval === 0 ? {} : { samplingInterval, samplingFrom: 'header' }),
        })
      })
      const found = probe.flows.map((flow) => sorted(normalised(flow).row))
      records += found.length
      if (!observed) {
        found.sort()
        wanted.sort()
      }
      for (const [index, row] of wanted.entries())
        if (found[index] !== row) throw new Error(`wanted ${row}\ngot    ${found[index]}`)
      return found.length === wanted.length
    },
  )
  fc.assert(property, { numRuns: 100, seed: 5 })
  t.ok(records > 500, `${records} records`)
})
