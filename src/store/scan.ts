/**
 * Reading rows: blocks that can hold wanted rows by their zone map, and in each block the rows that are wanted. A block
 * that cannot be read is counted and named, and the scan goes on: a scan that ended early is never "nothing found".
 */
import type { Block } from '../blocks/block.js'
import { type Plane, RECEIVED_COLUMN } from '../blocks/builder.js'
import type { StreamName } from '../records/columns.js'
import { BlockReader } from './block-reader.js'
import type { BlockStore } from './block-store.js'
import type { IndexedBlock } from './index-entry.js'
import { endOf } from './index-entry.js'
import { nameOfBlock } from './keys.js'

export type ScanOptions = {
  readonly stream: StreamName
  /** Rows received at or after. */
  readonly fromMilliseconds: number
  /** Rows received before. */
  readonly toMilliseconds: number
  /** The columns that will be asked for; when absent, all of a block's octets are checked before it is given. */
  readonly columns?: readonly number[]
  /** Blocks to skip by their zone map. */
  readonly accept?: (entry: IndexedBlock) => boolean
}

export type ScanCounts = {
  blocksRead: number
  /** Blocks that could not be read; each counts once, however often it is scanned over. */
  blocksFailed: number
  rowsRead: number
  failures: string[]
  readonly failed: Set<string>
}

export function emptyScanCounts(): ScanCounts {
  return { blocksRead: 0, blocksFailed: 0, rowsRead: 0, failures: [], failed: new Set() }
}

/** Rows of one block that a scan selected: places in the block's arrays, ascending. */
export type Selection = { readonly block: Block; readonly rows: Uint32Array }

const NAMED_FAILURES = 10

/** The selected rows of a stream, block by block in sequence order; each block is good until the next is asked for. */
export async function* scan(
  store: BlockStore,
  options: ScanOptions,
  counts: ScanCounts,
): AsyncGenerator<Selection> {
  const reader = new BlockReader(store)
  try {
    yield* scanBy(reader, store, options, counts)
  } finally {
    reader.close()
  }
}

/** The same by a reader that others scan by, too. */
export async function* scanBy(
  reader: BlockReader,
  store: BlockStore,
  options: ScanOptions,
  counts: ScanCounts,
): AsyncGenerator<Selection> {
  const { fromMilliseconds, toMilliseconds } = options
  for (const entry of await store.index(options.stream)) {
    if (entry.receivedToMilliseconds < fromMilliseconds || entry.receivedFromMilliseconds >= toMilliseconds)
      continue
    if (options.accept !== undefined && entry.damage === undefined && !options.accept(entry)) continue
    // What the caller does with a block must not fail on damage, so that is looked for before it is given.
    const selection = await readBlock(reader, entry, options, counts)
    if (selection === undefined) continue
    counts.blocksRead++
    counts.rowsRead += selection.rows.length
    if (selection.rows.length > 0) yield selection
  }
}

async function readBlock(
  reader: BlockReader,
  entry: IndexedBlock,
  { fromMilliseconds, toMilliseconds, columns }: ScanOptions,
  counts: ScanCounts,
): Promise<Selection | undefined> {
  try {
    const block = await reader.open(entry)
    if (block === undefined) return undefined
    if (columns === undefined) block.verify()
    else for (const column of columns) block.column(column)
    return { block, rows: selectReceived(block, fromMilliseconds, toMilliseconds) }
  } catch (error) {
    const name = nameOfBlock(entry)
    if (counts.failed.has(name)) return undefined
    counts.failed.add(name)
    counts.blocksFailed++
    if (counts.failures.length < NAMED_FAILURES) counts.failures.push((error as Error).message)
    return undefined
  }
}

/** Blocks whose rows are known to be, or not to be, in the order of their receipt. */
const orders = new WeakMap<Block, boolean>()

function isInOrder(block: Block, received: Plane): boolean {
  let isAscending = orders.get(block)
  if (isAscending !== undefined) return isAscending
  isAscending = true
  for (let row = 1; row < received.length && isAscending; row++)
    isAscending = received[row]! >= received[row - 1]!
  orders.set(block, isAscending)
  return isAscending
}

/** The first row that was received at a time or after, of rows in order. */
function firstAt(received: Plane, time: number): number {
  let [low, high] = [0, received.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (received[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
}

function selectReceived(block: Block, from: number, to: number): Uint32Array {
  const received = block.column(RECEIVED_COLUMN)![0]!
  const { rows, receivedFromMilliseconds, receivedToMilliseconds } = block.header
  if (isInOrder(block, received)) {
    const first = firstAt(received, from)
    const places = new Uint32Array(Math.max(0, firstAt(received, to) - first))
    for (let index = 0; index < places.length; index++) places[index] = first + index
    return places
  }
  const selected = new Uint32Array(rows)
  if (receivedFromMilliseconds >= from && receivedToMilliseconds < to) {
    for (let row = 0; row < rows; row++) selected[row] = row
    return selected
  }
  let count = 0
  for (let row = 0; row < rows; row++)
    if (received[row]! >= from && received[row]! < to) selected[count++] = row
  return selected.subarray(0, count)
}

/** The earliest and latest receive time over streams, of blocks from a sequence on; undefined when there is no row. */
export async function receivedRange(
  store: BlockStore,
  names: readonly StreamName[],
  fromSequence = 0,
): Promise<{ fromMilliseconds: number; toMilliseconds: number } | undefined> {
  let fromMilliseconds = Number.POSITIVE_INFINITY
  let toMilliseconds = Number.NEGATIVE_INFINITY
  for (const name of names) {
    for (const entry of await store.index(name)) {
      if (entry.damage !== undefined || Number.isNaN(entry.receivedFromMilliseconds)) continue
      if (endOf(entry) <= fromSequence) continue
      fromMilliseconds = Math.min(fromMilliseconds, entry.receivedFromMilliseconds)
      toMilliseconds = Math.max(toMilliseconds, entry.receivedToMilliseconds)
    }
  }
  return fromMilliseconds > toMilliseconds ? undefined : { fromMilliseconds, toMilliseconds }
}

/** When the first row at or after a time was received, over streams, by the index where a block cannot be read; Infinity: none. */
export async function nextReceived(
  store: BlockStore,
  names: readonly StreamName[],
  fromMilliseconds: number,
): Promise<number> {
  let next = Number.POSITIVE_INFINITY
  for (const name of names) {
    for (const entry of await store.index(name)) {
      const { receivedFromMilliseconds: first, receivedToMilliseconds: last } = entry
      if (!(last >= fromMilliseconds) || first >= next) continue
      next =
        first >= fromMilliseconds ? first : Math.min(next, await firstWithin(store, entry, fromMilliseconds))
    }
  }
  return next
}

/** Of a block that has rows on both sides of a time. */
async function firstWithin(store: BlockStore, entry: IndexedBlock, from: number): Promise<number> {
  const to = entry.receivedToMilliseconds + 1
  const window = { stream: entry.stream.name, fromMilliseconds: from, toMilliseconds: to }
  const reader = new BlockReader(store)
  try {
    const options = { ...window, columns: [RECEIVED_COLUMN] }
    const selection = await readBlock(reader, entry, options, emptyScanCounts())
    if (selection === undefined) return Number.POSITIVE_INFINITY
    const received = selection.block.column(RECEIVED_COLUMN)![0]!
    return selection.rows.reduce((least, row) => Math.min(least, received[row]!), Number.POSITIVE_INFINITY)
  } finally {
    reader.close()
  }
}
