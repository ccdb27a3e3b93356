/**
 * A ring of export packets, made once. Before a packet is sent again its sequence number and its times are moved on,
 * so that a collector sees an exporter that never repeats itself within a round and never loses a packet.
 */
import { concatenate, putUint16 } from '#simulate/encode/bytes.js'
import { buildMessage, IPFIX_HEADER_OCTETS, ipfixTemplateRecord } from '#simulate/encode/ipfix.js'
import {
  buildNetflowV9Packet,
  NETFLOW_V9_HEADER_OCTETS,
  netflowV9TemplateRecord,
} from '#simulate/encode/netflow-v9.js'
import { createRandom } from '#simulate/random.js'
import {
  type FlowProtocol,
  fieldsOf,
  octetsOf,
  recordsOctets,
  recordsPerPacket,
  templateOf,
} from './layouts.js'
import { emptyLoadCounts, type Load, MAX_HELD, MAX_SOURCES } from './load.js'
import { createTraffic } from './traffic.js'

export type FlowLoadOptions = {
  readonly protocol: FlowProtocol
  readonly seed: number
  /** Milliseconds since 1970 at which the packets' first times are. */
  readonly epochMilliseconds: number
  /** Devices, 1 to 64,516. */
  readonly exporters?: number
  /** Exporters are told apart by their address, or by observation domain (v9 source id, v5 engine) of one address. */
  readonly toldApartBy?: 'address' | 'domain'
  /** Templates of all exporters together; each has its share, one at least. */
  readonly templates?: number
  /** Each exporter sends its templates again after so many packets, 64 at least. */
  readonly templateEvery?: number
  /** Packets of the ring. */
  readonly ringPackets?: number
}

const V5_HEADER_OCTETS = 24
const SET_HEADER_OCTETS = 4
const TEMPLATE_SET_ID = { v9: 0, ipfix: 2 } as const
const MAX_TEMPLATE_PACKET_OCTETS = 1400
/** How long the exporters say that they have run. */
const UP_TIME_MILLISECONDS = 12 * 86_400_000
const TWO_32 = 0x1_0000_0000

const headerOctets: Readonly<Record<FlowProtocol, number>> = {
  v5: V5_HEADER_OCTETS,
  v9: NETFLOW_V9_HEADER_OCTETS,
  ipfix: IPFIX_HEADER_OCTETS,
}

/** Offsets of time fields within a packet of one layout; 8-octet times are IPFIX's milliseconds. */
type TimePlaces = { readonly offsets: Int32Array; readonly length: number }

/** Throws RangeError for options outside their ranges. */
export class FlowLoad implements Load {
  readonly arena: Uint8Array
  readonly sources: number
  readonly counts = emptyLoadCounts()
  offset = 0
  length = 0
  source = 0
  private readonly view: DataView
  private readonly protocol: FlowProtocol
  private readonly exporters: number
  private readonly templateEvery: number
  private readonly startEpoch: number
  private readonly records: number
  private readonly packets: number
  private readonly offsets: Int32Array
  private readonly lengths: Int32Array
  private readonly layoutOf: Int32Array
  private readonly writtenAt: Float64Array
  private readonly sums: Float64Array
  private readonly places: readonly TimePlaces[]
  /** Packets of one exporter's templates follow the ring, the same number for each. */
  private readonly templatePackets: number
  private readonly sequences: Float64Array
  private readonly untilTemplates: Int32Array
  private readonly templatesLeft: Int32Array
  private at = 0

