/**
 * A shape says which columns a row has. It is fixed by the template or the message type, so rows carry just its number.
 */
import type { ColumnDefinition } from './columns.js'

/** Octets of a shape's bit mask: room for 128 columns. */
export const SHAPE_OCTETS = 16

export type Shape = {
  /** Places in the stream's schema, ascending. */
  readonly columns: readonly number[]
  /** Bit c set: the rows have column c. */
  readonly mask: Uint8Array
}

/** Shapes follow from templates, which anyone may send, so those that are kept for reuse are bounded. */
const MAX_KNOWN = 16_384
const known = new Map<string, Shape>()

/** The shape with just these columns; as a rule the same object for the same columns, so that blocks name it once. */
export function shapeOf(columns: Iterable<number>): Shape {
  const sorted = [...new Set(columns)].sort((a, b) => a - b)
  const key = sorted.join()
  const found = known.get(key)
  if (found !== undefined) return found
  const mask = new Uint8Array(SHAPE_OCTETS)
  for (const column of sorted) mask[column >> 3]! |= 1 << (column & 7)
  const shape = { columns: sorted, mask }
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(key, shape)
  return shape
}

export function shapeFromMask(mask: Uint8Array, definitions: readonly ColumnDefinition[]): Shape {
  const columns: number[] = []
  for (let column = 0; column < definitions.length; column++) {
    if (mask[column >> 3]! & (1 << (column & 7))) columns.push(column)
  }
  return shapeOf(columns)
}
