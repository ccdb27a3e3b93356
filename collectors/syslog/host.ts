/**
 * Host and tag of a header of RFC 3164's kind, and what devices write in their places. Each takes the offset where its
 * part may stand and returns the offset behind it, or the same offset where something else stands there.
 */

import { monthAt, scanTimestamp } from './dates.js'
import { Field, type SyslogEvent } from './event.js'
import type { Line } from './line.js'
import {
  CLOSE_BRACKET,
  COLON,
  COMMA,
  DOT,
  digitsEnd,
  EQUALS,
  MINUS,
  OPEN_BRACKET,
  PERCENT,
  readIPv4,
  SLASH,
  SPACE,
  skipSpaces,
  wordEnd,
} from './scan.js'

/** Longest host name (RFC 1035 §2.3.4); RFC 5424 §6 says the same. */
export const MAX_HOST = 255
/** Longest tag and process id that are looked for in RFC 3164's form. */
const MAX_TAG = 128
const STAR = 0x2a

/** BSD's syslogd, which writes it without a tag and, of its own lines, without a host. */
const REPEATED = 'last message repeated '

function isHostCharacter(code: number): boolean {
  if (code > 0x7a) return code > 0x7f
  if (code >= 0x61 || code === 0x5f) return true
  if (code >= 0x40 && code <= 0x5a) return true
  return code >= 0x2d && code <= 0x3a
}

/** The host behind a time; the offset behind it, or the position unchanged when a tag or the text stands there. */
export function scanHost(event: SyslogEvent, position: number, end: number): number {
  const line = event.line
  if (line.octetAt(position) === OPEN_BRACKET) return scanBracketedHost(event, position, end)
  if (line.octetAt(position) === MINUS) return position
  if (line.startsWith(REPEATED, position)) return position
  const start = skipPrefixes(line, position, end)
  const limit = Math.min(end, start + MAX_HOST + 1)
  let stop = start
  while (stop < limit && isHostCharacter(line.octetAt(stop))) stop++
  if (stop === start) return position
  // A link-local address with its zone.
  if (line.octetAt(stop) === PERCENT && line.indexOf('::', start) === start + 4) {
    stop = wordEnd(line, stop, limit)
  }
  if (stop < end && line.octetAt(stop) !== SPACE) {
    // F5's high-speed logging: `host,key=value,…`
    if (line.octetAt(stop) !== COMMA || !startsPair(line, stop + 1, end)) return position
    event.setSpan(Field.host, start, stop)
    return stop + 1
  }
  let hostEnd = stop
  let next = skipSpaces(line, stop, end)
  if (line.octetAt(stop - 1) === COLON) {
    // `host: %ASA-…` names a host, `tag: text` does not; an IPv6 address may end in colons.
    hostEnd = stop - 1
    const address = readIPv4(line, start, hostEnd) >= 0
    if (line.octetAt(hostEnd - 1) === COLON && hostEnd > start + 1) hostEnd = stop
    else if (!address && !looksLikeCiscoBody(line, next, end)) return position
  } else if (line.octetAt(next) === COLON && (next + 1 >= end || line.octetAt(next + 1) === SPACE)) {
    next = skipSpaces(line, next + 1, end)
  }
  event.setSpan(Field.host, start, hostEnd)
  // A relay that knows the host too writes it once more.
  const length = hostEnd - start
  const twice = line.octetAt(next + length) === SPACE && line.startsWith(line.slice(start, hostEnd), next)
  return twice ? next + length : next
}

/** `[host]`, or NetApp's `[host:event:severity]:`, which begins the text too. */
function scanBracketedHost(event: SyslogEvent, position: number, end: number): number {
  const line = event.line
  const limit = Math.min(end, position + MAX_HOST + 1)
  let close = position + 1
  let colons = 0
  let firstColon = -1
  while (close < limit && isHostCharacter(line.octetAt(close))) {
    if (line.octetAt(close) === COLON && colons++ === 0) firstColon = close
    close++
  }
  if (line.octetAt(close) !== CLOSE_BRACKET || close === position + 1) return position
  if (colons === 2 && line.octetAt(close + 1) === COLON) {
    event.setSpan(Field.host, position + 1, firstColon)
    return position
  }
  event.setSpan(Field.host, position + 1, close)
  return skipSpaces(line, close + 1, end)
}

