// A flow as a meter hands it to an export process.
import type { Host } from './network.js'

/** flowEndReason, IE 136 (RFC 5102 §5.11.3). */
export const FLOW_END = { idle: 1, active: 2, endOfFlow: 3, forced: 4, lackOfResources: 5 } as const

/** A flow as metered; names as IANA's elements where it has one. */
export interface FlowRecord {
  source: Host
  destination: Host
  protocolIdentifier: number
  sourceTransportPort: number
  destinationTransportPort: number
  icmpType: number
  icmpCode: number
  ipClassOfService: number
  ingressInterface: number
  egressInterface: number
  /** First and last packet, epoch milliseconds of the simulated world. */
  startMilliseconds: number
  endMilliseconds: number
  packets: number
  octets: number
  tcpControlBits: number
  flowEndReason: number
  /** 0 ingress, 1 egress (IE 61). */
  flowDirection: number
  /** 0 where the initiator of the traffic is the source. */
  direction: number
  application: string
  /** The other direction's counters; filled only by a biflow meter (RFC 5103). */
  reversePackets: number
  reverseOctets: number
  reverseTcpControlBits: number
}
