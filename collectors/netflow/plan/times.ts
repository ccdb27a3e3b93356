/** When a flow began and ended: absolute times, times since boot, and durations. */
import { type FlowColumn, FlowColumnIndex } from '#core/records/columns.js'
import { type Kernel, possibleTime } from '../kernels.js'
import type { RowDraft } from './draft.js'
import { kernelFor, type Target } from './sources.js'

const Column = FlowColumnIndex

/** Elements that tell a time, the most exact first. */
const times: readonly (readonly [column: FlowColumn, ...elements: readonly (readonly [number, Target])[]])[] =
  [
    [
      'startMilliseconds',
      [152, 'milliseconds'],
      [156, 'nanoseconds'],
      [154, 'microseconds'],
      [150, 'seconds'],
      [22, 'upTime'],
      [158, 'delta'],
    ],
    [
      'endMilliseconds',
      [153, 'milliseconds'],
      [157, 'nanoseconds'],
      [155, 'microseconds'],
      [151, 'seconds'],
      [21, 'upTime'],
      [159, 'delta'],
    ],
  ]

/** When an event was seen: all that records of single events have (NSEL, RFC 8158, RFC 5477 §8.4). */
const observationTimes: readonly (readonly [number, Target])[] = [
  [323, 'milliseconds'],
  [325, 'nanoseconds'],
  [324, 'microseconds'],
  [322, 'seconds'],
]

export function addTimes(draft: RowDraft): void {
  for (const [name, ...elements] of times) addFirst(draft, Column[name], elements)
  addDuration(draft)
  for (const column of [Column.startMilliseconds, Column.endMilliseconds]) {
    if (!draft.columns.has(column)) addFirst(draft, column, observationTimes)
  }
}

/** Fills a column from the first element that the template has in a length that can be read. */
function addFirst(draft: RowDraft, column: number, elements: readonly (readonly [number, Target])[]): void {
  for (const [element, target] of elements) {
    const field = draft.find(element)
    if (field >= 0 && draft.add(column, field, kernelFor(target, draft.template.fields[field]!, column)))
      return
  }
}

/** Of an end and a duration (IE 161, 162) the start follows, and of a start the end. */
function addDuration(draft: RowDraft): void {
  const field = draft.find(161) >= 0 ? draft.find(161) : draft.find(162)
  const divisor = draft.find(161) >= 0 ? 1 : 1000
  const hasStart = draft.columns.has(Column.startMilliseconds)
  const hasEnd = draft.columns.has(Column.endMilliseconds)
  if (field < 0 || hasStart === hasEnd || draft.lengthOf(field) !== 4) return
  const missing = hasStart ? Column.endMilliseconds : Column.startMilliseconds
  const known = hasStart ? Column.startMilliseconds : Column.endMilliseconds
  const sign = hasStart ? 1 : -1
  const kernel: Kernel = (_context, builder, column, row, view, offset, _length, stride, count) => {
    const to = builder.planes[column]![0] as Float64Array
    for (let index = 0, at = offset; index < count; index++, at += stride)
      to[row + index] = (sign * view.getUint32(at)) / divisor
  }
  draft.step(missing, field, kernel)
  draft.columns.add(missing)
  draft.rowSteps.push((context, builder, row, count) => {
    const to = builder.planes[missing]![0] as Float64Array
    const from = builder.planes[known]![0] as Float64Array
    for (let index = row; index < row + count; index++)
      to[index] = from[index] === 0 ? 0 : possibleTime(from[index]! + to[index]!, context.domain)
  })
}
