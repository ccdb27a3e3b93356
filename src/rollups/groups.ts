/**
 * Sums of the rows of one family by source, destination, protocol, destination port and context, in bounded memory. When
 * there are too many groups the smaller half is put together by context and protocol, now and then; in between, so are
 * rows of groups that find no room. Nothing is lost: what is put together is counted there.
 */
import type { Plane } from '../blocks/builder.js'
import { GroupTable, OTHER } from '../store/query/group-table.js'
import type { Contexts } from './contexts.js'
import { SUMS, Sum } from './schema.js'

/** Rows between two times that the smaller groups are put together: each costs as much as some 100,000 rows. */
const ROWS_BETWEEN_FOLDS = 2_000_000
/** Groups looked at to tell which are small. */
const SAMPLE = 4096
/** Groups that are written to a table at a time. */
const CHUNK = 65_536
/** What is put together is by context and protocol, which are few. */
const MOST_TOGETHER = 1 << 24

/** The columns of some rows; values of absent ones are 0. */
export type RowColumns = {
  readonly count: number
  /** One array for IPv4, four for IPv6. */
  readonly source: readonly Uint32Array[]
  readonly destination: readonly Uint32Array[]
  readonly protocols: Plane
  readonly ports: Plane
  readonly contexts: Uint32Array
  /** Undefined: each row counts 1. */
  readonly flows: Plane | undefined
  /** What is added up, and where. */
  readonly counts: readonly { readonly sum: number; readonly values: Plane }[]
  readonly starts: Plane | undefined
  readonly ends: Plane | undefined
}

/** A table of groups and the sums beside it, SUMS doubles a group. */
export type Sums = { readonly table: GroupTable; values: Float64Array }

export class Groups {
  readonly family: 4 | 6
  /** Groups kept apart: their key is source, destination, protocol + 256 × port, context. */
  main: Sums
  /** Those put together: context, protocol. */
  readonly together: Sums
  /** Rows that were put together. */
  togetherRows = 0
  readonly #contexts: Contexts
  readonly #maximum: number
  readonly #width: number
  #rowsUntilFold = ROWS_BETWEEN_FOLDS
  #packed = new Uint32Array(CHUNK)
  #numbers = new Uint32Array(CHUNK)

  constructor(family: 4 | 6, contexts: Contexts, maximum: number) {
    this.family = family
    this.#contexts = contexts
    this.#maximum = maximum
    this.#width = (family === 6 ? 8 : 2) + 2
    this.main = emptySums(this.#width, maximum)
    this.together = emptySums(2, MOST_TOGETHER)
  }

  add(rows: RowColumns): void {
    const { count, protocols, ports, contexts } = rows
    if (this.#packed.length < count) {
      this.#packed = new Uint32Array(count)
      this.#numbers = new Uint32Array(count)
    }
    const packed = this.#packed
    for (let row = 0; row < count; row++) packed[row] = protocols[row]! | (ports[row]! << 8)
    if (this.main.table.isFull && this.#rowsUntilFold <= 0) this.#fold()
    const groups = this.#numbers
    this.main.table.assign([...rows.source, ...rows.destination, packed, contexts], count, groups)
    fit(this.main)
    addRows(this.main.values, groups, rows)
    if (this.main.table.isFull) this.#addTogether(rows)
    this.#rowsUntilFold -= count
  }

  /** The rows whose group found no room. */
  #addTogether(rows: RowColumns): void {
    const groups = this.#numbers
    let others = 0
    for (let row = 0; row < rows.count; row++) if (groups[row] === OTHER) others++
    if (others === 0) return
    const places = new Uint32Array(others)
    for (let row = 0, next = 0; row < rows.count; row++) if (groups[row] === OTHER) places[next++] = row
    const contexts = places.map((row) => this.#contexts.together(rows.contexts[row]!))
    const protocols = places.map((row) => rows.protocols[row]!)
    const target = new Uint32Array(others)
    this.together.table.assign([contexts, protocols], others, target)
    fit(this.together)
    const pick = (values: Plane) => Float64Array.from(places, (row) => values[row]!)
    const flows = rows.flows === undefined ? undefined : pick(rows.flows)
    addRows(this.together.values, target, {
      count: others,
      flows,
      counts: rows.counts.map(({ sum, values }) => ({ sum, values: pick(values) })),
      starts: rows.starts === undefined ? undefined : pick(rows.starts),
      ends: rows.ends === undefined ? undefined : pick(rows.ends),
    })
    this.togetherRows += flows === undefined ? others : flows.reduce((sum, each) => sum + each, 0)
  }

  /** Keeps the larger half of the groups, and puts the others together. */
  #fold(): void {
    this.#rowsUntilFold = ROWS_BETWEEN_FOLDS
    const { table, values } = this.main
    const limit = Math.max(1, this.#maximum >>> 1)
    const bound = medianSize(values, table.size)
    const kept: number[] = []
    const folded: number[] = []
    const ties: number[] = []
    for (let group = 1; group < table.size; group++) {
      const size = sizeOf(values, group)
      if (size === bound) ties.push(group)
      else if (size > bound && kept.length < limit) kept.push(group)
      else folded.push(group)
    }
    const room = Math.max(0, limit - kept.length)
    kept.push(...ties.slice(0, room))
    for (const group of ties.slice(room)) folded.push(group)
    const main = emptySums(this.#width, this.#maximum)
    this.#move(kept, main, (group, word) => table.keys[group * this.#width + word]!)
    this.#move(folded, this.together, (group, word) => {
      const at = (group + 1) * this.#width
      return word === 0 ? this.#contexts.together(table.keys[at - 1]!) : table.keys[at - 2]! & 0xff
    })
    for (const group of folded) this.togetherRows += values[group * SUMS + Sum.flows]!
    this.main = main
  }

  /** Adds groups of the table to another one, under keys that are made of theirs. */
  #move(groups: readonly number[], to: Sums, keyWord: (group: number, word: number) => number): void {
    const from = this.main.values
    const target = new Uint32Array(CHUNK)
    for (let first = 0; first < groups.length; first += CHUNK) {
      const some = groups.slice(first, first + CHUNK)
      const words = Array.from({ length: to.table.width }, (_, word) =>
        Uint32Array.from(some, (group) => keyWord(group, word)),
      )
      to.table.assign(words, some.length, target)
      fit(to)
      for (const [index, group] of some.entries())
        addSums(to.values, target[index]! * SUMS, from, group * SUMS)
    }
  }
}

