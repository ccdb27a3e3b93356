/**
 * Rows on their way into a block: one set of typed arrays per stream, filled by the decoders and emptied by sealing.
 * Arrays are made when a shape first needs them and then kept, so that a row allocates nothing.
 */

import type { ColumnDefinition, StreamDefinition } from '../records/columns.js'
import type { ExporterIdentity } from '../records/exporter.js'
import type { Shape } from '../records/shape.js'
import { AddressDictionary } from './address-dictionary.js'
import type { ArrayRoom } from './array-room.js'
import { TextDictionary } from './text-dictionary.js'

export type Plane = Uint8Array | Uint16Array | Uint32Array | Float64Array

/** Rows a block holds at most. */
export const BLOCK_ROWS = 65536

/** Octets of lines a block holds, roughly: the longest lines would otherwise fill gigabytes. */
const MOST_LINE_OCTETS = 32 * 1024 * 1024

/** The places of the first three columns are the same in every stream. */
export const RECEIVED_COLUMN = 0
export const EXPORTER_COLUMN = 1
export const SHAPE_COLUMN = 2

export class BlockBuilder {
  readonly stream: StreamDefinition
  readonly capacity: number
  /** By column: its arrays, empty until a shape needs the column. */
  readonly planes: Plane[][]
  /** By column: the texts of a text column. */
  readonly texts: readonly TextDictionary[]
  readonly addresses = new AddressDictionary()
  /** In the order of the block's local numbering. */
  readonly exporters: ExporterIdentity[] = []
  readonly shapes: Shape[] = []
  rows = 0
  /** The texts that hardly repeat, where the stream has such. */
  private readonly lines: TextDictionary | undefined

  private readonly exporterNumbers = new Map<ExporterIdentity, number>()
  private readonly shapeNumbers = new Map<Shape, number>()
  /** Rows of one sender and shape often follow each other. */
  private lastExporter: ExporterIdentity | undefined
  private lastExporterNumber = 0
  private lastShape: Shape | undefined
  private lastShapeNumber = 0

  constructor(stream: StreamDefinition, capacity = BLOCK_ROWS) {
    this.stream = stream
    this.capacity = capacity
    this.planes = stream.columns.map(() => [])
    this.texts = stream.columns.map(() => new TextDictionary())
    this.lines = this.texts[stream.columns.findIndex(({ name }) => name === 'message')]
    for (const column of [RECEIVED_COLUMN, EXPORTER_COLUMN, SHAPE_COLUMN]) this.preparePlanes(column)
  }

  /** No further row should be begun. */
  get isFull(): boolean {
    return this.rows >= this.capacity || (this.lines !== undefined && this.lines.octets > MOST_LINE_OCTETS)
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
    return this.texts[column]!.indexOf(text)
  }

  /** By column: the strings of a text column, index 0 unused; for readers of rows that are not sealed yet. */
  get strings(): readonly (readonly string[])[] {
    return this.texts.map((texts) => texts.strings())
  }

  /** Empties the builder; the arrays stay and are zeroed, so that rows without a column compress to nothing. */
  reset(): void {
    for (const planes of this.planes) for (const plane of planes) plane.fill(0, 0, this.rows)
    for (const texts of this.texts) if (texts.count > 0) texts.clear()
    this.addresses.clear()
    this.shapeNumbers.clear()
    this.exporterNumbers.clear()
    this.lastExporter = undefined
    this.lastShape = undefined
    this.exporters.length = 0
    this.shapes.length = 0
    this.rows = 0
  }

  /** The number of a shape in this block; its columns are made ready. */
  shapeNumber(shape: Shape): number {
    if (shape === this.lastShape) return this.lastShapeNumber
    const found = this.shapeNumbers.get(shape) ?? this.addShape(shape)
    this.lastShape = shape
    this.lastShapeNumber = found
    return found
  }

  private addShape(shape: Shape): number {
    const number = this.shapes.length
    for (const column of shape.columns) this.preparePlanes(column)
    this.shapes.push(shape)
    this.shapeNumbers.set(shape, number)
    return number
  }

  /** The number of an exporter in this block. */
  exporterNumber(exporter: ExporterIdentity): number {
    if (exporter === this.lastExporter) return this.lastExporterNumber
    const found = this.exporterNumbers.get(exporter) ?? this.addExporter(exporter)
    this.lastExporter = exporter
    this.lastExporterNumber = found
    return found
  }

  private addExporter(exporter: ExporterIdentity): number {
    const number = this.exporters.length
    this.exporters.push(exporter)
    this.exporterNumbers.set(exporter, number)
    return number
  }

  /** Makes the arrays of a column, where no row had it yet. */
  preparePlanes(column: number): void {
    if (this.planes[column]!.length > 0) return
    this.planes[column]!.push(...makePlanes(this.stream.columns[column]!, this.stream.family, this.capacity))
  }
}

/** The arrays that hold `rows` values of a column: new ones of zeros, or those of a room with whatever it holds. */
export function makePlanes(
  definition: ColumnDefinition,
  family: 0 | 4 | 6,
  rows: number,
  room?: ArrayRoom,
): Plane[] {
  const words = () => room?.take(Uint32Array, rows) ?? new Uint32Array(rows)
  switch (definition.type) {
    case 'u8':
      return [room?.take(Uint8Array, rows) ?? new Uint8Array(rows)]
    case 'u16':
      return [room?.take(Uint16Array, rows) ?? new Uint16Array(rows)]
    case 'f64':
      return [room?.take(Float64Array, rows) ?? new Float64Array(rows)]
    case 'u64':
      return [words(), words()]
    case 'address':
      return Array.from({ length: family === 6 ? 4 : 1 }, words)
    case 'u32':
    case 'text':
    case 'address16':
      return [words()]
  }
}