  constructor(options: FlowLoadOptions) {
    const { protocol, seed, epochMilliseconds, exporters = 4, toldApartBy = 'address' } = options
    const { templates = exporters, templateEvery = 1000, ringPackets = 20_000 } = options
    if (exporters < 1 || exporters > MAX_SOURCES) throw new RangeError(`exporters: 1 to ${MAX_SOURCES}`)
    if (templateEvery < MAX_HELD) throw new RangeError(`templateEvery: ${MAX_HELD} at least`)
    const templatesEach = protocol === 'v5' ? 0 : Math.max(1, Math.ceil(templates / exporters))
    this.protocol = protocol
    this.exporters = exporters
    this.sources = toldApartBy === 'address' ? exporters : 1
    this.templateEvery = templateEvery
    this.startEpoch = epochMilliseconds
    this.records = recordsPerPacket[protocol]
    this.packets = Math.max(MAX_HELD, ringPackets, exporters * templatesEach)
    const data = this.buildRing(seed, templatesEach)
    const announced = Array.from({ length: exporters }, (_, exporter) =>
      this.templatePacketsOf(exporter, templatesEach),
    )
    this.templatePackets = announced[0]!.length
    const all = [...data.map(({ packet }) => packet), ...announced.flat()]
    this.arena = concatenate(all)
    this.view = new DataView(this.arena.buffer)
    this.offsets = new Int32Array(all.length)
    this.lengths = Int32Array.from(all, ({ length }) => length)
    for (let index = 1; index < all.length; index++)
      this.offsets[index] = this.offsets[index - 1]! + all[index - 1]!.length
    this.layoutOf = Int32Array.from(data, ({ layout }) => layout)
    this.sums = Float64Array.from(data.flatMap(({ sums }) => sums))
    this.writtenAt = new Float64Array(data.length).fill(epochMilliseconds)
    this.places = this.timePlaces()
    this.sequences = new Float64Array(exporters)
    this.untilTemplates = new Int32Array(exporters)
    this.templatesLeft = new Int32Array(exporters)
  }

  restart(): void {
    Object.assign(this.counts, emptyLoadCounts())
    this.sequences.fill(0)
    this.untilTemplates.fill(0)
    this.templatesLeft.fill(0)
    this.at = 0
  }

  advance(epochMilliseconds: number): void {
    const exporter = this.at % this.exporters
    this.source = this.sources === 1 ? 0 : exporter
    if (this.templatePackets > 0) {
      if (this.untilTemplates[exporter] === 0 && this.templatesLeft[exporter] === 0) {
        this.templatesLeft[exporter] = this.templatePackets
        this.untilTemplates[exporter] = this.templateEvery
      }
      if (this.templatesLeft[exporter]! > 0) {
        const which = this.templatePackets - this.templatesLeft[exporter]!--
        this.take(this.packets + exporter * this.templatePackets + which, exporter, 0, epochMilliseconds)
        this.counts.templateDatagrams++
        return
      }
      this.untilTemplates[exporter]!--
    }
    this.moveTimes(this.at, epochMilliseconds)
    this.take(this.at, exporter, this.records, epochMilliseconds)
    const { counts, sums } = this
    counts.records += this.records
    counts.octetDelta += sums[this.at * 3]!
    counts.packetDelta += sums[this.at * 3 + 1]!
    counts.icmpRecords += sums[this.at * 3 + 2]!
    this.at = (this.at + 1) % this.packets
  }

  /** Hands a packet out with the header of now. */
  private take(index: number, exporter: number, records: number, epochMilliseconds: number): void {
    const { view, sequences, counts, protocol } = this
    const offset = this.offsets[index]!
    const seconds = Math.floor(epochMilliseconds / 1000)
    const upTime = UP_TIME_MILLISECONDS + epochMilliseconds - this.startEpoch
    const sequence = sequences[exporter]!
    if (protocol === 'ipfix') {
      view.setUint32(offset + 4, seconds)
      view.setUint32(offset + 8, sequence)
    } else {
      view.setUint32(offset + 4, upTime)
      view.setUint32(offset + 8, seconds)
      if (protocol === 'v5') view.setUint32(offset + 12, (epochMilliseconds % 1000) * 1_000_000)
      view.setUint32(offset + (protocol === 'v5' ? 16 : 12), sequence)
    }
    // v9 counts packets; v5 and IPFIX count records (RFC 3954 §5.1, RFC 7011 §3.1).
    sequences[exporter] = (sequence + (protocol === 'v9' ? 1 : records)) % TWO_32
    this.offset = offset
    this.length = this.lengths[index]!
    counts.datagrams++
    counts.octets += this.length
  }

  /** Moves the records' times by as much as the clock has moved since they were written. */
  private moveTimes(index: number, epochMilliseconds: number): void {
    const moved = epochMilliseconds - this.writtenAt[index]!
    if (moved === 0) return
    this.writtenAt[index] = epochMilliseconds
    const { view } = this
    const { offsets, length } = this.places[this.layoutOf[index]!]!
    const from = this.offsets[index]!
    for (let place = 0; place < offsets.length; place++) {
      const at = from + offsets[place]! + length - 4
      const low = view.getUint32(at) + moved
      view.setUint32(at, low)
      if (length === 8 && low >= TWO_32) view.setUint32(at - 4, view.getUint32(at - 4) + 1)
    }
  }

