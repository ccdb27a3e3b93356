/**
 * Walks `key=value key="value"` logs (FortiGate, SonicWall, Sophos, netfilter, …) and CEF extensions from left to right,
 * once, handing the known keys to the vendor's file.
 */
import type { SyslogContext } from './context.js'
import { Escape, type EscapeKind, type SyslogEvent } from './event.js'
import type { KeyTable } from './keyvalue.js'
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
const MAX_KEY = 64

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
  const separatorCode = separator.charCodeAt(0)
  let index = start
  while (index < end) {
    let keyStart = index
    let hash = 0
    let code = 0
    while (index < end) {
      code = line.charCodeAt(index)
      if (code === EQUALS) break
      if (code === SPACE || code === 0x2c || code === separatorCode) {
        keyStart = index + 1
        hash = 0
      } else hash = (Math.imul(hash, 31) + code) | 0
      index++
    }
    if (index >= end) return
    const key = index - keyStart > MAX_KEY ? 0 : table.find(line, keyStart, index - keyStart, hash)
    index++
    let valueStart = index
    let valueEnd: number
    let escaping: EscapeKind = Escape.none
    if (line.charCodeAt(index) === APOSTROPHE && line.indexOf("'", index + 1) > 0) {
      valueStart++
      valueEnd = Math.min(end, line.indexOf("'", index + 1))
      index = valueEnd + 1
    } else if (line.charCodeAt(index) === QUOTE) {
      valueStart++
      valueEnd = closingQuote(line, valueStart, end)
      escaping = Escape.backslash
      index = valueEnd + 1
    } else {
      valueEnd = line.indexOf(separator, index)
      if (valueEnd < 0 || valueEnd > end) valueEnd = end
      index = valueEnd
    }
    if (key !== 0 && valueEnd > valueStart) take(event, key, valueStart, valueEnd, escaping, context)
  }
}

/** The quote that ends a value. A quote behind a backslash ends it too when what follows can only be the next key. */
function closingQuote(line: string, start: number, end: number): number {
  let index = start
  for (;;) {
    const quote = line.indexOf('"', index)
    if (quote < 0 || quote >= end) return end
    if (line.charCodeAt(quote - 1) !== BACKSLASH || quote === start) return quote
    let backslashes = 1
    while (quote - 1 - backslashes >= start && line.charCodeAt(quote - 1 - backslashes) === BACKSLASH)
      backslashes++
    if (backslashes % 2 === 0 || endsValue(line, quote + 1, end)) return quote
    index = quote + 1
  }
}

function endsValue(line: string, position: number, end: number): boolean {
  if (position >= end) return true
  if (line.charCodeAt(position) !== SPACE) return false
  let index = position + 1
  const limit = Math.min(end, index + MAX_KEY)
  while (index < limit) {
    const code = line.charCodeAt(index)
    if (code === EQUALS) return index > position + 1
    const letter = code | 0x20
    if (!(letter >= 0x61 && letter <= 0x7a) && !(code >= 0x30 && code <= 0x39) && code !== 0x5f) return false
    index++
  }
  return false
}

function isCefKeyCharacter(code: number): boolean {
  if (code >= 0x61) return code <= 0x7a
  if (code >= 0x41) return code <= 0x5a || code === 0x5f
  return (code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x2d
}

/** Hands every known key of a CEF extension to `take`: a value lasts until the word in front of the next `=`. */
export function walkCef(
  event: SyslogEvent,
  context: SyslogContext,
  start: number,
  end: number,
  table: KeyTable,
  take: TakePair,
  prefixLength: (line: string, start: number) => number = noPrefix,
): void {
  const line = event.line
  let key = 0
  let valueStart = start
  let wordStart = start
  let wordIsKey = true
  for (let index = start; index <= end; index++) {
    const code = index < end ? line.charCodeAt(index) : -1
    if (code === SPACE) {
      wordStart = index + 1
      wordIsKey = true
    } else if (code === EQUALS || code === -1) {
      const isKey = code === -1 || (wordIsKey && index > wordStart && index - wordStart <= MAX_KEY)
      if (!isKey) {
        wordIsKey = false
        continue
      }
      let valueEnd = code === -1 ? end : wordStart - 1
      while (valueEnd > valueStart && line.charCodeAt(valueEnd - 1) === SPACE) valueEnd--
      if (key !== 0 && valueEnd > valueStart) take(event, key, valueStart, valueEnd, Escape.cef, context)
      if (code === -1) return
      const skipped = prefixLength(line, wordStart)
      key = table.findRange(line, wordStart + skipped, index)
      valueStart = index + 1
      wordStart = index + 1
      wordIsKey = false
    } else if (!isCefKeyCharacter(code)) wordIsKey = false
  }
}

function noPrefix(): number {
  return 0
}

/** The offset of the extension of a CEF header that starts with `version|` here, or -1: seven unescaped bars. */
export function cefExtension(line: string, start: number, end: number): number {
  let bars = 0
  for (let index = start; index < end; index++) {
    const code = line.charCodeAt(index)
    if (code === BACKSLASH) index++
    else if (code === 0x7c && ++bars === 7) return index + 1
  }
  return -1
}

/** The offset of a CEF header's version at or near the content's start (`CEF:0|`, or `0|` where a relay ate the tag). */
export function cefStart(event: SyslogEvent): number {
  const line = event.line
  const start = event.contentStart
  const first = line.charCodeAt(start)
  if (first === 0x43 && line.startsWith('CEF:', start)) {
    return line.charCodeAt(start + 4) === SPACE ? start + 5 : start + 4
  }
  const code = line.charCodeAt(event.messageStart)
  if (code === 0x43 && line.startsWith('CEF:', event.messageStart)) return event.messageStart + 4
  return (code === 0x30 || code === 0x31) && line.charCodeAt(event.messageStart + 1) === 0x7c
    ? event.messageStart
    : -1
}
