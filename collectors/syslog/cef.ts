/**
 * Common Event Format: `version|vendor|product|version|signature|name|severity|key=value key=value …`, with `\\|` in the
 * header and `\\=` in values escaped. Source: "Micro Focus ArcSight Common Event Format Implementation Standard", v25.
 */

import type { SyslogContext } from './context.js'
import { Escape, type SyslogEvent } from './event.js'
import type { KeyTable } from './keyvalue.js'
import type { Line } from './line.js'
import { MAX_KEY, type TakePair } from './pairs.js'
import { BACKSLASH, EQUALS, PIPE, SPACE } from './scan.js'

/** The fields of the header, in their order. */
export const CefHeader = {
  version: 0,
  deviceVendor: 1,
  deviceProduct: 2,
  deviceVersion: 3,
  signatureId: 4,
  name: 5,
  severity: 6,
} as const
/** A value of `CefHeader`. */
export type CefHeaderField = (typeof CefHeader)[keyof typeof CefHeader]
const HEADER_FIELDS = 7

/** Where the fields of the last header stand, and its extension. */
export class CefColumns {
  readonly starts = new Int32Array(HEADER_FIELDS)
  readonly ends = new Int32Array(HEADER_FIELDS)
  extension = -1

  /** Reads the header at the event's body; false where fewer than seven bars follow. */
  read(event: SyslogEvent): boolean {
    const line = event.line
    let field = 0
    this.starts[0] = event.bodyStart
    for (let index = event.bodyStart; index < line.length; index++) {
      const code = line.octetAt(index)
      if (code === BACKSLASH) index++
      else if (code === PIPE) {
        this.ends[field++] = index
        if (field === HEADER_FIELDS) {
          this.extension = index + 1
          return true
        }
        this.starts[field] = index + 1
      }
    }
    return false
  }

  /** Whether a field of the header begins so. */
  startsWith(event: SyslogEvent, field: CefHeaderField, text: string): boolean {
    return event.line.startsWith(text, this.starts[field])
  }
}

/** Whether the body is CEF of this vendor (and of a product that begins so), spelled as the vendor spells it. */
export function isCefOf(event: SyslogEvent, vendor: string, product = ''): boolean {
  const line = event.line
  const start = line.indexOf('|', event.bodyStart) + 1
  if (start === 0 || !line.startsWith(vendor, start)) return false
  const next = start + vendor.length
  return line.octetAt(next) === PIPE && line.startsWith(product, next + 1)
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
  prefixLength: (line: Line, start: number) => number = noPrefix,
): void {
  const line = event.line
  let key = 0
  let valueStart = start
  let wordStart = start
  let wordIsKey = true
  for (let index = start; index <= end; index++) {
    const code = index < end ? line.octetAt(index) : -1
    if (isBlank(code)) {
      wordStart = index + 1
      wordIsKey = true
    } else if (code === EQUALS || code === -1) {
      const isKey = code === -1 || (wordIsKey && index > wordStart && index - wordStart <= MAX_KEY)
      if (!isKey) {
        wordIsKey = false
        continue
      }
      let valueEnd = code === -1 ? end : wordStart - 1
      while (valueEnd > valueStart && isBlank(line.octetAt(valueEnd - 1))) valueEnd--
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

/** A space, or a line end inside of a message that was framed by its length. */
function isBlank(code: number): boolean {
  return code === SPACE || code === 0x0a || code === 0x0d
}

function noPrefix(): number {
  return 0
}
