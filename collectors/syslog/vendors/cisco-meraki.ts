/**
 * Cisco Meraki MX, MR and Z: `epoch host flows|ip_flow_start|ip_flow_end|firewall|… src= dst= protocol= sport= dport=`. Sees
 * flows allowed or denied and NAT of started and ended flows, never octets. Source: Meraki documentation, "Syslog Event
 * Types and Log Samples".
 */
import { assign, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, type EscapeKind, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, outcomeOf, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import { COLON, digitsEnd, readAddress, readPort, SLASH, skipSpaces, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'

const Own = { source: 100, destination: 101, protocol: 102 } as const
const keys = new KeyTable({
  src: Own.source,
  dst: Own.destination,
  protocol: Own.protocol,
  sport: Target.sourcePort,
  dport: Target.destinationPort,
  type: Target.icmpType,
  translated_src_ip: Target.postNATSource,
  translated_dst_ip: Target.postNATDestination,
  translated_port: Target.postNATSourcePort,
  direction: Target.direction,
  user: Target.userName,
  identity: Target.userName,
  decision: Target.action,
})
const eventNames = [
  'flows',
  'ip_flow_start',
  'ip_flow_end',
  'firewall',
  'cellular_firewall',
  'vpn_firewall',
  'l7_firewall',
  'urls',
  'events',
  'security_event',
  'ids-alerts',
  'airmarshal_events',
  'security_filtering_file_scanned',
  'security_filtering_disposition_change',
  'bridge_anyconnect_client_vpn_firewall',
] as const

/** `address` or `address:port`. */
function side(event: SyslogEvent, slot: 0 | 1, start: number, end: number): void {
  const line = event.line
  if (readAddress(event, slot, start, end)) return
  let colon = end - 1
  while (colon > start && line.octetAt(colon) !== COLON) colon--
  readAddress(event, slot, start, colon)
  const port = readPort(line, colon + 1, end)
  if (slot === AddressSlot.source) event.sourcePort = port
  else event.destinationPort = port
}

function take(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  if (assign(event, key, start, end, escaping)) return
  const line = event.line
  if (key === Own.protocol) {
    let slash = start
    while (slash < end && line.octetAt(slash) !== SLASH) slash++
    event.protocol = readProtocol(line, start, slash)
  } else side(event, key === Own.source ? AddressSlot.source : AddressSlot.destination, start, end)
}

/** The event's name stands first behind the host. */
function nameEnd(event: SyslogEvent): number {
  const line = event.line
  const first = line.octetAt(event.contentStart)
  for (const name of eventNames) {
    if (name.charCodeAt(0) !== first || !line.startsWith(name, event.contentStart)) continue
    const end = event.contentStart + name.length
    if (end === line.length || line.octetAt(end) === 0x20) return end
  }
  return -1
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const nameStop = nameEnd(event)
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  event.vendor = 'cisco'
  event.product = 'meraki'
  event.setSpan(Field.eventId, event.contentStart, nameStop)
  event.clearSpan(Field.application)
  event.messageStart = skipSpaces(line, nameStop, end)
  const word = wordEnd(line, event.messageStart, end)
  const outcome = outcomeOf(line, event.messageStart, word)
  if (outcome !== Outcome.none) {
    event.setSpan(Field.action, event.messageStart, word)
    event.outcome = outcome
  }
  let pairsEnd = end
  const pattern = line.indexOf(' pattern: ', event.messageStart)
  const text = line.indexOf(' message: ', event.messageStart)
  if (pattern >= 0 && pattern < end) {
    pairsEnd = pattern
    readPattern(event, pattern + 10, end)
  } else if (text >= 0 && text < end) pairsEnd = text
  walkPairs(event, context, event.messageStart, pairsEnd, keys, take)
  if (line.startsWith('ip_flow_start', event.contentStart)) event.phase = Phase.start
  else if (line.startsWith('ip_flow_end', event.contentStart)) event.phase = Phase.end
  else if (line.startsWith('flows', event.contentStart)) event.phase = Phase.start
  if (event.protocol !== 1 && event.protocol !== 58) event.icmpType = -1
  if (
    event.protocol >= 0 &&
    event.postNATSourcePort >= 0 &&
    event.families[AddressSlot.postNATSource] === 0
  ) {
    event.postNATDestinationPort = event.postNATSourcePort
    event.postNATSourcePort = -1
  }
  dropIdleTranslation(event)
  // A URL request is one of many in a flow that has lines of its own.
  if (!line.startsWith('urls', event.contentStart)) setConnectionIfPaired(event)
  return true
}

/** `pattern: allow|deny rule` or `pattern: 0|1 rule`: 1 is a match of a rule that denies. */
function readPattern(event: SyslogEvent, start: number, end: number): void {
  const line = event.line
  const word = wordEnd(line, start, end)
  if (digitsEnd(line, start, word) === word && word === start + 1) {
    event.outcome = line.octetAt(start) === 0x31 ? Outcome.deny : Outcome.allow
    event.setSpan(Field.action, start, word)
  } else {
    const outcome = outcomeOf(line, start, word)
    if (outcome === Outcome.none) return
    event.outcome = outcome
    event.setSpan(Field.action, start, word)
  }
  event.setSpan(Field.ruleName, skipSpaces(line, word, end), end)
}

/** The product for the registry. */
export const ciscoMeraki: SyslogProduct = {
  id: 'cisco-meraki',
  shapes: [Shape.text, Shape.pairs],
  claims: (event) => nameEnd(event) >= 0,
  parse,
}
