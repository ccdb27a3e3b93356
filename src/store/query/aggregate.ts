/**
 * Sums over matching rows by groups. A query is planned once, its blocks are shared out among any number of parts (each
 * in its own thread), and the parts are joined: see ranking.ts. Memory is bounded by the number of groups.
 */
import type { Block } from '../../blocks/block.js'
import { BLOCK_ROWS, type Plane } from '../../blocks/builder.js'
import { ApplianceError } from '../../errors.js'
import { type StreamName, streams } from '../../records/columns.js'
import type { BlockStore } from '../block-store.js'
import { useOfBlocks } from '../opened-blocks.js'
import { type Dimension, definitionOf } from './dimensions.js'
import { type Effort, type PartialReason, stopReason } from './effort.js'
import type { Filter } from './filter.js'
import { GroupTable } from './group-table.js'
import { KeyLayout, TextNumbers } from './layout.js'
import { type Measure, readMeasure, togetherRows } from './measures.js'
import { type PlannedBlock, planBlocks } from './plan.js'
import { prepare } from './prepare.js'
import { presentPlanes } from './presence.js'
import { resolutionOf, type Source, sourcesOf, streamsOf } from './resolution.js'
import type { Resolution } from './resolution-names.js'
import { selectRows } from './select.js'

/** Groups that are kept, if the query names no other number; further ones are counted together. */
export const DEFAULT_MAXIMUM_GROUPS = 1_000_000

/** What is asked for; absent keys do not restrict. */
export type AggregateQuery = {
  readonly fromMilliseconds?: number
  readonly toMilliseconds?: number
  readonly filter?: Filter
  readonly stream?: StreamName
  /** At most MAX_DIMENSIONS; none gives one group of all. */
  readonly by: readonly Dimension[]
  /** At least one; groups are ranked by the first. */
  readonly sums: readonly Measure[]
  /** Groups to give back; of time alone the first 10,000 are, in its order. */
  readonly top: number
  /** Multiplies by the sampling interval where a row has one. */
  readonly isScaled?: boolean
  readonly maximumGroups?: number
  /** `raw` when absent. */
  readonly resolution?: Resolution
}

/** The blocks of a query, the oldest first, in arrays that threads can share. */
export type AggregatePlan = {
  readonly streamIds: Uint8Array
  readonly firstSequences: Float64Array
  readonly levels: Uint8Array
  readonly rows: Uint32Array
  /** 1 where every row of the block matches. */
  readonly isWhole: Uint8Array
  /** Of those, how many must be read; the rest is counted as it is. */
  readonly blocksToOpen: number
  readonly blocksFailed: number
  /** What the rows are, the older first. */
  readonly sources: readonly Source[]
}

/** What one part found; made of arrays and texts alone, to be sent between threads. */
export type AggregatePart = {
  readonly tables: readonly {
    readonly family: 4 | 6
    readonly size: number
    readonly keys: Uint32Array
    readonly sums: readonly Float64Array[]
    readonly isFull: boolean
  }[]
  /** By dimension. */
  readonly texts: readonly (readonly string[])[]
  /** By measure: matching rows that do not state it. */
  readonly unknown: readonly number[]
  readonly rowsMatched: number
  /** Rows of the time asked for whose groups rollups have not kept apart. */
  readonly togetherRows: number
  readonly blocksRead: number
  readonly blocksFailed: number
  /** Blocks that retention deleted since the query was planned. */
  readonly blocksRemoved: number
  readonly stopped?: Extract<PartialReason, 'time' | 'cancelled'>
}

/** `rollups` is asked when the query's resolution says so. Throws INVALID when that cannot answer. */
export async function planAggregate(
  store: BlockStore,
  query: AggregateQuery,
  rollups?: BlockStore,
): Promise<AggregatePlan> {
  const filter = prepare(query.filter ?? { type: 'any' })
  const sources = await sourcesOf(store, rollups, query)
  const planned: PlannedBlock[] = []
  for (const source of sources) {
    const from = source.resolution === 'raw' ? store : rollups!
    planned.push(...(await planBlocks(from, streamsOf(source, query), source, filter)))
  }
  const readable = planned.filter(({ entry }) => entry.damage === undefined)
  const isWhole = ({ entry, outlook }: PlannedBlock) =>
    outlook === 'all' && resolutionOf(entry.stream) === 'raw'
  const whole = isCounting(query) ? readable.filter(isWhole).length : 0
  return {
    streamIds: Uint8Array.from(readable, ({ entry }) => entry.stream.id),
    firstSequences: Float64Array.from(readable, ({ entry }) => entry.firstSequence),
    levels: Uint8Array.from(readable, ({ entry }) => entry.level),
    rows: Uint32Array.from(readable, ({ entry }) => entry.rows),
    isWhole: Uint8Array.from(readable, (block) => Number(isWhole(block))),
    blocksToOpen: readable.length - whole,
    blocksFailed: planned.length - readable.length,
    sources,
  }
}

