/** Headers below IP: Ethernet, VLAN tags, LLC/SNAP, provider backbone, MPLS and its pseudowires, PPPoE and PPP. */
import { type FrameDissection, LayerBit, NONE } from './dissection.js'
import { Layer, layerOfEtherType, looksLikeEthernet } from './layers.js'

const VLAN_ID_MASK = 0x0fff

/** Destination, source, type or length. IEEE 802.3 §3.1.1. */
export function ethernet(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 14) return Layer.done
  if (frame.destinationMacOffset === NONE && frame.family === 0) {
    frame.destinationMacOffset = at
    frame.sourceMacOffset = at + 6
  }
  frame.layers |= LayerBit.ethernet
  frame.at = at + 14
  return layerOfEtherType(frame, view.getUint16(at + 12))
}

/** Tag control information and the next type, behind a tag's own type. IEEE 802.1Q §9.3, 802.1ad. */
export function tag(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 4) return Layer.done
  // The tags of a frame within a tunnel or a pseudowire are another network's.
  if (frame.family === 0 && (frame.layers & (LayerBit.mpls | LayerBit.providerBackbone)) === 0) {
    frame.innerVlanId = view.getUint16(at) & VLAN_ID_MASK
    if (frame.vlanId === NONE) frame.vlanId = frame.innerVlanId
  }
  frame.layers |= LayerBit.vlan
  frame.at = at + 4
  return layerOfEtherType(frame, view.getUint16(at + 2))
}

/** Service instance tag, then the customer's frame. IEEE 802.1ah §9.7. */
export function providerBackbone(frame: FrameDissection): Layer {
  if (frame.end - frame.at < 4) return Layer.done
  frame.layers |= LayerBit.providerBackbone
  frame.at += 4
  return Layer.ethernet
}

const LSAP_SNAP = 0xaa
const LSAP_IP = 0x06
const UNNUMBERED_INFORMATION = 0x03

/** DSAP, SSAP, control; with SNAP an organisation and a type. IEEE 802.2 §3.2, RFC 1042. */
export function llc(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 3 || view.getUint8(at + 2) !== UNNUMBERED_INFORMATION) return Layer.done
  frame.layers |= LayerBit.llc
  const service = view.getUint8(at)
  if (service === LSAP_IP) {
    frame.at = at + 3
    return Layer.ipv4
  }
  if (service !== LSAP_SNAP || view.getUint8(at + 1) !== LSAP_SNAP || end - at < 8) return Layer.done
  const etherType = view.getUint16(at + 6)
  frame.at = at + 8
  // A length cannot come twice.
  return etherType <= 1500 ? Layer.done : layerOfEtherType(frame, etherType)
}

const BOTTOM_OF_STACK = 0x100

/** One label stack entry: label, traffic class, bottom of stack, TTL. RFC 3032 §2.1. */
export function mpls(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 4) return Layer.done
  frame.layers |= LayerBit.mpls
  frame.at = at + 4
  return (view.getUint32(at) & BOTTOM_OF_STACK) === 0 ? Layer.mpls : Layer.mplsPayload
}

const PSEUDOWIRE_CONTROL_WORD = 4

/**
 * Labels do not say what they carry. By the first nibble (RFC 4928 §3): 4 and 6 are IP, 0 is a pseudowire's control
 * word (RFC 4385 §3). A pseudowire without one begins with a MAC of any nibble, so an Ethernet header that makes sense
 * wins over an IP header that does not.
 */
export function mplsPayload(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 1) return Layer.done
  const nibble = view.getUint8(at) >>> 4
  const isEthernet = looksLikeEthernet(frame, at)
  if (nibble === 4 && (!isEthernet || isIpv4Header(frame, at))) return Layer.ipv4
  if (nibble === 6 && (!isEthernet || isIpv6Header(frame, at))) return Layer.ipv6
  if (nibble === 0 && looksLikeEthernet(frame, at + PSEUDOWIRE_CONTROL_WORD)) {
    frame.layers |= LayerBit.pseudowire
    frame.at = at + PSEUDOWIRE_CONTROL_WORD
    return Layer.ethernet
  }
  if (!isEthernet) return Layer.done
  frame.layers |= LayerBit.pseudowire
  return Layer.ethernet
}

/** Whether the header checksum is right (RFC 1071): of a MAC's octets it is not. */
function isIpv4Header({ view, end }: FrameDissection, at: number): boolean {
  const headerLength = (view.getUint8(at) & 0x0f) * 4
  if (headerLength < 20 || end - at < headerLength) return false
  let sum = 0
  for (let word = 0; word < headerLength; word += 2) sum += view.getUint16(at + word)
  return ((sum & 0xffff) + (sum >>> 16)) % 0xffff === 0
}

/** Next headers that a router meets; a MAC's octets rarely are one of them. */
const usualNextHeaders: ReadonlySet<number> = new Set([0, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 60, 132, 143])

function isIpv6Header({ view, end }: FrameDissection, at: number): boolean {
  return end - at >= 40 && usualNextHeaders.has(view.getUint8(at + 6))
}

/** Version and type, code, session, length; then PPP. RFC 2516 §4. */
export function pppoe(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 6 || view.getUint16(at) !== 0x1100) return Layer.done
  frame.layers |= LayerBit.pppoe
  frame.at = at + 6
  return Layer.ppp
}

const PPP_ADDRESS_AND_CONTROL = 0xff03
const PPP_IPV4 = 0x0021
const PPP_IPV6 = 0x0057
const PPP_MPLS = 0x0281
const CISCO_HDLC_UNICAST = 0x0f00
const CISCO_HDLC_BROADCAST = 0x8f00

/** Protocol of one or two octets, after address and control where they are not left out. RFC 1661 §2, RFC 1662 §3.1. */
export function ppp(frame: FrameDissection): Layer {
  const { view, end } = frame
  let { at } = frame
  if (end - at < 2) return Layer.done
  frame.layers |= LayerBit.ppp
  const first = view.getUint16(at)
  if ((first === CISCO_HDLC_UNICAST || first === CISCO_HDLC_BROADCAST) && end - at >= 4) {
    frame.at = at + 4
    return layerOfEtherType(frame, view.getUint16(at + 2))
  }
  if (first === PPP_ADDRESS_AND_CONTROL) at += 2
  if (end - at < 2) return Layer.done
  const isCompressed = (view.getUint8(at) & 1) === 1
  const protocol = isCompressed ? view.getUint8(at) : view.getUint16(at)
  frame.at = at + (isCompressed ? 1 : 2)
  if (protocol === PPP_IPV4) return Layer.ipv4
  if (protocol === PPP_IPV6) return Layer.ipv6
  return protocol === PPP_MPLS ? Layer.mpls : Layer.done
}
