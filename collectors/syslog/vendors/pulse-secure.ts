/**
 * Pulse (Ivanti) Connect Secure: logins, sessions and administration of the gateway, no traffic. A relay's header may
 * stand in front of the device's own, which has the zone; the name of the node stands in the text.
 * Source: Pulse Connect Secure Administration Guide, "Configuring Syslog", standard and WELF formats.
 */

import type { SyslogContext } from '../context.js'
import { Field, Kind, type SyslogEvent } from '../event.js'
import type { Line } from '../line.js'
import type { SyslogProduct } from '../product.js'
import { readIPv4, SPACE, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'
import { readTime } from '../timestamp.js'

const MARK = 'PulseSecure: - - - '
const WINDOW = 192

function markStart(line: Line): number {
  const found = line.indexOf(MARK)
  return found < WINDOW ? found : -1
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const mark = markStart(line)
  if (mark < 0) return false
  event.vendor = 'ivanti'
  event.product = 'pulse-connect-secure'
  event.kind = Kind.other
  // `time host PulseSecure:`: the device's header.
  const hostStart = line.lastIndexOf(' ', mark - 2) + 1
  const timeStart = line.lastIndexOf(' ', hostStart - 2) + 1
  if (timeStart > 0) readTime(event, context, timeStart, hostStart - 1)
  const isName = hostStart > 0 && readIPv4(line, hostStart, mark - 1) < 0
  if (isName) event.setSpan(Field.host, hostStart, mark - 1)
  else takeNode(event, mark + MARK.length)
  event.setSpan(Field.application, mark, mark + 'PulseSecure'.length)
  return true
}

/** `yyyy-mm-dd hh:mm:ss - node - [address] …`. */
function takeNode(event: SyslogEvent, start: number): void {
  const line = event.line
  const dash = line.indexOf(' - ', start)
  if (dash < 0 || dash > start + 24) return
  const nodeEnd = wordEnd(line, dash + 3, line.length)
  if (line.octetAt(nodeEnd) === SPACE) event.setSpan(Field.host, dash + 3, nodeEnd)
}

/** The product for the registry. */
export const pulseSecure: SyslogProduct = {
  id: 'pulse-secure',
  shapes: [Shape.text, Shape.structured],
  claims: ({ line }) => markStart(line) >= 0,
  parse,
}
