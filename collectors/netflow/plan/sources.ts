/** Which elements fill which column, the preferred first, and the kernel for a field of such an element. */
import { type FlowColumn, FlowColumnIndex, flowColumns } from '#core/records/columns.js'
import { VARIABLE_LENGTH } from '../elements.js'
import type { Kernel } from '../kernels.js'
import * as kernels from '../kernels.js'
import type { Template, TemplateField } from '../template.js'
import { type Find, type RowDraft, usable } from './draft.js'

const Column = FlowColumnIndex

/** How a field is read. */
export type Target =
  | 'u'
  | 'counter'
  | 'text'
  | 'octets'
  | 'upTime'
  | 'seconds'
  | 'milliseconds'
  | 'microseconds'
  | 'nanoseconds'
  | 'delta'

/** NetFlow v9 field types of the Cisco ASA before 8.4 (ASA NetFlow implementation guide); no such number is IANA's. */
const NF_F_USERNAME = 40000
const NF_F_XLATE_SRC_ADDR_IPV4 = 40001
const NF_F_XLATE_DST_ADDR_IPV4 = 40002
const NF_F_XLATE_SRC_PORT = 40003
const NF_F_XLATE_DST_PORT = 40004
const NF_F_FW_EVENT = 40005

/** PAN-OS, "NetFlow Templates". */
const PALO_ALTO_USER_ID = 56702
/** Cisco AVC names the two ends of a connection by their roles, without IANA's addresses. */
const AVC_CLIENT_IPV4 = '9/12236'
const AVC_SERVER_IPV4 = '9/12237'
const AVC_CLIENT_IPV6 = '9/12238'
const AVC_SERVER_IPV6 = '9/12239'
const AVC_CLIENT_PORT = '9/12240'
const AVC_SERVER_PORT = '9/12241'
/** Elements that fill a column, the preferred first. */
const sources: readonly (readonly [
  column: FlowColumn,
  target: Target,
  ...elements: readonly (number | string)[],
])[] = [
  ['sourceTransportPort', 'u', 7, 180, 182, AVC_CLIENT_PORT],
  ['destinationTransportPort', 'u', 11, 181, 183, AVC_SERVER_PORT],
  ['protocolIdentifier', 'u', 4],
  // Counts behind a middlebox (23, 24, 171, 172) are all that some devices send of what leaves them.
  ['octets', 'counter', 1, 85, 231, 23, 171],
  ['packets', 'counter', 2, 86, 298, 24, 172],
  ['reverseOctets', 'counter', '29305/1', '29305/85', 232],
  ['reversePackets', 'counter', '29305/2', '29305/86', 299],
  ['tcpControlBits', 'u', 6],
  ['ipClassOfService', 'u', 5],
  ['ingressInterface', 'u', 10, 252],
  ['egressInterface', 'u', 14, 253],
  ['vlanId', 'u', 58, 243, 59, 254, 245],
  ['postNAPTSourceTransportPort', 'u', 227, NF_F_XLATE_SRC_PORT],
  ['postNAPTDestinationTransportPort', 'u', 228, NF_F_XLATE_DST_PORT],
  ['firewallEvent', 'u', 233, NF_F_FW_EVENT],
  ['flowEndReason', 'u', 136],
  ['flowDirection', 'u', 61],
  ['observationPointId', 'u', 138],
  ['minimumIpTotalLength', 'u', 25],
  ['maximumIpTotalLength', 'u', 26],
  ['fragmentFlags', 'u', 197],
  ['fragmentOffset', 'u', 88],
  ['applicationId', 'octets', 95],
  ['userName', 'text', 371, NF_F_USERNAME, PALO_ALTO_USER_ID],
]

/** Fills the columns that one element fills as it is. */
export function addSources(draft: RowDraft): void {
  for (const [name, target, ...elements] of sources) {
    for (const element of elements) {
      const field = draft.find(element)
      if (
        field >= 0 &&
        draft.add(Column[name], field, kernelFor(target, draft.template.fields[field]!, Column[name]))
      )
        break
    }
  }
}

/** Addresses behind NAT; 0.0.0.0 is one too, so it is the field's presence that counts. */
export function addTranslated(draft: RowDraft): void {
  const { template, find } = draft
  for (const [name, ipv4, ipv6, old] of [
    ['postNATSourceAddress', 225, 281, NF_F_XLATE_SRC_ADDR_IPV4],
    ['postNATDestinationAddress', 226, 282, NF_F_XLATE_DST_ADDR_IPV4],
  ] as const) {
    if (draft.add(Column[name], usable(template, find(ipv4), 4), kernels.ipv4InDictionary)) continue
    if (draft.add(Column[name], usable(template, find(ipv6), 16), kernels.ipv6InDictionary)) continue
    draft.add(Column[name], usable(template, find(old), 4), kernels.ipv4InDictionary)
  }
}

/** Source and destination: IANA's elements, else client and server where a template has neither of IANA's. */
export function addressFields(template: Template, find: Find, family: 4 | 6): readonly [number, number] {
  const octets = family === 4 ? 4 : 16
  const of = (element: number | string) => usable(template, find(element), octets)
  const source = of(family === 4 ? 8 : 27)
  const destination = of(family === 4 ? 12 : 28)
  const hasOwn = [8, 12, 27, 28].some((element) => find(element) >= 0)
  if (hasOwn) return [source, destination]
  return family === 4
    ? [of(AVC_CLIENT_IPV4), of(AVC_SERVER_IPV4)]
    : [of(AVC_CLIENT_IPV6), of(AVC_SERVER_IPV6)]
}

/** The kernel that reads a field into a column; undefined where its length does not fit. */
export function kernelFor(target: Target, field: TemplateField, column: number): Kernel | undefined {
  const { length } = field
  if (length === VARIABLE_LENGTH) return kernels.variableKernels[target]
  switch (target) {
    case 'u':
      return kernels.unsignedKernel(length, flowColumns[column]!.type)
    case 'counter':
      return kernels.counterKernel(length)
    case 'text':
      return kernels.text
    case 'octets':
      return kernels.octets
    case 'upTime':
      return length === 4 ? kernels.upTime : undefined
    case 'seconds':
      return length === 4 ? kernels.seconds : undefined
    case 'milliseconds':
      return length === 8 ? kernels.milliseconds8 : undefined
    case 'microseconds':
      return length === 8 ? kernels.microseconds : undefined
    case 'nanoseconds':
      return length === 8 ? kernels.nanoseconds : undefined
    case 'delta':
      return length === 4 ? kernels.deltaMicroseconds : undefined
  }
}
