/**
 * Juniper NetScreen, ISG and SSG (ScreenOS): `NetScreen device_id=… [Root]system-notification-00257(traffic): …
 * src zone=… src=… dst=… src_port=… icmp type=…`, and attacks that name both ends in prose. Sees sessions of policies with
 * `log`: created, closed with octets each way and seconds, denied; translations, zones, ICMP's type. Source: Juniper
 * "ScreenOS Message Log Reference Guide" 6.2 and 6.3, chapters "Traffic" and "Attacks".
 */

import { readEndpoint } from '../address-port.js'
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, Escape, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { MAX_KEY } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import { digitsEnd, QUOTE, SPACE } from '../scan.js'
import { Shape } from '../shape.js'
import { refineTime } from '../timestamp.js'

const MARK = 'NetScreen device_id='
const Own = { startTime: 100 } as const
const keys = new KeyTable({
  start_time: Own.startTime,
  duration: Target.seconds,
  policy_id: Target.ruleId,
  service: Target.service,
  proto: Target.protocol,
  'src zone': Target.sourceZone,
  'dst zone': Target.destinationZone,
  action: Target.action,
  sent: Target.octetsSent,
  rcvd: Target.octetsReceived,
  src: Target.source,
  dst: Target.destination,
  src_port: Target.sourcePort,
  dst_port: Target.destinationPort,
  'icmp type': Target.icmpType,
  'icmp code': Target.icmpCode,
  'src-xlated ip': Target.postNATSource,
  'dst-xlated ip': Target.postNATDestination,
  session_id: Target.sessionId,
  reason: Target.endReason,
})
/** Words that belong to the key behind them. */
const prefixes = ['src ', 'dst ', 'icmp ', 'src-xlated ', 'dst-xlated '] as const

/** Where the key that ends at `equals` begins: its word, with the one in front where only both are a key. */
function keyStartOf(line: Line, start: number, equals: number): number {
  let word = equals
  while (word > start && equals - word <= MAX_KEY && line.octetAt(word - 1) !== SPACE) word--
  for (const prefix of prefixes) {
    const before = word - prefix.length
    if (before >= start && line.startsWith(prefix, before) && keys.findRange(line, before, equals) !== 0) {
      return before
    }
  }
  return word
}

/** Values have spaces and no quotes: each lasts until the next key. The port behind a translated address is its own. */
function walk(event: SyslogEvent, context: SyslogContext, start: number, end: number): void {
  const { line } = event
  let key = 0
  let valueStart = start
  let equals = line.indexOf('=', start)
  let translatedPort = 0
  for (;;) {
    const isLast = equals < 0 || equals >= end
    const keyStart = isLast ? end : keyStartOf(line, valueStart, equals)
    let valueEnd = keyStart
    while (valueEnd > valueStart && line.octetAt(valueEnd - 1) === SPACE) valueEnd--
    if (key === Own.startTime) {
      const quoted = line.octetAt(valueStart) === QUOTE ? 1 : 0
      event.timeIsStart = refineTime(event, context, valueStart + quoted, valueEnd - quoted)
    } else if (key !== 0 && valueEnd > valueStart) assign(event, key, valueStart, valueEnd, Escape.none)
    if (isLast) return
    key = keys.findRange(line, keyStart, equals)
    if (key === 0 && translatedPort !== 0 && equals - keyStart === 4 && line.startsWith('port', keyStart)) {
      key = translatedPort
    }
    translatedPort =
      key === Target.postNATSource
        ? Target.postNATSourcePort
        : key === Target.postNATDestination
          ? Target.postNATDestinationPort
          : 0
    valueStart = equals + 1
    equals = line.indexOf('=', valueStart)
  }
}

/** `…! From address:port to address:port, proto TCP (zone Untrust, int ethernet3).` */
function readAttack(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  const from = line.indexOf('! From ', start)
  if (from < 0) return
  const source = from + 7
  const to = line.indexOf(' to ', source)
  const comma = line.indexOf(', ', to)
  if (to < 0 || comma < 0 || comma > end || comma - source > 128) return
  if (!readEndpoint(event, AddressSlot.source, source, to)) return
  readEndpoint(event, AddressSlot.destination, to + 4, comma)
  if (line.startsWith('proto ', comma + 2)) {
    const stop = line.indexOf(' ', comma + 8)
    if (stop > 0) event.protocol = readProtocol(line, comma + 8, stop)
  }
  const zone = line.indexOf('(zone ', comma)
  const zoneEnd = line.indexOf(',', zone)
  if (zone >= 0 && zoneEnd >= 0 && zoneEnd < end) event.setSpan(Field.sourceZone, zone + 6, zoneEnd)
}

/** `system-notification-00257(traffic): `: the message's number; the offset behind it, or -1. */
function readNumber(event: SyslogEvent, start: number, end: number): number {
  const { line } = event
  const at = line.indexOf('system-', start)
  if (at < 0 || at > start + 128) return -1
  const number = line.indexOf('-', at + 7) + 1
  const stop = digitsEnd(line, number, Math.min(end, number + 6))
  const colon = line.indexOf(': ', stop)
  if (number === 0 || stop === number || colon < 0 || colon > stop + 32) return -1
  event.setSpan(Field.eventId, number, stop)
  return colon + 2
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const { line } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const mark = line.indexOf(MARK, event.contentStart)
  event.vendor = 'juniper'
  event.product = 'screenos'
  if (!event.has(Field.host)) {
    const host = mark + MARK.length
    const stop = line.indexOf(' ', host)
    if (stop > 0) event.setSpan(Field.host, host, stop)
  }
  const body = readNumber(event, mark, end)
  if (body < 0) return true
  if (!line.startsWith('00257', event.start(Field.eventId))) readAttack(event, body, end)
  else {
    walk(event, context, body, end)
    settlePhase(event)
    dropIcmpPorts(event)
    if (event.protocol === 1 || event.protocol === 58)
      event.postNATSourcePort = event.postNATDestinationPort = -1
    dropIdleTranslation(event)
  }
  setConnectionIfPaired(event)
  return true
}

/** Sessions are logged when they end; with `session-init` also when they begin, and a reason then tells which. */
function settlePhase(event: SyslogEvent): void {
  if (event.outcome !== Outcome.allow) return
  const reason = event.start(Field.endReason)
  event.phase = reason >= 0 && event.line.startsWith('Creation', reason) ? Phase.start : Phase.end
  if (event.phase === Phase.start) event.clearSpan(Field.endReason)
}

/** The product for the registry. */
export const juniperScreenos: SyslogProduct = {
  id: 'juniper-screenos',
  shapes: [Shape.text],
  claims: ({ line, contentStart, messageStart }) =>
    line.startsWith(MARK, messageStart) || line.startsWith(MARK, contentStart),
  parse,
}
