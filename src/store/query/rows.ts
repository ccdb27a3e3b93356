/**
 * Searching rows for people and programs: the newest first, by the ingest sequence, page by page. The cursor is the
 * sequence of the last row looked at, so a page never skips or repeats a row while others are written.
 */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, type Plane, SHAPE_COLUMN } from '../../blocks/builder.js'
import { meaningfulWith, type RowSource, rowObject, senderNames } from '../../blocks/row.js'
import type { Run } from '../../blocks/runs.js'
import { ApplianceError } from '../../errors.js'
import { rawStreamNames, type StreamName, streamNamed } from '../../records/columns.js'
import { lineText } from '../../records/line-text.js'
import type { BlockStore } from '../block-store.js'
import type { IndexedBlock } from '../index-entry.js'
import { useOfBlocks } from '../opened-blocks.js'
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
  /** The values that are wanted: columns that have none of them are not read. All when absent. */
  readonly columns?: readonly string[]
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

/** They stand for who sent a row and what it has. */
const indexColumns: readonly number[] = [EXPORTER_COLUMN, SHAPE_COLUMN]

type Derivation = readonly [from: string, by: string, work: (value: number, by: number) => number | undefined]

const corrected = (time: number, skew: number) => time - skew
const scaled = (count: number, oneIn: number) => (oneIn > 1 ? count * oneIn : undefined)

/** What follows from a row: times by our clock, and counts as they were before sampling. */
const derivations: Readonly<Record<string, Derivation>> = {
  correctedStartMilliseconds: ['startMilliseconds', 'clockSkewMilliseconds', corrected],
  correctedEndMilliseconds: ['endMilliseconds', 'clockSkewMilliseconds', corrected],
  scaledOctets: ['octets', 'samplingInterval', scaled],
  scaledPackets: ['packets', 'samplingInterval', scaled],
}

/** The names of all values that a row of flows or of a log can have. */
export const rowValueNames: ReadonlySet<string> = new Set([
  ...senderNames,
  ...rawStreamNames
    .flatMap((name) => streamNamed(name).columns.filter((_, column) => !indexColumns.includes(column)))
    .map(({ name }) => name),
  ...Object.keys(derivations),
])

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
  const streams = query.stream === undefined ? FLOW_STREAMS : [query.stream]
  const planned = await planBlocks(store, streams, window, filter)
  const wanted = planned
    .flatMap(({ entry }) => stretchesOf(entry))
    .filter(({ run }) => run.firstSequence < before)
    .sort((one, other) => other.run.firstSequence - one.run.firstSequence)
  const names = query.columns === undefined ? undefined : withOrigins(query.columns)
  const use = useOfBlocks(planned.length)
  /** Of blocks whose older runs are still to come. */
  const selections = new Map<IndexedBlock, Selection>()
  const failed = new Set<IndexedBlock>()
  const ends = Math.min(effort.deadlineMilliseconds, effort.now() + PAGE_MILLISECONDS)
  const rows: object[] = []
  let isRemoved = false
  const page = (nextCursor?: string, stopped?: PartialReason): RowPage => {
    const blocksFailed = failed.size
    const reasons: PartialReason[] = blocksFailed > 0 ? ['blocks'] : []
    if (isRemoved) reasons.push('removed')
    if (stopped !== undefined) reasons.push(stopped)
    return { rows, nextCursor, partial: reasons.length > 0, partialReasons: reasons, blocksFailed }
  }
  for (const [index, stretch] of wanted.entries()) {
    const stopped = index > 0 ? stopReason({ ...effort, deadlineMilliseconds: ends }) : undefined
    if (stopped !== undefined) return page(String(wanted[index - 1]!.run.firstSequence), stopped)
    const { entry } = stretch
    if (failed.has(entry)) continue
    try {
      const take = (selection: Selection) => takeRows(selection, stretch, { limit: query.limit, rows, names })
      const select = (block: Block) =>
        newest(block, selectRows(block, window, filter), stretch, { before, most: query.limit - rows.length })
      let selection = selections.get(entry)
      let nextCursor: string | undefined
      if (selection !== undefined) nextCursor = take(selection)
      else if (entry.runs.length === 1) {
        const taken = await store.read(entry, use, (block) => take(select(block)))
        isRemoved ||= taken === undefined
        nextCursor = taken?.result
      } else {
        // Its rows are taken run by run, between those of other blocks.
        const block = await store.block(entry)
        // Retention removed it meanwhile.
        if (block === undefined) {
          isRemoved = true
          continue
        }
        selection = select(block)
        selections.set(entry, selection)
        nextCursor = take(selection)
      }
      // The oldest of its runs: nothing more will be taken of it.
      if (stretch.firstRow === 0) selections.delete(entry)
      if (nextCursor !== undefined) return page(nextCursor)
    } catch {
      // Named by the scans of the detectors and counted here: a page over it is partial.
      failed.add(entry)
      selections.delete(entry)
    }
  }
  return page()
}

