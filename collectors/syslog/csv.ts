/** Splits a comma-separated line (RFC 4180) into offsets, in arrays that are used again for the next line. */

import { Escape, type EscapeKind, type FieldIndex, type SyslogEvent } from './event.js'
import type { Line } from './line.js'
import { COMMA, QUOTE } from './scan.js'

/** PAN-OS 11 has some 120 fields; what comes later is not read. */
const MAX_FIELDS = 192

/** The columns of the last split. */
export class CsvColumns {
  readonly starts = new Int32Array(MAX_FIELDS)
  readonly ends = new Int32Array(MAX_FIELDS)
  readonly escapes = new Uint8Array(MAX_FIELDS)
  count = 0

  /** Splits a range; a quoted field may hold commas and doubled quotes. */
  split(line: Line, start: number, end: number): void {
    const { octets } = line
    const { starts, ends, escapes } = this
    let index = start
    let count = 0
    while (count < MAX_FIELDS) {
      if (line.octetAt(index) === QUOTE && index < end) {
        let close = index + 1
        for (;;) {
          close = line.indexOf('"', close)
          if (close < 0 || close >= end) {
            close = end
            break
          }
          if (line.octetAt(close + 1) !== QUOTE) break
          close += 2
        }
        starts[count] = index + 1
        ends[count] = Math.min(close, end)
        escapes[count] = Escape.csv
        index = close + 1
        while (index < end && line.octetAt(index) !== COMMA) index++
      } else {
        let comma = index
        while (comma < end && octets[comma] !== COMMA) comma++
        starts[count] = index
        ends[count] = comma
        escapes[count] = Escape.none
        index = comma
      }
      count++
      if (index >= end) break
      index++
    }
    this.count = count
  }

  /** Start of a column; -1 where the line has fewer. */
  start(column: number): number {
    return column < this.count && column >= 0 ? this.starts[column]! : -1
  }

  end(column: number): number {
    return column < this.count && column >= 0 ? this.ends[column]! : -1
  }

  /** Notes a column's text in the event. */
  span(event: SyslogEvent, field: FieldIndex, column: number): void {
    if (column < this.count && column >= 0) {
      event.setSpan(field, this.starts[column]!, this.ends[column]!, this.escapes[column] as EscapeKind)
    }
  }
}
