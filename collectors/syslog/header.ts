/**
 * The header of a syslog line: RFC 5424 §6, RFC 3164 §4.1 and what devices send instead of it: no priority, sequence
 * numbers, a colon behind host or time, no host, a header of a relay in front of the device's own. Afterwards
 * `contentStart` stands behind time and host, `messageStart` behind the tag, and both are within the line whatever it was.
 */

import { ciscoOrigin, skipZoneWord } from './cisco-origin.js'
import type { SyslogContext } from './context.js'
import { monthAt, scanTimestamp, scanUptime } from './dates.js'
import { Field, type SyslogEvent } from './event.js'
import { MAX_HOST, scanBareHost, scanHost, scanTag } from './host.js'
import type { Line } from './line.js'
import {
  COLON,
  digitsEnd,
  GREATER,
  isDigit,
  LESS,
  MINUS,
  OPEN_BRACKET,
  readSmall,
  SPACE,
  skipSpaces,
  wordEnd,
} from './scan.js'
import { structuredDataEnd } from './structured-data.js'
import { settleTime } from './timestamp.js'

/** RFC 5424 §6.2.1: 23 facilities, 8 severities. */
const MAX_PRIORITY = 191
/** RFC 5424 §6: what is longer is cut there, as its ABNF allows no more; the line is kept whole. */
const MAX_APPLICATION = 48
const MAX_PROCESS_ID = 128
const MAX_MESSAGE_ID = 32
/** A relay may put its header in front of the device's; deeper nesting is text. */
const MAX_NESTED_HEADERS = 3
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

function trimmedEnd(line: Line): number {
  let end = line.length
  while (end > 0) {
    const code = line.octetAt(end - 1)
    if (code !== 0 && code !== 10 && code !== 13) break
    end--
  }
  return end
}

