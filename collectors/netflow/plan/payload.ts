/**
 * What packets carry, where a record has a section of one beside its counters: IE 314 (behind the IP header), 313 (from the
 * IP header on), 315 and 104 (from the link layer on); RFC 5477 §8.5. Only how it looks is kept, see frame/payload.ts.
 */
import { FlowColumnIndex } from '#core/records/columns.js'
import { dissect } from '../../frame/dissect.js'
import { FrameDissection } from '../../frame/dissection.js'
import { Layer } from '../../frame/layers.js'
import { lookAtPayload, payloadColumns, writePayload } from '../../frame/payload.js'
import { hasTellingPayload } from '../../frame/row.js'
import type { Kernel } from '../kernels.js'
import type { RowDraft } from './draft.js'

const Column = FlowColumnIndex
const IP_PAYLOAD_SECTION = 314
/** Elements with headers before the payload, and the layer that they begin with. */
const packetSections = [
  [313, Layer.ip],
  [315, Layer.ethernet],
  [104, Layer.ethernet],
] as const
/** Octets of the headers of ICMP and UDP. */
const HEADER_OCTETS = 8
const UDP = 17

/** Decoding is synchronous, so one dissection serves all templates. */
const frame = new FrameDissection()

/** To be called when the protocol's step has been added. */
export function addPayload(draft: RowDraft, isIcmp: boolean): void {
  const kernel = kernelOf(draft, isIcmp)
  if (kernel === undefined) return
  draft.step(Column.payloadOctets, kernel.field, kernel.kernel)
  for (const column of payloadColumns) draft.columns.add(column)
}

function kernelOf(draft: RowDraft, isIcmp: boolean): { field: number; kernel: Kernel } | undefined {
  const payloadField = draft.find(IP_PAYLOAD_SECTION)
  if (payloadField >= 0) return { field: payloadField, kernel: isIcmp ? behindIcmp : behindUdp }
  for (const [element, first] of packetSections) {
    const field = draft.find(element)
    if (field >= 0) return { field, kernel: inPacket(first) }
  }
  return undefined
}

const behindIcmp: Kernel = (_context, builder, _column, row, view, offset, length, stride, count) => {
  for (let index = 0; index < count; index++)
    if (lookAtPayload(view, offset + index * stride + HEADER_OCTETS, length - HEADER_OCTETS))
      writePayload(builder, row + index)
}

const behindUdp: Kernel = (_context, builder, _column, row, view, offset, length, stride, count) => {
  const protocols = builder.planes[Column.protocolIdentifier]?.[0]
  if (protocols === undefined) return
  for (let index = 0; index < count; index++) {
    if (protocols[row + index] !== UDP) continue
    if (lookAtPayload(view, offset + index * stride + HEADER_OCTETS, length - HEADER_OCTETS))
      writePayload(builder, row + index)
  }
}

function inPacket(first: Layer): Kernel {
  return (_context, builder, _column, row, view, offset, length, stride, count) => {
    for (let index = 0; index < count; index++) {
      dissect(frame, view, offset + index * stride, length, first)
      if (hasTellingPayload(frame)) writePayload(builder, row + index)
    }
  }
}
