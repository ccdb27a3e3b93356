/**
 * The keys of FortiGate's logs in all their releases and in CEF, and what each says. What several keys settle together
 * stands in `seen` until the line ends.
 */

import { AddressSlot, type EscapeKind, Field, type FieldIndex, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { setAction, setDirection } from '../product.js'
import { readProtocol } from '../protocols.js'
import { DOT, readAddress, readNumber, readOctet, readPort } from '../scan.js'

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
  sent_pkt: 24,
  rcvdpkt: 25,
  rcvd_pkt: 25,
  sentdelta: 26,
  rcvddelta: 27,
  sentpktdelta: 28,
  rcvdpktdelta: 29,
  transip: 30,
  tran_ip: 30,
  transport: 31,
  tran_port: 31,
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
  status: 43,
  tran_disp: 44,
} as const
export const keys = new KeyTable(Key)

/** What a line's keys tell that is settled at its end; one object for all lines, cleared per line. */
export const seen = {
  dateStart: -1,
  timeStart: -1,
  timeEnd: -1,
  zoneStart: -1,
  zoneEnd: -1,
  /** Epoch milliseconds. */
  eventTime: Number.NaN,
  eventTimeStart: -1,
  eventTimeEnd: -1,
  typeStart: -1,
  typeEnd: -1,
  subtypeStart: -1,
  /** FortiOS 3 and 4 call the action of traffic its status. */
  statusStart: -1,
  statusEnd: -1,
  isDestinationTranslated: false,
  isCef: false,
  /** The session's so far; deltas stand beside them. */
  octetsSent: Number.NaN,
  octetsReceived: Number.NaN,
  packetsSent: Number.NaN,
  packetsReceived: Number.NaN,
}

export function clearSeen(): void {
  seen.dateStart = seen.timeStart = seen.timeEnd = seen.zoneStart = seen.zoneEnd = -1
  seen.eventTimeStart = seen.eventTimeEnd = seen.typeStart = seen.typeEnd = seen.subtypeStart = -1
  seen.statusStart = seen.statusEnd = -1
  seen.eventTime = seen.octetsSent = seen.octetsReceived = Number.NaN
  seen.packetsSent = seen.packetsReceived = Number.NaN
  seen.isCef = seen.isDestinationTranslated = false
}

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

export function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
): void {
  const line = event.line
  // FortiOS 3 and 4 write it where they have nothing.
  if (end - start === 3 && line.startsWith('N/A', start)) return
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
      seen.octetsSent = readNumber(line, start, end)
      return
    case Key.rcvdbyte:
      seen.octetsReceived = readNumber(line, start, end)
      return
    case Key.date:
      seen.dateStart = end - start === 10 ? start : -1
      return
    case Key.time:
      seen.timeStart = start
      seen.timeEnd = end
      return
    case Key.tz:
      seen.zoneStart = start
      seen.zoneEnd = end
      return
    case Key.eventtime:
      readEventTime(line, start, end)
      return
    case Key.type:
      seen.typeStart = start
      seen.typeEnd = end
      return
    case Key.subtype:
      seen.subtypeStart = start
      return
    case Key.cat:
      // CEF only: `cat=traffic:forward`; elsewhere a web category.
      if (seen.isCef) {
        seen.typeStart = start
        seen.typeEnd = end
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
      seen.packetsSent = readNumber(line, start, end)
      return
    case Key.rcvdpkt:
      seen.packetsReceived = readNumber(line, start, end)
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
      event.directionName = line.octetAt(start) === 0x30 ? 'inbound' : 'outbound'
      return
    case Key.icmptype:
      event.icmpType = readOctet(line, start, end)
      return
    case Key.icmpcode:
      event.icmpCode = readOctet(line, start, end)
      return
    case Key.status:
      seen.statusStart = start
      seen.statusEnd = end
      return
    case Key.tran_disp:
      seen.isDestinationTranslated = line.startsWith('dnat', start)
      return
    case Key.app:
      // In CEF the key `app` is the service; the application stands under the vendor's own prefix.
      if (seen.isCef && !isPrefixed(line, start)) {
        event.setSpan(Field.service, start, end, escaping)
        if (event.has(Field.applicationName)) return
      }
      break
  }
  const field = textFields[key]
  if (field !== undefined) event.setSpan(field, start, end, escaping)
}

/** Seconds, with a fraction in some releases, or milliseconds, microseconds or nanoseconds, told apart by their digits. */
function readEventTime(line: Line, start: number, end: number): void {
  seen.eventTimeStart = start
  seen.eventTimeEnd = end
  const point = line.indexOfOctet(DOT, start, end)
  if (point > start) {
    const fraction = Math.min(end, point + 4)
    seen.eventTime =
      readNumber(line, start, point) * 1e3 +
      readNumber(line, point + 1, fraction) * 10 ** (3 - (fraction - point - 1))
    return
  }
  const value = readNumber(line, start, end)
  const digits = end - start
  seen.eventTime =
    digits >= 19 ? value / 1e6 : digits >= 16 ? value / 1e3 : digits >= 13 ? value : value * 1e3
}

/** The key in front of this value of `app` has the vendor's prefix. */
function isPrefixed(line: Line, start: number): boolean {
  return line.octetAt(start - 5) !== 0x20
}
