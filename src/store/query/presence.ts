/** Which rows of a block have a column at all: unknown is not 0. */
import type { Block } from '../../blocks/block.js'
import { type Plane, SHAPE_COLUMN } from '../../blocks/builder.js'
import { enumerations, meaningfulWith } from '../../blocks/row.js'
import { type ColumnDefinition, icmpFromNames, type StreamDefinition } from '../../records/columns.js'

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

/** Whether 0 stands for "none". */
function isZeroNone({ name, type }: ColumnDefinition): boolean {
  return (
    type === 'text' ||
    type === 'address16' ||
    enumerations[name] !== undefined ||
    (type === 'f64' && !zeroMeans.includes(name))
  )
}

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
  const from = mayBeNoPort(block, name) ? block.column(columnNamed(stream, 'icmpFrom')!) : undefined
  if (from !== undefined) keepFlagged(from[0]!, arePorts, mask)
  if (isZeroNone(stream.columns[column]!)) keepNonZero(planes[0]!, mask)
  const origin = meaningfulWith[name]
  if (origin !== undefined && presentPlanes(block, origin, mask) === undefined) return undefined
  return planes
}

/** The arrays of a column, and by row whether it has a value: 1 or 0, undefined where all have one. */
export type PresentColumn = { readonly planes: readonly Plane[]; readonly known: Uint8Array | undefined }

/** Undefined when no row has a value. */
export function presentColumn(block: Block, name: string): PresentColumn | undefined {
  if (isEverywhere(block, name)) {
    const planes = block.column(columnNamed(block.header.stream, name)!)
    return planes === undefined ? undefined : { planes, known: undefined }
  }
  const known = new Uint8Array(block.header.rows).fill(1)
  const planes = presentPlanes(block, name, known)
  if (planes === undefined) return undefined
  return { planes, known: known.includes(0) ? known : undefined }
}

/** By `icmpFrom`: 0 where type and code of ICMP stand in the place of the ports, so that they are none. */
const arePorts = Uint8Array.from(icmpFromNames, (name) => Number(!name.endsWith('Port')))

/** Whether the column is one of ports, and rows may hold type and code of ICMP there. */
function mayBeNoPort({ header: { stream, shapes } }: Block, name: string): boolean {
  if (!name.endsWith('TransportPort')) return false
  const from = columnNamed(stream, 'icmpFrom')
  return from !== undefined && shapes.some(({ columns }) => columns.includes(from))
}

/** Whether every row has the column, by what the header says. */
function isEverywhere(block: Block, name: string): boolean {
  const { stream, shapes } = block.header
  const column = columnNamed(stream, name)
  if (column === undefined || isZeroNone(stream.columns[column]!) || name in meaningfulWith) return false
  if (mayBeNoPort(block, name)) return false
  return shapes.length > 0 && shapes.every(({ columns }) => columns.includes(column))
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
  if (high === undefined || isAllZero(high as Uint32Array)) return low!
  const values = new Float64Array(low!.length)
  for (let row = 0; row < values.length; row++) values[row] = high[row]! * 0x1_0000_0000 + low![row]!
  return values
}

function isAllZero(plane: Uint32Array): boolean {
  const rows = plane.length
  const whole = rows & ~3
  // Four at a time, for mostly all are looked at.
  for (let row = 0; row < whole; row += 4)
    if ((plane[row]! | plane[row + 1]! | plane[row + 2]! | plane[row + 3]!) !== 0) return false
  for (let row = whole; row < rows; row++) if (plane[row] !== 0) return false
  return true
}
