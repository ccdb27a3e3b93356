/**
 * HPE Aruba: AOS-CX's `Event|id|severity|module|slot|text`, and controllers' and access points' `<id> <severity> …`.
 * Events of the system and of wireless clients: all is other.
 * Source: AOS-CX "Event Log Message Reference Guide"; ArubaOS "Syslog Messages Guide".
 */
import type { SyslogContext } from '../context.js'
import { Field, Kind, type SyslogEvent } from '../event.js'
import type { SyslogProduct } from '../product.js'
import { digitsEnd, GREATER, isDigit, LESS, PIPE } from '../scan.js'
import { Shape } from '../shape.js'

/** Where the event's number starts, or -1; the messages of controllers have six digits. */
function numberStart({ line, contentStart, messageStart }: SyslogEvent): number {
  if (line.startsWith('Event|', contentStart)) return contentStart + 6
  if (line.startsWith('Event|', messageStart)) return messageStart + 6
  if (line.octetAt(messageStart) !== LESS || !isDigit(line.octetAt(messageStart + 1))) return -1
  const stop = digitsEnd(line, messageStart + 1, messageStart + 8)
  const isNumber = stop === messageStart + 7 && line.octetAt(stop) === GREATER
  return isNumber && line.startsWith(' <', stop + 1) ? messageStart + 1 : -1
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const line = event.line
  const start = numberStart(event)
  const stop = digitsEnd(line, start, line.length)
  const last = line.octetAt(stop)
  if (start < 0 || stop === start || (last !== PIPE && last !== GREATER)) return false
  event.vendor = 'hpe'
  event.product = 'aruba-os'
  event.kind = Kind.other
  event.setSpan(Field.eventId, start, stop)
  return true
}

/** The product for the registry. */
export const arubaOs: SyslogProduct = {
  id: 'aruba-os',
  shapes: [Shape.text],
  claims: (event) => numberStart(event) >= 0,
  parse,
}
