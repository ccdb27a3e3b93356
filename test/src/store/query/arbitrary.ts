// Random rows, filters and aggregations over small ranges of values, so that they meet.
import fc from 'fast-check'
import { BlockBuilder } from '#core/blocks/builder.js'
import { builderRows, rowObject } from '#core/blocks/row.js'
import { parsePrefix } from '#core/records/address.js'
import {
  FlowColumnIndex as Column,
  type FlowColumn,
  type StreamName,
  streamNamed,
} from '#core/records/columns.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { shapeOf } from '#core/records/shape.js'
import { dimensionDefinitions } from '#core/store/query/dimensions.js'
import type { AddressField, Filter, NumberField, TextField } from '#core/store/query/filter.js'
import { measureNames } from '#core/store/query/measures.js'
import type { NaiveQuery, Row } from './naive.js'

export const RECEIVED = Date.UTC(2026, 5, 1, 12)

/** Columns that a row may have or lack, and its values. */
const numbers: Partial<Record<FlowColumn, readonly number[]>> = {
  sourceTransportPort: [0, 53, 1024, 65535],
  destinationTransportPort: [0, 53, 443, 65535],
  protocolIdentifier: [0, 1, 6, 17, 255],
  octets: [0, 1, 1500, 2 ** 33 + 5],
  packets: [0, 1, 7],
  reverseOctets: [0, 40],
  startMilliseconds: [RECEIVED - 2000, RECEIVED - 100],
  endMilliseconds: [RECEIVED - 1000, RECEIVED - 100],
  durationMilliseconds: [0, 250],
  tcpControlBits: [0, 2, 0x12, 0xff],
  ipClassOfService: [0, 0xb8],
  ingressInterface: [0, 7, 0xffffffff],
  egressInterface: [0, 7],
  vlanId: [0, 100],
  icmpType: [0, 8],
  icmpCode: [0, 3],
  icmpFrom: [0, 1, 2, 3, 4],
  samplingInterval: [0, 1, 1000],
  samplingFrom: [0, 2],
  outcome: [0, 1, 2, 3],
}
const texts: Partial<Record<FlowColumn, readonly string[]>> = {
  applicationName: ['', 'ssl', 'SSL', 'dns'],
  action: ['', 'deny', 'Drop'],
  ruleName: ['', 'Büro → Internet', 'a'],
  ruleId: ['', '7', 'a'],
  sourceZone: ['', 'trust'],
  destinationZone: ['', 'Trust', 'dmz'],
  userName: ['', 'müller'],
}
const optional = [
  ...Object.keys(numbers),
  ...Object.keys(texts),
  'sourceAddress',
  'destinationAddress',
] as FlowColumn[]

const words = [
  [0x20010db8, 0, 0, 0x0a000001],
  [0x20010db8, 0, 1, 0x0a000002],
  [0x20010db8, 0xffffffff, 0, 0x0a010001],
  [0, 0, 0, 0xc0000201],
] as const
const prefixTexts = [
  '10.0.0.1',
  '10.0.0.0/8',
  '10.0.0.0/30',
  '192.0.2.1',
  '0.0.0.0/0',
  '2001:db8::/32',
  '2001:db8:0:0:0:1:a00:2',
  '2001:db8::a00:1',
  '2001:db8:8000::/33',
  '::/0',
]
const exporters: readonly ExporterIdentity[] = [0xc0000201, 0xc0000202].map((word, index) => ({
  address: { family: 4, words: [0, 0, 0, word] },
  listenerPort: 2055,
  transport: 0,
  protocol: 9,
  observationDomainId: index,
}))

/** One number decides everything about a row, so that shrinking and printing stay short. */
type Draw = {
  readonly shape: number
  readonly exporter: number
  readonly after: number
  readonly picks: readonly number[]
}

/** Rows of one block, before they are written into it. */
export type DrawnBlock = { readonly stream: StreamName; readonly rows: readonly Draw[] }

const draw: fc.Arbitrary<Draw> = fc.record({
  shape: fc.nat(3),
  exporter: fc.nat(1),
  after: fc.nat(5000),
  picks: fc.array(fc.nat(59), { minLength: 8, maxLength: 8 }),
})
export const blocks: fc.Arbitrary<DrawnBlock[]> = fc.array(
  fc.record({
    stream: fc.constantFrom<StreamName>('flow4', 'flow6', 'icmp4'),
    rows: fc.array(draw, { minLength: 1, maxLength: 30 }),
  }),
  { minLength: 1, maxLength: 4 },
)
/** Four shapes: all columns, none, and two halves. */
const shapes = [
  optional,
  [],
  optional.filter((_, index) => index % 2 === 0),
  optional.filter((_, index) => index % 3 !== 0),
].map((names) => shapeOf([0, 1, 2, ...names.map((name) => Column[name])]))

