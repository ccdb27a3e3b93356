/**
 * The header of a syslog line: RFC 5424 §6, RFC 3164 §4.1 and what devices send instead of it: no priority, sequence
 * numbers, a colon behind host or time, no host, a header of a relay in front of the device's own. Afterwards
 * `contentStart` stands behind time and host, `messageStart` behind the tag, and both are within the line whatever it was.
 */
import type { SyslogContext } from './context.js'
import { Field, type SyslogEvent } from './event.js'
import {
  CLOSE_BRACKET,
  COLON,
  COMMA,
  digitsEnd,
  EQUALS,
  GREATER,
  isDigit,
  LESS,
  MINUS,
  OPEN_BRACKET,
  PERCENT,
  QUOTE,
  readIPv4,
  readSmall,
  SLASH,
  SPACE,
  skipSpaces,
  wordEnd,
} from './scan.js'
import { structuredDataEnd } from './structured-data.js'
import { monthAt, scanTimestamp, scanUptime, settleTime } from './timestamp.js'

/** RFC 5424 §6.2.1: 23 facilities, 8 severities. */
const MAX_PRIORITY = 191
/** Longest host name (RFC 1035 §2.3.4); RFC 5424 §6 says the same. */
const MAX_HOST = 255
/** Longest tag and process id that are looked for in RFC 3164's form. */
const MAX_TAG = 128
/** RFC 5424 §6: what is longer is cut there, as its ABNF allows no more; the line is kept whole. */
const MAX_APPLICATION = 48
const MAX_PROCESS_ID = 128
const MAX_MESSAGE_ID = 32
/** A relay may put its header in front of the device's; deeper nesting is text. */
const MAX_NESTED_HEADERS = 3
/** Longest name of a zone that Cisco's `clock timezone` takes. */
const MAX_ZONE_NAME = 7
const STAR = 0x2a
const FULL_STOP = 0x2e

/** Fills the header fields and returns whether there was a header at all. */
export function parseHeader(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = trimmedEnd(line)
  let position = line.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0
  position = skipSpaces(line, position, end)
  position = skipOctetCount(line, position, end)
  parseOne(event, context, position, end, 0)
  event.setSpan(Field.message, event.messageStart, end)
  return event.headerFound
}

function trimmedEnd(line: string): number {
  let end = line.length
  while (end > 0) {
    const code = line.charCodeAt(end - 1)
    if (code !== 0 && code !== 10 && code !== 13) break
    end--
  }
  return end
}

/** RFC 6587 octet counts stay in front of lines that were stored as they came. */
function skipOctetCount(line: string, position: number, end: number): number {
  const stop = digitsEnd(line, position, Math.min(end, position + 7))
  if (stop === position || line.charCodeAt(stop) !== SPACE || line.charCodeAt(stop + 1) !== LESS)
    return position
  return stop + 1
}

function parseOne(
  event: SyslogEvent,
  context: SyslogContext,
  start: number,
  end: number,
  depth: number,
): void {
  const line = event.line
  let position = start
  if (line.charCodeAt(position) === LESS) {
    const stop = digitsEnd(line, position + 1, Math.min(end, position + 4))
    if (stop > position + 1 && line.charCodeAt(stop) === GREATER) {
      const priority = readSmall(line, position + 1, stop, MAX_PRIORITY)
      if (priority >= 0) {
        event.facility = priority >> 3
        event.severity = priority & 7
        event.headerFound = true
      }
      position = stop + 1
    }
  }
  if (parse5424(event, context, position, end)) return
  position = skipSpaces(line, position, end)
  parse3164(event, context, position, end, depth)
}

