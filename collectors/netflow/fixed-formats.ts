/**
 * NetFlow v1, v5 and v7 as templates: their records have one fixed layout each, so the same kernels read them.
 * Layouts: Cisco, "NetFlow Export Datagram Format" (NetFlow Services Solutions Guide, appendix), tables B-3 to B-8.
 */
import { IANA } from './elements.js'
import { makeTemplate, type Template } from './template.js'

/** paddingOctets, which fills the layout. */
const PADDING = 210

export type FixedFormat = {
  readonly headerLength: number
  readonly recordLength: number
  readonly template: Template
}

function format(headerLength: number, ...fields: [elementId: number, length: number][]): FixedFormat {
  const described = fields.map(([elementId, length]) => ({
    elementId,
    enterpriseNumber: IANA,
    length,
    scope: false,
  }))
  const template = makeTemplate(0, 'data', described, new Uint8Array())!
  return { headerLength, recordLength: template.recordLength, template }
}

const addressesToTimes: [number, number][] = [
  [8, 4], // srcaddr
  [12, 4], // dstaddr
  [15, 4], // nexthop
  [10, 2], // input
  [14, 2], // output
  [2, 4], // dPkts
  [1, 4], // dOctets
  [22, 4], // First
  [21, 4], // Last
  [7, 2], // srcport
  [11, 2], // dstport
]

const flagsToMasks: [number, number][] = [
  [6, 1], // tcp_flags
  [4, 1], // prot
  [5, 1], // tos
  [16, 2], // src_as
  [17, 2], // dst_as
  [9, 1], // src_mask
  [13, 1], // dst_mask
]

/** By version. */
export const fixedFormats: ReadonlyMap<number, FixedFormat> = new Map([
  [1, format(16, ...addressesToTimes, [PADDING, 2], [4, 1], [5, 1], [6, 1], [PADDING, 7])],
  [5, format(24, ...addressesToTimes, [PADDING, 1], ...flagsToMasks, [PADDING, 2])],
  // The second flags word and the router that was bypassed have no information element of their own.
  [7, format(24, ...addressesToTimes, [PADDING, 1], ...flagsToMasks, [PADDING, 2], [PADDING, 4])],
])
