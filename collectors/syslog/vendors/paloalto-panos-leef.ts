/**
 * PAN-OS as LEEF, which is a custom log format of the syslog server profile: IBM's templates for QRadar and the newer
 * ones after the names of Strata Logging Service. Source: IBM QRadar DSM guide, "Creating a Syslog destination on your
 * Palo Alto PA Series device"; the meaning of a variable is that of the PAN-OS "Syslog Field Descriptions".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { type EscapeKind, Field, Kind, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { LeefColumns, LeefHeader } from '../leef.js'
import { walkSeparated } from '../pairs.js'
import { dropIdleTranslation, setConnectionIfPaired } from '../product.js'
import { Shape } from '../shape.js'
import { refineTime } from '../timestamp.js'

const Own = { time: 100, type: 101, subtype: 102, host: 103 } as const
const keys = new KeyTable({
  src: Target.source,
  dst: Target.destination,
  srcPort: Target.sourcePort,
  dstPort: Target.destinationPort,
  proto: Target.protocol,
  srcPostNAT: Target.postNATSource,
  dstPostNAT: Target.postNATDestination,
  srcPostNATPort: Target.postNATSourcePort,
  dstPostNATPort: Target.postNATDestinationPort,
  srcBytes: Target.octetsSent,
  dstBytes: Target.octetsReceived,
  totalBytes: Target.octetsTotal,
  Bytes: Target.octetsTotal,
  srcPackets: Target.packetsSent,
  dstPackets: Target.packetsReceived,
  totalPackets: Target.packetsTotal,
  ElapsedTime: Target.seconds,
  SessionDuration: Target.seconds,
  usrName: Target.userName,
  SourceUser: Target.userName,
  RuleName: Target.ruleName,
  Rule: Target.ruleName,
  action: Target.action,
  Action: Target.action,
  Application: Target.applicationName,
  SourceZone: Target.sourceZone,
  FromZone: Target.sourceZone,
  DestinationZone: Target.destinationZone,
  ToZone: Target.destinationZone,
  IngressInterface: Target.ingressInterfaceName,
  InboundInterface: Target.ingressInterfaceName,
  EgressInterface: Target.egressInterfaceName,
  OutboundInterface: Target.egressInterfaceName,
  SessionID: Target.sessionId,
  SessionEndReason: Target.endReason,
  Direction: Target.direction,
  DirectionOfAttack: Target.direction,
  DeviceName: Own.host,
  devTime: Own.time,
  cat: Own.type,
  Type: Own.type,
  Subtype: Own.subtype,
  SubType: Own.subtype,
})
const leef = new LeefColumns()

/** Logs whose source and destination are those of traffic. */
const trafficTypes = [
  'TRAFFIC',
  'THREAT',
  'TUNNEL',
  'DECRYPTION',
  'GTP',
  'SCTP',
  'URL',
  'WILDFIRE',
  'DATA',
] as const

let isTraffic = false
let isSession = false
let subtypeStart = -1

function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  if (assign(event, key, start, end, escaping)) return
  if (key === Own.time) refineTime(event, context, start, end)
  else if (key === Own.subtype) subtypeStart = start
  else if (key === Own.host) {
    if (!event.has(Field.host)) event.setSpan(Field.host, start, end)
  } else if (key === Own.type) {
    const line = event.line
    isSession = line.startsWith('TRAFFIC', start) || line.startsWith('TUNNEL', start)
    isTraffic = false
    for (let index = 0; index < trafficTypes.length; index++) {
      if (line.startsWith(trafficTypes[index]!, start)) isTraffic = true
    }
  }
}

/** The header names the vendor and the templates' product. */
export function claimsLeef(event: SyslogEvent): boolean {
  if (event.shape !== Shape.leef) return false
  const bar = event.line.indexOf('|', event.bodyStart)
  return bar >= 0 && event.line.startsWith('Palo Alto Networks|', bar + 1)
}

/** Fills the event from LEEF. */
export function parseLeef(event: SyslogEvent, context: SyslogContext, end: number): boolean {
  if (!leef.read(event)) return false
  isTraffic = isSession = false
  subtypeStart = -1
  walkSeparated(event, context, leef.attributes, end, leef.separator, keys, take)
  const idStart = leef.starts[LeefHeader.eventId]!
  const idEnd = leef.ends[LeefHeader.eventId]!
  event.setSpan(Field.eventId, idStart, idEnd)
  // The templates put a session's action into the header.
  if (isSession && !event.has(Field.action)) assign(event, Target.action, idStart, idEnd, 0)
  if (isSession && subtypeStart >= 0) {
    if (event.line.startsWith('start', subtypeStart)) event.phase = Phase.start
    else if (/^(end|drop|deny)/.test(event.line.slice(subtypeStart, subtypeStart + 4)))
      event.phase = Phase.end
  }
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  if (isTraffic) setConnectionIfPaired(event)
  else event.kind = Kind.other
  return true
}