/** RFC 5424 §6; a header that breaks off after the host still gives time and host. */
function parse5424(event: SyslogEvent, context: SyslogContext, start: number, end: number): boolean {
  const line = event.line
  const versionEnd = digitsEnd(line, start, Math.min(end, start + 3))
  if (versionEnd === start || line.charCodeAt(versionEnd) !== SPACE) return false
  let position = versionEnd + 1
  if (line.charCodeAt(position) === MINUS && line.charCodeAt(position + 1) === SPACE) position += 1
  else {
    if (line.charCodeAt(position + 4) !== MINUS || line.charCodeAt(position + 10) !== 0x54) {
      // Meraki and some others put the version in front of a time of their own.
      if (!event.headerFound || scanTimestamp(line, position, end) < 0) return false
      parse3164(event, context, position, end, 0)
      return true
    }
    const stop = scanTimestamp(line, position, end)
    if (stop < 0 || (stop < end && line.charCodeAt(stop) !== SPACE)) return false
    settleTime(event, context, position, stop)
    position = stop
  }
  event.headerFound = true
  position = skipSpaces(line, position, end)
  position = headerWord(event, Field.host, position, end, MAX_HOST)
  event.contentStart = position
  event.messageStart = position
  const nested = nestedHeader(line, position, end)
  if (nested) {
    parseOne(event, context, position, end, 1)
    return true
  }
  const application = position
  const applicationEnd = wordEnd(line, application, end)
  const processStart = applicationEnd + 1
  const processEnd = wordEnd(line, processStart, end)
  const idStart = processEnd + 1
  const idEnd = wordEnd(line, idStart, end)
  const dataStart = idEnd + 1
  const mark = line.charCodeAt(dataStart)
  if (dataStart >= end || (mark !== MINUS && mark !== OPEN_BRACKET)) {
    scanTag(event, position, end)
    return true
  }
  headerWord(event, Field.application, application, applicationEnd, MAX_APPLICATION)
  headerWord(event, Field.processId, processStart, processEnd, MAX_PROCESS_ID)
  headerWord(event, Field.messageId, idStart, idEnd, MAX_MESSAGE_ID)
  event.contentStart = dataStart
  if (mark === MINUS) position = dataStart + 1
  else {
    position = structuredDataEnd(line, dataStart, end)
    if (position < 0) position = dataStart
    else {
      event.structuredDataStart = dataStart
      event.structuredDataEnd = position
    }
  }
  position = skipSpaces(line, position, end)
  if (line.startsWith('\u00ef\u00bb\u00bf', position)) position += 3
  event.messageStart = Math.min(position, end)
  if (mark === MINUS) event.contentStart = event.messageStart
  return true
}

/** One word of RFC 5424's header, `-` meaning none, cut at its longest; the offset of the next word. */
function headerWord(
  event: SyslogEvent,
  field: 1 | 2 | 3 | 4,
  start: number,
  end: number,
  longest: number,
): number {
  const stop = wordEnd(event.line, start, end)
  if (stop - start !== 1 || event.line.charCodeAt(start) !== MINUS) {
    event.setSpan(field, start, Math.min(stop, start + longest))
  }
  return skipSpaces(event.line, stop, end)
}

/** Another header stands here: a priority, or a complete time of its own. */
function nestedHeader(line: string, position: number, end: number): boolean {
  if (line.charCodeAt(position) !== LESS) return false
  const stop = digitsEnd(line, position + 1, Math.min(end, position + 4))
  return stop > position + 1 && line.charCodeAt(stop) === GREATER
}

function parse3164(
  event: SyslogEvent,
  context: SyslogContext,
  start: number,
  end: number,
  depth: number,
): void {
  const line = event.line
  let position = start
  let timeFound = false
  for (let step = 0; step < 4; step++) {
    const code = line.charCodeAt(position)
    if (code === COLON && line.charCodeAt(position + 1) === SPACE) {
      position = skipSpaces(line, position + 1, end)
      continue
    }
    if (isDigit(code)) {
      const stop = digitsEnd(line, position, Math.min(end, position + 12))
      if (line.charCodeAt(stop) === COLON && line.charCodeAt(stop + 1) === SPACE) {
        event.sequenceNumber = readSmall(line, position, stop, 4294967295)
        position = skipSpaces(line, stop + 1, end)
        continue
      }
    }
    const clockStart = code === STAR || code === FULL_STOP ? position + 1 : position
    const stop = scanTimestamp(line, clockStart, end)
    if (stop >= 0) {
      settleTime(event, context, clockStart, stop)
      event.headerFound = true
      position = stop
      timeFound = true
      break
    }
    const isCisco = event.sequenceNumber >= 0 || clockStart !== position || event.has(Field.host)
    const uptime = isCisco ? scanUptime(line, clockStart, end) : -1
    if (uptime >= 0) {
      position = uptime
      timeFound = true
      break
    }
    const next = ciscoOrigin(event, position, end)
    if (next < 0) break
    position = next
  }
  if (timeFound) position = skipZoneWord(line, position, end)
  const colonFollows = timeFound && line.charCodeAt(position) === COLON
  position = skipSpaces(line, colonFollows ? position + 1 : position, end)
  // Cisco names the host in front of the time; the text follows.
  if (!(colonFollows && (event.has(Field.host) || event.sequenceNumber >= 0))) {
    position = timeFound ? scanHost(event, position, end) : scanBareHost(event, position, end)
  }
  position = skipSpaces(line, position, end)
  event.contentStart = position
  event.messageStart = position
  if (depth < MAX_NESTED_HEADERS && nestedStart(event, position, end)) {
    if (line.charCodeAt(position) === LESS) parseOne(event, context, position, end, depth + 1)
    else parse3164(event, context, position, end, depth + 1)
    return
  }
  scanTag(event, position, end)
}

