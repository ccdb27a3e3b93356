/**
 * CEF of any vendor that has no file of its own, by the standard's dictionary alone: who, whom, how much, what was done.
 * Custom strings and numbers (`cs1` … `cn3`) are read where their labels say a rule, a zone, or a session. A row needs
 * both addresses; whether the event tells of traffic is judged by a transport protocol, a port, or counters.
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import { CefColumns, CefHeader, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import { type EscapeKind, Field, Kind, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { nameOf } from '../names.js'
import { dropIdleTranslation, type SyslogProduct, setAction, setConnectionIfPaired } from '../product.js'
import { readIPv4 } from '../scan.js'
import { Shape } from '../shape.js'
import { readTime, refineTime } from '../timestamp.js'

/** Times by their worth: when the event began, when it ended, when a manager received it. */
const Own = {
  direction: 101,
  outcome: 102,
  host: 103,
  custom: 110,
  label: 130,
  received: 150,
  ended: 151,
  started: 152,
} as const
/** Custom fields: strings 1 to 6, numbers 1 to 3, flexible strings 1 and 2. */
const customs = ['cs1', 'cs2', 'cs3', 'cs4', 'cs5', 'cs6', 'cn1', 'cn2', 'cn3', 'flexString1', 'flexString2']

const names: Record<string, number> = {
  src: Target.source,
  dst: Target.destination,
  spt: Target.sourcePort,
  dpt: Target.destinationPort,
  proto: Target.protocol,
  sourceTranslatedAddress: Target.postNATSource,
  sourceTranslatedPort: Target.postNATSourcePort,
  destinationTranslatedAddress: Target.postNATDestination,
  destinationTranslatedPort: Target.postNATDestinationPort,
  act: Target.action,
  outcome: Own.outcome,
  app: Target.applicationName,
  in: Target.octetsReceived,
  out: Target.octetsSent,
  deviceInboundInterface: Target.ingressInterfaceName,
  deviceOutboundInterface: Target.egressInterfaceName,
  deviceDirection: Own.direction,
  suser: Target.userName,
  externalId: Target.sessionId,
  reason: Target.endReason,
  dvc: Own.host,
  dvchost: Own.host,
  rt: Own.received,
  end: Own.ended,
  endTime: Own.ended,
  start: Own.started,
  startTime: Own.started,
  c6a2: Target.source,
  c6a3: Target.destination,
}
customs.forEach((name, index) => {
  names[name] = Own.custom + index
  names[`${name}Label`] = Own.label + index
})
const keys = new KeyTable(names)

/** What a label may say of its custom field. */
const labels = new KeyTable({
  rule: Target.ruleName,
  'rule name': Target.ruleName,
  rulename: Target.ruleName,
  policy: Target.ruleName,
  'policy name': Target.ruleName,
  policyname: Target.ruleName,
  acl: Target.ruleName,
  'rule id': Target.ruleId,
  ruleid: Target.ruleId,
  'policy id': Target.ruleId,
  'source zone': Target.sourceZone,
  sourcezone: Target.sourceZone,
  'src zone': Target.sourceZone,
  'destination zone': Target.destinationZone,
  destinationzone: Target.destinationZone,
  'dst zone': Target.destinationZone,
  'session id': Target.sessionId,
  sessionid: Target.sessionId,
  application: Target.applicationName,
  service: Target.service,
  'packets sent': Target.packetsSent,
  'packets received': Target.packetsReceived,
  'icmp type': Target.icmpType,
  'icmp code': Target.icmpCode,
})

const cef = new CefColumns()
/** Where the custom values of the line stand, and what their labels mean. */
const customStarts = new Int32Array(customs.length)
const customEnds = new Int32Array(customs.length)
const customTargets = new Int32Array(customs.length)
const customEscapes: EscapeKind[] = customs.map(() => 0)
/** The key of the time that was taken. */
let timeKey = 0
let headerHasTime = false

function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  if (assign(event, key, start, end, escaping)) return
  if (key >= Own.label && key < Own.label + customs.length) {
    customTargets[key - Own.label] = labels.findFolded(event.line, start, end)
  } else if (key >= Own.custom && key < Own.custom + customs.length) {
    customStarts[key - Own.custom] = start
    customEnds[key - Own.custom] = end
    customEscapes[key - Own.custom] = escaping
  } else if (key === Own.host) takeHost(event, start, end)
  else if (key === Own.direction) takeDirection(event, start, end)
  else if (key === Own.outcome) {
    if (!event.has(Field.action)) setAction(event, start, end)
  } else if (key >= timeKey && takeTime(event, context, start, end)) timeKey = key
}

/** Beside the header's time; alone where the header has none. */
function takeTime(event: SyslogEvent, context: SyslogContext, start: number, end: number): boolean {
  return headerHasTime ? refineTime(event, context, start, end) : readTime(event, context, start, end)
}

/** The header's host stands; of the payload's, a name is better than an address. */
function takeHost(event: SyslogEvent, start: number, end: number): void {
  const before = event.start(Field.host)
  const isAddress = before >= cef.extension && readIPv4(event.line, before, event.end(Field.host)) >= 0
  if (before < 0 || isAddress) event.setSpan(Field.host, start, end)
}

/** 0 is inbound, 1 outbound. */
function takeDirection(event: SyslogEvent, start: number, end: number): void {
  event.setSpan(Field.direction, start, end)
  const code = event.line.octetAt(start)
  event.directionName = end - start !== 1 ? '' : code === 0x30 ? 'inbound' : code === 0x31 ? 'outbound' : ''
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  if (!cef.read(event)) return false
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : event.line.length
  customStarts.fill(-1)
  customTargets.fill(0)
  timeKey = 0
  headerHasTime = !Number.isNaN(event.timeMilliseconds)
  event.vendor = nameOf(event, cef.starts[CefHeader.deviceVendor]!, cef.ends[CefHeader.deviceVendor]!)
  event.product = nameOf(event, cef.starts[CefHeader.deviceProduct]!, cef.ends[CefHeader.deviceProduct]!)
  walkCef(event, context, cef.extension, end, keys, take)
  event.setSpan(Field.eventId, cef.starts[CefHeader.signatureId]!, cef.ends[CefHeader.signatureId]!)
  for (let index = 0; index < customs.length; index++) {
    if (customTargets[index] !== 0 && customStarts[index]! >= 0) {
      assign(event, customTargets[index]!, customStarts[index]!, customEnds[index]!, customEscapes[index]!)
    }
  }
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  if (tellsOfTraffic(event)) setConnectionIfPaired(event)
  else event.kind = Kind.other
  return true
}

/** Two addresses alone may be a login or a mail; a protocol, a port or counters are traffic. */
export function tellsOfTraffic(event: SyslogEvent): boolean {
  return (
    event.protocol >= 0 ||
    event.destinationPort > 0 ||
    event.octetsSourceToDestination >= 0 ||
    event.octetsDestinationToSource >= 0 ||
    event.packetsSourceToDestination >= 0
  )
}

/** The product for the registry: the last that is asked for CEF. */
export const genericCef: SyslogProduct = {
  id: 'generic-cef',
  shapes: [Shape.cef],
  broad: true,
  claims: () => true,
  parse,
}