/** The rows in a builder, and as JSON. */
export function build({ stream, rows }: DrawnBlock): { builder: BlockBuilder; rows: Row[] } {
  const builder = new BlockBuilder(streamNamed(stream), rows.length)
  for (const { shape: shapeIndex, exporter, after, picks } of rows) {
    const shape = shapes[shapeIndex]!
    const row = builder.begin(exporters[exporter]!, shape, RECEIVED + after, 1)
    for (const [index, name] of optional.entries()) {
      const column = Column[name]
      if (!shape.columns.includes(column)) continue
      const pick = picks[index % picks.length]! + index
      if (name === 'sourceAddress' || name === 'destinationAddress')
        builder.setAddress(column, row, words[pick % words.length]!)
      else if (texts[name] !== undefined) {
        const text = texts[name][pick % texts[name].length]!
        if (text !== '') builder.setText(column, row, text)
      } else {
        const value = numbers[name]![pick % numbers[name]!.length]!
        if (builder.planes[column]!.length === 2) builder.setUnsigned64(column, row, value)
        else builder.setNumber(column, row, value)
      }
    }
  }
  const source = builderRows(builder)
  const family = builder.stream.family
  return {
    builder,
    rows: rows.map((_, row) => ({ ...(rowObject(source, row) as Row), family })),
  }
}

const numberFields: readonly (readonly [NumberField, readonly number[]])[] = [
  ['protocol', [0, 1, 6, 17]],
  ['port', [0, 53, 443, 1024]],
  ['sourcePort', [53, 65535]],
  ['destinationPort', [0, 443]],
  ['icmpType', [0, 8]],
  ['icmpCode', [3]],
  ['octets', [0, 1, 1500, 2 ** 33]],
  ['packets', [0, 1, 6.5]],
  ['reverseOctets', [0, 40]],
  ['duration', [0, 100, 250, 1000]],
  ['bitsPerSecond', [0, 12000]],
  ['packetsPerSecond', [0.9, 1]],
  ['octetsPerPacket', [1, 1500]],
  ['classOfService', [0, 0xb8]],
  ['interface', [0, 7]],
  ['ingressInterface', [7, 0xffffffff]],
  ['vlan', [0, 100]],
  ['outcome', [1, 2, 3]],
]
const operators = ['=', '!=', '<', '<=', '>', '>='] as const

const compare: fc.Arbitrary<Filter> = fc.constantFrom(...numberFields).chain(([field, values]) =>
  fc.record({
    type: fc.constant('compare' as const),
    field: fc.constant(field),
    operator: fc.constantFrom(...operators),
    value: fc.constantFrom(...values),
  }),
)
const within: fc.Arbitrary<Filter> = fc.constantFrom(...numberFields).chain(([field, values]) =>
  fc.record({
    type: fc.constant('in' as const),
    field: fc.constant(field),
    ranges: fc.array(
      fc
        .tuple(fc.constantFrom(...values), fc.constantFrom(0, 1, 500))
        .map(([from, more]) => [from, from + more] as const),
      { minLength: 1, maxLength: 8 },
    ),
  }),
)
const address: fc.Arbitrary<Filter> = fc.record({
  type: fc.constant('address' as const),
  field: fc.constantFrom<AddressField>('address', 'source', 'destination', 'exporter'),
  prefixes: fc.array(
    fc.constantFrom(...prefixTexts).map((text) => parsePrefix(text)!),
    { minLength: 1, maxLength: 6 },
  ),
})
const text: fc.Arbitrary<Filter> = fc.record({
  type: fc.constant('text' as const),
  field: fc.constantFrom<TextField>('application', 'action', 'rule', 'zone', 'sourceZone', 'user'),
  how: fc.constantFrom('equals', 'differs', 'contains'),
  texts: fc.array(fc.constantFrom('ssl', 'DENY', 'büro → internet', 'a', '7', 'trust', 'ü'), {
    minLength: 1,
    maxLength: 2,
  }),
})
const simple: fc.Arbitrary<Filter> = fc.oneof(
  compare,
  within,
  address,
  text,
  fc.constantFrom<Filter>(
    { type: 'any' },
    { type: 'family', family: 4 },
    { type: 'family', family: 6 },
    { type: 'flags', bits: 2 },
    { type: 'flags', bits: 0x12 },
  ),
)
export const filters: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    simple,
    fc.record({
      type: fc.constantFrom('and' as const, 'or' as const),
      filters: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ type: fc.constant('not' as const), filter: tie('filter') }),
  ),
})).filter

const names = dimensionDefinitions.map(({ name }) => name)
export const aggregations: fc.Arbitrary<NaiveQuery> = fc.record({
  filter: filters,
  by: fc
    .tuple(
      fc.uniqueArray(fc.constantFrom(...names), { maxLength: 4 }),
      fc.option(fc.constantFrom(0, 8, 31, 32), { nil: undefined }),
      fc.option(fc.constantFrom(0, 33, 96, 128), { nil: undefined }),
    )
    .map(([chosen, prefix4, prefix6]) =>
      chosen.map((name) => ({
        name,
        ...(/^(source|destination)Address$/.test(name)
          ? { ...(prefix4 === undefined ? {} : { prefix4 }), ...(prefix6 === undefined ? {} : { prefix6 }) }
          : {}),
        ...(name === 'timeMilliseconds' ? { bucketMilliseconds: 1000 } : {}),
      })),
    ),
  sums: fc.uniqueArray(fc.constantFrom(...measureNames), { minLength: 1 }),
  isScaled: fc.boolean(),
})
