/**
 * A small set of the source and destination addresses of a block that may say "perhaps" of an address that is not there,
 * but never "no" of one that is: a Bloom filter of three bits in one 32-bit word (docs/storage-format.md, "Addresses").
 * A query for a host reads it instead of the block.
 */
import { FlowColumnIndex } from '../records/columns.js'
import type { BlockBuilder } from './builder.js'
import { clearFilter, markAddresses, markedFilter } from './simd/filter.js'

const LARGEST_WORDS_LOG2 = 14
/** One word for so many rows, before folding. */
const ROWS_PER_WORD = 4
/** The filter is folded in half while this share of its bits is set at most: afterwards a quarter is. */
const SPARSE = 0.13

/** The filter of the rows of a builder, 4 octets to 64 KiB; undefined for streams without addresses and for sums over any. */
export function addressFilter({ stream, planes, rows, shapes }: BlockBuilder): Uint8Array | undefined {
  if (stream.family === 0) return undefined
  if (shapes.some(({ columns }) => columns.includes(FlowColumnIndex.groupsTogether))) return undefined
  let log2 = 0
  while (log2 < LARGEST_WORDS_LOG2 && ROWS_PER_WORD << log2 < rows) log2++
  clearFilter(rows, log2)
  for (const column of [FlowColumnIndex.sourceAddress, FlowColumnIndex.destinationAddress])
    if (planes[column]!.length > 0) markAddresses(planes[column] as Uint32Array[], rows, log2)
  let words = markedFilter(rows, log2)
  for (; log2 > 0 && shareOfBits(words) <= SPARSE; log2--) words = fold(words)
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}

/** A filter that is not small is kept in parts, by the highest bits of the hash: who looks for a host reads one of them. */
const PART_BITS = 3
export const FILTER_PARTS = 1 << PART_BITS
/** Octets of a filter from which on parts are worth their keys. */
const FEWEST_OCTETS_IN_PARTS = 4096

/** The parts of a filter, `FILTER_PARTS` in their order; undefined for one that is kept whole. */
export function partsOf(filter: Uint8Array): Uint8Array[] | undefined {
  if (filter.length < FEWEST_OCTETS_IN_PARTS) return undefined
  const octets = filter.length / FILTER_PARTS
  return Array.from({ length: FILTER_PARTS }, (_, part) =>
    filter.subarray(part * octets, (part + 1) * octets),
  )
}

/** The part that tells of an address; one word for IPv4, four for IPv6. */
export function partOfAddress(address: readonly number[]): number {
  return hashOfAddress(address) >>> (32 - PART_BITS)
}

/** Whether a block with this filter may have a row with the address; one word for IPv4, four for IPv6. */
export function mayHoldAddress(filter: Uint8Array, address: readonly number[]): boolean {
  return mayHoldHash(filter, hashOfAddress(address), 0)
}

/** The same, by the part that tells of the address. */
export function mayPartHoldAddress(part: Uint8Array, address: readonly number[]): boolean {
  return mayHoldHash(part, hashOfAddress(address), PART_BITS)
}

/** The place of a hash is told by its bits below the highest `passed` ones. */
function mayHoldHash(filter: Uint8Array, hash: number, passed: number): boolean {
  const count = filter.length >>> 2
  // A filter of no known size says nothing.
  if (count === 0 || (count & (count - 1)) !== 0 || filter.length % 4 !== 0) return true
  const at = 4 * placeOf(hash << passed, Math.log2(count))
  const word = new DataView(filter.buffer, filter.byteOffset, filter.length).getUint32(at, true)
  const bits = bitsOf(hash) >>> 0
  return (word & bits) >>> 0 === bits
}

function hashOfAddress(address: readonly number[]): number {
  return address.length === 1
    ? hashOf(address[0]!)
    : hashOfIPv6(address[0]!, address[1]!, address[2]!, address[3]!)
}

/** The last step of MurmurHash3 for 32 bits, which spreads every bit over all. */
function hashOf(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function hashOfIPv6(first: number, second: number, third: number, fourth: number): number {
  return hashOf(hashOf(hashOf(hashOf(first) ^ second) ^ third) ^ fourth)
}

/** The high bits choose the word, so that a filter is folded by putting neighbours together. */
function placeOf(hash: number, log2: number): number {
  return log2 === 0 ? 0 : hash >>> (32 - log2)
}

function bitsOf(hash: number): number {
  return (1 << (hash & 31)) | (1 << ((hash >>> 5) & 31)) | (1 << ((hash >>> 10) & 31))
}

function fold(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const half = new Uint32Array(words.length / 2)
  for (let index = 0; index < half.length; index++) half[index] = words[2 * index]! | words[2 * index + 1]!
  return half
}

function shareOfBits(words: Uint32Array): number {
  let set = 0
  for (let index = 0; index < words.length; index++) {
    let word = words[index]!
    word -= (word >>> 1) & 0x55555555
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
    set += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return set / (32 * words.length)
}
