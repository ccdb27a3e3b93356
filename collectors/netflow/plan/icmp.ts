/** Type and code of ICMP, which exporters send in five ways. */
import { FlowColumnIndex } from '#core/records/columns.js'
import type { Kernel } from '../kernels.js'
import * as kernels from '../kernels.js'
import type { RowDraft, RowStep } from './draft.js'

const Column = FlowColumnIndex
const ICMP_FROM_ELEMENT = 1
const ICMP_FROM_DESTINATION_PORT = 2
const ICMP_FROM_SOURCE_PORT = 3

/** Type and code: own elements first, then type × 256 + code in one element, then the same in a port. */
export function addIcmp(draft: RowDraft, family: 4 | 6): void {
  const { find, columns, rowSteps } = draft
  const [type, code, both] =
    family === 4 ? [find(176), find(177), find(32)] : [find(178), find(179), find(139)]
  const hasPorts = columns.has(Column.destinationTransportPort)
  const fill =
    (from: number): RowStep =>
    (_context, builder, row, count) => {
      builder.planes[Column.icmpFrom]![0]!.fill(from, row, row + count)
    }
  columns.add(Column.icmpFrom)
  if (type >= 0 && draft.add(Column.icmpType, type, kernels.unsignedKernel(draft.lengthOf(type), 'u8'))) {
    if (code >= 0) draft.add(Column.icmpCode, code, kernels.unsignedKernel(draft.lengthOf(code), 'u8'))
    rowSteps.push(fill(ICMP_FROM_ELEMENT))
    return
  }
  columns.add(Column.icmpType)
  columns.add(Column.icmpCode)
  if (both >= 0 && draft.lengthOf(both) === 2) {
    draft.add(Column.icmpType, both, icmpTypeCode)
    rowSteps.push(fill(ICMP_FROM_ELEMENT))
    return
  }
  if (hasPorts) rowSteps.push(icmpFromPorts)
}

const icmpTypeCode: Kernel = (_context, builder, _column, row, view, offset, _length, stride, count) => {
  const types = builder.planes[Column.icmpType]![0] as Uint8Array
  const codes = builder.planes[Column.icmpCode]![0] as Uint8Array
  for (let index = 0, at = offset; index < count; index++, at += stride) {
    types[row + index] = view.getUint8(at)
    codes[row + index] = view.getUint8(at + 1)
  }
}

/**
 * type × 256 + code in the destination port, as NetFlow v5 and most v9 exporters do, else in the source port. A port
 * below 256 that is not 0 is the type alone: type 0 has just the code 0.
 */
const icmpFromPorts: RowStep = (_context, builder, row, count) => {
  const source = builder.planes[Column.sourceTransportPort]?.[0]
  const destination = builder.planes[Column.destinationTransportPort]![0]!
  const types = builder.planes[Column.icmpType]![0]!
  const codes = builder.planes[Column.icmpCode]![0]!
  const from = builder.planes[Column.icmpFrom]![0]!
  for (let index = row; index < row + count; index++) {
    const useSource = destination[index] === 0 && source !== undefined && source[index] !== 0
    const port = useSource ? source[index]! : destination[index]!
    const isTypeAlone = port < 256
    types[index] = isTypeAlone ? port : port >>> 8
    codes[index] = isTypeAlone ? 0 : port & 0xff
    from[index] = useSource ? ICMP_FROM_SOURCE_PORT : ICMP_FROM_DESTINATION_PORT
  }
}
