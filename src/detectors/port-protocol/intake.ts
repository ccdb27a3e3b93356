/**
 * Rows into conversations, some at a time: which rows matter and what their keys are, then what the look-ups will need,
 * then the records themselves in their order. This is the hot path; it makes no object per row.
 */
import type { Block } from '../../blocks/block.js'
import { rowNumbers } from '../../blocks/runs.js'
import { outcomeNames, samplingFromNames } from '../../records/columns.js'
import { counterAt } from '../counters.js'
import { fillRest, isGroup, longHash, shortHash, sourceIsHigher } from './conversation-key.js'
import { Flag, KEY_WORDS, type RowValues, SHORT_KEY_WORDS } from './conversation-record.js'
import type { Conversations } from './conversations.js'
import type { Denials } from './denials.js'
import { isExpected, TCP, UDP } from './expected.js'
import { type FlowColumns, openColumns } from './flow-columns.js'
import type { Names } from './names.js'
import type { Points } from './points.js'

/**
 * IP protocols that carry others or nothing known, which hosts that are no gateways have no use for: IPv4 in IP, IPv6
 * in IP, GRE, ESP, EtherIP, and 253, 254 "for experimentation" (RFC 3692).
 */
export const rareProtocols: ReadonlyMap<number, string> = new Map([
  [4, 'IPv4 in IP'],
  [41, 'IPv6 in IP'],
  [47, 'GRE'],
  [50, 'ESP'],
  [97, 'EtherIP'],
  [253, 'experimental 253'],
  [254, 'experimental 254'],
])

const watched = new Uint8Array(256)
for (const protocol of [TCP, UDP, ...rareProtocols.keys()]) watched[protocol] = 1

/** Rows taken together: what they need of memory fits a processor's second cache. */
const BATCH = 1024
const TWO_32 = 0x1_0000_0000
const SYN = 0x02
const ACK = 0x10
/** IE 136: 2 is "active timeout". RFC 5102 §5.11.3. */
const END_ACTIVE_TIMEOUT = 2
/** A record at least this long that ended just before it arrived was cut by an active timeout (60 s at the least). */
const CUT_SECONDS = 50
const CUT_DELAY_MILLISECONDS = 10_000
/** IE 233: flow denied. */
const FIREWALL_DENIED = 3
const DENY = outcomeNames.indexOf('deny')
const NO_SAMPLING = samplingFromNames.indexOf('none')

export type Intake = { observe(block: Block, rows: Uint32Array): void }

export type IntakeParts = {
  readonly conversations: Conversations
  readonly points: Points
  readonly names: Names
  readonly denials: Denials
  /** Told of a record that began a burst in a conversation that is counted already. */
  readonly onBurst: (slot: number, startMilliseconds: number) => void
}

