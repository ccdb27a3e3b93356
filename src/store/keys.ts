/** Keys of the blocks database and of its index (docs/storage-format.md, "Keys"). Big-endian, to sort as numbers do. */
import { type StreamDefinition, streams } from '../records/columns.js'

/** Where a block lies: its stream, the number of its first row, and how often it was merged. */
export type BlockPlace = {
  readonly stream: StreamDefinition
  readonly firstSequence: number
  /** 0 as the receiving thread wrote it; a merged block is one above the highest of those it took in. */
  readonly level: number
}

const SEQUENCE_OCTETS = 8
export const BLOCK_KEY_OCTETS = SEQUENCE_OCTETS + 2
/** Version 1 of the format had stream <1>, first sequence <8>. */
export const VERSION1_KEY_OCTETS = 9

/** Says that the keys are as here; a database without it was written as version 1. It sorts before all blocks. */
export const FORMAT_KEY = Uint8Array.of(0)
/** Written with sync where no block is at hand to be, which makes all before it durable. It sorts behind all blocks. */
export const SYNC_KEY = Uint8Array.of(0xff)

/** Its value is the sequence below which blocks of some stream were removed; it outlives the index. */
export const FLOOR_KEY = Uint8Array.of(0xfe)

/** Its value is what a writer noted with the blocks that it wrote, all or nothing: how far rollups have come. */
export const NOTE_KEY = Uint8Array.of(0xfd)

/** first sequence <8> · stream <1> · level <1>: keys only grow, whatever streams take turns. */
export function blockKey({ stream, firstSequence, level }: BlockPlace): Uint8Array {
  const key = sequenceKey(firstSequence, BLOCK_KEY_OCTETS)
  key[SEQUENCE_OCTETS] = stream.id
  key[SEQUENCE_OCTETS + 1] = level
  return key
}

/** The least key of blocks from a sequence on. */
export function sequenceKey(sequence: number, octets = SEQUENCE_OCTETS): Uint8Array {
  const key = new Uint8Array(octets)
  new DataView(key.buffer).setBigUint64(0, BigInt(sequence))
  return key
}

/** Undefined for keys that are no block's. */
export function readBlockKey(key: Uint8Array): BlockPlace | undefined {
  const stream = streams[key[SEQUENCE_OCTETS] ?? streams.length]
  if (key.length !== BLOCK_KEY_OCTETS || stream === undefined) return undefined
  const firstSequence = Number(new DataView(key.buffer, key.byteOffset, key.length).getBigUint64(0))
  return { stream, firstSequence, level: key[SEQUENCE_OCTETS + 1]! }
}

/** "flow4/1000", and behind a merge "flow4/1000+1". */
export function nameOfBlock({ stream, firstSequence, level }: BlockPlace): string {
  return `${stream.name}/${firstSequence}${level === 0 ? '' : `+${level}`}`
}

/**
 * What a key of the index database holds; of a floor, stream <1> is all that follows, and behind the level of a part of a filter its
 * number <1>.
 */
export const IndexKind = { block: 1, addresses: 2, replaced: 3, floor: 4, addressPart: 5 } as const
export type IndexKind = (typeof IndexKind)[keyof typeof IndexKind]

/** kind <1> · stream <1> · first sequence <8> · level <1>. */
export function indexKey(kind: IndexKind, { stream, firstSequence, level }: BlockPlace): Uint8Array {
  const key = indexFrom(kind, stream, firstSequence, 1)
  key[key.length - 1] = level
  return key
}

/** Of a part of a filter: kind <1> · stream <1> · first sequence <8> · level <1> · part <1>. */
export function partKey({ stream, firstSequence, level }: BlockPlace, part: number): Uint8Array {
  const key = indexFrom(IndexKind.addressPart, stream, firstSequence, 2)
  key[key.length - 2] = level
  key[key.length - 1] = part
  return key
}

/** The least key of a kind and stream from a sequence on. */
export function indexFrom(kind: IndexKind, stream: StreamDefinition, sequence: number, more = 0): Uint8Array {
  const key = new Uint8Array(2 + SEQUENCE_OCTETS + more)
  key[0] = kind
  key[1] = stream.id
  new DataView(key.buffer).setBigUint64(2, BigInt(sequence))
  return key
}

/** Undefined for a key that is no block's entry. */
export function readIndexKey(key: Uint8Array): BlockPlace | undefined {
  const stream = streams[key[1] ?? streams.length]
  if (key.length !== 3 + SEQUENCE_OCTETS || stream === undefined) return undefined
  const firstSequence = Number(new DataView(key.buffer, key.byteOffset, key.length).getBigUint64(2))
  return { stream, firstSequence, level: key[key.length - 1]! }
}

/** A sequence as a value: 8 octets, little-endian. */
export function sequenceValue(sequence: number): Uint8Array {
  const value = new Uint8Array(SEQUENCE_OCTETS)
  new DataView(value.buffer).setBigUint64(0, BigInt(sequence), true)
  return value
}

/** 1, the first of all, when there is none. */
export function readSequenceValue(value: Uint8Array | undefined): number {
  if (value === undefined || value.length !== SEQUENCE_OCTETS) return 1
  return Number(new DataView(value.buffer, value.byteOffset, value.length).getBigUint64(0, true))
}
