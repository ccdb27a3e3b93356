/**
 * Palo Alto Networks PAN-OS: CSV by column (TRAFFIC, THREAT, DECRYPTION, TUNNEL, GTP, SCTP are connections; SYSTEM,
 * CONFIG, GLOBALPROTECT, … are not), and CEF, LEEF or JSON by key. App-ID names the application. Columns are only ever appended
 * between versions 7 and 11. Source: PAN-OS Administrator's Guide, "Syslog Field Descriptions".
 */

import { dropIcmpPorts } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { CsvColumns } from '../csv.js'
import { AddressSlot, Field, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import {
  dropIdleTranslation,
  type SyslogProduct,
  setAction,
  setConnectionIfPaired,
  setDirection,
} from '../product.js'
import { readProtocol } from '../protocols.js'
import {
  CLOSE_PARENTHESIS,
  COMMA,
  digitsEnd,
  isDigit,
  OPEN_PARENTHESIS,
  readAddress,
  readNumber,
  readPort,
} from '../scan.js'
import { Shape } from '../shape.js'
import { readTime, readTimeWithZoneOf } from '../timestamp.js'
import { claimsKeyed, parseKeyed } from './paloalto-panos-keyed.js'
import { claimsLeef, parseLeef } from './paloalto-panos-leef.js'

const columns = new CsvColumns()

/** Columns that TRAFFIC, THREAT, DECRYPTION, TUNNEL and GTP share (from 0). */
const Column = {
  type: 3,
  subtype: 4,
  generated: 6,
  source: 7,
  destination: 8,
  natSource: 9,
  natDestination: 10,
  rule: 11,
  user: 12,
  application: 14,
  sourceZone: 16,
  destinationZone: 17,
  ingress: 18,
  egress: 19,
  session: 22,
  sourcePort: 24,
  destinationPort: 25,
  natSourcePort: 26,
  natDestinationPort: 27,
  protocol: 29,
  action: 30,
} as const

/** What is known of one type of log; columns from 0, -1 where it has none. */
type LogType = {
  readonly name: string
  readonly isConnection: boolean
  readonly deviceName: number
  /** Column of the event's name in logs of the system. */
  readonly eventId: number
  readonly endReason: number
}

function logType(
  name: string,
  isConnection: boolean,
  deviceName = -1,
  eventId = -1,
  endReason = -1,
): LogType {
  return { name, isConnection, deviceName, eventId, endReason }
}

const logTypes: readonly LogType[] = [
  logType('TRAFFIC', true, 52, -1, 46),
  logType('THREAT', true, 59),
  logType('DECRYPTION', true, 96),
  logType('TUNNEL', true, 38),
  logType('START', true, 38),
  logType('END', true, 38),
  logType('GTP', true),
  logType('SCTP', true, 37, -1, 52),
  logType('URL', true, 59),
  logType('WILDFIRE', true, 59),
  logType('DATA', true, 59),
  logType('SYSTEM', false, 22, 8),
  logType('CONFIG', false, 23),
  logType('GLOBALPROTECT', false, 47, 8),
  logType('USERID', false, 25, 11),
  logType('HIPMATCH', false, 24),
  logType('HIP-MATCH', false),
  logType('AUTHENTICATION', false, 29),
  logType('AUTH', false, 29),
  logType('CORRELATION', false, 17),
  logType('IPTAG', false, 23, 10),
  logType('AUDIT', false),
]
const typeTable = new KeyTable(Object.fromEntries(logTypes.map(({ name }, index) => [name, index + 1])))

/** The log's type by its column; undefined where the content is no PAN-OS CSV. */
function typeAt(line: Line, start: number): LogType | undefined {
  const limit = Math.min(line.length, start + 160)
  const first = digitsEnd(line, start, Math.min(limit, start + 12))
  if (first === start || line.octetAt(first) !== COMMA) return undefined
  let comma = first
  for (let field = 0; field < 2; field++) {
    comma++
    comma = line.indexOfOctet(COMMA, comma, limit)
    if (comma < 0) return undefined
  }
  const name = comma + 1
  let end = name
  while (end < limit && end < comma + 16 && line.octetAt(end) !== COMMA) end++
  return logTypes[typeTable.findRange(line, name, end) - 1]
}

/** Where the CSV begins: at the content, or behind what looked like a tag. */
function csvStart(event: SyslogEvent): number {
  if (typeAt(event.line, event.contentStart) !== undefined) return event.contentStart
  return event.messageStart !== event.contentStart && typeAt(event.line, event.messageStart) !== undefined
    ? event.messageStart
    : -1
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const start = csvStart(event)
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  event.vendor = 'paloalto'
  event.product = 'pan-os'
  const type = start < 0 ? undefined : typeAt(line, start)
  if (type === undefined)
    return claimsLeef(event) ? parseLeef(event, context, end) : parseKeyed(event, context, end)
  columns.split(line, start, end)
  event.clearSpan(Field.application)
  event.messageStart = start
  event.setSpan(Field.message, start, end)
  columns.span(event, Field.host, type.deviceName)
  columns.span(event, Field.eventId, type.eventId)
  readGenerated(event, context)
  if (type.isConnection) parseSession(event, type)
  return true
}

/**
 * The generated time has no zone; since 10.0 a high-resolution time with its zone stands in one of the last columns,
 * and lends the zone when it tells of the same minute.
 */
function readGenerated(event: SyslogEvent, context: SyslogContext): void {
  const line = event.line
  const start = columns.start(Column.generated)
  if (start < 0 || !readTime(event, context, start, columns.end(Column.generated))) return
  for (let column = columns.count - 1; column > Column.application && column > columns.count - 40; column--) {
    const from = columns.start(column)
    const to = columns.end(column)
    if (to - from < 24 || line.octetAt(from + 4) !== 0x2d || line.octetAt(from + 10) !== 0x54) continue
    if (!sameDigits(line, start, from, 16)) continue
    if (sameDigits(line, start, from, 19)) readTime(event, context, from, to)
    else readTimeWithZoneOf(event, context, start, columns.end(Column.generated), from, to)
    return
  }
}

/** `2021/11/16 16:24` and `2021-11-16T16:24` tell of the same minute, three octets more of the same second. */
function sameDigits(line: Line, a: number, b: number, length: number): boolean {
  for (let index = 0; index < length; index++) {
    if (index === 4 || index === 7 || index === 10) continue
    if (line.octetAt(a + index) !== line.octetAt(b + index)) return false
  }
  return true
}

function number(event: SyslogEvent, column: number): number {
  return readNumber(event.line, columns.start(column), columns.end(column))
}

function port(event: SyslogEvent, column: number): number {
  return readPort(event.line, columns.start(column), columns.end(column))
}

function parseSession(event: SyslogEvent, { name: type, endReason }: LogType): void {
  const line = event.line
  // SCTP has one more reserved column in front of the protocol.
  const shift = type === 'SCTP' ? 1 : 0
  readAddress(event, AddressSlot.source, columns.start(Column.source), columns.end(Column.source))
  readAddress(
    event,
    AddressSlot.destination,
    columns.start(Column.destination),
    columns.end(Column.destination),
  )
  readAddress(
    event,
    AddressSlot.postNATSource,
    columns.start(Column.natSource),
    columns.end(Column.natSource),
  )
  readAddress(
    event,
    AddressSlot.postNATDestination,
    columns.start(Column.natDestination),
    columns.end(Column.natDestination),
  )
  event.sourcePort = port(event, Column.sourcePort)
  event.destinationPort = port(event, Column.destinationPort)
  event.postNATSourcePort = port(event, Column.natSourcePort)
  event.postNATDestinationPort = port(event, Column.natDestinationPort)
  const protocol = Column.protocol + shift
  event.protocol = readProtocol(line, columns.start(protocol), columns.end(protocol))
  if (columns.start(Column.action + shift) >= 0) {
    setAction(event, columns.start(Column.action + shift), columns.end(Column.action + shift))
  }
  columns.span(event, Field.ruleName, Column.rule)
  columns.span(event, Field.userName, Column.user)
  columns.span(event, Field.applicationName, Column.application)
  columns.span(event, Field.sourceZone, Column.sourceZone)
  columns.span(event, Field.destinationZone, Column.destinationZone)
  columns.span(event, Field.ingressInterfaceName, Column.ingress)
  columns.span(event, Field.egressInterfaceName, Column.egress)
  columns.span(event, Field.sessionId, Column.session)
  columns.span(event, Field.endReason, endReason)
  if (type === 'TRAFFIC') parseCounters(event)
  else if (type === 'THREAT') parseThreat(event)
  else if (type === 'SCTP') {
    event.packetsTotal = number(event, 60)
    event.packetsSourceToDestination = number(event, 61)
    event.packetsDestinationToSource = number(event, 62)
  } else if (type === 'GTP') event.durationMilliseconds = number(event, 77) * 1000
  else if (type === 'TUNNEL' || type === 'START' || type === 'END') parseTunnel(event)
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
}

function parseCounters(event: SyslogEvent): void {
  const line = event.line
  event.octetsTotal = number(event, 31)
  event.octetsSourceToDestination = number(event, 32)
  event.octetsDestinationToSource = number(event, 33)
  event.packetsTotal = number(event, 34)
  event.durationMilliseconds = number(event, 36) * 1000
  event.packetsSourceToDestination = number(event, 44)
  event.packetsDestinationToSource = number(event, 45)
  const subtype = columns.start(Column.subtype)
  if (line.startsWith('start', subtype)) event.phase = Phase.start
  else if (
    line.startsWith('end', subtype) ||
    line.startsWith('drop', subtype) ||
    line.startsWith('deny', subtype)
  ) {
    event.phase = Phase.end
  }
}

/** The threat's number stands in brackets behind its name. */
function parseThreat(event: SyslogEvent): void {
  const line = event.line
  setDirection(event, columns.start(35), columns.end(35))
  const end = columns.end(32) - 1
  if (end < 0 || line.octetAt(end) !== CLOSE_PARENTHESIS) return
  let start = end
  while (start > columns.start(32) && isDigit(line.octetAt(start - 1))) start--
  if (line.octetAt(start - 1) === OPEN_PARENTHESIS) event.setSpan(Field.eventId, start, end)
}

function parseTunnel(event: SyslogEvent): void {
  const subtype = columns.start(Column.subtype)
  if (event.line.startsWith('start', subtype)) event.phase = Phase.start
  else if (event.line.startsWith('end', subtype)) event.phase = Phase.end
}

/** The product for the registry. */
export const paloaltoPanos: SyslogProduct = {
  id: 'paloalto-panos',
  shapes: [Shape.csv, Shape.cef, Shape.leef, Shape.json],
  claims: (event) => claimsLeef(event) || claimsKeyed(event) || csvStart(event) >= 0,
  parse,
}
