/**
 * pf by filterlog: pfSense and OPNsense, and the same CSV from OpenBSD forwarders. One packet per line; the length is
 * that packet's, no counter. ICMP has a word for its type. Source: pfSense "Raw Filter Log Format", OPNsense
 * contrib/filterlog/description.txt.
 */
import type { SyslogContext } from '../context.js'
import { CsvColumns } from '../csv.js'
import { AddressSlot, Field, type SyslogEvent } from '../event.js'
import { type SyslogProduct, setAction, setConnectionIfPaired, setDirection } from '../product.js'
import { COMMA, digitsEnd, readAddress, readPort, readSmall } from '../scan.js'
import { Shape } from '../shape.js'

const columns = new CsvColumns()

/** ICMP words of the log → type and code (-1 where the word does not say one). */
const icmpWords: Readonly<Record<string, readonly [type: number, code: number]>> = {
  reply: [0, 0],
  request: [8, 0],
  unreach: [3, -1],
  unreachproto: [3, 2],
  unreachport: [3, 3],
  needfrag: [3, 4],
  redirect: [5, -1],
  timexceed: [11, -1],
  paramprob: [12, -1],
  tstamp: [13, 0],
  tstampreply: [14, 0],
}

const Column = { rule: 0, tracker: 3, interface: 4, action: 6, direction: 7, version: 8 } as const

/** The nine columns that every line has: numbers, an interface, `match`, an action, `in` or `out`, 4 or 6. */
function csvStart(event: SyslogEvent): number {
  const line = event.line
  const start = event.messageStart
  if (digitsEnd(line, start, start + 10) === start) return -1
  let commas = 0
  let index = start
  const limit = Math.min(line.length, start + 200)
  for (; index < limit && commas < 8; index++) if (line.octetAt(index) === COMMA) commas++
  if (commas < 8 || line.octetAt(index + 1) !== COMMA) return -1
  const version = line.octetAt(index)
  const direction = line.startsWith(',in,', index - 4) || line.startsWith(',out,', index - 5)
  return direction && (version === 0x34 || version === 0x36) ? start : -1
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const line = event.line
  const start = csvStart(event)
  if (start < 0) return false
  columns.split(line, start, event.end(Field.message) > 0 ? event.end(Field.message) : line.length)
  const labelLength = columns.end(Column.tracker) - columns.start(Column.tracker)
  // Without filterlog's tag it is a forwarder of plain pf, where the label is text and the number the rule.
  const isTagged = event.has(Field.application)
  // The rule's label is a number with pfSense, a UUID without dashes with OPNsense.
  const isUuid = labelLength === 32
  event.vendor = !isTagged ? 'openbsd' : isUuid ? 'deciso' : 'netgate'
  event.product = !isTagged ? 'pf' : isUuid ? 'opnsense' : 'pfsense'
  columns.span(event, Field.ruleId, isTagged && labelLength > 0 ? Column.tracker : Column.rule)
  const outwards = line.startsWith('out', columns.start(Column.direction))
  columns.span(event, outwards ? Field.egressInterfaceName : Field.ingressInterfaceName, Column.interface)
  setAction(event, columns.start(Column.action), columns.end(Column.action))
  setDirection(event, columns.start(Column.direction), columns.end(Column.direction))
  const six = line.octetAt(columns.start(Column.version)) === 0x36
  const number = six ? 13 : 15
  event.protocol = readSmall(line, columns.start(number), columns.end(number), 255)
  if (six && event.protocol < 0) event.protocol = readSmall(line, columns.start(12), columns.end(12), 255)
  const addresses = six ? 15 : 18
  readAddress(event, AddressSlot.source, columns.start(addresses), columns.end(addresses))
  readAddress(event, AddressSlot.destination, columns.start(addresses + 1), columns.end(addresses + 1))
  const rest = addresses + 2
  if (event.protocol === 6 || event.protocol === 17 || event.protocol === 132) {
    event.sourcePort = readPort(line, columns.start(rest), columns.end(rest))
    event.destinationPort = readPort(line, columns.start(rest + 1), columns.end(rest + 1))
  } else if (event.protocol === 1 && columns.start(rest) >= 0)
    readIcmp(event, columns.start(rest), columns.end(rest))
  setConnectionIfPaired(event)
  return true
}

function readIcmp(event: SyslogEvent, start: number, end: number): void {
  const word = end - start <= 16 ? event.line.slice(start, end) : ''
  if (!Object.hasOwn(icmpWords, word)) return
  const [type, code] = icmpWords[word]!
  event.icmpType = type
  event.icmpCode = code
}

/** The product for the registry. */
export const pfFilterlog: SyslogProduct = {
  id: 'pf-filterlog',
  shapes: [Shape.csv],
  claims: (event) => csvStart(event) >= 0,
  parse,
}
