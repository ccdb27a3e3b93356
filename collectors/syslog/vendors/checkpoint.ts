/**
 * Check Point by Log Exporter: RFC 5424 with `[action:"Accept"; src:"…"; …]`, the same with `=`, and `key=value|` (Splunk).
 * Sees connections with rule, zones, NAT and, where accounting is on, octets and packets. `service` is the destination
 * port, `origin` the gateway. Source: sk122323 "Log Exporter", sk144192 "Log Fields Description".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { Escape, type EscapeKind, Field, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { COLON, OPEN_BRACKET, QUOTE, readNumber, readPort, SPACE } from '../scan.js'
import { Shape } from '../shape.js'
import { readTime, setEpoch } from '../timestamp.js'

const Own = { time: 100, interfaceName: 101, direction: 102, service: 103, user: 104 } as const
const keys = new KeyTable({
  time: Own.time,
  ifname: Own.interfaceName,
  ifdir: Own.direction,
  action: Target.action,
  src: Target.source,
  dst: Target.destination,
  s_port: Target.sourcePort,
  sport_svc: Target.sourcePort,
  service: Own.service,
  svc: Own.service,
  d_port: Own.service,
  service_id: Target.service,
  proto: Target.protocol,
  inzone: Target.sourceZone,
  outzone: Target.destinationZone,
  rule_name: Target.ruleName,
  xlatesrc: Target.postNATSource,
  xlatedst: Target.postNATDestination,
  xlatesport: Target.postNATSourcePort,
  xlatesport_svc: Target.postNATSourcePort,
  xlatedport: Target.postNATDestinationPort,
  xlatedport_svc: Target.postNATDestinationPort,
  client_outbound_bytes: Target.octetsSent,
  client_inbound_bytes: Target.octetsReceived,
  bytes: Target.octetsTotal,
  client_outbound_packets: Target.packetsSent,
  client_inbound_packets: Target.packetsReceived,
  packets: Target.packetsTotal,
  elapsed: Target.seconds,
  icmp_type: Target.icmpType,
  'ICMP Type': Target.icmpType,
  icmp_code: Target.icmpCode,
  'ICMP Code': Target.icmpCode,
  src_user_name: Own.user,
  user: Own.user,
  appi_name: Target.applicationName,
  conn_direction: Target.direction,
  hostname: Target.host,
  session_id: Target.sessionId,
})

let outbound = false
let interfaceStart = -1
let interfaceEnd = -1

function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  if (assign(event, key, start, end, escaping)) return
  const line = event.line
  switch (key) {
    case Own.time: {
      const seconds = end - start === 10 ? readNumber(line, start, end) : Number.NaN
      if (Number.isNaN(seconds)) readTime(event, context, start, end)
      else setEpoch(event, seconds * 1000, start, end)
      return
    }
    case Own.interfaceName:
      interfaceStart = start
      interfaceEnd = end
      return
    case Own.direction:
      outbound = line.startsWith('out', start)
      event.setSpan(Field.direction, start, end)
      event.directionName = outbound ? 'outbound' : 'inbound'
      return
    case Own.service:
      event.destinationPort = readPort(line, start, end)
      return
    case Own.user:
      if (!event.has(Field.userName)) event.setSpan(Field.userName, start, end, escaping)
      return
  }
}

/** `key:"value"; ` pairs; a quote inside a value is escaped, or not followed by `;` or `]`. */
function walkColonPairs(event: SyslogEvent, context: SyslogContext, start: number, end: number): void {
  const line = event.line
  let index = start
  while (index < end) {
    while (index < end && (line.charCodeAt(index) === SPACE || line.charCodeAt(index) === 0x3b)) index++
    const keyStart = index
    while (index < end && line.charCodeAt(index) !== COLON) index++
    const keyEnd = index
    // Some keys end in a colon of their own: `scheme::"IKE"`.
    if (line.charCodeAt(index + 1) === COLON) index++
    if (line.charCodeAt(index + 1) !== QUOTE) return
    const valueStart = index + 2
    index = valueStart
    for (;;) {
      index = line.indexOf('"', index)
      if (index < 0 || index >= end) return
      const next = line.charCodeAt(index + 1)
      if (next === 0x3b || next === 0x5d || index + 1 >= end) break
      index++
    }
    const key = keys.findRange(line, keyStart, keyEnd)
    if (key !== 0 && index > valueStart) take(event, key, valueStart, index, Escape.backslash, context)
    index++
  }
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = line.length
  interfaceStart = -1
  outbound = false
  event.vendor = 'checkpoint'
  event.product = 'firewall'
  const content = event.contentStart
  if (line.charCodeAt(content) !== OPEN_BRACKET) walkPairs(event, context, content, end, keys, take, '|')
  else if (isColonPair(line, content + 1)) walkColonPairs(event, context, content + 1, end)
  else walkPairs(event, context, content + 1, end, keys, take)
  if (interfaceStart >= 0) {
    event.setSpan(
      outbound ? Field.egressInterfaceName : Field.ingressInterfaceName,
      interfaceStart,
      interfaceEnd,
    )
  }
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
  return true
}

/** A short key, a colon and a quote. */
function isColonPair(line: string, start: number): boolean {
  const colon = line.indexOf(':"', start)
  return colon > start && colon < start + 40 && !line.slice(start, colon).includes('=')
}

/** The product for the registry. */
export const checkpoint: SyslogProduct = {
  id: 'checkpoint',
  shapes: [Shape.structured, Shape.pairs],
  claims: (event) => {
    const line = event.line
    const start = event.contentStart
    const first = line.charCodeAt(start)
    if (first === OPEN_BRACKET) {
      const application = event.start(Field.application)
      if (application >= 0 && line.startsWith('CheckPoint', application)) return true
      return line.startsWith('[Fields@1.3.6.1.4.1.2620', start)
    }
    return (
      first === 0x74 && line.startsWith('time=', start) && line.indexOf('|hostname=', start) === start + 15
    )
  },
  parse,
}