/** One run of a block's rows; a merged block has many, between which lie rows of other blocks. */
type Stretch = { readonly entry: IndexedBlock; readonly run: Run; readonly firstRow: number }

/** Places of rows that match, ascending, and what they are read from, where each has the number of its place in the list. */
type Selection = { readonly places: Uint32Array; readonly source: RowSource }

function stretchesOf(entry: IndexedBlock): Stretch[] {
  let firstRow = 0
  return entry.runs.map((run) => {
    const stretch = { entry, run, firstRow }
    firstRow += run.rows
    return stretch
  })
}

/** Those that the page can take of a block, of which `stretch` is the newest that it wants. */
function newest(
  block: Block,
  selected: Uint32Array,
  { run, firstRow }: Stretch,
  { before, most }: { readonly before: number; readonly most: number },
): Selection {
  const end = countBelow(selected, firstRow + Math.min(run.rows, before - run.firstSequence))
  const places = selected.subarray(Math.max(0, end - most), end)
  return { places, source: rowsAt(block, places) }
}

type Taken = {
  readonly limit: number
  readonly rows: object[]
  readonly names: ReadonlySet<string> | undefined
}

/** Adds the stretch's matching rows, the newest first; the cursor once there are enough. */
function takeRows(
  { places, source }: Selection,
  { run, firstRow }: Stretch,
  { limit, rows, names }: Taken,
): string | undefined {
  for (let at = countBelow(places, firstRow + run.rows) - 1; at >= 0 && places[at]! >= firstRow; at--) {
    const number = run.firstSequence + places[at]! - firstRow
    const object = rowObject(source, at, names)
    const line = object['message']
    if (typeof line === 'string') object['message'] = lineText(line)
    rows.push({ row: number, ...object, ...derived(object) })
    if (rows.length >= limit) return String(number)
  }
  return undefined
}

/** The names, those that such values follow from, and those that tell whether they mean anything. */
function withOrigins(names: readonly string[]): ReadonlySet<string> {
  const all = new Set(names)
  for (const name of all) {
    const [from, by] = derivations[name] ?? []
    for (const origin of [from, by, meaningfulWith[name]]) if (origin !== undefined) all.add(origin)
  }
  return all
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

function derived(row: Record<string, unknown>): Record<string, number> {
  const values: Record<string, number> = {}
  for (const [name, [from, by, work]] of Object.entries(derivations)) {
    const [value, factor] = [row[from], row[by]]
    if (typeof value !== 'number' || typeof factor !== 'number') continue
    const result = work(value, factor)
    if (result !== undefined) values[name] = result
  }
  return values
}

function readCursor(cursor: string): number {
  const sequence = Number(cursor)
  if (!Number.isSafeInteger(sequence) || sequence < 0)
    throw new ApplianceError('INVALID', 'the cursor is none of ours')
  return sequence
}

/** The rows of a block at the places; of a column, just those values are decoded. */
function rowsAt(block: Block, places: Uint32Array): RowSource {
  const { stream, exporters, shapes } = block.header
  const cells = new Map<number, readonly Plane[] | undefined>()
  return {
    stream,
    exporters,
    shapes,
    column(column) {
      if (!cells.has(column)) cells.set(column, block.cells(column, places))
      return cells.get(column)
    },
    strings: (column) => block.strings(column),
    addresses: () => block.addresses(),
  }
}
