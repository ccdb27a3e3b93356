/**
 * Barracuda Web Application Firewall: network firewall lines (`NF`) are packets that met an ACL, without octets; web
 * firewall (`WF`), access (`TR`), audit and system lines are other.
 * Source: Barracuda Campus, "How to Configure Syslog and Other Logs", Network Firewall Logs format.
 */

import type { SyslogContext } from '../context.js'
import { AddressSlot, Field, Kind, type SyslogEvent } from '../event.js'
import type { Line } from '../line.js'
import { type SyslogProduct, setAction, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import { isDigit, readAddress, readPort, SPACE, skipSpaces, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'

const SEVERITY_LETTERS = 4
/** The log's type of two letters, then a severity of four or, for access, the service's address. */
function isLog({ line, contentStart: start }: SyslogEvent): boolean {
  if (line.octetAt(start + 2) !== SPACE) return false
  if (line.startsWith('TR ', start)) return isDigit(line.octetAt(start + 3)) && line.includes(' HTTP/', start)
  if (!line.startsWith('NF ', start) && !line.startsWith('WF ', start)) return false
  for (let index = start + 3; index < start + 3 + SEVERITY_LETTERS; index++) {
    const code = line.octetAt(index)
    if (code < 0x41 || code > 0x5a) return false
  }
  return line.octetAt(start + 3 + SEVERITY_LETTERS) === SPACE
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  event.vendor = 'barracuda'
  event.product = 'waf'
  event.kind = Kind.other
  if (!line.startsWith('NF ', event.contentStart)) return true
  // Protocol, source and port, destination and port, verdict, the ACL's name.
  let word = event.contentStart + 4 + SEVERITY_LETTERS
  event.protocol = readProtocol(line, word, wordEnd(line, word, end))
  word = next(line, word, end)
  readAddress(event, AddressSlot.source, word, wordEnd(line, word, end))
  word = next(line, word, end)
  event.sourcePort = readPort(line, word, wordEnd(line, word, end))
  word = next(line, word, end)
  readAddress(event, AddressSlot.destination, word, wordEnd(line, word, end))
  word = next(line, word, end)
  event.destinationPort = readPort(line, word, wordEnd(line, word, end))
  word = next(line, word, end)
  setAction(event, word, wordEnd(line, word, end))
  word = next(line, word, end)
  event.setSpan(Field.ruleName, word, wordEnd(line, word, end))
  setConnectionIfPaired(event)
  return true
}

function next(line: Line, word: number, end: number): number {
  return skipSpaces(line, wordEnd(line, word, end), end)
}

/** The product for the registry. */
export const barracudaWaf: SyslogProduct = {
  id: 'barracuda-waf',
  shapes: [Shape.text],
  claims: isLog,
  parse,
}
