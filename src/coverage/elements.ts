/**
 * Which information elements fill the columns that detectors need: IANA's numbers, any of them will do. NetFlow v5 has all
 * of the plain ones by its format. Columns that are not here are filled from many places and are not asked for by name.
 */
import type { FlowColumn } from '../records/columns.js'

/** By column: the elements, and their names for people. */
export const elementsOfColumns: Partial<
  Readonly<Record<FlowColumn, { readonly elements: readonly number[]; readonly names: string }>>
> = {
  icmpType: {
    elements: [32, 139, 176, 178, 11],
    names: 'icmpTypeCodeIPv4 (32), icmpTypeIPv4 (176), or type × 256 + code in the destination port (11)',
  },
  destinationTransportPort: { elements: [11], names: 'destinationTransportPort (11)' },
  protocolIdentifier: { elements: [4], names: 'protocolIdentifier (4)' },
  octets: { elements: [1, 85, 231, 232, 23], names: 'octetDeltaCount (1) or octetTotalCount (85)' },
  packets: { elements: [2, 86, 298, 299, 24], names: 'packetDeltaCount (2) or packetTotalCount (86)' },
  startMilliseconds: {
    elements: [22, 150, 152, 154, 156, 158],
    names: 'flowStartSysUpTime (22), flowStartMilliseconds (152) or another start',
  },
  endMilliseconds: {
    elements: [21, 151, 153, 155, 157, 159, 161, 323],
    names: 'flowEndSysUpTime (21), flowEndMilliseconds (153) or another end',
  },
  tcpControlBits: { elements: [6], names: 'tcpControlBits (6)' },
  ingressInterface: { elements: [10], names: 'ingressInterface (10)' },
  applicationName: {
    elements: [95, 96],
    names: 'applicationId (95) with its options table, or applicationName (96)',
  },
  payloadEntropy: {
    elements: [313, 314, 315, 104],
    names: 'a section of the packet (313, 314 or 315), or sFlow',
  },
}
