/**
 * Conversations: the records of one 5-tuple at one metering point, both directions and all slices of an exporter's
 * active timeout put together. The two ends are held in the order of their addresses and ports; which of them is the
 * server is decided later (server.ts). Direction 0 is from the lower end to the higher.
 */
import { type Column, KeyedTable } from './table.js'

/** Conversations kept at a time; the least recently used go first. About 250 octets each. */
export const MAX_CONVERSATIONS = 262_144

/** Words of a key: point and protocol, the lower end's address (4), the higher end's (4), both ports. */
export const CONVERSATION_WORDS = 10

/** A record this far after the last packet begins a burst of its own: longer than a page's or a prompt's pauses. */
export const BURST_GAP_MILLISECONDS = 5_000

/** Facts about a conversation, as bits. */
export const Flag = {
  /** The opener is known for certain: a lone SYN, a biflow, a firewall's session. */
  openedByLow: 1,
  openedByHigh: 2,
  /** The first record of one direction began earlier. */
  startedByLow: 4,
  startedByHigh: 8,
  serverIsLow: 16,
  serverIsHigh: 32,
  /** It has been counted among the conversations of its client and server. */
  isCounted: 64,
  /** Its last record was cut by the exporter's active timeout: more will come. */
  isCut: 128,
  /** The application's name is a policy's service, which tells the port and not what was in the packets. */
  isServiceName: 256,
  /** A device looked inside and named an application that belongs on the port. */
  isConfirmed: 512,
  /** Which end is the server was told by certain facts. */
  isCertain: 1024,
} as const

/** One record on its way in; one object, filled anew for each row. */
export type RowValues = {
  direction: 0 | 1
  packets: number
  octets: number
  reversePackets: number
  reverseOctets: number
  startMilliseconds: number
  endMilliseconds: number
  receivedMilliseconds: number
  row: number
  where: number
  flags: number
  nameNumber: number
}

export class Conversations {
  readonly table = new KeyedTable(CONVERSATION_WORDS, MAX_CONVERSATIONS)
  readonly flags: Column<Uint16Array> = this.table.u16()
  readonly name: Column<Uint16Array> = this.table.u16()
  /** By direction. */
  readonly packets: Column<Float64Array> = this.table.f64(2)
  readonly octets: Column<Float64Array> = this.table.f64(2)
  readonly countedPackets: Column<Float64Array> = this.table.f64(2)
  readonly countedOctets: Column<Float64Array> = this.table.f64(2)
  /** The last record of each direction, for the evidence. */
  readonly row: Column<Float64Array> = this.table.f64(2)
  readonly rowPackets: Column<Float64Array> = this.table.f64(2)
  readonly rowOctets: Column<Float64Array> = this.table.f64(2)
  readonly rowStart: Column<Float64Array> = this.table.f64(2)
  readonly rowEnd: Column<Float64Array> = this.table.f64(2)
  readonly rowReceived: Column<Float64Array> = this.table.f64(2)
  /** Where in the device the first record of the direction was metered. */
  readonly where: Column<Uint32Array> = this.table.u32(2)
  readonly first: Column<Float64Array> = this.table.f64()
  readonly last: Column<Float64Array> = this.table.f64()
  readonly lastReceived: Column<Float64Array> = this.table.f64()
  /** When the oldest record arrived that has not been counted yet; 0 when all have. */
  readonly newsSince: Column<Float64Array> = this.table.f64()
  readonly largestPacketMean: Column<Float64Array> = this.table.f64()
  readonly interPacket: Column<Float64Array> = this.table.f64()
  readonly records: Column<Uint32Array> = this.table.u32()
  /** Tests of the profile that it has met, as bits. */
  readonly hits: Column<Uint8Array> = this.table.u8()
  /** The pair that counts it, plus one, and the generation of that slot. */
  readonly pair: Column<Uint32Array> = this.table.u32()
  readonly pairGeneration: Column<Uint32Array> = this.table.u32()

