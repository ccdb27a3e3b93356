/**
 * The one way of log lines into the store: a parsed connection becomes a row beside the flows, everything else a row of
 * the message stream, both with the line as received. Sockets and imported files both come through here.
 */
import type { Address } from '#core/records/address.js'
import {
  FlowColumnIndex as Column,
  MessageColumnIndex as Message,
  streamNames,
} from '#core/records/columns.js'
import { type ExporterIdentity, SYSLOG_PROTOCOL } from '#core/records/exporter.js'
import type { BlockWriter } from '#core/store/writer.js'
import { RowDraft } from './row-draft.js'
import { Directions, DirectionTable } from './syslog/directions.js'
import { escapeMarks } from './syslog/escapes.js'
import { AddressSlot, Field, type FieldIndex, Kind, Outcome, Phase } from './syslog/event.js'
import { createMappedProduct, type SyslogMapping } from './syslog/mapping.js'
import {
  createContext,
  parseLine,
  parseOctets,
  type SyslogContext,
  SyslogEvent,
  type SyslogSettings,
} from './syslog/parse.js'

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
  /** Takes the octets of one line as received, without its line end. */
  octets(
    octets: Uint8Array,
    from: number,
    to: number,
    source: Address,
    listenerPort: number,
    transport: number,
    receivedMilliseconds: number,
  ): void
  /** As `octets`, of a line with one character per octet. */
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
  /** Products that the configuration describes. */
  readonly mappings?: readonly SyslogMapping[]
}

/** Connections whose direction is remembered, over all firewalls; 16 octets each. */
const DIRECTION_ENTRIES = 1_048_576
/** Senders remembered: spoofed ones must not fill the memory. */
const MAX_SYSLOG_EXPORTERS = 16_384

const MESSAGE_STREAM = streamNames.indexOf('message')
const ICMP = 1
const ICMP_FROM_ELEMENT = 1
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
  [Field.host, Column.host],
]
const textFields: readonly FieldIndex[] = flowTexts.map(([field]) => field)
const textColumns: readonly number[] = flowTexts.map(([, column]) => column)

export function createSyslogIntake({ writer, zoneOf, mappings = [] }: SyslogIntakeOptions): SyslogIntake {
  const mapped = mappings.map(createMappedProduct)
  const table = new DirectionTable(DIRECTION_ENTRIES)
  const exporters = new Map<string, SyslogExporter>()
  const byAddress = new Map<Address, Map<number, SyslogExporter>>()
  const counts = { refusedExporters: 0 }
  const event = new SyslogEvent()
  const draft = new RowDraft()

  let lastSource: Address | undefined
  let lastSession = -1
  let lastExporter: SyslogExporter | undefined

  const findExporter = (
    source: Address,
    listenerPort: number,
    transport: number,
    session: number,
  ): SyslogExporter | undefined => {
    const found = byAddress.get(source)?.get(session)
    if (found !== undefined) return found
    const key = `${source.family}/${source.words.join()}/${session}`
    let exporter = exporters.get(key)
    if (exporter === undefined) {
      if (exporters.size >= MAX_SYSLOG_EXPORTERS) {
        return undefined
      }
      exporter = makeExporter(source, listenerPort, transport, {
        zone: zoneOf(source),
        mapped,
        directions: new Directions(table, exporters.size),
      })
      exporters.set(key, exporter)
    }
    if (byAddress.size >= 2 * MAX_SYSLOG_EXPORTERS) byAddress.clear()
    const sessions = byAddress.get(source) ?? new Map<number, SyslogExporter>()
    sessions.set(session, exporter)
    byAddress.set(source, sessions)
    return exporter
  }
  /** The sender of a line, whose counts are begun. Lines of one sender often follow each other. */
  const beginLine = (
    octets: number,
    source: Address,
    listenerPort: number,
    transport: number,
    receivedMilliseconds: number,
  ): SyslogExporter | undefined => {
    const session = listenerPort * 4 + transport
    if (source !== lastSource || session !== lastSession) {
      lastExporter = findExporter(source, listenerPort, transport, session)
      lastSource = source
      lastSession = session
    }
    const exporter = lastExporter
    if (exporter === undefined) {
      counts.refusedExporters++
      return undefined
    }
    exporter.lines++
    exporter.octets += octets
    if (exporter.firstSeenMilliseconds === 0) exporter.firstSeenMilliseconds = receivedMilliseconds
    exporter.lastSeenMilliseconds = receivedMilliseconds
    exporter.context.receivedMilliseconds = receivedMilliseconds
    return exporter
  }
  const finishLine = (exporter: SyslogExporter, isUnderstood: boolean, receivedMilliseconds: number) => {
    if (!isUnderstood) exporter.notUnderstood++
    if (!Number.isNaN(event.timeMilliseconds)) {
      exporter.clockSkewMilliseconds = event.timeMilliseconds - receivedMilliseconds
    }
    if (event.product !== '') {
      exporter.vendor = event.vendor
      exporter.product = event.product
    }
    if (event.kind === Kind.connection && event.hasPair() && event.families[0] === event.families[1]) {
      exporter.connections++
      const isIcmp = event.protocol === ICMP || event.protocol === ICMPV6
      const isIPv6 = event.families[AddressSlot.source] === 6
      draft.begin(writer, (isIcmp ? 2 : 0) + (isIPv6 ? 1 : 0))
      draftConnection(draft, event)
    } else {
      draft.begin(writer, MESSAGE_STREAM)
      draftMessage(draft, event)
    }
    draft.finish(exporter.identity, receivedMilliseconds)
  }
  return {
    exporters,
    counts,
    octets(octets, from, to, source, listenerPort, transport, received) {
      const exporter = beginLine(to - from, source, listenerPort, transport, received)
      if (exporter === undefined) return
      finishLine(exporter, parseOctets(octets, from, to, event, exporter.context), received)
    },
    line(text, source, listenerPort, transport, received) {
      const exporter = beginLine(text.length, source, listenerPort, transport, received)
      if (exporter === undefined) return
      finishLine(exporter, parseLine(text, event, exporter.context), received)
    },
  }
}

