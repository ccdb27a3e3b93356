/**
 * The packet-header dissector that sFlow and the packet sections of IPFIX share: from a link-layer frame or an IP
 * packet, cut off anywhere, to the 5-tuple. It never throws, never reads outside the octets given, and takes at most
 * MAX_STEPS steps, each of which moves on. It fills one FrameDissection, whose opening comment says which header
 * becomes the row.
 */
import type { FrameDissection } from './dissection.js'
import { Layer, type LayerReader } from './layers.js'
import { ethernet, llc, mpls, mplsPayload, ppp, pppoe, providerBackbone, tag } from './link.js'
import { ip, ipv4, ipv6, upper } from './network.js'
import { gre } from './transport.js'

/** Headers of one frame that are looked at; tunnels in tunnels have some twenty. */
export const MAX_STEPS = 48

const readers: Readonly<Record<Exclude<Layer, 0>, LayerReader>> = {
  [Layer.ethernet]: ethernet,
  [Layer.tag]: tag,
  [Layer.mpls]: mpls,
  [Layer.ipv4]: ipv4,
  [Layer.ipv6]: ipv6,
  [Layer.ip]: ip,
  [Layer.upper]: upper,
  [Layer.pppoe]: pppoe,
  [Layer.ppp]: ppp,
  [Layer.llc]: llc,
  [Layer.providerBackbone]: providerBackbone,
  [Layer.gre]: gre,
  [Layer.mplsPayload]: mplsPayload,
}

/** Dissects `length` octets at `offset`, which begin with the layer `first`. True when an IP header was found. */
export function dissect(
  frame: FrameDissection,
  view: DataView,
  offset: number,
  length: number,
  first: Layer,
): boolean {
  frame.begin(view, offset, length)
  let layer = first
  while (layer !== Layer.done && frame.steps < MAX_STEPS) {
    frame.steps++
    layer = readers[layer](frame)
  }
  return frame.family !== 0
}
