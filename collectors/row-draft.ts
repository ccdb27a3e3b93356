/**
 * A row in the making, where what it has is only known field by field (log lines): the fields are written where the row
 * will be, then the row is begun with the shape that they make. One draft is reused, so that a row allocates nothing.
 */
import type { BlockBuilder, Plane } from '#core/blocks/builder.js'
import type { TextOctets } from '#core/blocks/text-dictionary.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { type Shape, shapeOf } from '#core/records/shape.js'
import type { BlockWriter } from '#core/store/writer.js'

/** The columns that every row has: received, exporter, shape. */
const FIRST_COLUMNS = 0b111

/** By column: its bit in each half of a mask. */
const lowBits = Int32Array.from({ length: 64 }, (_, column) => (column < 32 ? 1 << column : 0))
const highBits = Int32Array.from({ length: 64 }, (_, column) => (column < 32 ? 0 : 1 << column))

export class RowDraft {
  private builder!: BlockBuilder
  private row = 0
  private low = FIRST_COLUMNS
  private high = 0
  /** Shapes by the two halves of their column masks, and the last one. */
  private readonly shapes = new Map<number, Map<number, Shape>>()
  private lastLow = 0
  private lastHigh = 0
  private lastShape: Shape | undefined

  /** Begins a row of a stream, which must be finished before the next. */
  begin(writer: BlockWriter, stream: number): void {
    this.builder = writer.builder(stream)
    this.row = this.builder.rows
    this.low = FIRST_COLUMNS
    this.high = 0
  }

  /** A number; NaN and negative ones are unknown and leave the column out. */
  number(column: number, value: number): void {
    if (value >= 0) this.planes(column)[0]![this.row] = value
  }

  /** A count of up to 64 bits; NaN is unknown and leaves the column out. */
  unsigned64(column: number, value: number): void {
    if (!(value >= 0)) return
    const planes = this.planes(column)
    // The upper half is 0 already.
    if (value <= 0xffff_ffff) planes[0]![this.row] = value
    else this.builder.setUnsigned64(column, this.row, value)
  }

  /** A text; an empty one leaves the column out. */
  text(column: number, value: string | undefined): void {
    if (value !== undefined && value !== '') this.index(column, this.builder.texts[column]!.indexOf(value))
  }

  /** A text by its octets, where they are ASCII without `mark` (0: any); false, with the column left out, where not. */
  plain(column: number, from: TextOctets, start: number, end: number, mark: number): boolean {
    const index = this.builder.texts[column]!.indexOfPlain(from, start, end, mark)
    if (index === 0) return false
    this.index(column, index)
    return true
  }

  /** A text of which hardly two are the same, one character per octet. */
  latin1(column: number, from: TextOctets, start: number, end: number): void {
    if (start < end) this.index(column, this.builder.texts[column]!.appendLatin1(from, start, end))
  }

  /** Four words of `from`, beginning at `at`, into a column of addresses. */
  address(column: number, from: Uint32Array, at: number): void {
    const planes = this.planes(column)
    if (planes.length === 1) planes[0]![this.row] = from[at + 3]!
    else for (let word = 0; word < 4; word++) planes[word]![this.row] = from[at + word]!
  }

  /** Four words into a column that points into the block's dictionary of addresses; `family` is 4 or 6. */
  dictionaryAddress(column: number, family: number, from: Uint32Array, at: number): void {
    // IPv4 in IPv4-mapped form, as the dictionary holds it.
    const third = family === 4 ? 0xffff : from[at + 2]!
    this.index(column, this.builder.addresses.indexOf(from[at]!, from[at + 1]!, third, from[at + 3]!))
  }

  /** Puts the row into the stream's builder. */
  finish(exporter: ExporterIdentity, receivedMilliseconds: number): void {
    this.builder.begin(exporter, this.shape(), receivedMilliseconds, 1)
  }

  private index(column: number, value: number): void {
    const plane = this.planes(column)[0] as Uint32Array
    plane[this.row] = value
  }

  private planes(column: number): readonly Plane[] {
    this.low |= lowBits[column]!
    this.high |= highBits[column]!
    const planes = this.builder.planes[column]!
    if (planes.length === 0) this.builder.preparePlanes(column)
    return planes
  }

  private shape(): Shape {
    const { low, high, lastShape } = this
    if (lastShape !== undefined && low === this.lastLow && high === this.lastHigh) return lastShape
    let byHigh = this.shapes.get(low)
    if (byHigh === undefined) {
      byHigh = new Map()
      this.shapes.set(low, byHigh)
    }
    let shape = byHigh.get(high)
    if (shape === undefined) {
      shape = shapeOf(columnsOf(low, high))
      byHigh.set(high, shape)
    }
    this.lastLow = low
    this.lastHigh = high
    this.lastShape = shape
    return shape
  }
}

function columnsOf(low: number, high: number): number[] {
  const columns: number[] = []
  for (let column = 0; column < 64; column++) {
    const half = column < 32 ? low : high
    if ((half >>> (column & 31)) & 1) columns.push(column)
  }
  return columns
}
