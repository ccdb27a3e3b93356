/**
 * Ekinops (OneAccess) OneOS: `#INFO# list NAME denied udp a:p-> b:p n matches` is what an access list with logging saw;
 * all else of the form `#SEVERITY# text` is of the system. Octets are not logged.
 * Source: OneOS6 "CLI Reference Guide", chapter on access lists and event logging.
 */

import { readEndpoint } from '../address-port.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, Field, Kind, type SyslogEvent } from '../event.js'
import { type SyslogProduct, setAction, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import { digitsEnd, readNumber, skipSpaces, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'

const HASH = 0x23
const LONGEST_SEVERITY = 16

/** The offset behind `#SEVERITY# `, or -1. */
function textStart({ line, messageStart }: SyslogEvent): number {
  if (line.octetAt(messageStart) !== HASH) return -1
  const close = line.indexOf('#', messageStart + 1)
  if (close < 0 || close > messageStart + LONGEST_SEVERITY) return -1
  for (let index = messageStart + 1; index < close; index++) {
    const code = line.octetAt(index)
    if (code < 0x41 || code > 0x5a) return -1
  }
  return skipSpaces(line, close + 1, line.length)
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const start = textStart(event)
  event.vendor = 'ekinops'
  event.product = 'oneos'
  event.kind = Kind.other
  if (line.startsWith('list ', start)) readList(event, start + 5, end)
  return true
}

/** `NAME verdict protocol source-> destination [n matches]`; protocols without a name are `proto 9`. */
function readList(event: SyslogEvent, start: number, end: number): void {
  const line = event.line
  const nameEnd = wordEnd(line, start, end)
  const verdictEnd = wordEnd(line, nameEnd + 1, end)
  const arrow = line.indexOf('->', verdictEnd)
  if (arrow < 0 || arrow >= end) return
  event.setSpan(Field.ruleName, start, nameEnd)
  setAction(event, nameEnd + 1, verdictEnd)
  let word = verdictEnd + 1
  if (line.startsWith('proto ', word)) word += 6
  const wordStop = wordEnd(line, word, end)
  event.protocol = readProtocol(line, word, wordStop)
  let sourceEnd = arrow
  while (line.octetAt(sourceEnd - 1) === 0x20) sourceEnd--
  readEndpoint(event, AddressSlot.source, skipSpaces(line, wordStop, sourceEnd), sourceEnd)
  const to = skipSpaces(line, arrow + 2, end)
  const toEnd = wordEnd(line, to, end)
  readEndpoint(event, AddressSlot.destination, to, toEnd)
  const count = skipSpaces(line, toEnd, end)
  const countEnd = digitsEnd(line, count, end)
  if (line.startsWith(' match', countEnd)) {
    event.packetsSourceToDestination = readNumber(line, count, countEnd)
    event.packetsTotal = event.packetsSourceToDestination
  }
  setConnectionIfPaired(event)
}

/** The product for the registry. */
export const ekinopsOneos: SyslogProduct = {
  id: 'ekinops-oneos',
  shapes: [Shape.text],
  claims: (event) => textStart(event) >= 0,
  parse,
}
