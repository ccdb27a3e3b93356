/**
 * Juniper SRX (Junos): RT_FLOW, APPTRACK, RT_IDP, RT_UTM and RT_SCREEN as RFC 5424 structured data (`set security log format
 * sd-syslog`) or as text. Sees sessions created, closed (octets, packets, seconds each way) and denied, with NAT, zones
 * and policy. Source: Juniper "System Log Explorer" and "Junos structured data fields".
 */

import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { Escape, type EscapeKind, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { ICMP, ICMPV6 } from '../protocols.js'
import { skipSpaces } from '../scan.js'
import { Shape } from '../shape.js'
import { parseSrxText } from './juniper-srx-text.js'

const Own = { application: 100, user: 101, service: 102, rule: 103, ruleBase: 104 } as const
const keys = new KeyTable({
  'source-address': Target.source,
  'destination-address': Target.destination,
  'source-port': Target.sourcePort,
  'destination-port': Target.destinationPort,
  'nat-source-address': Target.postNATSource,
  'nat-destination-address': Target.postNATDestination,
  'nat-source-port': Target.postNATSourcePort,
  'nat-destination-port': Target.postNATDestinationPort,
  'protocol-id': Target.protocol,
  protocol: Target.protocol,
  'protocol-name': Target.protocol,
  'service-name': Own.service,
  application: Own.application,
  'application-name': Own.application,
  'policy-name': Target.ruleName,
  'source-zone-name': Target.sourceZone,
  'source-zone': Target.sourceZone,
  'destination-zone-name': Target.destinationZone,
  'destination-zone': Target.destinationZone,
  'session-id-32': Target.sessionId,
  'session-id': Target.sessionId,
  'packets-from-client': Target.packetsSent,
  'bytes-from-client': Target.octetsSent,
  'packets-from-server': Target.packetsReceived,
  'bytes-from-server': Target.octetsReceived,
  'elapsed-time': Target.seconds,
  username: Own.user,
  reason: Target.endReason,
  'packet-incoming-interface': Target.ingressInterfaceName,
  'interface-name': Target.ingressInterfaceName,
  'source-interface-name': Target.ingressInterfaceName,
  'destination-interface-name': Target.egressInterfaceName,
  action: Target.action,
  'rule-name': Own.rule,
  'rulebase-name': Own.ruleBase,
  'icmp-type': Target.icmpType,
  'icmp-code': Target.icmpCode,
  'inbound-bytes': Target.octetsReceived,
  'outbound-bytes': Target.octetsSent,
  'inbound-packets': Target.packetsReceived,
  'outbound-packets': Target.packetsSent,
})
const placeholders = ['UNKNOWN', 'None', 'N/A', 'unset'] as const

function take(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  if (key >= Target.own) {
    for (const word of placeholders)
      if (end - start === word.length && event.line.startsWith(word, start)) return
    if (key === Own.rule || key === Own.ruleBase) {
      takeRule(event, key, start, end, escaping)
      return
    }
    const field =
      key === Own.application ? Field.applicationName : key === Own.user ? Field.userName : Field.service
    event.setSpan(field, start, end, escaping)
    return
  }
  if (key === Target.ruleName && event.has(Field.ruleName)) return
  assign(event, key, start, end, escaping === Escape.backslash ? Escape.structuredData : escaping)
}

/** A sensor's rule is a number in a rule base; elsewhere `rule-name` only adds to the policy. */
function takeRule(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  if (event.line.startsWith('IDP_', event.start(Field.eventId)))
    event.setSpan(key === Own.rule ? Field.ruleId : Field.ruleName, start, end, escaping)
  else if (key === Own.rule && !event.has(Field.ruleName)) event.setSpan(Field.ruleName, start, end, escaping)
}

/** The event's name: RFC 5424's MSGID, or the word in front of the data. */
function nameOf(event: SyslogEvent): boolean {
  const line = event.line
  if (event.has(Field.messageId)) {
    event.setSpan(Field.eventId, event.start(Field.messageId), event.end(Field.messageId))
    return true
  }
  for (const prefix of prefixes) {
    const at = line.indexOf(prefix, event.contentStart)
    if (at < 0 || at > event.contentStart + 96) continue
    let end = at
    while (end < line.length && isNameCharacter(line.octetAt(end))) end++
    event.setSpan(Field.eventId, at, end)
    return true
  }
  // Another name in front of the data.
  const data = line.indexOf(' [junos@', event.contentStart)
  let start = data
  while (start > event.contentStart && isNameCharacter(line.octetAt(start - 1))) start--
  event.setSpan(Field.eventId, start, data)
  return start < data
}

function isNameCharacter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x5f
}

const prefixes = [
  'RT_FLOW_',
  'APPTRACK_',
  'IDP_',
  'RT_SCREEN_',
  'WEBFILTER_',
  'AV_',
  'ANTISPAM_',
  'CONTENT_FILTERING_',
  'AAMW_',
  'SECINTEL_',
  'APPQOS_',
] as const

