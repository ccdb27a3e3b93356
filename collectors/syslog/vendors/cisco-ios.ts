/**
 * Cisco IOS, IOS XE, IOS XR and NX-OS: `%FACILITY-severity-MNEMONIC: sentence`. Access lists with `log` see packets with their
 * number, ICMP with type and code; everything else is a system message. Source: Cisco "System Message Guide", SEC-6-IPACCESSLOG*
 * and IPv6 ACCESSLOG*; IOS XR "ACL" messages; NX-OS "ACLLOG" messages.
 */

import { readEndpoint } from '../address-port.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, Field, type SyslogEvent } from '../event.js'
import type { Line } from '../line.js'
import { type SyslogProduct, setAction, setConnectionIfPaired } from '../product.js'
import { ICMP, ICMPV6, readProtocol } from '../protocols.js'
import {
  COLON,
  digitsEnd,
  isDigit,
  MINUS,
  PERCENT,
  QUOTE,
  readAddress,
  readNumber,
  readPort,
  SPACE,
  skipSpaces,
} from '../scan.js'
import { Shape } from '../shape.js'
import { compile, match, type Template } from '../templates.js'

/** What follows the list's name in IOS, and its number in IOS XR. */
const hits: Readonly<Record<string, string>> = {
  LOGDP: '{action} {protocol} {source} {..}-> {destination} ({icmpType}/{icmpCode}), {packets} packet',
  LOGNP: '{action} {protocol} {source} {..}-> {destination}, {packets} packet',
  LOGRP: '{action} {protocol} {source} {..}-> {destination}, {packets} packet',
  LOGP: '{action} {protocol} {source} {..}-> {destination}, {packets} packet',
}
/** IOS XE's data plane puts its process in front. */
const lists = ['list {rule} ', 'access-list {rule} ({*}) ', '{..}: list {rule} ']

const sentences: readonly (readonly [mnemonic: string, Template])[] = [
  ...['IPACCESS', 'ACCESS'].flatMap((prefix) =>
    Object.entries(hits).flatMap(([mnemonic, hit]) =>
      lists.map((list) => [prefix + mnemonic, compile(list + hit)] as const),
    ),
  ),
  ['IPACCESSLOGS', compile('list {rule} {action} {source} {packets} packet')],
]

const MAX_NAME = 64

/** The offset of the mnemonic behind `%FACILITY[-SUB…]-n-`, and of its end, in module registers; false where none stands. */
let mnemonicStart = 0
let mnemonicEnd = 0

function findMnemonic(line: Line, percent: number): boolean {
  const limit = Math.min(line.length, percent + 2 * MAX_NAME)
  let index = percent + 1
  if (!isUpper(line.octetAt(index))) return false
  while (index < limit) {
    const code = line.octetAt(index)
    if (code === MINUS && isDigit(line.octetAt(index + 1)) && line.octetAt(index + 2) === MINUS) {
      mnemonicStart = index + 3
      index = mnemonicStart
      while (index < limit && isName(line.octetAt(index))) index++
      mnemonicEnd = index
      while (line.octetAt(index) === 0x20) index++
      return mnemonicEnd > mnemonicStart && line.octetAt(index) === COLON
    }
    if (!isName(code) && code !== MINUS) return false
    index++
  }
  return false
}

function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a
}

function isName(code: number): boolean {
  return isUpper(code) || isDigit(code) || code === 0x5f || (code >= 0x61 && code <= 0x7a)
}

/** Where the `%` stands: at the content, or behind a tag (IOS XR: `process[pid]: %…`). */
function percentAt(event: SyslogEvent): number {
  const line = event.line
  if (line.octetAt(event.contentStart) === PERCENT) return event.contentStart
  const limit = Math.min(line.length, event.contentStart + 2 * MAX_NAME)
  for (let index = event.contentStart; index < limit; index++) {
    if (line.octetAt(index) === PERCENT) return index
  }
  return -1
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const line = event.line
  const percent = percentAt(event)
  if (percent < 0 || !findMnemonic(line, percent)) return false
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  event.vendor = 'cisco'
  event.product = 'ios'
  const nameStart = mnemonicStart
  const nameEnd = mnemonicEnd
  event.setSpan(Field.eventId, nameStart, nameEnd)
  event.messageStart = percent
  event.setSpan(Field.message, percent, end)
  const colon = line.indexOf(':', nameEnd)
  const start = skipSpaces(line, colon + 1, end)
  if (line.startsWith('ACLLOG_', nameStart)) {
    readFlow(event, start, end)
    return true
  }
  if (line.startsWith('SIGNATURE', nameStart)) {
    readSignature(event, start, end)
    return true
  }
  for (const [mnemonic, template] of sentences) {
    if (nameEnd - nameStart !== mnemonic.length || !line.startsWith(mnemonic, nameStart)) continue
    if (match(event, template, start, end)) {
      settleList(event)
      setConnectionIfPaired(event)
      return true
    }
    event.resetBody()
    event.clearSpan(Field.ruleName)
    event.clearSpan(Field.action)
  }
  return true
}

