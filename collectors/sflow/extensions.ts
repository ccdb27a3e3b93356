/**
 * What the extended structures of a flow sample add to its row: the VLAN, addresses and ports after translation, the user.
 * One is used again for every sample.
 */
import type { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex } from '#core/records/columns.js'
import type { SflowUndecodedReason } from './reasons.js'
import { RecordFormat } from './samples.js'

const Column = FlowColumnIndex
const LARGEST_VLAN_ID = 4095
/** VLAN identifier in the TCI of a tag (IEEE 802.1Q). */
const VLAN_ID_MASK = 0x0fff
/** http_request has its five texts before the user's name: URI, host, referer, user agent, X-Forwarded-For. */
const TEXTS_BEFORE_USER = 5
/** Octets of a user name that are kept; the specification has at most 200. */
const MAX_USER_OCTETS = 200

/** Facts of a row, above those of its frame. */
const NAT_SOURCE = 1 << 8
const NAT_DESTINATION = 1 << 9
const NAT_PORTS = 1 << 10
const USER = 1 << 11

export function columnsOfExtensions(facts: number): number[] {
  const columns: number[] = []
  if ((facts & NAT_SOURCE) !== 0) columns.push(Column.postNATSourceAddress)
  if ((facts & NAT_DESTINATION) !== 0) columns.push(Column.postNATDestinationAddress)
  if ((facts & NAT_PORTS) !== 0)
    columns.push(Column.postNAPTSourceTransportPort, Column.postNAPTDestinationTransportPort)
  if ((facts & USER) !== 0) columns.push(Column.userName)
  return columns
}

export class FlowExtensions {
  private view: DataView = new DataView(new ArrayBuffer(0))
  private switchVlan = -1
  private outerVlan = -1
  private natSourceOffset = -1
  private natDestinationOffset = -1
  private natPortsOffset = -1
  private userOffset = -1
  private userOctets = 0

  begin(view: DataView): void {
    this.view = view
    this.switchVlan = -1
    this.outerVlan = -1
    this.natSourceOffset = -1
    this.natDestinationOffset = -1
    this.natPortsOffset = -1
    this.userOffset = -1
  }

  /** Takes a record of `length` octets, if it is one of these. Returns why it could not be used. */
  record(format: number, at: number, length: number): SflowUndecodedReason | undefined {
    const { view } = this
    switch (format) {
      case RecordFormat.extendedSwitch: {
        if (length < 16) return 'record-truncated'
        const vlan = view.getUint32(at)
        if (vlan <= LARGEST_VLAN_ID) this.switchVlan = vlan
        return undefined
      }
      case RecordFormat.extendedVlanIn:
        if (length < 4) return 'record-truncated'
        if (length >= 8 && view.getUint32(at) > 0) this.outerVlan = view.getUint32(at + 4) & VLAN_ID_MASK
        return undefined
      case RecordFormat.extendedUser:
        return this.user(at, length)
      case RecordFormat.httpRequest:
        return this.httpUser(at, length)
      case RecordFormat.extendedNat:
        return this.nat(at, length)
      case RecordFormat.extendedNatPort:
        if (length < 8) return 'record-truncated'
        this.natPortsOffset = at
        return undefined
      default:
        return undefined
    }
  }

  /** A tag in the frame (-1: none) is what was on the wire; a switch that says 0 does not know it. */
  vlanOf(frameVlan: number): number {
    const { switchVlan, outerVlan } = this
    if (switchVlan > 0 || (switchVlan === 0 && frameVlan < 0)) return switchVlan
    return frameVlan < 0 ? outerVlan : frameVlan
  }

  get facts(): number {
    let facts = 0
    if (this.natSourceOffset >= 0) facts |= NAT_SOURCE
    if (this.natDestinationOffset >= 0) facts |= NAT_DESTINATION
    if (this.natPortsOffset >= 0) facts |= NAT_PORTS
    if (this.userOffset >= 0 && this.userOctets > 0) facts |= USER
    return facts
  }

  /** Writes the facts; the row's shape has their columns. */
  write(builder: BlockBuilder, row: number): void {
    const { view, facts } = this
    if ((facts & NAT_SOURCE) !== 0)
      this.writeAddress(builder, Column.postNATSourceAddress, row, this.natSourceOffset)
    if ((facts & NAT_DESTINATION) !== 0)
      this.writeAddress(builder, Column.postNATDestinationAddress, row, this.natDestinationOffset)
    if ((facts & NAT_PORTS) !== 0) {
      const at = this.natPortsOffset
      builder.setNumber(Column.postNAPTSourceTransportPort, row, view.getUint32(at) & 0xffff)
      builder.setNumber(Column.postNAPTDestinationTransportPort, row, view.getUint32(at + 4) & 0xffff)
    }
    if ((facts & USER) !== 0) {
      const { userOffset, userOctets } = this
      const text = Buffer.from(view.buffer, view.byteOffset + userOffset, userOctets).toString('utf8')
      builder.setText(Column.userName, row, text)
    }
  }

  /** struct extended_user: character set and name of the source, then of the destination. */
  private user(at: number, length: number): SflowUndecodedReason | undefined {
    if (length < 8) return 'record-truncated'
    const octets = this.view.getUint32(at + 4)
    if (octets > length - 8) return 'record-truncated'
    this.userOffset = at + 8
    this.userOctets = Math.min(octets, MAX_USER_OCTETS)
    return undefined
  }

  /** struct http_request: method, protocol, five texts, then the user whom the server knows. */
  private httpUser(at: number, length: number): SflowUndecodedReason | undefined {
    const end = at + length
    let from = at + 8
    for (let text = 0; text <= TEXTS_BEFORE_USER; text++) {
      if (end - from < 4) return 'record-truncated'
      const octets = this.view.getUint32(from)
      from += 4
      if (octets > end - from) return 'record-truncated'
      if (text === TEXTS_BEFORE_USER && octets > 0 && (this.userOffset < 0 || this.userOctets === 0)) {
        this.userOffset = from
        this.userOctets = Math.min(octets, MAX_USER_OCTETS)
      }
      from += octets + ((4 - (octets & 3)) & 3)
    }
    return undefined
  }

  /** struct extended_nat: two addresses, each a type (1 IPv4, 2 IPv6) and its octets. */
  private nat(at: number, length: number): SflowUndecodedReason | undefined {
    const { view } = this
    const end = at + length
    for (let address = 0, from = at; address < 2; address++) {
      if (end - from < 4) return 'record-truncated'
      const type = view.getUint32(from)
      const octets = type === 1 ? 4 : type === 2 ? 16 : 0
      if (end - from - 4 < octets) return 'record-truncated'
      if (octets > 0 && address === 0) this.natSourceOffset = from
      if (octets > 0 && address === 1) this.natDestinationOffset = from
      from += 4 + octets
    }
    return undefined
  }

  private writeAddress(builder: BlockBuilder, column: number, row: number, at: number): void {
    const { view } = this
    const isIpv4 = view.getUint32(at) === 1
    const index = isIpv4
      ? builder.addresses.indexOf(0, 0, 0xffff, view.getUint32(at + 4))
      : builder.addresses.indexOf(
          view.getUint32(at + 4),
          view.getUint32(at + 8),
          view.getUint32(at + 12),
          view.getUint32(at + 16),
        )
    builder.setNumber(column, row, index)
  }
}
