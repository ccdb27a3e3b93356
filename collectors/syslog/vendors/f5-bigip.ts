/**
 * F5 BIG-IP: network firewall events (AFM) as CEF, `key="value"` pairs of high-speed logging, RFC 5424 structured data
 * and JSON of Telemetry Streaming; the same shapes of the application firewall (ASM); ACL lines of APM; lines of the
 * traffic kernel that name both ends. Requests, translations (LSN), DoS statistics and the rest are other.
 * Source: F5 "External Monitoring of BIG-IP Systems: Implementations", event messages and attack types.
 */

import { readEndpoint } from '../address-port.js'
import { assign, dropIcmpPorts, Target } from '../assign.js'
import { CefColumns, CefHeader, isCefOf, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, type EscapeKind, Field, Kind, Outcome, Phase, type SyslogEvent } from '../event.js'
import { JsonKeys, walkJson } from '../json.js'
import { KeyTable } from '../keyvalue.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { QUOTE } from '../scan.js'
import { Shape } from '../shape.js'
import { refineTime } from '../timestamp.js'
import { parseBigipText, textStart } from './f5-bigip-text.js'
import { tellsOfTraffic } from './generic-cef.js'

const Own = { time: 100, client: 101, translation: 102, host: 103, label: 110, custom: 120 } as const
const members = new JsonKeys({
  errdefs_msgno: Target.eventId,
  acl_rule_name: Target.ruleName,
  acl_rule_uuid: Target.ruleId,
  action: Target.action,
  hostname: Own.host,
  date_time: Own.time,
  event_timestamp: Own.time,
  source_ip: Target.source,
  src_ip: Target.source,
  ip_client: Target.source,
  client_ip: Target.source,
  dest_ip: Target.destination,
  source_port: Target.sourcePort,
  src_port: Target.sourcePort,
  dest_port: Target.destinationPort,
  ip_protocol: Target.protocol,
  translated_source_ip: Target.postNATSource,
  translated_source_port: Target.postNATSourcePort,
  translated_dest_ip: Target.postNATDestination,
  translated_dest_port: Target.postNATDestinationPort,
  source_user: Target.userName,
  src_zone: Target.sourceZone,
  dest_zone: Target.destinationZone,
  vlan: Target.ingressInterfaceName,
  dest_vlan: Target.egressInterfaceName,
  application: Target.applicationName,
  drop_reason: Target.endReason,
  flow_id: Target.sessionId,
  protocol: Target.service,
  lsn_event: Target.eventId,
  cli: Own.client,
  nat: Own.translation,
})
const keys = members.table

const cefNames: Record<string, number> = {
  src: Target.source,
  dst: Target.destination,
  spt: Target.sourcePort,
  dpt: Target.destinationPort,
  c6a2: Target.source,
  c6a3: Target.destination,
  proto: Target.protocol,
  act: Target.action,
  app: Target.service,
  suser: Target.userName,
  dvchost: Own.host,
  rt: Own.time,
}
for (let number = 1; number <= 6; number++) {
  cefNames[`cs${number}`] = Own.custom + number
  cefNames[`cs${number}Label`] = Own.label + number
}
const cefKeys = new KeyTable(cefNames)
const labels = new KeyTable({
  acl_rule_name: Target.ruleName,
  vlan: Target.ingressInterfaceName,
  drop_reason: Target.endReason,
})
const cef = new CefColumns()
const customStarts = new Int32Array(7)
const customEnds = new Int32Array(7)

function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  if (assign(event, key, start, end, escaping)) return
  if (key > Own.custom) {
    customStarts[key - Own.custom] = start
    customEnds[key - Own.custom] = end
  } else if (key > Own.label) {
    // The label stands behind its value.
    const number = key - Own.label
    const target = labels.findRange(event.line, start, end)
    if (target !== 0 && customStarts[number]! >= 0)
      assign(event, target, customStarts[number]!, customEnds[number]!, escaping)
  } else if (key === Own.host) {
    // The header's stands.
    if (!event.has(Field.host)) event.setSpan(Field.host, start, end, escaping)
  } else if (key === Own.time) refineTime(event, context, start, end)
  else if (key === Own.client) readEndpoint(event, AddressSlot.source, start, end)
  else readEndpoint(event, AddressSlot.postNATSource, start, end)
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  switch (event.shape) {
    case Shape.json:
      walkJson(event, context, event.bodyStart, end, members, take)
      break
    case Shape.cef:
      if (!cef.read(event)) return false
      customStarts.fill(-1)
      walkCef(event, context, cef.extension, end, cefKeys, take)
      event.setSpan(Field.eventId, cef.starts[CefHeader.signatureId]!, cef.ends[CefHeader.signatureId]!)
      break
    case Shape.structured:
      walkPairs(event, context, event.contentStart + 1, end, keys, take)
      break
    case Shape.pairs: {
      const isQuoted = line.octetAt(line.indexOf('=', event.contentStart) + 1) === QUOTE
      walkPairs(event, context, event.contentStart, end, keys, take, isQuoted ? ' ' : ',')
      break
    }
    default:
      return parseBigipText(event, end)
  }
  event.vendor = 'f5'
  event.product = 'big-ip'
  settle(event)
  return true
}

function settle(event: SyslogEvent): void {
  const line = event.line
  const action = event.start(Field.action)
  if (action >= 0) {
    // `Accept decisively` ends the search for rules; `Established` and `Closed` are of TCP's events.
    if (line.startsWith('Accept', action)) event.outcome = Outcome.allow
    else if (line.startsWith('Established', action)) event.phase = Phase.start
    else if (line.startsWith('Closed', action)) event.phase = Phase.end
  }
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  if (tellsOfTraffic(event)) setConnectionIfPaired(event)
  else event.kind = Kind.other
}

function claims(event: SyslogEvent): boolean {
  const { line, contentStart, bodyStart } = event
  switch (event.shape) {
    case Shape.json:
      return (
        line.includes('"telemetryEventCategory"', bodyStart) || line.includes('"acl_policy_name"', bodyStart)
      )
    case Shape.cef:
      return isCefOf(event, 'F5')
    case Shape.structured:
      return line.startsWith('[F5@12276', contentStart)
    case Shape.pairs:
      return (
        line.includes('errdefs_msgno=', contentStart) ||
        line.includes('acl_policy_name=', contentStart) ||
        line.includes('lsn_event=', contentStart)
      )
  }
  return textStart(event) >= 0
}

/** The product for the registry. */
export const f5Bigip: SyslogProduct = {
  id: 'f5-bigip',
  shapes: [Shape.json, Shape.cef, Shape.structured, Shape.pairs, Shape.text],
  claims,
  parse,
}
