/**
 * Searching rows for people and programs: the newest first, by the ingest sequence, page by page. The cursor is the
 * sequence of the last row looked at, so a page never skips or repeats a row while others are written.
 */
import type { Block } from '../../blocks/block.js'
import { rowObject } from '../../blocks/row.js'
import { ApplianceError } from '../../errors.js'
import type { StreamName } from '../../records/columns.js'
import type { BlockStore } from '../blocks.js'
import { allEffort, type Effort, stopReason } from './effort.js'
import type { Filter } from './filter.js'
import { FLOW_STREAMS, planBlocks, type Window } from './plan.js'
import { type Prepared, prepare } from './prepare.js'
import { selectRows } from './select.js'

/** A search for rows; absent keys do not restrict. */
export type RowQuery = {
  readonly fromMilliseconds?: number
  readonly toMilliseconds?: number
  readonly filter?: Filter
  /** All streams of flows when absent. */
  readonly stream?: StreamName
  readonly limit: number
  /** As given back by the page before. */
  readonly cursor?: string
}

/** Rows found. `partial` says that not all could be looked at: fewer may have been found than there are. */
export type RowPage = {
  readonly rows: readonly object[]
  readonly nextCursor: string | undefined
  readonly partial: boolean
  readonly blocksFailed: number
}

/** A page ends after so much work, with a cursor to go on from. */
const PAGE_MILLISECONDS = 2000

export function windowOf(query: Pick<RowQuery, 'fromMilliseconds' | 'toMilliseconds'>): Window {
  return {
    fromMilliseconds: query.fromMilliseconds ?? Number.NEGATIVE_INFINITY,
    toMilliseconds: query.toMilliseconds ?? Number.POSITIVE_INFINITY,
  }
}

/** One page; throws INVALID when the cursor is none of ours. */
export async function queryRows(
  store: BlockStore,
  query: RowQuery,
  effort: Effort = allEffort,
): Promise<RowPage> {
  const before = query.cursor === undefined ? Number.POSITIVE_INFINITY : readCursor(query.cursor)
  const window = windowOf(query)
  const filter = prepare(query.filter ?? { type: 'any' })
  const names = query.stream === undefined ? FLOW_STREAMS : [query.stream]
  const planned = await planBlocks(store, names, window, filter)
  const wanted = planned.filter(({ entry }) => entry.firstSequence < before).reverse()
  const ends = Math.min(effort.deadlineMilliseconds, effort.now() + PAGE_MILLISECONDS)
  const rows: object[] = []
  let blocksFailed = 0
  for (const [index, { entry }] of wanted.entries()) {
    if (index > 0 && stopReason({ ...effort, deadlineMilliseconds: ends }) !== undefined) {
      const nextCursor = String(wanted[index - 1]!.entry.firstSequence)
      return { rows, nextCursor, partial: true, blocksFailed }
    }
    try {
      const block = await store.block(entry)
      // Retention removed it meanwhile.
      if (block === undefined) continue
      const nextCursor = takeRows(block, before, { window, filter, limit: query.limit }, rows)
      if (nextCursor !== undefined) return { rows, nextCursor, partial: blocksFailed > 0, blocksFailed }
    } catch {
      // Named by the scans of the detectors and counted here: a page over it is partial.
      blocksFailed++
    }
  }
  return { rows, nextCursor: undefined, partial: blocksFailed > 0, blocksFailed }
}

type Wanted = { readonly window: Window; readonly filter: Prepared; readonly limit: number }

/** Adds the block's matching rows, the newest first; the cursor once there are enough. */
function takeRows(block: Block, before: number, wanted: Wanted, rows: object[]): string | undefined {
  const first = block.header.firstSequence
  const selected = selectRows(block, wanted.window, wanted.filter)
  const source = rowsOf(block)
  for (let index = selected.length - 1; index >= 0; index--) {
    const row = selected[index]!
    if (first + row >= before) continue
    const object = rowObject(source, row)
    rows.push({ row: first + row, ...object, ...derived(object) })
    if (rows.length >= wanted.limit) return String(first + row)
  }
  return undefined
}

/** What follows from a row: times by our clock, and counts as they were before sampling. */
function derived(row: Record<string, unknown>): Record<string, number> {
  const values: Record<string, number> = {}
  const skew = row['clockSkewMilliseconds']
  const oneIn = row['samplingInterval']
  const add = (name: string, from: string, work: (value: number) => number) => {
    const value = row[from]
    if (typeof value === 'number') values[name] = work(value)
  }
  if (typeof skew === 'number') {
    add('correctedStartMilliseconds', 'startMilliseconds', (time) => time - skew)
    add('correctedEndMilliseconds', 'endMilliseconds', (time) => time - skew)
  }
  if (typeof oneIn === 'number' && oneIn > 1) {
    add('scaledOctets', 'octets', (count) => count * oneIn)
    add('scaledPackets', 'packets', (count) => count * oneIn)
  }
  return values
}

function readCursor(cursor: string): number {
  const sequence = Number(cursor)
  if (!Number.isSafeInteger(sequence) || sequence < 0)
    throw new ApplianceError('INVALID', 'the cursor is none of ours')
  return sequence
}

function rowsOf(block: Block) {
  const { stream, exporters, shapes } = block.header
  return {
    stream,
    exporters,
    shapes,
    column: (column: number) => block.column(column),
    strings: (column: number) => block.strings(column),
    addresses: () => block.addresses(),
  }
}