/** Whether a block of which every row matches tells all by its number of rows. */
function isCounting({ by, sums }: AggregateQuery): boolean {
  return by.length === 0 && sums.every((measure) => measure === 'flows')
}

/** The families whose keys differ: where no address is among the dimensions, one table does for both. */
export function familiesOf({ by }: AggregateQuery): readonly (4 | 6)[] {
  return by.some((dimension) => definitionOf(dimension).kind === 'address') ? [4, 6] : [4]
}

/** Works through blocks of the plan until `take` gives none; `take` is shared by all parts. */
export async function aggregatePart(
  store: BlockStore,
  query: AggregateQuery,
  plan: AggregatePlan,
  take: () => number,
  effort: Effort,
  rollups: BlockStore = store,
): Promise<AggregatePart> {
  const sums = new Sums(query, plan.sources)
  const countsWhole = isCounting(query)
  const counts = { blocksRead: 0, blocksFailed: 0, blocksRemoved: 0 }
  let stopped: 'time' | 'cancelled' | undefined
  /** The next block to open. */
  const next = (): number | undefined => {
    for (;;) {
      const index = take()
      if (index >= plan.rows.length) return undefined
      if (!countsWhole || plan.isWhole[index] === 0) return index
      sums.addRows(plan.rows[index]!)
    }
  }
  for (let index = next(); index !== undefined; index = next()) {
    stopped = stopReason(effort)
    if (stopped !== undefined) break
    try {
      const done = await readPlanned({ store, rollups }, plan, index, (block) => sums.addBlock(block))
      if (done === undefined) counts.blocksRemoved++
      else counts.blocksRead++
    } catch {
      counts.blocksFailed++
    }
  }
  return { ...sums.result(), ...counts, ...(stopped === undefined ? {} : { stopped }) }
}

/** Undefined when retention has removed the block meanwhile. Throws when it cannot be read, or is another than was planned. */
async function readPlanned(
  { store, rollups }: { readonly store: BlockStore; readonly rollups: BlockStore },
  plan: AggregatePlan,
  index: number,
  work: (block: Block) => void,
) {
  const stream = streams[plan.streamIds[index]!]!
  const place = { stream, firstSequence: plan.firstSequences[index]!, level: plan.levels[index]! }
  const from = resolutionOf(stream) === 'raw' ? store : rollups
  return from.read(place, useOfBlocks(plan.blocksToOpen), (block) => {
    if (block.header.rows !== plan.rows[index])
      throw new ApplianceError('BLOCK_DAMAGED', 'a block is another than was planned')
    work(block)
  })
}

type KeyTable = { readonly layout: KeyLayout; readonly table: GroupTable; readonly words: Uint32Array[] }

/** The tables of a part and the arrays that each block fills anew. */
class Sums {
  readonly #query: AggregateQuery
  readonly #filter: ReturnType<typeof prepare>
  readonly #texts: readonly TextNumbers[]
  /** Of IPv4, and where that makes a difference of IPv6. */
  readonly #tables: readonly KeyTable[]
  readonly #unknown: number[]
  #groups = new Uint32Array(BLOCK_ROWS)
  #rowsMatched = 0
  #togetherRows = 0
  readonly #sources: readonly Source[]