/** What some write in front of the host: F5's blade (`slot1/`), the names of the priority (`user.info `). */
function skipPrefixes(line: Line, position: number, end: number): number {
  const space = wordEnd(line, position, Math.min(end, position + MAX_PRIORITY_NAMES))
  const dot = line.indexOfOctet(DOT, position, space)
  if (dot > position && namesPriority(line, position, dot, space)) return skipSpaces(line, space, end)
  if (!line.startsWith('slot', position)) return position
  const stop = digitsEnd(line, position + 4, Math.min(end, position + 7))
  return stop > position + 4 && line.octetAt(stop) === SLASH ? stop + 1 : position
}

const facilityNames = new Set(
  (
    'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock ' +
    'local0 local1 local2 local3 local4 local5 local6 local7'
  ).split(' '),
)
const severityNames = new Set('emerg alert crit err error warning warn notice info debug'.split(' '))
const MAX_PRIORITY_NAMES = 'authpriv.warning'.length + 1

function namesPriority(line: Line, start: number, dot: number, end: number): boolean {
  return facilityNames.has(line.slice(start, dot)) && severityNames.has(line.slice(dot + 1, end))
}

function startsPair(line: Line, position: number, end: number): boolean {
  let index = position
  while (index < end && isTagCharacter(line.octetAt(index))) index++
  return index > position && line.octetAt(index) === EQUALS
}

function looksLikeCiscoBody(line: Line, position: number, end: number): boolean {
  const code = line.octetAt(position)
  if (code === PERCENT || code === STAR) return true
  return position < end && monthAt(line, position) > 0 && scanTimestamp(line, position, end) >= 0
}

/** Without a time only an address, or a name in front of Cisco's `%`, is taken for a host. */
export function scanBareHost(event: SyslogEvent, position: number, end: number): number {
  const line = event.line
  const limit = Math.min(end, position + MAX_HOST)
  let stop = position
  while (stop < limit && isHostCharacter(line.octetAt(stop))) stop++
  if (stop === position || line.octetAt(stop) !== SPACE) return position
  const hostEnd = line.octetAt(stop - 1) === COLON ? stop - 1 : stop
  let next = skipSpaces(line, stop, end)
  if (line.octetAt(next) === COLON) next = skipSpaces(line, next + 1, end)
  if (!(event.headerFound && line.octetAt(next) === PERCENT) && readIPv4(line, position, hostEnd) < 0)
    return position
  event.setSpan(Field.host, position, hostEnd)
  return next
}

function isTagCharacter(code: number): boolean {
  if (code >= 0x61) return code <= 0x7a || code === 0x7e
  if (code >= 0x40) return code <= 0x5a || code === 0x5f
  return (code >= 0x2d && code <= 0x39) || code === PERCENT || code === 0x28 || code === 0x29 || code === 0x23
}

/** RFC 3164 §4.1.3: `tag[pid]: `, `tag: `, or a first word. */
export function scanTag(event: SyslogEvent, position: number, end: number): void {
  const line = event.line
  const limit = Math.min(end, position + MAX_TAG)
  let stop = position
  while (stop < limit && isTagCharacter(line.octetAt(stop))) stop++
  if (stop === position) return
  // Nothing but one word behind time and host: a tag without content.
  if (stop === end && event.has(Field.host)) {
    event.setSpan(Field.application, position, stop)
    event.messageStart = end
    return
  }
  const code = stop < end ? line.octetAt(stop) : SPACE
  if (code === OPEN_BRACKET) {
    let close = stop + 1
    const closeLimit = Math.min(end, stop + MAX_TAG)
    while (close < closeLimit && line.octetAt(close) !== CLOSE_BRACKET) close++
    if (line.octetAt(close) !== CLOSE_BRACKET) return
    const after = line.octetAt(close + 1)
    if (after !== COLON && after !== SPACE && close + 1 < end) return
    event.setSpan(Field.application, position, stop)
    event.setSpan(Field.processId, stop + 1, close)
    event.messageStart = skipSpaces(line, after === COLON ? close + 2 : close + 1, end)
    return
  }
  if (code === COLON) {
    if (stop + 1 < end && line.octetAt(stop + 1) !== SPACE) return
    event.setSpan(Field.application, position, stop)
    if (line.octetAt(position) !== PERCENT) event.messageStart = skipSpaces(line, stop + 1, end)
    return
  }
  // `tag : text`; a first word without a colon may be anything.
  if (code !== SPACE || !event.headerFound) return
  const next = skipSpaces(line, stop, end)
  if (line.octetAt(next) !== COLON || line.octetAt(next + 1) !== SPACE) return
  event.setSpan(Field.application, position, stop)
  event.messageStart = skipSpaces(line, next + 1, end)
}
