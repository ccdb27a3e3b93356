/**
 * What a key of a vendor's log means, for the many products that log pairs: a vendor's file maps its keys to these
 * targets and adds keys of its own from 100 on for what needs a rule.
 */
import { type AddressSlot, type EscapeKind, Field, type FieldIndex, type SyslogEvent } from './event.js'
import { setAction, setDirection, setUnlessPlaceholder } from './product.js'
import { readProtocol } from './protocols.js'
import { isDigit, readAddress, readNumber, readOctet, readPort } from './scan.js'

/** Targets up to 60 are read here; `own` and above belong to the vendor's file. Text fields are 61 + the field. */
export const Target = {
  source: 1,
  destination: 2,
  postNATSource: 3,
  postNATDestination: 4,
  sourcePort: 5,
  destinationPort: 6,
  postNATSourcePort: 7,
  postNATDestinationPort: 8,
  protocol: 9,
  icmpType: 10,
  icmpCode: 11,
  action: 12,
  direction: 13,
  octetsSent: 14,
  octetsReceived: 15,
  octetsTotal: 16,
  packetsSent: 17,
  packetsReceived: 18,
  packetsTotal: 19,
  seconds: 20,
  milliseconds: 21,
  host: 61 + Field.host,
  eventId: 61 + Field.eventId,
  actionText: 61 + Field.action,
  applicationName: 61 + Field.applicationName,
  service: 61 + Field.service,
  ruleName: 61 + Field.ruleName,
  ruleId: 61 + Field.ruleId,
  sourceZone: 61 + Field.sourceZone,
  destinationZone: 61 + Field.destinationZone,
  ingressInterfaceName: 61 + Field.ingressInterfaceName,
  egressInterfaceName: 61 + Field.egressInterfaceName,
  sessionId: 61 + Field.sessionId,
  userName: 61 + Field.userName,
  endReason: 61 + Field.endReason,
  message: 61 + Field.message,
  own: 100,
} as const

/** Reads a value into its target; false for targets from `own` on. Spaces around a value are none of it. */
export function assign(
  event: SyslogEvent,
  target: number,
  start: number,
  end: number,
  escaping: EscapeKind,
): boolean {
  if (target >= Target.own) return false
  if (target >= 61) {
    setUnlessPlaceholder(event, (target - 61) as FieldIndex, start, end)
    if (event.start((target - 61) as FieldIndex) === start) event.escapes[target - 61] = escaping
    return true
  }
  const line = event.line
  switch (target) {
    case Target.source:
    case Target.destination:
    case Target.postNATSource:
    case Target.postNATDestination:
      readAddress(event, (target - 1) as (typeof AddressSlot)[keyof typeof AddressSlot], start, end)
      return true
    case Target.sourcePort:
      event.sourcePort = readPort(line, start, end)
      return true
    case Target.destinationPort:
      event.destinationPort = readPort(line, start, end)
      return true
    case Target.postNATSourcePort:
      event.postNATSourcePort = readPort(line, start, end)
      return true
    case Target.postNATDestinationPort:
      event.postNATDestinationPort = readPort(line, start, end)
      return true
    case Target.protocol:
      event.protocol = readProtocol(line, start, end)
      return true
    case Target.icmpType:
      event.icmpType = readOctet(line, start, end)
      return true
    case Target.icmpCode:
      event.icmpCode = readOctet(line, start, end)
      return true
    case Target.action:
      setAction(event, start, end)
      return true
    case Target.direction:
      setDirection(event, start, end)
      return true
  }
  if (isDigit(line.octetAt(start))) assignQuantity(event, target, readNumber(line, start, end))
  return true
}

function assignQuantity(event: SyslogEvent, target: number, value: number): void {
  switch (target) {
    case Target.octetsSent:
      event.octetsSourceToDestination = value
      return
    case Target.octetsReceived:
      event.octetsDestinationToSource = value
      return
    case Target.octetsTotal:
      event.octetsTotal = value
      return
    case Target.packetsSent:
      event.packetsSourceToDestination = value
      return
    case Target.packetsReceived:
      event.packetsDestinationToSource = value
      return
    case Target.packetsTotal:
      event.packetsTotal = value
      return
    case Target.seconds:
      event.durationMilliseconds = value * 1000
      return
    case Target.milliseconds:
      event.durationMilliseconds = value
      return
  }
}

/** Ports of ICMP records are no ports. */
export function dropIcmpPorts(event: SyslogEvent): void {
  if (event.protocol !== 1 && event.protocol !== 58) return
  event.sourcePort = -1
  event.destinationPort = -1
  event.postNATSourcePort = -1
  event.postNATDestinationPort = -1
}
