// Every structure that has a name: its size as its text gives it, and octets of an encoder of the test's own read back.
import t from 'tap'
import { counterStructures } from '#collectors/sflow/counter-structures.js'
import { flowStructures } from '#collectors/sflow/flow-structures.js'
import type { Field, FieldType, Structure } from '#collectors/sflow/structure.js'
import { concatenate, putInteger, putUint32, textOctets } from '#simulate/encode/bytes.js'
import { createSflowEncoder, type SflowRecord, sampledIp } from '#simulate/encode/sflow.js'
import { bytes, u32, v4 } from '../frame/frames.js'
import { createProbe } from './probe.js'

const NOW = 1_780_315_200_000

/** Octets of structures without texts and lists, by enterprise and format, as the texts that define them add up. */
const sizes: readonly (readonly ['flow' | 'counter', number, number, number])[] = [
  ['flow', 0, 2, 24],
  ['flow', 0, 3, 32],
  ['flow', 0, 4, 56],
  ['flow', 0, 1001, 16],
  ['flow', 0, 1011, 4],
  ['flow', 0, 1017, 16],
  ['flow', 0, 1018, 16],
  ['flow', 0, 1020, 8],
  ['flow', 0, 1021, 24],
  ['flow', 0, 1024, 32],
  ['flow', 0, 1026, 56],
  ['flow', 0, 1031, 40],
  ['flow', 0, 1032, 48],
  ['flow', 0, 1033, 12],
  ['flow', 0, 2000, 32],
  ['flow', 0, 2100, 20],
  ['flow', 0, 2101, 44],
  ['flow', 0, 2102, 20],
  ['flow', 0, 2103, 44],
  ['flow', 0, 2208, 92],
  ['flow', 0, 2209, 48],
  ['flow', 0, 2210, 16],
  ['counter', 0, 1, 88],
  ['counter', 0, 2, 52],
  ['counter', 0, 3, 72],
  ['counter', 0, 4, 80],
  ['counter', 0, 5, 28],
  ['counter', 0, 6, 80],
  ['counter', 0, 7, 56],
  ['counter', 0, 1001, 28],
  ['counter', 0, 1002, 12],
  ['counter', 0, 1003, 52],
  ['counter', 0, 1004, 12],
  ['counter', 0, 2002, 8],
  ['counter', 0, 2003, 80],
  ['counter', 0, 2004, 72],
  ['counter', 0, 2005, 52],
  ['counter', 0, 2006, 40],
  ['counter', 0, 2007, 76],
  ['counter', 0, 2008, 100],
  ['counter', 0, 2009, 60],
  ['counter', 0, 2010, 28],
  ['counter', 0, 2100, 28],
  ['counter', 0, 2101, 12],
  ['counter', 0, 2102, 16],
  ['counter', 0, 2103, 52],
  ['counter', 0, 2104, 40],
  ['counter', 0, 2106, 108],
  ['counter', 0, 2201, 60],
  ['counter', 0, 2203, 40],
  ['counter', 0, 2204, 140],
  ['counter', 0, 2206, 20],
  ['counter', 4413, 1, 8],
  ['counter', 4413, 3, 144],
  ['counter', 5703, 1, 48],
]

type Encoded = { octets: Uint8Array; value: unknown }

const text = (value: string) => {
  const octets = new Uint8Array(4 + Math.ceil(value.length / 4) * 4)
  putUint32(octets, 0, value.length)
  octets.set(textOctets(value), 4)
  return octets
}
const wide = (value: number) => {
  const octets = new Uint8Array(8)
  putInteger(octets, 0, 8, value)
  return octets
}
const float = (value: number) => {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setFloat32(0, value)
  return octets
}

/** A value of a type and its octets; `seed` makes each one another. */
function encodeValue(type: FieldType, seed: number): Encoded {
  switch (type) {
    case 'u32':
      return { octets: bytes(u32(0x8000_0000 + seed)), value: 0x8000_0000 + seed }
    case 'i32':
      return { octets: bytes(u32(2 ** 32 - seed - 1)), value: -seed - 1 }
    case 'u64':
      return { octets: wide(2 ** 40 + seed), value: 2 ** 40 + seed }
    case 'f32':
      return { octets: float(seed + 0.5), value: seed + 0.5 }
    case 'ipv4':
      return { octets: bytes(v4(seed)), value: `10.0.0.${seed}` }
    case 'ipv6':
      return {
        octets: bytes(u32(0x20010db8), u32(0), u32(0), u32(seed + 1)),
        value: `2001:db8::${(seed + 1).toString(16)}`,
      }
    case 'address':
      return { octets: bytes(u32(1), v4(seed)), value: `10.0.0.${seed}` }
    case 'mac':
      return {
        octets: bytes([2, 0, 0, 0, 0, seed, 0, 0]),
        value: `02:00:00:00:00:${seed.toString(16).padStart(2, '0')}`,
      }
    case 'octets16':
      return { octets: new Uint8Array(16).fill(seed), value: seed.toString(16).padStart(2, '0').repeat(16) }
    case 'text':
      return { octets: text(`text ${seed}`), value: `text ${seed}` }
    case 'opaque':
      return { octets: bytes(u32(3), [seed, 1, 2, 0]), value: `${seed.toString(16).padStart(2, '0')}0102` }
    case 'list':
      return { octets: bytes(u32(2), u32(seed), u32(7)), value: [seed, 7] }
    case 'path':
      return {
        octets: bytes(u32(1), u32(2), u32(2), u32(seed), u32(8)),
        value: [{ type: 2, as_number: [seed, 8] }],
      }
    case 'pdus':
      return {
        octets: bytes(u32(2), u32(0), u32(2), u32(1029), u32(4), u32(seed), u32(1016), u32(4), u32(0)),
        value: [{}, { extended_vni_egress: { vni: seed }, '0/1016': '00000000' }],
      }
  }
}

