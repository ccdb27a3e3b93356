/**
 * PAN-OS logs with keys: CEF as the vendor's integration guide defines it, and CEF and JSON of Strata Logging Service
 * ("Log forwarding schema reference"). The same facts as the CSV, under other names.
 */

import { dropIcmpPorts } from '../assign.js'
import { CefColumns, CefHeader, isCefOf, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import {
  AddressSlot,
  type EscapeKind,
  Field,
  type FieldIndex,
  Kind,
  Phase,
  type SyslogEvent,
} from '../event.js'
import { JsonKeys, walkJson } from '../json.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { dropIdleTranslation, setAction, setConnectionIfPaired, setDirection } from '../product.js'
import { readProtocol } from '../protocols.js'
import { readAddress, readNumber, readPort } from '../scan.js'
import { Shape } from '../shape.js'
import { readTime } from '../timestamp.js'

const Key = {
  src: 1,
  SourceAddress: 1,
  SourceIP: 1,
  Source: 1,
  dst: 2,
  DestinationAddress: 2,
  DestinationIP: 2,
  spt: 3,
  SourcePort: 3,
  dpt: 4,
  DestinationPort: 4,
  proto: 5,
  Protocol: 5,
  act: 6,
  Action: 6,
  app: 7,
  Application: 7,
  cs1: 8,
  Rule: 8,
  RuleMatched: 8,
  cs4: 9,
  FromZone: 9,
  SourceZone: 9,
  cs5: 10,
  ToZone: 10,
  DestinationZone: 10,
  cn1: 11,
  SessionID: 11,
  suser: 12,
  SourceUser: 12,
  PanOSSourceUserName: 37,
  sourceTranslatedAddress: 13,
  NATSource: 13,
  destinationTranslatedAddress: 14,
  NATDestination: 14,
  sourceTranslatedPort: 15,
  NATSourcePort: 15,
  destinationTranslatedPort: 16,
  NATDestinationPort: 16,
  deviceInboundInterface: 17,
  InboundInterface: 17,
  deviceOutboundInterface: 18,
  OutboundInterface: 18,
  in: 19,
  BytesReceived: 19,
  out: 20,
  BytesSent: 20,
  cn3: 21,
  SessionDuration: 21,
  TotalTimeElapsed: 21,
  cn2: 22,
  PacketsTotal: 22,
  PanOSPacketsSent: 23,
  PacketsSent: 23,
  PanOSPacketsReceived: 24,
  PacketsReceived: 24,
  reason: 25,
  SessionEndReason: 25,
  rt: 26,
  TimeGenerated: 27,
  start: 28,
  dvchost: 29,
  DeviceName: 29,
  LogSourceName: 29,
  EventName: 30,
  EventIDValue: 30,
  LogType: 31,
  Subtype: 32,
  LogSubtype: 32,
  DirectionOfAttack: 33,
  Bytes: 34,
  TimeGeneratedHighResolution: 35,
  EventTime: 36,
  flexString2: 33,
  BytesTotal: 34,
} as const
const keys = new KeyTable(Key)
const members = new JsonKeys(Key)
const cef = new CefColumns()

const textFields: Readonly<Record<number, FieldIndex>> = {
  [Key.app]: Field.applicationName,
  [Key.cs1]: Field.ruleName,
  [Key.cs4]: Field.sourceZone,
  [Key.cs5]: Field.destinationZone,
  [Key.cn1]: Field.sessionId,
  [Key.suser]: Field.userName,
  [Key.deviceInboundInterface]: Field.ingressInterfaceName,
  [Key.deviceOutboundInterface]: Field.egressInterfaceName,
  [Key.reason]: Field.endReason,
  [Key.dvchost]: Field.host,
  [Key.EventName]: Field.eventId,
}

let subtypeStart = -1
let timeRank = 0
/** The log's type is one of traffic. */
let isTraffic = true

/** Logs that have addresses of hosts, and are about their users, tags and configuration. */
const otherTypes = [
  'HIPMATCH',
  'IPTAG',
  'USERID',
  'GLOBALPROTECT',
  'CONFIG',
  'SYSTEM',
  'AUTH',
  'CORRELATION',
  'AUDIT',
] as const

/** Whether a type that is not one of traffic stands here, in any case and with or without hyphens. */
function isOther(line: Line, start: number): boolean {
  if (start < 0) return false
  const type = line
    .slice(start, start + 20)
    .toUpperCase()
    .replaceAll('-', '')
  return otherTypes.some((other) => type.startsWith(other))
}

function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  const line = event.line
  switch (key) {
    case Key.src:
      readAddress(event, AddressSlot.source, start, end)
      return
    case Key.dst:
      readAddress(event, AddressSlot.destination, start, end)
      return
    case Key.sourceTranslatedAddress:
      readAddress(event, AddressSlot.postNATSource, start, end)
      return
    case Key.destinationTranslatedAddress:
      readAddress(event, AddressSlot.postNATDestination, start, end)
      return
    case Key.spt:
      event.sourcePort = readPort(line, start, end)
      return
    case Key.dpt:
      event.destinationPort = readPort(line, start, end)
      return
    case Key.sourceTranslatedPort:
      event.postNATSourcePort = readPort(line, start, end)
      return
    case Key.destinationTranslatedPort:
      event.postNATDestinationPort = readPort(line, start, end)
      return
    case Key.proto:
      event.protocol = readProtocol(line, start, end)
      return
    case Key.act:
      setAction(event, start, end)
      return
    case Key.DirectionOfAttack:
      setDirection(event, start, end)
      return
    case Key.Subtype:
      subtypeStart = start
      return
    case Key.LogType:
      if (event.shape === Shape.json) isTraffic = !isOther(line, start)
      return
    case Key.PanOSSourceUserName:
      if (!event.has(Field.userName)) event.setSpan(Field.userName, start, end, escaping)
      return
    case Key.rt:
    case Key.start:
    case Key.TimeGenerated:
    case Key.TimeGeneratedHighResolution:
    case Key.EventTime:
      takeTime(event, context, key, start, end)
      return
  }
  const field = textFields[key]
  if (field !== undefined) event.setSpan(field, start, end, escaping)
  else takeNumber(event, key, readNumber(line, start, end))
}

