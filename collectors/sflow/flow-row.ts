/**
 * A flow sample as a row: one packet. Its header tells the 5-tuple (collectors/frame); without one that can be read the
 * records sampled_ipv4 and sampled_ipv6 do. Octets are those of the IP packet, as other telemetry has them, not of the
 * frame; start and end are the time of receipt, since sFlow sends no clock and holds no sample back longer than a second.
 */
import { type BlockBuilder, EXPORTER_COLUMN, RECEIVED_COLUMN, SHAPE_COLUMN } from '#core/blocks/builder.js'
import { FlowColumnIndex } from '#core/records/columns.js'
import { type Shape, shapeOf } from '#core/records/shape.js'
import { dissect } from '../frame/dissect.js'
import { FrameDissection } from '../frame/dissection.js'
import { Layer } from '../frame/layers.js'
import { columnsOf, factsOf, octetsOfFrame, streamOfFrame, writeFrame } from '../frame/row.js'
import type { Agent } from './agents.js'
import type { SflowUndecodedReason } from './reasons.js'
import { interfaceIndex, RecordFormat, type SflowSample } from './samples.js'

const Column = FlowColumnIndex
const SAMPLING_FROM_RECORD = 1
const SAMPLING_FROM_CONFIGURATION = 4
const LARGEST_VLAN_ID = 4095
/** Octets of a user name that are kept; the specification has at most 200. */
const MAX_USER_OCTETS = 200

/** header_protocol → where dissection begins. */
const firstLayers: ReadonlyMap<number, Layer> = new Map<number, Layer>([
  [1, Layer.ethernet],
  [7, Layer.ppp],
  [11, Layer.ipv4],
  [12, Layer.ipv6],
  [13, Layer.mpls],
  // POS, RFC 1662 and RFC 2615.
  [14, Layer.ppp],
])

const commonColumns = [
  RECEIVED_COLUMN,
  EXPORTER_COLUMN,
  SHAPE_COLUMN,
  Column.packets,
  Column.startMilliseconds,
  Column.endMilliseconds,
  Column.ingressInterface,
  Column.egressInterface,
  Column.samplingInterval,
  Column.samplingFrom,
]

/** Facts of other records, above those of the frame. */
const NAT_SOURCE = 1 << 8
const NAT_DESTINATION = 1 << 9
const NAT_PORTS = 1 << 10
const USER = 1 << 11

const shapes = new Map<number, Shape>()

function shapeOfFacts(facts: number): Shape {
  let shape = shapes.get(facts)
  if (shape === undefined) {
    const columns = [...commonColumns, ...columnsOf(facts)]
    if ((facts & NAT_SOURCE) !== 0) columns.push(Column.postNATSourceAddress)
    if ((facts & NAT_DESTINATION) !== 0) columns.push(Column.postNATDestinationAddress)
    if ((facts & NAT_PORTS) !== 0)
      columns.push(Column.postNAPTSourceTransportPort, Column.postNAPTDestinationTransportPort)
    if ((facts & USER) !== 0) columns.push(Column.userName)
    shape = shapeOf(columns)
    shapes.set(facts, shape)
  }
  return shape
}

/** What the records of one flow sample say; used again for every sample. */
export class FlowRow {
  readonly frame = new FrameDissection()
  private view: DataView = this.frame.view
  private frameOctets = 0
  private frameOffset = 0
  private switchVlan = -1
  private natSourceOffset = -1
  private natDestinationOffset = -1
  private natPortsOffset = -1
  private userOffset = -1
  private userOctets = 0

  begin(view: DataView): void {
    this.view = view
    this.frame.begin(view, 0, 0)
    this.frameOctets = 0
    this.frameOffset = 0
    this.switchVlan = -1
    this.natSourceOffset = -1
    this.natDestinationOffset = -1
    this.natPortsOffset = -1
    this.userOffset = -1
  }