function makeExporter(
  address: Address,
  listenerPort: number,
  transport: number,
  settings: SyslogSettings,
): SyslogExporter {
  return {
    identity: { address, listenerPort, transport, protocol: SYSLOG_PROTOCOL, observationDomainId: 0 },
    context: createContext(0, settings),
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

/** A connection beside the flows. */
function draftConnection(draft: RowDraft, event: SyslogEvent): void {
  draft.address(Column.sourceAddress, event.words, 4 * AddressSlot.source)
  draft.address(Column.destinationAddress, event.words, 4 * AddressSlot.destination)
  draft.number(Column.protocolIdentifier, event.protocol)
  draft.number(Column.sourceTransportPort, event.sourcePort)
  draft.number(Column.destinationTransportPort, event.destinationPort)
  draft.number(Column.postNAPTSourceTransportPort, event.postNATSourcePort)
  draft.number(Column.postNAPTDestinationTransportPort, event.postNATDestinationPort)
  if (event.icmpType >= 0) {
    draft.number(Column.icmpType, event.icmpType)
    draft.number(Column.icmpCode, event.icmpCode)
    draft.number(Column.icmpFrom, ICMP_FROM_ELEMENT)
  }
  if (event.outcome !== Outcome.none) draft.number(Column.outcome, event.outcome)
  if (event.phase !== Phase.none) draft.number(Column.phase, event.phase)
  if (!event.runningTotals) draftCounters(draft, event)
  draft.number(Column.durationMilliseconds, event.durationMilliseconds)
  draftTimes(draft, event)
  for (let index = 0; index < textFields.length; index++) {
    draftText(draft, textColumns[index]!, event, textFields[index]!)
  }
  if (!event.has(Field.action)) draft.text(Column.action, event.actionName)
  draft.text(Column.vendor, event.vendor)
  draft.text(Column.product, event.product)
  draft.latin1(Column.message, event.line, 0, event.line.length)
  draftTranslation(draft, event, AddressSlot.postNATSource, Column.postNATSourceAddress)
  draftTranslation(draft, event, AddressSlot.postNATDestination, Column.postNATDestinationAddress)
}

/** A text as its octets stand in the line, where that is what it says; else unescaped and decoded. */
function draftText(draft: RowDraft, column: number, event: SyslogEvent, field: FieldIndex): void {
  const start = event.start(field)
  if (start < 0) return
  const mark = escapeMarks[event.escapes[field]!]!
  if (!draft.plain(column, event.line, start, event.end(field), mark)) draft.text(column, event.text(field))
}

/** Rows add up: what a later line of the session counts once more is left out. */
function draftCounters(draft: RowDraft, event: SyslogEvent): void {
  draft.unsigned64(Column.octets, event.octetsSourceToDestination)
  draft.unsigned64(Column.reverseOctets, event.octetsDestinationToSource)
  draft.unsigned64(Column.octetsTotal, event.octetsTotal)
  if (event.runningPackets) return
  draft.unsigned64(Column.packets, event.packetsSourceToDestination)
  draft.unsigned64(Column.reversePackets, event.packetsDestinationToSource)
  draft.unsigned64(Column.packetsTotal, event.packetsTotal)
}

function draftTranslation(draft: RowDraft, event: SyslogEvent, slot: number, column: number): void {
  const family = event.families[slot]!
  if (family !== 0) draft.dictionaryAddress(column, family, event.words, 4 * slot)
}

/** A line that ends a session is written at its end, one that begins it at its start, unless its time says otherwise. */
function draftTimes(draft: RowDraft, event: SyslogEvent): void {
  const { timeMilliseconds, durationMilliseconds, phase } = event
  if (event.timeIsStart) {
    draft.number(Column.startMilliseconds, timeMilliseconds)
    draft.number(Column.endMilliseconds, timeMilliseconds + durationMilliseconds)
  } else if (phase === Phase.end || phase === Phase.update) {
    draft.number(Column.endMilliseconds, timeMilliseconds)
    draft.number(Column.startMilliseconds, timeMilliseconds - durationMilliseconds)
  } else draft.number(Column.startMilliseconds, timeMilliseconds)
}

/** Everything else, kept for search. */
function draftMessage(draft: RowDraft, event: SyslogEvent): void {
  draft.number(Message.timeMilliseconds, event.timeMilliseconds)
  draft.number(Message.facility, event.facility)
  draft.number(Message.severity, event.severity)
  draftText(draft, Message.host, event, Field.host)
  draftText(draft, Message.application, event, Field.application)
  draft.text(Message.vendor, event.vendor)
  draft.text(Message.product, event.product)
  draftText(draft, Message.eventId, event, Field.eventId)
  draft.latin1(Message.message, event.line, 0, event.line.length)
}
