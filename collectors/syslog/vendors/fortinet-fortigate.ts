/**
 * Fortinet FortiGate, `key=value` and CEF. Sees traffic (forward, local, sniffer) with octets and packets each way, NAT,
 * policy, application, and UTM events with their session; both addresses make a connection. Long sessions log deltas
 * beside totals: the delta is what belongs to this line. Source: "FortiOS Log Message Reference", "Log field format".
 */
import { CefColumns, CefHeader, isCefOf, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, type EscapeKind, Field, type FieldIndex, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { walkPairs } from '../pairs.js'
import {
  dropIdleTranslation,
  type SyslogProduct,
  setAction,
  setConnectionIfPaired,
  setDirection,
} from '../product.js'
import { readProtocol } from '../protocols.js'
import { digitsEnd, readAddress, readNumber, readOctet, readPort, readSmall, SLASH } from '../scan.js'
import { Shape } from '../shape.js'
import { readDateAndTime, setEpoch } from '../timestamp.js'
import { fortinetProduct } from './fortinet-products.js'

const Key = {
  date: 1,
  time: 2,
  tz: 3,
  eventtime: 4,
  devname: 5,
  logid: 6,
  log_id: 6,
  type: 7,
  subtype: 8,
  srcip: 9,
  src: 9,
  dstip: 10,
  dst: 10,
  srcport: 11,
  src_port: 11,
  spt: 11,
  dstport: 12,
  dst_port: 12,
  dpt: 12,
  srcintf: 13,
  src_int: 13,
  deviceInboundInterface: 13,
  dstintf: 14,
  dst_int: 14,
  deviceOutboundInterface: 14,
  proto: 15,
  action: 16,
  act: 16,
  policyid: 17,
  policy_id: 17,
  policyname: 18,
  service: 19,
  app: 20,
  duration: 21,
  sentbyte: 22,
  sent: 22,
  out: 22,
  rcvdbyte: 23,
  rcvd: 23,
  in: 23,
  sentpkt: 24,
  rcvdpkt: 25,
  sentdelta: 26,
  rcvddelta: 27,
  sentpktdelta: 28,
  rcvdpktdelta: 29,
  transip: 30,
  transport: 31,
  tranip: 32,
  tranport: 33,
  sessionid: 34,
  session_id: 34,
  externalId: 34,
  user: 35,
  suser: 35,
  unauthuser: 36,
  duser: 36,
  direction: 37,
  dir: 37,
  deviceDirection: 38,
  icmptype: 39,
  icmpcode: 40,
  sourceTranslatedAddress: 30,
  sourceTranslatedPort: 31,
  destinationTranslatedAddress: 32,
  destinationTranslatedPort: 33,
  dvchost: 5,
  cat: 41,
  eventtype: 42,
} as const
const keys = new KeyTable(Key)
const cef = new CefColumns()

/** What a line's keys tell that is settled at its end; module registers, cleared per line. */
let dateStart = -1
let timeStart = -1
let timeEnd = -1
let zoneStart = -1
let zoneEnd = -1
let eventTime = Number.NaN
let eventTimeStart = -1
let eventTimeEnd = -1
let typeStart = -1
let typeEnd = -1
let subtypeStart = -1
let isCef = false
let octetsSent = Number.NaN
let octetsReceived = Number.NaN

/** The line is written up to this much later than the event that it is about. */
const SAME_EVENT = 2000
const DAY_AND_ZONES = 26 * 3_600_000

const textFields: Readonly<Record<number, FieldIndex>> = {
  [Key.devname]: Field.host,
  [Key.logid]: Field.eventId,
  [Key.srcintf]: Field.ingressInterfaceName,
  [Key.dstintf]: Field.egressInterfaceName,
  [Key.policyid]: Field.ruleId,
  [Key.policyname]: Field.ruleName,
  [Key.service]: Field.service,
  [Key.app]: Field.applicationName,
  [Key.sessionid]: Field.sessionId,
  [Key.user]: Field.userName,
}

function take(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  const line = event.line
  switch (key) {
    case Key.srcip:
      readAddress(event, AddressSlot.source, start, end)
      return
    case Key.dstip:
      readAddress(event, AddressSlot.destination, start, end)
      return
    case Key.srcport:
      event.sourcePort = readPort(line, start, end)
      return
    case Key.dstport:
      event.destinationPort = readPort(line, start, end)
      return
    case Key.proto:
      event.protocol = readProtocol(line, start, end)
      return
    case Key.action:
      setAction(event, start, end)
      return
    case Key.sentbyte:
      octetsSent = readNumber(line, start, end)
      return
    case Key.rcvdbyte:
      octetsReceived = readNumber(line, start, end)
      return
    case Key.date:
      dateStart = end - start === 10 ? start : -1
      return
    case Key.time:
      timeStart = start
      timeEnd = end
      return
    case Key.tz:
      zoneStart = start
      zoneEnd = end
      return
    case Key.eventtime:
      readEventTime(line, start, end)
      return
    case Key.type:
      typeStart = start
      typeEnd = end
      return
    case Key.subtype:
      subtypeStart = start
      return
    case Key.cat:
      // CEF only: `cat=traffic:forward`; elsewhere a web category.
      if (isCef) {
        typeStart = start
        typeEnd = end
      }
      return
    default:
      takeOther(event, key, start, end, escaping)
  }
}

function takeOther(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  const line = event.line
  switch (key) {
    case Key.duration:
      event.durationMilliseconds = readNumber(line, start, end) * 1000
      return
    case Key.sentpkt:
      if (Number.isNaN(event.packetsSourceToDestination))
        event.packetsSourceToDestination = readNumber(line, start, end)
      return
    case Key.rcvdpkt:
      if (Number.isNaN(event.packetsDestinationToSource))
        event.packetsDestinationToSource = readNumber(line, start, end)
      return
    case Key.sentdelta:
      event.octetsSourceToDestination = readNumber(line, start, end)
      return
    case Key.rcvddelta:
      event.octetsDestinationToSource = readNumber(line, start, end)
      return
    case Key.sentpktdelta:
      event.packetsSourceToDestination = readNumber(line, start, end)
      return
    case Key.rcvdpktdelta:
      event.packetsDestinationToSource = readNumber(line, start, end)
      return
    case Key.transip:
      readAddress(event, AddressSlot.postNATSource, start, end)
      return
    case Key.transport:
      event.postNATSourcePort = readPort(line, start, end)
      return
    case Key.tranip:
      readAddress(event, AddressSlot.postNATDestination, start, end)
      return
    case Key.tranport:
      event.postNATDestinationPort = readPort(line, start, end)
      return
    case Key.unauthuser:
      if (!event.has(Field.userName)) event.setSpan(Field.userName, start, end, escaping)
      return
    case Key.direction:
      setDirection(event, start, end)
      return
    case Key.deviceDirection:
      event.setSpan(Field.direction, start, end)
      event.directionName = line.charCodeAt(start) === 0x30 ? 'inbound' : 'outbound'
      return
    case Key.icmptype:
      event.icmpType = readOctet(line, start, end)
      return
    case Key.icmpcode:
      event.icmpCode = readOctet(line, start, end)
      return
    case Key.eventtype:
      return
    case Key.app:
      // In CEF the key `app` is the service; the application stands under the vendor's own prefix.
      if (isCef && !isPrefixed(line, start)) {
        event.setSpan(Field.service, start, end, escaping)
        if (event.has(Field.applicationName)) return
      }
      break
  }
  const field = textFields[key]
  if (field !== undefined) event.setSpan(field, start, end, escaping)
}

/** Seconds, with a fraction in some releases, or milliseconds, microseconds or nanoseconds, told apart by their digits. */
function readEventTime(line: string, start: number, end: number): void {
  const point = line.indexOf('.', start)
  if (point > start && point < end) {
    const fraction = Math.min(end, point + 4)
    eventTime =
      readNumber(line, start, point) * 1e3 +
      readNumber(line, point + 1, fraction) * 10 ** (3 - (fraction - point - 1))
    eventTimeStart = start
    eventTimeEnd = end
    return
  }
  const value = readNumber(line, start, end)
  const digits = end - start
  eventTime = digits >= 19 ? value / 1e6 : digits >= 16 ? value / 1e3 : digits >= 13 ? value : value * 1e3
  eventTimeStart = start
  eventTimeEnd = end
}

function clear(): void {
  dateStart =
    timeStart =
    timeEnd =
    zoneStart =
    zoneEnd =
    eventTimeStart =
    eventTimeEnd =
    typeStart =
    typeEnd =
    subtypeStart =
      -1
  eventTime = octetsSent = octetsReceived = Number.NaN
  isCef = false
}

/** The key in front of this value of `app` has the vendor's prefix. */
function isPrefixed(line: string, start: number): boolean {
  return line.charCodeAt(start - 5) !== 0x20
}

function prefixLength(line: string, start: number): number {
  if (line.startsWith('FTNTFGT', start)) return 7
  return line.startsWith('FortinetFortiGate', start) ? 17 : line.startsWith('ad.', start) ? 3 : 0
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  clear()
  if (event.shape === Shape.cef) {
    if (!cef.read(event)) return false
    isCef = true
    // Where the line has no log id of its own.
    event.setSpan(Field.eventId, cef.starts[CefHeader.signatureId]!, cef.ends[CefHeader.signatureId]!)
    walkCef(event, context, cef.extension, end, keys, take, prefixLength)
  } else {
    // `set format csv`: the same pairs between commas.
    const firstSpace = line.indexOf(' ', event.contentStart)
    const firstComma = line.indexOf(',', event.contentStart)
    const commas =
      firstComma > 0 && firstComma < event.contentStart + 40 && (firstSpace < 0 || firstComma < firstSpace)
    walkPairs(event, context, event.contentStart, end, keys, take, commas ? ',' : ' ')
  }
  event.vendor = 'fortinet'
  event.product = event.shape === Shape.cef ? 'fortigate' : fortinetProduct(line, event.contentStart)
  event.messageStart = event.contentStart
  event.setSpan(Field.message, event.contentStart, end)
  event.clearSpan(Field.application)
  if (Number.isNaN(event.octetsSourceToDestination)) event.octetsSourceToDestination = octetsSent
  if (Number.isNaN(event.octetsDestinationToSource)) event.octetsDestinationToSource = octetsReceived
  settleTimes(event, context)
  settlePhase(event)
  settleIcmp(event)
  dropIdleTranslation(event)
  // Administrators, authentication and VPN have addresses too; the web proxy's events are of traffic.
  if (!isSystemEvent(event)) setConnectionIfPaired(event)
  return true
}

/** "Log types and subtypes": type `event` is of the device itself, but for the explicit proxy's (`subtype="wad"`). */
function isSystemEvent(event: SyslogEvent): boolean {
  return (
    typeStart >= 0 &&
    event.line.startsWith('event', typeStart) &&
    typeEnd - typeStart >= 5 &&
    !event.line.startsWith('wad', subtypeStart) &&
    !event.line.startsWith('event:wad', typeStart)
  )
}

/** date, time and tz; without tz the eventtime, which is UTC; without a date the eventtime alone. */
function settleTimes(event: SyslogEvent, context: SyslogContext): void {
  const dated = dateStart >= 0 && timeStart >= 0
  if (dated) readDateAndTime(event, context, dateStart, timeStart, timeEnd, zoneStart, zoneEnd)
  if (Number.isNaN(eventTime)) return
  const apart = Math.abs(eventTime - event.timeMilliseconds)
  if (dated && zoneStart >= 0 && apart > SAME_EVENT) return
  if (dated && apart > DAY_AND_ZONES) return
  if (dated) setEpoch(event, eventTime, Math.min(dateStart, timeStart), timeEnd)
  else setEpoch(event, eventTime, eventTimeStart, eventTimeEnd)
}

/** Traffic log ids end in 15 or 16 for a session's start and 20 for statistics of a long session; others end one. */
function settlePhase(event: SyslogEvent): void {
  const line = event.line
  if (typeStart < 0 || !line.startsWith('traffic', typeStart) || typeEnd - typeStart < 7) return
  event.phase = Phase.end
  const idEnd = event.end(Field.eventId)
  if (event.has(Field.action) && line.startsWith('start', event.start(Field.action)))
    event.phase = Phase.start
  else if (idEnd > 1) {
    const number = readSmall(line, idEnd - 2, idEnd, 99)
    if (number === 15 || number === 16) event.phase = Phase.start
    else if (number === 20) event.phase = Phase.update
  }
}

/** Without a service object ICMP is named `icmp/type/code`. */
function settleIcmp(event: SyslogEvent): void {
  if (event.icmpType >= 0 || (event.protocol !== 1 && event.protocol !== 58)) return
  const line = event.line
  const field = event.has(Field.service) ? Field.service : Field.applicationName
  const start = event.start(field)
  if (start < 0 || !/^icmp6?\//i.test(line.slice(start, start + 6))) return
  const slash = line.indexOf('/', start)
  const typeStop = digitsEnd(line, slash + 1, event.end(field))
  event.icmpType = readSmall(line, slash + 1, typeStop, 255)
  if (line.charCodeAt(typeStop) === SLASH)
    event.icmpCode = readSmall(line, typeStop + 1, event.end(field), 255)
}

/** Keys that a FortiGate line opens with. */
const openings = [
  'date=',
  'time=',
  'timestamp=',
  'devname=',
  'logver=',
  'itime=',
  'eventtime=',
  'log_id=',
  'logid=',
]

function claims(event: SyslogEvent): boolean {
  const line = event.line
  const start = event.contentStart
  if (event.shape === Shape.cef)
    return isCefOf(event, 'Fortinet', 'Fortigate') || isCefOf(event, 'Fortinet', 'FortiGate')
  const first = line.charCodeAt(start)
  if (!openings.some((opening) => opening.charCodeAt(0) === first && line.startsWith(opening, start)))
    return false
  // Sophos opens its lines alike and has log_id too.
  if (line.includes('logid=') || line.includes('devid=')) return true
  return line.includes('log_id=') && !line.includes('log_component=')
}

/** The product for the registry. */
export const fortinetFortigate: SyslogProduct = {
  id: 'fortinet-fortigate',
  shapes: [Shape.pairs, Shape.cef],
  claims,
  parse,
}
