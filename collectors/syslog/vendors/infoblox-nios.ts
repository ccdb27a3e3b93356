/**
 * Infoblox NIOS: the audit log, which has a time of its own in UTC, and lines of named with theirs in front. Names asked
 * and leases given are no traffic of theirs: all is other. Source: NIOS Administrator Guide, "Using a Syslog Server",
 * "Using the Audit Log"; BIND 9 Administrator Reference Manual, `print-time`.
 */
import type { SyslogContext } from '../context.js'
import { Field, Kind, type SyslogEvent } from '../event.js'
import type { SyslogProduct } from '../product.js'
import { isDigit, MINUS, SPACE, skipSpaces, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'
import { readTime } from '../timestamp.js'

/** How far behind the host the tag may stand: a member's address may be between. */
const TAG_WINDOW = 48

/** Behind `httpd: ` of the audit log or `named[…]: `, where its own time stands; -1 where there is none. */
function timeStart({ line, contentStart }: SyslogEvent): number {
  const audit = line.indexOf('httpd', contentStart)
  const isAudit = audit >= 0 && audit <= contentStart + TAG_WINDOW
  const tag = isAudit ? audit : line.indexOf('named[', contentStart)
  if (tag < 0 || tag > contentStart + TAG_WINDOW) return -1
  const colon = line.indexOf(': ', tag)
  if (colon < 0 || colon > tag + 16 || !isDigit(line.octetAt(colon + 2))) return -1
  const start = colon + 2
  if (isAudit) return line.startsWith('Z [', start + 23) ? start : -1
  return line.octetAt(start + 2) === MINUS && line.octetAt(start + 6) === MINUS ? start : -1
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const start = timeStart(event)
  if (start < 0) return false
  const end = line.length
  event.vendor = 'infoblox'
  event.product = 'nios'
  event.kind = Kind.other
  readTime(event, context, start, wordEnd(line, wordEnd(line, start, end) + 1, end))
  if (line.startsWith('Z [', start + 23)) takeAudit(event, start + 26, end)
  return true
}

/** `[user]: Event …`. */
function takeAudit(event: SyslogEvent, start: number, end: number): void {
  const line = event.line
  const close = line.indexOf(']', start)
  if (close < 0) return
  event.setSpan(Field.userName, start, close)
  const name = skipSpaces(line, close + 2, end)
  if (line.octetAt(name - 1) === SPACE) event.setSpan(Field.eventId, name, wordEnd(line, name, end))
}

/** The product for the registry. */
export const infobloxNios: SyslogProduct = {
  id: 'infoblox-nios',
  shapes: [Shape.text],
  claims: (event) => timeStart(event) >= 0,
  parse,
}