  /** Takes a record of `length` octets. Returns why it could not be used. */
  record(format: number, at: number, length: number): SflowUndecodedReason | undefined {
    const { view } = this
    switch (format) {
      case RecordFormat.sampledHeader:
        return this.sampledHeader(at, length)
      case RecordFormat.sampledIpv4:
        return length < 32 ? 'record-truncated' : this.sampledIp(4, at)
      case RecordFormat.sampledIpv6:
        return length < 56 ? 'record-truncated' : this.sampledIp(6, at)
      case RecordFormat.extendedSwitch: {
        if (length < 16) return 'record-truncated'
        const vlan = view.getUint32(at)
        if (vlan <= LARGEST_VLAN_ID) this.switchVlan = vlan
        return undefined
      }
      case RecordFormat.extendedUser:
        return this.user(at, length)
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

  /** struct sampled_header: protocol, frame length, octets stripped, the header as opaque. */
  private sampledHeader(at: number, length: number): SflowUndecodedReason | undefined {
    const { view, frame } = this
    if (length < 16) return 'record-truncated'
    if (frame.family !== 0) return undefined
    const headerProtocol = view.getUint32(at)
    const frameLength = view.getUint32(at + 4)
    const stripped = view.getUint32(at + 8)
    const headerLength = view.getUint32(at + 12)
    this.frameOctets = Math.max(0, frameLength - stripped)
    if (headerLength > length - 16) return 'sampled-header-past-end'
    this.frameOffset = at + 16
    const first = firstLayers.get(headerProtocol)
    if (first !== undefined) dissect(frame, view, this.frameOffset, headerLength, first)
    return undefined
  }

  /** struct sampled_ipv4 and sampled_ipv6: length, protocol, addresses, ports, TCP flags, ToS. */
  private sampledIp(family: 4 | 6, at: number): undefined {
    const { view, frame } = this
    if (frame.family !== 0) return
    const octets = family === 4 ? 4 : 16
    const behind = at + 8 + 2 * octets
    const { vlanId } = frame
    frame.begin(view, at, 0)
    frame.vlanId = vlanId
    frame.enterIp(family, at + 8, at + 8 + octets)
    frame.ipTotalLength = view.getUint32(at)
    frame.protocol = view.getUint32(at + 4) & 0xff
    const hasPorts = [6, 17, 33, 132, 136].includes(frame.protocol)
    if (hasPorts) {
      frame.sourcePort = view.getUint32(behind) & 0xffff
      frame.destinationPort = view.getUint32(behind + 4) & 0xffff
    }
    if (frame.protocol === 6) frame.tcpControlBits = view.getUint32(behind + 8) & 0x0fff
    frame.tos = view.getUint32(behind + 12) & 0xff
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

  get stream(): number {
    return streamOfFrame(this.frame)
  }

  /** Writes the row of the sample into the builder of its stream. */
  write(builder: BlockBuilder, agent: Agent, sample: SflowSample, receivedMilliseconds: number): void {
    const { frame } = this
    // A tag in the frame is what was on the wire; a switch that says 0 does not know it.
    if (this.switchVlan > 0 || (this.switchVlan === 0 && frame.vlanId < 0)) frame.vlanId = this.switchVlan
    const octets = octetsOfFrame(frame, this.frameOctets, this.frameOffset)
    let facts = factsOf(frame, octets)
    if (this.natSourceOffset >= 0) facts |= NAT_SOURCE
    if (this.natDestinationOffset >= 0) facts |= NAT_DESTINATION
    if (this.natPortsOffset >= 0) facts |= NAT_PORTS
    if (this.userOffset >= 0 && this.userOctets > 0) facts |= USER
    const row = builder.begin(agent.identity, shapeOfFacts(facts), receivedMilliseconds, 1)
    writeFrame(frame, facts, octets, builder, row)
    builder.setUnsigned64(Column.packets, row, 1)
    builder.setNumber(Column.startMilliseconds, row, receivedMilliseconds)
    builder.setNumber(Column.endMilliseconds, row, receivedMilliseconds)
    const { inputFormat, inputValue, outputFormat, outputValue } = sample
    builder.setNumber(Column.ingressInterface, row, interfaceIndex(inputFormat, inputValue))
    builder.setNumber(Column.egressInterface, row, interfaceIndex(outputFormat, outputValue))
    const { configuredSamplingInterval } = agent
    const interval = configuredSamplingInterval > 0 ? configuredSamplingInterval : sample.samplingRate
    const from = configuredSamplingInterval > 0 ? SAMPLING_FROM_CONFIGURATION : SAMPLING_FROM_RECORD
    builder.setNumber(Column.samplingInterval, row, interval)
    builder.setNumber(Column.samplingFrom, row, interval > 0 ? from : 0)
    if (facts >= NAT_SOURCE) this.writeExtensions(builder, row, facts)
  }

  private writeExtensions(builder: BlockBuilder, row: number, facts: number): void {
    const { view } = this
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
