/** What Cisco's systems write around the time of a line: names of hosts and nodes in front of it, a zone's name behind. */

import { monthAt, scanTimestamp, scanUptime } from './dates.js'
import { Field, type SyslogEvent } from './event.js'
import { MAX_HOST } from './host.js'
import type { Line } from './line.js'
import { COLON, COMMA, EQUALS, isDigit, PERCENT, QUOTE, SLASH, SPACE, skipSpaces, wordEnd } from './scan.js'

/** Longest name of a zone that Cisco's `clock timezone` takes. */
const MAX_ZONE_NAME = 7
const STAR = 0x2a
const FULL_STOP = 0x2e

/**
 * Cisco's `timestamps … show-timezone` writes whatever name the operator gave the zone: ` DST:` and ` UTC :` stand where
 * other devices have the host. A name that no table knows tells nothing; the offset behind it.
 */
export function skipZoneWord(line: Line, position: number, end: number, isStamped: boolean): number {
  if (line.octetAt(position) !== SPACE) return position
  let index = position + 1
  while (index < end && index <= position + MAX_ZONE_NAME) {
    const code = line.octetAt(index)
    // In small letters it may as well be a host, unless Cisco's own marks stood in front of the time.
    const letter = isStamped ? code & 0xdf : code
    if (letter < 0x41 || letter > 0x5a) break
    index++
  }
  if (index < position + 3) return position
  const colon = line.octetAt(index) === SPACE ? index + 1 : index
  if (line.octetAt(colon) !== COLON || line.octetAt(colon + 1) !== SPACE) return position
  return line.octetAt(skipSpaces(line, colon + 1, end)) === PERCENT ? colon : position
}

/** A space, or IOS XR's time right behind the colon. */
function endsOrigin(line: Line, position: number): boolean {
  if (line.octetAt(position) === SPACE || monthAt(line, position) > 0) return true
  return line.octetAt(position + 4) === SPACE && monthAt(line, position + 5) > 0
}

/** IOS XR's node (`RP/0/RSP0/CPU0`, `LC/0/1/CPU0`) fills the range. */
function isNode(line: Line, start: number, end: number): boolean {
  return line.octetAt(start + 2) === SLASH && line.startsWith('/CPU', end - 5)
}

/** `name: ` between Cisco's sequence number and the time (`logging origin-id`); the offset behind it, or -1. */
export function ciscoOrigin(event: SyslogEvent, position: number, end: number): number {
  const line = event.line
  // The message itself, which may have a time behind its name (199019).
  if (line.octetAt(position) === PERCENT) return -1
  let index = position
  const limit = Math.min(end, position + MAX_HOST)
  while (index < limit) {
    const code = line.octetAt(index)
    if (code === COLON && endsOrigin(line, index + 1)) break
    // No name of a host or a line card: pairs, CSV, quoted text.
    if (code === EQUALS || code === QUOTE || code === COMMA || code === 0x7b) return -1
    index++
  }
  if (index >= limit) return -1
  const next = skipSpaces(line, index + 1, end)
  const code = line.octetAt(next)
  const follows =
    code === PERCENT ||
    code === STAR ||
    code === FULL_STOP ||
    (isDigit(code) && (event.sequenceNumber >= 0 || isClock(line, next, end))) ||
    (monthAt(line, next) > 0 && scanTimestamp(line, next, end) >= 0)
  if (!follows || (!event.headerFound && scanTimestamp(line, next, end) < 0)) return -1
  // A controller's `*task: ` behind the host's name is no host.
  const isTask = line.octetAt(position) === STAR
  const nameEnd = wordEnd(line, position, index)
  // `logging hostnameprefix` stands in front of the node.
  if (!isTask && (nameEnd === index || isNode(line, nameEnd + 1, index))) {
    event.setSpan(Field.host, position, nameEnd)
  }
  return next
}

/** A time, or an uptime with the colon that Cisco writes behind it. */
function isClock(line: Line, position: number, end: number): boolean {
  return scanTimestamp(line, position, end) >= 0 || scanUptime(line, position, end) >= 0
}
