/**
 * MikroTik RouterOS, the firewall's `log` action: `[topics] [prefix] chain: in:ether1 out:ether2, …, proto TCP (SYN),
 * 192.0.2.1:5->198.51.100.2:80, NAT …, len 60`, also in CEF (RouterOS 7.18). One packet per line, never a session: `len` is
 * that packet's length and no counter. The prefix is the administrator's text. Source: RouterOS documentation, "Log",
 * "Filter" and "NAT" (what `action=log` writes).
 */

import { CefColumns, isCefOf, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, Field, type FieldIndex, Outcome, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { dropIdleTranslation, outcomeOf, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { ICMP, ICMPV6, readProtocol } from '../protocols.js'
import {
  CLOSE_BRACKET,
  COLON,
  COMMA,
  digitsEnd,
  OPEN_BRACKET,
  OPEN_PARENTHESIS,
  readAddress,
  readPort,
  readSmall,
  SPACE,
  skipSpaces,
  wordEnd,
} from '../scan.js'
import { Shape } from '../shape.js'

/** How far behind the content's start the interfaces stand: topics, a prefix and the chain are in front. */
const PREFIX_WINDOW = 160
const GREATER_THAN = 0x3e
const cef = new CefColumns()
const cefKeys = new KeyTable({ dvchost: 1, msg: 2 })
let cefMessageStart = -1

/** `in:… out:…` of the interfaces; the offset of `in:`, or -1. */
function findInterfaces(line: Line, from: number): number {
  const at = line.indexOf(' in:', Math.max(0, from - 1))
  if (at < 0 || at > from + PREFIX_WINDOW) return -1
  const out = line.indexOf(' out:', at)
  return out < 0 || out > at + PREFIX_WINDOW || line.indexOf('proto ', out) < 0 ? -1 : at + 1
}

function takeCef(event: SyslogEvent, key: number, start: number, end: number): void {
  if (key === 2) cefMessageStart = start
  else event.setSpan(Field.host, start, end)
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  let start = event.contentStart
  if (event.shape === Shape.cef) {
    if (!cef.read(event)) return false
    cefMessageStart = -1
    walkCef(event, context, cef.extension, end, cefKeys, takeCef)
    if (cefMessageStart < 0) return false
    start = cefMessageStart
  }
  event.vendor = 'mikrotik'
  event.product = 'routeros'
  const at = findInterfaces(line, start)
  if (at < 0) return event.shape === Shape.cef
  event.clearSpan(Field.application)
  event.messageStart = start
  event.setSpan(Field.message, start, end)
  readPrefix(event, start, at)
  const out = line.indexOf(' out:', at)
  readInterface(event, Field.ingressInterfaceName, at + 3, out)
  let outEnd = line.indexOf(',', out)
  if (outEnd < 0 || outEnd > end) outEnd = end
  readInterface(event, Field.egressInterfaceName, out + 5, outEnd)
  const protocol = line.indexOf('proto ', out) + 6
  const packet = readProtocolAndFlags(event, protocol, end)
  readPair(event, AddressSlot.source, AddressSlot.destination, packet, end)
  const nat = line.indexOf(', NAT ', packet)
  if (nat >= 0 && nat < end) readTranslation(event, nat + 6, end)
  if (event.protocol === ICMP || event.protocol === ICMPV6) event.sourcePort = event.destinationPort = -1
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
  return true
}

/** `(unknown 0)` is no interface. */
function readInterface(event: SyslogEvent, field: FieldIndex, start: number, end: number): void {
  if (event.line.octetAt(start) !== OPEN_PARENTHESIS) event.setSpan(field, start, end)
}

/** `firewall,info DROP wan input: `: behind the topics a prefix, whose words may hold the verdict, and the chain. */
function readPrefix(event: SyslogEvent, start: number, at: number): void {
  const line = event.line
  let first = start
  const topics = wordEnd(line, start, at)
  for (let index = start; index < topics; index++) {
    if (line.octetAt(index) === COMMA) first = skipSpaces(line, topics, at)
  }
  let chain = at - 1
  while (chain > first && line.octetAt(chain - 1) !== SPACE) chain--
  let end = chain
  while (end > first && (line.octetAt(end - 1) === SPACE || line.octetAt(end - 1) === COLON)) end--
  if (end <= first) return
  event.setSpan(Field.ruleName, first, end)
  let word = first
  for (let index = first; index <= end; index++) {
    const code = index < end ? line.octetAt(index) : SPACE
    if (code !== SPACE && code !== COLON && code !== 0x5f && code !== 0x2d) continue
    const outcome = index > word ? outcomeOf(line, word, index) : Outcome.none
    if (outcome !== Outcome.none) {
      event.outcome = outcome
      event.setSpan(Field.action, word, index)
      return
    }
    word = index + 1
  }
}

/** `TCP (SYN,ACK), ` or `ICMP (type 8, code 0), `; the offset of the addresses. */
function readProtocolAndFlags(event: SyslogEvent, start: number, end: number): number {
  const line = event.line
  let stop = start
  while (stop < end && line.octetAt(stop) !== SPACE && line.octetAt(stop) !== COMMA) stop++
  event.protocol = readProtocol(line, start, stop)
  let position = skipSpaces(line, stop, end)
  if (line.octetAt(position) === OPEN_PARENTHESIS) {
    const close = line.indexOf(')', position)
    if (close < 0 || close > end) return end
    if (line.startsWith('(type ', position)) {
      const typeEnd = digitsEnd(line, position + 6, close)
      event.icmpType = readSmall(line, position + 6, typeEnd, 255)
      if (line.startsWith(', code ', typeEnd)) event.icmpCode = readSmall(line, typeEnd + 7, close, 255)
    }
    position = close + 1
  }
  if (line.octetAt(position) === COMMA) position++
  return skipSpaces(line, position, end)
}

/** `a:p->b:q`; the offset behind it. */
function readPair(event: SyslogEvent, from: 0 | 2, to: 1 | 3, start: number, end: number): number {
  const line = event.line
  let stop = start
  while (stop < end && !isPairEnd(line.octetAt(stop))) stop++
  const arrow = line.indexOf('->', start)
  if (arrow < 0 || arrow >= stop) return stop
  readEnd(event, from, start, arrow)
  readEnd(event, to, arrow + 2, stop)
  return stop
}

function isPairEnd(code: number): boolean {
  return code === COMMA || code === SPACE || code === 0x29
}

/** `address`, `address:port` or `[address]:port`. */
function readEnd(event: SyslogEvent, slot: 0 | 1 | 2 | 3, start: number, end: number): void {
  const line = event.line
  let addressEnd = end
  let port = -1
  if (line.octetAt(start) === OPEN_BRACKET) {
    addressEnd = start + 1
    while (addressEnd < end && line.octetAt(addressEnd) !== CLOSE_BRACKET) addressEnd++
    if (!readAddress(event, slot, start + 1, addressEnd)) return
    port = readPort(line, addressEnd + 2, end)
  } else if (!readAddress(event, slot, start, end)) {
    while (addressEnd > start && line.octetAt(addressEnd) !== COLON) addressEnd--
    if (!readAddress(event, slot, start, addressEnd)) return
    port = readPort(line, addressEnd + 1, end)
  }
  if (slot === AddressSlot.source) event.sourcePort = port
  else if (slot === AddressSlot.destination) event.destinationPort = port
  else if (slot === AddressSlot.postNATSource) event.postNATSourcePort = port
  else event.postNATDestinationPort = port
}

/** `(source->translated)->destination` or `source->(destination->translated)`, or both. */
function readTranslation(event: SyslogEvent, start: number, end: number): void {
  const line = event.line
  let position = start
  if (line.octetAt(position) === OPEN_PARENTHESIS) {
    position = translated(event, AddressSlot.postNATSource, position, end)
  } else {
    while (position < end && line.octetAt(position) !== GREATER_THAN) position++
    position++
  }
  if (line.startsWith('->', position)) position += 2
  if (line.octetAt(position) === OPEN_PARENTHESIS)
    translated(event, AddressSlot.postNATDestination, position, end)
}

/**
 * `(original->translated)`; the offset behind the bracket. Behind destination NAT the packet itself has the translated
 * address already: what the initiator asked for is the original.
 */
function translated(event: SyslogEvent, slot: 2 | 3, open: number, end: number): number {
  const line = event.line
  const arrow = line.indexOf('->', open)
  const close = line.indexOf(')', open)
  if (arrow < 0 || close < arrow || close > end) return end
  readEnd(event, (slot - 2) as 0 | 1, open + 1, arrow)
  readEnd(event, slot, arrow + 2, close)
  return close + 1
}

/** The product for the registry. */
export const mikrotikRouteros: SyslogProduct = {
  id: 'mikrotik-routeros',
  shapes: [Shape.text, Shape.csv, Shape.cef],
  claims: (event) =>
    event.shape === Shape.cef
      ? isCefOf(event, 'MikroTik')
      : findInterfaces(event.line, event.contentStart) >= 0,
  parse,
}
