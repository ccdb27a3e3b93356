/**
 * How flows lie in packets: NetFlow v5 (48 octets, 30 records a packet), v9 (25 fields, 66 octets, 20 records) and IPFIX
 * (22 fields, 76 octets, 18 records), by the templates' fields in the order of the wire.
 */
import { putInteger } from '#simulate/encode/bytes.js'
import type { Template } from '#simulate/encode/packer.js'
import type { Flow } from './traffic.js'

export type FlowProtocol = 'v5' | 'v9' | 'ipfix'
export const flowProtocols = ['v5', 'v9', 'ipfix'] as const satisfies readonly FlowProtocol[]

/** Where times are counted from: milliseconds since 1970, and since the exporter's start. */
export type TimeBase = { readonly epochMilliseconds: number; readonly sysUpTimeMilliseconds: number }

/** One field; of a template an IANA element, of v5 its place alone (element 0). */
export type Field = {
  readonly elementId: number
  readonly length: number
  /** Times are moved with the clock when a packet is sent again. */
  readonly isTime?: true
  readonly value: (flow: Flow, base: TimeBase) => number
}

const field = (elementId: number, length: number, value: Field['value']): Field => ({
  elementId,
  length,
  value,
})
const time = (elementId: number, length: number, value: Field['value']): Field => ({
  elementId,
  length,
  value,
  isTime: true,
})
const padding = (length: number) => field(0, length, () => 0)

const endpoints: readonly Field[] = [
  field(8, 4, (flow) => flow.source),
  field(12, 4, (flow) => flow.destination),
  field(7, 2, (flow) => flow.sourcePort),
  field(11, 2, (flow) => flow.destinationPort),
  field(4, 1, (flow) => flow.protocol),
  field(5, 1, (flow) => flow.classOfService),
]
const routing: readonly Field[] = [
  field(61, 1, (flow) => flow.direction),
  field(10, 4, (flow) => flow.ingressInterface),
  field(14, 4, (flow) => flow.egressInterface),
  field(15, 4, (flow) => flow.nextHop),
  field(16, 4, (flow) => flow.sourceAs),
  field(17, 4, (flow) => flow.destinationAs),
  field(9, 1, (flow) => flow.sourcePrefixLength),
  field(13, 1, (flow) => flow.destinationPrefixLength),
]
const upTime = (ago: (flow: Flow) => number) => (flow: Flow, base: TimeBase) =>
  base.sysUpTimeMilliseconds - ago(flow)
const epoch = (ago: (flow: Flow) => number) => (flow: Flow, base: TimeBase) =>
  base.epochMilliseconds - ago(flow)
/** RFC 5102 §5.11.3: 1 idle timeout, 2 active timeout, 3 end of flow detected. */
const flowEndReason = (flow: Flow) => ((flow.tcpFlags & 1) !== 0 ? 3 : 1)

const netflowV9: readonly Field[] = [
  ...endpoints,
  field(6, 1, (flow) => flow.tcpFlags),
  ...routing,
  field(1, 4, (flow) => flow.octets),
  field(2, 4, (flow) => flow.packets),
  time(
    22,
    4,
    upTime((flow) => flow.startedAgo),
  ),
  time(
    21,
    4,
    upTime((flow) => flow.endedAgo),
  ),
  field(32, 2, (flow) => flow.icmpTypeCode),
  field(58, 2, (flow) => flow.ingressVlan),
  field(59, 2, (flow) => flow.egressVlan),
  field(48, 1, () => 1),
  field(89, 1, () => 0x40),
  field(18, 4, (flow) => flow.nextHop),
]

const ipfix: readonly Field[] = [
  ...endpoints,
  field(6, 2, (flow) => flow.tcpFlags),
  ...routing,
  field(1, 8, (flow) => flow.octets),
  field(2, 8, (flow) => flow.packets),
  time(
    152,
    8,
    epoch((flow) => flow.startedAgo),
  ),
  time(
    153,
    8,
    epoch((flow) => flow.endedAgo),
  ),
  field(32, 2, (flow) => flow.icmpTypeCode),
  field(58, 2, (flow) => flow.ingressVlan),
  field(136, 1, flowEndReason),
]

/** Cisco, "NetFlow Services and Applications", table B-4. AS numbers of 32 bits are AS_TRANS (RFC 6793). */
const AS_TRANS = 23_456
const as16 = (number: number) => (number > 0xffff ? AS_TRANS : number)
const netflowV5: readonly Field[] = [
  field(8, 4, (flow) => flow.source),
  field(12, 4, (flow) => flow.destination),
  field(15, 4, (flow) => flow.nextHop),
  field(10, 2, (flow) => flow.ingressInterface),
  field(14, 2, (flow) => flow.egressInterface),
  field(2, 4, (flow) => flow.packets),
  field(1, 4, (flow) => flow.octets),
  time(
    22,
    4,
    upTime((flow) => flow.startedAgo),
  ),
  time(
    21,
    4,
    upTime((flow) => flow.endedAgo),
  ),
  field(7, 2, (flow) => flow.sourcePort),
  field(11, 2, (flow) => flow.destinationPort),
  padding(1),
  field(6, 1, (flow) => flow.tcpFlags),
  field(4, 1, (flow) => flow.protocol),
  field(5, 1, (flow) => flow.classOfService),
  field(16, 2, (flow) => as16(flow.sourceAs)),
  field(17, 2, (flow) => as16(flow.destinationAs)),
  field(9, 1, (flow) => flow.sourcePrefixLength),
  field(13, 1, (flow) => flow.destinationPrefixLength),
  padding(2),
]

/** Fields of a record; of a further template the same ones, turned round by so many places. */
export function fieldsOf(protocol: FlowProtocol, templateIndex: number): readonly Field[] {
  if (protocol === 'v5') return netflowV5
  const fields = protocol === 'v9' ? netflowV9 : ipfix
  const turn = templateIndex % fields.length
  return [...fields.slice(turn), ...fields.slice(0, turn)]
}

export const recordsPerPacket: Readonly<Record<FlowProtocol, number>> = { v5: 30, v9: 20, ipfix: 18 }

export const octetsOf = (fields: readonly Field[]) => fields.reduce((sum, { length }) => sum + length, 0)

/** Ids of templates count from 256 (RFC 3954 §5.2, RFC 7011 §3.4.1). */
export const templateOf = (protocol: FlowProtocol, templateIndex: number): Template => ({
  templateId: 256 + templateIndex,
  fields: fieldsOf(protocol, templateIndex),
})

/** Writes records one behind the other; returns their octets. */
export function recordsOctets(fields: readonly Field[], flows: readonly Flow[], base: TimeBase): Uint8Array {
  const recordOctets = octetsOf(fields)
  const octets = new Uint8Array(flows.length * recordOctets)
  let offset = 0
  for (const flow of flows) {
    for (const { length, value } of fields) {
      putInteger(octets, offset, length, value(flow, base))
      offset += length
    }
  }
  return octets
}
