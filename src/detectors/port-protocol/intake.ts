/**
 * Rows into conversations: reads the arrays of a block, leaves out what cannot matter, and adds the rest. This is the
 * hot path; it makes no object per row.
 */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, type Plane, RECEIVED_COLUMN, SHAPE_COLUMN } from '../../blocks/builder.js'
import { rowNumbers } from '../../blocks/runs.js'
import { type FlowColumn, FlowColumnIndex, outcomeNames, samplingFromNames } from '../../records/columns.js'
import { SYSLOG_PROTOCOL } from '../../records/exporter.js'
import { counterAt } from '../counters.js'
import { CONVERSATION_WORDS, Flag, type RowValues } from './conversation-record.js'
import type { Conversations } from './conversations.js'
import type { Denials } from './denials.js'
import { isExpected, TCP, UDP } from './expected.js'
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
/** Classification engines of RFC 6759 §4.1 that name the protocol or the port, not what was seen in packets. */
const NAMED_BY_NUMBER = /^0[13]/

export type Intake = { observe(block: Block, rows: Uint32Array): void; rows: number; denied: number }

export type IntakeParts = {
  readonly conversations: Conversations
  readonly points: Points
  readonly names: Names
  readonly denials: Denials
  /** Told of a record that began a burst in a conversation that is counted already. */
  readonly onBurst: (slot: number, startMilliseconds: number) => void
}

