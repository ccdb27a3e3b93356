/**
 * The one way of log lines into the store: a parsed connection becomes a row beside the flows, everything else a row of
 * the message stream, both with the line as received. Sockets and imported files both come through here.
 */
import type { BlockBuilder } from '#core/blocks/builder.js'
import type { Address } from '#core/records/address.js'
import {
  FlowColumnIndex as Column,
  MessageColumnIndex as Message,
  streamNames,
} from '#core/records/columns.js'
import { type ExporterIdentity, SYSLOG_PROTOCOL } from '#core/records/exporter.js'
import { type Shape, shapeOf } from '#core/records/shape.js'
import type { BlockWriter } from '#core/store/writer.js'
import { AddressSlot, Field, type FieldIndex, Kind, Phase } from './syslog/event.js'
import { createContext, parseLine, type SyslogContext, SyslogEvent } from './syslog/parse.js'

/** What is known of one sender of log lines. */
export type SyslogExporter = {
  readonly identity: ExporterIdentity
  readonly context: SyslogContext
  lines: number
  octets: number
  connections: number
  notUnderstood: number
  firstSeenMilliseconds: number
  lastSeenMilliseconds: number
  clockSkewMilliseconds: number
  vendor: string
  product: string
}

export type SyslogIntake = {
  readonly exporters: ReadonlyMap<string, SyslogExporter>
  /** Lines of senders that were too many to remember. */
  readonly counts: { refusedExporters: number }
  /** Takes one line as received, one character per octet, without its line end. */
  line(
    text: string,
    source: Address,
    listenerPort: number,
    transport: number,
    receivedMilliseconds: number,
  ): void
}

export type SyslogIntakeOptions = {
  readonly writer: BlockWriter
  /** The IANA zone of a device's clock, where its lines name none. */
  readonly zoneOf: (address: Address) => string | undefined
}

/** Senders remembered: spoofed ones must not fill the memory. */
const MAX_SYSLOG_EXPORTERS = 16_384

const MESSAGE_STREAM = streamNames.indexOf('message')
const ICMP = 1
const ICMPV6 = 58

/** Text fields of a line → the column that they fill. */
const flowTexts: readonly (readonly [FieldIndex, number])[] = [
  [Field.action, Column.action],
  [Field.direction, Column.direction],
  [Field.applicationName, Column.applicationName],
  [Field.service, Column.service],
  [Field.ruleName, Column.ruleName],
  [Field.ruleId, Column.ruleId],
  [Field.sourceZone, Column.sourceZone],
  [Field.destinationZone, Column.destinationZone],
  [Field.ingressInterfaceName, Column.ingressInterfaceName],
  [Field.egressInterfaceName, Column.egressInterfaceName],
  [Field.sessionId, Column.sessionId],
  [Field.userName, Column.userName],
  [Field.endReason, Column.endReason],
  [Field.eventId, Column.eventId],
]

