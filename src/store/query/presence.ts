/** Which rows of a block have a column at all: unknown is not 0. */
import type { Block } from '../../blocks/block.js'
import { type Plane, SHAPE_COLUMN } from '../../blocks/builder.js'
import { enumerations, meaningfulWith } from '../../blocks/row.js'
import type { StreamDefinition } from '../../records/columns.js'

const places = new Map<StreamDefinition, ReadonlyMap<string, number>>()

/** The place of a column in a stream's schema; undefined when the stream has none of the name. */
export function columnNamed(stream: StreamDefinition, name: string): number | undefined {
  let known = places.get(stream)
  if (known === undefined) {
    known = new Map(stream.columns.map((column, index) => [column.name, index]))
    places.set(stream, known)
  }
  return known.get(name)
}

/** Columns of type f64 whose 0 is a value. */
const zeroMeans: readonly string[] = ['durationMilliseconds', 'value']

/**
 * The arrays of a column, after the marks of rows without a value have been taken from `mask`; undefined, with no mark
 * left, when no row has one.
 */
export function presentPlanes(block: Block, name: string, mask: Uint8Array): readonly Plane[] | undefined {
  const { stream, shapes } = block.header
  const column = columnNamed(stream, name)
  const having = shapes.map(({ columns }) => column !== undefined && columns.includes(column))
  if (column === undefined || !having.includes(true)) return nothing(mask)
  if (having.includes(false))
    keepFlagged(block.column(SHAPE_COLUMN)![0]!, Uint8Array.from(having, Number), mask)
  const planes = block.column(column)
  if (planes === undefined) return nothing(mask)
  const definition = stream.columns[column]!
  const { type } = definition
  const isZeroNone =
    type === 'text' ||
    type === 'address16' ||
    enumerations[name] !== undefined ||
    (type === 'f64' && !zeroMeans.includes(name))
  if (isZeroNone) keepNonZero(planes[0]!, mask)
  const origin = meaningfulWith[name]
  if (origin !== undefined && presentPlanes(block, origin, mask) === undefined) return undefined
  return planes
}

/** The arrays of a column, and by row whether it has a value: 1 or 0, undefined where all have one. */
export type PresentColumn = { readonly planes: readonly Plane[]; readonly known: Uint8Array | undefined }

/** Undefined when no row has a value. */
export function presentColumn(block: Block, name: string): PresentColumn | undefined {
  const known = new Uint8Array(block.header.rows).fill(1)
  const planes = presentPlanes(block, name, known)
  if (planes === undefined) return undefined
  return { planes, known: known.includes(0) ? known : undefined }
}

function nothing(mask: Uint8Array): undefined {
  mask.fill(0)
  return undefined
}

/** Keeps the rows whose value (an index) is flagged. */
export function keepFlagged(plane: Plane, flags: Uint8Array, mask: Uint8Array): void {
  const rows = mask.length
  for (let row = 0; row < rows; row++) mask[row]! &= flags[plane[row]!]!
}

function keepNonZero(plane: Plane, mask: Uint8Array): void {
  const rows = mask.length
  for (let row = 0; row < rows; row++) if (plane[row] === 0) mask[row] = 0
}

/** The values of a column of one array, or of a 64-bit one as doubles. */
export function wholeValues(planes: readonly Plane[]): Plane {
  const [low, high] = planes
  if (high === undefined || isAllZero(high)) return low!
  const values = new Float64Array(low!.length)
  for (let row = 0; row < values.length; row++) values[row] = high[row]! * 0x1_0000_0000 + low![row]!
  return values
}

function isAllZero(plane: Plane): boolean {
  for (let row = 0; row < plane.length; row++) if (plane[row] !== 0) return false
  return true
}
