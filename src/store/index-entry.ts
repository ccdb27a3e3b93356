/**
 * What the index knows of a block without its columns, and how that lies in the index database (docs/storage-format.md,
 * "The index"). All of it can be made anew from the blocks.
 */
import { Block, type BlockMemory } from '../blocks/block.js'
import { crc32c } from '../blocks/crc32c.js'
import type { BlockHeader } from '../blocks/header.js'
import { decodeRuns, encodeRuns, endOfRuns, type Run } from '../blocks/runs.js'
import { ApplianceError } from '../errors.js'
import { type BlockPlace, nameOfBlock } from './keys.js'

export type IndexedBlock = BlockPlace &
  Pick<
    BlockHeader,
    | 'rows'
    | 'runs'
    | 'storedMilliseconds'
    | 'receivedFromMilliseconds'
    | 'receivedToMilliseconds'
    | 'protocols'
  > & {
    readonly octets: number
    /** Set when the block could not be read: why. */
    readonly damage?: string
  }

const FIXED_OCTETS = 4 + 4 + 3 * 8 + 32
const CHECKSUM_OCTETS = 4

export function encodeEntry(entry: IndexedBlock): Uint8Array {
  // A block has a row at least: one without is damaged, and its entry says why.
  const rest = entry.damage === undefined ? encodeRuns(entry.runs) : Buffer.from(entry.damage)
  const octets = new Uint8Array(FIXED_OCTETS + rest.length + CHECKSUM_OCTETS)
  const view = new DataView(octets.buffer)
  view.setUint32(0, entry.rows, true)
  view.setUint32(4, entry.octets, true)
  view.setFloat64(8, entry.storedMilliseconds, true)
  view.setFloat64(16, entry.receivedFromMilliseconds, true)
  view.setFloat64(24, entry.receivedToMilliseconds, true)
  octets.set(entry.protocols, 32)
  octets.set(rest, FIXED_OCTETS)
  const end = FIXED_OCTETS + rest.length
  view.setUint32(end, crc32c(octets.subarray(0, end)), true)
  return octets
}

/** Undefined when the value does not match its checksum. */
export function decodeEntry(place: BlockPlace, value: Uint8Array): IndexedBlock | undefined {
  const end = value.length - CHECKSUM_OCTETS
  if (end <= FIXED_OCTETS) return undefined
  const view = new DataView(value.buffer, value.byteOffset, value.length)
  if (crc32c(value.subarray(0, end)) !== view.getUint32(end, true)) return undefined
  const rows = view.getUint32(0, true)
  const octets = view.getUint32(4, true)
  const rest = value.subarray(FIXED_OCTETS, end)
  if (rows === 0) return damagedEntry(place, octets, Buffer.from(rest).toString())
  return {
    ...place,
    rows,
    octets,
    storedMilliseconds: view.getFloat64(8, true),
    receivedFromMilliseconds: view.getFloat64(16, true),
    receivedToMilliseconds: view.getFloat64(24, true),
    protocols: value.slice(32, FIXED_OCTETS),
    runs: decodeRuns(rest, place.firstSequence),
  }
}

/** Opens the block that lies under a key; one that says it is another is as good as damaged. */
export function openBlock(place: BlockPlace, value: Uint8Array, memory?: BlockMemory): Block {
  const block = new Block(value, memory)
  const { stream, firstSequence } = block.header
  if (stream === place.stream && firstSequence === place.firstSequence) return block
  const other = `${stream.name}/${firstSequence}`
  throw new ApplianceError('BLOCK_DAMAGED', `block ${nameOfBlock(place)} holds ${other}`)
}

/** The entry of a block by its own header. One that cannot be read has an entry too, so that scans count it as failed. */
export function entryOf(place: BlockPlace, value: Uint8Array): IndexedBlock {
  try {
    return entryOfHeader(place, openBlock(place, value).header, value.length)
  } catch (error) {
    return damagedEntry(place, value.length, (error as Error).message)
  }
}

export function entryOfHeader(place: BlockPlace, header: BlockHeader, octets: number): IndexedBlock {
  const { rows, runs, storedMilliseconds, receivedFromMilliseconds, receivedToMilliseconds, protocols } =
    header
  return {
    ...place,
    rows,
    runs,
    storedMilliseconds,
    receivedFromMilliseconds,
    receivedToMilliseconds,
    protocols,
    octets,
  }
}

/** How many rows a damaged block has, and from when, is not known: it may hold any. */
export function damagedEntry(place: BlockPlace, octets: number, damage: string): IndexedBlock {
  const runs: readonly Run[] = [{ firstSequence: place.firstSequence, rows: 0 }]
  return {
    ...place,
    rows: 0,
    runs,
    storedMilliseconds: 0,
    receivedFromMilliseconds: Number.NEGATIVE_INFINITY,
    receivedToMilliseconds: Number.POSITIVE_INFINITY,
    protocols: new Uint8Array(32).fill(0xff),
    octets,
    damage,
  }
}

/** One more than the number of the entry's last row. */
export function endOf({ runs }: Pick<IndexedBlock, 'runs'>): number {
  return endOfRuns(runs)
}
