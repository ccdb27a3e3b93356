/** Keys of conversations, and their hashes. */
import type { Plane } from '../../blocks/builder.js'
import { KEY_WORDS, SHORT_KEY_WORDS } from './conversation-record.js'

/** The hash of a key's first words: all of an IPv4 conversation's. */
export function shortHash(head: number, low: number, high: number, ports: number): number {
  let hash = Math.imul(head ^ 0x9e3779b9, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13) ^ low, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13) ^ high, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13) ^ ports, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The hash of an IPv6 conversation: that of its first words, and its other six. */
export function longHash(short: number, words: Uint32Array, from: number): number {
  let hash = short
  for (let word = 0; word < KEY_WORDS - SHORT_KEY_WORDS; word++) {
    hash = Math.imul(hash ^ words[from + word]!, 0x85ebca6b)
    hash ^= hash >>> 13
  }
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The other words of a key of IPv6 addresses. */
export function fillRest(
  keys: Uint32Array,
  from: number,
  lower: readonly Plane[],
  higher: readonly Plane[],
  row: number,
): void {
  for (let word = 0; word < 3; word++) {
    keys[from + word] = lower[word]![row]!
    keys[from + 3 + word] = higher[word]![row]!
  }
}

/** Multicast, limited broadcast and the unspecified address; last octet 255 is taken for a subnet's broadcast. */
export function isGroup(planes: readonly Plane[], row: number): boolean {
  const first = planes[0]![row]!
  if (planes.length === 4) return first >>> 24 === 0xff
  return first >>> 28 >= 0xe || first === 0 || (first & 0xff) === 0xff
}

/** Whether the source is the higher end: by address, then by port. */
export function sourceIsHigher(
  sources: readonly Plane[],
  destinations: readonly Plane[],
  row: number,
  sourcePort: number,
  destinationPort: number,
): boolean {
  for (let word = 0; word < sources.length; word++) {
    const source = sources[word]![row]!
    const destination = destinations[word]![row]!
    if (source !== destination) return source > destination
  }
  return sourcePort > destinationPort
}
