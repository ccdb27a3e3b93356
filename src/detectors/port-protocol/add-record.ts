/** Adds a record to its conversation: what every row does, so nothing is allocated here. */
import {
  BURST_GAP_MILLISECONDS,
  DOUBLES,
  Double,
  Flag,
  Last,
  RECORD_WORDS,
  type RowValues,
  Single,
  WORDS,
  Word,
} from './conversation-record.js'

const TWO_32 = 0x1_0000_0000
const MOST = TWO_32 - 1
const HAS = [Flag.hasLow, Flag.hasHigh] as const

/** The views of conversations' memory. */
export type Memory = {
  readonly words: Uint32Array
  readonly singles: Float32Array
  readonly doubles: Float64Array
}

/** Returns the gap before it when it began a burst, else 0; -1 when it was a copy, and nothing was added. */
export function addRecord(memory: Memory, slot: number, values: RowValues): number {
  const { words, singles, doubles } = memory
  const { direction, startMilliseconds: start, endMilliseconds: end, packets, octets } = values
  const at = slot * WORDS
  const inDoubles = slot * DOUBLES
  const own = HAS[direction]
  const other = HAS[1 - direction]!
  let flags = words[at + Word.flags]!
  const isFirst = (flags & (own | other)) === 0
  const last = doubles[inDoubles + Double.last]!
  const where = direction === 0 ? words[at + Word.where]! & 0xffff : words[at + Word.where]! >>> 16
  if ((flags & own) === 0 || where !== values.where) {
    // A second metering point of the same device counts the same packets again.
    if ((flags & own) !== 0 && start <= last - ((last - wordOf(words, at, direction, Last.end)) >>> 0))
      return -1
    words[at + Word.where] =
      direction === 0
        ? (words[at + Word.where]! & 0xffff_0000) | values.where
        : (words[at + Word.where]! & 0xffff) | (values.where << 16)
  }
  const gap = start - last
  const interPacket = singles[at + Single.interPacket]!
  // What follows a record that the active timeout cut is the same burst still.
  const startsBurst =
    isFirst || ((flags & Flag.isCut) === 0 && gap >= Math.max(BURST_GAP_MILLISECONDS, 2 * interPacket))
  const first = last - words[at + Word.duration]!
  if (!isFirst && (flags & own) === 0) flags |= firstSpeaker(direction, start - first)
  const newest = isFirst || end > last ? end : last
  const oldest = isFirst || start < first ? start : first
  doubles[inDoubles + Double.last] = newest
  doubles[inDoubles + Double.lastReceived] = values.receivedMilliseconds
  words[at + Word.duration] = Math.min(newest - oldest, MOST)
  flags |= own
  addTo(memory, slot, direction, values, packets, octets)
  let largest = packets > 0 ? octets / packets : 0
  if (values.reversePackets > 0 || values.reverseOctets > 0) {
    flags |= other
    addTo(memory, slot, (1 - direction) as 0 | 1, values, values.reversePackets, values.reverseOctets)
    if (values.reversePackets > 0) largest = Math.max(largest, values.reverseOctets / values.reversePackets)
  }
  if (words[at + Word.newsSince] === 0)
    words[at + Word.newsSince] = Math.ceil(values.receivedMilliseconds / 1000)
  if (largest > singles[at + Single.largestPacketMean]!) singles[at + Single.largestPacketMean] = largest
  singles[at + Single.interPacket] = packets > 1 ? (end - start) / (packets - 1) : 0
  if (values.nameNumber > 0) {
    words[at + Word.name] = (words[at + Word.name]! & 0xffff_0000) | values.nameNumber
    flags &= ~Flag.isServiceName
  }
  words[at + Word.flags] = (flags & ~Flag.isCut) | values.flags
  return startsBurst ? Math.max(gap, 1) : 0
}

function addTo(
  { words, doubles }: Memory,
  slot: number,
  direction: 0 | 1,
  values: RowValues,
  packets: number,
  octets: number,
): void {
  const at = slot * WORDS
  doubles[slot * DOUBLES + Double.octets + direction]! += octets
  const counted = at + Word.packets + direction
  words[counted] = Math.min(words[counted]! + packets, MOST)
  const record = at + Word.records + direction * RECORD_WORDS
  words[record + Last.row] = values.row
  words[record + Last.packets] = packets
  words[record + Last.octets] = octets
  words[record + Last.start] = values.startMilliseconds
  words[record + Last.end] = values.endMilliseconds
  words[record + Last.received] = values.receivedMilliseconds
  setHigh(words, at + Word.rowHigh, direction, values.row)
  setHigh(words, at + Word.packetsHigh, direction, packets)
  setHigh(words, at + Word.octetsHigh, direction, octets)
}

/** Keeps bits 32 to 47 of a whole number in a direction's half of a word. */
function setHigh(words: Uint32Array, at: number, direction: 0 | 1, value: number): void {
  const high = value < TWO_32 ? 0 : Math.floor(value / TWO_32) & 0xffff
  words[at] = direction === 0 ? (words[at]! & 0xffff_0000) | high : (words[at]! & 0xffff) | (high << 16)
}

function wordOf(words: Uint32Array, at: number, direction: 0 | 1, place: number): number {
  return words[at + Word.records + direction * RECORD_WORDS + place]!
}

/** A direction's last record, as it was told. */
export function lastRecordOf({ words, doubles }: Memory, slot: number, direction: 0 | 1) {
  const at = slot * WORDS
  const word = (place: number) => wordOf(words, at, direction, place)
  const high = (place: number) => ((words[at + place]! >>> (16 * direction)) & 0xffff) * TWO_32
  const before = (newest: number, low: number) => newest - ((newest - low) >>> 0)
  const last = doubles[slot * DOUBLES + Double.last]!
  return {
    row: word(Last.row) + high(Word.rowHigh),
    packets: word(Last.packets) + high(Word.packetsHigh),
    octets: word(Last.octets) + high(Word.octetsHigh),
    startMilliseconds: before(last, word(Last.start)),
    endMilliseconds: before(last, word(Last.end)),
    receivedMilliseconds: before(doubles[slot * DOUBLES + Double.lastReceived]!, word(Last.received)),
  }
}

/** The flag that says who spoke first, from the first record of the second direction. */
function firstSpeaker(direction: 0 | 1, startAfterFirst: number): number {
  if (startAfterFirst === 0) return 0
  const ownWasFirst = startAfterFirst < 0
  return ownWasFirst === (direction === 0) ? Flag.startedByLow : Flag.startedByHigh
}