/** An IPv6 list's name ends in `/` and the entry's number; in brackets behind the source stand interface and MAC. */
function settleList(event: SyslogEvent): void {
  const line = event.line
  let slash = event.end(Field.ruleName) - 1
  while (slash > event.start(Field.ruleName) && isDigit(line.octetAt(slash))) slash--
  if (line.octetAt(slash) === 0x2f && slash < event.end(Field.ruleName) - 1) {
    event.setSpan(Field.ruleId, slash + 1, event.end(Field.ruleName))
    event.setSpan(Field.ruleName, event.start(Field.ruleName), slash)
  }
  if (!event.has(Field.userName)) return
  const start = event.start(Field.userName)
  let stop = start
  while (stop < event.end(Field.userName) && line.octetAt(stop) !== SPACE) stop++
  event.setSpan(Field.ingressInterfaceName, start, stop)
  event.clearSpan(Field.userName)
}

/** Where the value of `name: ` begins, or -1. */
function startOfValue(line: Line, name: string, start: number, end: number): number {
  const at = line.indexOf(name, start)
  return at < 0 || at >= end ? -1 : at + name.length
}

/** End of a value between commas. */
function endOfValue(line: Line, start: number, end: number): number {
  const comma = line.indexOf(',', start)
  return comma < 0 || comma > end ? end : comma
}

/** NX-OS: `Src IP: a, Dst IP: b, Src Port: p, …, Protocol: "TCP"(6), …, Hit-count = n`; the ports of ICMP are none. */
function readFlow(event: SyslogEvent, start: number, end: number): void {
  const line = event.line
  const source = startOfValue(line, 'Src IP: ', start, end)
  const destination = startOfValue(line, 'Dst IP: ', start, end)
  if (source < 0 || destination < 0) return
  readAddress(event, AddressSlot.source, source, endOfValue(line, source, end))
  readAddress(event, AddressSlot.destination, destination, endOfValue(line, destination, end))
  const protocol = startOfValue(line, 'Protocol: ', destination, end)
  if (protocol >= 0) {
    const quoted = line.octetAt(protocol) === QUOTE
    const close = quoted ? line.indexOf('"', protocol + 1) : endOfValue(line, protocol, end)
    event.protocol = readProtocol(line, quoted ? protocol + 1 : protocol, close)
  }
  if (event.protocol !== ICMP && event.protocol !== ICMPV6) {
    const from = startOfValue(line, 'Src Port: ', destination, end)
    const to = startOfValue(line, 'Dst Port: ', destination, end)
    if (from >= 0) event.sourcePort = readPort(line, from, endOfValue(line, from, end))
    if (to >= 0) event.destinationPort = readPort(line, to, endOfValue(line, to, end))
  }
  const ingress = startOfValue(line, 'Src Intf: ', destination, end)
  if (ingress >= 0) event.setSpan(Field.ingressInterfaceName, ingress, endOfValue(line, ingress, end))
  const list = startOfValue(line, 'ACL Name: ', destination, end)
  if (list >= 0) event.setSpan(Field.ruleName, list, endOfValue(line, list, end))
  const action = startOfValue(line, 'ACE Action: ', destination, end)
  if (action >= 0) setAction(event, action, endOfValue(line, action, end))
  const hit = startOfValue(line, 'Hit-count', destination, end)
  if (hit >= 0) {
    let digits = hit
    while (digits < end && !isDigit(line.octetAt(digits))) digits++
    event.packetsSourceToDestination = readNumber(line, digits, digitsEnd(line, digits, end))
  }
  setConnectionIfPaired(event)
}

/** IOS IPS: `Sig:n Subsig:n Sev:n name [address:port -> address:port]`. */
function readSignature(event: SyslogEvent, start: number, end: number): void {
  const line = event.line
  const arrow = line.indexOf(' -> ', start)
  const close = line.indexOf(']', arrow)
  if (arrow < 0 || close < 0 || close > end) return
  readEndpoint(event, AddressSlot.source, line.lastIndexOf('[', arrow) + 1, arrow)
  readEndpoint(event, AddressSlot.destination, arrow + 4, close)
  if (line.startsWith('Sig:', start)) event.setSpan(Field.ruleId, start + 4, digitsEnd(line, start + 4, end))
  setConnectionIfPaired(event)
}

/** The product for the registry. */
export const ciscoIos: SyslogProduct = {
  id: 'cisco-ios',
  shapes: [Shape.percent],
  broad: true,
  claims: (event) => {
    const percent = percentAt(event)
    return percent >= 0 && findMnemonic(event.line, percent)
  },
  parse,
}