export function createSyslogIntake({ writer, zoneOf }: SyslogIntakeOptions): SyslogIntake {
  const exporters = new Map<string, SyslogExporter>()
  const byAddress = new Map<Address, Map<number, SyslogExporter>>()
  const counts = { refusedExporters: 0 }
  const event = new SyslogEvent()
  const shapes = new Map<string, Shape>()

  const exporterOf = (
    source: Address,
    listenerPort: number,
    transport: number,
  ): SyslogExporter | undefined => {
    const session = listenerPort * 4 + transport
    const found = byAddress.get(source)?.get(session)
    if (found !== undefined) return found
    const key = `${source.family}/${source.words.join()}/${session}`
    let exporter = exporters.get(key)
    if (exporter === undefined) {
      if (exporters.size >= MAX_SYSLOG_EXPORTERS) {
        counts.refusedExporters++
        return undefined
      }
      exporter = makeExporter(source, listenerPort, transport, zoneOf(source))
      exporters.set(key, exporter)
    }
    if (byAddress.size >= 2 * MAX_SYSLOG_EXPORTERS) byAddress.clear()
    const sessions = byAddress.get(source) ?? new Map<number, SyslogExporter>()
    sessions.set(session, exporter)
    byAddress.set(source, sessions)
    return exporter
  }
  const shapeFor = (columns: number[]): Shape => {
    const key = columns.join()
    let shape = shapes.get(key)
    if (shape === undefined) {
      shape = shapeOf(columns)
      shapes.set(key, shape)
    }
    return shape
  }

  return {
    exporters,
    counts,
    line(text, source, listenerPort, transport, receivedMilliseconds) {
      const exporter = exporterOf(source, listenerPort, transport)
      if (exporter === undefined) return
      exporter.lines++
      exporter.octets += text.length
      if (exporter.firstSeenMilliseconds === 0) exporter.firstSeenMilliseconds = receivedMilliseconds
      exporter.lastSeenMilliseconds = receivedMilliseconds
      exporter.context.receivedMilliseconds = receivedMilliseconds
      if (!parseLine(text, event, exporter.context)) exporter.notUnderstood++
      if (!Number.isNaN(event.timeMilliseconds)) {
        exporter.clockSkewMilliseconds = event.timeMilliseconds - receivedMilliseconds
      }
      if (event.product !== '') {
        exporter.vendor = event.vendor
        exporter.product = event.product
      }
      if (event.kind === Kind.connection && event.hasPair() && event.families[0] === event.families[1]) {
        exporter.connections++
        writeConnection(writer, exporter, event, receivedMilliseconds, shapeFor)
      } else writeMessage(writer, exporter, event, receivedMilliseconds, shapeFor)
    },
  }
}

function makeExporter(
  address: Address,
  listenerPort: number,
  transport: number,
  zone: string | undefined,
): SyslogExporter {
  return {
    identity: { address, listenerPort, transport, protocol: SYSLOG_PROTOCOL, observationDomainId: 0 },
    context: createContext(0, zone),
    lines: 0,
    octets: 0,
    connections: 0,
    notUnderstood: 0,
    firstSeenMilliseconds: 0,
    lastSeenMilliseconds: 0,
    clockSkewMilliseconds: Number.NaN,
    vendor: '',
    product: '',
  }
}

type Write = (builder: BlockBuilder, row: number) => void

