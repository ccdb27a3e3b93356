/**
 * LANCOM LCOS: `PACKET_ALERT: Dst: address:port {name}, Src: address:port {name} (TCP): port filter`. Sees packets that the
 * firewall drops and what its rules with a notification match, one line each. Source: LCOS Reference Manual, "SYSLOG notifications".
 */

import { readEndpoint } from '../address-port.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, Field, Outcome, type SyslogEvent } from '../event.js'
import { type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { readProtocol } from '../protocols.js'
import { skipSpaces, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'

const DESTINATION = 'Dst: '
const SOURCE = ', Src: '

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const { line, messageStart } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const destination = messageStart + DESTINATION.length
  const mark = line.indexOf(SOURCE, destination)
  const source = mark + SOURCE.length
  event.vendor = 'lancom'
  event.product = 'lcos'
  readEndpoint(event, AddressSlot.destination, destination, wordEnd(line, destination, mark))
  readEndpoint(event, AddressSlot.source, source, wordEnd(line, source, end))
  // Behind the name in braces.
  const open = line.indexOf('} (', source)
  const close = line.indexOf('): ', open)
  if (open >= 0 && close >= 0 && close < end) {
    event.protocol = readProtocol(line, open + 3, close)
    event.setSpan(Field.endReason, skipSpaces(line, close + 3, end), end)
  }
  event.outcome = Outcome.deny
  setConnectionIfPaired(event)
  return true
}

/** The product for the registry. */
export const lancomLcos: SyslogProduct = {
  id: 'lancom-lcos',
  shapes: [Shape.text],
  claims: ({ line, messageStart }) => {
    if (!line.startsWith(DESTINATION, messageStart)) return false
    return line.indexOf(SOURCE, messageStart) > messageStart
  },
  parse,
}
