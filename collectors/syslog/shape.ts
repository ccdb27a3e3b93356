/**
 * The outer shape of a line's content, told once from its first characters, so that only the products which log in that
 * shape are asked. Nothing here decides what a line is: a product still has to know its own marks.
 */

import type { SyslogEvent } from './event.js'
import type { Line } from './line.js'
import {
  COLON,
  COMMA,
  EQUALS,
  isDigit,
  OPEN_BRACE,
  OPEN_BRACKET,
  PERCENT,
  PIPE,
  QUOTE,
  SPACE,
  skipSpaces,
} from './scan.js'

/** How content may be laid out. `text` is everything else. */
export const Shape = {
  text: 0,
  /** Cisco's `%FACILITY-severity-MNEMONIC: `, near the start. */
  percent: 1,
  /** ArcSight Common Event Format; the body starts at its version. */
  cef: 2,
  /** QRadar Log Event Extended Format; the body starts at its version. */
  leef: 3,
  /** One JSON object; the body starts at its brace. */
  json: 4,
  /** `key=value` from the first word on. */
  pairs: 5,
  /** Values between commas, or between quotes and commas. */
  csv: 6,
  /** A bracket first: RFC 5424 structured data, or a prefix in brackets. */
  structured: 7,
} as const
/** A value of `Shape`. */
export type ShapeNumber = (typeof Shape)[keyof typeof Shape]
/** One more than the largest `Shape`. */
export const SHAPE_COUNT = 8

/** Longest first word that is looked at. */
const MAX_WORD = 64
/** How far behind the header Cisco's `%`, or an embedded CEF, LEEF or JSON, may stand. */
const MARK_WINDOW = 160

/** Tells the shape of a line whose header is read, and leaves it with the body's start in the event. */
export function settleShape(event: SyslogEvent): void {
  const { line, messageStart } = event
  const end = line.length
  const contentStart = hasOnlyTransportData(event) ? messageStart : event.contentStart
  if (settleAt(event, line, contentStart, end)) return
  if (messageStart !== contentStart && settleAt(event, line, messageStart, end)) return
  settleEmbedded(event, line, contentStart, Math.min(end, contentStart + MARK_WINDOW))
}

/** RFC 5424 §7: what syslog itself says of the time, the origin and the sequence; the product's content is the message. */
function hasOnlyTransportData({
  line,
  structuredDataStart: start,
  structuredDataEnd: end,
}: SyslogEvent): boolean {
  if (start < 0) return false
  const known =
    line.startsWith('meta ', start + 1) ||
    line.startsWith('timeQuality ', start + 1) ||
    line.startsWith('origin ', start + 1)
  const next = known ? line.indexOf('][', start) : start
  return known && (next < 0 || next >= end)
}

function settleAt(event: SyslogEvent, line: Line, position: number, end: number): boolean {
  event.bodyStart = position
  const code = line.octetAt(position)
  if (code === OPEN_BRACKET) event.shape = Shape.structured
  else if (code === OPEN_BRACE) event.shape = Shape.json
  else if (code === PERCENT) event.shape = Shape.percent
  else if (code === QUOTE) event.shape = Shape.csv
  else if (code === 0x43 && line.startsWith('CEF:', position))
    settleMarked(event, line, Shape.cef, position + 4, end)
  else if (code === 0x4c && line.startsWith('LEEF:', position))
    settleMarked(event, line, Shape.leef, position + 5, end)
  else if (code >= 0x30 && code <= 0x32 && line.octetAt(position + 1) === PIPE) event.shape = Shape.cef
  else event.shape = shapeOfWord(line, position, end)
  return event.shape !== Shape.text
}

function settleMarked(event: SyslogEvent, line: Line, shape: number, position: number, end: number): void {
  event.shape = shape
  event.bodyStart = skipSpaces(line, position, end)
}

/** By what ends the first word: `=` begins pairs, a comma begins values. */
function shapeOfWord(text: Line, position: number, end: number): number {
  const limit = Math.min(end, position + MAX_WORD)
  let index = position
  while (index < limit && isWordCharacter(text.octetAt(index))) index++
  if (index === position || index === end) return Shape.text
  const code = text.octetAt(index)
  if (code === EQUALS) return Shape.pairs
  return code === COMMA ? Shape.csv : Shape.text
}

/** Names, numbers, dates and addresses. */
function isWordCharacter(code: number): boolean {
  const letter = code | 0x20
  return (letter >= 0x61 && letter <= 0x7a) || (code >= 0x2d && code <= COLON) || code === 0x5f
}

/** Behind words of a relay or a tag: the first mark of a shape that stands at a word's start. */
function settleEmbedded(event: SyslogEvent, text: Line, start: number, limit: number): void {
  event.shape = Shape.text
  event.bodyStart = start
  // ASA and its kin now and then lose their `%`.
  if (isCiscoName(text, start)) {
    event.shape = Shape.percent
    return
  }
  for (let index = start; index < limit; index++) {
    const code = text.octetAt(index)
    if (code === PERCENT) {
      const letter = text.octetAt(index + 1)
      if (!(letter >= 0x41 && letter <= 0x5a)) continue
      event.shape = Shape.percent
      event.bodyStart = index
      return
    }
    if (code !== SPACE && code !== COLON) continue
    const next = text.octetAt(index + 1)
    if (next === 0x43 && text.startsWith('CEF:', index + 1) && isDigit(text.octetAt(index + 5))) {
      settleMarked(event, text, Shape.cef, index + 5, text.length)
      return
    }
    if (next === 0x4c && text.startsWith('LEEF:', index + 1)) {
      settleMarked(event, text, Shape.leef, index + 6, text.length)
      return
    }
    if (next === OPEN_BRACE && text.octetAt(index + 2) === QUOTE) {
      event.shape = Shape.json
      event.bodyStart = index + 1
      return
    }
  }
}

const ciscoNames = ['ASA-', 'FTD-', 'PIX-', 'FWSM-', 'NGIPS-']

function isCiscoName(text: Line, position: number): boolean {
  for (let index = 0; index < ciscoNames.length; index++) {
    if (text.startsWith(ciscoNames[index]!, position)) return true
  }
  return false
}
