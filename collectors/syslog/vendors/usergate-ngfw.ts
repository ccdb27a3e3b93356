/**
 * UserGate NGFW by CEF: read as CEF's dictionary says, but for the octets, where this product's `in` is what went from the source
 * to the destination and `out` what came back. Source: UserGate NGFW 7 documentation, "Traffic log format".
 */
import { isCefOf } from '../cef.js'
import type { SyslogEvent } from '../event.js'
import type { SyslogProduct } from '../product.js'
import { Shape } from '../shape.js'
import { genericCef } from './generic-cef.js'

function swapOctets(event: SyslogEvent): void {
  const sent = event.octetsDestinationToSource
  event.octetsDestinationToSource = event.octetsSourceToDestination
  event.octetsSourceToDestination = sent
}

/** The product for the registry. */
export const usergateNgfw: SyslogProduct = {
  id: 'usergate-ngfw',
  shapes: [Shape.cef],
  claims: (event) => isCefOf(event, 'UserGate', 'NGFW'),
  parse: (event, context) => {
    if (!genericCef.parse(event, context)) return false
    event.vendor = 'usergate'
    event.product = 'ngfw'
    swapOctets(event)
    return true
  },
}
