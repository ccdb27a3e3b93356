/** A filter made ready for blocks: columns by name, comparisons as ranges, texts in lower case, cheap tests first. */
import type { Prefix } from '../../records/address.js'
import { lineText } from '../../records/line-text.js'
import { addressFields, type Filter, numberFields, type Operator, textFields } from './filter.js'

/** Values worked out from several columns. */
export type Rate = 'duration' | 'bitsPerSecond' | 'packetsPerSecond' | 'octetsPerPacket'

/** A prefix of IPv6 as words that are compared under a mask. */
export type WordPrefix = { readonly words: readonly number[]; readonly masks: readonly number[] }

/** Ranges are pairs of ends, both included, sorted and apart. */
export type Prepared =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Prepared[] }
  | { readonly kind: 'not'; readonly part: Prepared }
  | { readonly kind: 'family'; readonly family: 4 | 6 }
  | { readonly kind: 'number'; readonly column: string; readonly ranges: Float64Array }
  | { readonly kind: 'rate'; readonly rate: Rate; readonly ranges: Float64Array }
  | { readonly kind: 'bits'; readonly column: string; readonly bits: number }
  | {
      readonly kind: 'address'
      readonly column: string
      readonly ranges4: Float64Array
      readonly prefixes6: readonly WordPrefix[]
    }
  | {
      readonly kind: 'sender'
      readonly which: 'address' | 'agentAddress'
      readonly prefixes: readonly Prefix[]
    }
  | { readonly kind: 'text'; readonly column: string; readonly matches: (text: string) => boolean }

export function prepare(filter: Filter): Prepared {
  switch (filter.type) {
    case 'any':
      return { kind: 'all' }
    case 'and':
    case 'or':
      return group(filter.type, filter.filters.map(prepare))
    case 'not':
      return { kind: 'not', part: prepare(filter.filter) }
    case 'family':
      return { kind: 'family', family: filter.family }
    case 'compare':
      return numbers(filter.field, comparisonRanges(filter.operator, filter.value))
    case 'in':
      return numbers(filter.field, filter.ranges)
    case 'flags':
      return { kind: 'bits', column: 'tcpControlBits', bits: filter.bits }
    case 'address':
      return addresses(filter)
    case 'text':
      return texts(filter)
  }
}

/** How dear a test is, roughly; the order among equals is the writer's. */
function costOf(part: Prepared): number {
  switch (part.kind) {
    case 'all':
    case 'family':
      return 0
    case 'sender':
      return 1
    case 'number':
    case 'bits':
      return 2
    case 'address':
      return 3
    case 'text':
      return part.column === 'message' ? 9 : 4
    case 'rate':
      return 5
    case 'not':
      return costOf(part.part)
    default:
      return Math.max(...part.parts.map(costOf))
  }
}

function group(kind: 'and' | 'or', parts: readonly Prepared[]): Prepared {
  if (parts.length === 1) return parts[0]!
  return { kind, parts: [...parts].sort((one, other) => costOf(one) - costOf(other)) }
}

function isRate(field: string): field is Rate {
  return ['duration', 'bitsPerSecond', 'packetsPerSecond', 'octetsPerPacket'].includes(field)
}

function numbers(field: keyof typeof numberFields, pairs: readonly (readonly [number, number])[]): Prepared {
  if (isRate(field)) return { kind: 'rate', rate: field, ranges: merged(pairs) }
  // "None" is written as 0, and is no value.
  const least = 'names' in numberFields[field] ? 1 : 0
  const ranges = merged(pairs.map(([from, to]) => [Math.max(from, least), to]))
  return group(
    'or',
    numberFields[field].columns.map((column) => ({ kind: 'number', column, ranges })),
  )
}

function comparisonRanges(operator: Operator, value: number): [number, number][] {
  const below: [number, number] = [0, beside(value, -1)]
  const above: [number, number] = [beside(value, 1), Number.POSITIVE_INFINITY]
  switch (operator) {
    case '=':
      return [[value, value]]
    case '!=':
      return [below, above]
    case '<':
      return [below]
    case '<=':
      return [[0, value]]
    case '>':
      return [above]
    case '>=':
      return [[value, Number.POSITIVE_INFINITY]]
  }
}

const bits = new BigInt64Array(1)
const double = new Float64Array(bits.buffer)

/** The next double after or before a value that is not negative; no value of ours is below 0. */
function beside(value: number, step: 1 | -1): number {
  if (value === 0 && step < 0) return -1
  double[0] = value
  bits[0]! += BigInt(step)
  return double[0]
}

/** Sorted, overlaps joined, empty ones left out. */
function merged(pairs: readonly (readonly [number, number])[]): Float64Array {
  const sorted = pairs.filter(([from, to]) => from <= to).sort(([one], [other]) => one - other)
  const ends: number[] = []
  for (const [from, to] of sorted) {
    const last = ends.length - 1
    if (last > 0 && from <= ends[last]!) ends[last] = Math.max(ends[last]!, to)
    else ends.push(from, to)
  }
  return Float64Array.from(ends)
}

function addresses({ field, prefixes }: Extract<Filter, { type: 'address' }>): Prepared {
  if (field === 'exporter') return { kind: 'sender', which: 'address', prefixes }
  if (field === 'agent') return { kind: 'sender', which: 'agentAddress', prefixes }
  const ranges4 = merged(prefixes.filter(({ address }) => address.family === 4).map(rangeOf))
  const prefixes6 = prefixes.filter(({ address }) => address.family === 6).map(wordsOf)
  return group(
    'or',
    addressFields[field].map((column) => ({ kind: 'address', column, ranges4, prefixes6 })),
  )
}

function rangeOf({ address, length }: Prefix): [number, number] {
  const size = 2 ** (32 - length)
  const from = Math.floor(address.words[3] / size) * size
  return [from, from + size - 1]
}

function wordsOf({ address, length }: Prefix): WordPrefix {
  const masks = address.words.map((_, index) => wordMask(length - 32 * index))
  return { words: address.words.map((word, index) => word & masks[index]!), masks }
}

/** A mask of so many leading bits. */
export function wordMask(bitsSet: number): number {
  if (bitsSet >= 32) return -1
  return bitsSet <= 0 ? 0 : -1 << (32 - bitsSet)
}

function texts({ field, how, texts }: Extract<Filter, { type: 'text' }>): Prepared {
  return group(
    'or',
    textFields[field].map((column) => ({ kind: 'text', column, matches: matcher(column, how, texts) })),
  )
}

function matcher(
  column: string,
  how: 'equals' | 'differs' | 'contains',
  texts: readonly string[],
): (text: string) => boolean {
  // What is all ASCII is found in a line as it is kept.
  const asRead = column === 'message' && texts.some((text) => /[^\u0000-\u007f]/.test(text))
  const lowerOf = (text: string) => (asRead ? lineText(text) : text).toLowerCase()
  const wanted = texts.map((text) => text.toLowerCase())
  if (how === 'contains') {
    return (text) => {
      const lower = lowerOf(text)
      return wanted.some((part) => lower.includes(part))
    }
  }
  const set = new Set(wanted)
  return how === 'equals' ? (text) => set.has(lowerOf(text)) : (text) => !set.has(lowerOf(text))
}
