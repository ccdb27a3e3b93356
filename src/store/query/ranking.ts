/** The parts of an aggregation joined, and its first groups by rank. */
import { BLOCK_ROWS } from '../../blocks/builder.js'
import {
  type AggregatePart,
  type AggregatePlan,
  type AggregateQuery,
  DEFAULT_MAXIMUM_GROUPS,
  familiesOf,
} from './aggregate.js'
import { definitionOf } from './dimensions.js'
import type { PartialReason } from './effort.js'
import { GroupTable, OTHER } from './group-table.js'
import { KeyLayout, TextNumbers } from './layout.js'
import type { Measure } from './measures.js'
import { asksForGroups, type Source } from './resolution.js'

/** Steps of time that are given back. */
const MAX_STEPS = 10_000

/** Sums by measure. */
export type MeasureSums = Partial<Record<Measure, number>>

/** A time, and what was read of it; a bound that is absent is none. */
export type ToldSource = Pick<Source, 'resolution'> & Partial<Omit<Source, 'resolution'>>

/** Groups of an aggregation. A value that the rows of a group do not state is absent from it. */
export type AggregateResult = {
  readonly groups: readonly Record<string, number | string>[]
  /** Groups found, of which `groups` are the first. */
  readonly groupCount: number
  readonly total: MeasureSums
  /** Rows of groups beyond the most that are kept. */
  readonly other?: MeasureSums
  /** Matching rows that do not state a measure, where there are any; they count as 0. */
  readonly unknown: MeasureSums
  readonly rowsMatched: number
  readonly blocksRead: number
  readonly blocksFailed: number
  /** The older first: what was received in one of these times was read in that form. */
  readonly sources: readonly ToldSource[]
  /** Rows of the time asked for whose groups rollups have not kept apart: they match no test of a group. */
  readonly togetherRows?: number
  readonly partial: boolean
  readonly partialReasons: readonly PartialReason[]
  /** A sum is above 2^53 − 1 and so rounded. */
  readonly isRounded: boolean
}

/** What ranking needs of a table. */
type Joined = {
  readonly layout: KeyLayout
  readonly table: Pick<GroupTable, 'keys' | 'sums' | 'size' | 'isFull'>
}

export function rankParts(
  query: AggregateQuery,
  plan: Pick<AggregatePlan, 'blocksFailed' | 'sources'>,
  parts: readonly AggregatePart[],
): AggregateResult {
  const joined = join(query, parts)
  const sumsOf = (sum: (table: Joined['table'], measure: number) => number): MeasureSums =>
    Object.fromEntries(
      query.sums.map((measure, index) => [
        measure,
        joined.reduce((all, { table }) => all + sum(table, index), 0),
      ]),
    )
  const total = sumsOf((table, measure) => sumTo(table.sums[measure]!, table.size))
  const isFull = joined.some(({ table }) => table.isFull)
  const count = (key: 'rowsMatched' | 'blocksRead' | 'blocksFailed' | 'blocksRemoved' | 'togetherRows') =>
    parts.reduce((sum, part) => sum + part[key], 0)
  const blocksFailed = plan.blocksFailed + count('blocksFailed')
  const togetherRows = count('togetherRows')
  const stopped = parts.flatMap((part) => part.stopped ?? [])
  const partialReasons = [
    ...new Set<PartialReason>([
      ...(blocksFailed > 0 ? (['blocks'] as const) : []),
      ...(count('blocksRemoved') > 0 ? (['removed'] as const) : []),
      ...stopped,
      ...(isFull ? (['groups'] as const) : []),
      ...(togetherRows > 0 && asksForGroups(query) ? (['together'] as const) : []),
    ]),
  ]
  return {
    groups: firstGroups(query, joined),
    groupCount: joined.reduce((sum, { table }) => sum + table.size - 1, 0),
    total,
    ...(isFull ? { other: sumsOf((table, measure) => table.sums[measure]![OTHER]!) } : {}),
    unknown: unknownOf(query, parts),
    rowsMatched: count('rowsMatched'),
    blocksRead: count('blocksRead'),
    blocksFailed,
    sources: plan.sources.map(toldSource),
    ...(togetherRows > 0 ? { togetherRows } : {}),
    partial: partialReasons.length > 0,
    partialReasons,
    isRounded: Object.values(total).some((sum) => sum > Number.MAX_SAFE_INTEGER),
  }
}

function toldSource({ resolution, fromMilliseconds, toMilliseconds }: Source): ToldSource {
  return {
    resolution,
    ...(Number.isFinite(fromMilliseconds) ? { fromMilliseconds } : {}),
    ...(Number.isFinite(toMilliseconds) ? { toMilliseconds } : {}),
  }
}

function unknownOf(query: AggregateQuery, parts: readonly AggregatePart[]): MeasureSums {
  const unknown: MeasureSums = {}
  for (const [index, measure] of query.sums.entries()) {
    const rows = parts.reduce((sum, part) => sum + part.unknown[index]!, 0)
    if (rows > 0) unknown[measure] = rows
  }
  return unknown
}

