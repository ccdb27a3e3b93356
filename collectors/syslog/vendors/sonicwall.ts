/**
 * SonicWall SonicOS: `id=firewall … m=98 src=address:port:interface dst=… proto=tcp/https`, and the same in the ArcSight
 * format (CEF). Sees connections opened (m=98) and closed (m=537) with octets, packets and duration, drops and ICMP with
 * type and code. Source: "SonicOS Log Events Reference Guide", "Index of Syslog Tag Field Descriptions", "Legacy
 * Categories" and the table of messages.
 */

import { assign, Target } from '../assign.js'
import { CefColumns, CefHeader, isCefOf, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, type EscapeKind, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, outcomeOf, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import {
  COLON,
  isDigit,
  OPEN_BRACKET,
  QUOTE,
  readAddress,
  readPort,
  readSmall,
  SLASH,
  skipSpaces,
} from '../scan.js'
import { Shape } from '../shape.js'
import { readTime } from '../timestamp.js'

const Own = {
  source: 100,
  destination: 101,
  natSource: 102,
  natDestination: 103,
  protocol: 104,
  time: 105,
  id: 106,
  type: 107,
  verdict: 108,
  category: 109,
  user: 110,
  natSourceText: 111,
  natDestinationText: 112,
  application: 113,
  group: 114,
} as const
const keys = new KeyTable({
  src: Own.source,
  srcV6: Own.source,
  dstV6: Own.destination,
  natSrcV6: Own.natSource,
  natDstV6: Own.natDestination,
  dst: Own.destination,
  natSrc: Own.natSource,
  natDst: Own.natDestination,
  proto: Own.protocol,
  time: Own.time,
  m: Own.id,
  fw_action: Own.verdict,
  sent: Target.octetsSent,
  rcvd: Target.octetsReceived,
  spkt: Target.packetsSent,
  rpkt: Target.packetsReceived,
  cdur: Target.milliseconds,
  dur: Target.seconds,
  type: Own.type,
  icmpCode: Target.icmpCode,
  code: Target.icmpCode,
  usr: Own.user,
  user: Own.user,
  susr: Own.user,
  gcat: Own.group,
  c: Own.category,
  cat: Own.category,
  spt: Target.sourcePort,
  dpt: Target.destinationPort,
  snpt: Target.postNATSourcePort,
  dnpt: Target.postNATDestinationPort,
  cs1Label: Own.natSourceText,
  cs2Label: Own.natDestinationText,
  cs3Label: Target.sourceZone,
  cs4Label: Target.destinationZone,
  deviceInboundInterface: Target.ingressInterfaceName,
  deviceOutboundInterface: Target.egressInterfaceName,
  in: Target.octetsReceived,
  out: Target.octetsSent,
  msg: Target.message,
  rule: Target.ruleName,
  srcZone: Target.sourceZone,
  dstZone: Target.destinationZone,
  appName: Own.application,
})
const cef = new CefColumns()

/** Message numbers: what the event is (connections, and sessions of administrators that share their form). */
const OPENED = 98
const CLOSED = 537

/** Legacy categories of the device itself: system maintenance and errors, user activity, VPN, wireless, environment. */
const deviceCategories: ReadonlySet<number> = new Set([1, 2, 16, 32_768, 65_536, 131_072, 524_288])
/** User activity by its category, traffic by its group (Network): packets that a rule of management let in or dropped. */
const managementPackets: ReadonlySet<number> = new Set([524, 525, 526, 1197])
/** Groups Users, VPN and System though the legacy category is one of traffic: logins, IPsec, SNMP, time. */
const deviceMessages: ReadonlySet<number> = new Set([
  30, 32, 33, 35, 329, 485, 533, 534, 535, 1080, 1107, 1220, 1229, 1230, 1231, 1232, 1233, 1387, 1388,
])

/** Groups (`gcat`) of traffic: Security Services, Network and Firewall; they say more than the legacy category. */
const trafficGroups: ReadonlySet<number> = new Set([3, 6, 10])

let category = -1
let group = -1

/** Whether a message is about the device, its users and its tunnels. */
function isOfDevice(id: number): boolean {
  if (deviceMessages.has(id)) return true
  if (trafficGroups.has(group)) return false
  return deviceCategories.has(category) && !managementPackets.has(id)
}

/**
 * `address:port:interface[:host]`, `[address]:port` in IPv6; without brackets the address itself has colons: the port is
 * the first number behind a full address.
 */
function endpoint(event: SyslogEvent, slot: 0 | 1 | 2 | 3, start: number, end: number): void {
  const line = event.line
  let colon = start
  if (line.octetAt(start) === COLON && line.octetAt(start + 1) !== COLON) {
    // Port and interface alone: the address has a key of its own, srcV6 or dstV6.
  } else if (line.octetAt(start) === OPEN_BRACKET) {
    const close = line.indexOf(']', start)
    if (close < 0 || close >= end || !readAddress(event, slot, start + 1, close)) return
    colon = close + 1
  } else {
    while (colon < end && line.octetAt(colon) !== COLON) colon++
    if (!readAddress(event, slot, start, colon)) {
      // IPv6: the longest prefix up to a colon that is an address.
      if (readAddress(event, slot, start, end)) return
      colon = Math.min(end, start + 40)
      while (colon > start && !(line.octetAt(colon) === COLON && readAddress(event, slot, start, colon)))
        colon--
    }
  }
  if (colon >= end) return
  let next = colon + 1
  while (next < end && line.octetAt(next) !== COLON) next++
  const port = readPort(line, colon + 1, next)
  if (slot === AddressSlot.source) event.sourcePort = port
  else if (slot === AddressSlot.destination) event.destinationPort = port
  else if (slot === AddressSlot.postNATSource) event.postNATSourcePort = port
  else event.postNATDestinationPort = port
  if (slot > 1 || next >= end) return
  let last = next + 1
  while (last < end && line.octetAt(last) !== COLON) last++
  event.setSpan(slot === 0 ? Field.ingressInterfaceName : Field.egressInterfaceName, next + 1, last)
}

function take(
  event: SyslogEvent,
  key: number,
  from: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  const line = event.line
  const start = skipSpaces(line, from, end)
  if (assign(event, key, start, end, escaping)) return
  switch (key) {
    case Own.source:
    case Own.destination:
    case Own.natSource:
    case Own.natDestination:
      endpoint(event, (key - Own.source) as 0 | 1 | 2 | 3, start, end)
      return
    case Own.protocol: {
      let slash = start
      while (slash < end && line.octetAt(slash) !== SLASH) slash++
      event.protocol = readProtocol(line, start, slash)
      if (slash < end && !isDigit(line.octetAt(slash + 1))) event.setSpan(Field.service, slash + 1, end)
      return
    }
    case Own.time:
      readTime(event, context, start, end)
      return
    case Own.id:
      event.setSpan(Field.eventId, start, end)
      return
    case Own.type:
      event.icmpType = readSmall(line, start, end, 255)
      return
    case Own.category:
      category = readSmall(line, start, end, 0x7fff_ffff)
      return
    case Own.group:
      group = readSmall(line, start, end, 255)
      return
    case Own.user:
    case Own.application: {
      const field = key === Own.user ? Field.userName : Field.applicationName
      // CEF keeps the quotes.
      if (line.octetAt(start) === QUOTE && line.octetAt(end - 1) === QUOTE)
        event.setSpan(field, start + 1, end - 1)
      else event.setSpan(field, start, end, escaping)
      return
    }
    case Own.natSourceText:
    case Own.natDestinationText:
      readAddress(event, key === Own.natSourceText ? 2 : 3, start, end)
      return
    case Own.verdict:
      if (line.octetAt(start) === QUOTE) takeVerdict(event, start + 1, end - 1)
      else takeVerdict(event, start, end)
      return
  }
}

/** `NA` stands for no action. */
function takeVerdict(event: SyslogEvent, start: number, end: number): void {
  if (end - start <= 2) return
  event.setSpan(Field.action, start, end)
  event.outcome = outcomeOf(event.line, start, end)
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  event.vendor = 'sonicwall'
  event.product = 'sonicos'
  event.clearSpan(Field.application)
  category = group = -1
  if (event.shape === Shape.cef) {
    if (!cef.read(event)) return false
    event.setSpan(Field.eventId, cef.starts[CefHeader.signatureId]!, cef.ends[CefHeader.signatureId]!)
    walkCef(event, context, cef.extension, end, keys, take)
  } else walkPairs(event, context, event.contentStart, end, keys, take)
  const id = readSmall(line, event.start(Field.eventId), event.end(Field.eventId), 99_999)
  if (id === OPENED) event.phase = Phase.start
  else if (id === CLOSED) event.phase = Phase.end
  const message = event.start(Field.message)
  if (event.outcome === Outcome.none && message >= 0) {
    if (id === OPENED || id === CLOSED) event.outcome = Outcome.allow
    else if (mentions(line, message, event.end(Field.message))) event.outcome = Outcome.deny
  }
  // A counter of nothing is left out.
  if (Number.isNaN(event.octetsDestinationToSource)) event.octetsTotal = event.octetsSourceToDestination
  else if (Number.isNaN(event.octetsSourceToDestination)) event.octetsTotal = event.octetsDestinationToSource
  if (Number.isNaN(event.packetsDestinationToSource)) event.packetsTotal = event.packetsSourceToDestination
  else if (Number.isNaN(event.packetsSourceToDestination))
    event.packetsTotal = event.packetsDestinationToSource
  if (event.protocol !== 1 && event.protocol !== 58) event.icmpType = event.icmpCode = -1
  dropIdleTranslation(event)
  if (!isOfDevice(id)) setConnectionIfPaired(event)
  return true
}

const refusals = ['dropped', 'denied', 'blocked', 'rejected'] as const

function mentions(line: Line, start: number, end: number): boolean {
  if (end - start > 256) return false
  const text = line.slice(start, end).toLowerCase()
  return refusals.some((word) => text.includes(word))
}

/** The product for the registry. */
export const sonicwall: SyslogProduct = {
  id: 'sonicwall',
  shapes: [Shape.pairs, Shape.cef],
  claims: (event) => {
    const line = event.line
    if (event.shape === Shape.cef) return isCefOf(event, 'SonicWall')
    if (!line.startsWith('id=', event.contentStart)) return false
    const serial = line.indexOf(' sn=', event.contentStart)
    return serial >= 0 && serial < event.contentStart + 128 && line.indexOf(' fw=', serial) >= 0
  },
  parse,
}
