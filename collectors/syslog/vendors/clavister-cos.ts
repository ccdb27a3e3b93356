/**
 * Clavister cOS Core (NetWall), and D-Link's DFL firewalls, which run it: `[time] FW: CONN: prio=1 id=00600001 rev=1 event=conn_open
 * action=… connsrcip=…`. Sees connections opened and closed with octets each way and seconds, translations, and packets
 * that rules drop, with ICMP's type. Source: "cOS Core Log Reference Guide", chapters "Context Parameters", CONN and RULE.
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { type EscapeKind, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { isDigit, OPEN_BRACKET, readOctet } from '../scan.js'
import { Shape } from '../shape.js'
import { refineTime } from '../timestamp.js'

const Own = { icmpType: 100, event: 101 } as const
/** The connection's parameters, and the packet's where a line has no connection. */
const keys = new KeyTable({
  id: Target.eventId,
  event: Own.event,
  action: Target.action,
  rule: Target.ruleName,
  connipproto: Target.protocol,
  connrecvif: Target.ingressInterfaceName,
  connrecvzone: Target.sourceZone,
  connsrcip: Target.source,
  connsrcport: Target.sourcePort,
  conndestif: Target.egressInterfaceName,
  conndestzone: Target.destinationZone,
  conndestip: Target.destination,
  conndestport: Target.destinationPort,
  connnewsrcip: Target.postNATSource,
  connnewsrcport: Target.postNATSourcePort,
  connnewdestip: Target.postNATDestination,
  connnewdestport: Target.postNATDestinationPort,
  origsent: Target.octetsSent,
  termsent: Target.octetsReceived,
  conntime: Target.seconds,
  icmptype: Own.icmpType,
  icmpcode: Target.icmpCode,
  user: Target.userName,
  username: Target.userName,
})
const packetKeys = new KeyTable({
  ipproto: Target.protocol,
  recvif: Target.ingressInterfaceName,
  recvzone: Target.sourceZone,
  srcip: Target.source,
  srcport: Target.sourcePort,
  destif: Target.egressInterfaceName,
  destip: Target.destination,
  destport: Target.destinationPort,
})
/** Names of types as RFC 792 has them; numbers plus one, 0 being no name. */
const icmpTypes = new KeyTable({
  echo_reply: 1,
  destination_unreachable: 4,
  source_quench: 5,
  redirect: 6,
  echo_request: 9,
  time_exceeded: 12,
  parameter_problem: 13,
  timestamp_request: 14,
  timestamp_reply: 15,
})

let isConnection = false

function take(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  if (assign(event, key, start, end, escaping)) return
  const { line } = event
  if (key === Own.icmpType) {
    const isNumber = isDigit(line.octetAt(start))
    event.icmpType = isNumber ? readOctet(line, start, end) : icmpTypes.findFolded(line, start, end) - 1
  } else if (line.startsWith('conn_open', start)) {
    isConnection = true
    event.phase = Phase.start
  } else if (line.startsWith('conn_close', start)) {
    isConnection = true
    event.phase = Phase.end
  }
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const { line, contentStart } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  isConnection = false
  event.vendor = 'clavister'
  event.product = 'cos'
  const start = findPriority(event)
  if (line.octetAt(contentStart) === OPEN_BRACKET) {
    const close = line.indexOf(']', contentStart)
    if (close > 0 && close < start) refineTime(event, context, contentStart + 1, close)
  }
  walkPairs(event, context, start, end, keys, take)
  if (!event.hasPair()) walkPairs(event, context, start, end, packetKeys, take)
  if (isConnection) event.outcome = Outcome.allow
  if (event.protocol !== 1 && event.protocol !== 58) event.icmpType = event.icmpCode = -1
  else event.postNATSourcePort = event.postNATDestinationPort = -1
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
  return true
}

/** The time in brackets, the gateway's name and the category stand in front. */
const MAX_FRONT = 128

/** Where `prio=` stands with an id and an event behind it, or -1. */
function findPriority({ line, contentStart }: SyslogEvent): number {
  const start = line.indexOf('prio=', contentStart)
  if (start < 0 || start > contentStart + MAX_FRONT) return -1
  const id = line.indexOf(' id=', start)
  if (id < 0 || id > start + 16) return -1
  const name = line.indexOf(' event=', id)
  return name >= 0 && name < id + 32 ? start : -1
}

/** The product for the registry. */
export const clavisterCos: SyslogProduct = {
  id: 'clavister-cos',
  shapes: [Shape.structured, Shape.text, Shape.pairs],
  claims: (event) => findPriority(event) >= 0,
  parse,
}
