/**
 * Log Event Extended Format: `version|vendor|product|version|event id|[delimiter|]key=value<delimiter>…`. Version 1.0
 * separates by tabs, 2.0 by the character (or its code, `x5E`, `0x5E`) in a sixth field; real devices use bars in 1.0 too.
 * Source: IBM, "QRadar Log Event Extended Format (LEEF)", version 2.
 */

import type { SyslogEvent } from './event.js'
import type { Line } from './line.js'

/** The fields of the header that all versions have, in their order. */
export const LeefHeader = { version: 0, vendor: 1, product: 2, productVersion: 3, eventId: 4 } as const
const HEADER_FIELDS = 5
const TAB = 9

/** Where the fields of the last header stand, its attributes, and what separates these. */
export class LeefColumns {
  readonly starts = new Int32Array(HEADER_FIELDS)
  readonly ends = new Int32Array(HEADER_FIELDS)
  attributes = -1
  separator = '\t'

  /** Reads the header at the event's body; false where fewer bars follow than the version has. */
  read(event: SyslogEvent): boolean {
    const line = event.line
    let index = event.bodyStart
    for (let field = 0; field < HEADER_FIELDS; field++) {
      const bar = line.indexOf('|', index)
      if (bar < 0) return false
      this.starts[field] = index
      this.ends[field] = bar
      index = bar + 1
    }
    this.attributes = index
    this.separator = '\t'
    const bar = line.indexOf('|', index)
    if (line.startsWith('2', event.bodyStart) && bar >= 0) {
      const given = delimiterOf(line, index, bar)
      if (given !== undefined) {
        this.separator = given
        this.attributes = bar + 1
        return true
      }
    }
    if (line.indexOf('\t', index) < 0) this.separator = bar >= 0 ? '|' : ' '
    return true
  }

  /** Whether a field of the header is this text. */
  is(event: SyslogEvent, field: number, text: string): boolean {
    return (
      this.ends[field]! - this.starts[field]! === text.length &&
      event.line.startsWith(text, this.starts[field]!)
    )
  }
}

/** The delimiter of version 2.0: one character, its code in hexadecimal, or nothing for a tab; undefined where it is an attribute. */
function delimiterOf(line: Line, start: number, end: number): string | undefined {
  const length = end - start
  if (length === 0) return '\t'
  if (length === 1) return line.charAt(start)
  if (length > 6) return undefined
  const match = /^(?:0x|x|\\u)([0-9a-f]{1,4})$/i.exec(line.slice(start, end))
  if (match === null) return undefined
  const code = Number.parseInt(match[1]!, 16)
  return code === 0 || code > 0xff ? String.fromCharCode(TAB) : String.fromCharCode(code)
}
