/** Where RFC 5424 structured data (§6.3) ends; quotes and escapes within it are respected, its content is left to the vendors. */
import type { Line } from './line.js'
import { BACKSLASH, OPEN_BRACKET, QUOTE } from './scan.js'

/** The offset behind the last element of structured data, or -1 when a bracket or a quote stays open. */
export function structuredDataEnd(line: Line, start: number, end: number): number {
  let position = start
  let bracket = -1
  while (line.octetAt(position) === OPEN_BRACKET) {
    let index = position + 1
    for (;;) {
      if (bracket < index) bracket = line.indexOf(']', index)
      if (bracket < 0 || bracket >= end) return -1
      const quote = line.indexOf('"', index)
      if (quote < 0 || quote > bracket) break
      index = quote + 1
      while (index < end && line.octetAt(index) !== QUOTE) {
        index = nextMark(line, index, end)
      }
      if (index >= end) return -1
      index++
    }
    position = bracket + 1
  }
  return position
}

/** The next quote, past escaped ones. */
function nextMark(line: Line, start: number, end: number): number {
  const quote = line.indexOf('"', start)
  if (quote < 0) return end
  let backslashes = 0
  while (quote - 1 - backslashes >= start && line.octetAt(quote - 1 - backslashes) === BACKSLASH)
    backslashes++
  return backslashes % 2 === 0 ? quote : quote + 1
}
