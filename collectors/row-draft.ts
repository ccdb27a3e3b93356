/**
 * A row in the making, where what it has is only known field by field (log lines): the fields are noted first, then the
 * row is written with the shape that they make. One draft is reused for every row, so that a row allocates nothing.
 */
import type { BlockBuilder } from '#core/blocks/builder.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { type Shape, shapeOf } from '#core/records/shape.js'
import type { BlockWriter } from '#core/store/writer.js'

const NUMBER = 0
const UNSIGNED_64 = 1
const TEXT = 2
const ADDRESS = 3
const DICTIONARY_ADDRESS = 4

/** Fields of a row; more than any stream has columns. */
const MOST_FIELDS = 128
/** The columns that every row has: received, exporter, shape. */
const FIRST_COLUMNS = 0b111

export class RowDraft {
  private readonly columns = new Uint8Array(MOST_FIELDS)
  private readonly kinds = new Uint8Array(MOST_FIELDS)
  private readonly numbers = new Float64Array(MOST_FIELDS)
  private readonly words = new Uint32Array(4 * MOST_FIELDS)
  private readonly texts: string[] = new Array(MOST_FIELDS).fill('')
  private count = 0
  private low = FIRST_COLUMNS
  private high = 0
  /** Shapes by the two halves of their column masks. */
  private readonly shapes = new Map<number, Map<number, Shape>>()

  reset(): void {
    this.count = 0
    this.low = FIRST_COLUMNS
    this.high = 0
  }

  /** A number; NaN and negative ones are unknown and leave the column out. */
  number(column: number, value: number): void {
    if (value >= 0) this.numbers[this.note(column, NUMBER)] = value
  }

  /** A count of up to 64 bits; NaN is unknown and leaves the column out. */
  unsigned64(column: number, value: number): void {
    if (value >= 0) this.numbers[this.note(column, UNSIGNED_64)] = value
  }

  /** A text; an empty one leaves the column out. */
  text(column: number, value: string | undefined): void {
    if (value !== undefined && value !== '') this.texts[this.note(column, TEXT)] = value
  }

  /** Four words of `from`, beginning at `at`, into a column of addresses. */
  address(column: number, from: Uint32Array, at: number): void {
    this.setWords(this.note(column, ADDRESS), from, at)
  }

  /** Four words into a column that points into the block's dictionary of addresses; `family` is 4 or 6. */
  dictionaryAddress(column: number, family: number, from: Uint32Array, at: number): void {
    const field = this.note(column, DICTIONARY_ADDRESS)
    this.setWords(field, from, at)
    // IPv4 in IPv4-mapped form, as the dictionary holds it.
    if (family === 4) this.words[4 * field + 2] = 0xffff
  }

  /** Writes the row into the stream's builder. */
  write(writer: BlockWriter, stream: number, exporter: ExporterIdentity, receivedMilliseconds: number): void {
    const builder = writer.builder(stream)
    const row = builder.begin(exporter, this.shape(), receivedMilliseconds, 1)
    for (let field = 0; field < this.count; field++) this.writeField(builder, row, field)
  }

  private writeField(builder: BlockBuilder, row: number, field: number): void {
    const column = this.columns[field]!
    switch (this.kinds[field]) {
      case NUMBER:
        builder.setNumber(column, row, this.numbers[field]!)
        break
      case UNSIGNED_64:
        builder.setUnsigned64(column, row, this.numbers[field]!)
        break
      case TEXT:
        builder.setText(column, row, this.texts[field]!)
        break
      case ADDRESS: {
        const planes = builder.planes[column]!
        if (planes.length === 1) planes[0]![row] = this.words[4 * field + 3]!
        else for (let word = 0; word < 4; word++) planes[word]![row] = this.words[4 * field + word]!
        break
      }
      case DICTIONARY_ADDRESS: {
        const at = 4 * field
        const { words } = this
        const index = builder.addresses.indexOf(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)
        builder.setNumber(column, row, index)
      }
    }
  }

  private note(column: number, kind: number): number {
    const field = this.count++
    this.columns[field] = column
    this.kinds[field] = kind
    if (column < 32) this.low |= 1 << column
    else this.high |= 1 << (column - 32)
    return field
  }

  private setWords(field: number, from: Uint32Array, at: number): void {
    for (let word = 0; word < 4; word++) this.words[4 * field + word] = from[at + word]!
  }

  private shape(): Shape {
    let byHigh = this.shapes.get(this.low)
    if (byHigh === undefined) {
      byHigh = new Map()
      this.shapes.set(this.low, byHigh)
    }
    let shape = byHigh.get(this.high)
    if (shape === undefined) {
      shape = shapeOf([0, 1, 2, ...this.columns.subarray(0, this.count)])
      byHigh.set(this.high, shape)
    }
    return shape
  }
}
