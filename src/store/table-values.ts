/**
 * Where single values lie in LevelDB's table files, so that parts of a large one are read without the rest: LevelDB gives a value
 * whole, and copied twice. What is not found here (in the log, in a table that was merged since, beside others in one block of a
 * table) is LevelDB's to give. Format: LevelDB's doc/table_format.md, and its table/block_builder.cc.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { Leb128Reader } from '../blocks/leb128.js'
import { ApplianceError } from '../errors.js'

/** The index of a table whose file is open. */
export type TableIndex = { readonly name: string; readonly octets: Uint8Array; readonly file: number }

/** A value in an open file. */
export type OpenValue = {
  readonly octets: number
  /** Reads the octets `from` to `end` of the value to the same places of `into`. Throws BLOCK_DAMAGED where the file is cut short. */
  read(into: Uint8Array, from: number, end: number): void
  close(): void
}

/** A block of a table, and the number at the begin of its last key or a greater one, below that of the next block. */
type TableBlock = { readonly name: string; readonly offset: number; readonly size: number; last: number }

const NUMBER_OCTETS = 8
/** Behind each key: type <1> and LevelDB's own sequence <7>. */
const KEY_TRAILER_OCTETS = 8
const TYPE_VALUE = 1
const RESTART_OCTETS = 4
/** Behind the one entry of a block: where it begins, and that it is one. */
const RESTARTS_OCTETS = 2 * RESTART_OCTETS
/** The head of an entry, three numbers of 32 bits in LEB128, and a key of ours with its trailer. */
const HEAD_OCTETS = 3 * 5 + NUMBER_OCTETS + 2 + KEY_TRAILER_OCTETS
/** A table that was merged may lie beside what it became. */
const MOST_LOOKED_AT = 4

/** Values of a database whose keys begin with a number: 8 octets, big-endian. */
export class TableValues {
  readonly #location: string
  #blocks: TableBlock[] = []
  #isSorted = true

  constructor(location: string) {
    this.#location = location
  }

  /** Notes the blocks of a table; of one that it cannot make out, none. */
  add({ name, octets, file }: TableIndex): void {
    const blocks = blocksOf(name, octets)
    const last = blocks.at(-1)
    if (last === undefined) return
    // Of the last block the index says that its keys are below some round number.
    const head = Buffer.alloc(Math.min(HEAD_OCTETS, last.size))
    readSync(file, head, 0, head.length, last.offset)
    const { key } = readEntry(head)
    last.last = key === undefined ? Number.NaN : numberOf(key)
    if (blocks.some((block) => !Number.isSafeInteger(block.offset + block.size) || !(block.last >= 0))) return
    this.#blocks.push(...blocks)
    this.#isSorted = false
  }

  /** Opens the value of a key that lies in a block by itself. */
  open(key: Uint8Array): OpenValue | undefined {
    if (!this.#isSorted) this.#blocks.sort((one, other) => one.last - other.last)
    this.#isSorted = true
    const first = this.#firstFrom(numberOf(key))
    for (const block of this.#blocks.slice(first, first + MOST_LOOKED_AT)) {
      const value = openIn(join(this.#location, block.name), block, key)
      if (value !== undefined) return value
    }
    return undefined
  }

  #firstFrom(number: number): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#blocks[middle]!.last < number) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Entries of an index: a key not below the block's last one, of which the first octets may be those of the key before, and its place. */
function blocksOf(name: string, index: Uint8Array): TableBlock[] {
  const view = new DataView(index.buffer, index.byteOffset, index.length)
  const restarts = index.length < RESTART_OCTETS ? 0 : view.getUint32(index.length - RESTART_OCTETS, true)
  const end = index.length - RESTART_OCTETS * (1 + restarts)
  const reader = new Leb128Reader(index)
  const blocks: TableBlock[] = []
  let key = new Uint8Array(0)
  while (reader.at < end) {
    const [shared, more, placeOctets] = [reader.next(), reader.next(), reader.next()]
    const keyEnd = reader.at + more
    if (!(shared <= key.length && keyEnd + placeOctets <= end && shared + more >= KEY_TRAILER_OCTETS))
      return []
    const next = new Uint8Array(shared + more)
    next.set(key.subarray(0, shared))
    next.set(index.subarray(reader.at, keyEnd), shared)
    key = next
    reader.at = keyEnd
    const last = numberOf(key.subarray(0, key.length - KEY_TRAILER_OCTETS))
    blocks.push({ name, last, offset: reader.next(), size: reader.next() })
    reader.at = keyEnd + placeOctets
  }
  return blocks
}

/** The number that a key begins with; where a key is shorter, the least of those it can begin with. */
function numberOf(key: Uint8Array): number {
  let number = 0
  for (let index = 0; index < NUMBER_OCTETS; index++) number = number * 256 + (key[index] ?? 0)
  return number
}

/** The first entry of a table's block, by octets from its begin on. The key is undefined where that is no entry of a value. */
function readEntry(octets: Uint8Array): {
  key: Uint8Array | undefined
  valueAt: number
  valueOctets: number
} {
  const reader = new Leb128Reader(octets)
  const [shared, more, valueOctets] = [reader.next(), reader.next(), reader.next()]
  const valueAt = reader.at + more
  const isValue = shared === 0 && octets[valueAt - KEY_TRAILER_OCTETS] === TYPE_VALUE
  const isWhole = more > KEY_TRAILER_OCTETS && valueAt <= octets.length
  const key = isValue && isWhole ? octets.subarray(reader.at, valueAt - KEY_TRAILER_OCTETS) : undefined
  return { key, valueAt, valueOctets }
}

function openIn(path: string, { offset, size }: TableBlock, key: Uint8Array): OpenValue | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    // Merged since.
    return undefined
  }
  const head = Buffer.alloc(Math.min(HEAD_OCTETS, size))
  readSync(file, head, 0, head.length, offset)
  const entry = readEntry(head)
  const isFound = entry.key !== undefined && Buffer.compare(entry.key, key) === 0
  if (!isFound || entry.valueAt + entry.valueOctets + RESTARTS_OCTETS !== size) {
    closeSync(file)
    return undefined
  }
  return {
    octets: entry.valueOctets,
    read(into, from, end) {
      const octets = readSync(file, into, from, end - from, offset + entry.valueAt + from)
      if (octets !== end - from) throw new ApplianceError('BLOCK_DAMAGED', 'the table is cut short')
    },
    close: () => closeSync(file),
  }
}
