/**
 * Where single values lie in LevelDB's table files, so that parts of a large one are read without the rest: LevelDB gives a value
 * whole, and copied twice. What is not found here (in the log, in a table that was merged since, behind many others in one block of a
 * table) is LevelDB's to give. Format: LevelDB's doc/table_format.md, and its table/block_builder.cc.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { Leb128Reader } from '../blocks/leb128.js'
import { ApplianceError } from '../errors.js'
import { findBadTables, tableNames } from './tables.js'

/** The index of a table, by the name of its file. */
export type TableIndex = { readonly name: string; readonly octets: Uint8Array }

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
/** Behind the entries of a block: where some of them begin, at least the first, and how many such places there are. */
const RESTARTS_OCTETS = 2 * RESTART_OCTETS
/** The head of an entry, three numbers of 32 bits in LEB128, and a key of ours with its trailer. */
const HEAD_OCTETS = 3 * 5 + NUMBER_OCTETS + 2 + KEY_TRAILER_OCTETS
/** A table that was merged may lie beside what it became. */
const MOST_LOOKED_AT = 4
/** Tables come when some megabytes have been written, and with merges. */
const LOOK_EVERY_MILLISECONDS = 1000
/** Small values that are passed over before the one that is looked for, which has begun behind them. */
const MOST_OTHERS = 16

/** Values of a database whose keys begin with a number: 8 octets, big-endian. */
export class TableValues {
  readonly #location: string
  /** Names of the tables that it knows of. */
  readonly #known = new Set<string>()
  /** Those whose blocks nobody has asked for yet. */
  #unread: TableIndex[] = []
  #blocks: TableBlock[] = []
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(location: string) {
    this.#location = location
  }

  add(table: TableIndex): void {
    this.#known.add(table.name)
    this.#unread.push(table)
  }

  /** Looks for tables that came, and forgets those that went, each second at most. True when one came. */
  async look(): Promise<boolean> {
    const now = performance.now()
    if (now - this.#lookedAt < LOOK_EVERY_MILLISECONDS) return false
    this.#lookedAt = now
    const there = new Set(await tableNames(this.#location))
    this.#blocks = this.#blocks.filter(({ name }) => there.has(name))
    for (const name of this.#known) if (!there.has(name)) this.#known.delete(name)
    const known = this.#known.size
    // One that is being written is bad until it is whole.
    await findBadTables(
      this.#location,
      [...there].filter((name) => !this.#known.has(name)),
      (table) => this.add(table),
    )
    return this.#known.size > known
  }

  /** Opens the value of a key; undefined where it is not found. */
  open(key: Uint8Array): OpenValue | undefined {
    if (this.#unread.length > 0) this.#readIndexes()
    const first = this.#firstFrom(numberOf(key))
    for (const block of this.#blocks.slice(first, first + MOST_LOOKED_AT)) {
      const value = openIn(join(this.#location, block.name), block, key)
      if (value !== undefined) return value
    }
    return undefined
  }

  /** Of an index that it cannot make out, no block is noted. */
  #readIndexes(): void {
    for (const { name, octets } of this.#unread) {
      const blocks = blocksOf(name, octets)
      const last = blocks.at(-1)
      if (last === undefined || blocks.some(({ offset, size }) => !Number.isSafeInteger(offset + size)))
        continue
      // Of the last block the index says that its keys are below some round number.
      const number = lastNumber(join(this.#location, name), last)
      if (number === undefined) continue
      last.last = number
      this.#blocks.push(...blocks)
    }
    this.#unread = []
    this.#blocks.sort((one, other) => one.last - other.last)
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

/** An entry of a table's block: its key and where in the block its value lies. */
type Entry = {
  readonly key: Uint8Array
  readonly isDeletion: boolean
  readonly valueAt: number
  readonly valueEnd: number
}

/** The entry behind another one, or the first, of which it may share octets of the key. Undefined where there is none. */
function readEntry(file: number, { offset, size }: TableBlock, before?: Entry): Entry | undefined {
  const at = before?.valueEnd ?? 0
  const head = Buffer.alloc(Math.max(0, Math.min(HEAD_OCTETS, size - RESTARTS_OCTETS - at)))
  if (readSync(file, head, 0, head.length, offset + at) !== head.length) return undefined
  const reader = new Leb128Reader(head)
  const [shared, more, valueOctets] = [reader.next(), reader.next(), reader.next()]
  const end = reader.at + more
  const valueEnd = at + end + valueOctets
  const known = before?.key.length ?? 0
  if (!(shared <= known && more >= KEY_TRAILER_OCTETS && end <= head.length)) return undefined
  if (!(valueEnd <= size - RESTARTS_OCTETS)) return undefined
  const own = head.subarray(reader.at, end - KEY_TRAILER_OCTETS)
  const key = new Uint8Array(shared + own.length)
  if (before !== undefined) key.set(before.key.subarray(0, shared))
  key.set(own, shared)
  const isDeletion = head[end - KEY_TRAILER_OCTETS] !== TYPE_VALUE
  return { key, isDeletion, valueAt: at + end, valueEnd }
}

/** What the last key of a block begins with; undefined where it is far behind the first, or cannot be read. */
function lastNumber(path: string, block: TableBlock): number | undefined {
  const file = openFile(path)
  if (file === undefined) return undefined
  let number: number | undefined
  try {
    let entry = readEntry(file, block)
    for (let others = 0; entry !== undefined; others++) {
      if (others > MOST_OTHERS) return undefined
      number = numberOf(entry.key)
      entry = readEntry(file, block, entry)
    }
    return number
  } catch {
    return undefined
  } finally {
    closeSync(file)
  }
}

/** Undefined where there is none: it was merged since. */
function openFile(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined
  }
}

function findEntry(file: number, block: TableBlock, key: Uint8Array): Entry | undefined {
  let entry = readEntry(file, block)
  for (let others = 0; entry !== undefined && others <= MOST_OTHERS; others++) {
    if (Buffer.compare(entry.key, key) === 0) return entry.isDeletion ? undefined : entry
    entry = readEntry(file, block, entry)
  }
  return undefined
}

function openIn(path: string, block: TableBlock, key: Uint8Array): OpenValue | undefined {
  const file = openFile(path)
  if (file === undefined) return undefined
  let entry: Entry | undefined
  try {
    entry = findEntry(file, block, key)
  } finally {
    if (entry === undefined) closeSync(file)
  }
  if (entry === undefined) return undefined
  const { valueAt, valueEnd } = entry
  return {
    octets: valueEnd - valueAt,
    read(into, from, end) {
      const octets = readSync(file, into, from, end - from, block.offset + valueAt + from)
      if (octets !== end - from) throw new ApplianceError('BLOCK_DAMAGED', 'the table is cut short')
    },
    close: () => closeSync(file),
  }
}
