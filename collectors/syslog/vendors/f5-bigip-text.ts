/**
 * The prose of BIG-IP's daemons: a code of eight hexadecimal digits and a severity, then the text. APM tells which ACL a
 * packet met, the traffic kernel which two ends a TLS error was between, ASM who violated what. What an iRule logs is its
 * author's own text: only the rule is known.
 */

import { readEndpoint } from '../address-port.js'
import { assign, Target } from '../assign.js'
import { AddressSlot, Escape, Field, Kind, type SyslogEvent } from '../event.js'
import type { Line } from '../line.js'
import { setAction, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import { COLON, isDigit, SPACE, skipSpaces, wordEnd } from '../scan.js'

const CODE_LENGTH = 8
const TAG_WINDOW = 48

function isHexadecimal(code: number): boolean {
  return isDigit(code) || (code >= 0x61 && code <= 0x66)
}

/** Where the code, or an iRule's `Rule /…`, starts; -1 where the text is no BIG-IP's. */
export function textStart({ line, contentStart, messageStart }: SyslogEvent): number {
  const start = skipSpaces(line, messageStart, line.length)
  if (startsText(line, start)) return start
  // `notice tmm1[1234]: `: the severity's name in front of the tag.
  const tagEnd = line.indexOf(']: ', contentStart)
  return tagEnd > 0 && tagEnd < contentStart + TAG_WINDOW && startsText(line, tagEnd + 3) ? tagEnd + 3 : -1
}

function startsText(line: Line, start: number): boolean {
  if (line.startsWith('Rule /', start)) return true
  if (line.octetAt(start) !== 0x30) return false
  for (let index = start; index < start + CODE_LENGTH; index++) {
    if (!isHexadecimal(line.octetAt(index))) return false
  }
  const colon = start + CODE_LENGTH
  return line.octetAt(colon) === COLON && line.octetAt(colon + 2) === COLON
}

/** Fills the event from prose. */
export function parseBigipText(event: SyslogEvent, end: number): boolean {
  const line = event.line
  const start = textStart(event)
  if (start < 0) return false
  event.vendor = 'f5'
  event.product = 'big-ip'
  event.kind = Kind.other
  if (line.startsWith('Rule ', start)) {
    event.setSpan(Field.ruleName, start + 5, wordEnd(line, start + 5, end))
    return true
  }
  event.setSpan(Field.eventId, start, start + CODE_LENGTH)
  const text = skipSpaces(line, start + CODE_LENGTH + 3, end)
  if (!readAcl(event, text, end) && !readViolation(event, text, end)) readArrow(event, text, end)
  return true
}

/** `profile:partition:session: allow ACL: /Common/name:7 packet: tcp a:p -> b:p`. */
function readAcl(event: SyslogEvent, text: number, end: number): boolean {
  const line = event.line
  const acl = line.indexOf(' ACL: ', text)
  const packet = acl < 0 ? -1 : line.indexOf(' packet: ', acl)
  if (packet < 0 || packet > end) return false
  setAction(event, line.lastIndexOf(' ', acl - 1) + 1, acl)
  const number = line.lastIndexOf(':', packet)
  event.setSpan(Field.ruleName, acl + 6, number > acl + 6 ? number : packet)
  return readArrow(event, packet + 9, end)
}

/** `tcp a:p -> b:p` or `a:p -> b:p: what happened`. */
function readArrow(event: SyslogEvent, text: number, end: number): boolean {
  const line = event.line
  const arrow = line.indexOf(' -> ', text)
  if (arrow < 0 || arrow >= end) return false
  const from = Math.max(text, line.lastIndexOf(' ', arrow - 1) + 1)
  let to = wordEnd(line, arrow + 4, end)
  if (line.octetAt(to - 1) === COLON) to--
  if (!readEndpoint(event, AddressSlot.source, from, arrow)) return false
  readEndpoint(event, AddressSlot.destination, arrow + 4, to)
  if (line.octetAt(from - 1) === SPACE && from - 1 > text) {
    event.protocol = readProtocol(line, Math.max(text, line.lastIndexOf(' ', from - 2) + 1), from - 1)
  }
  setConnectionIfPaired(event)
  return true
}

/** The value behind a label, up to the next comma, into a target; false where the label is missing. */
function assignAfter(event: SyslogEvent, label: string, target: number, text: number, end: number): boolean {
  const line = event.line
  const found = line.indexOf(label, text)
  if (found < 0 || found >= end) return false
  const start = found + label.length
  const comma = line.indexOf(',', start)
  return assign(event, target, start, comma < 0 || comma > end ? end : comma, Escape.none)
}

/** A violation that ASM logs on the device itself. */
function readViolation(event: SyslogEvent, text: number, end: number): boolean {
  if (!event.line.startsWith('[SECEV]', text)) return false
  assignAfter(event, 'source ip: ', Target.source, text, end)
  assignAfter(event, 'source port: ', Target.sourcePort, text, end)
  assignAfter(event, 'destination ip: ', Target.destination, text, end)
  assignAfter(event, 'destination port: ', Target.destinationPort, text, end)
  setConnectionIfPaired(event)
  return true
}
