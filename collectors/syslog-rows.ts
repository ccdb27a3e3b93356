/** From a parsed line to the fields of its row: a connection's beside the flows, a message's for search. */
import { FlowColumnIndex as Column, MessageColumnIndex as Message } from '#core/records/columns.js'
import type { RowDraft } from './row-draft.js'
import { escapeMarks } from './syslog/escapes.js'
import { AddressSlot, Field, type FieldIndex, Outcome, Phase, type SyslogEvent } from './syslog/event.js'

const ICMP_FROM_ELEMENT = 1

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

/** A connection beside the flows. */
export function draftConnection(draft: RowDraft, event: SyslogEvent): void {
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
export function draftMessage(draft: RowDraft, event: SyslogEvent): void {
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