function writeConnection(
  writer: BlockWriter,
  exporter: SyslogExporter,
  event: SyslogEvent,
  receivedMilliseconds: number,
  shapeFor: (columns: number[]) => Shape,
): void {
  const columns = [0, 1, 2, Column.sourceAddress, Column.destinationAddress, Column.message]
  const writes: Write[] = []
  const number = (column: number, value: number) => {
    if (Number.isNaN(value) || value < 0) return
    columns.push(column)
    writes.push((builder, row) => builder.setNumber(column, row, value))
  }
  const counter = (column: number, value: number) => {
    if (Number.isNaN(value) || value < 0) return
    columns.push(column)
    writes.push((builder, row) => builder.setUnsigned64(column, row, value))
  }
  const text = (column: number, value: string | undefined) => {
    if (value === undefined || value === '') return
    columns.push(column)
    writes.push((builder, row) => builder.setText(column, row, value))
  }
  const isIcmp = event.protocol === ICMP || event.protocol === ICMPV6
  number(Column.protocolIdentifier, event.protocol)
  number(Column.sourceTransportPort, event.sourcePort)
  number(Column.destinationTransportPort, event.destinationPort)
  number(Column.postNAPTSourceTransportPort, event.postNATSourcePort)
  number(Column.postNAPTDestinationTransportPort, event.postNATDestinationPort)
  if (event.icmpType >= 0) {
    number(Column.icmpType, event.icmpType)
    number(Column.icmpCode, event.icmpCode)
    number(Column.icmpFrom, 1)
  }
  number(Column.outcome, event.outcome === 0 ? Number.NaN : event.outcome)
  number(Column.phase, event.phase === 0 ? Number.NaN : event.phase)
  counter(Column.octets, event.octetsSourceToDestination)
  counter(Column.reverseOctets, event.octetsDestinationToSource)
  counter(Column.octetsTotal, event.octetsTotal)
  counter(Column.packets, event.packetsSourceToDestination)
  counter(Column.reversePackets, event.packetsDestinationToSource)
  counter(Column.packetsTotal, event.packetsTotal)
  number(Column.durationMilliseconds, event.durationMilliseconds)
  writeTimes(event, number)
  for (const [field, column] of flowTexts) text(column, event.text(field))
  if (!event.has(Field.action)) text(Column.action, event.actionName)
  text(Column.vendor, event.vendor)
  text(Column.product, event.product)

  for (const [slot, column] of [
    [AddressSlot.postNATSource, Column.postNATSourceAddress],
    [AddressSlot.postNATDestination, Column.postNATDestinationAddress],
  ] as const) {
    if (event.families[slot] === 0) continue
    columns.push(column)
    const [word0, word1, word2, word3] = wordsOf(event, slot)
    const mapped = event.families[slot] === 4 ? 0xffff : word2
    writes.push((builder, row) =>
      builder.setNumber(column, row, builder.addresses.indexOf(word0, word1, mapped, word3)),
    )
  }
  const isIPv6 = event.families[AddressSlot.source] === 6
  const builder = writer.builder((isIcmp ? 2 : 0) + (isIPv6 ? 1 : 0))
  const row = builder.begin(exporter.identity, shapeFor(columns), receivedMilliseconds, 1)
  builder.setAddress(Column.sourceAddress, row, wordsOf(event, AddressSlot.source))
  builder.setAddress(Column.destinationAddress, row, wordsOf(event, AddressSlot.destination))
  builder.setText(Column.message, row, event.line)
  for (const write of writes) write(builder, row)
}

/** A line that ends a session is written at its end, one that begins it at its start. */
function writeTimes(event: SyslogEvent, number: (column: number, value: number) => void): void {
  const { timeMilliseconds, durationMilliseconds, phase } = event
  if (phase === Phase.end || phase === Phase.update) {
    number(Column.endMilliseconds, timeMilliseconds)
    number(Column.startMilliseconds, timeMilliseconds - durationMilliseconds)
  } else number(Column.startMilliseconds, timeMilliseconds)
}

function writeMessage(
  writer: BlockWriter,
  exporter: SyslogExporter,
  event: SyslogEvent,
  receivedMilliseconds: number,
  shapeFor: (columns: number[]) => Shape,
): void {
  const columns = [0, 1, 2, Message.message]
  const numbers: [number, number][] = []
  const texts: [number, string][] = []
  if (!Number.isNaN(event.timeMilliseconds)) numbers.push([Message.timeMilliseconds, event.timeMilliseconds])
  if (event.facility >= 0) numbers.push([Message.facility, event.facility])
  if (event.severity >= 0) numbers.push([Message.severity, event.severity])
  for (const [column, value] of [
    [Message.host, event.text(Field.host)],
    [Message.application, event.text(Field.application)],
    [Message.vendor, event.vendor],
    [Message.product, event.product],
    [Message.eventId, event.text(Field.eventId)],
  ] as const) {
    if (value !== undefined && value !== '') texts.push([column, value])
  }
  for (const [column] of [...numbers, ...texts]) columns.push(column)
  const builder = writer.builder(MESSAGE_STREAM)
  const row = builder.begin(exporter.identity, shapeFor(columns), receivedMilliseconds, 1)
  for (const [column, value] of numbers) builder.setNumber(column, row, value)
  for (const [column, value] of texts) builder.setText(column, row, value)
  builder.setText(Message.message, row, event.line)
}

function wordsOf(event: SyslogEvent, slot: number): [number, number, number, number] {
  const at = slot * 4
  return [event.words[at]!, event.words[at + 1]!, event.words[at + 2]!, event.words[at + 3]!]
}
