/**
 * LEEF of any vendor that has no file of its own, by the predefined attributes of the format, and by the names that
 * several vendors add. A row needs both addresses and a protocol, a port or counters.
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { type EscapeKind, Field, Kind, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { LeefColumns, LeefHeader } from '../leef.js'
import { nameOf } from '../names.js'
import { walkSeparated } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { Shape } from '../shape.js'
import { refineTime } from '../timestamp.js'
import { tellsOfTraffic } from './generic-cef.js'

const Own = { time: 100, host: 101 } as const
const keys = new KeyTable({
  src: Target.source,
  dst: Target.destination,
  srcPort: Target.sourcePort,
  dstPort: Target.destinationPort,
  proto: Target.protocol,
  protocol: Target.protocol,
  srcPostNAT: Target.postNATSource,
  dstPostNAT: Target.postNATDestination,
  srcPostNATPort: Target.postNATSourcePort,
  dstPostNATPort: Target.postNATDestinationPort,
  srcBytes: Target.octetsSent,
  dstBytes: Target.octetsReceived,
  totalBytes: Target.octetsTotal,
  srcPackets: Target.packetsSent,
  dstPackets: Target.packetsReceived,
  totalPackets: Target.packetsTotal,
  usrName: Target.userName,
  accountName: Target.userName,
  identHostName: Own.host,
  policy: Target.ruleName,
  rule: Target.ruleName,
  ruleName: Target.ruleName,
  action: Target.action,
  act: Target.action,
  application: Target.applicationName,
  app: Target.applicationName,
  service: Target.service,
  sessionId: Target.sessionId,
  srcZone: Target.sourceZone,
  dstZone: Target.destinationZone,
  icmpType: Target.icmpType,
  icmpCode: Target.icmpCode,
  devTime: Own.time,
})

const leef = new LeefColumns()

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
  else if (!event.has(Field.host)) event.setSpan(Field.host, start, end)
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  if (!leef.read(event)) return false
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : event.line.length
  event.vendor = nameOf(event, leef.starts[LeefHeader.vendor]!, leef.ends[LeefHeader.vendor]!)
  event.product = nameOf(event, leef.starts[LeefHeader.product]!, leef.ends[LeefHeader.product]!)
  walkSeparated(event, context, leef.attributes, end, leef.separator, keys, take)
  event.setSpan(Field.eventId, leef.starts[LeefHeader.eventId]!, leef.ends[LeefHeader.eventId]!)
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  if (tellsOfTraffic(event)) setConnectionIfPaired(event)
  else event.kind = Kind.other
  return true
}

/** The product for the registry: the last that is asked for LEEF. */
export const genericLeef: SyslogProduct = {
  id: 'generic-leef',
  shapes: [Shape.leef],
  broad: true,
  claims: () => true,
  parse,
}
