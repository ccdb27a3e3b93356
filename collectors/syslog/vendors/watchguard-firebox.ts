/**
 * WatchGuard Firebox (Fireware): `msg_id="3000-0148" Allow 1-Trusted 0-External 60 tcp 20 63 source destination ports …
 * key="value" (policy)` and IBM LEEF. Sees connections of policies that log: allowed, ended with octets and packets each
 * way and duration, denied; proxies' transactions, translations, ICMP's type and code. Source: WatchGuard Help Center, "Read a
 * Log Message", and "Fireware Log Message Catalog".
 */

import { assign, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { readSeconds } from '../decimal.js'
import { AddressSlot, type EscapeKind, Field, Kind, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { LeefColumns, LeefHeader } from '../leef.js'
import type { Line } from '../line.js'
import { walkPairs, walkSeparated } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setAction, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import {
  CLOSE_PARENTHESIS,
  digitsEnd,
  QUOTE,
  readAddress,
  readIPv4,
  readOctet,
  readPort,
  SPACE,
  skipSpaces,
  wordEnd,
} from '../scan.js'
import { Shape } from '../shape.js'

const Own = { elapsed: 100, duration: 101, sentBytes: 102, receivedBytes: 103 } as const
const shared = {
  src_ip_nat: Target.postNATSource,
  dst_ip_nat: Target.postNATDestination,
  src_port_nat: Target.postNATSourcePort,
  dst_port_nat: Target.postNATDestinationPort,
  sent_bytes: Own.sentBytes,
  rcvd_bytes: Own.receivedBytes,
  sent_pkts: Target.packetsSent,
  rcvd_pkts: Target.packetsReceived,
  duration: Own.duration,
  elapsed_time: Own.elapsed,
  src_user: Target.userName,
  app_name: Target.applicationName,
} as const
const keys = new KeyTable({
  ...shared,
  type: Target.icmpType,
  code: Target.icmpCode,
  reason: Target.endReason,
})
const leefKeys = new KeyTable({
  ...shared,
  policy: Target.ruleName,
  disp: Target.action,
  in_if: Target.ingressInterfaceName,
  out_if: Target.egressInterfaceName,
  src: Target.source,
  dst: Target.destination,
  srcPort: Target.sourcePort,
  dstPort: Target.destinationPort,
  srcPostNAT: Target.postNATSource,
  dstPostNAT: Target.postNATDestination,
  srcPostNATPort: Target.postNATSourcePort,
  dstPostNATPort: Target.postNATDestinationPort,
  icmpType: Target.icmpType,
  icmpCode: Target.icmpCode,
  proto: Target.protocol,
  usrName: Target.userName,
})
const leef = new LeefColumns()

let hasCounters = false

function take(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  const { line } = event
  switch (key) {
    case Own.sentBytes:
    case Own.receivedBytes:
      hasCounters = true
      assign(event, key === Own.sentBytes ? Target.octetsSent : Target.octetsReceived, start, end, escaping)
      return
    case Own.duration:
      assign(event, Target.seconds, start, end, escaping)
      return
    case Own.elapsed:
      // `0.202470 sec(s)`
      event.durationMilliseconds = readSeconds(line, start, wordEnd(line, start, end))
      return
    default:
      assign(event, key, start, end, escaping)
  }
}

/** `msg_id="3000-0148" `: the text behind it, or -1. */
function readMessageId(event: SyslogEvent, end: number): number {
  const { line } = event
  const at = findMessageId(event)
  const close = line.indexOf('"', at + 8)
  if (at < 0 || close < 0 || close >= end) return -1
  event.setSpan(Field.eventId, at + 8, close)
  return skipSpaces(line, close + 1, end)
}

/** In front of it stand what the settings add: the name, the serial number, a time, the process. */
const MAX_PREFIX = 192

function findMessageId({ line, contentStart }: SyslogEvent): number {
  const at = line.indexOf('msg_id="', contentStart)
  if (at < 0 || at > contentStart + MAX_PREFIX) return -1
  // Two numbers of four hexadecimal digits.
  return line.octetAt(at + 12) === 0x2d && line.octetAt(at + 17) === QUOTE ? at : -1
}

/** Where two addresses stand side by side; -1 where none do. Interfaces in front of them may have spaces in their names. */
let sourceStart = -1
let destinationStart = -1

/** The two interfaces, the length, the protocol, and two lengths of the header stand in front of the addresses. */
const MAX_WORDS = 24

function findAddresses(event: SyslogEvent, start: number, end: number): boolean {
  const { line } = event
  let previous = -1
  let position = start
  for (let word = 0; word < MAX_WORDS && position < end; word++) {
    const stop = wordEnd(line, position, end)
    if (isAddress(event, position, stop)) {
      if (previous >= 0) {
        sourceStart = previous
        destinationStart = position
        return true
      }
      previous = position
    } else previous = -1
    position = skipSpaces(line, stop, end)
  }
  return false
}

function isAddress(event: SyslogEvent, start: number, end: number): boolean {
  if (readIPv4(event.line, start, end) >= 0) return true
  return event.line.indexOf(':', start) < end && readAddress(event, AddressSlot.destination, start, end)
}

/** The start of the word in front of the one at `position`. */
function wordBefore(line: Line, position: number, limit: number): number {
  let stop = position
  while (stop > limit && line.octetAt(stop - 1) === SPACE) stop--
  while (stop > limit && line.octetAt(stop - 1) !== SPACE) stop--
  return stop
}

/** Packet filters: interfaces, length, protocol, header length, TTL. Proxies: interfaces, protocol. */
function readFront(event: SyslogEvent, start: number): void {
  const { line } = event
  let protocol = wordBefore(line, sourceStart, start)
  let interfacesEnd = protocol
  const isNumber = digitsEnd(line, protocol, sourceStart) === wordEnd(line, protocol, sourceStart)
  const third = wordBefore(line, wordBefore(line, protocol, start), start)
  if (isNumber && readProtocol(line, third, wordEnd(line, third, protocol)) >= 0) {
    protocol = third
    interfacesEnd = wordBefore(line, third, start)
  }
  event.protocol = readProtocol(line, protocol, wordEnd(line, protocol, sourceStart))
  // Two words are two names; of more nothing says where the first one ends.
  const second = wordBefore(line, interfacesEnd, start)
  const first = wordBefore(line, second, start)
  if (first !== start || second === start) return
  event.setSpan(Field.ingressInterfaceName, first, wordEnd(line, first, second))
  event.setSpan(Field.egressInterfaceName, second, wordEnd(line, second, interfacesEnd))
}

/** Two numbers behind the addresses: ports, or ICMP's type and code. */
function readNumbers(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  const firstEnd = digitsEnd(line, start, end)
  const second = skipSpaces(line, firstEnd, end)
  const secondEnd = digitsEnd(line, second, end)
  if (firstEnd === start || secondEnd === second) return
  if (event.protocol === 1 || event.protocol === 58) {
    event.icmpType = readOctet(line, start, firstEnd)
    event.icmpCode = readOctet(line, second, secondEnd)
  } else {
    event.sourcePort = readPort(line, start, firstEnd)
    event.destinationPort = readPort(line, second, secondEnd)
  }
}

/** ` (HTTPS-proxy-00)` at the line's end. */
function readPolicy(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  if (line.octetAt(end - 1) !== CLOSE_PARENTHESIS) return
  const open = line.lastIndexOf(' (', end)
  if (open >= start) event.setSpan(Field.ruleName, open + 2, end - 1)
}

function settle(event: SyslogEvent): void {
  if (event.protocol === 1 || event.protocol === 58) event.sourcePort = event.destinationPort = -1
  else event.icmpType = event.icmpCode = -1
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
  if (event.kind !== Kind.connection || event.outcome !== Outcome.allow) return
  if (hasCounters) event.phase = Phase.end
  else if (event.line.startsWith('3000-', event.start(Field.eventId))) event.phase = Phase.start
}

function parseLeef(event: SyslogEvent, context: SyslogContext, end: number): boolean {
  if (!leef.read(event)) return false
  event.vendor = 'watchguard'
  event.product = 'firebox'
  walkSeparated(event, context, leef.attributes, end, leef.separator, leefKeys, take)
  event.setSpan(Field.eventId, leef.starts[LeefHeader.eventId]!, leef.ends[LeefHeader.eventId]!)
  settle(event)
  return true
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const { line } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  hasCounters = false
  sourceStart = destinationStart = -1
  if (event.shape === Shape.leef) return parseLeef(event, context, end)
  const text = readMessageId(event, end)
  if (text < 0) return false
  event.vendor = 'watchguard'
  event.product = 'firebox'
  event.messageStart = text
  const verdictEnd = wordEnd(line, text, end)
  setAction(event, text, verdictEnd)
  if (event.outcome === Outcome.none) {
    event.clearSpan(Field.action)
    return true
  }
  const front = skipSpaces(line, verdictEnd, end)
  if (!findAddresses(event, front, end)) return true
  readAddress(event, AddressSlot.source, sourceStart, wordEnd(line, sourceStart, end))
  const destinationEnd = wordEnd(line, destinationStart, end)
  readAddress(event, AddressSlot.destination, destinationStart, destinationEnd)
  readFront(event, front)
  const rest = skipSpaces(line, destinationEnd, end)
  readNumbers(event, rest, end)
  walkPairs(event, context, rest, end, keys, take)
  readPolicy(event, rest, end)
  settle(event)
  return true
}

/** The product for the registry. */
export const watchguardFirebox: SyslogProduct = {
  id: 'watchguard-firebox',
  shapes: [Shape.text, Shape.pairs, Shape.leef],
  claims: (event) => {
    if (event.shape !== Shape.leef) return findMessageId(event) >= 0
    const bar = event.line.indexOf('|', event.bodyStart)
    return bar >= 0 && event.line.startsWith('WatchGuard|', bar + 1)
  },
  parse,
}
