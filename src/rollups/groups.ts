/**
 * Sums of the rows of one family by source, destination, protocol, destination port and context, in bounded memory. When
 * there are too many groups the smaller half is put together by context and protocol, now and then; in between, so are
 * rows of groups that find no room. Nothing is lost: what is put together is counted there.
 */
import type { Plane } from '../blocks/builder.js'
import type { Contexts } from './contexts.js'
import { KeyTable } from './key-table.js'
import { SUMS, Sum } from './schema.js'

/** Rows between two times that the smaller groups are put together: each costs as much as some 100,000 rows. */
const ROWS_BETWEEN_FOLDS = 2_000_000
/** Groups looked at to tell which are small. */
const SAMPLE = 4096
/** Rows, or groups, that are worked on at a time: their sums stay near the processor while column after column is added. */
const CHUNK = 16_384
/** The number of keys that found no room. */
const NO_ROOM = 0
/** Groups put together for which room is made at a time. */
const TOGETHER_ROOM = 1024
const PROTOCOLS = 256

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

/** Context and protocol of groups that are put together. */
export type TogetherKey = { readonly context: number; readonly protocol: number }

export class Groups {
  readonly family: 4 | 6
  /** Groups kept apart: their key is source, destination, protocol + 256 × port, context. */
  readonly table: KeyTable
  /** By place in `Sum`, and there by group: first those of the table, from `firstTogether` on those put together. */
  sums: readonly Float64Array[]
  readonly firstTogether: number
  /** The groups put together, in their order. */
  readonly together: TogetherKey[] = []
  /** Rows that were put together. */
  togetherRows = 0
  readonly #contexts: Contexts
  readonly #maximum: number
  readonly #width: number
  /** What any row had. */
  readonly #used = new Set<number>([Sum.flows])
  /** By context and protocol: the group put together + 1. */
  readonly #togetherGroups: Uint32Array[] = []
  #rowsUntilFold = ROWS_BETWEEN_FOLDS
  readonly #packed = new Uint32Array(CHUNK)
  readonly #groups = new Uint32Array(CHUNK)

  constructor(family: 4 | 6, contexts: Contexts, maximum: number) {
    this.family = family
    this.#contexts = contexts
    this.#maximum = maximum
    this.#width = (family === 6 ? 8 : 2) + 2
    this.table = new KeyTable(this.#width, maximum)
    this.firstTogether = maximum + 1
    this.sums = makeSums(this.firstTogether + TOGETHER_ROOM)
  }

  add(rows: RowColumns): void {
    for (let from = 0; from < rows.count; from += CHUNK)
      this.#addChunk(cut(rows, from, Math.min(rows.count, from + CHUNK)))
  }

  #addChunk(rows: RowColumns): void {
    const { count, protocols, ports, contexts } = rows
    const packed = this.#packed
    pack(packed, protocols, ports, count)
    if (this.table.isFull && this.#rowsUntilFold <= 0) this.#fold()
    this.table.assign([...rows.source, ...rows.destination, packed, contexts], count, this.#groups)
    if (this.table.isFull) this.#putTogether(rows)
    this.#addRows(rows)
    this.#rowsUntilFold -= count
  }

  /** Gives rows that found no room the group of their context and protocol. */
  #putTogether({ count, contexts, protocols, flows }: RowColumns): void {
    const groups = this.#groups
    let others = 0
    for (let row = 0; row < count; row++) {
      if (groups[row] !== NO_ROOM) continue
      groups[row] = this.#togetherGroup(contexts[row]!, protocols[row]!)
      others += flows === undefined ? 1 : flows[row]!
    }
    this.togetherRows += others
  }

  #togetherGroup(context: number, protocol: number): number {
    const known = this.#togetherGroups[context]?.[protocol] ?? 0
    return known > 0 ? known - 1 : this.#addTogether(context, protocol)
  }

