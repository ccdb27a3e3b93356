/**
 * Cisco IOS, IOS XE, IOS XR and NX-OS: `%FACILITY-severity-MNEMONIC: sentence`. Access lists with `log` see packets with their
 * number, ICMP with type and code; everything else is a system message. Source: Cisco "System Message Guide", SEC-6-IPACCESSLOG*
 * and IPv6 ACCESSLOG*.
 */
import type { SyslogContext } from '../context.js'
import { Field, type SyslogEvent } from '../event.js'
import { type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { COLON, isDigit, MINUS, PERCENT, skipSpaces } from '../scan.js'
import { Shape } from '../shape.js'
import { compile, match, type Template } from '../templates.js'

const sentences: readonly (readonly [prefix: string, Template])[] = (
  [
    [
      'IPACCESSLOGDP',
      'list {rule} {action} {protocol} {source} {..}-> {destination} ({icmpType}/{icmpCode}), {packets} packet',
    ],
    ['IPACCESSLOGNP', 'list {rule} {action} {protocol} {source} {..}-> {destination}, {packets} packet'],
    ['IPACCESSLOGRP', 'list {rule} {action} {protocol} {source} {..}-> {destination}, {packets} packet'],
    ['IPACCESSLOGP', 'list {rule} {action} {protocol} {source} {..}-> {destination}, {packets} packet'],
    [
      'ACCESSLOGDP',
      'list {rule}/{*} {action} {protocol} {source} {..}-> {destination} ({icmpType}/{icmpCode}), {packets} packet',
    ],
    ['ACCESSLOGP', 'list {rule}/{*} {action} {protocol} {source} {..}-> {destination}, {packets} packet'],
    ['ACCESSLOGNP', 'list {rule}/{*} {action} {protocol} {source} {..}-> {destination}, {packets} packet'],
    ['IPACCESSLOGS', 'list {rule} {action} {source} {packets} packet'],
  ] as const
).map(([prefix, sentence]) => [prefix, compile(sentence)] as const)

const MAX_NAME = 64

/** The offset of the mnemonic behind `%FACILITY[-SUB…]-n-`, and of its end, in module registers; false where none stands. */
let mnemonicStart = 0
let mnemonicEnd = 0

function findMnemonic(line: string, percent: number): boolean {
  const limit = Math.min(line.length, percent + 2 * MAX_NAME)
  let index = percent + 1
  if (!isUpper(line.charCodeAt(index))) return false
  while (index < limit) {
    const code = line.charCodeAt(index)
    if (code === MINUS && isDigit(line.charCodeAt(index + 1)) && line.charCodeAt(index + 2) === MINUS) {
      mnemonicStart = index + 3
      index = mnemonicStart
      while (index < limit && isName(line.charCodeAt(index))) index++
      mnemonicEnd = index
      while (line.charCodeAt(index) === 0x20) index++
      return mnemonicEnd > mnemonicStart && line.charCodeAt(index) === COLON
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
  if (line.charCodeAt(event.contentStart) === PERCENT) return event.contentStart
  const limit = Math.min(line.length, event.contentStart + 2 * MAX_NAME)
  for (let index = event.contentStart; index < limit; index++) {
    if (line.charCodeAt(index) === PERCENT) return index
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
  for (const [prefix, template] of sentences) {
    if (nameEnd - nameStart !== prefix.length || !line.startsWith(prefix, nameStart)) continue
    if (match(event, template, start, end)) setConnectionIfPaired(event)
    return true
  }
  return true
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
