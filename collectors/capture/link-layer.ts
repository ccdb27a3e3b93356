/** The IP packet of a captured frame, by the capture's link type (tcpdump.org, "Link-layer header types"). */

const LINKTYPE = {
  null: 0,
  ethernet: 1,
  rawOpenBsd: 12,
  raw: 101,
  loop: 108,
  linuxSll: 113,
  ipv4: 228,
  ipv6: 229,
  linuxSll2: 276,
}
const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
const VLAN_ETHERTYPES = [0x8100, 0x88a8, 0x9100]

/** Undefined when the frame holds no IP packet, or its link type is not known. */
export function networkLayer(linkType: number, octets: Uint8Array): Uint8Array | undefined {
  switch (linkType) {
    case LINKTYPE.ethernet:
      return behindEthertype(octets, 12, 14)
    case LINKTYPE.linuxSll:
      return behindEthertype(octets, 14, 16)
    case LINKTYPE.linuxSll2:
      return behindEthertype(octets, 0, 20)
    case LINKTYPE.null:
    case LINKTYPE.loop:
      return octets.subarray(4)
    case LINKTYPE.raw:
    case LINKTYPE.rawOpenBsd:
    case LINKTYPE.ipv4:
    case LINKTYPE.ipv6:
      return octets
    default:
      return undefined
  }
}

/** What follows an EtherType and any VLAN tags, which stand at the begin of the payload. */
function behindEthertype(octets: Uint8Array, typeAt: number, payloadAt: number): Uint8Array | undefined {
  const u16 = (at: number) => (octets.length >= at + 2 ? (octets[at]! << 8) | octets[at + 1]! : -1)
  let type = u16(typeAt)
  let at = payloadAt
  for (; VLAN_ETHERTYPES.includes(type); at += 4) type = u16(at + 2)
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? octets.subarray(at) : undefined
}