/** The best of several times: the high-resolution one, the generated one, then when the log was received. */
function takeTime(event: SyslogEvent, context: SyslogContext, key: number, start: number, end: number): void {
  const rank =
    key === Key.TimeGenerated ? 4 : key === Key.TimeGeneratedHighResolution ? 3 : key === Key.start ? 1 : 2
  if (rank >= timeRank && readTime(event, context, start, end)) timeRank = rank
}

function takeNumber(event: SyslogEvent, key: number, value: number): void {
  switch (key) {
    case Key.in:
      event.octetsDestinationToSource = value
      return
    case Key.out:
      event.octetsSourceToDestination = value
      return
    case Key.Bytes:
      event.octetsTotal = value
      return
    case Key.cn2:
      event.packetsTotal = value
      return
    case Key.cn3:
      event.durationMilliseconds = value * 1000
      return
    case Key.PacketsSent:
      event.packetsSourceToDestination = value
      return
    case Key.PacketsReceived:
      event.packetsDestinationToSource = value
      return
  }
}

/** The CEF header names the vendor, or the JSON has the keys that only this vendor's forwarding writes. */
export function claimsKeyed(event: SyslogEvent): boolean {
  const line = event.line
  if (event.shape === Shape.cef) return isCefOf(event, 'Palo Alto Networks')
  if (event.shape !== Shape.json) return false
  return (
    (line.includes('"LogType"') && (line.includes('"DeviceSN"') || line.includes('"LogSourceID"'))) ||
    line.includes('"VendorName":"palo alto networks"')
  )
}

/** Fills the event from CEF or JSON. */
export function parseKeyed(event: SyslogEvent, context: SyslogContext, end: number): boolean {
  const line = event.line
  subtypeStart = -1
  timeRank = 0
  isTraffic = true
  let traffic = false
  if (event.shape === Shape.cef) {
    if (!cef.read(event)) return false
    const typeFirst = cef.startsWith(event, CefHeader.signatureId, 'TRAFFIC|')
    traffic = typeFirst || cef.startsWith(event, CefHeader.name, 'TRAFFIC|')
    subtypeStart = cef.starts[typeFirst ? CefHeader.name : CefHeader.signatureId]!
    isTraffic = !(
      isOther(line, cef.starts[CefHeader.signatureId]!) || isOther(line, cef.starts[CefHeader.name]!)
    )
    walkCef(event, context, cef.extension, end, keys, take)
  } else {
    walkJson(event, context, event.bodyStart, end, members, take)
    traffic = line.includes('"TRAFFIC"')
  }
  if (traffic && subtypeStart >= 0) {
    if (line.startsWith('start', subtypeStart)) event.phase = Phase.start
    else if (line.startsWith('end', subtypeStart) || line.startsWith('d', subtypeStart))
      event.phase = Phase.end
  }
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  if (isTraffic) setConnectionIfPaired(event)
  else event.kind = Kind.other
  return true
}
