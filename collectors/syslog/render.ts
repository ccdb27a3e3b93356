/**
 * The JSON object of `parse-syslog` for one event: an absent key was not sent. Texts are decoded here, addresses are
 * written as RFC 5952 says; this is the slow path for people, the ingest path reads the event itself.
 */
import { formatIPv4, formatIPv6 } from '#core/records/address.js'
import { outcomeNames, phaseNames } from '#core/records/columns.js'
import {
  AddressSlot,
  type AddressSlotIndex,
  type Field,
  fieldNames,
  Kind,
  type SyslogEvent,
} from './event.js'

const zoneFromNames = [undefined, 'message', 'configured', 'default'] as const

/** One line of `parse-syslog`. */
export type SyslogRecord = Record<string, string | number | boolean>

/** The address in a slot as text; undefined where it is unknown. */
export function addressText(event: SyslogEvent, slot: AddressSlotIndex): string | undefined {
  const words = event.words
  const offset = slot * 4
  if (event.families[slot] === 4) return formatIPv4(words[offset + 3]!)
  if (event.families[slot] !== 6) return undefined
  return formatIPv6(words[offset]!, words[offset + 1]!, words[offset + 2]!, words[offset + 3]!)
}

/** The object that `parse-syslog` prints for an event. */
export function renderEvent(event: SyslogEvent, lineNumber: number): SyslogRecord {
  const record: SyslogRecord = {
    line: lineNumber,
    kind: event.kind === Kind.connection ? 'connection' : 'other',
  }
  if (event.vendor !== '') record['vendor'] = event.vendor
  if (event.product !== '') record['product'] = event.product
  register(record, 'facility', event.facility)
  register(record, 'severity', event.severity)
  quantity(record, 'timeMilliseconds', event.timeMilliseconds)
  const zoneFrom = zoneFromNames[event.timeZoneFrom]
  if (zoneFrom !== undefined) record['timeZoneFrom'] = zoneFrom
  if (event.yearInferred) record['yearInferred'] = true
  address(record, 'sourceAddress', event, AddressSlot.source)
  address(record, 'destinationAddress', event, AddressSlot.destination)
  register(record, 'sourceTransportPort', event.sourcePort)
  register(record, 'destinationTransportPort', event.destinationPort)
  register(record, 'protocolIdentifier', event.protocol)
  register(record, 'icmpType', event.icmpType)
  register(record, 'icmpCode', event.icmpCode)
  address(record, 'postNATSourceAddress', event, AddressSlot.postNATSource)
  address(record, 'postNATDestinationAddress', event, AddressSlot.postNATDestination)
  register(record, 'postNAPTSourceTransportPort', event.postNATSourcePort)
  register(record, 'postNAPTDestinationTransportPort', event.postNATDestinationPort)
  if (event.outcome > 0) record['outcome'] = outcomeNames[event.outcome]!
  if (event.phase > 0) record['phase'] = phaseNames[event.phase]!
  quantity(record, 'octetsSourceToDestination', event.octetsSourceToDestination)
  quantity(record, 'octetsDestinationToSource', event.octetsDestinationToSource)
  quantity(
    record,
    'octetsTotal',
    total(event.octetsTotal, event.octetsSourceToDestination, event.octetsDestinationToSource),
  )
  quantity(record, 'packetsSourceToDestination', event.packetsSourceToDestination)
  quantity(record, 'packetsDestinationToSource', event.packetsDestinationToSource)
  quantity(
    record,
    'packetsTotal',
    total(event.packetsTotal, event.packetsSourceToDestination, event.packetsDestinationToSource),
  )
  quantity(record, 'durationMilliseconds', event.durationMilliseconds)
  for (let field = 0; field < fieldNames.length; field++) {
    const text = event.text(field as (typeof Field)[keyof typeof Field])
    if (text !== undefined) record[fieldNames[field]!] = text
  }
  if (event.directionName !== '') record['direction'] = event.directionName
  if (event.actionName !== '') record['action'] = event.actionName
  return record
}

function register(record: SyslogRecord, name: string, value: number): void {
  if (value >= 0) record[name] = value
}

/** Integers that a double cannot hold are decimal strings (CONTRACT: above 2^53 - 1). */
function quantity(record: SyslogRecord, name: string, value: number): void {
  if (Number.isNaN(value)) return
  record[name] = value > Number.MAX_SAFE_INTEGER ? BigInt(Math.round(value)).toString() : value
}

/** The sum that the log states, else that of both directions. */
function total(stated: number, forward: number, backward: number): number {
  return Number.isNaN(stated) ? forward + backward : stated
}

function address(record: SyslogRecord, name: string, event: SyslogEvent, slot: AddressSlotIndex): void {
  const text = addressText(event, slot)
  if (text !== undefined) record[name] = text
}
