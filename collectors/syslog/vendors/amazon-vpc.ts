/**
 * Amazon VPC flow logs in their default format, as forwarders send them on: `version account interface source destination ports
 * protocol packets octets start end action status`. One line is one direction of a flow within an aggregation interval, and says
 * nothing of ICMP's type. Source: Amazon VPC User Guide, "Flow log records".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { Escape, Field, type SyslogEvent } from '../event.js'
import { type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { digitsEnd, MINUS, readNumber, SPACE, skipSpaces, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'
import { setEpoch } from '../timestamp.js'

const Own = { start: 100, end: 101 } as const
/** The columns behind the account, in the order of version 2. */
const order = [
  Target.ingressInterfaceName,
  Target.source,
  Target.destination,
  Target.sourcePort,
  Target.destinationPort,
  Target.protocol,
  Target.packetsSent,
  Target.octetsSent,
  Own.start,
  Own.end,
  Target.action,
] as const
const ACCOUNT_DIGITS = 12

/** Where the interface's name stands behind the version and the account, or -1. */
function findInterface({ line, messageStart }: SyslogEvent): number {
  const version = digitsEnd(line, messageStart, messageStart + 2)
  if (version === messageStart || line.octetAt(version) !== SPACE) return -1
  const account = digitsEnd(line, version + 1, version + 2 + ACCOUNT_DIGITS)
  if (account !== version + 1 + ACCOUNT_DIGITS) return -1
  return line.startsWith(' eni-', account) ? account + 1 : -1
}

function parse(event: SyslogEvent, _context: SyslogContext): boolean {
  const { line } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  let position = findInterface(event)
  if (position < 0) return false
  let begin = Number.NaN
  event.vendor = 'amazon'
  event.product = 'vpc'
  for (let column = 0; column < order.length && position < end; column++) {
    const stop = wordEnd(line, position, end)
    const target = order[column]!
    if (target === Own.start) {
      begin = readNumber(line, position, stop) * 1000
      if (!Number.isNaN(begin)) {
        setEpoch(event, begin, position, stop)
        event.timeIsStart = true
      }
    } else if (target === Own.end)
      event.durationMilliseconds = readNumber(line, position, stop) * 1000 - begin
    // NODATA and SKIPDATA have dashes in place of what they do not know.
    else if (stop > position + 1 || line.octetAt(position) !== MINUS)
      assign(event, target, position, stop, Escape.none)
    position = skipSpaces(line, stop, end)
  }
  dropIcmpPorts(event)
  setConnectionIfPaired(event)
  return true
}

/** The product for the registry. */
export const amazonVpc: SyslogProduct = {
  id: 'amazon-vpc',
  shapes: [Shape.text],
  claims: (event) => findInterface(event) >= 0,
  parse,
}
