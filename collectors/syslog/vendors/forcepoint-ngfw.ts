/**
 * Forcepoint NGFW (Stonesoft, McAfee NGFW) by the SMC's Log Server as CEF and LEEF: `FORCEPOINT|Firewall|…|Connection_Allowed`.
 * Sees connections allowed, closed with octets each way, discarded and refused, with rule, service and NAT. In LEEF the fields
 * without a LEEF name keep the names of the SMC's export (`ACC_RX_BYTES`). Source: Forcepoint NGFW Online Help, "Exportable
 * Firewall and Layer 2 Firewall log entry fields", and "LEEF Format Log Fields Forwarded by SMC".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import { CefColumns, CefHeader, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import { type EscapeKind, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { LeefColumns, LeefHeader } from '../leef.js'
import { walkSeparated } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { Shape } from '../shape.js'
import { refineTime } from '../timestamp.js'
import { tellsOfTraffic } from './generic-cef.js'

const Own = { time: 100, host: 101, rule: 102, ruleLabel: 103 } as const
const cefKeys = new KeyTable({
  src: Target.source,
  dst: Target.destination,
  spt: Target.sourcePort,
  dpt: Target.destinationPort,
  proto: Target.protocol,
  sourceTranslatedAddress: Target.postNATSource,
  sourceTranslatedPort: Target.postNATSourcePort,
  destinationTranslatedAddress: Target.postNATDestination,
  destinationTranslatedPort: Target.postNATDestinationPort,
  deviceInboundInterface: Target.ingressInterfaceName,
  deviceOutboundInterface: Target.egressInterfaceName,
  act: Target.action,
  app: Target.service,
  in: Target.octetsReceived,
  out: Target.octetsSent,
  suser: Target.userName,
  dvchost: Own.host,
  rt: Own.time,
  cs1: Own.rule,
  cs1Label: Own.ruleLabel,
})
const leefKeys = new KeyTable({
  devTime: Own.time,
  src: Target.source,
  dst: Target.destination,
  srcPort: Target.sourcePort,
  dstPort: Target.destinationPort,
  proto: Target.protocol,
  srcPostNAT: Target.postNATSource,
  dstPostNAT: Target.postNATDestination,
  srcPostNATPort: Target.postNATSourcePort,
  dstPostNATPort: Target.postNATDestinationPort,
  usrName: Target.userName,
  ACTION: Target.action,
  SERVICE: Target.service,
  RULE_ID: Target.ruleId,
  ACC_RX_BYTES: Target.octetsReceived,
  ACC_TX_BYTES: Target.octetsSent,
  ACC_ELAPSED: Target.seconds,
  ICMP_TYPE: Target.icmpType,
  ICMP_CODE: Target.icmpCode,
})
const cef = new CefColumns()
const leef = new LeefColumns()

let ruleStart = -1
let ruleEnd = -1
let isRule = false

function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  if (assign(event, key, start, end, escaping)) return
  switch (key) {
    case Own.time:
      refineTime(event, context, start, end)
      return
    case Own.host:
      if (!event.has(Field.host)) event.setSpan(Field.host, start, end, escaping)
      return
    case Own.rule:
      ruleStart = start
      ruleEnd = end
      return
    case Own.ruleLabel:
      isRule = event.line.startsWith('RuleID', start) && end - start === 6
      return
  }
}

/** What the event's name says (`Connection_Closed`, `FW_Connection-Discarded`): the phase, and a verdict where no action is. */
function settleName(event: SyslogEvent, start: number, end: number): void {
  const name = event.line.slice(start, Math.min(end, start + 64))
  const isConnection = name.includes('Connection')
  if (isConnection && name.endsWith('Closed')) event.phase = Phase.end
  else if (isConnection && name.endsWith('Allowed')) event.phase = Phase.start
  if (event.outcome !== Outcome.none) return
  if (event.phase !== Phase.none) event.outcome = Outcome.allow
  else if (name.endsWith('Discarded') || name.endsWith('Refused')) event.outcome = Outcome.deny
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : event.line.length
  ruleStart = -1
  isRule = false
  if (event.shape === Shape.cef) {
    if (!cef.read(event)) return false
    walkCef(event, context, cef.extension, end, cefKeys, take)
    event.setSpan(Field.eventId, cef.starts[CefHeader.signatureId]!, cef.ends[CefHeader.signatureId]!)
    settleName(event, cef.starts[CefHeader.name]!, cef.ends[CefHeader.name]!)
  } else {
    if (!leef.read(event)) return false
    walkSeparated(event, context, leef.attributes, end, leef.separator, leefKeys, take)
    event.setSpan(Field.eventId, leef.starts[LeefHeader.eventId]!, leef.ends[LeefHeader.eventId]!)
    settleName(event, leef.starts[LeefHeader.eventId]!, leef.ends[LeefHeader.eventId]!)
  }
  event.vendor = 'forcepoint'
  event.product = 'ngfw'
  if (isRule && ruleStart >= 0) event.setSpan(Field.ruleId, ruleStart, ruleEnd)
  if (event.protocol !== 1 && event.protocol !== 58) event.icmpType = event.icmpCode = -1
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  if (tellsOfTraffic(event)) setConnectionIfPaired(event)
  return true
}

/** The product for the registry. */
export const forcepointNgfw: SyslogProduct = {
  id: 'forcepoint-ngfw',
  shapes: [Shape.cef, Shape.leef],
  claims: ({ line, bodyStart }) => {
    const vendor = line.indexOf('|', bodyStart) + 1
    // The SMC forwards what its firewalls, IPS and layer 2 firewalls say.
    return vendor > 0 && (line.startsWith('FORCEPOINT|', vendor) || line.startsWith('Stonesoft|', vendor))
  },
  parse,
}
