/** The kinds of header that the dissector knows, and which of them an EtherType announces. */
import { type FrameDissection, LayerBit } from './dissection.js'

/** Where dissection goes on; also what a frame can begin with. */
export const Layer = {
  done: 0,
  ethernet: 1,
  tag: 2,
  mpls: 3,
  ipv4: 4,
  ipv6: 5,
  /** IPv4 or IPv6 by the first nibble. */
  ip: 6,
  upper: 7,
  pppoe: 8,
  ppp: 9,
  llc: 10,
  providerBackbone: 11,
  gre: 12,
  mplsPayload: 13,
} as const
export type Layer = (typeof Layer)[keyof typeof Layer]

/** Reads one header at `frame.at`, moves behind it and says what follows. It consumes at least one octet or ends. */
export type LayerReader = (frame: FrameDissection) => Layer

const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_ARP = 0x0806
const ETHERTYPE_TRANSPARENT_BRIDGING = 0x6558
const ETHERTYPE_CTAG = 0x8100
const ETHERTYPE_IPV6 = 0x86dd
const ETHERTYPE_PPP = 0x880b
const ETHERTYPE_MPLS = 0x8847
const ETHERTYPE_MPLS_UPSTREAM = 0x8848
const ETHERTYPE_PPPOE_SESSION = 0x8864
const ETHERTYPE_STAG = 0x88a8
const ETHERTYPE_ITAG = 0x88e7
/** Q-in-Q from before 802.1ad. */
const ETHERTYPE_OLD_STAG = 0x9100
const ETHERTYPE_OLD_STAG_2 = 0x9200
/** IEEE 802.3 §3.2.6: up to here the field is a length. */
const LARGEST_LENGTH = 1500

export function layerOfEtherType(frame: FrameDissection, etherType: number): Layer {
  switch (etherType) {
    case ETHERTYPE_IPV4:
      return Layer.ipv4
    case ETHERTYPE_IPV6:
      return Layer.ipv6
    case ETHERTYPE_CTAG:
    case ETHERTYPE_STAG:
    case ETHERTYPE_OLD_STAG:
    case ETHERTYPE_OLD_STAG_2:
      return Layer.tag
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_UPSTREAM:
      return Layer.mpls
    case ETHERTYPE_PPPOE_SESSION:
      return Layer.pppoe
    case ETHERTYPE_PPP:
      return Layer.ppp
    case ETHERTYPE_ITAG:
      return Layer.providerBackbone
    case ETHERTYPE_TRANSPARENT_BRIDGING:
      return Layer.ethernet
    case ETHERTYPE_ARP:
      frame.layers |= LayerBit.arp
      return Layer.done
    default:
      return etherType <= LARGEST_LENGTH ? Layer.llc : Layer.done
  }
}

/** Whether an Ethernet header of a known type seems to begin at `at`: an Ethernet pseudowire does not say so itself. */
export function looksLikeEthernet(frame: FrameDissection, at: number): boolean {
  if (frame.end - at < 14) return false
  const etherType = frame.view.getUint16(at + 12)
  switch (etherType) {
    case ETHERTYPE_IPV4:
    case ETHERTYPE_IPV6: {
      const version = etherType === ETHERTYPE_IPV4 ? 4 : 6
      return frame.end - at === 14 || frame.view.getUint8(at + 14) >>> 4 === version
    }
    case ETHERTYPE_ARP:
    case ETHERTYPE_CTAG:
    case ETHERTYPE_STAG:
    case ETHERTYPE_OLD_STAG:
    case ETHERTYPE_MPLS:
    case ETHERTYPE_PPPOE_SESSION:
      return true
    default:
      return false
  }
}