function emptySums(width: number, maximum: number): Sums {
  return { table: new GroupTable(width, 0, maximum), values: new Float64Array(1024 * SUMS) }
}

/** Makes room for the sums of all groups of the table. */
function fit(sums: Sums): void {
  let room = sums.values.length
  if (room >= sums.table.size * SUMS) return
  while (room < sums.table.size * SUMS) room *= 2
  const values = new Float64Array(room)
  values.set(sums.values)
  sums.values = values
}

/** One small loop for each column, over rows whose sums lie anywhere. */
function addRows(
  values: Float64Array,
  groups: Uint32Array,
  rows: Pick<RowColumns, 'count' | 'flows' | 'counts' | 'starts' | 'ends'>,
): void {
  const { count, flows, counts, starts, ends } = rows
  if (flows === undefined) for (let row = 0; row < count; row++) values[groups[row]! * SUMS]!++
  else addColumn(values, groups, count, Sum.flows, flows)
  for (const { sum, values: added } of counts) addColumn(values, groups, count, sum, added)
  if (starts !== undefined) addLeast(values, groups, count, starts)
  if (ends !== undefined) addMost(values, groups, count, ends)
}

function addColumn(
  values: Float64Array,
  groups: Uint32Array,
  count: number,
  sum: number,
  added: Plane,
): void {
  for (let row = 0; row < count; row++) values[groups[row]! * SUMS + sum]! += added[row]!
}

function addLeast(values: Float64Array, groups: Uint32Array, count: number, starts: Plane): void {
  for (let row = 0; row < count; row++) {
    const at = groups[row]! * SUMS + Sum.start
    const start = starts[row]!
    if (start !== 0 && (values[at] === 0 || start < values[at]!)) values[at] = start
  }
}

function addMost(values: Float64Array, groups: Uint32Array, count: number, ends: Plane): void {
  for (let row = 0; row < count; row++) {
    const at = groups[row]! * SUMS + Sum.end
    if (ends[row]! > values[at]!) values[at] = ends[row]!
  }
}

function addSums(to: Float64Array, at: number, from: Float64Array, place: number): void {
  const start = from[place + Sum.start]!
  const own = to[at + Sum.start]!
  const end = Math.max(to[at + Sum.end]!, from[place + Sum.end]!)
  for (let sum = 0; sum < SUMS; sum++) to[at + sum]! += from[place + sum]!
  to[at + Sum.start] = start === 0 || own === 0 ? start + own : Math.min(start, own)
  to[at + Sum.end] = end
}

/** By octets, in whatever columns they came. */
function sizeOf(values: Float64Array, group: number): number {
  const at = group * SUMS
  return values[at + Sum.octets]! + values[at + Sum.reverseOctets]! + values[at + Sum.octetsTotal]!
}

/** About the middle size of the groups 1 to below `size`. */
function medianSize(values: Float64Array, size: number): number {
  const step = Math.max(1, Math.floor((size - 1) / SAMPLE))
  const sample: number[] = []
  for (let group = 1; group < size; group += step) sample.push(sizeOf(values, group))
  return Float64Array.from(sample).sort()[sample.length >>> 1] ?? 0
}
