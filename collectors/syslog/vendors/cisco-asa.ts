/**
 * Cisco ASA, PIX, FWSM and the LINA part of FTD: `%ASA-severity-number: sentence`. Sees connections built and torn down
 * with octets and duration, refused packets, ACL hits, ICMP with type and code. A torn-down connection does not say who
 * opened it: that comes from the built line of the same number (directions.ts). Source: see cisco-asa-messages.ts.
 */

import type { SyslogContext } from '../context.js'
import { hashHigh, hashLow } from '../directions.js'
import { Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import type { Line } from '../line.js'
import { dropIdleTranslation, type SyslogProduct } from '../product.js'
import { ICMP, ICMPV6 } from '../protocols.js'
import { COLON, digitsEnd, isDigit, MINUS, PERCENT, readSmall, skipSpaces } from '../scan.js'
import { Shape } from '../shape.js'
import { match } from '../templates.js'
import { keySeed, parseIcmp, setConnection } from './cisco-asa-icmp.js'
import { Meaning } from './cisco-asa-meanings.js'
import { messageOf } from './cisco-asa-messages.js'
import { parseSecurityEvent } from './cisco-ftd.js'

/** How far behind the header the `%` may stand: after a tag such as `CiscoASA[999]: `. */
const MARK_WINDOW = 64
const GRE = 47

/** The offset of `ASA-`, `FTD-`, `PIX-` or `FWSM-` near the content's start, or -1. */
function findMark(line: Line, contentStart: number): number {
  const percent = line.octetAt(contentStart) === PERCENT ? contentStart : indexWithin(line, contentStart)
  const start = percent < 0 ? contentStart : percent + 1
  switch (line.octetAt(start)) {
    case 0x41:
      return line.startsWith('ASA-', start) ? start : -1
    case 0x46:
      return line.startsWith('FTD-', start) || line.startsWith('FWSM-', start) ? start : -1
    case 0x4e:
      return line.startsWith('NGIPS-', start) ? start : -1
    case 0x50:
      return line.startsWith('PIX-', start) ? start : -1
    default:
      return -1
  }
}

function indexWithin(line: Line, start: number): number {
  const limit = Math.min(line.length, start + MARK_WINDOW)
  for (let index = start; index < limit; index++) if (line.octetAt(index) === PERCENT) return index
  return -1
}

/** Behind the mark: `[class-]severity-number`; the offset of the number, or -1. */
function findNumber(line: Line, mark: number): number {
  let index = mark
  for (let part = 0; part < 5; part++) {
    while (index < line.length && index < mark + 40 && line.octetAt(index) !== MINUS) index++
    if (line.octetAt(index) !== MINUS) return -1
    index++
    if (digitsEnd(line, index, Math.min(line.length, index + 7)) === index + 6) return index
  }
  return -1
}

function productAt(line: Line, mark: number): string {
  switch (line.octetAt(mark)) {
    case 0x41:
      return 'asa'
    case 0x4e:
      return 'ngips'
    case 0x50:
      return 'pix'
    default:
      return line.octetAt(mark + 1) === 0x54 ? 'ftd' : 'fwsm'
  }
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const mark = findMark(line, event.contentStart)
  if (mark < 0) return false
  const number = findNumber(line, mark)
  if (number < 0) return false
  event.vendor = 'cisco'
  event.product = productAt(line, mark)
  event.setSpan(Field.eventId, number, number + 6)
  const severity = line.octetAt(number - 2)
  if (event.severity < 0 && isDigit(severity) && severity <= 0x37) event.severity = severity - 0x30
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  let start = number + 6
  if (line.octetAt(start) === COLON) start++
  start = skipSpaces(line, start, end)
  const id = readSmall(line, number, number + 6, 999_999)
  event.messageStart = start
  event.setSpan(Field.message, start, end)
  if (id >= 430_001 && id <= 430_005) return parseSecurityEvent(event, id, start, end)
  const message = messageOf(id)
  if (message === undefined) return true
  if (message.meaning === Meaning.icmpBuilt || message.meaning === Meaning.icmpTeardown) {
    parseIcmp(event, context, start, end, message.meaning === Meaning.icmpBuilt)
    return true
  }
  for (const template of message.templates) {
    if (match(event, template, start, end)) {
      settle(event, context, message.meaning)
      return true
    }
    forget(event)
  }
  return true
}

/** Undoes what a sentence that did not fit has written. */
function forget(event: SyslogEvent): void {
  event.resetBody()
  event.families.fill(0)
  for (let field = Field.action as number; field <= Field.endReason; field++) {
    event.spans[field * 2] = -1
    event.spans[field * 2 + 1] = -1
  }
}

function settle(event: SyslogEvent, context: SyslogContext, meaning: number): void {
  if (event.protocol < 0 && (event.icmpType >= 0 || event.icmpCode >= 0)) event.protocol = ICMP
  settlePorts(event)
  if (!event.has(Field.action)) nameAction(event)
  switch (meaning) {
    case Meaning.denied:
      event.outcome = Outcome.deny
      break
    case Meaning.permitted:
      event.outcome = Outcome.allow
      break
    case Meaning.built:
      event.phase = Phase.start
      event.outcome = Outcome.allow
      if (event.directionName === 'outbound') event.swapEnds()
      if (event.directionName !== '')
        remember(event, context, Field.sessionId, event.directionName === 'outbound' ? 2 : 1)
      break
    case Meaning.teardownFromOpener:
      event.phase = Phase.end
      event.outcome = Outcome.allow
      trimReason(event)
      break
    case Meaning.teardown: {
      event.phase = Phase.end
      event.outcome = Outcome.allow
      if (!event.has(Field.sessionId)) event.orientationUnknown = true
      else orient(event, recall(event, context, Field.sessionId))
      trimReason(event)
      break
    }
  }
  dropIdleTranslation(event)
  if (meaning !== Meaning.other) setConnection(event)
}

const verbs = ['Built', 'Teardown', 'Denied', 'Deny'] as const
const participles = [' denied', ' discarded', ' dropped'] as const

/** The sentence's own verb. */
function nameAction(event: SyslogEvent): void {
  const line = event.line
  const start = event.messageStart
  for (const verb of verbs) {
    if (!line.startsWith(verb, start)) continue
    event.setSpan(Field.action, start, start + verb.length)
    return
  }
  for (const word of participles) {
    const at = line.indexOf(word, start)
    if (at < 0 || at > start + 64) continue
    event.setSpan(Field.action, at + 1, at + word.length)
    return
  }
}

function orient(event: SyslogEvent, direction: number): void {
  if (direction === 2) event.swapEnds()
  event.orientationUnknown = direction === 0
}

/** `TCP Reset-I from inside (user)`: the initiator of the teardown and the user are no part of the reason. */
function trimReason(event: SyslogEvent): void {
  if (!event.has(Field.endReason)) return
  const line = event.line
  const start = event.start(Field.endReason)
  const from = line.indexOf(' from ', start)
  let end = event.end(Field.endReason)
  if (line.octetAt(end - 1) === 0x29) {
    let open = end - 1
    while (open > start && line.octetAt(open) !== 0x28) open--
    if (open === start || line.octetAt(open - 1) === 0x20) {
      if (!event.has(Field.userName)) event.setSpan(Field.userName, open + 1, end - 1)
      end = open
    }
  }
  if (from >= 0 && from < end) end = from
  while (end > start && line.octetAt(end - 1) === 0x20) end--
  if (end <= start) event.clearSpan(Field.endReason)
  else event.setSpan(Field.endReason, start, end)
}

/** In ACL hits of ICMP the "ports" are type and code (106100's page), else ICMP's id (313009's); GRE has a call id. */
function settlePorts(event: SyslogEvent): void {
  if (event.protocol !== ICMP && event.protocol !== ICMPV6 && event.protocol !== GRE) return
  if (event.protocol !== GRE && event.icmpType < 0 && event.has(Field.ruleName)) {
    if (event.sourcePort >= 0 && event.sourcePort < 256) {
      event.icmpType = event.sourcePort
      if (event.destinationPort >= 0 && event.destinationPort < 256) event.icmpCode = event.destinationPort
    }
  }
  event.sourcePort = event.destinationPort = -1
  event.postNATSourcePort = event.postNATDestinationPort = -1
}

function remember(event: SyslogEvent, context: SyslogContext, field: 16, direction: 1 | 2): void {
  if (context.directions === undefined || !event.has(field)) return
  const start = event.start(field)
  const end = event.end(field)
  const seed = keySeed(event)
  context.directions.remember(
    hashLow(event.line, start, end, seed),
    hashHigh(event.line, start, end, seed),
    direction,
  )
}

function recall(event: SyslogEvent, context: SyslogContext, field: 16): number {
  if (context.directions === undefined || !event.has(field)) return 0
  const start = event.start(field)
  const end = event.end(field)
  const seed = keySeed(event)
  return context.directions.take(
    hashLow(event.line, start, end, seed),
    hashHigh(event.line, start, end, seed),
  )
}

/** The product for the registry. */
export const ciscoAsa: SyslogProduct = {
  id: 'cisco-asa',
  shapes: [Shape.percent],
  claims: (event) => {
    const mark = findMark(event.line, event.contentStart)
    return mark >= 0 && findNumber(event.line, mark) >= 0
  },
  parse,
}