  #addTogether(context: number, protocol: number): number {
    const common = this.#contexts.together(context)
    this.#togetherGroups[common] ??= new Uint32Array(PROTOCOLS)
    const groups = this.#togetherGroups[common]
    this.#togetherGroups[context] = groups
    if (groups[protocol] === 0) {
      const place = this.together.push({ context: common, protocol }) - 1
      groups[protocol] = this.firstTogether + place + 1
      this.#makeRoom()
    }
    return groups[protocol]! - 1
  }

  /** For all that are put together. */
  #makeRoom(): void {
    const groups = this.firstTogether + this.together.length
    if (this.sums[0]!.length >= groups) return
    const sums = makeSums(groups + TOGETHER_ROOM)
    for (const sum of this.#used) sums[sum]!.set(this.sums[sum]!)
    this.sums = sums
  }

  /** Keeps the larger half of the groups, and puts the others together. */
  #fold(): void {
    this.#rowsUntilFold = ROWS_BETWEEN_FOLDS
    const { keys, size } = this.table
    const limit = Math.max(1, this.#maximum >>> 1)
    const bound = medianSize(this.sums, size)
    const width = this.#width
    let count = 0
    const kept = new Uint32Array(limit)
    const isKept = new Uint8Array(size)
    const keep = (group: number) => {
      kept[count++] = group
      isKept[group] = 1
    }
    for (let group = 1; group < size && count < limit; group++)
      if (sizeOf(this.sums, group) > bound) keep(group)
    for (let group = 1; group < size && count < limit; group++)
      if (sizeOf(this.sums, group) === bound) keep(group)
    for (let group = 1; group < size; group++) {
      if (isKept[group] === 1) continue
      const at = group * width + width
      const target = this.#togetherGroup(keys[at - 1]!, keys[at - 2]! & (PROTOCOLS - 1))
      this.#addGroup(target, group)
      this.togetherRows += this.sums[Sum.flows]![group]!
    }
    const ascending = kept.subarray(0, count).sort()
    this.table.keep(ascending)
    for (const sum of this.#used) moveToFront(this.sums[sum]!, ascending, this.firstTogether)
  }

  /** One small loop for each column, over rows whose sums lie anywhere. */
  #addRows({ count, flows, counts, starts, ends }: RowColumns): void {
    const groups = this.#groups
    const columnOf = (sum: number) => {
      this.#used.add(sum)
      return this.sums[sum]!
    }
    const known = columnOf(Sum.flows)
    if (flows === undefined) for (let row = 0; row < count; row++) known[groups[row]!]!++
    else addColumn(known, groups, count, flows)
    for (const { sum, values } of counts) addColumn(columnOf(sum), groups, count, values)
    if (starts !== undefined) addLeast(columnOf(Sum.start), groups, count, starts)
    if (ends !== undefined) addMost(columnOf(Sum.end), groups, count, ends)
  }

  /** Adds the sums of a group to those of another. */
  #addGroup(to: number, from: number): void {
    for (const sum of this.#used) {
      const values = this.sums[sum]!
      const value = values[from]!
      if (sum === Sum.start) values[to] = leastOf(values[to]!, value)
      else if (sum === Sum.end) values[to] = Math.max(values[to]!, value)
      else values[to]! += value
    }
  }
}

/** Room that is not written to takes no memory. */
function makeSums(groups: number): Float64Array[] {
  return Array.from({ length: SUMS }, () => new Float64Array(groups))
}

/** The values of some groups, ascending, go to the groups from 1 on, for those are their numbers now; behind them are zeros. */
function moveToFront(values: Float64Array, groups: Uint32Array, end: number): void {
  for (let index = 0; index < groups.length; index++) values[index + 1] = values[groups[index]!]!
  values.fill(0, groups.length + 1, end)
}

function cut(rows: RowColumns, from: number, to: number): RowColumns {
  const part = <Values extends Plane>(values: Values): Values => values.subarray(from, to) as Values
  const maybe = (values: Plane | undefined) => (values === undefined ? undefined : part(values))
  return {
    count: to - from,
    source: rows.source.map(part),
    destination: rows.destination.map(part),
    protocols: part(rows.protocols),
    ports: part(rows.ports),
    contexts: part(rows.contexts),
    flows: maybe(rows.flows),
    counts: rows.counts.map(({ sum, values }) => ({ sum, values: part(values) })),
    starts: maybe(rows.starts),
    ends: maybe(rows.ends),
  }
}

function pack(packed: Uint32Array, protocols: Plane, ports: Plane, count: number): void {
  for (let row = 0; row < count; row++) packed[row] = protocols[row]! | (ports[row]! << 8)
}

function addColumn(values: Float64Array, groups: Uint32Array, count: number, added: Plane): void {
  for (let row = 0; row < count; row++) values[groups[row]!]! += added[row]!
}

function addLeast(values: Float64Array, groups: Uint32Array, count: number, starts: Plane): void {
  for (let row = 0; row < count; row++) {
    const group = groups[row]!
    const known = values[group]!
    const start = starts[row]!
    if (start !== 0 && (known === 0 || start < known)) values[group] = start
  }
}

function addMost(values: Float64Array, groups: Uint32Array, count: number, ends: Plane): void {
  for (let row = 0; row < count; row++) {
    const group = groups[row]!
    if (ends[row]! > values[group]!) values[group] = ends[row]!
  }
}

/** 0 is none. */
function leastOf(one: number, other: number): number {
  return one === 0 || other === 0 ? one + other : Math.min(one, other)
}

/** By octets, in whatever columns they came. */
function sizeOf(sums: readonly Float64Array[], group: number): number {
  return sums[Sum.octets]![group]! + sums[Sum.reverseOctets]![group]! + sums[Sum.octetsTotal]![group]!
}

/** About the middle size of the groups 1 to below `size`. */
function medianSize(sums: readonly Float64Array[], size: number): number {
  const step = Math.max(1, Math.floor((size - 1) / SAMPLE))
  const sample: number[] = []
  for (let group = 1; group < size; group += step) sample.push(sizeOf(sums, group))
  return Float64Array.from(sample).sort()[sample.length >>> 1] ?? 0
}