/** Junos daemons whose messages begin with a code (System Log Explorer): none of them is of traffic. */
const daemons: ReadonlySet<string> = new Set(
  (
    'alarmd apsd authd bfdd cfmd chassisd cosd dcd dfwd eswd eventd ffp fwauthd idpd iked jdhcpd jsrpd ' +
    'kmd l2ald l2cpd lacpd lfmd license-check mcsnoopd mgd mib2d mspd nsd pfed pkid ppmd rdd rmopd rpd ' +
    'rtlogd sampled sdxd smihelperd snmpd spd tnetd useridd utmd vrrpd webauth xntpd'
  ).split(' '),
)

/** The end of `UI_LOGIN_EVENT: ` behind a daemon's tag, or -1. */
function daemonCodeEnd(event: SyslogEvent): number {
  const line = event.line
  const start = event.messageStart
  const first = line.octetAt(start)
  if (first < 0x41 || first > 0x5a || !event.has(Field.application)) return -1
  const limit = Math.min(line.length, start + 64)
  let end = start
  let underscores = 0
  while (end < limit && isNameCharacter(line.octetAt(end))) {
    if (line.octetAt(end) === 0x5f) underscores++
    end++
  }
  if (underscores === 0 || line.octetAt(end) !== 0x3a) return -1
  return daemons.has(event.raw(Field.application) ?? '') ? end : -1
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const codeEnd = daemonCodeEnd(event)
  if (codeEnd >= 0) {
    event.setSpan(Field.eventId, event.messageStart, codeEnd)
    event.vendor = 'juniper'
    event.product = 'junos'
    return true
  }
  if (!nameOf(event)) return false
  event.vendor = 'juniper'
  event.product = 'srx'
  const end = line.length
  const junos = line.indexOf('[junos@', event.contentStart)
  const data = junos >= 0 ? junos : event.structuredDataStart
  if (data >= 0) walkPairs(event, context, data + 1, end, keys, take)
  else {
    const text = skipSpaces(line, Math.max(event.end(Field.eventId), 0), end)
    parseSrxText(event, text, end)
  }
  settle(event)
  if (event.protocol !== ICMP && event.protocol !== ICMPV6) event.icmpType = event.icmpCode = -1
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  // Daemons have addresses too (SNMPD_AUTH_FAILURE): traffic is what the forwarding of sessions logs.
  if (isTraffic(event)) setConnectionIfPaired(event)
  return true
}

function isTraffic(event: SyslogEvent): boolean {
  const start = event.start(Field.eventId)
  return prefixes.some((prefix) => event.line.startsWith(prefix, start))
}

/** Phase and outcome follow from the event's name. */
function settle(event: SyslogEvent): void {
  const line = event.line
  const start = event.start(Field.eventId)
  const end = event.end(Field.eventId)
  const name = line.slice(start, Math.min(end, start + 64))
  if (name.startsWith('RT_FLOW_') || name.startsWith('APPTRACK_')) {
    event.outcome = Outcome.allow
    if (name.includes('_CREATE') || name.includes('_ROUTE_UPDATE')) event.phase = Phase.start
    else if (name.includes('_VOL_UPDATE')) {
      event.phase = Phase.update
      event.runningTotals = true
    } else if (name.includes('_CLOSE')) event.phase = Phase.end
    else if (name.includes('_DENY')) {
      event.outcome = Outcome.deny
      event.clearSpan(Field.endReason)
    }
  } else if (name.includes('BLOCKED') || name.includes('_DETECTED_MT') || name.startsWith('RT_SCREEN_')) {
    if (event.outcome === Outcome.none) event.outcome = Outcome.deny
  } else if (name.includes('_DROP')) event.outcome = Outcome.deny
  else if ((name.includes('PERMITTED') || name.includes('_PASSED')) && event.outcome === Outcome.none)
    event.outcome = Outcome.allow
}

const facilities = [
  'RT_FLOW',
  'RT_IDS',
  'RT_IDP',
  'RT_UTM',
  'RT_SCREEN',
  'RT_AAMW',
  'RT_SECINTEL',
  'RT_AV',
  'RT_ALG',
] as const

function isFacility(line: Line, start: number): boolean {
  return line.startsWith('RT_', start) && facilities.some((facility) => line.startsWith(facility, start))
}

/** The product for the registry. */
export const juniperSrx: SyslogProduct = {
  id: 'juniper-srx',
  shapes: [Shape.structured, Shape.text],
  claims: (event) => {
    const line = event.line
    const start = event.contentStart
    const first = line.octetAt(start)
    if (first === 0x5b) {
      return (
        line.startsWith('[junos@', start) ||
        (event.has(Field.application) && isFacility(line, event.start(Field.application)))
      )
    }
    if (first === 0x52) return isFacility(line, start)
    if (line.octetAt(event.messageStart) === 0x52) return isFacility(line, event.messageStart)
    return daemonCodeEnd(event) >= 0
  },
  parse,
}
