/** IPv4 and IPv6, the extension headers of the latter, and what may follow them: ports, ICMP, tunnels. */
import { type FrameDissection, LayerBit } from './dissection.js'
import { Layer } from './layers.js'
import { icmp, ports, tcp, udp } from './transport.js'

const IPV4_HEADER = 20
const IPV6_HEADER = 40
const FRAGMENT_OFFSET_MASK = 0x1fff
const FRAGMENT_FLAGS_MASK = 0xe000
/** IE 197. */
const MORE_FRAGMENTS = 0x20

/** IPv4 or IPv6, by the version. */
export function ip(frame: FrameDissection): Layer {
  if (frame.end - frame.at < 1) return Layer.done
  const version = frame.view.getUint8(frame.at) >>> 4
  return version === 4 ? Layer.ipv4 : version === 6 ? Layer.ipv6 : Layer.done
}

/** RFC 791 §3.1. */
export function ipv4(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < IPV4_HEADER) return Layer.done
  const versionAndLength = view.getUint8(at)
  const headerLength = (versionAndLength & 0x0f) * 4
  if (versionAndLength >>> 4 !== 4 || headerLength < IPV4_HEADER) return Layer.done
  const totalLength = view.getUint16(at + 2)
  const fragment = view.getUint16(at + 6)
  frame.enterIp(4, at + 12, at + 16)
  frame.layers |= LayerBit.ipv4
  frame.tos = view.getUint8(at + 1)
  frame.ttl = view.getUint8(at + 8)
  frame.protocol = view.getUint8(at + 9)
  frame.fragmentFlags = (fragment & FRAGMENT_FLAGS_MASK) >>> 8
  frame.fragmentOffset = fragment & FRAGMENT_OFFSET_MASK
  frame.ipTotalLength = totalLength >= headerLength ? totalLength : 0
  // Padding behind a short packet is no payload.
  if (totalLength >= headerLength) frame.end = Math.min(end, at + totalLength)
  if (frame.end - at < headerLength || (totalLength > 0 && totalLength < headerLength)) return Layer.done
  frame.at = at + headerLength
  frame.markPayload()
  if (frame.fragmentOffset > 0) return Layer.done
  frame.nextHeader = frame.protocol
  return Layer.upper
}

/** RFC 8200 §3. */
export function ipv6(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < IPV6_HEADER || view.getUint8(at) >>> 4 !== 6) return Layer.done
  const payloadLength = view.getUint16(at + 4)
  frame.enterIp(6, at + 8, at + 24)
  frame.layers |= LayerBit.ipv6
  frame.tos = (view.getUint16(at) >>> 4) & 0xff
  frame.protocol = view.getUint8(at + 6)
  frame.ttl = view.getUint8(at + 7)
  frame.ipTotalLength = payloadLength === 0 ? 0 : IPV6_HEADER + payloadLength
  if (payloadLength > 0) frame.end = Math.min(end, at + IPV6_HEADER + payloadLength)
  frame.at = at + IPV6_HEADER
  frame.markPayload()
  frame.nextHeader = frame.protocol
  return Layer.upper
}

const HOP_BY_HOP = 0
const ICMP = 1
const IPV4_ENCAPSULATION = 4
const TCP = 6
const UDP = 17
const DCCP = 33
const IPV6_ENCAPSULATION = 41
const ROUTING = 43
const FRAGMENT = 44
const GRE = 47
const AUTHENTICATION = 51
const ICMPV6 = 58
const DESTINATION_OPTIONS = 60
const ETHERIP = 97
const SCTP = 132
const MOBILITY = 135
const UDP_LITE = 136
const MPLS_IN_IP = 137
const HIP = 139
const SHIM6 = 140
const ETHERNET = 143
const SEGMENT_ROUTING_HEADER = 4

/** The header of number `frame.nextHeader`. */
export function upper(frame: FrameDissection): Layer {
  const { nextHeader, family } = frame
  switch (nextHeader) {
    case TCP:
      return tcp(frame)
    case UDP:
    case UDP_LITE:
      return udp(frame)
    case SCTP:
      return ports(frame, 12)
    case DCCP:
      return ports(frame, 12)
    case ICMP:
      return family === 4 ? icmp(frame) : Layer.done
    case ICMPV6:
      return family === 6 ? icmp(frame) : Layer.done
    case IPV4_ENCAPSULATION:
      frame.layers |= LayerBit.ipInIp
      return Layer.ipv4
    case IPV6_ENCAPSULATION:
      frame.layers |= LayerBit.ipInIp
      return Layer.ipv6
    case GRE:
      return Layer.gre
    case ETHERNET:
      return Layer.ethernet
    case ETHERIP:
      // Version 3 and reserved bits. RFC 3378 §2.
      frame.at += 2
      return Layer.ethernet
    case MPLS_IN_IP:
      return Layer.mpls
    case AUTHENTICATION:
      return authentication(frame)
    case HOP_BY_HOP:
    case ROUTING:
    case DESTINATION_OPTIONS:
    case MOBILITY:
    case HIP:
    case SHIM6:
      return family === 6 ? extension(frame) : Layer.done
    case FRAGMENT:
      return family === 6 ? fragment(frame) : Layer.done
    default:
      return Layer.done
  }
}

/** Next header, length in eight octets without the first eight. RFC 8200 §4.3, 4.4, 4.6; RFC 8754 §2. */
function extension(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 8) return Layer.done
  frame.layers |= LayerBit.extensionHeaders
  if (frame.nextHeader === ROUTING && view.getUint8(at + 2) === SEGMENT_ROUTING_HEADER) {
    frame.layers |= LayerBit.segmentRouting
  }
  return follow(frame, (view.getUint8(at + 1) + 1) * 8)
}

/** Next header, reserved, offset and more, identification. RFC 8200 §4.5. */
function fragment(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 8) return Layer.done
  frame.layers |= LayerBit.extensionHeaders
  const offsetAndMore = view.getUint16(at + 2)
  frame.fragmentOffset = offsetAndMore >>> 3
  frame.fragmentFlags = (offsetAndMore & 1) === 1 ? MORE_FRAGMENTS : 0
  const next = follow(frame, 8)
  return frame.fragmentOffset > 0 ? Layer.done : next
}

/**
 * Next header, length in four octets without the first eight. RFC 4302 §2.2. In IPv4 it is no extension, so the
 * protocol stays 51 and only tunnels are followed.
 */
function authentication(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 12) return Layer.done
  frame.layers |= LayerBit.authentication
  const isTunnel = [IPV4_ENCAPSULATION, IPV6_ENCAPSULATION].includes(view.getUint8(at))
  if (frame.family === 4 && !isTunnel) return Layer.done
  const { protocol } = frame
  const next = follow(frame, (view.getUint8(at + 1) + 2) * 4)
  if (frame.family === 4) frame.protocol = protocol
  return next
}

function follow(frame: FrameDissection, length: number): Layer {
  frame.nextHeader = frame.view.getUint8(frame.at)
  frame.protocol = frame.nextHeader
  if (frame.end - frame.at < length) return Layer.done
  frame.at += length
  frame.markPayload()
  return Layer.upper
}
