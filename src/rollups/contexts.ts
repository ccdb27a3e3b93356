/**
 * What the rows of a group have in common beside addresses, protocol and port, as one number: exporter, shape, bucket,
 * sampling, application, ICMP type and code. Of a block few are different, so texts are compared once for each of those.
 */
import type { Block } from '../blocks/block.js'
import { EXPORTER_COLUMN, type Plane, RECEIVED_COLUMN, SHAPE_COLUMN } from '../blocks/builder.js'
import { FlowColumnIndex as Column } from '../records/columns.js'
import { type ExporterIdentity, exporterKey } from '../records/exporter.js'
import type { Shape } from '../records/shape.js'
import { contextColumns, rollupShape, togetherShape } from './schema.js'

export type Context = {
  readonly exporter: ExporterIdentity
  readonly shape: Shape
  /** When the bucket begins, ms since 1970. */
  readonly bucketMilliseconds: number
  /** '' is none. */
  readonly application: string
  /** By column, of those that hold numbers. */
  readonly numbers: ReadonlyMap<number, number>
}

/** Rows `from` to below `to` of a block. */
export type Stretch = { readonly from: number; readonly to: number }

/** Pairs of numbers up to this are looked up in an array. */
const DIRECT_PAIRS = 1 << 18

export class Contexts {
  readonly list: Context[] = []
  readonly #numbers = new Map<string, number>()
  /** By context: that of its rows when their groups are not kept apart. */
  readonly #together = new Map<number, number>()
  readonly #length: number

  constructor(bucketMilliseconds: number) {
    this.#length = bucketMilliseconds
  }

  /** Writes the context of each row of a stretch, by number, to an array of zeros. Throws when a column cannot be read. */
  number(block: Block, { from }: Stretch, local: Uint32Array): void {
    let firstRows = [from]
    for (const values of this.#components(block)) {
      if (values !== undefined) firstRows = split(local, firstRows, values, from)
    }
    const numbers = Uint32Array.from(firstRows, (row) => this.#numberOf(this.#contextOf(block, row)))
    for (let index = 0; index < local.length; index++) local[index] = numbers[local[index]!]!
  }

  together(context: number): number {
    const found = this.#together.get(context)
    if (found !== undefined) return found
    const { exporter, shape, bucketMilliseconds, numbers } = this.list[context]!
    const kept = [Column.samplingInterval, Column.samplingFrom].map(
      (column) => [column, numbers.get(column) ?? 0] as const,
    )
    const number = this.#numberOf({
      exporter,
      shape: togetherShape(shape),
      bucketMilliseconds,
      application: '',
      numbers: new Map(kept),
    })
    this.#together.set(context, number)
    return number
  }

  /** Columns that may tell contexts of the block apart; undefined where one has the same value in all rows. */
  *#components(block: Block): Generator<Plane | undefined> {
    const { receivedFromMilliseconds: first, receivedToMilliseconds: last } = block.header
    const bucket = (milliseconds: number) => Math.floor(milliseconds / this.#length)
    if (bucket(first) !== bucket(last))
      yield Float64Array.from(block.column(RECEIVED_COLUMN)![0]!, (time) => bucket(time) - bucket(first))
    if (block.header.exporters.length > 1) yield block.column(EXPORTER_COLUMN)![0]
    if (block.header.shapes.length > 1) yield block.column(SHAPE_COLUMN)![0]
    for (const column of contextColumns) yield block.column(column)?.[0]
  }

  #contextOf(block: Block, row: number): Context {
    const value = (column: number) => block.column(column)?.[0]?.[row] ?? 0
    const shape = block.header.shapes[value(SHAPE_COLUMN)]!
    const has = (column: number) => shape.columns.includes(column)
    const numbers = new Map<number, number>()
    for (const column of contextColumns)
      if (column !== Column.applicationName) numbers.set(column, has(column) ? value(column) : 0)
    const text = has(Column.applicationName) ? value(Column.applicationName) : 0
    return {
      exporter: block.header.exporters[value(EXPORTER_COLUMN)]!,
      shape: rollupShape(shape),
      bucketMilliseconds: Math.floor(value(RECEIVED_COLUMN) / this.#length) * this.#length,
      application: text === 0 ? '' : block.strings(Column.applicationName)[text]!,
      numbers,
    }
  }

  #numberOf(context: Context): number {
    const { exporter, shape, bucketMilliseconds, application, numbers } = context
    const parts = [bucketMilliseconds, shape.columns, ...numbers.values(), exporterKey(exporter), application]
    const key = parts.join('|')
    const found = this.#numbers.get(key)
    if (found !== undefined) return found
    const number = this.list.push(context) - 1
    this.#numbers.set(key, number)
    return number
  }
}

/**
 * Numbers the pairs of a row's number so far and its value, in place. `firstRows` has a row of each number; returns a row
 * of each new one.
 */
function split(local: Uint32Array, firstRows: readonly number[], values: Plane, from: number): number[] {
  const most = mostOf(values, from, from + local.length)
  if (most === undefined) return [...firstRows]
  const rows: number[] = []
  const size = most + 1
  const direct =
    firstRows.length * size <= DIRECT_PAIRS ? new Uint32Array(firstRows.length * size) : undefined
  const found = new Map<number, number>()
  for (let index = 0; index < local.length; index++) {
    const pair = local[index]! * size + values[from + index]!
    let number = direct === undefined ? found.get(pair) : direct[pair]! - 1
    if (number === undefined || number < 0) {
      number = rows.push(from + index) - 1
      if (direct === undefined) found.set(pair, number)
      else direct[pair] = number + 1
    }
    local[index] = number
  }
  return rows
}

/** Undefined when all values are the same. */
function mostOf(values: Plane, from: number, to: number): number | undefined {
  const first = values[from]!
  let row = from
  while (row < to && values[row] === first) row++
  if (row === to) return undefined
  let most = first
  for (; row < to; row++) if (values[row]! > most) most = values[row]!
  return most
}
