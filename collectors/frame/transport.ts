/** Ports, TCP flags, ICMP types, and the tunnels that UDP and GRE carry. */
import { type FrameDissection, LayerBit } from './dissection.js'
import { Layer, layerOfEtherType } from './layers.js'

/** Two ports at the beginning, a header of `headerLength` octets. RFC 9260 §3, RFC 4340 §5.1. */
export function ports(frame: FrameDissection, headerLength: number): Layer {
  const { view, at, end } = frame
  if (end - at < 4) return Layer.done
  frame.sourcePort = view.getUint16(at)
  frame.destinationPort = view.getUint16(at + 2)
  behind(frame, at + headerLength)
  return Layer.done
}

const TCP_FLAGS_MASK = 0x0fff

/** RFC 9293 §3.1. */
export function tcp(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 4) return Layer.done
  frame.layers |= LayerBit.tcp
  frame.sourcePort = view.getUint16(at)
  frame.destinationPort = view.getUint16(at + 2)
  if (end - at < 14) {
    behind(frame, end)
    return Layer.done
  }
  const offsetAndFlags = view.getUint16(at + 12)
  frame.tcpControlBits = offsetAndFlags & TCP_FLAGS_MASK
  behind(frame, at + Math.max(20, (offsetAndFlags >>> 12) * 4))
  return Layer.done
}

/** RFC 792, RFC 4443 §2.1: type, code, checksum, four octets that the type decides on. */
export function icmp(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 2) return Layer.done
  frame.layers |= LayerBit.icmp
  frame.icmpType = view.getUint8(at)
  frame.icmpCode = view.getUint8(at + 1)
  behind(frame, at + 8)
  return Layer.done
}

const PORT_VXLAN = 4789
/** Linux before VXLAN had a port. */
const PORT_OLD_VXLAN = 8472
const PORT_GENEVE = 6081
const PORT_MPLS = 6635

/** RFC 768, and what the destination port says that it carries. */
export function udp(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 4) return Layer.done
  frame.layers |= LayerBit.udp
  frame.sourcePort = view.getUint16(at)
  frame.destinationPort = view.getUint16(at + 2)
  behind(frame, at + 8)
  if (end - at < 8) return Layer.done
  switch (frame.destinationPort) {
    case PORT_VXLAN:
    case PORT_OLD_VXLAN:
      return vxlan(frame)
    case PORT_GENEVE:
      return geneve(frame)
    case PORT_MPLS:
      return Layer.mpls
    default:
      return Layer.done
  }
}

const VXLAN_VNI_VALID = 0x08
/** Set in frames with a group policy. */
const VXLAN_GROUP_POLICY = 0x80

/** Flags, 24 bits reserved, VNI, 8 bits reserved. RFC 7348 §5. Other traffic on the port does not look so. */
function vxlan(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 8) return Layer.done
  const flags = view.getUint8(at) & ~VXLAN_GROUP_POLICY
  if (flags !== VXLAN_VNI_VALID || view.getUint8(at + 7) !== 0) return Layer.done
  frame.layers |= LayerBit.vxlan
  frame.at = at + 8
  return Layer.ethernet
}

/** Version, length of the options in four octets, protocol type, VNI. RFC 8926 §3.4. */
function geneve(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 8) return Layer.done
  const versionAndLength = view.getUint8(at)
  const headerLength = 8 + (versionAndLength & 0x3f) * 4
  if (versionAndLength >>> 6 !== 0 || end - at < headerLength) return Layer.done
  frame.layers |= LayerBit.geneve
  frame.at = at + headerLength
  return layerOfEtherType(frame, view.getUint16(at + 2))
}

const GRE_CHECKSUM = 0x8000
const GRE_ROUTING = 0x4000
const GRE_KEY = 0x2000
const GRE_SEQUENCE = 0x1000
const GRE_ACKNOWLEDGEMENT = 0x0080
const GRE_VERSION_MASK = 0x0007

/** Flags and version, protocol type, then what the flags announce. RFC 2784 §2.1, RFC 2890 §2, RFC 2637 §4.1. */
export function gre(frame: FrameDissection): Layer {
  const { view, at, end } = frame
  if (end - at < 4) return Layer.done
  const flags = view.getUint16(at)
  const version = flags & GRE_VERSION_MASK
  if (version > 1 || (flags & GRE_ROUTING) !== 0) return Layer.done
  let headerLength = 4
  if ((flags & GRE_CHECKSUM) !== 0) headerLength += 4
  if ((flags & GRE_KEY) !== 0) headerLength += 4
  if ((flags & GRE_SEQUENCE) !== 0) headerLength += 4
  if (version === 1 && (flags & GRE_ACKNOWLEDGEMENT) !== 0) headerLength += 4
  if (end - at < headerLength) return Layer.done
  frame.layers |= LayerBit.gre
  frame.at = at + headerLength
  frame.markPayload()
  const etherType = view.getUint16(at + 2)
  return etherType <= 1500 ? Layer.done : layerOfEtherType(frame, etherType)
}

function behind(frame: FrameDissection, at: number): void {
  frame.at = Math.min(at, frame.end)
  frame.markPayload()
}