  private buildRing(seed: number, templatesEach: number) {
    const random = createRandom(seed)
    const { protocol, exporters, records } = this
    const base = { epochMilliseconds: this.startEpoch, sysUpTimeMilliseconds: UP_TIME_MILLISECONDS }
    const traffic = Array.from({ length: exporters }, (_, exporter) =>
      createTraffic(random.fork(`exporter ${exporter}`), exporter),
    )
    return Array.from({ length: this.packets }, (_, index) => {
      const exporter = index % exporters
      const template = templatesEach === 0 ? 0 : Math.floor(index / exporters) % templatesEach
      const flows = Array.from({ length: records }, () => traffic[exporter]!())
      const fields = fieldsOf(protocol, template)
      const body = recordsOctets(fields, flows, base)
      const packet = this.packetOf(exporter, records, { setId: 256 + template, body })
      let octets = 0
      let packets = 0
      let icmp = 0
      for (const flow of flows) {
        octets += flow.octets
        packets += flow.packets
        if (flow.protocol === 1) icmp++
      }
      return { packet, layout: template % fields.length, sums: [octets, packets, icmp] }
    })
  }

  /** Sequence number and times come when it is sent. */
  private packetOf(exporter: number, count: number, set: { setId: number; body: Uint8Array }): Uint8Array {
    if (this.protocol === 'ipfix') {
      const header = { exportTimeSeconds: 0, sequenceNumber: 0, observationDomainId: exporter + 1 }
      return buildMessage(header, [set])
    }
    if (this.protocol === 'v9') {
      const times = { sysUpTimeMilliseconds: 0, unixSeconds: 0 }
      // Sets are padded to 4 octets (RFC 3954 §5.3); a record is longer than that.
      const rest = set.body.length % 4
      const body = rest === 0 ? set.body : concatenate([set.body, new Uint8Array(4 - rest)])
      return buildNetflowV9Packet({ count, ...times, sequenceNumber: 0, sourceId: exporter + 1 }, [
        { ...set, body },
      ])
    }
    const packet = concatenate([new Uint8Array(V5_HEADER_OCTETS), set.body])
    putUint16(packet, 0, 5)
    putUint16(packet, 2, count)
    // Engine type and id, which tell the exporters of one address apart.
    putUint16(packet, 20, exporter & 0xffff)
    return packet
  }

  private templatePacketsOf(exporter: number, templatesEach: number): Uint8Array[] {
    const { protocol } = this
    if (protocol === 'v5') return []
    const record = protocol === 'v9' ? netflowV9TemplateRecord : ipfixTemplateRecord
    const records = Array.from({ length: templatesEach }, (_, index) => record(templateOf(protocol, index)))
    const room = MAX_TEMPLATE_PACKET_OCTETS - headerOctets[protocol] - SET_HEADER_OCTETS
    const each = Math.floor(room / records[0]!.length)
    const packets: Uint8Array[] = []
    for (let first = 0; first < records.length; first += each) {
      const some = records.slice(first, first + each)
      packets.push(
        this.packetOf(exporter, some.length, { setId: TEMPLATE_SET_ID[protocol], body: concatenate(some) }),
      )
    }
    return packets
  }

  private timePlaces(): TimePlaces[] {
    const { protocol, records } = this
    const dataAt = headerOctets[protocol] + (protocol === 'v5' ? 0 : SET_HEADER_OCTETS)
    const layouts = protocol === 'v5' ? 1 : fieldsOf(protocol, 0).length
    return Array.from({ length: layouts }, (_, layout) => {
      const fields = fieldsOf(protocol, layout)
      const recordOctets = octetsOf(fields)
      const offsets: number[] = []
      for (let row = 0; row < records; row++) {
        let offset = dataAt + row * recordOctets
        for (const { length, isTime } of fields) {
          if (isTime) offsets.push(offset)
          offset += length
        }
      }
      return { offsets: Int32Array.from(offsets), length: fields.find(({ isTime }) => isTime)!.length }
    })
  }
}
