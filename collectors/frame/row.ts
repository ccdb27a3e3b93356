/** A dissected frame into the columns of a row. */
import type { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex } from '#core/records/columns.js'
import type { FrameDissection } from './dissection.js'
import { lookAtPayload, payloadColumns, writePayload } from './payload.js'

const Column = FlowColumnIndex
/** `icmpFrom` of rows whose type was read in the frame. */
const ICMP_FROM_FRAME = 4
const ICMP = 1
const ICMPV6 = 58
const UDP = 17
const MORE_FRAGMENTS = 0x20

/** Which columns a frame fills, as bits. */
export const FrameFact = {
  addresses: 1,
  ports: 2,
  tcp: 4,
  icmp: 8,
  vlan: 16,
  fragment: 32,
  octets: 64,
  payload: 128,
} as const

const columnsOfFacts: readonly (readonly [fact: number, columns: readonly number[]])[] = [
  [
    FrameFact.addresses,
    [Column.sourceAddress, Column.destinationAddress, Column.protocolIdentifier, Column.ipClassOfService],
  ],
  [FrameFact.ports, [Column.sourceTransportPort, Column.destinationTransportPort]],
  [FrameFact.tcp, [Column.tcpControlBits]],
  [FrameFact.icmp, [Column.icmpType, Column.icmpCode, Column.icmpFrom]],
  [FrameFact.vlan, [Column.vlanId]],
  [FrameFact.fragment, [Column.fragmentFlags, Column.fragmentOffset]],
  [FrameFact.octets, [Column.octets]],
  [FrameFact.payload, payloadColumns],
]

/**
 * The facts that a frame has; `octets` is the number of its packet's octets, 0 when unknown. What its payload is like
 * stays in payload.ts until the frame is written.
 */
export function factsOf(frame: FrameDissection, octets: number): number {
  let facts = octets > 0 ? FrameFact.octets : 0
  if (frame.vlanId >= 0) facts |= FrameFact.vlan
  if (frame.family === 0) return facts
  facts |= FrameFact.addresses
  if (frame.sourcePort >= 0) facts |= FrameFact.ports
  if (frame.tcpControlBits >= 0) facts |= FrameFact.tcp
  if (frame.icmpType >= 0) facts |= FrameFact.icmp
  if (hasTellingPayload(frame)) facts |= FrameFact.payload
  if (frame.fragmentOffset > 0 || (frame.fragmentFlags & MORE_FRAGMENTS) !== 0) facts |= FrameFact.fragment
  return facts
}

/** Looks at the payload of ICMP and UDP; false where there is none to speak of. Later fragments have another's. */
export function hasTellingPayload(frame: FrameDissection): boolean {
  const { view, payloadOffset, payloadLength } = frame
  const isWanted = frame.icmpType >= 0 || (frame.protocol === UDP && frame.sourcePort >= 0)
  return isWanted && frame.fragmentOffset === 0 && lookAtPayload(view, payloadOffset, payloadLength)
}

export function columnsOf(facts: number): number[] {
  return columnsOfFacts.flatMap(([fact, columns]) => ((facts & fact) === 0 ? [] : columns))
}

/** The stream of a frame: 0 flow4, 1 flow6, 2 icmp4, 3 icmp6. One without IP goes to flow4, without addresses. */
export function streamOfFrame({ family, protocol }: FrameDissection): number {
  if (family === 6) return protocol === ICMPV6 ? 3 : 1
  return family === 4 && protocol === ICMP ? 2 : 0
}

/**
 * Octets of the IP packet: by its own header; where that says nothing, those of the frame from there on; of a frame
 * without IP all. `frameOctets` is 0 when unknown, `frameOffset` where the frame begins in the view.
 */
export function octetsOfFrame(frame: FrameDissection, frameOctets: number, frameOffset: number): number {
  if (frame.ipTotalLength > 0) return frame.ipTotalLength
  return Math.max(0, frame.ipOffset < 0 ? frameOctets : frameOctets - (frame.ipOffset - frameOffset))
}

/** Writes the facts; the row's shape has their columns. */
export function writeFrame(
  frame: FrameDissection,
  facts: number,
  octets: number,
  builder: BlockBuilder,
  row: number,
): void {
  if ((facts & FrameFact.octets) !== 0) builder.setUnsigned64(Column.octets, row, octets)
  if ((facts & FrameFact.vlan) !== 0) builder.setNumber(Column.vlanId, row, frame.vlanId)
  if ((facts & FrameFact.addresses) === 0) return
  writeAddress(frame.view, frame.sourceAddressOffset, builder.planes[Column.sourceAddress]!, row)
  writeAddress(frame.view, frame.destinationAddressOffset, builder.planes[Column.destinationAddress]!, row)
  builder.setNumber(Column.protocolIdentifier, row, frame.protocol)
  builder.setNumber(Column.ipClassOfService, row, frame.tos)
  if ((facts & FrameFact.ports) !== 0) {
    builder.setNumber(Column.sourceTransportPort, row, frame.sourcePort)
    builder.setNumber(Column.destinationTransportPort, row, frame.destinationPort)
  }
  if ((facts & FrameFact.tcp) !== 0) builder.setNumber(Column.tcpControlBits, row, frame.tcpControlBits)
  if ((facts & FrameFact.icmp) !== 0) {
    builder.setNumber(Column.icmpType, row, frame.icmpType)
    builder.setNumber(Column.icmpCode, row, frame.icmpCode)
    builder.setNumber(Column.icmpFrom, row, ICMP_FROM_FRAME)
  }
  if ((facts & FrameFact.fragment) !== 0) {
    builder.setNumber(Column.fragmentFlags, row, frame.fragmentFlags)
    builder.setNumber(Column.fragmentOffset, row, frame.fragmentOffset)
  }
  if ((facts & FrameFact.payload) !== 0) writePayload(builder, row)
}

function writeAddress(
  view: DataView,
  offset: number,
  planes: BlockBuilder['planes'][number],
  row: number,
): void {
  for (let word = 0; word < planes.length; word++) planes[word]![row] = view.getUint32(offset + 4 * word)
}