/** RFC 6587 octet counts stay in front of lines that were stored as they came. */
function skipOctetCount(line: Line, position: number, end: number): number {
  const stop = digitsEnd(line, position, Math.min(end, position + 7))
  if (stop === position || line.octetAt(stop) !== SPACE || line.octetAt(stop + 1) !== LESS) return position
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
  if (line.octetAt(position) === LESS) {
    const stop = digitsEnd(line, position + 1, Math.min(end, position + 4))
    if (stop > position + 1 && line.octetAt(stop) === GREATER) {
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
  if (versionEnd === start || line.octetAt(versionEnd) !== SPACE) return false
  let position = versionEnd + 1
  if (line.octetAt(position) === MINUS && line.octetAt(position + 1) === SPACE) position += 1
  else {
    if (line.octetAt(position + 4) !== MINUS || line.octetAt(position + 10) !== 0x54) {
      // Meraki and some others put the version in front of a time of their own.
      if (!event.headerFound || scanTimestamp(line, position, end) < 0) return false
      parse3164(event, context, position, end, 0)
      return true
    }
    const stop = scanTimestamp(line, position, end)
    if (stop < 0 || (stop < end && line.octetAt(stop) !== SPACE)) return false
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
  const mark = line.octetAt(dataStart)
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
  if (stop - start !== 1 || event.line.octetAt(start) !== MINUS) {
    event.setSpan(field, start, Math.min(stop, start + longest))
  }
  return skipSpaces(event.line, stop, end)
}

/** Another header stands here: a priority, or a complete time of its own. */
function nestedHeader(line: Line, position: number, end: number): boolean {
  if (line.octetAt(position) !== LESS) return false
  const stop = digitsEnd(line, position + 1, Math.min(end, position + 4))
  return stop > position + 1 && line.octetAt(stop) === GREATER
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
  let isStamped = false
  for (let step = 0; step < 4; step++) {
    const code = line.octetAt(position)
    if (code === COLON && line.octetAt(position + 1) === SPACE) {
      position = skipSpaces(line, position + 1, end)
      continue
    }
    if (isDigit(code)) {
      const stop = digitsEnd(line, position, Math.min(end, position + 12))
      if (line.octetAt(stop) === COLON && line.octetAt(stop + 1) === SPACE) {
        event.sequenceNumber = readSmall(line, position, stop, 4294967295)
        position = skipSpaces(line, stop + 1, end)
        continue
      }
    }
    const clockStart = code === STAR || code === FULL_STOP ? position + 1 : position
    const stop = scanTimestamp(line, clockStart, end)
    isStamped = event.sequenceNumber >= 0 || clockStart !== position
    if (stop >= 0) {
      settleTime(event, context, clockStart, stop)
      event.headerFound = true
      position = stop
      timeFound = true
      break
    }
    const uptime = isStamped || event.has(Field.host) ? scanUptime(line, clockStart, end) : -1
    if (uptime >= 0) {
      position = uptime
      timeFound = true
      break
    }
    const next = ciscoOrigin(event, position, end)
    if (next < 0) break
    position = next
  }
  if (timeFound) position = skipZoneWord(line, position, end, isStamped)
  const colonFollows = timeFound && line.octetAt(position) === COLON
  position = skipSpaces(line, colonFollows ? position + 1 : position, end)
  // Cisco names the host in front of the time; the text follows.
  if (!(colonFollows && (event.has(Field.host) || event.sequenceNumber >= 0))) {
    position = timeFound ? scanHost(event, position, end) : scanBareHost(event, position, end)
  }
  position = skipSpaces(line, position, end)
  event.contentStart = position
  event.messageStart = position
  if (depth < MAX_NESTED_HEADERS && nestedStart(event, position, end)) {
    if (line.octetAt(position) === LESS || starts5424(line, position, end))
      parseOne(event, context, position, end, depth + 1)
    else parse3164(event, context, position, end, depth + 1)
    return
  }
  const behindTag = depth < MAX_NESTED_HEADERS ? timeBehindTag(line, position, end) : -1
  if (behindTag >= 0) parse3164(event, context, behindTag, end, depth + 1)
  else scanTag(event, position, end)
}

/** RFC 5424's version and a complete time, whose priority a relay has taken. */
function starts5424(line: Line, position: number, end: number): boolean {
  if (line.octetAt(position) !== 0x31 || line.octetAt(position + 1) !== SPACE) return false
  return line.octetAt(position + 12) === 0x54 && scanTimestamp(line, position + 2, end) >= 0
}

/**
 * A tag of a relay in front of RFC 5424 without priority and version: `junos-flow: 2026-…T…Z host app - msgid [`. The
 * offset of the time, or -1; a time that begins a text has no structured data behind it.
 */
function timeBehindTag(line: Line, position: number, end: number): number {
  const tagEnd = wordEnd(line, position, Math.min(end, position + MAX_HOST))
  const time = tagEnd + 1
  if (line.octetAt(tagEnd - 1) !== COLON || line.octetAt(time + 10) !== 0x54) return -1
  if (line.octetAt(time + 4) !== MINUS || scanTimestamp(line, time, end) < 0) return -1
  let index = time
  for (let word = 0; word < 5; word++) index = wordEnd(line, index, end) + 1
  return line.octetAt(index) === OPEN_BRACKET ? time : -1
}

/** What may stand behind host and time and be a header again. */
function nestedStart(event: SyslogEvent, position: number, end: number): boolean {
  const line = event.line
  if (nestedHeader(line, position, end)) return true
  const code = line.octetAt(position)
  let clock = position
  if (code === STAR || code === FULL_STOP) clock++
  if (isDigit(code)) {
    const stop = digitsEnd(line, position, Math.min(end, position + 12))
    // Meraki's epoch, RFC 3339 with its T, or a sequence number with a time behind it.
    if (line.octetAt(stop) === FULL_STOP && stop - position === 10) return true
    if (line.octetAt(stop) === COLON && line.octetAt(stop + 1) === SPACE) {
      const next = skipSpaces(line, stop + 1, end)
      const mark = line.octetAt(next)
      return scanTimestamp(line, mark === STAR || mark === FULL_STOP ? next + 1 : next, end) >= 0
    }
    if (stop - position === 1 && starts5424(line, position, end)) return true
    if (stop - position !== 4) return false
    const spelled = line.octetAt(stop) === SPACE && monthAt(line, stop + 1) > 0
    return (spelled || line.octetAt(position + 10) === 0x54) && scanTimestamp(line, position, end) >= 0
  }
  return monthAt(line, clock) > 0 && scanTimestamp(line, clock, end) >= 0
}
