/**
 * What a dissected packet header says: numbers alone in one object that is used again for every frame, addresses and
 * MACs as places in the view. The dissector's own position is kept here too.
 *
 * The row's header is the innermost IP header that is there in full: of a tunnel the traffic that it carries, as with
 * records that repeat their elements. `outer…` is the outermost IP header when there is more than one. A header that
 * is cut off or wrong is not entered, so the one around it stays the row's, with the tunnel's protocol number.
 */

/** Bits of `layers`. */
export const LayerBit = {
  ethernet: 1 << 0,
  vlan: 1 << 1,
  mpls: 1 << 2,
  pseudowire: 1 << 3,
  pppoe: 1 << 4,
  ppp: 1 << 5,
  llc: 1 << 6,
  providerBackbone: 1 << 7,
  ipv4: 1 << 8,
  ipv6: 1 << 9,
  extensionHeaders: 1 << 10,
  segmentRouting: 1 << 11,
  ipInIp: 1 << 12,
  gre: 1 << 13,
  vxlan: 1 << 14,
  geneve: 1 << 15,
  tcp: 1 << 16,
  udp: 1 << 17,
  icmp: 1 << 18,
  arp: 1 << 19,
  authentication: 1 << 20,
} as const

/** A value that the frame does not give. */
export const NONE = -1

export class FrameDissection {
  view: DataView = new DataView(new ArrayBuffer(0))
  /** Next octet to read, and where the layer in hand ends. */
  at = 0
  end = 0
  /** Number of the header that comes next in IP, for the upper layers. */
  nextHeader = 0

  layers = 0
  /** Steps taken: the cost of the frame. */
  steps = 0
  /** 4, 6, or 0 when no IP header was found. */
  family = 0
  ipOffset = NONE
  sourceAddressOffset = NONE
  destinationAddressOffset = NONE
  /** IPv4's protocol; in IPv6 the last next header (IE 4). */
  protocol = 0
  tos = 0
  ttl = 0
  /** Octets of the IP packet by its own header; 0 when it does not say (jumbograms, segmentation offload). */
  ipTotalLength = 0
  /** Units of eight octets; above 0 in all fragments but the first. */
  fragmentOffset = 0
  /** As IE 197: 0x40 don't fragment, 0x20 more fragments. */
  fragmentFlags = 0
  sourcePort = NONE
  destinationPort = NONE
  tcpControlBits = NONE
  icmpType = NONE
  icmpCode = NONE
  /** What the innermost header understood carries; `payloadLength` octets of it are in the view. */
  payloadOffset = NONE
  payloadLength = 0

  /** Of the outermost Ethernet header: its first and last tag, and the places of its MACs. */
  vlanId = NONE
  innerVlanId = NONE
  sourceMacOffset = NONE
  destinationMacOffset = NONE

  /** Outermost IP header, 0 when the row's header is the only one. */
  outerFamily = 0
  outerSourceAddressOffset = NONE
  outerDestinationAddressOffset = NONE
  outerProtocol = 0

  /** Forgets the frame before; the octets are those of `view` from `offset` on. */
  begin(view: DataView, offset: number, length: number): void {
    this.view = view
    this.at = Math.min(Math.max(offset, 0), view.byteLength)
    this.end = Math.min(this.at + Math.max(length, 0), view.byteLength)
    this.layers = 0
    this.steps = 0
    this.family = 0
    this.ipOffset = NONE
    this.sourceAddressOffset = NONE
    this.destinationAddressOffset = NONE
    this.protocol = 0
    this.tos = 0
    this.ttl = 0
    this.ipTotalLength = 0
    this.vlanId = NONE
    this.innerVlanId = NONE
    this.sourceMacOffset = NONE
    this.destinationMacOffset = NONE
    this.outerFamily = 0
    this.outerSourceAddressOffset = NONE
    this.outerDestinationAddressOffset = NONE
    this.outerProtocol = 0
    this.forgetUpperLayer()
  }

  /** Takes an IP header as the row's; the one before, if it is the first, as the outer one. */
  enterIp(family: 4 | 6, sourceAddressOffset: number, destinationAddressOffset: number): void {
    if (this.family !== 0 && this.outerFamily === 0) {
      this.outerFamily = this.family
      this.outerSourceAddressOffset = this.sourceAddressOffset
      this.outerDestinationAddressOffset = this.destinationAddressOffset
      this.outerProtocol = this.protocol
    }
    this.family = family
    this.ipOffset = this.at
    this.sourceAddressOffset = sourceAddressOffset
    this.destinationAddressOffset = destinationAddressOffset
    this.forgetUpperLayer()
  }

  /** Marks what follows `at` as payload. */
  markPayload(): void {
    this.payloadOffset = this.at
    this.payloadLength = Math.max(0, this.end - this.at)
  }

  private forgetUpperLayer(): void {
    this.fragmentOffset = 0
    this.fragmentFlags = 0
    this.sourcePort = NONE
    this.destinationPort = NONE
    this.tcpControlBits = NONE
    this.icmpType = NONE
    this.icmpCode = NONE
    this.payloadOffset = NONE
    this.payloadLength = 0
  }
}
