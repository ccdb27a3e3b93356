/**
 * Linux netfilter, the kernel's LOG target: `prefix IN=eth0 OUT= … SRC= DST= LEN= … PROTO= SPT= DPT=`. One packet per line,
 * never a session: LEN is that packet's length and no counter. The prefix is the administrator's text; those of ufw,
 * firewalld, Shorewall, UniFi and EdgeOS say rule and verdict. Source: the kernel's net/ipv4/netfilter/nf_log_ipv4.c and nf_log_ipv6.c.
 */

import type { SyslogContext } from '../context.js'
import { AddressSlot, type EscapeKind, Field, Outcome, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { walkPairs } from '../pairs.js'
import { outcomeOf, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import {
  CLOSE_BRACKET,
  CLOSE_PARENTHESIS,
  COLON,
  OPEN_BRACKET,
  QUOTE,
  readAddress,
  readPort,
  readSmall,
  SPACE,
  skipSpaces,
} from '../scan.js'
import { Shape } from '../shape.js'

const Key = {
  IN: 1,
  OUT: 2,
  SRC: 3,
  DST: 4,
  PROTO: 5,
  SPT: 6,
  DPT: 7,
  TYPE: 8,
  CODE: 9,
  PHYSIN: 10,
  PHYSOUT: 11,
} as const
const keys = new KeyTable(Key)

function take(event: SyslogEvent, key: number, start: number, end: number, _escape: EscapeKind): void {
  const line = event.line
  switch (key) {
    case Key.IN:
      event.setSpan(Field.ingressInterfaceName, start, end)
      return
    case Key.OUT:
      event.setSpan(Field.egressInterfaceName, start, end)
      return
    case Key.SRC:
      readAddress(event, AddressSlot.source, start, end)
      return
    case Key.DST:
      readAddress(event, AddressSlot.destination, start, end)
      return
    case Key.PROTO:
      event.protocol = readProtocol(line, start, end)
      return
    case Key.SPT:
      event.sourcePort = readPort(line, start, end)
      return
    case Key.DPT:
      event.destinationPort = readPort(line, start, end)
      return
    case Key.TYPE:
      event.icmpType = readSmall(line, start, end, 255)
      return
    case Key.CODE:
      event.icmpCode = readSmall(line, start, end, 255)
      return
  }
}

/** Where `IN=` stands behind the content's start, or -1: the prefix may have up to 127 octets, the kernel's stamp 24. */
function findIn(event: SyslogEvent): number {
  const line = event.line
  const at = line.indexOf('IN=', event.contentStart)
  if (at < 0 || at > event.contentStart + 256) return -1
  const source = line.indexOf(' SRC=', at)
  return source >= 0 && line.indexOf(' DST=', source) >= 0 ? at : -1
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const at = findIn(event)
  if (at < 0) return false
  event.vendor = 'linux'
  event.product = 'netfilter'
  let end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  // An ICMP error quotes the packet that it is about in brackets: its addresses are not this packet's.
  const quoted = line.indexOf(' [SRC=', at)
  if (quoted >= 0 && quoted < end) end = quoted
  walkPairs(event, context, at, end, keys, take)
  parsePrefix(event, prefixStart(event, at), at)
  setConnectionIfPaired(event)
  return true
}

/** Behind `kernel:` and the kernel's own `[12345.678901]`. */
function prefixStart(event: SyslogEvent, at: number): number {
  const line = event.line
  let start = Math.min(event.messageStart, at)
  // `DENY: IN=…`: what looked like a tag is the prefix.
  if (event.messageStart >= at || event.messageStart === skipColon(line, event, at))
    start = event.contentStart
  if (line.startsWith('kernel:', start)) start = skipSpaces(line, start + 7, at)
  if (line.octetAt(start) === OPEN_BRACKET) {
    const close = line.indexOf(']', start)
    const first = line.octetAt(skipSpaces(line, start + 1, at))
    if (close > 0 && close < at && first >= 0x30 && first <= 0x39 && line.lastIndexOf('.', close) > start) {
      start = skipSpaces(line, close + 1, at)
    }
  }
  return start
}

function skipColon(line: Line, event: SyslogEvent, at: number): number {
  const tagEnd = event.end(Field.application)
  if (tagEnd < 0 || event.messageStart !== at) return -1
  return line.octetAt(tagEnd) === COLON ? at : -1
}

const verdicts: readonly (readonly [word: string, outcome: number])[] = [
  ['DROP', Outcome.deny],
  ['REJECT', Outcome.deny],
  ['DENY', Outcome.deny],
  ['DENIED', Outcome.deny],
  ['BLOCK', Outcome.deny],
  ['ACCEPT', Outcome.allow],
  ['ALLOW', Outcome.allow],
  ['PASS', Outcome.allow],
]

function isTrailing(code: number, isQuoted: boolean): boolean {
  return code === SPACE || code === COLON || (isQuoted && code === QUOTE)
}

/**
 * `[UFW BLOCK]`, `Shorewall:net2fw:DROP:`, `FINAL_REJECT:` (firewalld), `[WAN_IN-default-D]` (EdgeOS), `iptables DROP_INPUT:`.
 * The rule is what is left of the text around the verdict.
 */
function parsePrefix(event: SyslogEvent, prefix: number, at: number): void {
  const line = event.line
  let start = prefix
  let end = at
  // firewalld puts the prefix in quotes, blanks and all.
  const isQuoted = line.octetAt(start) === QUOTE
  if (isQuoted) start++
  while (end > start && isTrailing(line.octetAt(end - 1), isQuoted)) end--
  if (end <= start) return
  if (line.octetAt(start) === OPEN_BRACKET && line.octetAt(end - 1) === CLOSE_BRACKET) {
    start++
    end--
    if (parseZoneRule(event, start, end)) return
  }
  if (parseDescribedRule(event, start, end)) return
  if (line.startsWith('Shorewall:', start)) {
    const chain = start + 10
    const stop = line.indexOf(':', chain)
    if (stop > 0 && stop < end) {
      event.setSpan(Field.ruleName, chain, stop)
      event.setSpan(Field.action, stop + 1, end)
      event.outcome = outcomeOf(line, stop + 1, end)
      return
    }
  }
  if (parseZonePath(event, start, end)) return
  // The word that holds the verdict is the action.
  let word = start
  for (let index = start; index <= end; index++) {
    const code = index < end ? line.octetAt(index) : SPACE
    if (code !== SPACE && code !== COLON) continue
    if (index > word && setVerdict(event, word, index)) {
      if (word > start) event.setSpan(Field.ruleName, start, word - 1)
      else event.setSpan(Field.ruleName, skipSpaces(line, index, end), end)
      return
    }
    word = index + 1
  }
  event.setSpan(Field.ruleName, start, end)
}

/** OpenWrt: `DROP(src wan)`, `REJECT(dest lan)`; in releases with nftables `drop wan in`. */
function parseZonePath(event: SyslogEvent, start: number, end: number): boolean {
  const line = event.line
  const open = line.indexOf('(', start)
  if (open > start && open < end && line.octetAt(end - 1) === CLOSE_PARENTHESIS) {
    const isSource = line.startsWith('src ', open + 1)
    if ((!isSource && !line.startsWith('dest ', open + 1)) || !setVerdict(event, start, open)) return false
    const zone = isSource ? open + 5 : open + 6
    event.setSpan(Field.ruleName, open + 1, end - 1)
    event.setSpan(isSource ? Field.sourceZone : Field.destinationZone, zone, end - 1)
    return true
  }
  const isIn = line.startsWith(' in', end - 3)
  const zoneEnd = isIn ? end - 3 : line.startsWith(' out', end - 4) ? end - 4 : -1
  const wordStop = line.indexOf(' ', start)
  if (zoneEnd < 0 || wordStop < 0 || wordStop >= zoneEnd || !setVerdict(event, start, wordStop)) return false
  event.setSpan(Field.ruleName, wordStop + 1, end)
  event.setSpan(isIn ? Field.sourceZone : Field.destinationZone, wordStop + 1, zoneEnd)
  return true
}

function setVerdict(event: SyslogEvent, start: number, end: number): boolean {
  if (end - start > 64) return false
  const word = event.line.slice(start, end).toUpperCase()
  for (const [verdict, outcome] of verdicts) {
    if (!word.includes(verdict)) continue
    event.setSpan(Field.action, start, end)
    event.outcome = outcome
    return true
  }
  return false
}

/** Allow, mark; block, drop, reject: the letters of the rule's action. */
function outcomeOfLetter(letter: number): number {
  if (letter === 0x41 || letter === 0x4d) return Outcome.allow
  return letter === 0x42 || letter === 0x44 || letter === 0x52 ? Outcome.deny : Outcome.none
}

function nameOfLetter(letter: number): string {
  if (letter === 0x41) return 'accept'
  if (letter === 0x42) return 'block'
  return letter === 0x44 ? 'drop' : letter === 0x52 ? 'reject' : 'mark'
}

/** `[ruleset-A|B|D|R-number] DESCR="text"` of newer UniFi gateways, where the description may be missing. */
function parseDescribedRule(event: SyslogEvent, start: number, end: number): boolean {
  const line = event.line
  const from = line.octetAt(start) === OPEN_BRACKET ? start + 1 : start
  let close = line.indexOf(']', from)
  if (close < 0 || close > end) close = end
  let dash = close - 1
  while (dash > from && line.octetAt(dash) >= 0x30 && line.octetAt(dash) <= 0x39) dash--
  if (dash === close - 1 || line.octetAt(dash) !== 0x2d || line.octetAt(dash - 2) !== 0x2d) return false
  const letter = line.octetAt(dash - 1)
  const outcome = outcomeOfLetter(letter)
  if (outcome === Outcome.none || dash - 2 <= from) return false
  event.outcome = outcome
  event.setSpan(Field.action, dash - 1, dash)
  event.actionName = nameOfLetter(letter)
  event.setSpan(Field.ruleId, dash + 1, close)
  const text = line.indexOf('DESCR="', close)
  const quote = text < 0 ? -1 : line.indexOf('"', text + 7)
  if (quote > 0 && quote < end) event.setSpan(Field.ruleName, text + 7, quote)
  else event.setSpan(Field.ruleName, from, dash - 2)
  return true
}

/** `ruleset-number-A|D|R|M` of EdgeOS, VyOS and UniFi, where the ruleset may be `zone-zone`. */
function parseZoneRule(event: SyslogEvent, start: number, end: number): boolean {
  const line = event.line
  if (end - start < 4 || line.octetAt(end - 2) !== 0x2d) return false
  const letter = line.octetAt(end - 1)
  const outcome = outcomeOfLetter(letter)
  if (outcome === Outcome.none) return false
  let dash = end - 3
  while (dash > start && line.octetAt(dash) !== 0x2d) dash--
  if (dash <= start) return false
  event.outcome = outcome
  event.setSpan(Field.action, end - 1, end)
  event.actionName = nameOfLetter(letter)
  event.setSpan(Field.ruleId, dash + 1, end - 2)
  event.setSpan(Field.ruleName, start, dash)
  let middle = start
  while (middle < dash && line.octetAt(middle) !== 0x2d) middle++
  if (middle < dash && line.indexOf('-', middle + 1) === dash) {
    event.setSpan(Field.sourceZone, start, middle)
    event.setSpan(Field.destinationZone, middle + 1, dash)
  }
  return true
}

/** The product for the registry. */
export const linuxNetfilter: SyslogProduct = {
  id: 'linux-netfilter',
  shapes: [Shape.text, Shape.pairs, Shape.structured, Shape.csv],
  broad: true,
  claims: (event) => findIn(event) >= 0,
  parse,
}
