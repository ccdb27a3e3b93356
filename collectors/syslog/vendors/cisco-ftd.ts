/**
 * Cisco FTD security events 430001 to 430005 (intrusion, connection start and end, file, malware): `Key: value, …`.
 * Connection events carry both directions' octets and packets, zones, rule and application; the initiator is always
 * the source. Source: "Cisco Secure Firewall Threat Defense Syslog Messages", chapter "Security Event Syslog Messages".
 */

import { AddressSlot, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { readIcmpCode, readIcmpType } from '../icmp-names.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { dropIdleTranslation, setAction, setConnectionIfPaired, setDirection } from '../product.js'
import { readProtocol } from '../protocols.js'
import { COLON, COMMA, readAddress, readNumber, readPort, SPACE, skipSpaces, wordEnd } from '../scan.js'

const Key = {
  SrcIP: 1,
  DstIP: 2,
  SrcPort: 3,
  DstPort: 4,
  Protocol: 5,
  IngressInterface: 6,
  EgressInterface: 7,
  IngressZone: 8,
  EgressZone: 9,
  AccessControlRuleName: 10,
  AccessControlRuleAction: 11,
  User: 12,
  ApplicationProtocol: 13,
  ConnectionDuration: 14,
  InitiatorPackets: 15,
  ResponderPackets: 16,
  InitiatorBytes: 17,
  ResponderBytes: 18,
  ICMPType: 19,
  ICMPCode: 20,
  ConnectionID: 21,
  NAT_InitiatorIP: 22,
  NAT_ResponderIP: 23,
  NAT_InitiatorPort: 24,
  NAT_ResponderPort: 25,
  InlineResult: 26,
  FilePolicy: 27,
  FileAction: 28,
  IntrusionPolicy: 29,
  DeviceUUID: 30,
  SID: 31,
  FileDirection: 32,
  InitiatorIP: 1,
  ResponderIP: 2,
  InitiatorPort: 3,
  ResponderPort: 4,
} as const
const keys = new KeyTable(Key)

/** Longest key, spaces included (`Intrusion Policy`, `Prefilter Policy`). */
const MAX_KEY = 40

/** RFC 792 and RFC 4443 type names as the device spells them. */
/** Where type and code of ICMP stand: what their names mean is settled by the protocol, which comes behind them. */
let typeStart = -1
let typeEnd = -1
let codeStart = -1
let codeEnd = -1

/** The offset of `: ` behind a key that starts here, or -1. */
function keyEnd(line: Line, start: number, end: number): number {
  const limit = Math.min(end, start + MAX_KEY)
  let index = start
  while (index < limit) {
    const code = line.octetAt(index)
    if (code === COLON)
      return index > start && (line.octetAt(index + 1) === SPACE || index + 1 >= end) ? index : -1
    const letter = code | 0x20
    if (
      !(letter >= 0x61 && letter <= 0x7a) &&
      !(code >= 0x30 && code <= 0x39) &&
      code !== 0x5f &&
      code !== SPACE
    )
      return -1
    index++
  }
  return -1
}

/** Fills the event from a security event's pairs. */
export function parseSecurityEvent(event: SyslogEvent, id: number, start: number, end: number): boolean {
  const line = event.line
  let position = start
  typeStart = codeStart = -1
  while (position < end) {
    const colon = keyEnd(line, position, end)
    if (colon < 0) {
      const comma = line.indexOf(', ', position)
      if (comma < 0 || comma >= end) break
      position = comma + 2
      continue
    }
    const valueStart = skipSpaces(line, colon + 1, end)
    let valueEnd = valueStart
    for (;;) {
      valueEnd = line.indexOf(', ', valueEnd)
      if (valueEnd < 0 || valueEnd >= end) valueEnd = end
      else if (keyEnd(line, valueEnd + 2, end) < 0) {
        valueEnd += 2
        continue
      }
      break
    }
    take(event, keys.findRange(line, position, colon), valueStart, valueEnd)
    position = valueEnd + 2
    while (position < end && line.octetAt(position) === COMMA) position++
  }
  if (id === 430_002) event.phase = Phase.start
  else if (id === 430_003) event.phase = Phase.end
  if (typeStart >= 0) event.icmpType = readIcmpType(line, typeStart, typeEnd, event.protocol)
  if (codeStart >= 0) event.icmpCode = readIcmpCode(line, codeStart, codeEnd, event.protocol)
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
  return true
}

function take(event: SyslogEvent, key: number, start: number, end: number): void {
  const line = event.line
  switch (key) {
    case Key.SrcIP:
      readAddress(event, AddressSlot.source, start, end)
      break
    case Key.DstIP:
      readAddress(event, AddressSlot.destination, start, end)
      break
    case Key.SrcPort:
      event.sourcePort = readPort(line, start, end)
      break
    case Key.DstPort:
      event.destinationPort = readPort(line, start, end)
      break
    case Key.Protocol:
      event.protocol = readProtocol(line, start, end)
      break
    case Key.IngressInterface:
      event.setSpan(Field.ingressInterfaceName, start, end)
      break
    case Key.EgressInterface:
      event.setSpan(Field.egressInterfaceName, start, end)
      break
    case Key.IngressZone:
      event.setSpan(Field.sourceZone, start, end)
      break
    case Key.EgressZone:
      event.setSpan(Field.destinationZone, start, end)
      break
    case Key.AccessControlRuleName:
      event.setSpan(Field.ruleName, start, end)
      break
    case Key.FilePolicy:
    case Key.IntrusionPolicy:
      if (!event.has(Field.ruleName)) event.setSpan(Field.ruleName, start, end)
      break
    case Key.SID:
      event.setSpan(Field.ruleId, start, end)
      break
    case Key.AccessControlRuleAction:
    case Key.InlineResult:
      // `Block with reset`, `Interactive Block`: the first word, or the last, tells.
      setAction(event, start, end)
      if (event.outcome === Outcome.none) setActionWord(event, start, end)
      break
    case Key.FileAction:
      if (!event.has(Field.action)) event.setSpan(Field.action, start, end)
      break
    case Key.User:
      event.setSpan(Field.userName, start, end)
      break
    case Key.ApplicationProtocol:
      event.setSpan(Field.applicationName, start, end)
      break
    case Key.ConnectionID:
      event.setSpan(Field.sessionId, start, end)
      break
    case Key.ConnectionDuration:
      event.durationMilliseconds = readNumber(line, start, end) * 1000
      break
    case Key.FileDirection:
      setDirection(event, start, end)
      break
    default:
      takeNumber(event, key, start, end)
  }
}

function takeNumber(event: SyslogEvent, key: number, start: number, end: number): void {
  const line = event.line
  switch (key) {
    case Key.InitiatorPackets:
      event.packetsSourceToDestination = readNumber(line, start, end)
      break
    case Key.ResponderPackets:
      event.packetsDestinationToSource = readNumber(line, start, end)
      break
    case Key.InitiatorBytes:
      event.octetsSourceToDestination = readNumber(line, start, end)
      break
    case Key.ResponderBytes:
      event.octetsDestinationToSource = readNumber(line, start, end)
      break
    case Key.ICMPType:
      typeStart = start
      typeEnd = end
      break
    case Key.ICMPCode:
      codeStart = start
      codeEnd = end
      break
    case Key.NAT_InitiatorIP:
      readAddress(event, AddressSlot.postNATSource, start, end)
      break
    case Key.NAT_ResponderIP:
      readAddress(event, AddressSlot.postNATDestination, start, end)
      break
    case Key.NAT_InitiatorPort:
      event.postNATSourcePort = readPort(line, start, end)
      break
    case Key.NAT_ResponderPort:
      event.postNATDestinationPort = readPort(line, start, end)
      break
  }
}

function setActionWord(event: SyslogEvent, start: number, end: number): void {
  const line = event.line
  const firstEnd = wordEnd(line, start, end)
  setAction(event, start, firstEnd)
  if (event.outcome === Outcome.none) {
    let last = end
    while (last > start && line.octetAt(last - 1) !== SPACE) last--
    setAction(event, last, end)
  }
  event.setSpan(Field.action, start, end)
}
