/**
 * pf's log as tcpdump prints it and a forwarder sends it: `rule 3/(match) block in on em0: a.port > b.port: …` of OpenBSD,
 * `rule 3/0(match): block in on em0: …` of FreeBSD. One packet per line; ICMP in tcpdump's words.
 * Source: OpenBSD pf FAQ "Logging", tcpdump(8) and print-pflog of OpenBSD and FreeBSD.
 */

import { readEndpoint } from '../address-port.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, Field, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { type SyslogProduct, setAction, setConnectionIfPaired, setDirection } from '../product.js'
import { ICMP, ICMPV6, readProtocol, TCP } from '../protocols.js'
import {
  CLOSE_PARENTHESIS,
  COLON,
  COMMA,
  DOT,
  isDigit,
  OPEN_BRACKET,
  OPEN_PARENTHESIS,
  skipSpaces,
  wordEnd,
} from '../scan.js'
import { Shape } from '../shape.js'

/** A time since the last packet may stand in front of the rule. */
const RULE_WINDOW = 40
const LONGEST_RULE = 96
/** tcpdump's words for an ICMP message → type × 256 + code + 1. */
const icmpWords = new KeyTable({
  'echo reply': 0 + 1,
  'echo request': 8 * 256 + 1,
  'time exceeded': 11 * 256 + 1,
  'source quench': 4 * 256 + 1,
  'timestamp request': 13 * 256 + 1,
  'timestamp reply': 14 * 256 + 1,
})
const icmp6Words = new KeyTable({
  'echo request': 128 * 256 + 1,
  'echo reply': 129 * 256 + 1,
  'router sol': 133 * 256 + 1,
  'router solicitation': 133 * 256 + 1,
  'router adv': 134 * 256 + 1,
  'router advertisement': 134 * 256 + 1,
  'neighbor sol': 135 * 256 + 1,
  'neighbor solicitation': 135 * 256 + 1,
  'neighbor adv': 136 * 256 + 1,
  'neighbor advertisement': 136 * 256 + 1,
})

/** Where the rule's number starts, or -1. */
function ruleStart({ line, messageStart }: SyslogEvent): number {
  const found = line.indexOf('rule ', messageStart)
  if (found < 0 || found > messageStart + RULE_WINDOW) return -1
  const slash = line.indexOf('/', found)
  if (slash < 0 || slash > found + LONGEST_RULE || !isDigit(line.octetAt(found + 5))) return -1
  const reason = isDigit(line.octetAt(slash + 1)) ? line.indexOf('(', slash) : slash + 1
  return line.octetAt(reason) === OPEN_PARENTHESIS && reason <= slash + 4 ? found + 5 : -1
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const start = ruleStart(event)
  const close = line.indexOf(')', start)
  if (start < 0 || close < 0) return false
  event.vendor = 'openbsd'
  event.product = 'pf'
  event.setSpan(Field.ruleId, start, line.indexOf('/', start))
  let word = skipSpaces(line, line.octetAt(close + 1) === COLON ? close + 2 : close + 1, end)
  if (line.octetAt(word) === OPEN_BRACKET) word = skipSpaces(line, line.indexOf(']', word) + 1, end)
  const actionEnd = wordEnd(line, word, end)
  setAction(event, word, actionEnd)
  word = skipSpaces(line, actionEnd, end)
  const directionEnd = wordEnd(line, word, end)
  setDirection(event, word, directionEnd)
  word = skipSpaces(line, directionEnd, end)
  if (!line.startsWith('on ', word)) return false
  const colon = line.indexOf(':', word)
  if (colon < 0 || colon >= end) return false
  const outwards = event.directionName === 'outbound'
  event.setSpan(outwards ? Field.egressInterfaceName : Field.ingressInterfaceName, word + 3, colon)
  readPacket(event, skipSpaces(line, colon + 1, end), end)
  setConnectionIfPaired(event)
  return true
}

/** `[(tos …, proto X (n), length n)] a[.port] > b[.port]: what`. */
function readPacket(event: SyslogEvent, start: number, end: number): void {
  const line = event.line
  const arrow = line.indexOf(' > ', start)
  if (arrow < 0 || arrow >= end) return
  const from = Math.max(start, line.lastIndexOf(' ', arrow - 1) + 1)
  let to = wordEnd(line, arrow + 3, end)
  const what = skipSpaces(line, to, end)
  if (line.octetAt(to - 1) === COLON) to--
  readEndpoint(event, AddressSlot.source, from, arrow, false, DOT)
  readEndpoint(event, AddressSlot.destination, arrow + 3, to, false, DOT)
  event.protocol = protocolOf(line, what, end)
  const proto = line.indexOf('proto ', start)
  if (event.protocol < 0 && proto >= 0 && proto < from)
    event.protocol = readProtocol(line, proto + 6, wordEnd(line, proto + 6, from))
  if (event.protocol === ICMP || event.protocol === ICMPV6) readIcmp(event, what, end)
}

/** `udp 60`, `UDP, length 60`, `icmp: echo …`, `Flags [S], …`, or OpenBSD's bare flags of TCP. */
function protocolOf(line: Line, what: number, end: number): number {
  if (line.startsWith('Flags [', what) || line.startsWith('tcp ', what)) return TCP
  let stop = wordEnd(line, what, end)
  const last = line.octetAt(stop - 1)
  if (last === COLON || last === COMMA) stop--
  let flags = what
  while (flags < stop && 'SFPRWE.'.includes(line.charAt(flags))) flags++
  return flags === stop && stop > what ? TCP : readProtocol(line, what, stop)
}

function readIcmp(event: SyslogEvent, what: number, end: number): void {
  const line = event.line
  const first = skipSpaces(line, wordEnd(line, what, end), end)
  let second = wordEnd(line, wordEnd(line, first, end) + 1, end)
  const last = line.octetAt(second - 1)
  if (last === COMMA || last === COLON || last === CLOSE_PARENTHESIS) second--
  const table = event.protocol === ICMP ? icmpWords : icmp6Words
  const found = table.findFolded(line, first, second) - 1
  if (found >= 0) {
    event.icmpType = found >> 8
    event.icmpCode = found & 0xff
  } else if (event.protocol === ICMP) {
    const unreachable = line.indexOf(' unreachable', first)
    if (unreachable < 0 || unreachable > end) return
    event.icmpType = 3
    if (line.startsWith('host ', first)) event.icmpCode = 1
    else if (line.startsWith('net ', first)) event.icmpCode = 0
    else if (line.lastIndexOf(' port ', unreachable) > first) event.icmpCode = 3
  }
}

/** The product for the registry. */
export const pfText: SyslogProduct = {
  id: 'pf-text',
  shapes: [Shape.text],
  claims: (event) => ruleStart(event) >= 0,
  parse,
}
