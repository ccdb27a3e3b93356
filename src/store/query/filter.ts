/**
 * A filter as a tree of plain values, and the fields that it may name. The language for people is in parse.ts; docs/query.md
 * has both. Fields stand for columns by name; a stream without the column never matches.
 */
import type { Prefix } from '../../records/address.js'
import { type FlowColumn, type MessageColumn, outcomeNames, phaseNames } from '../../records/columns.js'

type ColumnName = FlowColumn | MessageColumn

/** How the numbers of a field are written: `integer` and `protocol` up to `most`, others with suffixes. */
export type NumberUnit = 'integer' | 'protocol' | 'count' | 'duration'

export type NumberFieldDefinition = {
  /** Any of these columns may match; none where the value is worked out from several. */
  readonly columns: readonly ColumnName[]
  readonly unit: NumberUnit
  readonly most: number
  /** Names of the values, from 1; 0 is "none". */
  readonly names?: readonly string[]
}

const integer = (most: number, ...columns: ColumnName[]): NumberFieldDefinition => ({
  columns,
  unit: 'integer',
  most,
})
const count = (...columns: ColumnName[]): NumberFieldDefinition => ({
  columns,
  unit: 'count',
  most: Number.POSITIVE_INFINITY,
})

/** Fields that hold numbers. */
export const numberFields = {
  protocol: { columns: ['protocolIdentifier'], unit: 'protocol', most: 255 },
  port: integer(65535, 'sourceTransportPort', 'destinationTransportPort'),
  sourcePort: integer(65535, 'sourceTransportPort'),
  destinationPort: integer(65535, 'destinationTransportPort'),
  icmpType: integer(255, 'icmpType'),
  icmpCode: integer(255, 'icmpCode'),
  octets: count('octets'),
  packets: count('packets'),
  reverseOctets: count('reverseOctets'),
  reversePackets: count('reversePackets'),
  octetsTotal: count('octetsTotal'),
  packetsTotal: count('packetsTotal'),
  duration: { columns: [], unit: 'duration', most: Number.POSITIVE_INFINITY },
  bitsPerSecond: count(),
  packetsPerSecond: count(),
  octetsPerPacket: count(),
  classOfService: integer(255, 'ipClassOfService'),
  interface: integer(0xffffffff, 'ingressInterface', 'egressInterface'),
  ingressInterface: integer(0xffffffff, 'ingressInterface'),
  egressInterface: integer(0xffffffff, 'egressInterface'),
  vlan: integer(65535, 'vlanId'),
  severity: integer(7, 'severity'),
  outcome: { columns: ['outcome'], unit: 'integer', most: 3, names: outcomeNames },
  phase: { columns: ['phase'], unit: 'integer', most: 3, names: phaseNames },
} as const satisfies Readonly<Record<string, NumberFieldDefinition>>
export type NumberField = keyof typeof numberFields

/** Fields that hold addresses; `exporter` and `agent` are of the sender. */
export const addressFields = {
  address: ['sourceAddress', 'destinationAddress'],
  source: ['sourceAddress'],
  destination: ['destinationAddress'],
  exporter: [],
  agent: [],
} as const satisfies Readonly<Record<string, readonly ColumnName[]>>
export type AddressField = keyof typeof addressFields

/** Fields that hold text; any of the columns may match. */
export const textFields = {
  application: ['applicationName', 'application'],
  action: ['action'],
  rule: ['ruleName', 'ruleId'],
  user: ['userName'],
  zone: ['sourceZone', 'destinationZone'],
  sourceZone: ['sourceZone'],
  destinationZone: ['destinationZone'],
  vendor: ['vendor'],
  product: ['product'],
  session: ['sessionId'],
  service: ['service'],
  event: ['eventId'],
  device: ['host'],
  message: ['message'],
} as const satisfies Readonly<Record<string, readonly ColumnName[]>>
export type TextField = keyof typeof textFields

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>='

/** A filter. A test of a value that a row does not have is false; `not` turns any answer round. */
export type Filter =
  | { readonly type: 'any' }
  | { readonly type: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly type: 'not'; readonly filter: Filter }
  | { readonly type: 'family'; readonly family: 4 | 6 }
  | {
      readonly type: 'compare'
      readonly field: NumberField
      readonly operator: Operator
      readonly value: number
    }
  /** Within any of the ranges, ends included. */
  | {
      readonly type: 'in'
      readonly field: NumberField
      readonly ranges: readonly (readonly [number, number])[]
    }
  /** All of these bits of tcpControlBits are set. */
  | { readonly type: 'flags'; readonly bits: number }
  | { readonly type: 'address'; readonly field: AddressField; readonly prefixes: readonly Prefix[] }
  /** Without regard to case. `differs`: has a text, and it is none of these. */
  | {
      readonly type: 'text'
      readonly field: TextField
      readonly how: 'equals' | 'differs' | 'contains'
      readonly texts: readonly string[]
    }

/** All of the filters; any when there is none. */
export function allOf(filters: readonly Filter[]): Filter {
  if (filters.length === 0) return { type: 'any' }
  return filters.length === 1 ? filters[0]! : { type: 'and', filters }
}
