/**
 * Cisco IOS and IOS XE with the zone-based policy firewall or CBAC: `%FW-6-SESS_AUDIT_TRAIL: Stop tcp session: initiator (a:p) sent
 * n bytes -- responder (b:p) sent m bytes`, `%FW-6-DROP_PKT`, also inside `%IOSXE-6-PLATFORM`. Sees sessions that began and
 * ended with octets each way, packets dropped and passed with zone pair and reason. Source: Cisco IOS Security Command
 * Reference, "ip inspect audit-trail", "ip inspect log drop-pkt"; "Zone-Based Policy Firewall Design and Application Guide".
 */

import { readEndpoint } from '../address-port.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import type { Line } from '../line.js'
import { type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import { CLOSE_PARENTHESIS, digitsEnd, readNumber, skipSpaces, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'

const MARK = '%FW-'
/** `%IOSXE-6-PLATFORM: F0: cpp_cp: QFP:0.0 Thread:… TS:… ` stands in front on IOS XE. */
const MAX_FRONT = 200

function findMark({ line, bodyStart }: SyslogEvent): number {
  const at = line.indexOf(MARK, bodyStart)
  return at >= 0 && at <= bodyStart + MAX_FRONT ? at : -1
}

/** `(address:port)` behind a word; the offset behind it, or -1. */
function readSide(event: SyslogEvent, slot: 0 | 1, word: string, start: number, end: number): number {
  const { line } = event
  const at = line.indexOf(word, start)
  const open = at + word.length
  const close = line.indexOf(')', open)
  if (at < 0 || close < 0 || close > end) return -1
  return readEndpoint(event, slot, open, close, true) ? close + 1 : -1
}

/** ` sent 360 bytes`; NaN where it does not stand here. */
function readSent(line: Line, start: number, end: number): number {
  if (!line.startsWith(' sent ', start)) return Number.NaN
  return readNumber(line, start + 6, digitsEnd(line, start + 6, end))
}

/** `Start tcp session: initiator (…) -- responder (…)`; the protocol may be an application's. */
function readSession(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  const afterSource = readSide(event, AddressSlot.source, 'initiator (', start, end)
  if (afterSource < 0) return
  const afterDestination = readSide(event, AddressSlot.destination, 'responder (', afterSource, end)
  event.octetsSourceToDestination = readSent(line, afterSource, end)
  if (afterDestination >= 0) event.octetsDestinationToSource = readSent(line, afterDestination, end)
  const session = line.indexOf(' session', start)
  let verb = session
  while (verb > start && line.octetAt(verb - 1) !== 0x20) verb--
  event.protocol = readProtocol(line, verb, session)
  if (event.protocol < 0) event.setSpan(Field.service, verb, session)
  event.outcome = Outcome.allow
  event.phase = line.startsWith('Start ', verb - 6) ? Phase.start : Phase.end
  if (event.protocol === 1 || event.protocol === 58) {
    // Where ports stand, ICMP has its type, and the answer's type.
    if (event.sourcePort <= 255) event.icmpType = event.sourcePort
    event.sourcePort = event.destinationPort = -1
  }
}

/** Words of one packet's line that are looked at: verb, protocol, interface, two ends. */
const MAX_WORDS = 12

/** `Dropping tcp pkt a:p => b:p …`, `Dropping udp session a:p b:p on zone-pair …`, `8 packets were dropped from a:p => b:p`. */
function readPacket(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  let slot: 0 | 1 = AddressSlot.source
  let position = start
  for (
    let word = 0;
    word < MAX_WORDS && position < end && event.families[AddressSlot.destination] === 0;
    word++
  ) {
    let stop = wordEnd(line, position, end)
    const next = skipSpaces(line, stop, end)
    // `192.0.2.1:80(target:class)-(…)`
    const bracket = line.indexOf('(', position)
    if (bracket > position && bracket < stop) stop = bracket
    if (word === 1 && event.protocol < 0) event.protocol = readProtocol(line, position, stop)
    else if (word > 1 && readEndpoint(event, slot, position, stop, true)) slot = AddressSlot.destination
    else if (line.startsWith('from ', position) && readsName(line, next)) {
      event.setSpan(Field.ingressInterfaceName, next, wordEnd(line, next, end))
    }
    position = next
  }
  readReason(event, start, end)
  if (event.protocol === 1 || event.protocol === 58) event.sourcePort = event.destinationPort = -1
}

/** A name of an interface begins with a letter, an address with a digit or is in IPv6. */
function readsName(line: Line, position: number): boolean {
  const letter = line.octetAt(position) | 0x20
  return letter > 0x66 && letter <= 0x7a
}

function readReason(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  const due = line.indexOf('due to ', start)
  if (due < 0 || due > end) return
  const from = skipSpaces(line, due + 7, end)
  const stop = line.indexOf(' with ip ident', from)
  event.setSpan(Field.endReason, from, stop > from && stop < end ? stop : end)
}

/** `on zone-pair NAME class …` and `(target:class)-(NAME:class)`: the zone pair. */
function readZonePair(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  const named = line.indexOf('zone-pair ', start)
  if (named >= 0 && named < end) {
    event.setSpan(Field.ruleName, named + 10, wordEnd(line, named + 10, end))
    return
  }
  const target = line.indexOf('(target:class)-(', start)
  if (target < 0 || target > end) return
  const from = target + 16
  let stop = from
  while (stop < end && line.octetAt(stop) !== 0x3a && line.octetAt(stop) !== CLOSE_PARENTHESIS) stop++
  event.setSpan(Field.ruleName, from, stop)
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const { line } = event
  const mark = findMark(event)
  // `%FW-6-NAME: `
  const name = mark + MARK.length + 2
  const colon = line.indexOf(':', name)
  if (mark < 0 || colon < 0 || colon > name + 48) return false
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  event.vendor = 'cisco'
  event.product = 'ios'
  event.setSpan(Field.eventId, name, colon)
  event.messageStart = mark
  event.setSpan(Field.message, mark, end)
  const start = skipSpaces(line, colon + 1, end)
  if (line.startsWith('SESS_AUDIT_TRAIL', name)) readSession(event, start, end)
  else if (line.startsWith('DROP_', name) || line.startsWith('PASS_PKT', name)) {
    readPacket(event, start, end)
    event.outcome = line.startsWith('DROP_', name) ? Outcome.deny : Outcome.allow
    event.actionName = event.outcome === Outcome.deny ? 'drop' : 'pass'
  } else if (line.startsWith('LOG_SUMMARY', name)) {
    const stop = digitsEnd(line, start, end)
    event.packetsSourceToDestination = readNumber(line, start, stop)
    readPacket(event, start, end)
    event.protocol = -1
    event.outcome = line.indexOf(' dropped ', stop) >= 0 ? Outcome.deny : Outcome.allow
  } else return true
  readZonePair(event, colon, end)
  setConnectionIfPaired(event)
  return true
}

/** The product for the registry, in front of the system messages of the same devices. */
export const ciscoZbf: SyslogProduct = {
  id: 'cisco-zbf',
  shapes: [Shape.percent],
  claims: (event) => findMark(event) >= 0,
  parse,
}