  /** Adds a record. Returns the gap before it when it began a burst, else 0; -1 when it was a copy. */
  add(slot: number, values: RowValues): number {
    const { direction, startMilliseconds: start, endMilliseconds: end, packets, octets } = values
    const own = slot * 2 + direction
    const isFirst = this.records.values[slot] === 0
    if (this.row.values[own] === 0) this.where.values[own] = values.where
    else if (this.where.values[own] !== values.where) {
      // A second metering point of the same device counts the same packets again.
      if (start <= this.rowEnd.values[own]!) return -1
      this.where.values[own] = values.where
    }
    const last = this.last.values[slot]!
    const gap = start - last
    // What follows a record that the active timeout cut is the same burst still.
    const wasCut = (this.flags.values[slot]! & Flag.isCut) !== 0
    const pause = Math.max(BURST_GAP_MILLISECONDS, 2 * this.interPacket.values[slot]!)
    const startsBurst = isFirst || (!wasCut && gap >= pause)
    this.noteOpener(slot, values, isFirst)
    this.records.values[slot]!++
    this.packets.values[own]! += packets
    this.octets.values[own]! += octets
    this.noteRecord(own, values, packets, octets)
    if (values.reversePackets > 0 || values.reverseOctets > 0) {
      const other = slot * 2 + (1 - direction)
      this.packets.values[other]! += values.reversePackets
      this.octets.values[other]! += values.reverseOctets
      this.noteRecord(other, values, values.reversePackets, values.reverseOctets)
    }
    this.first.values[slot] = isFirst ? start : Math.min(this.first.values[slot]!, start)
    this.last.values[slot] = isFirst ? end : Math.max(last, end)
    this.lastReceived.values[slot] = values.receivedMilliseconds
    if (this.newsSince.values[slot] === 0) this.newsSince.values[slot] = values.receivedMilliseconds
    const largest = Math.max(
      packets > 0 ? octets / packets : 0,
      values.reversePackets > 0 ? values.reverseOctets / values.reversePackets : 0,
    )
    this.largestPacketMean.values[slot] = Math.max(this.largestPacketMean.values[slot]!, largest)
    this.interPacket.values[slot] = packets > 1 ? (end - start) / (packets - 1) : 0
    if (values.nameNumber > 0) {
      this.name.values[slot] = values.nameNumber
      this.flags.values[slot]! &= ~Flag.isServiceName
    }
    this.flags.values[slot] = (this.flags.values[slot]! & ~Flag.isCut) | values.flags
    return startsBurst ? Math.max(gap, 1) : 0
  }

  /** Whether no more is to be expected of it. */
  hasEnded(slot: number, atMilliseconds: number): boolean {
    const isCut = (this.flags.values[slot]! & Flag.isCut) !== 0
    const patience = isCut ? CUT_PATIENCE_MILLISECONDS : PATIENCE_MILLISECONDS
    return atMilliseconds - this.lastReceived.values[slot]! >= patience
  }

  private noteOpener(slot: number, values: RowValues, isFirst: boolean): void {
    if (isFirst) return
    const other = slot * 2 + (1 - values.direction)
    const own = slot * 2 + values.direction
    if (this.row.values[own] !== 0 || this.row.values[other] === 0) return
    // The first record of the second direction: who spoke first?
    const difference = values.startMilliseconds - this.first.values[slot]!
    if (difference === 0) return
    const ownWasFirst = difference < 0
    const lowWasFirst = ownWasFirst === (values.direction === 0)
    this.flags.values[slot]! |= lowWasFirst ? Flag.startedByLow : Flag.startedByHigh
  }

  private noteRecord(at: number, values: RowValues, packets: number, octets: number): void {
    this.row.values[at] = values.row + 1
    this.rowPackets.values[at] = packets
    this.rowOctets.values[at] = octets
    this.rowStart.values[at] = values.startMilliseconds
    this.rowEnd.values[at] = values.endMilliseconds
    this.rowReceived.values[at] = values.receivedMilliseconds
  }
}

/** Records of a conversation whose gap is longer belong to two. Idle timeouts of exporters are 15 to 60 s. */
const PATIENCE_MILLISECONDS = 150_000
/** The longest active timeout in use is half an hour; twice that covers a late or lost slice. */
const CUT_PATIENCE_MILLISECONDS = 3_700_000