export function createIntake({ conversations, points, names, denials, onBurst }: IntakeParts): Intake {
  const key = new Uint32Array(CONVERSATION_WORDS)
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
  const intake: Intake = { observe, rows: 0, denied: 0 }
  return intake

  function observe(block: Block, rows: Uint32Array): void {
    const { header } = block
    const numberOf = rowNumbers(header.runs)
    const family = header.stream.family === 6 ? 6 : 4
    const column = (name: FlowColumn): Plane | undefined => block.column(FlowColumnIndex[name])?.[0]
    const received = block.column(RECEIVED_COLUMN)![0]!
    const exporters = block.column(EXPORTER_COLUMN)![0]!
    const shapes = block.column(SHAPE_COLUMN)![0]!
    const sources = block.column(FlowColumnIndex.sourceAddress)
    const destinations = block.column(FlowColumnIndex.destinationAddress)
    const protocols = column('protocolIdentifier')
    if (sources === undefined || destinations === undefined || protocols === undefined) return
    const sourcePorts = column('sourceTransportPort')
    const destinationPorts = column('destinationTransportPort')
    const [packets, packetsHigh] = block.column(FlowColumnIndex.packets) ?? []
    const [octets, octetsHigh] = block.column(FlowColumnIndex.octets) ?? []
    const reversePackets = block.column(FlowColumnIndex.reversePackets)
    const reverseOctets = block.column(FlowColumnIndex.reverseOctets)
    const octetsTotal = block.column(FlowColumnIndex.octetsTotal)
    const hasReverse = reversePackets !== undefined || reverseOctets !== undefined
    const starts = column('startMilliseconds')
    const ends = column('endMilliseconds')
    const durations = column('durationMilliseconds')
    const control = column('tcpControlBits')
    const outcomes = column('outcome')
    const firewallEvents = column('firewallEvent')
    const endReasons = column('flowEndReason')
    const ingress = column('ingressInterface')
    const egress = column('egressInterface')
    const directions = column('flowDirection')
    const sampling = column('samplingInterval')
    const samplingFrom = column('samplingFrom')
    const nameTexts = column('applicationName')
    const engines = column('applicationId')
    const services = column('service')
    const nameStrings = nameTexts === undefined ? [] : block.strings(FlowColumnIndex.applicationName)
    const engineStrings = engines === undefined ? [] : block.strings(FlowColumnIndex.applicationId)
    const serviceStrings = services === undefined ? [] : block.strings(FlowColumnIndex.service)
    const nameNumbers = Uint16Array.from(nameStrings, (text) => names.numberOf(text))
    const serviceNumbers = Uint16Array.from(serviceStrings, (text) => names.numberOf(text))
    const byNumber = Uint8Array.from(engineStrings, (text) => (NAMED_BY_NUMBER.test(text) ? 1 : 0))
    const pointOf = header.exporters.map((identity) => points.of(identity))
    // Rows of these say who opened the connection: firewall sessions, and biflows (RFC 5103 §5).
    const knowsOpener = Uint8Array.from(header.shapes, ({ columns }) =>
      columns.includes(FlowColumnIndex.reverseOctets) || columns.includes(FlowColumnIndex.firewallEvent)
        ? 1
        : 0,
    )
    const isFirewall = Uint8Array.from(header.exporters, ({ protocol }) =>
      protocol === SYSLOG_PROTOCOL ? 1 : 0,
    )

    for (let index = 0; index < rows.length; index++) {
      const row = rows[index]!
      const point = pointOf[exporters[row]!]!
      const receivedMilliseconds = received[row]!
      point.lastReceivedMilliseconds = receivedMilliseconds
      if (point.firstReceivedMilliseconds === 0) point.firstReceivedMilliseconds = receivedMilliseconds
      if (samplingFrom !== undefined && samplingFrom[row] !== NO_SAMPLING)
        point.samplingInterval = sampling![row]!
      const protocol = protocols[row]!
      if (watched[protocol] === 0) continue
      intake.rows++
      if (outcomes?.[row] === DENY || firewallEvents?.[row] === FIREWALL_DENIED) {
        intake.denied++
        denials.note(sources, destinations, row, protocol, destinationPorts?.[row] ?? 0, receivedMilliseconds)
        continue
      }
      if (isGroup(destinations, row) || isGroup(sources, row)) continue
      values.packets = packets === undefined ? 0 : packets[row]! + packetsHigh![row]! * TWO_32
      values.octets = octets === undefined ? 0 : octets[row]! + octetsHigh![row]! * TWO_32
      values.reversePackets = hasReverse ? counterAt(reversePackets, row) : 0
      values.reverseOctets = hasReverse ? counterAt(reverseOctets, row) : 0
      if (values.octets === 0 && values.reverseOctets === 0) {
        // A log that has the sum alone: that both sides sent is not known, so no shape follows from it.
        values.octets = counterAt(octetsTotal, row)
        if (values.octets === 0) continue
      }
      const sourcePort = sourcePorts?.[row] ?? 0
      const destinationPort = destinationPorts?.[row] ?? 0
      // Later fragments have no ports: nothing follows from their pairing.
      if (sourcePort === 0 && destinationPort === 0 && (protocol === TCP || protocol === UDP)) continue
      const duration = durations?.[row] ?? 0
      const end = ends?.[row] || (starts?.[row] ? starts[row]! + duration : receivedMilliseconds)
      const start = starts?.[row] || end - duration
      values.startMilliseconds = Math.min(start, end)
      values.endMilliseconds = end
      values.receivedMilliseconds = receivedMilliseconds
      values.row = numberOf(row)
      values.where =
        Math.imul((ingress?.[row] ?? 0) + 1, 0x9e3779b1) ^
        Math.imul((egress?.[row] ?? 0) + 1, 0x85ebca6b) ^
        (directions?.[row] ?? 0)
      const isHigher = sourceIsHigher(sources, destinations, row, sourcePort, destinationPort)
      values.direction = isHigher ? 1 : 0

      let flags = 0
      const bits = control?.[row] ?? 0
      const isOpener =
        knowsOpener[shapes[row]!] === 1 ||
        isFirewall[exporters[row]!] === 1 ||
        (protocol === TCP && (bits & (SYN | ACK)) === SYN)
      if (isOpener) flags |= isHigher ? Flag.openedByHigh : Flag.openedByLow
      const reason = endReasons?.[row] ?? 0
      if (
        reason === END_ACTIVE_TIMEOUT ||
        (reason === 0 &&
          end - start >= CUT_SECONDS * 1000 &&
          receivedMilliseconds - end <= CUT_DELAY_MILLISECONDS)
      )
        flags |= Flag.isCut
      values.nameNumber = nameTexts === undefined ? 0 : nameNumbers[nameTexts[row]!]!
      if (values.nameNumber > 0) {
        point.namesApplications = true
        if (!isExpectedHere(values.nameNumber, protocol, sourcePort, destinationPort))
          flags |= Flag.isMisplaced
        else if (byNumber[engines?.[row] ?? 0] !== 1) flags |= Flag.isConfirmed
      } else if (services !== undefined && serviceNumbers[services[row]!]! > 0) {
        values.nameNumber = serviceNumbers[services[row]!]!
        flags |= Flag.isServiceName
      }
      values.flags = flags

      fillKey(
        point.number,
        family,
        protocol,
        sources,
        destinations,
        row,
        sourcePort,
        destinationPort,
        isHigher,
      )
      let slot = conversations.find(key)
      if (slot >= 0 && conversations.hasEnded(slot, receivedMilliseconds)) {
        // The same ports taken again: what was seen of the earlier one has been counted.
        conversations.onEvict?.(slot)
        conversations.delete(slot)
        slot = conversations.find(key)
      }
      if (slot < 0) slot = conversations.insert(key)
      const gap = conversations.add(slot, values)
      if (gap > 0) onBurst(slot, values.startMilliseconds)
    }
  }

  function isExpectedHere(nameNumber: number, protocol: number, one: number, other: number): boolean {
    const application = names.applicationOf(nameNumber)
    return isExpected(application, protocol, one) || isExpected(application, protocol, other)
  }

  function fillKey(
    point: number,
    family: 4 | 6,
    protocol: number,
    sources: readonly Plane[],
    destinations: readonly Plane[],
    row: number,
    sourcePort: number,
    destinationPort: number,
    isHigher: boolean,
  ): void {
    const [lower, higher] = isHigher ? [destinations, sources] : [sources, destinations]
    key[0] = (point << 16) | (family === 6 ? 0x8000 : 0) | protocol
    if (family === 4) {
      key[4] = lower[0]![row]!
      key[8] = higher[0]![row]!
      for (let word = 0; word < 3; word++) {
        key[1 + word] = 0
        key[5 + word] = 0
      }
    } else {
      for (let word = 0; word < 4; word++) {
        key[1 + word] = lower[word]![row]!
        key[5 + word] = higher[word]![row]!
      }
    }
    key[9] = isHigher ? (destinationPort << 16) | sourcePort : (sourcePort << 16) | destinationPort
  }
}

/** Multicast, limited broadcast and the unspecified address; last octet 255 is taken for a subnet's broadcast. */
function isGroup(planes: readonly Plane[], row: number): boolean {
  const first = planes[0]![row]!
  if (planes.length === 4) return first >>> 24 === 0xff
  return first >>> 28 >= 0xe || first === 0 || (first & 0xff) === 0xff
}

function sourceIsHigher(
  sources: readonly Plane[],
  destinations: readonly Plane[],
  row: number,
  sourcePort: number,
  destinationPort: number,
): boolean {
  for (let word = 0; word < sources.length; word++) {
    const source = sources[word]![row]!
    const destination = destinations[word]![row]!
    if (source !== destination) return source > destination
  }
  return sourcePort > destinationPort
}