/**
 * Cisco's `timestamps … show-timezone` writes whatever name the operator gave the zone: ` DST:` and ` UTC :` stand where
 * other devices have the host. A name that no table knows tells nothing; the offset behind it.
 */
function skipZoneWord(line: string, position: number, end: number): number {
  if (line.charCodeAt(position) !== SPACE) return position
  let index = position + 1
  while (index < end && index <= position + MAX_ZONE_NAME) {
    const code = line.charCodeAt(index)
    if (code < 0x41 || code > 0x5a) break
    index++
  }
  if (index < position + 3) return position
  const colon = line.charCodeAt(index) === SPACE ? index + 1 : index
  if (line.charCodeAt(colon) !== COLON || line.charCodeAt(colon + 1) !== SPACE) return position
  return line.charCodeAt(skipSpaces(line, colon + 1, end)) === PERCENT ? colon : position
}

/** A space, or IOS XR's month right behind the colon. */
function endsOrigin(line: string, position: number): boolean {
  return line.charCodeAt(position) === SPACE || monthAt(line, position) > 0
}

/** `name: ` between Cisco's sequence number and the time (`logging origin-id`); the offset behind it, or -1. */
function ciscoOrigin(event: SyslogEvent, position: number, end: number): number {
  const line = event.line
  // The message itself, which may have a time behind its name (199019).
  if (line.charCodeAt(position) === PERCENT) return -1
  let index = position
  const limit = Math.min(end, position + MAX_HOST)
  while (index < limit) {
    const code = line.charCodeAt(index)
    if (code === COLON && endsOrigin(line, index + 1)) break
    // No name of a host or a line card: pairs, CSV, quoted text.
    if (code === EQUALS || code === QUOTE || code === COMMA || code === 0x7b) return -1
    index++
  }
  if (index >= limit) return -1
  const next = skipSpaces(line, index + 1, end)
  const code = line.charCodeAt(next)
  const follows =
    code === PERCENT ||
    code === STAR ||
    code === FULL_STOP ||
    (isDigit(code) && (event.sequenceNumber >= 0 || isClock(line, next, end))) ||
    (monthAt(line, next) > 0 && scanTimestamp(line, next, end) >= 0)
  if (!follows || (!event.headerFound && scanTimestamp(line, next, end) < 0)) return -1
  // A controller's `*task: ` behind the host's name is no host.
  const isTask = line.charCodeAt(position) === STAR
  if (!isTask && wordEnd(line, position, index) === index) event.setSpan(Field.host, position, index)
  return next
}

/** A time, or an uptime with the colon that Cisco writes behind it. */
function isClock(line: string, position: number, end: number): boolean {
  return scanTimestamp(line, position, end) >= 0 || scanUptime(line, position, end) >= 0
}