  constructor(query: AggregateQuery, sources: readonly Source[]) {
    const { by, sums, maximumGroups = DEFAULT_MAXIMUM_GROUPS } = query
    this.#query = query
    this.#sources = sources
    this.#filter = prepare(query.filter ?? { type: 'any' })
    // Each text makes a group of its own, so when so many are known before a block, both tables are full.
    this.#texts = by.map(() => new TextNumbers(2 * maximumGroups + BLOCK_ROWS))
    this.#unknown = sums.map(() => 0)
    this.#tables = familiesOf(query).map((family) => {
      const layout = new KeyLayout(by, family, this.#texts)
      const table = new GroupTable(layout.width, sums.length, maximumGroups)
      return { layout, table, words: Array.from({ length: layout.width }, () => new Uint32Array(BLOCK_ROWS)) }
    })
  }

  /** Adds rows that all match, of a query that only counts. */
  addRows(rows: number): void {
    const { table } = this.#tables[0]!
    table.assign([], 1, this.#groups)
    for (const sums of table.sums) sums[1]! += rows
    this.#rowsMatched += rows
  }

  /** Throws when a column cannot be read; nothing has been added then. */
  addBlock(block: Block): void {
    const resolution = resolutionOf(block.header.stream)
    const window = this.#sources.find((source) => source.resolution === resolution)!
    this.#togetherRows += togetherRows(block, window)
    const selected = selectRows(block, window, this.#filter)
    if (selected.length === 0) return
    const [table4, table6] = this.#tables
    if (table6 === undefined || block.header.stream.family !== 6) {
      this.#add(table4!, block, selected)
      return
    }
    // Where no address is known the family says nothing, so that those are groups of one table.
    const hasAddress = this.#withAddress(block)
    const without = selected.filter((row) => hasAddress[row] === 0)
    const withAddress = without.length === 0 ? selected : selected.filter((row) => hasAddress[row] === 1)
    this.#add(table4!, block, without)
    this.#add(table6, block, withAddress)
  }

  #add({ layout, table, words }: KeyTable, block: Block, selected: Uint32Array): void {
    if (selected.length === 0) return
    const { sums, isScaled = false } = this.#query
    const measures = sums.map((measure) => readMeasure(block, measure, selected, isScaled))
    layout.encode(block, selected, this.#fitting(words, selected.length))
    table.assign(words, selected.length, this.#groups)
    for (const [index, { values, unknown }] of measures.entries()) {
      addUp(table.sums[index]!, this.#groups, selected.length, values)
      this.#unknown[index]! += unknown
    }
    this.#rowsMatched += selected.length
  }

  /** By row: 1 where an address that rows are grouped by is known. */
  #withAddress(block: Block): Uint8Array {
    const { rows } = block.header
    const found = new Uint8Array(rows)
    for (const { kind, column } of this.#query.by.map(definitionOf)) {
      if (kind !== 'address') continue
      const known = new Uint8Array(rows).fill(1)
      presentPlanes(block, column!, known)
      for (let row = 0; row < rows; row++) found[row]! |= known[row]!
    }
    return found
  }

  result(): Omit<AggregatePart, 'blocksRead' | 'blocksFailed' | 'blocksRemoved' | 'stopped'> {
    return {
      tables: this.#tables.map(({ layout, table }) => ({
        family: layout.family,
        size: table.size,
        keys: table.keys,
        sums: table.sums,
        isFull: table.isFull,
      })),
      texts: this.#texts.map(({ texts }) => texts),
      unknown: this.#unknown,
      rowsMatched: this.#rowsMatched,
      togetherRows: this.#togetherRows,
    }
  }

  /** A block has BLOCK_ROWS rows as it is written now; another may have more. */
  #fitting(words: Uint32Array[], rows: number): Uint32Array[] {
    if (this.#groups.length >= rows) return words
    this.#groups = new Uint32Array(rows)
    for (const each of this.#tables)
      for (const index of each.words.keys()) each.words[index] = new Uint32Array(rows)
    return words
  }
}

/** Loops of their own for counts, numbers of 32 bits and others: one that serves several kinds is slower. */
function addUp(sums: Float64Array, groups: Uint32Array, count: number, values: Plane | undefined): void {
  if (values === undefined) for (let index = 0; index < count; index++) sums[groups[index]!]!++
  else if (values instanceof Uint32Array) addUp32(sums, groups, count, values)
  else for (let index = 0; index < count; index++) sums[groups[index]!]! += values[index]!
}

function addUp32(sums: Float64Array, groups: Uint32Array, count: number, values: Uint32Array): void {
  for (let index = 0; index < count; index++) sums[groups[index]!]! += values[index]!
}
