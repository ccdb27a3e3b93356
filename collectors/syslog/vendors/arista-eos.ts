/**
 * Arista EOS: `%ACL-6-IPACCESS: list NAME Ethernet1 denied tcp a(p) -> b(p)`. Sees packets that access lists with `log` match, one
 * line each; other `%FACILITY-n-NAME` lines of EOS are like those of Cisco and read there. Source: Arista EOS User
 * Manual, "ACLs and Route Maps", and Splunk Connect for Syslog's page of the vendor.
 */
import type { SyslogContext } from '../context.js'
import { Field, type SyslogEvent } from '../event.js'
import { type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { Shape } from '../shape.js'
import { compile, match } from '../templates.js'

const MARK = '%ACL-6-IPACCESS: '
const sentence = compile('list {rule} {ingress} {action} {protocol} {source} {..}-> {destination}')

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const { line, bodyStart } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  event.vendor = 'arista'
  event.product = 'eos'
  event.setSpan(Field.eventId, bodyStart + 7, bodyStart + MARK.length - 2)
  event.messageStart = bodyStart
  event.setSpan(Field.message, bodyStart, end)
  if (match(event, sentence, bodyStart + MARK.length, end)) setConnectionIfPaired(event)
  return true
}

/** The product for the registry. */
export const aristaEos: SyslogProduct = {
  id: 'arista-eos',
  shapes: [Shape.percent],
  claims: ({ line, bodyStart }) => line.startsWith(MARK, bodyStart),
  parse,
}
