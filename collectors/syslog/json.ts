/** Walks the members of one JSON object (RFC 8259) in a line and hands the known ones to a vendor's file; nested values are skipped. */
import type { SyslogContext } from './context.js'
import { Escape, type SyslogEvent } from './event.js'
import type { KeyTable } from './keyvalue.js'
import type { TakePair } from './pairs.js'
import { BACKSLASH, CLOSE_BRACE, COLON, OPEN_BRACE, QUOTE } from './scan.js'

function skipBlank(line: string, start: number, end: number): number {
  let index = start
  while (index < end && line.charCodeAt(index) <= 0x20) index++
  return index
}

/** The offset of the closing quote of a string whose content starts here, or the end. */
function stringEnd(line: string, start: number, end: number): number {
  let index = start
  while (index < end) {
    const code = line.charCodeAt(index)
    if (code === BACKSLASH) index++
    else if (code === QUOTE) return index
    index++
  }
  return end
}

/** The offset behind a nested object or array. */
function nestedEnd(line: string, start: number, end: number): number {
  let depth = 0
  let index = start
  while (index < end) {
    const code = line.charCodeAt(index)
    if (code === QUOTE) index = stringEnd(line, index + 1, end)
    else if (code === OPEN_BRACE || code === 0x5b) depth++
    else if ((code === CLOSE_BRACE || code === 0x5d) && --depth === 0) return index + 1
    index++
  }
  return end
}

/** Hands the known members of the object that opens at `start` to `take`; `null` counts as absent. */
export function walkJson(
  event: SyslogEvent,
  context: SyslogContext,
  start: number,
  end: number,
  table: KeyTable,
  take: TakePair,
): void {
  const line = event.line
  if (line.charCodeAt(start) !== OPEN_BRACE) return
  let index = start + 1
  while (index < end) {
    index = skipBlank(line, index, end)
    if (line.charCodeAt(index) !== QUOTE) return
    const keyStart = index + 1
    const keyEnd = stringEnd(line, keyStart, end)
    index = skipBlank(line, keyEnd + 1, end)
    if (line.charCodeAt(index) !== COLON) return
    index = skipBlank(line, index + 1, end)
    const key = table.findRange(line, keyStart, keyEnd)
    const code = line.charCodeAt(index)
    if (code === QUOTE) {
      const close = stringEnd(line, index + 1, end)
      if (key !== 0 && close > index + 1) take(event, key, index + 1, close, Escape.json, context)
      index = close + 1
    } else if (code === OPEN_BRACE || code === 0x5b) index = nestedEnd(line, index, end)
    else {
      const valueStart = index
      while (index < end) {
        const next = line.charCodeAt(index)
        if (next === 0x2c || next === CLOSE_BRACE || next <= 0x20) break
        index++
      }
      if (key !== 0 && index > valueStart && !line.startsWith('null', valueStart)) {
        take(event, key, valueStart, index, Escape.none, context)
      }
    }
    index = skipBlank(line, index, end)
    if (line.charCodeAt(index) !== 0x2c) return
    index++
  }
}
