/** Takes the rows of a block into a builder of its stream, as they are: shapes, exporters and dictionaries by value. */
import { type ExporterIdentity, exporterKey } from '../records/exporter.js'
import type { Shape } from '../records/shape.js'
import type { Block } from './block.js'
import { type BlockBuilder, EXPORTER_COLUMN, type Plane, SHAPE_COLUMN } from './builder.js'

export class BlockAppender {
  readonly builder: BlockBuilder
  private readonly shapes = new Map<string, Shape>()
  private readonly exporters = new Map<string, ExporterIdentity>()

  /** `builder` is empty. */
  constructor(builder: BlockBuilder) {
    this.builder = builder
  }

  /** The caller has made sure that the rows fit. Throws BLOCK_DAMAGED before anything of the block is taken. */
  append(block: Block): void {
    const { builder } = this
    const { header } = block
    block.verify()
    const columns = [...header.stream.columns.keys()].filter((column) => block.has(column))
    const taken = columns.map((column) => ({ column, planes: block.column(column)! }))
    const shapes = header.shapes.map((shape) => builder.shapeNumber(this.sameShape(shape)))
    const exporters = header.exporters.map((identity) => builder.exporterNumber(this.sameExporter(identity)))
    const first = builder.rows
    for (const { column, planes } of taken) {
      const { type } = header.stream.columns[column]!
      const to = builder.planes[column]!
      if (column === SHAPE_COLUMN) mapInto(to[0]!, first, planes[0]!, shapes)
      else if (column === EXPORTER_COLUMN) mapInto(to[0]!, first, planes[0]!, exporters)
      else if (type === 'text') mapInto(to[0]!, first, planes[0]!, textNumbers(builder, block, column))
      else if (type === 'address16') mapInto(to[0]!, first, planes[0]!, addressNumbers(builder, block))
      else for (const [index, plane] of planes.entries()) to[index]!.set(plane as never, first)
    }
    builder.rows = first + header.rows
  }

  /** Each block has objects of its own for what is the same. */
  private sameShape(shape: Shape): Shape {
    return remembered(this.shapes, shape.columns.join(), shape)
  }

  private sameExporter(identity: ExporterIdentity): ExporterIdentity {
    return remembered(this.exporters, exporterKey(identity), identity)
  }
}

function remembered<T>(known: Map<string, T>, key: string, value: T): T {
  const found = known.get(key)
  if (found === undefined) known.set(key, value)
  return found ?? value
}

function mapInto(to: Plane, first: number, from: Plane, numbers: readonly number[]): void {
  for (let row = 0; row < from.length; row++) to[first + row] = numbers[from[row]!] ?? 0
}

/** By number in the block: the number in the builder; 0 is "none" in both. */
function textNumbers(builder: BlockBuilder, block: Block, column: number): number[] {
  return block.strings(column).map((text, index) => (index === 0 ? 0 : builder.textIndex(column, text)))
}

function addressNumbers(builder: BlockBuilder, block: Block): number[] {
  const words = block.addresses()
  const numbers = [0]
  for (let at = 4; at < words.length; at += 4)
    numbers.push(builder.addresses.indexOf(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!))
  return numbers
}
