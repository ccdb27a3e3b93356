/**
 * A flow sample as a row: one packet. Its header tells the 5-tuple (collectors/frame); without one that can be read the
 * records sampled_ipv4 and sampled_ipv6 do, and at last the socket of a sampled transaction, which is no packet and has
 * none. Octets are those of the IP packet, as other telemetry has them, not of the frame; start and end are the time of
 * receipt, since sFlow sends no clock and holds no sample back longer than a second.
 */
import { type BlockBuilder, EXPORTER_COLUMN, RECEIVED_COLUMN, SHAPE_COLUMN } from '#core/blocks/builder.js'
import { FlowColumnIndex } from '#core/records/columns.js'
import { type Shape, shapeOf } from '#core/records/shape.js'
import { dissect } from '../frame/dissect.js'
import { FrameDissection } from '../frame/dissection.js'
import { Layer } from '../frame/layers.js'
import { columnsOf, factsOf, octetsOfFrame, streamOfFrame, writeFrame } from '../frame/row.js'
import type { Agent } from './agents.js'
import { columnsOfExtensions, FlowExtensions } from './extensions.js'
import type { SflowUndecodedReason } from './reasons.js'
import { interfaceIndex, RecordFormat, type SflowSample } from './samples.js'

const Column = FlowColumnIndex
const SAMPLING_FROM_RECORD = 1
const SAMPLING_FROM_CONFIGURATION = 4
/** FCS, which the length of sampled_ethernet counts and those of other headers do not. */
const FCS_OCTETS = 4

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
  Column.startMilliseconds,
  Column.endMilliseconds,
  Column.ingressInterface,
  Column.egressInterface,
  Column.samplingInterval,
  Column.samplingFrom,
]

/** Not a packet but an application's transaction. */
const TRANSACTION = 1 << 12

const shapes = new Map<number, Shape>()

function shapeOfFacts(facts: number): Shape {
  let shape = shapes.get(facts)
  if (shape === undefined) {
    const columns = [...commonColumns, ...columnsOf(facts), ...columnsOfExtensions(facts)]
    if ((facts & TRANSACTION) === 0) columns.push(Column.packets)
    shape = shapeOf(columns)
    shapes.set(facts, shape)
  }
  return shape
}

/** What the records of one flow sample say; used again for every sample. */
export class FlowRow {
  readonly frame = new FrameDissection()
  private readonly extensions = new FlowExtensions()
  private view: DataView = this.frame.view
  private frameOctets = 0
  private frameOffset = 0
  private socketFamily: 0 | 4 | 6 = 0
  private socketOffset = 0
  private isTransaction = false

  begin(view: DataView): void {
    this.view = view
    this.frame.begin(view, 0, 0)
    this.extensions.begin(view)
    this.frameOctets = 0
    this.frameOffset = 0
    this.socketFamily = 0
    this.isTransaction = false
  }

  /** Takes a record of `length` octets. Returns why it could not be used. */
  record(format: number, at: number, length: number): SflowUndecodedReason | undefined {
    const { view } = this
    switch (format) {
      case RecordFormat.sampledHeader:
        return this.sampledHeader(at, length)
      case RecordFormat.sampledEthernet:
        if (length < 4) return 'record-truncated'
        if (this.frameOctets === 0) this.frameOctets = Math.max(0, view.getUint32(at) - FCS_OCTETS)
        return undefined
      case RecordFormat.sampledIpv4:
        return length < 32 ? 'record-truncated' : this.sampledIp(4, at)
      case RecordFormat.sampledIpv6:
        return length < 56 ? 'record-truncated' : this.sampledIp(6, at)
      case RecordFormat.extendedSocketIpv4:
        return this.socket(4, at, length)
      case RecordFormat.extendedSocketIpv6:
        return this.socket(6, at, length)
      default:
        return this.extensions.record(format, at, length)
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
    if (hasPorts(frame.protocol)) {
      frame.sourcePort = view.getUint32(behind) & 0xffff
      frame.destinationPort = view.getUint32(behind + 4) & 0xffff
    }
    if (frame.protocol === 6) frame.tcpControlBits = view.getUint32(behind + 8) & 0x0fff
    frame.tos = view.getUint32(behind + 12) & 0xff
  }

  /** struct extended_socket_ipv4 and _ipv6: protocol, local and remote address, local and remote port. */
  private socket(family: 4 | 6, at: number, length: number): SflowUndecodedReason | undefined {
    if (length < (family === 4 ? 20 : 44)) return 'record-truncated'
    this.socketFamily = family
    this.socketOffset = at
    return undefined
  }

  /** Takes the 5-tuple of a transaction's socket where no packet gave one: the remote end asks, the local one serves. */
  finish(): void {
    const { frame, socketFamily, socketOffset, view } = this
    if (frame.family !== 0 || socketFamily === 0 || this.frameOctets > 0) return
    const octets = socketFamily === 4 ? 4 : 16
    const local = socketOffset + 4
    const behind = local + 2 * octets
    frame.begin(view, socketOffset, 0)
    frame.enterIp(socketFamily, local + octets, local)
    frame.protocol = view.getUint32(socketOffset) & 0xff
    if (hasPorts(frame.protocol)) {
      frame.sourcePort = view.getUint32(behind + 4) & 0xffff
      frame.destinationPort = view.getUint32(behind) & 0xffff
    }
    this.isTransaction = true
  }

  get stream(): number {
    return streamOfFrame(this.frame)
  }

  /** Writes the row of the sample into the builder of its stream. */
  write(builder: BlockBuilder, agent: Agent, sample: SflowSample, receivedMilliseconds: number): void {
    const { frame } = this
    frame.vlanId = this.extensions.vlanOf(frame.vlanId)
    const octets = octetsOfFrame(frame, this.frameOctets, this.frameOffset)
    let facts = factsOf(frame, octets) | this.extensions.facts
    if (this.isTransaction) facts |= TRANSACTION
    const row = builder.begin(agent.identity, shapeOfFacts(facts), receivedMilliseconds, 1)
    writeFrame(frame, facts, octets, builder, row)
    if (!this.isTransaction) builder.setUnsigned64(Column.packets, row, 1)
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
    this.extensions.write(builder, row)
  }
}

function hasPorts(protocol: number): boolean {
  return protocol === 6 || protocol === 17 || protocol === 33 || protocol === 132 || protocol === 136
}
