/**
 * Walks `key=value key="value"` logs (FortiGate, SonicWall, Sophos, netfilter, …) from left to right, once, handing the
 * known keys to the vendor's file.
 */

import type { SyslogContext } from './context.js'
import { Escape, type EscapeKind, type SyslogEvent } from './event.js'
import { TRAIL_START } from './key-trail.js'
import type { KeyTable } from './keyvalue.js'
import type { Line } from './line.js'
import { BACKSLASH, EQUALS, QUOTE, SPACE } from './scan.js'

/** Receives one known key. */
export type TakePair = (
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
) => void

const APOSTROPHE = 0x27
/** Longest key that is looked up. */
export const MAX_KEY = 64

/** Hands every known `key=value` of a range to `take`. Separators are spaces, commas and semicolons before a key. */
export function walkPairs(
  event: SyslogEvent,
  context: SyslogContext,
  start: number,
  end: number,
  table: KeyTable,
  take: TakePair,
  separator: ' ' | ',' | '\t' | '|' | ';' = ' ',
): void {
  const line = event.line
  const { octets } = line
  const separatorCode = separator.charCodeAt(0)
  const { trail } = table
  let place: number = TRAIL_START
  let index = start
  while (index < end) {
    const first = octets[index]!
    const isApart = first === SPACE || first === 0x2c || first === separatorCode
    const expected = trail.expect(line, place, isApart ? index + 1 : index)
    let key: number
    const expectedEnd = index + (isApart ? 1 : 0) + trail.length(expected)
    if (expected !== 0 && expectedEnd < end) {
      place = expected
      key = trail.number(expected)
      index = expectedEnd
    } else {
      let keyStart = index
      let hash = 0
      while (index < end) {
        const code = octets[index]!
        if (code === EQUALS) break
        if (code === SPACE || code === 0x2c || code === separatorCode) {
          keyStart = index + 1
          hash = 0
        } else hash = (Math.imul(hash, 31) + code) | 0
        index++
      }
      if (index >= end) return
      const length = index - keyStart
      key = length > MAX_KEY ? 0 : table.find(line, keyStart, length, hash)
      place = trail.note(line, place, keyStart, length, hash, key)
    }
    index++
    let valueStart = index
    let valueEnd: number
    let escaping: EscapeKind = Escape.none
    const mark = line.octetAt(index)
    if (mark === APOSTROPHE && line.indexOf("'", index + 1) > 0) {
      valueStart++
      valueEnd = Math.min(end, line.indexOf("'", index + 1))
      index = valueEnd + 1
    } else if (mark === QUOTE && isDoubled(line, index, separatorCode)) {
      valueStart += 2
      valueEnd = line.indexOf('""', valueStart)
      if (valueEnd < 0 || valueEnd > end) valueEnd = end
      index = valueEnd + 2
    } else if (mark === QUOTE) {
      valueStart++
      valueEnd = closingQuote(line, valueStart, end)
      escaping = Escape.backslash
      index = valueEnd + 1
    } else {
      valueEnd = line.indexOfOctet(separatorCode, index, end)
      if (valueEnd < 0) valueEnd = end
      index = valueEnd
    }
    if (key !== 0 && valueEnd > valueStart) take(event, key, valueStart, valueEnd, escaping, context)
  }
}

/** `key=""value""`: a line that went through CSV. `key=""` is an empty value. */
function isDoubled(line: Line, position: number, separator: number): boolean {
  if (line.octetAt(position + 1) !== QUOTE || position + 2 >= line.length) return false
  const code = line.octetAt(position + 2)
  return code !== SPACE && code !== 0x2c && code !== 0x3b && code !== 0x5d && code !== separator
}

/** The quote that ends a value. A quote behind a backslash ends it too when what follows can only be the next key. */
function closingQuote(line: Line, start: number, end: number): number {
  let index = start
  for (;;) {
    const quote = line.indexOfOctet(QUOTE, index, end)
    if (quote < 0) return end
    if (line.octetAt(quote - 1) !== BACKSLASH || quote === start) return quote
    let backslashes = 1
    while (quote - 1 - backslashes >= start && line.octetAt(quote - 1 - backslashes) === BACKSLASH)
      backslashes++
    if (backslashes % 2 === 0 || endsValue(line, quote + 1, end)) return quote
    index = quote + 1
  }
}

function endsValue(line: Line, position: number, end: number): boolean {
  if (position >= end) return true
  if (line.octetAt(position) !== SPACE) return false
  let index = position + 1
  const limit = Math.min(end, index + MAX_KEY)
  while (index < limit) {
    const code = line.octetAt(index)
    if (code === EQUALS) return index > position + 1
    const letter = code | 0x20
    if (!(letter >= 0x61 && letter <= 0x7a) && !(code >= 0x30 && code <= 0x39) && code !== 0x5f) return false
    index++
  }
  return false
}

/** Hands every known `key=value` between single separators to `take` (LEEF): values are as they stand, spaces and all. */
export function walkSeparated(
  event: SyslogEvent,
  context: SyslogContext,
  start: number,
  end: number,
  separator: string,
  table: KeyTable,
  take: TakePair,
): void {
  const line = event.line
  let index = start
  while (index < end) {
    let stop = line.indexOf(separator, index)
    if (stop < 0 || stop > end) stop = end
    const equals = line.indexOf('=', index)
    if (equals < 0) return
    if (equals < stop) {
      const key = equals - index > MAX_KEY ? 0 : table.findRange(line, index, equals)
      if (key !== 0 && stop > equals + 1) take(event, key, equals + 1, stop, Escape.none, context)
    }
    index = stop + 1
  }
}
