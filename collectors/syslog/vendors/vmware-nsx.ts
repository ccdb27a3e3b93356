/**
 * VMware NSX: the distributed and the gateway firewall's packet logs, `INET match PASS 1024 OUT 60 TCP a/p->b/p S` and `INET TERM PASS
 * 1024 OUT TCP RST a/p->b/p 9/8 1461/4677`. Sees the first packet that a rule with logging matches, and the session's end with
 * packets and octets each way. Source: NSX Administration Guide, "Distributed Firewall Packet Logs" and "Gateway Firewall Logs".
 */

import { readEndpoint } from '../address-port.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { outcomeOf, type SyslogProduct, setAction, setConnectionIfPaired, setDirection } from '../product.js'
import { readProtocol } from '../protocols.js'
import { digitsEnd, readNumber, readOctet, SLASH, skipSpaces, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'

/** A hash of the filter, or an interface between angle brackets, may stand in front. */
const MAX_FRONT = 96
/** Reason, action, rule, direction, length, protocol, ICMP's numbers or the reason of an end, the two ends. */
const MAX_WORDS = 12
const Word = { direction: 1, ended: 2 } as const
const words = new KeyTable({
  IN: Word.direction,
  OUT: Word.direction,
  RST: Word.ended,
  FIN: Word.ended,
  TIMEOUT: Word.ended,
})

/** `PROTO` stood in front of the number. */
let isNumbered = false

/** Where `INET match ` or its like stands, or -1. */
function findFamily({ line, messageStart }: SyslogEvent): number {
  const at = line.indexOf('INET', messageStart)
  if (at < 0 || at > messageStart + MAX_FRONT) return -1
  const space = line.octetAt(at + 4) === 0x36 ? at + 5 : at + 4
  return line.octetAt(space) === 0x20 && line.indexOf('->', space) > space ? space + 1 : -1
}

/** `22/14`: from the source, and back to it; false where no such pair stands here. */
function readPair(event: SyslogEvent, start: number, end: number, isPackets: boolean): boolean {
  const { line } = event
  const slash = digitsEnd(line, start, end)
  if (slash === start || line.octetAt(slash) !== SLASH || digitsEnd(line, slash + 1, end) !== end)
    return false
  const sent = readNumber(line, start, slash)
  const received = readNumber(line, slash + 1, end)
  if (isPackets) {
    event.packetsSourceToDestination = sent
    event.packetsDestinationToSource = received
  } else {
    event.octetsSourceToDestination = sent
    event.octetsDestinationToSource = received
  }
  return true
}

/** The ends and what follows: flags, counters of an ended session, the rule's label. */
function readEnds(event: SyslogEvent, start: number, arrow: number, end: number): void {
  const { line } = event
  const stop = wordEnd(line, arrow, end)
  readEndpoint(event, AddressSlot.source, start, arrow, false, SLASH)
  readEndpoint(event, AddressSlot.destination, arrow + 2, stop, false, SLASH)
  let position = skipSpaces(line, stop, end)
  for (let word = 0; word < 3 && position < end; word++) {
    const next = wordEnd(line, position, end)
    if (readPair(event, position, next, true)) {
      const octets = skipSpaces(line, next, end)
      const octetsEnd = wordEnd(line, octets, end)
      readPair(event, octets, octetsEnd, false)
      return
    }
    position = skipSpaces(line, next, end)
  }
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const { line } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  let position = findFamily(event)
  if (position < 0) return false
  event.vendor = 'vmware'
  event.product = 'nsx'
  const isTerm = line.startsWith('TERM ', position)
  event.setSpan(Field.eventId, position, wordEnd(line, position, end))
  position = skipSpaces(line, wordEnd(line, position, end), end)
  isNumbered = false
  let ruleStart = -1
  let ruleEnd = -1
  for (let word = 0; word < MAX_WORDS && position < end; word++) {
    const stop = wordEnd(line, position, end)
    const arrow = line.indexOf('->', position)
    if (arrow > position && arrow < stop) {
      readEnds(event, position, arrow, end)
      break
    }
    const kind = words.findRange(line, position, stop)
    if (kind === Word.direction) {
      setDirection(event, position, stop)
      if (ruleStart >= 0) setRule(event, ruleStart, ruleEnd)
    } else if (kind === Word.ended) event.setSpan(Field.endReason, position, stop)
    else if (event.directionName === '') {
      if (outcomeOf(line, position, stop) !== Outcome.none) setAction(event, position, stop)
      ruleStart = position
      ruleEnd = stop
    } else readProtocolWord(event, position, stop)
    position = skipSpaces(line, stop, end)
  }
  if (isTerm && event.outcome === Outcome.none) event.outcome = Outcome.allow
  if (event.outcome === Outcome.allow) event.phase = isTerm ? Phase.end : Phase.start
  if (event.protocol !== 1 && event.protocol !== 58) event.icmpType = event.icmpCode = -1
  setConnectionIfPaired(event)
  return true
}

/** `ruleset/1024`, or the number alone. */
function setRule(event: SyslogEvent, start: number, end: number): void {
  const slash = event.line.indexOf('/', start)
  if (slash > start && slash < end) {
    event.setSpan(Field.ruleName, start, slash)
    event.setSpan(Field.ruleId, slash + 1, end)
  } else event.setSpan(Field.ruleId, start, end)
}

/** Behind the direction: the packet's length, the protocol's name, `PROTO` and its number, ICMP's type and code. */
function readProtocolWord(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  const isNumber = digitsEnd(line, start, end) === end
  if (!isNumber) {
    isNumbered = line.startsWith('PROTO', start)
    event.protocol = readProtocol(line, start, end)
  } else if (isNumbered) event.protocol = readProtocol(line, start, end)
  else if (event.protocol !== 1 && event.protocol !== 58) return
  else if (event.icmpType < 0) event.icmpType = readOctet(line, start, end)
  else event.icmpCode = readOctet(line, start, end)
}

/** The product for the registry. */
export const vmwareNsx: SyslogProduct = {
  id: 'vmware-nsx',
  shapes: [Shape.text, Shape.structured],
  claims: (event) => findFamily(event) >= 0,
  parse,
}
