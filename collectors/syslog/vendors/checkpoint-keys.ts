/**
 * The fields of Check Point's logs, which all of its formats share, under the names of Log Exporter's own format, of its
 * CEF and LEEF mappings, and of the older LEA tools. `service` is the destination port or its name, `origin` the gateway.
 * Source: sk144192 "Log Fields Description", "Log Exporter CEF Field Mappings", "LEA Fields" of the OPSEC SDK.
 */

import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { type EscapeKind, Field, type FieldIndex, Kind, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { dropIdleTranslation, outcomeOf, setConnectionIfPaired, setDirection } from '../product.js'
import { EQUALS, readNumber, readPort, SPACE } from '../scan.js'
import { readTime, setEpoch } from '../timestamp.js'
import { tellsOfTraffic } from './generic-cef.js'

const Own = {
  time: 100,
  interfaceName: 101,
  direction: 102,
  service: 103,
  user: 104,
  sourceUser: 105,
  ruleName: 106,
  ruleUid: 107,
  clientInterface: 108,
  serverOctets: 109,
  serverPackets: 110,
  gatewayName: 111,
  gateway: 112,
  deviceDirection: 113,
  label: 120,
  custom: 130,
} as const

const names: Record<string, number> = {
  time: Own.time,
  Time: Own.time,
  rt: Own.time,
  devTime: Own.time,
  ifname: Own.interfaceName,
  'i/f_name': Own.interfaceName,
  ifdir: Own.direction,
  'i/f_dir': Own.direction,
  deviceDirection: Own.deviceDirection,
  conn_direction: Target.direction,
  action: Target.action,
  Action: Target.action,
  act: Target.action,
  src: Target.source,
  dst: Target.destination,
  s_port: Target.sourcePort,
  sport_svc: Target.sourcePort,
  spt: Target.sourcePort,
  srcPort: Target.sourcePort,
  service: Own.service,
  svc: Own.service,
  d_port: Own.service,
  dpt: Own.service,
  dstPort: Own.service,
  service_id: Target.service,
  proto: Target.protocol,
  inzone: Target.sourceZone,
  outzone: Target.destinationZone,
  rule: Target.ruleId,
  malware_rule_id: Target.ruleId,
  rule_uid: Own.ruleUid,
  rule_name: Own.ruleName,
  xlatesrc: Target.postNATSource,
  sourceTranslatedAddress: Target.postNATSource,
  srcPostNAT: Target.postNATSource,
  xlatedst: Target.postNATDestination,
  destinationTranslatedAddress: Target.postNATDestination,
  dstPostNAT: Target.postNATDestination,
  xlatesport: Target.postNATSourcePort,
  xlatesport_svc: Target.postNATSourcePort,
  sourceTranslatedPort: Target.postNATSourcePort,
  srcPostNATPort: Target.postNATSourcePort,
  xlatedport: Target.postNATDestinationPort,
  xlatedport_svc: Target.postNATDestinationPort,
  destinationTranslatedPort: Target.postNATDestinationPort,
  dstPostNATPort: Target.postNATDestinationPort,
  client_outbound_bytes: Target.octetsSent,
  sent_bytes: Target.octetsSent,
  out: Target.octetsSent,
  srcBytes: Target.octetsSent,
  client_inbound_bytes: Target.octetsReceived,
  received_bytes: Target.octetsReceived,
  in: Target.octetsReceived,
  dstBytes: Target.octetsReceived,
  server_outbound_bytes: Own.serverOctets,
  bytes: Target.octetsTotal,
  client_outbound_packets: Target.packetsSent,
  client_inbound_packets: Target.packetsReceived,
  server_outbound_packets: Own.serverPackets,
  packets: Target.packetsTotal,
  elapsed: Target.seconds,
  icmp_type: Target.icmpType,
  'ICMP Type': Target.icmpType,
  icmp_code: Target.icmpCode,
  'ICMP Code': Target.icmpCode,
  // Where a blank ends a key, `ICMP Type="8"`.
  Type: Target.icmpType,
  Code: Target.icmpCode,
  src_user_name: Own.sourceUser,
  suser: Own.sourceUser,
  usrName: Own.sourceUser,
  user: Own.user,
  appi_name: Target.applicationName,
  app: Target.applicationName,
  client_inbound_interface: Own.clientInterface,
  hostname: Target.host,
  session_id: Target.sessionId,
  loguid: Target.eventId,
  originsicname: Own.gatewayName,
  origin_sic_name: Own.gatewayName,
  origin: Own.gateway,
  orig: Own.gateway,
}
/** CEF's custom strings, each with a label in front of it that says what it is. */
for (let number = 1; number <= 6; number++) {
  names[`cs${number}Label`] = Own.label + number
  names[`cs${number}`] = Own.custom + number
}
/** Names of fields to numbers for `take`. */
export const keys: KeyTable = new KeyTable(names)
const customRules = new KeyTable({ 'rule name': Target.ruleName })

let outbound = false
let interfaceStart = -1
let interfaceEnd = -1
let gatewayStart = -1
let gatewayEnd = -1
let ruleUidStart = -1
let ruleUidEnd = -1
let ruleUidEscape: EscapeKind = 0
let serverOctets = Number.NaN
let serverPackets = Number.NaN
let hasSourceUser = false
/** The number of the custom string that has the rule's name; its label comes first. */
let ruleCustom = 0

/** Forgets the last line. */
export function clear(): void {
  outbound = false
  interfaceStart = interfaceEnd = -1
  gatewayStart = gatewayEnd = -1
  ruleUidStart = ruleUidEnd = -1
  serverOctets = serverPackets = Number.NaN
  hasSourceUser = false
  ruleCustom = 0
}

/** Takes the value of one field. Of a rule's names, one per layer, the first is that of the network's layer. */
export function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  if (assign(event, key, start, end, escaping)) return
  if (key > Own.custom) {
    if (key - Own.custom === ruleCustom) setOnce(event, Field.ruleName, start, end, escaping)
    return
  }
  if (key > Own.label) {
    if (customRules.findFolded(event.line, start, end) !== 0) ruleCustom = key - Own.label
    return
  }
  switch (key) {
    case Own.time:
      takeTime(event, context, start, end)
      return
    case Own.interfaceName:
      interfaceStart = start
      interfaceEnd = end
      return
    case Own.direction:
      outbound = event.line.startsWith('out', start)
      setDirection(event, start, end)
      return
    case Own.deviceDirection:
      outbound = event.line.octetAt(start) === 0x31
      event.setSpan(Field.direction, start, end)
      event.directionName = outbound ? 'outbound' : 'inbound'
      return
    case Own.service:
      event.destinationPort = readPort(event.line, start, end)
      if (event.destinationPort < 0) setOnce(event, Field.service, start, end, escaping)
      return
    case Own.sourceUser:
      hasSourceUser = true
      setTrimmed(event, Field.userName, start, end, escaping)
      return
    case Own.user:
      if (!hasSourceUser) setTrimmed(event, Field.userName, start, end, escaping)
      return
    case Own.ruleName:
      setOnce(event, Field.ruleName, start, end, escaping)
      return
    case Own.ruleUid:
      ruleUidStart = start
      ruleUidEnd = end
      ruleUidEscape = escaping
      return
    case Own.clientInterface:
      event.setSpan(Field.ingressInterfaceName, start, end, escaping)
      return
    case Own.serverOctets:
      serverOctets = readNumber(event.line, start, end)
      return
    case Own.serverPackets:
      serverPackets = readNumber(event.line, start, end)
      return
    case Own.gatewayName:
      takeCommonName(event, start, end)
      return
    case Own.gateway:
      if (gatewayStart < 0) {
        gatewayStart = start
        gatewayEnd = end
      }
      return
  }
}