function sumTo(values: Float64Array, size: number): number {
  let sum = 0
  for (let group = 0; group < size; group++) sum += values[group]!
  return sum
}

function join(query: AggregateQuery, parts: readonly AggregatePart[]): Joined[] {
  if (parts.length === 1) {
    const [part] = parts as [AggregatePart]
    const texts = part.texts.map(numbered)
    return part.tables.map((table) => ({
      layout: new KeyLayout(query.by, table.family, texts),
      table: { ...table, sums: [...table.sums] },
    }))
  }
  const texts = query.by.map(() => new TextNumbers())
  const { maximumGroups = DEFAULT_MAXIMUM_GROUPS } = query
  const joined = familiesOf(query).map((family) => {
    const layout = new KeyLayout(query.by, family, texts)
    return { layout, table: new GroupTable(layout.width, query.sums.length, maximumGroups) }
  })
  for (const part of parts) {
    const numbers = part.texts.map((own, dimension) => numbersOf(own, texts[dimension]!))
    for (const [index, table] of part.tables.entries()) addTable(joined[index]!, table, numbers)
  }
  return joined
}

function numbered(texts: readonly string[]): TextNumbers {
  const numbers = new TextNumbers()
  for (const text of texts.slice(1)) numbers.numberOf(text)
  return numbers
}

function numbersOf(texts: readonly string[], numbers: TextNumbers): Uint32Array {
  return Uint32Array.from(texts, (text, index) => (index === 0 ? 0 : numbers.numberOf(text)))
}

function addTable(
  { layout, table }: { layout: KeyLayout; table: GroupTable },
  from: AggregatePart['tables'][number],
  numbers: readonly Uint32Array[],
): void {
  const words = Array.from({ length: layout.width }, () => new Uint32Array(BLOCK_ROWS))
  const groups = new Uint32Array(BLOCK_ROWS)
  for (let first = 1; first < from.size; first += BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, from.size - first)
    layout.translate(from.keys, { from: first, count }, numbers, words)
    table.assign(words, count, groups)
    for (const [measure, sums] of from.sums.entries()) {
      const own = table.sums[measure]!
      for (let index = 0; index < count; index++) own[groups[index]!]! += sums[first + index]!
    }
  }
  for (const [measure, sums] of from.sums.entries()) table.sums[measure]![OTHER]! += sums[OTHER]!
  table.isFull ||= from.isFull
}

type Ranked = { readonly joined: Joined; readonly group: number; readonly sum: number }

function firstGroups(query: AggregateQuery, joined: readonly Joined[]): Record<string, number | string>[] {
  const isHistory = query.by.length === 1 && definitionOf(query.by[0]!).kind === 'time'
  const ranked = isHistory
    ? joined.flatMap(allGroups).sort(byKey).slice(0, MAX_STEPS)
    : highest(joined, query.top)
  return ranked.map(({ joined: { layout, table }, group }) => ({
    ...layout.decode(table.keys, group * layout.width),
    ...Object.fromEntries(query.sums.map((measure, index) => [measure, table.sums[index]![group]!])),
  }))
}

function allGroups(joined: Joined): Ranked[] {
  const { size, sums } = joined.table
  return Array.from({ length: size - 1 }, (_, index) => ({
    joined,
    group: index + 1,
    sum: sums[0]![index + 1]!,
  }))
}

/** The groups with the highest sums, found in one pass with a heap whose root is the least of them. */
function highest(joined: readonly Joined[], most: number): Ranked[] {
  const heap: Ranked[] = []
  for (const each of joined) {
    const sums = each.table.sums[0]!
    for (let group = 1; group < each.table.size; group++) {
      const sum = sums[group]!
      if (heap.length === most && sum < heap[0]!.sum) continue
      const ranked = { joined: each, group, sum }
      if (heap.length < most) siftUp(heap, ranked)
      else if (byRank(ranked, heap[0]!) < 0) siftDown(heap, ranked)
    }
  }
  return heap.sort(byRank)
}

function siftUp(heap: Ranked[], added: Ranked): void {
  let at = heap.push(added) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (byRank(heap[parent]!, added) > 0) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = added
}

function siftDown(heap: Ranked[], added: Ranked): void {
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && byRank(heap[child + 1]!, heap[child]!) > 0) child++
    if (byRank(added, heap[child]!) > 0) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = added
}

/** The higher sum first; among equals the lower key, so that the order does not hang on that of the blocks. */
function byRank(one: Ranked, other: Ranked): number {
  return other.sum - one.sum || byKey(one, other)
}

function byKey(one: Ranked, other: Ranked): number {
  const [width, otherWidth] = [one.joined.layout.width, other.joined.layout.width]
  if (width !== otherWidth) return width - otherWidth
  for (let word = 0; word < width; word++) {
    const key = one.joined.table.keys[one.group * width + word]!
    const otherKey = other.joined.table.keys[other.group * width + word]!
    if (key !== otherKey) return key - otherKey
  }
  return 0
}
