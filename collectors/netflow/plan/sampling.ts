/** One packet of how many, and who said so. */
import type { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex } from '#core/records/columns.js'
import type { MessageContext } from '../context.js'
import { readUnsigned, VARIABLE_LENGTH } from '../elements.js'
import type { Kernel } from '../kernels.js'
import type { Template } from '../template.js'
import type { RowDraft, RowStep } from './draft.js'

const Column = FlowColumnIndex

const SAMPLING_FROM_RECORD = 1
const SAMPLING_FROM_OPTIONS = 2
const SAMPLING_FROM_HEADER = 3
const SAMPLING_FROM_CONFIGURATION = 4

/**
 * One packet of how many: our configuration, the record (IE 34, 50; 305 with 306; 310 over 309), the sampler that it names (IE 48,
 * 302), what options data say of its interfaces and of the domain, the v5 header, in this order. From "none" the interval is unknown.
 */
export function addSampling(draft: RowDraft): void {
  const { template, find, columns, rowSteps } = draft
  columns.add(Column.samplingInterval)
  columns.add(Column.samplingFrom)
  rowSteps.push(fillSampling(interfaceColumns.filter((column) => columns.has(column))))
  const direct = find(34) >= 0 ? find(34) : find(50)
  // The packets of IE 305 say nothing without the space of IE 306 that follows them, nor n (309) without N (310).
  const isOutOf = direct < 0 && find(305) < 0
  const [first, second] = isOutOf ? [find(309), find(310)] : [find(305), find(306)]
  const space = direct < 0 && first >= 0 ? second : -1
  const interval = direct >= 0 ? direct : space >= 0 ? first : -1
  const sampler = find(302) >= 0 ? find(302) : find(48)
  if (interval >= 0 && draft.lengthOf(interval) <= 4) {
    const delta = distance(template, interval, space)
    const spaceLength = Number.isNaN(delta) ? 0 : draft.lengthOf(space)
    const kernel: Kernel = (_context, builder, column, row, view, offset, length, stride, count) => {
      const to = builder.planes[column]![0] as Uint32Array
      const from = builder.planes[Column.samplingFrom]![0]!
      for (let index = 0, at = offset; index < count; index++, at += stride) {
        const packets = readUnsigned(view, at, length)
        const skipped = spaceLength > 0 && spaceLength <= 4 ? readUnsigned(view, at + delta, spaceLength) : 0
        const all = isOutOf ? skipped : packets + skipped
        const oneIn = skipped > 0 && packets > 0 ? Math.round(all / packets) : packets
        to[row + index] = spaceLength > 0 && skipped === 0 ? 1 : oneIn
        from[row + index] = oneIn > 0 ? SAMPLING_FROM_RECORD : 0
      }
    }
    draft.step(Column.samplingInterval, interval, kernel)
  } else if (sampler >= 0 && draft.lengthOf(sampler) <= 8) {
    draft.step(Column.samplingInterval, sampler, samplerKernel)
  }
}

/** The interval of a record's sampler (IE 48, 302), which options data told. */
const samplerKernel: Kernel = (context, builder, column, row, view, offset, length, stride, count) => {
  const { samplers } = context.domain
  if (samplers.size === 0) return
  const to = builder.planes[column]![0] as Uint32Array
  const from = builder.planes[Column.samplingFrom]![0] as Uint8Array
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    const oneIn = samplers.get(readUnsigned(view, at, length))?.interval
    to[row + index] = oneIn ?? 0
    from[row + index] = oneIn === undefined ? 0 : SAMPLING_FROM_OPTIONS
  }
}

/** Octets from one field to another, NaN when a field of variable length lies between them or there is no other. */
function distance(template: Template, from: number, to: number): number {
  if (to < 0) return Number.NaN
  let octets = 0
  for (let index = Math.min(from, to); index < Math.max(from, to); index++) {
    const { length } = template.fields[index]!
    octets += length === VARIABLE_LENGTH ? Number.NaN : length
  }
  return from < to ? octets : -octets
}

/** Of two interfaces that are sampled the one that a packet came in by counts first. */
const interfaceColumns: readonly number[] = [Column.ingressInterface, Column.egressInterface]

/** What the record does not tell: by configuration, by the interfaces in `columns`, by the domain, by the header. */
function fillSampling(columns: readonly number[]): RowStep {
  return (context, builder, row, count) => {
    if (context.domain.configuredSamplingInterval === 0 && context.domain.interfaceSampling.size > 0)
      for (const column of columns) fillByInterface(column, context, builder, row, count)
    fillByDomain(context, builder, row, count)
  }
}

function fillByInterface(
  column: number,
  context: MessageContext,
  builder: BlockBuilder,
  row: number,
  count: number,
): void {
  const interfaces = builder.planes[column]![0]!
  const intervals = builder.planes[Column.samplingInterval]![0]!
  const from = builder.planes[Column.samplingFrom]![0]!
  for (let index = row; index < row + count; index++) {
    if (from[index] !== 0) continue
    const sampler = context.domain.interfaceSampling.get(interfaces[index]!)
    if (sampler === undefined) continue
    intervals[index] = sampler.interval
    from[index] = SAMPLING_FROM_OPTIONS
  }
}

const fillByDomain: RowStep = (context, builder, row, count) => {
  const { configuredSamplingInterval, samplingInterval, headerSamplingInterval } = context.domain
  const intervals = builder.planes[Column.samplingInterval]![0] as Uint32Array
  const from = builder.planes[Column.samplingFrom]![0] as Uint8Array
  if (configuredSamplingInterval > 0) {
    intervals.fill(configuredSamplingInterval, row, row + count)
    from.fill(SAMPLING_FROM_CONFIGURATION, row, row + count)
    return
  }
  const fallback = samplingInterval > 0 ? samplingInterval : headerSamplingInterval
  const origin =
    samplingInterval > 0 ? SAMPLING_FROM_OPTIONS : headerSamplingInterval > 0 ? SAMPLING_FROM_HEADER : 0
  // What no record told is 0 already.
  if (origin === 0) return
  for (let index = row; index < row + count; index++) {
    if (from[index] !== 0) continue
    intervals[index] = fallback
    from[index] = origin
  }
}