/** What may stand behind host and time and be a header again. */
function nestedStart(event: SyslogEvent, position: number, end: number): boolean {
  const line = event.line
  if (nestedHeader(line, position, end)) return true
  const code = line.charCodeAt(position)
  let clock = position
  if (code === STAR || code === FULL_STOP) clock++
  if (isDigit(code)) {
    const stop = digitsEnd(line, position, Math.min(end, position + 12))
    // Meraki's epoch, RFC 3339 with its T, or a sequence number with a time behind it.
    if (line.charCodeAt(stop) === FULL_STOP && stop - position === 10) return true
    if (line.charCodeAt(stop) === COLON && line.charCodeAt(stop + 1) === SPACE) {
      const next = skipSpaces(line, stop + 1, end)
      const mark = line.charCodeAt(next)
      return scanTimestamp(line, mark === STAR || mark === FULL_STOP ? next + 1 : next, end) >= 0
    }
    if (stop - position !== 4) return false
    const spelled = line.charCodeAt(stop) === SPACE && monthAt(line, stop + 1) > 0
    return (spelled || line.charCodeAt(position + 10) === 0x54) && scanTimestamp(line, position, end) >= 0
  }
  return monthAt(line, clock) > 0 && scanTimestamp(line, clock, end) >= 0
}

function isHostCharacter(code: number): boolean {
  if (code > 0x7a) return code > 0x7f
  if (code >= 0x61 || code === 0x5f) return true
  if (code >= 0x40 && code <= 0x5a) return true
  return code >= 0x2d && code <= 0x3a
}

/** The host behind a time; the offset behind it, or the position unchanged when a tag or the text stands there. */
function scanHost(event: SyslogEvent, position: number, end: number): number {
  const line = event.line
  if (line.charCodeAt(position) === OPEN_BRACKET) return scanBracketedHost(event, position, end)
  if (line.charCodeAt(position) === MINUS) return position
  const start = skipPrefixes(line, position, end)
  const limit = Math.min(end, start + MAX_HOST + 1)
  let stop = start
  while (stop < limit && isHostCharacter(line.charCodeAt(stop))) stop++
  if (stop === start) return position
  if (stop < end && line.charCodeAt(stop) !== SPACE) {
    // F5's high-speed logging: `host,key=value,…`
    if (line.charCodeAt(stop) !== COMMA || !startsPair(line, stop + 1, end)) return position
    event.setSpan(Field.host, start, stop)
    return stop + 1
  }
  let hostEnd = stop
  let next = skipSpaces(line, stop, end)
  if (line.charCodeAt(stop - 1) === COLON) {
    // `host: %ASA-…` names a host, `tag: text` does not; an IPv6 address may end in colons.
    hostEnd = stop - 1
    const address = readIPv4(line, start, hostEnd) >= 0
    if (line.charCodeAt(hostEnd - 1) === COLON && hostEnd > start + 1) hostEnd = stop
    else if (!address && !looksLikeCiscoBody(line, next, end)) return position
  } else if (line.charCodeAt(next) === COLON && (next + 1 >= end || line.charCodeAt(next + 1) === SPACE)) {
    next = skipSpaces(line, next + 1, end)
  }
  event.setSpan(Field.host, start, hostEnd)
  // A relay that knows the host too writes it once more.
  const length = hostEnd - start
  const twice = line.charCodeAt(next + length) === SPACE && line.startsWith(line.slice(start, hostEnd), next)
  return twice ? next + length : next
}

/** `[host]`, or NetApp's `[host:event:severity]:`, which begins the text too. */
function scanBracketedHost(event: SyslogEvent, position: number, end: number): number {
  const line = event.line
  const limit = Math.min(end, position + MAX_HOST + 1)
  let close = position + 1
  let colons = 0
  let firstColon = -1
  while (close < limit && isHostCharacter(line.charCodeAt(close))) {
    if (line.charCodeAt(close) === COLON && colons++ === 0) firstColon = close
    close++
  }
  if (line.charCodeAt(close) !== CLOSE_BRACKET || close === position + 1) return position
  if (colons === 2 && line.charCodeAt(close + 1) === COLON) {
    event.setSpan(Field.host, position + 1, firstColon)
    return position
  }
  event.setSpan(Field.host, position + 1, close)
  return skipSpaces(line, close + 1, end)
}

