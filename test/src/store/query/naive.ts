// What a filter and an aggregation mean, row by row over the JSON of rows: slow, plain, and sharing no code with the engine.
import { type Address, parseAddress, prefixContains } from '#core/records/address.js'
import type { Dimension } from '#core/store/query/dimensions.js'
import type { Filter } from '#core/store/query/filter.js'
import type { Measure } from '#core/store/query/measures.js'

export type Row = Readonly<Record<string, number | string>> & { readonly family: number }

const columnsOf: Readonly<Record<string, readonly string[]>> = {
  protocol: ['protocolIdentifier'],
  port: ['sourceTransportPort', 'destinationTransportPort'],
  sourcePort: ['sourceTransportPort'],
  destinationPort: ['destinationTransportPort'],
  classOfService: ['ipClassOfService'],
  interface: ['ingressInterface', 'egressInterface'],
  vlan: ['vlanId'],
  address: ['sourceAddress', 'destinationAddress'],
  source: ['sourceAddress'],
  destination: ['destinationAddress'],
  exporter: ['exporterAddress'],
  application: ['applicationName'],
  rule: ['ruleName', 'ruleId'],
  zone: ['sourceZone', 'destinationZone'],
  user: ['userName'],
}

function valuesOf(row: Row, field: string): (number | string)[] {
  switch (field) {
    case 'duration':
      return defined(duration(row))
    case 'bitsPerSecond':
      return quotient(row['octets'], duration(row), 8000)
    case 'packetsPerSecond':
      return quotient(row['packets'], duration(row), 1000)
    case 'octetsPerPacket':
      return quotient(row['octets'], row['packets'], 1)
    case 'outcome':
      return defined(row['outcome']).map((name) => ['none', 'allow', 'deny', 'other'].indexOf(String(name)))
    default:
      return (columnsOf[field] ?? [field]).flatMap((column) => defined(statedValue(row, column)))
  }
}

/** Type and code of ICMP in the place of a port are no port. */
function statedValue(row: Row, column: string): number | string | undefined {
  const isNoPort =
    column.endsWith('TransportPort') && ['destinationPort', 'sourcePort'].includes(String(row['icmpFrom']))
  return isNoPort ? undefined : row[column]
}

function defined(value: number | string | undefined): (number | string)[] {
  return value === undefined ? [] : [value]
}

function duration(row: Row): number | undefined {
  const [start, end] = [row['startMilliseconds'], row['endMilliseconds']]
  if (start !== undefined && end !== undefined && end >= start) return Number(end) - Number(start)
  const stated = row['durationMilliseconds']
  return stated === undefined ? undefined : Number(stated)
}

function quotient(
  dividend: number | string | undefined,
  divisor: number | string | undefined,
  factor: number,
): number[] {
  if (dividend === undefined || divisor === undefined || Number(divisor) === 0) return []
  return [(Number(dividend) * factor) / Number(divisor)]
}

const comparisons = {
  '=': (one: number, other: number) => one === other,
  '!=': (one: number, other: number) => one !== other,
  '<': (one: number, other: number) => one < other,
  '<=': (one: number, other: number) => one <= other,
  '>': (one: number, other: number) => one > other,
  '>=': (one: number, other: number) => one >= other,
}

export function matches(filter: Filter, row: Row): boolean {
  switch (filter.type) {
    case 'any':
      return true
    case 'and':
      return filter.filters.every((each) => matches(each, row))
    case 'or':
      return filter.filters.some((each) => matches(each, row))
    case 'not':
      return !matches(filter.filter, row)
    case 'family':
      return row.family === filter.family
    case 'compare':
      return valuesOf(row, filter.field).some((value) =>
        comparisons[filter.operator](Number(value), filter.value),
      )
    case 'in':
      return valuesOf(row, filter.field).some((value) =>
        filter.ranges.some(([from, to]) => Number(value) >= from && Number(value) <= to),
      )
    case 'flags': {
      const flags = row['tcpControlBits']
      return flags !== undefined && (Number(flags) & filter.bits) === filter.bits
    }
    case 'address':
      return valuesOf(row, filter.field).some((text) =>
        filter.prefixes.some((prefix) => prefixContains(prefix, parseAddress(String(text)) as Address)),
      )
    case 'text': {
      const wanted = filter.texts.map((text) => text.toLowerCase())
      return valuesOf(row, filter.field).some((value) => {
        const text = String(value).toLowerCase()
        if (filter.how === 'contains') return wanted.some((part) => text.includes(part))
        return wanted.includes(text) === (filter.how === 'equals')
      })
    }
  }
}

export type Groups = Map<string, Record<string, number>>

export type NaiveQuery = {
  readonly filter: Filter
  readonly by: readonly Dimension[]
  readonly sums: readonly Measure[]
  readonly isScaled: boolean
}

/** The JSON of a group's key, with its names sorted → its sums. */
export function aggregate(rows: readonly Row[], { filter, by, sums, isScaled }: NaiveQuery): Groups {
  const groups: Groups = new Map()
  for (const row of rows) {
    if (!matches(filter, row)) continue
    const key = JSON.stringify(by.flatMap((dimension) => keyPart(row, dimension)).sort())
    const group = groups.get(key) ?? Object.fromEntries(sums.map((measure) => [measure, 0]))
    const factor = isScaled ? Math.max(1, Number(row['samplingInterval'] ?? 1)) : 1
    for (const measure of sums)
      group[measure]! += measure === 'flows' ? 1 : Number(row[measure] ?? 0) * factor
    groups.set(key, group)
  }
  return groups
}

function keyPart(row: Row, { name, prefix4, prefix6, bucketMilliseconds }: Dimension): [string, unknown][] {
  if (name === 'timeMilliseconds') {
    const received = Number(row['receivedMilliseconds'])
    return [[name, Math.floor(received / bucketMilliseconds!) * bucketMilliseconds!]]
  }
  const value = statedValue(row, name)
  if (value === undefined) return []
  const length = row.family === 4 ? prefix4 : prefix6
  if (!name.endsWith('Address') || name === 'exporterAddress' || length === undefined) return [[name, value]]
  return [[name, `${masked(parseAddress(String(value))!, length)}/${length}`]]
}

/** The address as a number under a mask, as text; the engine's own answer is read the same way. */
export function masked({ family, words }: Address, length: number): string {
  const bits = BigInt(family === 4 ? 32 : 128)
  const number = words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n)
  const shift = bits - BigInt(length)
  // 0.0.0.0/0 and ::/0 are two.
  return `${family}:${((number >> shift) << shift).toString(16)}`
}

/** The groups of an answer in the same form. */
export function groupsOf(
  groups: readonly Readonly<Record<string, number | string>>[],
  sums: readonly string[],
): Groups {
  const found: Groups = new Map()
  for (const group of groups) {
    const key = Object.entries(group)
      .filter(([name]) => !sums.includes(name))
      .map(([name, value]) => {
        const [address, length] = String(value).split('/')
        return length === undefined
          ? [name, value]
          : [name, `${masked(parseAddress(address!)!, Number(length))}/${length}`]
      })
      .sort()
    found.set(JSON.stringify(key), Object.fromEntries(sums.map((name) => [name, Number(group[name])])))
  }
  return found
}
