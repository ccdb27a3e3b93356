/** What can be summed over the rows of a group. */
import type { Block } from '../../blocks/block.js'
import { type Plane, RECEIVED_COLUMN } from '../../blocks/builder.js'
import { FlowColumnIndex } from '../../records/columns.js'
import type { Window } from './plan.js'
import { presentColumn, wholeValues } from './presence.js'

export const measureNames = [
  'octets',
  'packets',
  'flows',
  'reverseOctets',
  'reversePackets',
  'octetsTotal',
  'packetsTotal',
] as const
export type Measure = (typeof measureNames)[number]

/** Summed when nothing is named. */
export const DEFAULT_MEASURES: readonly Measure[] = ['octets', 'packets', 'flows']

/** Reads `octets,flows`; gives what is wrong as text. */
export function parseMeasures(text: string): Measure[] | string {
  const names = [...new Set(text.split(',').map((part) => part.trim()))]
  const unknown = names.find((name) => !(measureNames as readonly string[]).includes(name))
  if (unknown === undefined) return names as Measure[]
  return `\`${unknown}\` cannot be summed; ${measureNames.join(', ')} can`
}

/** Values of a measure in the selected rows, and how many of these do not state it. `flows` may have no values: each counts 1. */
export type MeasureValues = { readonly values: Plane | undefined; readonly unknown: number }

/** Reads a measure; with `isScaled` each value is multiplied by the row's sampling interval where that is known. */
export function readMeasure(
  block: Block,
  measure: Measure,
  selected: Uint32Array,
  isScaled: boolean,
): MeasureValues {
  const flows = flowCounts(block)
  if (measure === 'flows')
    return { values: flows === undefined ? undefined : pick(flows, selected), unknown: 0 }
  const column = presentColumn(block, measure)
  if (column === undefined)
    return { values: new Float64Array(selected.length), unknown: countRows(flows, selected) }
  const { planes, known } = column
  const all = wholeValues(planes)
  const intervals = isScaled ? samplingIntervals(block) : undefined
  // Nothing to leave out: the values are those of the column.
  if (known === undefined && intervals === undefined && selected.length === all.length)
    return { values: all, unknown: 0 }
  const values = new Float64Array(selected.length)
  let unknown = 0
  for (let index = 0; index < values.length; index++) {
    const row = selected[index]!
    if (known !== undefined && known[row] === 0) unknown += flows === undefined ? 1 : flows[row]!
    else values[index] = intervals === undefined ? all[row]! : all[row]! * intervals[row]!
  }
  return { values, unknown }
}

/** Rows that each row of a rollup stands for; undefined where it is one itself. */
function flowCounts(block: Block): Plane | undefined {
  const planes = block.column(FlowColumnIndex.deltaFlowCount)
  return planes === undefined ? undefined : wholeValues(planes)
}

function pick(values: Plane, selected: Uint32Array): Plane {
  return selected.length === values.length ? values : Float64Array.from(selected, (row) => values[row]!)
}

function countRows(flows: Plane | undefined, selected: Uint32Array): number {
  return flows === undefined ? selected.length : selected.reduce((sum, row) => sum + flows[row]!, 0)
}

/** Rows received in a time whose groups a rollup has not kept apart. */
export function togetherRows(block: Block, { fromMilliseconds, toMilliseconds }: Window): number {
  const planes = block.column(FlowColumnIndex.groupsTogether)
  if (planes === undefined) return 0
  const counts = wholeValues(planes)
  const received = block.column(RECEIVED_COLUMN)![0]!
  let sum = 0
  for (let row = 0; row < counts.length; row++)
    if (received[row]! >= fromMilliseconds && received[row]! < toMilliseconds) sum += counts[row]!
  return sum
}

/** By row, 1 where nothing is known; undefined when that is so of every row. */
function samplingIntervals(block: Block): Float64Array | undefined {
  const column = presentColumn(block, 'samplingInterval')
  if (column === undefined) return undefined
  const { planes, known } = column
  const [plane] = planes as [Plane]
  const intervals = new Float64Array(plane.length).fill(1)
  for (let row = 0; row < plane.length; row++)
    if ((known === undefined || known[row] === 1) && plane[row]! > 1) intervals[row] = plane[row]!
  return intervals
}
