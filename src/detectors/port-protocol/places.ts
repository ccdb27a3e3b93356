/**
 * Where an address belongs: its zone, its role, whether it is inside, whether it forwards for others. Context answers by
 * maps of text, which is too slow for every conversation, so its answers are put into intervals of addresses once.
 */
import type { Context } from '../../context/context.js'
import {
  type Address,
  type AddressFamily,
  type Prefix,
  parsePrefix,
  prefixContains,
  privatePrefixes,
} from '../../records/address.js'

/** Kinds of place that are told apart; of more the last stands for all. */
const MAX_PLACES = 65_535

export type Place = {
  readonly zone: string
  /** DeviceRole; undefined where no asset says. */
  readonly role: string | undefined
  readonly isInside: boolean
  /** Its role is one of those that forward for others. */
  readonly isGateway: boolean
}

export type Places = {
  /** The number of the place of an address, held as four words from a place in an array of keys. */
  of(keys: Uint32Array, offset: number, family: AddressFamily): number
  byNumber(number: number): Place
}

/** `own`: prefixes that are inside whatever context says. */
export function createPlaces(context: Context, own: readonly Prefix[]): Places {
  const places: Place[] = []
  const numbers = new Map<string, number>()
  const prefixes = [
    ...[...context.data.zones, ...context.data.assets].map(({ prefix }) => parsePrefix(prefix)),
    ...privatePrefixes,
    ...own,
  ].filter((prefix) => prefix !== undefined)

  function placeOf(address: Address): number {
    const place: Place = {
      zone: context.zoneOf(address),
      role: context.roleOf(address),
      isInside: context.isInside(address) || own.some((prefix) => prefixContains(prefix, address)),
      isGateway: context.isGateway(address),
    }
    const key = JSON.stringify(place)
    const found = numbers.get(key)
    if (found !== undefined) return found
    if (places.length >= MAX_PLACES) return places.length - 1
    numbers.set(key, places.length)
    return places.push(place) - 1
  }

  const four = intervals(prefixes, 4, placeOf)
  const six = intervals(prefixes, 6, placeOf)
  return {
    of: (keys, offset, family) =>
      family === 4
        ? four.numbers[find4(four.starts, keys[offset + 3]!)]!
        : six.numbers[find6(six.starts, keys, offset)]!,
    byNumber: (number) => places[number]!,
  }
}

type Intervals = {
  /** Where each begins, ascending from 0: one word an IPv4 address, four an IPv6 one. */
  readonly starts: Uint32Array
  readonly numbers: Uint16Array
}

function intervals(
  prefixes: readonly Prefix[],
  family: AddressFamily,
  placeOf: (address: Address) => number,
): Intervals {
  const bits = family === 4 ? 32n : 128n
  const bounds = new Set<bigint>([0n])
  for (const { address, length } of prefixes) {
    if (address.family !== family) continue
    const size = 1n << (bits - BigInt(length))
    const from = (integerOf(address) / size) * size
    bounds.add(from)
    if (from + size < 1n << bits) bounds.add(from + size)
  }
  const sorted = [...bounds].sort((one, other) => (one < other ? -1 : one > other ? 1 : 0))
  const addresses = sorted.map((value) => addressOf(value, family))
  const words = addresses.flatMap((address) => (family === 4 ? [address.words[3]] : [...address.words]))
  return { starts: Uint32Array.from(words), numbers: Uint16Array.from(addresses, placeOf) }
}

function integerOf({ words }: Address): bigint {
  return words.reduce((value, word) => (value << 32n) | BigInt(word >>> 0), 0n)
}

function addressOf(value: bigint, family: AddressFamily): Address {
  const word = (shift: bigint) => Number((value >> shift) & 0xffff_ffffn)
  return { family, words: [word(96n), word(64n), word(32n), word(0n)] }
}

/** The last interval that begins at or before the address. */
function find4(starts: Uint32Array, word: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (starts[middle]! <= word) low = middle
    else high = middle - 1
  }
  return low
}

function find6(starts: Uint32Array, keys: Uint32Array, offset: number): number {
  let low = 0
  let high = starts.length / 4 - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (isAtMost(starts, middle * 4, keys, offset)) low = middle
    else high = middle - 1
  }
  return low
}

function isAtMost(starts: Uint32Array, at: number, keys: Uint32Array, offset: number): boolean {
  for (let word = 0; word < 4; word++) {
    const start = starts[at + word]!
    const own = keys[offset + word]!
    if (start !== own) return start < own
  }
  return true
}
