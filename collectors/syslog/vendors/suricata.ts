/**
 * Suricata's EVE JSON, in syslog or bare: `flow` and `netflow` are closed traffic with octets and packets; alerts, drops
 * and the records of protocols (dns, http, tls, …) have the pair and, where they carry the flow, its counters so far.
 * Addresses of packet records are the packet's: `direction` and the flow's own addresses put them right.
 * Source: Suricata user guide, "EVE JSON Format".
 */

import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, type EscapeKind, Field, Kind, Outcome, Phase, type SyslogEvent } from '../event.js'
import { JsonKeys, walkJson } from '../json.js'
import type { Line } from '../line.js'
import { type SyslogProduct, setAction, setConnectionIfPaired } from '../product.js'
import { readAddress, readNumber, readPort, wordIs } from '../scan.js'
import { Shape } from '../shape.js'
import { readInstant, refineTime } from '../timestamp.js'

const Own = {
  time: 100,
  type: 101,
  applicationProtocol: 102,
  alertAction: 103,
  direction: 104,
  flowSource: 105,
  flowDestination: 106,
  flowSourcePort: 107,
  flowDestinationPort: 108,
  start: 109,
  end: 110,
} as const
const keys = new JsonKeys({
  timestamp: Own.time,
  event_type: Own.type,
  flow_id: Target.sessionId,
  in_iface: Target.ingressInterfaceName,
  src_ip: Target.source,
  src_port: Target.sourcePort,
  dest_ip: Target.destination,
  dest_port: Target.destinationPort,
  proto: Target.protocol,
  icmp_type: Target.icmpType,
  icmp_code: Target.icmpCode,
  app_proto: Own.applicationProtocol,
  direction: Own.direction,
  host: Target.host,
  'alert.action': Own.alertAction,
  'alert.signature': Target.ruleName,
  'alert.signature_id': Target.ruleId,
  'drop.reason': Target.endReason,
  'flow.src_ip': Own.flowSource,
  'flow.dest_ip': Own.flowDestination,
  'flow.src_port': Own.flowSourcePort,
  'flow.dest_port': Own.flowDestinationPort,
  'flow.bytes_toserver': Target.octetsSent,
  'flow.bytes_toclient': Target.octetsReceived,
  'flow.pkts_toserver': Target.packetsSent,
  'flow.pkts_toclient': Target.packetsReceived,
  'flow.start': Own.start,
  'flow.end': Own.end,
  'flow.reason': Target.endReason,
  'netflow.bytes': Target.octetsSent,
  'netflow.pkts': Target.packetsSent,
  'netflow.start': Own.start,
  'netflow.end': Own.end,
})

let typeStart = -1
let typeEnd = -1
let flowFound = false
let toClient = false
let directionFound = false
let startedAt = Number.NaN
let endedAt = Number.NaN

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
    case Own.time:
      refineTime(event, context, start, end)
      return
    case Own.type:
      typeStart = start
      typeEnd = end
      return
    case Own.applicationProtocol:
      // What is not recognised has these two words.
      if (wordIs(line, start, end, 'failed') || wordIs(line, start, end, 'unknown')) return
      event.setSpan(Field.applicationName, start, end)
      return
    case Own.alertAction:
      setAction(event, start, end)
      return
    case Own.direction:
      directionFound = true
      toClient = wordIs(line, start, end, 'to_client')
      return
    case Own.flowSource:
      flowFound = readAddress(event, AddressSlot.source, start, end)
      return
    case Own.flowDestination:
      readAddress(event, AddressSlot.destination, start, end)
      return
    case Own.flowSourcePort:
      event.sourcePort = readPort(line, start, end)
      return
    case Own.flowDestinationPort:
      event.destinationPort = readPort(line, start, end)
      return
    case Own.start:
      startedAt = readInstant(event, context, start, end)
      return
    case Own.end:
      endedAt = readInstant(event, context, start, end)
      return
    case Target.sourcePort:
    case Target.destinationPort:
    case Target.source:
    case Target.destination:
      // Members come in any order: the flow's own stand.
      if (flowFound) return
      break
    case Target.icmpType:
    case Target.icmpCode:
      if (Number.isNaN(readNumber(line, start, end))) return
      break
  }
  assign(event, key, start, end, escaping)
}

function typeIs(line: Line, word: string): boolean {
  return wordIs(line, typeStart, typeEnd, word)
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  typeStart = typeEnd = -1
  flowFound = toClient = directionFound = false
  startedAt = endedAt = Number.NaN
  walkJson(event, context, event.bodyStart, line.length, keys, take)
  if (typeStart < 0) return false
  event.vendor = 'oisf'
  event.product = 'suricata'
  event.setSpan(Field.eventId, typeStart, typeEnd)
  dropIcmpPorts(event)
  const closed = typeIs(line, 'flow') || typeIs(line, 'netflow')
  if (closed) {
    event.phase = Phase.end
    if (endedAt >= startedAt) event.durationMilliseconds = Math.round(endedAt - startedAt)
  } else {
    // The counters of a flow that goes on; its closing record has them all.
    event.runningTotals = !Number.isNaN(event.packetsSourceToDestination)
    const ofPacket = typeIs(line, 'alert') || typeIs(line, 'drop') || typeIs(line, 'anomaly')
    if (ofPacket && !flowFound) {
      if (toClient) event.swapEnds()
      event.orientationUnknown = !directionFound
    }
    if (typeIs(line, 'drop')) event.outcome = Outcome.deny
  }
  if (typeIs(line, 'stats')) event.kind = Kind.other
  else setConnectionIfPaired(event)
  return true
}

/** The product for the registry. */
export const suricata: SyslogProduct = {
  id: 'suricata',
  shapes: [Shape.json],
  claims: ({ line, bodyStart }) =>
    line.includes('"event_type"', bodyStart) && (line.includes('"flow_id"') || line.includes('"stats":')),
  parse,
}
