/**
 * RT_FLOW in text form: `session created 192.0.2.1/1025->198.51.100.2/80 …` with fixed places. Source: Juniper "System Log
 * Explorer", RT_FLOW_SESSION_CREATE, _CLOSE and _DENY.
 */

import { AddressSlot, Field, type FieldIndex, type SyslogEvent } from '../event.js'
import type { Line } from '../line.js'
import { readAddress, readNumber, readPort, readSmall, SLASH, skipSpaces, wordEnd } from '../scan.js'

/** `a/p->b/q` into two slots; the offset behind it, or -1. */
function pair(event: SyslogEvent, from: 0 | 2, start: number, end: number): number {
  const line = event.line
  const stop = wordEnd(line, start, end)
  const arrow = line.indexOf('->', start)
  if (arrow < 0 || arrow >= stop) return -1
  const source = side(event, from, start, arrow)
  const destination = side(event, (from + 1) as 1 | 3, arrow + 2, stop)
  if (from === 0) {
    event.sourcePort = source
    event.destinationPort = destination
  } else {
    event.postNATSourcePort = source
    event.postNATDestinationPort = destination
  }
  return stop
}

function side(event: SyslogEvent, slot: 0 | 1 | 2 | 3, start: number, end: number): number {
  const line = event.line
  let slash = end
  while (slash > start && line.octetAt(slash) !== SLASH) slash--
  if (slash === start) {
    readAddress(event, slot, start, end)
    return -1
  }
  readAddress(event, slot, start, slash)
  return readPort(line, slash + 1, end)
}

/** Fills the event from the text behind the event's name. */
export function parseSrxText(event: SyslogEvent, start: number, end: number): void {
  const line = event.line
  let position = start
  if (line.octetAt(position) === 0x3a) position = skipSpaces(line, position + 1, end)
  const closed = line.startsWith('session closed ', position)
  const created = line.startsWith('session created ', position)
  const denied = line.startsWith('session denied ', position)
  if (closed) {
    // `session closed reason: a/b->c/d`
    const colon = line.indexOf(': ', position)
    if (colon < 0) return
    event.setSpan(Field.endReason, position + 15, colon)
    position = colon + 2
  } else if (created) position += 16
  else if (denied) position += 15
  else return
  position = pair(event, AddressSlot.source, position, end)
  if (position < 0) return
  position = connectionTag(line, skipSpaces(line, position, end), end)
  const words = readWords(line, position, end)
  if (denied) {
    // service protocol(type) policy zone zone …
    fillDenied(event, words)
    return
  }
  const nat = words.findIndex((word) => line.slice(word[0], word[1]).includes('->'))
  if (nat < 1) return
  event.setSpan(Field.service, ...unlessNone(line, words[0]))
  pair(event, AddressSlot.postNATSource, words[nat]![0], end)
  fillSession(event, words, nat)
}

type Word = readonly [start: number, end: number]
const MAX_WORDS = 48

function readWords(line: Line, start: number, end: number): Word[] {
  const words: Word[] = []
  let position = start
  while (position < end && words.length < MAX_WORDS) {
    const stop = wordEnd(line, position, end)
    words.push([position, stop])
    position = skipSpaces(line, stop, end)
  }
  return words
}

/** `0x0`, the connection tag of newer releases. */
function connectionTag(line: Line, position: number, end: number): number {
  return line.startsWith('0x', position) ? skipSpaces(line, wordEnd(line, position, end), end) : position
}

function unlessNone(line: Line, word: Word | undefined): [number, number] {
  if (word === undefined || line.slice(word[0], word[1]) === 'None') return [-1, -1]
  return [word[0], word[1]]
}

function span(event: SyslogEvent, field: FieldIndex, word: Word | undefined): void {
  if (word === undefined) return
  const text = event.line.slice(word[0], word[1])
  if (text === 'N/A' || text === 'UNKNOWN' || text === 'N/A(N/A)' || text === 'None') return
  event.setSpan(field, word[0], word[1])
}

function fillDenied(event: SyslogEvent, words: readonly Word[]): void {
  const line = event.line
  const protocol = words.findIndex((word) => /^\d{1,3}\(\d{1,3}\)$/.test(line.slice(word[0], word[1])))
  if (protocol < 0) return
  span(event, Field.service, words[protocol - 1])
  const [start, end] = words[protocol]!
  const open = line.indexOf('(', start)
  event.protocol = readSmall(line, start, open, 255)
  if (event.protocol === 1 || event.protocol === 58) event.icmpType = readSmall(line, open + 1, end - 1, 255)
  span(event, Field.ruleName, words[protocol + 1])
  span(event, Field.sourceZone, words[protocol + 2])
  span(event, Field.destinationZone, words[protocol + 3])
  user(event, words, protocol + 4)
}

/** `user(roles)` and behind it the interface that the first packet came in by; in front of it the application, if any. */
function user(event: SyslogEvent, words: readonly Word[], from: number): void {
  const line = event.line
  for (let at = from; at < from + 4 && at < words.length; at++) {
    const [start, end] = words[at]!
    const open = line.indexOf('(', start)
    if (open < 0 || open >= end || line.octetAt(end - 1) !== 0x29) continue
    if (at - from >= 2) span(event, Field.applicationName, words[at - 2])
    span(event, Field.userName, [start, open])
    span(event, Field.ingressInterfaceName, words[at + 1])
    return
  }
}

/** Behind the translated pair: NAT rules (two, or two types and two names), protocol, policy, zones, session, counters. */
function fillSession(event: SyslogEvent, words: readonly Word[], nat: number): void {
  const line = event.line
  let at = nat + 1
  const first = words[at]
  if (first !== undefined && line.startsWith('0x', first[0])) at++
  // The protocol is the first number with words in front of it.
  let protocol = at
  while (protocol < words.length && protocol < at + 6) {
    const [start, end] = words[protocol]!
    const value = readSmall(line, start, end, 255)
    const policy = words[protocol + 4]
    if (value >= 0 && policy !== undefined && readNumber(line, policy[0], policy[1]) >= 0) break
    protocol++
  }
  const word = words[protocol]
  if (word === undefined) return
  event.protocol = readSmall(line, word[0], word[1], 255)
  span(event, Field.ruleName, words[protocol + 1])
  span(event, Field.sourceZone, words[protocol + 2])
  span(event, Field.destinationZone, words[protocol + 3])
  span(event, Field.sessionId, words[protocol + 4])
  counters(event, words, protocol + 5)
  user(event, words, protocol + (Number.isNaN(event.durationMilliseconds) ? 5 : 8))
}

/** `packets(octets) packets(octets) seconds` of a closed session. */
function counters(event: SyslogEvent, words: readonly Word[], at: number): void {
  const line = event.line
  for (let index = 0; index < 2; index++) {
    const word = words[at + index]
    if (word === undefined) return
    const open = line.indexOf('(', word[0])
    if (open < 0 || open >= word[1]) return
    const packets = readNumber(line, word[0], open)
    const octets = readNumber(line, open + 1, word[1] - 1)
    if (index === 0) {
      event.packetsSourceToDestination = packets
      event.octetsSourceToDestination = octets
    } else {
      event.packetsDestinationToSource = packets
      event.octetsDestinationToSource = octets
    }
  }
  const seconds = words[at + 2]
  if (seconds !== undefined) event.durationMilliseconds = readNumber(line, seconds[0], seconds[1]) * 1000
}