function encodeFields(fields: readonly Field[], seed: number): Encoded {
  const parts = fields.map((field, index) => {
    if ('type' in field) return { name: field.name, ...encodeValue(field.type, (seed + index) % 250) }
    const items = [0, 1].map((item) => encodeFields(field.each, seed + 3 * item))
    const isScalar = field.each.length === 1
    return {
      name: field.name,
      octets: concatenate([bytes(u32(items.length)), ...items.map(({ octets }) => octets)]),
      value: items.map(({ value }) => (isScalar ? Object.values(value as object)[0] : value)),
    }
  })
  return {
    octets: concatenate(parts.map(({ octets }) => octets)),
    value: Object.fromEntries(parts.map(({ name, value }) => [name, value])),
  }
}

const split = (format: number) => ({ enterprise: format >>> 12, format: format & 0xfff })

/** What `decode` shows of one record. */
function show(kind: 'flow' | 'counter', records: readonly SflowRecord[]) {
  const probe = createProbe()
  const source = { sourceIndex: 3, records } as const
  const sample =
    kind === 'counter'
      ? ({ kind: 'counters', ...source } as const)
      : ({ kind: 'flow', samplingRate: 1, input: { value: 1 }, output: { value: 2 }, ...source } as const)
  const agent = createSflowEncoder({ bootMilliseconds: NOW, datagramOctets: 60_000 })
  probe.feed(agent.encode([sample], NOW)[0]!, { at: NOW })
  return { elements: probe.samples[0]!.elements, probe }
}

t.test('every structure is read as it is written, and shorter ones are shown in hex', async (t) => {
  for (const [kind, structures] of [
    ['flow', flowStructures],
    ['counter', counterStructures],
  ] as const) {
    for (const [number, structure] of structures) {
      const { octets, value } = encodeFields(structure.fields, number % 200)
      const record = { ...split(number), octets }
      const { elements, probe } = show(kind, [record])
      t.same(elements[structure.name], value, `${kind} ${structure.name}`)
      const grown = { ...record, octets: concatenate([octets, bytes(u32(9))]) }
      if (structure.required === structure.fields.length && !['header', 'pdus'].includes(structure.name))
        t.same(show(kind, [grown]).elements[structure.name], value, `${structure.name}, grown at its end`)
      const cut = show(kind, [{ ...record, octets: octets.subarray(0, octets.length - 4) }])
      const { enterprise, format } = split(number)
      const isHex = `${enterprise}/${format}` in cut.elements
      t.equal(isHex, structure.required === structure.fields.length, `${structure.name}, cut`)
      t.same(
        probe.decoder.store.exporters[0]!.agents.values().next().value!.statistics.unknownRecords.size,
        0,
      )
    }
  }
})

t.test('sizes are those of the texts', async (t) => {
  const octetsOf = ({ fields }: Structure) => encodeFields(fields, 1).octets.length
  for (const [kind, enterprise, format, octets] of sizes) {
    const structure = (kind === 'flow' ? flowStructures : counterStructures).get(enterprise * 0x1000 + format)
    t.equal(structure && octetsOf(structure), octets, `${kind} ${enterprise}/${format}`)
  }
})

t.test('a structure that grew in later texts is shown as far as it goes', async (t) => {
  const { fields } = counterStructures.get(2003)!
  const early = encodeFields(fields.slice(0, 17), 1)
  t.same(show('counter', [{ format: 2003, octets: early.octets }]).elements['host_cpu'], early.value)
})

t.test('arrays that lie about their count, and records without a name', async (t) => {
  const lies = [
    [2001, bytes(u32(0x4000_0000))],
    [2001, bytes(u32(1), u32(7), u32(0xffff_ffff))],
    [10, bytes(u32(1), u32(1), u32(1), u32(1), u32(3), u32(1))],
  ] as const
  for (const [format, octets] of lies) t.ok(`0/${format}` in show('counter', [{ format, octets }]).elements)
  const { probe, elements } = show('counter', [
    { format: 4000, octets: bytes(u32(1)) },
    { enterprise: 9, format: 1, octets: bytes(u32(2)) },
    { enterprise: 9, format: 1, octets: bytes(u32(3)) },
  ])
  t.match(elements, { '0/4000': '00000001', '9/1': ['00000002', '00000003'] })
  const [agent] = probe.decoder.store.exporters[0]!.agents
  t.same(
    [...agent!.statistics.unknownRecords],
    [
      [4000, 1],
      [0x9001, 2],
    ],
  )
  const source = Uint8Array.from(v4(1))
  const told = { length: 40, protocol: 6, sourcePort: 1, destinationPort: 2, tcpFlags: 2, tos: 0 }
  t.match(show('flow', [sampledIp({ ...told, source, destination: source })]).elements, {
    sampled_ipv4: { length: 40, src_ip: '10.0.0.1', tcp_flags: 2 },
  })
})
