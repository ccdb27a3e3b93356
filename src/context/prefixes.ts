/** Prefixes as people write them: one text for one prefix, and what is wrong with a text that is none. */
import { type Address, formatAddress, type Prefix, parsePrefix } from '../records/address.js'

/** The first `length` bits of an address, the others 0. */
export function networkOf({ family, words }: Address, length: number): Address['words'] {
  if (family === 4) return [0, 0, 0, masked(words[3], length)]
  return [
    masked(words[0], length),
    masked(words[1], length - 32),
    masked(words[2], length - 64),
    masked(words[3], length - 96),
  ]
}

/** RFC 5952 text; a prefix of one host is written as its address. */
export function formatPrefix({ address, length }: Prefix): string {
  const text = formatAddress(address)
  return length === (address.family === 4 ? 32 : 128) ? text : `${text}/${length}`
}

/** Why a text is no prefix; host bits may mean the host or the network, so the sender must say which. */
export function problemOfPrefix(text: string): string | undefined {
  const prefix = parsePrefix(text)
  if (prefix === undefined) return 'is neither an address nor a prefix'
  const network = networkOf(prefix.address, prefix.length)
  if (network.every((word, index) => word === prefix.address.words[index]! >>> 0)) return undefined
  return 'has bits set beyond the prefix length: write the network, or the address alone'
}

/** A prefix without problems in its one form. */
export function canonicalPrefix(text: string): string {
  return formatPrefix(parsePrefix(text)!)
}

function masked(word: number, bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? word >>> 0 : (word & (0xffffffff << (32 - bits))) >>> 0
}
