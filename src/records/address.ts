/**
 * IP addresses as 32-bit words, so that the receive path holds no string per packet. IPv4 is one word, IPv6 four,
 * most significant first. Text is made (RFC 5952) and read only at the edges.
 */
import ipaddr from 'ipaddr.js'

/** 4 or 6. */
export type AddressFamily = 4 | 6

/** An address of either family. IPv4 uses `words[3]` alone; the others are 0. */
export type Address = {
  readonly family: AddressFamily
  readonly words: readonly [number, number, number, number]
}

/** Dotted decimal of an unsigned 32-bit word. */
export function formatIPv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`
}

/** RFC 5952 text of an IPv6 address, IPv4-mapped ones in mixed notation (§5). */
export function formatIPv6(word0: number, word1: number, word2: number, word3: number): string {
  if (word0 === 0 && word1 === 0 && word2 >>> 0 === 0xffff) return `::ffff:${formatIPv4(word3)}`
  const groups = [
    (word0 >>> 16) & 0xffff,
    word0 & 0xffff,
    (word1 >>> 16) & 0xffff,
    word1 & 0xffff,
    (word2 >>> 16) & 0xffff,
    word2 & 0xffff,
    (word3 >>> 16) & 0xffff,
    word3 & 0xffff,
  ]
  let bestStart = -1
  let bestLength = 1
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > bestLength) {
      bestStart = start
      bestLength = length
    }
  }
  const hex = groups.map((group) => group.toString(16))
  if (bestStart < 0) return hex.join(':')
  return `${hex.slice(0, bestStart).join(':')}::${hex.slice(bestStart + bestLength).join(':')}`
}

export function formatAddress(address: Address): string {
  const [word0, word1, word2, word3] = address.words
  return address.family === 4 ? formatIPv4(word3) : formatIPv6(word0, word1, word2, word3)
}

export function isSameAddress(one: Address, other: Address): boolean {
  return one.family === other.family && one.words.every((word, index) => word === other.words[index])
}

/**
 * Reads an address; undefined when it is none. IPv4 must be four decimal parts (no octal, no short forms). An IPv6
 * zone (`%eth0`) is dropped, and an IPv4-mapped address is the IPv4 address: a dual-stack socket shows one exporter
 * by either.
 */
export function parseAddress(text: string): Address | undefined {
  const percent = text.indexOf('%')
  const plain = percent < 0 ? text : text.slice(0, percent)
  if (ipaddr.IPv4.isValidFourPartDecimal(plain)) {
    return { family: 4, words: [0, 0, 0, wordAt(ipaddr.IPv4.parse(plain).toByteArray(), 0)] }
  }
  if (!ipaddr.IPv6.isValid(plain)) return undefined
  const octets = ipaddr.IPv6.parse(plain).toByteArray()
  const words = [wordAt(octets, 0), wordAt(octets, 4), wordAt(octets, 8), wordAt(octets, 12)] as const
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff)
    return { family: 4, words: [0, 0, 0, words[3]] }
  return { family: 6, words: [...words] }
}

/** A prefix: the addresses whose first `length` bits equal those of `address`. */
export type Prefix = { readonly address: Address; readonly length: number }

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address; undefined when it is none of them. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/')
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (address === undefined) return undefined
  const longest = address.family === 4 ? 32 : 128
  if (slash < 0) return { address, length: longest }
  const digits = text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(digits)) return undefined
  // Of an IPv4-mapped address the length counts the bits before it, too.
  const length = Number(digits) - (address.family === 4 && text.includes(':') ? MAPPED_BITS : 0)
  return length >= 0 && length <= longest ? { address, length } : undefined
}

/** Before the IPv4 address in an IPv4-mapped one. */
const MAPPED_BITS = 96

/**
 * The prefixes of rows that a text stands for; none when it cannot be read. Devices put IPv4-mapped addresses into fields of IPv6, and
 * rows show them so: who writes that form means those, and the IPv4 addresses.
 */
export function parsePrefixes(text: string): readonly Prefix[] {
  const prefix = parsePrefix(text)
  if (prefix === undefined) return []
  const { address, length } = prefix
  if (address.family === 6 || !text.includes(':')) return [prefix]
  const words = [0, 0, 0xffff, address.words[3]] as const
  return [prefix, { address: { family: 6, words }, length: length + MAPPED_BITS }]
}

export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (prefix.address.family !== address.family) return false
  let bits = prefix.length
  for (let index = prefix.address.family === 4 ? 3 : 0; index < 4 && bits > 0; index++, bits -= 32) {
    const mask = bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0
    if (((prefix.address.words[index as 0]! ^ address.words[index as 0]!) & mask) !== 0) return false
  }
  return true
}

/** Broadcast of the limited kind, multicast, and the unspecified address: targets that many hosts answer for. */
export function isGroupAddress(address: Address): boolean {
  const [word0, , , word3] = address.words
  if (address.family === 6) return word0 >>> 24 === 0xff
  return word3 >>> 28 === 0xe || word3 >>> 0 === 0xffffffff || word3 === 0
}

/** What `isPrivateAddress` takes for private. */
export const privatePrefixes: readonly Prefix[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1',
].map((text) => parsePrefix(text)!)

/** Addresses that are never routed on the public Internet (RFC 1918, 4193, 6598, 3927, 4291). */
export function isPrivateAddress(address: Address): boolean {
  return privatePrefixes.some((prefix) => prefixContains(prefix, address))
}

function wordAt(octets: number[], offset: number): number {
  return (
    ((octets[offset]! << 24) |
      (octets[offset + 1]! << 16) |
      (octets[offset + 2]! << 8) |
      octets[offset + 3]!) >>>
    0
  )
}
