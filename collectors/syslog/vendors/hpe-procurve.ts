/**
 * HPE ProCurve and Aruba switches (AOS-S): `ACL 12/01/26 10:04:45 List NAME, seq#10 denied tcp a(p) -> b(p) on vlan 1, port A7`. Sees the
 * first packet that an access list with `log` matches; the summaries five minutes later have no addresses. Source: HPE ArubaOS-Switch
 * Access Security Guide, "ACL logging operation".
 */
import type { SyslogContext } from '../context.js'
import { Field, type SyslogEvent } from '../event.js'
import { type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { Shape } from '../shape.js'
import { compile, match } from '../templates.js'

const sentence = compile('List {rule}, {*} {action} {protocol} {source}{..}->{destination}')
const LIST = ' List '
/** `ACL`, a date and a time stand in front. */
const MAX_FRONT = 48

/** Where `List` stands, or -1. */
function findList({ line, contentStart }: SyslogEvent): number {
  const at = line.startsWith('ACL', contentStart) ? line.indexOf(LIST, contentStart) : -1
  if (at < 0 || at > contentStart + MAX_FRONT) return -1
  return line.indexOf(', seq#', at) >= 0 ? at + 1 : -1
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const { line } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const start = findList(event)
  event.vendor = 'hpe'
  event.product = 'procurve'
  if (match(event, sentence, start, end)) setConnectionIfPaired(event)
  return true
}

/** The product for the registry. */
export const hpeProcurve: SyslogProduct = {
  id: 'hpe-procurve',
  shapes: [Shape.text],
  claims: (event) => findList(event) >= 0,
  parse,
}
