/**
 * Rows on their way into a block: one set of typed arrays per stream, filled by the decoders and emptied by sealing.
 * Arrays are made when a shape first needs them and then kept, so that a row allocates nothing.
 */
import type { ColumnDefinition, StreamDefinition } from '../records/columns.js'
import type { ExporterIdentity } from '../records/exporter.js'
import type { Shape } from '../records/shape.js'
import { AddressDictionary } from './address-dictionary.js'

export type Plane = Uint8Array | Uint16Array | Uint32Array | Float64Array

/** Rows a block holds at most. */
export const BLOCK_ROWS = 65536

/** The places of the first three columns are the same in every stream. */
export const RECEIVED_COLUMN = 0
export const EXPORTER_COLUMN = 1
export const SHAPE_COLUMN = 2

export class BlockBuilder {
  readonly stream: StreamDefinition
  readonly capacity: number
  /** By column: its arrays, empty until a shape needs the column. */
  readonly planes: Plane[][]
  /** By column: the strings of a text column, index 0 unused. */
  readonly strings: string[][]
  readonly addresses = new AddressDictionary()
  /** In the order of the block's local numbering. */
  readonly exporters: ExporterIdentity[] = []
  readonly shapes: Shape[] = []
  rows = 0

  private readonly stringIndexes: Map<string, number>[]
  private readonly localExporters = new Map<ExporterIdentity, number>()
  private readonly localShapes = new Map<Shape, number>()

  constructor(stream: StreamDefinition, capacity = BLOCK_ROWS) {
    this.stream = stream
    this.capacity = capacity
    this.planes = stream.columns.map(() => [])
    this.strings = stream.columns.map(() => [''])
    this.stringIndexes = stream.columns.map(() => new Map())
    for (const column of [RECEIVED_COLUMN, EXPORTER_COLUMN, SHAPE_COLUMN]) this.preparePlanes(column)
  }

  /**
   * Starts `count` rows of one exporter and shape and returns the first row. The caller has made sure that they fit
   * and fills the shape's columns.
   */
  begin(exporter: ExporterIdentity, shape: Shape, receivedMilliseconds: number, count: number): number {
    const row = this.rows
    const end = row + count
    const local = this.shapeNumber(shape)
    const from = this.exporterNumber(exporter)
    const received = this.planes[RECEIVED_COLUMN]![0] as Float64Array
    const exporters = this.planes[EXPORTER_COLUMN]![0] as Uint16Array
    const shapes = this.planes[SHAPE_COLUMN]![0] as Uint16Array
    for (let index = row; index < end; index++) {
      received[index] = receivedMilliseconds
      exporters[index] = from
      shapes[index] = local
    }
    this.rows = end
    return row
  }

  setNumber(column: number, row: number, value: number): void {
    this.planes[column]![0]![row] = value
  }

  /** Sets an unsigned 64-bit value given as a double; above 2^53 the double's own rounding is kept. */
  setUnsigned64(column: number, row: number, value: number): void {
    const planes = this.planes[column]!
    planes[0]![row] = value >>> 0
    planes[1]![row] = Math.floor(value / 0x1_0000_0000)
  }

  setAddress(column: number, row: number, words: readonly [number, number, number, number]): void {
    const planes = this.planes[column]!
    if (planes.length === 1) planes[0]![row] = words[3]
    else for (let index = 0; index < 4; index++) planes[index]![row] = words[index]!
  }

  setText(column: number, row: number, text: string): void {
    this.planes[column]![0]![row] = this.textIndex(column, text)
  }

  /** The dictionary index of a text, from 1. */
  textIndex(column: number, text: string): number {
    const indexes = this.stringIndexes[column]!
    const found = indexes.get(text)
    if (found !== undefined) return found
    const strings = this.strings[column]!
    const index = strings.length
    strings.push(text)
    indexes.set(text, index)
    return index
  }

  /** Empties the builder; the arrays stay and are zeroed, so that rows without a column compress to nothing. */
  reset(): void {
    for (const planes of this.planes) for (const plane of planes) plane.fill(0, 0, this.rows)
    for (const strings of this.strings) strings.length = 1
    for (const indexes of this.stringIndexes) indexes.clear()
    this.addresses.clear()
    this.localShapes.clear()
    this.localExporters.clear()
    this.exporters.length = 0
    this.shapes.length = 0
    this.rows = 0
  }

  /** The number of a shape in this block; its columns are made ready. */
  shapeNumber(shape: Shape): number {
    const found = this.localShapes.get(shape)
    if (found !== undefined) return found
    const local = this.shapes.length
    for (const column of shape.columns) this.preparePlanes(column)
    this.shapes.push(shape)
    this.localShapes.set(shape, local)
    return local
  }

  /** The number of an exporter in this block. */
  exporterNumber(exporter: ExporterIdentity): number {
    const found = this.localExporters.get(exporter)
    if (found !== undefined) return found
    const local = this.exporters.length
    this.exporters.push(exporter)
    this.localExporters.set(exporter, local)
    return local
  }

  private preparePlanes(column: number): void {
    if (this.planes[column]!.length > 0) return
    this.planes[column]!.push(...makePlanes(this.stream.columns[column]!, this.stream.family, this.capacity))
  }
}

/** The arrays that hold `rows` values of a column. */
export function makePlanes(definition: ColumnDefinition, family: 0 | 4 | 6, rows: number): Plane[] {
  switch (definition.type) {
    case 'u8':
      return [new Uint8Array(rows)]
    case 'u16':
      return [new Uint16Array(rows)]
    case 'f64':
      return [new Float64Array(rows)]
    case 'u64':
      return [new Uint32Array(rows), new Uint32Array(rows)]
    case 'address':
      return Array.from({ length: family === 6 ? 4 : 1 }, () => new Uint32Array(rows))
    case 'u32':
    case 'text':
    case 'address16':
      return [new Uint32Array(rows)]
  }
}