/** What some write in front of the host: F5's blade (`slot1/`), the names of the priority (`user.info `). */
function skipPrefixes(line: string, position: number, end: number): number {
  const space = wordEnd(line, position, Math.min(end, position + MAX_PRIORITY_NAMES))
  const dot = line.indexOf('.', position)
  if (dot > position && dot < space && namesPriority(line, position, dot, space))
    return skipSpaces(line, space, end)
  if (!line.startsWith('slot', position)) return position
  const stop = digitsEnd(line, position + 4, Math.min(end, position + 7))
  return stop > position + 4 && line.charCodeAt(stop) === SLASH ? stop + 1 : position
}

const facilityNames = new Set(
  (
    'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock ' +
    'local0 local1 local2 local3 local4 local5 local6 local7'
  ).split(' '),
)
const severityNames = new Set('emerg alert crit err error warning warn notice info debug'.split(' '))
const MAX_PRIORITY_NAMES = 'authpriv.warning'.length + 1

function namesPriority(line: string, start: number, dot: number, end: number): boolean {
  return facilityNames.has(line.slice(start, dot)) && severityNames.has(line.slice(dot + 1, end))
}

function startsPair(line: string, position: number, end: number): boolean {
  let index = position
  while (index < end && isTagCharacter(line.charCodeAt(index))) index++
  return index > position && line.charCodeAt(index) === EQUALS
}

function looksLikeCiscoBody(line: string, position: number, end: number): boolean {
  const code = line.charCodeAt(position)
  if (code === PERCENT || code === STAR) return true
  return position < end && monthAt(line, position) > 0 && scanTimestamp(line, position, end) >= 0
}

/** Without a time only an address, or a name in front of Cisco's `%`, is taken for a host. */
function scanBareHost(event: SyslogEvent, position: number, end: number): number {
  const line = event.line
  const limit = Math.min(end, position + MAX_HOST)
  let stop = position
  while (stop < limit && isHostCharacter(line.charCodeAt(stop))) stop++
  if (stop === position || line.charCodeAt(stop) !== SPACE) return position
  const hostEnd = line.charCodeAt(stop - 1) === COLON ? stop - 1 : stop
  let next = skipSpaces(line, stop, end)
  if (line.charCodeAt(next) === COLON) next = skipSpaces(line, next + 1, end)
  if (!(event.headerFound && line.charCodeAt(next) === PERCENT) && readIPv4(line, position, hostEnd) < 0)
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
function scanTag(event: SyslogEvent, position: number, end: number): void {
  const line = event.line
  const limit = Math.min(end, position + MAX_TAG)
  let stop = position
  while (stop < limit && isTagCharacter(line.charCodeAt(stop))) stop++
  if (stop === position) return
  // Nothing but one word behind time and host: a tag without content.
  if (stop === end && event.has(Field.host)) {
    event.setSpan(Field.application, position, stop)
    event.messageStart = end
    return
  }
  const code = stop < end ? line.charCodeAt(stop) : SPACE
  if (code === OPEN_BRACKET) {
    let close = stop + 1
    const closeLimit = Math.min(end, stop + MAX_TAG)
    while (close < closeLimit && line.charCodeAt(close) !== CLOSE_BRACKET) close++
    if (line.charCodeAt(close) !== CLOSE_BRACKET) return
    const after = line.charCodeAt(close + 1)
    if (after !== COLON && after !== SPACE && close + 1 < end) return
    event.setSpan(Field.application, position, stop)
    event.setSpan(Field.processId, stop + 1, close)
    event.messageStart = skipSpaces(line, after === COLON ? close + 2 : close + 1, end)
    return
  }
  if (code === COLON) {
    if (stop + 1 < end && line.charCodeAt(stop + 1) !== SPACE) return
    event.setSpan(Field.application, position, stop)
    if (line.charCodeAt(position) !== PERCENT) event.messageStart = skipSpaces(line, stop + 1, end)
    return
  }
  // `tag : text`; a first word without a colon may be anything.
  if (code !== SPACE || !event.headerFound) return
  const next = skipSpaces(line, stop, end)
  if (line.charCodeAt(next) !== COLON || line.charCodeAt(next + 1) !== SPACE) return
  event.setSpan(Field.application, position, stop)
  event.messageStart = skipSpaces(line, next + 1, end)
}
