/**
 * Junos firewall filters with `log`/`syslog`: the packet forwarding engine's
 * `FW: interface action protocol source destination port port (n packets)`, on switches with the frame's type and
 * addresses in front of the protocol. ICMP has its type and code where ports stand; A is accept, D discard, R reject.
 * Source: Junos "Firewall Filters, Traffic Policers User Guide", firewall filter logging actions.
 */

import type { SyslogContext } from '../context.js'
import { AddressSlot, Field, Outcome, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { ICMP, ICMPV6, readProtocol } from '../protocols.js'
import {
  digitsEnd,
  readAddress,
  readNumber,
  readPort,
  readSmall,
  SPACE,
  skipSpaces,
  wordEnd,
} from '../scan.js'
import { Shape } from '../shape.js'

const TAG_WINDOW = 48
const labels = new KeyTable({ SA: 1, DA: 2, '->': 3, type: 4, code: 5, sport: 6, dport: 7 })
/** The actions by their letters. */
const actions: Readonly<Record<string, readonly [name: string, outcome: number]>> = {
  A: ['accept', Outcome.allow],
  D: ['discard', Outcome.deny],
  R: ['reject', Outcome.deny],
}

/** Where the interface stands, behind `FW: ` and the tags of line card and process; -1 where there is none. */
function interfaceStart({ line, contentStart }: SyslogEvent): number {
  const found = line.indexOf('FW: ', contentStart)
  if (found < 0 || found > contentStart + TAG_WINDOW) return -1
  if (found > contentStart && line.octetAt(found - 1) !== SPACE) return -1
  return skipSpaces(line, found + 4, line.length)
}

/** Whether an action's letter stands behind the word that starts here. */
function actionStart(line: Line, start: number): number {
  const letter = skipSpaces(line, wordEnd(line, start, line.length), line.length)
  return line.octetAt(letter + 1) === SPACE && Object.hasOwn(actions, line.charAt(letter)) ? letter : -1
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const start = interfaceStart(event)
  const letter = start < 0 ? -1 : actionStart(line, start)
  if (letter < 0) return false
  const action = actions[line.charAt(letter)]!
  event.vendor = 'juniper'
  event.product = 'junos-pfe'
  event.actionName = action[0]
  event.outcome = action[1]
  const tag = line.lastIndexOf('FW: ', start)
  event.setSpan(Field.eventId, tag, tag + 2)
  event.setSpan(Field.ingressInterfaceName, start, wordEnd(line, start, end))
  let word = skipSpaces(line, letter + 1, end)
  // A switch's `type source -> destination` of the frame.
  const arrow = line.indexOf(' -> ', word)
  if (arrow >= 0 && arrow < end) word = skipSpaces(line, wordEnd(line, arrow + 4, end), end)
  event.protocol = readProtocol(line, word, wordEnd(line, word, end))
  word = next(line, word, end)
  readAddress(event, AddressSlot.source, word, wordEnd(line, word, end))
  word = next(line, word, end)
  readAddress(event, AddressSlot.destination, word, wordEnd(line, word, end))
  word = next(line, word, end)
  readPorts(event, word, next(line, word, end), end)
  const open = line.indexOf('(', word)
  if (open > 0 && line.startsWith(' packet', digitsEnd(line, open + 1, end))) {
    event.packetsSourceToDestination = readNumber(line, open + 1, digitsEnd(line, open + 1, end))
    event.packetsTotal = event.packetsSourceToDestination
  }
  setConnectionIfPaired(event)
  return true
}

/** The next value; IPv6 has labels of two to five letters in front of its values. */
function next(line: Line, word: number, end: number): number {
  let index = skipSpaces(line, wordEnd(line, word, end), end)
  while (labels.findRange(line, index, wordEnd(line, index, end)) !== 0)
    index = skipSpaces(line, wordEnd(line, index, end), end)
  return index
}

function readPorts(event: SyslogEvent, first: number, second: number, end: number): void {
  const line = event.line
  const firstEnd = digitsEnd(line, first, end)
  const secondEnd = digitsEnd(line, second, end)
  if (event.protocol === ICMP || event.protocol === ICMPV6) {
    event.icmpType = readSmall(line, first, firstEnd, 255)
    event.icmpCode = readSmall(line, second, secondEnd, 255)
  } else if (event.protocol === 6 || event.protocol === 17 || event.protocol === 132) {
    event.sourcePort = readPort(line, first, firstEnd)
    event.destinationPort = readPort(line, second, secondEnd)
  }
}

/** The product for the registry. */
export const juniperPfe: SyslogProduct = {
  id: 'juniper-pfe',
  shapes: [Shape.text],
  claims: (event) => {
    const start = interfaceStart(event)
    return start >= 0 && actionStart(event.line, start) >= 0
  },
  parse,
}
