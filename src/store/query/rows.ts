/**
 * Searching rows for people and programs: the newest first, by the ingest sequence, page by page. The cursor is the
 * sequence of the last row looked at, so a page never skips or repeats a row while others are written.
 */
import type { Block } from '../../blocks/block.js'
import { rowObject } from '../../blocks/row.js'
import type { Run } from '../../blocks/runs.js'
import { ApplianceError } from '../../errors.js'
import type { StreamName } from '../../records/columns.js'
import type { BlockStore, IndexedBlock } from '../blocks.js'
import { allEffort, type Effort, type PartialReason, stopReason } from './effort.js'
import type { Filter } from './filter.js'
import { FLOW_STREAMS, planBlocks, type Window } from './plan.js'
import { prepare } from './prepare.js'
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
  readonly partialReasons: readonly PartialReason[]
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
  const wanted = planned
    .flatMap(({ entry }) => stretchesOf(entry))
    .filter(({ run }) => run.firstSequence < before)
    .sort((one, other) => other.run.firstSequence - one.run.firstSequence)
  const selections = new Map<IndexedBlock, Selection>()
  const ends = Math.min(effort.deadlineMilliseconds, effort.now() + PAGE_MILLISECONDS)
  const rows: object[] = []
  let blocksFailed = 0
  let isRemoved = false
  const page = (nextCursor?: string, stopped?: PartialReason): RowPage => {
    const reasons: PartialReason[] = blocksFailed > 0 ? ['blocks'] : []
    if (isRemoved) reasons.push('removed')
    if (stopped !== undefined) reasons.push(stopped)
    return { rows, nextCursor, partial: reasons.length > 0, partialReasons: reasons, blocksFailed }
  }
  for (const [index, stretch] of wanted.entries()) {
    const stopped = index > 0 ? stopReason({ ...effort, deadlineMilliseconds: ends }) : undefined
    if (stopped !== undefined) return page(String(wanted[index - 1]!.run.firstSequence), stopped)
    try {
      const { entry } = stretch
      let selection = selections.get(entry)
      if (selection === undefined) {
        const block = await store.block(entry)
        // Retention removed it meanwhile.
        if (block === undefined) {
          isRemoved = true
          continue
        }
        selection = { block, selected: selectRows(block, window, filter) }
        if (entry.runs.length > 1) selections.set(entry, selection)
      }
      const nextCursor = takeRows(selection, stretch, before, query.limit, rows)
      if (nextCursor !== undefined) return page(nextCursor)
    } catch {
      // Named by the scans of the detectors and counted here: a page over it is partial.
      blocksFailed++
    }
  }
  return page()
}

/** One run of a block's rows; a merged block has many, between which lie rows of other blocks. */
type Stretch = { readonly entry: IndexedBlock; readonly run: Run; readonly firstRow: number }

/** Places of the rows that match, ascending. */
type Selection = { readonly block: Block; readonly selected: Uint32Array }

function stretchesOf(entry: IndexedBlock): Stretch[] {
  let firstRow = 0
  return entry.runs.map((run) => {
    const stretch = { entry, run, firstRow }
    firstRow += run.rows
    return stretch
  })
}

/** Adds the stretch's matching rows, the newest first; the cursor once there are enough. */
function takeRows(
  { block, selected }: Selection,
  { run, firstRow }: Stretch,
  before: number,
  limit: number,
  rows: object[],
): string | undefined {
  const source = rowsOf(block)
  const end = firstRow + run.rows
  for (let index = countBelow(selected, end) - 1; index >= 0 && selected[index]! >= firstRow; index--) {
    const row = selected[index]!
    const number = run.firstSequence + row - firstRow
    if (number >= before) continue
    const object = rowObject(source, row)
    rows.push({ row: number, ...object, ...derived(object) })
    if (rows.length >= limit) return String(number)
  }
  return undefined
}

/** How many of the ascending places are below `end`. */
function countBelow(places: Uint32Array, end: number): number {
  let low = 0
  let high = places.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (places[middle]! < end) low = middle + 1
    else high = middle
  }
  return low
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
