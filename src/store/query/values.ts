/** The values of a filter's tests: numbers with their suffixes, protocols, addresses, TCP flags. */
import { type Prefix, parsePrefixes } from '../../records/address.js'
import { protocolNumber } from '../../records/protocol.js'
import type { NumberFieldDefinition, Operator } from './filter.js'
import { FilterFault, type Token } from './tokens.js'

/** As written → as meant. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['=', '='],
  ['==', '='],
  ['!=', '!='],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
])

export function readOperator(token: Token): Operator | undefined {
  return token.kind === 'symbol' ? OPERATORS.get(token.value) : undefined
}

/** Factors of counts are powers of 1000. */
const counts = new Map([
  ['', 1],
  ['k', 1e3],
  ['m', 1e6],
  ['g', 1e9],
  ['t', 1e12],
])
/** To milliseconds. */
const durations = new Map([
  ['', 1],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** A number of the field; throws FilterFault at the token when it is none. */
export function readNumber(token: Token, definition: NumberFieldDefinition): number {
  const value = token.kind === 'word' ? numberOf(token.value, definition) : undefined
  if (value !== undefined) return value
  throw new FilterFault(expectation(definition), token.at, token.end)
}

/** `a`, or `a-b` where the field is one of whole numbers. */
export function readRange(token: Token, definition: NumberFieldDefinition): readonly [number, number] {
  const dash = definition.unit === 'integer' && token.kind === 'word' ? token.value.indexOf('-') : -1
  if (dash < 1 || definition.names !== undefined) {
    const value = readNumber(token, definition)
    return [value, value]
  }
  const part = (from: number, to: number) =>
    readNumber(
      { ...token, value: token.value.slice(from, to), at: token.at + from, end: token.at + to },
      definition,
    )
  const range = [part(0, dash), part(dash + 1, token.value.length)] as const
  if (range[0] <= range[1]) return range
  throw new FilterFault('this range ends before it begins', token.at, token.end)
}

function numberOf(text: string, { unit, most, names }: NumberFieldDefinition): number | undefined {
  if (names !== undefined) {
    const index = names.indexOf(text.toLowerCase())
    return index > 0 ? index : undefined
  }
  if (unit === 'protocol') return protocolNumber(text)
  if (unit === 'integer') {
    const isNumber = /^\d{1,10}$/.test(text) || /^0x[\da-f]{1,8}$/i.test(text)
    return isNumber && Number(text) <= most ? Number(text) : undefined
  }
  const match = /^(\d{1,16}(?:\.\d{1,9})?)([a-z]{0,3})$/i.exec(text)
  if (match === null) return undefined
  const factor = (unit === 'count' ? counts : durations).get(match[2]!.toLowerCase())
  return factor === undefined ? undefined : Number(match[1]) * factor
}

function expectation({ unit, most, names }: NumberFieldDefinition): string {
  if (names !== undefined) return `one of ${names.slice(1).join(', ')} is expected here`
  switch (unit) {
    case 'protocol':
      return 'a protocol is expected here: a number up to 255 or a name like icmp'
    case 'integer':
      return `a number from 0 to ${most} is expected here`
    case 'count':
      return 'a number is expected here, like 1500, 10k, 1.5m or 2g'
    case 'duration':
      return 'a duration is expected here, like 500ms, 10s, 5m or 1h'
  }
}

/** An address, or where the test takes them a prefix; bits behind its length do not count. Two of one that is IPv4-mapped. */
export function readAddress(token: Token, takesPrefix: boolean): readonly Prefix[] {
  const isPrefix = token.value.includes('/')
  if (token.kind === 'word' && token.value.includes('%'))
    throw new FilterFault('a zone like %eth0 is in no row: leave it out', token.at, token.end)
  const isShort = token.kind === 'word' && token.value.length <= 49
  const prefixes = isShort ? parsePrefixes(takesPrefix ? wholePrefix(token.value) : token.value) : []
  if (prefixes.length > 0 && (takesPrefix || !isPrefix)) return prefixes
  const message =
    prefixes.length > 0
      ? 'a single address is expected here; `net` takes prefixes'
      : takesPrefix
        ? 'an address or prefix is expected here, like 10.0.0.0/8 or 2001:db8::1'
        : 'an address is expected here, like 192.0.2.1 or 2001:db8::1'
  throw new FilterFault(message, token.at, token.end)
}

/** `10/8` and `192.168/16`, as nfdump and tcpdump take them: the parts that are left out are 0. */
function wholePrefix(text: string): string {
  const match = /^(\d{1,3}(?:\.\d{1,3}){0,2})(\/\d{1,2})$/.exec(text)
  if (match === null) return text
  const [, parts = '', length = ''] = match
  return `${parts}${'.0'.repeat(4 - parts.split('.').length)}${length}`
}

/** RFC 9293 §3.1, RFC 3168. */
const flagBits = new Map([
  ['f', 0x01],
  ['s', 0x02],
  ['r', 0x04],
  ['p', 0x08],
  ['a', 0x10],
  ['u', 0x20],
  ['e', 0x40],
  ['c', 0x80],
])

/** Letters of TCP flags, or a number. */
export function readFlags(token: Token): number {
  const text = token.kind === 'word' ? token.value.toLowerCase() : ''
  if (/^(0x[\da-f]{1,4}|\d{1,5})$/.test(text) && Number(text) <= 0xffff) return Number(text)
  const bits = [...text].map((letter) => flagBits.get(letter))
  if (bits.length > 0 && !bits.includes(undefined)) return bits.reduce<number>((all, bit) => all | bit!, 0)
  throw new FilterFault('TCP flags are expected here: letters of FSRPAUEC, or a number', token.at, token.end)
}
