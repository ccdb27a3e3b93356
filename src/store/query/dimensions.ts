/** What rows can be grouped by, as people name it, and how a group's value is told. */
import type { FlowColumn } from '../../records/columns.js'

/**
 * How the values of a dimension become words of a key: `small` packed into few bits, `word` 32 bits, `text` a number given
 * by the query to each different text, `address` as many words as the family has, `time` the number of the bucket.
 */
export type DimensionKind = 'small' | 'word' | 'text' | 'address' | 'exporter' | 'time'

export type DimensionDefinition = {
  /** The key in results. */
  readonly name: string
  /** What may be typed for it beside the name. */
  readonly short: string
  readonly kind: DimensionKind
  readonly column?: FlowColumn
  /** Of `small`: bits of a value. */
  readonly bits?: number
}

const small = (column: FlowColumn, short: string, bits: number): DimensionDefinition => ({
  name: column,
  short,
  kind: 'small',
  column,
  bits,
})
const of = (kind: DimensionKind, column: FlowColumn, short: string): DimensionDefinition => ({
  name: column,
  short,
  kind,
  column,
})

export const dimensionDefinitions: readonly DimensionDefinition[] = [
  of('address', 'sourceAddress', 'src'),
  of('address', 'destinationAddress', 'dst'),
  small('protocolIdentifier', 'proto', 8),
  small('sourceTransportPort', 'srcport', 16),
  small('destinationTransportPort', 'dstport', 16),
  small('icmpType', 'icmp-type', 8),
  small('icmpCode', 'icmp-code', 8),
  small('ipClassOfService', 'tos', 8),
  small('vlanId', 'vlan', 16),
  of('word', 'ingressInterface', 'in-if'),
  of('word', 'egressInterface', 'out-if'),
  { name: 'exporterAddress', short: 'exporter', kind: 'exporter' },
  of('text', 'applicationName', 'app'),
  of('text', 'action', 'action'),
  small('outcome', 'outcome', 8),
  of('text', 'ruleName', 'rule'),
  of('text', 'userName', 'user'),
  of('text', 'sourceZone', 'src-zone'),
  of('text', 'destinationZone', 'dst-zone'),
  of('text', 'vendor', 'vendor'),
  of('text', 'product', 'product'),
  { name: 'timeMilliseconds', short: 'time', kind: 'time' },
]

/** A dimension of one query. Prefix lengths are of addresses alone; `bucketMilliseconds` (1000 or more) is of time alone. */
export type Dimension = {
  readonly name: string
  readonly prefix4?: number
  readonly prefix6?: number
  readonly bucketMilliseconds?: number
}

export const MAX_DIMENSIONS = 4

export function definitionOf({ name }: Dimension): DimensionDefinition {
  return dimensionDefinitions.find((definition) => definition.name === name)!
}

/**
 * Reads `src/24,proto,time`. An address may have a prefix length: up to 32 it is IPv4's, above it IPv6's, and
 * `src/24/64` has both. Gives what is wrong as text.
 */
export function parseDimensions(text: string, bucketMilliseconds: number): Dimension[] | string {
  const dimensions: Dimension[] = []
  for (const part of text.split(',').slice(0, MAX_DIMENSIONS + 1)) {
    const [name = '', ...lengths] = part.trim().split('/')
    const definition = dimensionDefinitions.find(
      (each) => each.name === name || each.short === name.toLowerCase(),
    )
    if (definition === undefined) {
      const names = dimensionDefinitions.map(({ short }) => short).join(', ')
      return `rows cannot be grouped by \`${name}\`; they can by ${names}`
    }
    if (dimensions.some((each) => each.name === definition.name)) return `\`${name}\` is named twice`
    if (lengths.length > 0 && definition.kind !== 'address') return `\`${name}\` takes no prefix length`
    const prefixes = parseLengths(lengths)
    if (prefixes === undefined) return `\`${part.trim()}\` has a prefix length that is none`
    const bucket = definition.kind === 'time' ? { bucketMilliseconds } : {}
    dimensions.push({ name: definition.name, ...prefixes, ...bucket })
  }
  return dimensions.length > MAX_DIMENSIONS
    ? `rows are grouped by at most ${MAX_DIMENSIONS} things`
    : dimensions
}

function parseLengths(texts: readonly string[]): Pick<Dimension, 'prefix4' | 'prefix6'> | undefined {
  if (!texts.every((text) => /^\d{1,3}$/.test(text))) return undefined
  const [first, second] = texts.map(Number)
  if (first === undefined) return {}
  if (texts.length === 1) {
    if (first > 128) return undefined
    return first <= 32 ? { prefix4: first } : { prefix6: first }
  }
  return texts.length === 2 && first <= 32 && second! <= 128
    ? { prefix4: first, prefix6: second! }
    : undefined
}
