/**
 * Cato's events as JSON, one object per event. Events of the type `Security` are decisions about traffic with both ends,
 * the rule and the verdict; connectivity, routing and system events are other. No octets are logged.
 * Source: Cato Knowledge Base, "Cato Event Data Structure" and "Event Types and Sub-types".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { type EscapeKind, Field, Kind, type SyslogEvent } from '../event.js'
import { JsonKeys, walkJson } from '../json.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { wordIs } from '../scan.js'
import { Shape } from '../shape.js'
import { refineTime } from '../timestamp.js'

/** Times by their worth: when it happened, the same in the record's own field, when Cato made the record. */
const Own = { type: 100, user: 101, rule: 102, epoch: 110, timestamp: 111, time: 112 } as const
const keys = new JsonKeys({
  event_type: Own.type,
  event_sub_type: Target.eventId,
  time: Own.epoch,
  event_timestamp: Own.timestamp,
  event_time: Own.time,
  src_ip: Target.source,
  src_port: Target.sourcePort,
  dest_ip: Target.destination,
  dest_port: Target.destinationPort,
  ip_protocol: Target.protocol,
  src_isp_ip: Target.postNATSource,
  action: Target.action,
  rule: Own.rule,
  rule_id: Target.ruleId,
  rule_name: Target.ruleName,
  traffic_direction: Target.direction,
  application_name: Target.applicationName,
  application: Target.applicationName,
  device_name: Target.host,
  ad_name: Target.userName,
  user_name: Own.user,
  vpn_user_email: Own.user,
  icmp_type: Target.icmpType,
  icmp_code: Target.icmpCode,
})

let isSecurity = false
let timeKey = 0
let ruleStart = -1
let ruleEnd = -1

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
    case Own.type:
      isSecurity = wordIs(event.line, start, end, 'security')
      return
    case Own.user:
      if (!event.has(Field.userName)) event.setSpan(Field.userName, start, end, escaping)
      return
    case Own.rule:
      ruleStart = start
      ruleEnd = end
      return
  }
  if (key >= timeKey && refineTime(event, context, start, end)) timeKey = key
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  isSecurity = false
  timeKey = 0
  ruleStart = ruleEnd = -1
  walkJson(event, context, event.bodyStart, event.line.length, keys, take)
  if (!event.has(Field.eventId)) return false
  event.vendor = 'cato'
  event.product = 'sase'
  // `rule` repeats the name where there is one, else the id.
  if (!event.has(Field.ruleId)) event.setSpan(Field.ruleId, ruleStart, ruleEnd)
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  if (isSecurity) setConnectionIfPaired(event)
  else event.kind = Kind.other
  return true
}

/** The product for the registry. */
export const catoSase: SyslogProduct = {
  id: 'cato-sase',
  shapes: [Shape.json],
  claims: ({ line, bodyStart }) => line.includes('"event_sub_type"', bodyStart),
  parse,
}