/** Epoch seconds or milliseconds, or a date and a time. */
function takeTime(event: SyslogEvent, context: SyslogContext, start: number, end: number): void {
  const length = end - start
  const number = length === 10 || length === 13 ? readNumber(event.line, start, end) : Number.NaN
  if (Number.isNaN(number)) readTime(event, context, start, end)
  else setEpoch(event, length === 10 ? number * 1000 : number, start, end)
}

function setOnce(event: SyslogEvent, field: FieldIndex, start: number, end: number, kind: EscapeKind): void {
  if (!event.has(field)) event.setSpan(field, start, end, kind)
}

function setTrimmed(
  event: SyslogEvent,
  field: FieldIndex,
  start: number,
  end: number,
  kind: EscapeKind,
): void {
  let stop = end
  while (stop > start && event.line.octetAt(stop - 1) === SPACE) stop--
  event.setSpan(field, start, stop, kind)
}

/** `CN=name,O=…`, the equals sign escaped in CEF: the gateway's name, which is better than its address. */
function takeCommonName(event: SyslogEvent, start: number, end: number): void {
  const line = event.line
  const equals = line.indexOf('=', start)
  if (equals < 0 || equals >= end || (line.octetAt(start) | 0x20) !== 0x63) return
  const comma = line.indexOf(',', equals)
  gatewayStart = equals + 1
  gatewayEnd = comma < 0 || comma > end ? end : comma
}

/** What can be told only when all fields are read. */
export function settle(event: SyslogEvent): void {
  if (interfaceStart >= 0) {
    const side = outbound ? Field.egressInterfaceName : Field.ingressInterfaceName
    event.setSpan(side, interfaceStart, interfaceEnd)
  }
  if (!event.has(Field.host)) event.setSpan(Field.host, gatewayStart, gatewayEnd)
  if (!event.has(Field.ruleId)) event.setSpan(Field.ruleId, ruleUidStart, ruleUidEnd, ruleUidEscape)
  // Of the responder what it sent, where that is counted, and not what came through to the client.
  if (!Number.isNaN(serverOctets)) event.octetsDestinationToSource = serverOctets
  if (!Number.isNaN(serverPackets)) event.packetsDestinationToSource = serverPackets
  if (event.outcome === 0 && event.has(Field.action)) {
    event.outcome = outcomeOf(event.line, event.start(Field.action), event.end(Field.action))
  }
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  // Key exchanges, logins and administration have addresses too, but neither protocol nor port.
  if (tellsOfTraffic(event)) setConnectionIfPaired(event)
  else event.kind = Kind.other
}

/** Whether the range holds an equals sign: pairs of the kind `key="value"`. */
export function hasEquals(line: Line, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (line.octetAt(index) === EQUALS) return true
  return false
}
