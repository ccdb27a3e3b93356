/**
 * SonicWall SonicOS: `id=firewall … m=98 src=address:port:interface dst=… proto=tcp/https`. Sees connections opened
 * (m=98) and closed (m=537) with octets, packets and duration, drops and ICMP with type and code. Source: "SonicOS Log
 * Events Reference Guide", "Syslog tags".
 */
import { assign, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, type EscapeKind, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, outcomeOf, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import { COLON, isDigit, readAddress, readPort, readSmall, SLASH } from '../scan.js'
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
  usr: Target.userName,
  user: Target.userName,
  msg: Target.message,
  rule: Target.ruleName,
  srcZone: Target.sourceZone,
  dstZone: Target.destinationZone,
  appName: Target.applicationName,
  sess: 0,
  dpi: 0,
})

/** Message numbers: what the event is (connections, and sessions of administrators that share their form). */
const OPENED = 98
const CLOSED = 537

/** `address:port:interface[:host]`; in IPv6 the address itself has colons: the port is the first number behind a full address. */
function endpoint(event: SyslogEvent, slot: 0 | 1 | 2 | 3, start: number, end: number): void {
  const line = event.line
  let colon = start
  while (colon < end && line.charCodeAt(colon) !== COLON) colon++
  if (!readAddress(event, slot, start, colon)) {
    // IPv6: the longest prefix up to a colon that is an address.
    if (readAddress(event, slot, start, end)) return
    const limit = Math.min(end, start + 40)
    colon = limit
    while (colon > start && !(line.charCodeAt(colon) === COLON && readAddress(event, slot, start, colon)))
      colon--
    if (colon === start) return
  }
  let next = colon + 1
  while (next < end && line.charCodeAt(next) !== COLON) next++
  const port = readPort(line, colon + 1, next)
  if (slot === AddressSlot.source) event.sourcePort = port
  else if (slot === AddressSlot.destination) event.destinationPort = port
  else if (slot === AddressSlot.postNATSource) event.postNATSourcePort = port
  else event.postNATDestinationPort = port
  if (slot > 1 || next >= end) return
  let last = next + 1
  while (last < end && line.charCodeAt(last) !== COLON) last++
  event.setSpan(slot === 0 ? Field.ingressInterfaceName : Field.egressInterfaceName, next + 1, last)
}

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
    case Own.source:
    case Own.destination:
    case Own.natSource:
    case Own.natDestination:
      endpoint(event, (key - Own.source) as 0 | 1 | 2 | 3, start, end)
      return
    case Own.protocol: {
      let slash = start
      while (slash < end && line.charCodeAt(slash) !== SLASH) slash++
      event.protocol = readProtocol(line, start, slash)
      if (slash < end && !isDigit(line.charCodeAt(slash + 1))) event.setSpan(Field.service, slash + 1, end)
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
    case Own.verdict:
      if (end - start > 2) {
        event.setSpan(Field.action, start, end)
        event.outcome = outcomeOf(line, start, end)
      }
      return
  }
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  event.vendor = 'sonicwall'
  event.product = 'sonicos'
  event.clearSpan(Field.application)
  walkPairs(event, context, event.contentStart, end, keys, take)
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
  if (event.protocol !== 1 && event.protocol !== 58) event.icmpType = event.icmpCode = -1
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
  return true
}

const refusals = ['dropped', 'denied', 'blocked', 'rejected'] as const

function mentions(line: string, start: number, end: number): boolean {
  if (end - start > 256) return false
  const text = line.slice(start, end).toLowerCase()
  return refusals.some((word) => text.includes(word))
}

/** The product for the registry. */
export const sonicwall: SyslogProduct = {
  id: 'sonicwall',
  shapes: [Shape.pairs],
  claims: (event) => {
    const line = event.line
    if (!line.startsWith('id=', event.contentStart)) return false
    const serial = line.indexOf(' sn=', event.contentStart)
    return serial >= 0 && serial < event.contentStart + 128 && line.indexOf(' fw=', serial) >= 0
  },
  parse,
}