export function createIntake({ conversations, points, names, denials, onBurst }: IntakeParts): Intake {
  /** Of the rows of a batch that matter: their places, keys, hashes, whether the source is the higher end. */
  const chosen = new Uint32Array(BATCH)
  const keys = new Uint32Array(BATCH * KEY_WORDS)
  const hashes = new Uint32Array(BATCH)
  const isHigher = new Uint8Array(BATCH)
  const slots = new Uint32Array(BATCH)
  const values: RowValues = {
    direction: 0,
    packets: 0,
    octets: 0,
    reversePackets: 0,
    reverseOctets: 0,
    startMilliseconds: 0,
    endMilliseconds: 0,
    receivedMilliseconds: 0,
    row: 0,
    where: 0,
    flags: 0,
    nameNumber: 0,
  }
  return { observe }

  function observe(block: Block, rows: Uint32Array): void {
    const columns = openColumns(block, names, points)
    if (columns === undefined) return
    const numberOf = rowNumbers(block.header.runs)
    for (let from = 0; from < rows.length; from += BATCH) {
      const count = choose(columns, rows, from, Math.min(rows.length, from + BATCH))
      conversations.fetch(hashes, count, slots)
      take(columns, count, numberOf)
    }
  }

  /** Takes the keys of the rows that matter. Returns how many there are. */
  function choose(columns: FlowColumns, rows: Uint32Array, from: number, to: number): number {
    const { received, exporters, points: pointOf, protocols, outcomes, firewallEvents } = columns
    const { sources, destinations, sourcePorts, destinationPorts, sampling, samplingFrom } = columns
    const isLong = sources.length === 4
    const last = sources.length - 1
    let count = 0
    for (let index = from; index < to; index++) {
      const row = rows[index]!
      const point = pointOf[exporters[row]!]!
      point.lastReceivedMilliseconds = received[row]!
      if (point.firstReceivedMilliseconds === 0) point.firstReceivedMilliseconds = received[row]!
      if (samplingFrom !== undefined && samplingFrom[row] !== NO_SAMPLING)
        point.samplingInterval = sampling![row]!
      const protocol = protocols[row]!
      if (watched[protocol] === 0) continue
      const destinationPort = destinationPorts === undefined ? 0 : destinationPorts[row]!
      if (outcomes?.[row] === DENY || firewallEvents?.[row] === FIREWALL_DENIED) {
        denials.note(sources, destinations, row, protocol, destinationPort, received[row]!)
        continue
      }
      if (isGroup(destinations, row) || isGroup(sources, row)) continue
      const sourcePort = sourcePorts === undefined ? 0 : sourcePorts[row]!
      // Later fragments have no ports: nothing follows from their pairing.
      if (sourcePort === 0 && destinationPort === 0 && (protocol === TCP || protocol === UDP)) continue
      if (!countsOctets(columns, row)) continue
      const higher = sourceIsHigher(sources, destinations, row, sourcePort, destinationPort)
      const source = sources[last]![row]!
      const destination = destinations[last]![row]!
      const head = ((point.number << 16) | (isLong ? 0x8000 : 0) | protocol) >>> 0
      const low = higher ? destination : source
      const high = higher ? source : destination
      const ports = higher ? (destinationPort << 16) | sourcePort : (sourcePort << 16) | destinationPort
      const at = count * KEY_WORDS
      keys[at] = head
      keys[at + 1] = low
      keys[at + 2] = high
      keys[at + 3] = ports
      let hash = shortHash(head, low, high, ports)
      if (isLong) {
        const rest = at + SHORT_KEY_WORDS
        fillRest(keys, rest, higher ? destinations : sources, higher ? sources : destinations, row)
        hash = longHash(hash, keys, rest)
      }
      hashes[count] = hash
      isHigher[count] = higher ? 1 : 0
      chosen[count++] = row
    }
    return count
  }

  function take(columns: FlowColumns, count: number, numberOf: (row: number) => number): void {
    const { received, exporters, shapes, protocols, sourcePorts, destinationPorts, points: pointOf } = columns
    const { packets, packetsHigh, octets, octetsHigh, hasReverse, reversePackets, reverseOctets } = columns
    const { starts, ends, durations, control, endReasons, ingress, egress, directions } = columns
    const { octetsTotal, nameTexts, nameNumbers, engines, byNumber, services, serviceNumbers } = columns
    const { knowsOpener, isFirewall } = columns
    for (let index = 0; index < count; index++) {
      const row = chosen[index]!
      const receivedMilliseconds = received[row]!
      values.packets = packets === undefined ? 0 : packets[row]! + packetsHigh![row]! * TWO_32
      values.octets = octets === undefined ? 0 : octets[row]! + octetsHigh![row]! * TWO_32
      values.reversePackets = hasReverse ? counterAt(reversePackets, row) : 0
      values.reverseOctets = hasReverse ? counterAt(reverseOctets, row) : 0
      // A log that has the sum alone: that both sides sent is not known, so no shape follows from it.
      if (values.octets === 0 && values.reverseOctets === 0) values.octets = counterAt(octetsTotal, row)
      const duration = durations === undefined ? 0 : durations[row]!
      let start = starts === undefined ? 0 : starts[row]!
      let end = ends === undefined ? 0 : ends[row]!
      if (!(end > 0)) end = start > 0 ? start + duration : receivedMilliseconds
      if (!(start > 0)) start = end - duration
      values.startMilliseconds = Math.floor(Math.min(start, end))
      values.endMilliseconds = Math.floor(end)
      values.receivedMilliseconds = receivedMilliseconds
      values.row = numberOf(row)
      const where =
        Math.imul((ingress === undefined ? 0 : ingress[row]!) + 1, 0x9e3779b1) ^
        Math.imul((egress === undefined ? 0 : egress[row]!) + 1, 0x85ebca6b) ^
        (directions === undefined ? 0 : directions[row]!)
      values.where = (where ^ (where >>> 16)) & 0xffff
      const fromHigher = isHigher[index] === 1
      values.direction = fromHigher ? 1 : 0

      const protocol = protocols[row]!
      let flags = 0
      if (
        knowsOpener[shapes[row]!] === 1 ||
        isFirewall[exporters[row]!] === 1 ||
        (protocol === TCP && control !== undefined && (control[row]! & (SYN | ACK)) === SYN)
      )
        flags |= fromHigher ? Flag.openedByHigh : Flag.openedByLow
      const reason = endReasons === undefined ? 0 : endReasons[row]!
      if (
        reason === END_ACTIVE_TIMEOUT ||
        (reason === 0 &&
          end - start >= CUT_SECONDS * 1000 &&
          receivedMilliseconds - end <= CUT_DELAY_MILLISECONDS)
      )
        flags |= Flag.isCut
      values.nameNumber = nameTexts === undefined ? 0 : nameNumbers[nameTexts[row]!]!
      if (values.nameNumber > 0) {
        pointOf[exporters[row]!]!.namesApplications = true
        if (!isExpectedHere(protocol, sourcePorts?.[row] ?? 0, destinationPorts?.[row] ?? 0))
          flags |= Flag.isMisplaced
        else if (byNumber[engines?.[row] ?? 0] !== 1) flags |= Flag.isConfirmed
      } else if (services !== undefined && serviceNumbers[services[row]!]! > 0) {
        values.nameNumber = serviceNumbers[services[row]!]!
        flags |= Flag.isServiceName
      }
      values.flags = flags
      const slot = slotOf(index)
      // Of what is new no pair knows, and bursts are told to pairs.
      if (conversations.add(slot, values) > 0 && conversations.isShared(slot))
        onBurst(slot, values.startMilliseconds)
    }
  }

  /** The conversation of a row of the batch, which `values` hold, there or new. */
  function slotOf(index: number): number {
    const at = index * KEY_WORDS
    const hash = hashes[index]!
    let slot = conversations.find(keys, at, hash)
    if (slot >= 0 && conversations.hasEnded(slot, values.receivedMilliseconds)) {
      // The same ports taken again: what was seen of the earlier one has been counted.
      conversations.onEvict?.(slot)
      conversations.delete(slot)
      slot = conversations.find(keys, at, hash)
    }
    return slot < 0 ? conversations.insert(keys, at, hash, values.receivedMilliseconds) : slot
  }

  function isExpectedHere(protocol: number, one: number, other: number): boolean {
    const application = names.applicationOf(values.nameNumber)
    return isExpected(application, protocol, one) || isExpected(application, protocol, other)
  }
}

function countsOctets(columns: FlowColumns, row: number): boolean {
  const { octets, octetsHigh, reverseOctets, octetsTotal } = columns
  if (octets !== undefined && (octets[row] !== 0 || octetsHigh![row] !== 0)) return true
  return counterAt(reverseOctets, row) > 0 || counterAt(octetsTotal, row) > 0
}
