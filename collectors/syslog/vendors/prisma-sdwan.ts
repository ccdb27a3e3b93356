/**
 * Palo Alto Networks Prisma SD-WAN (CloudGenix ION): the flow log `cgxFlowLogV1` in RFC 5424, values between commas. Sees flows at
 * their first classification and their end, with octets and packets each way, application, rule and zones. Source: Prisma
 * SD-WAN documentation, "Syslog Flow Export".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { CsvColumns } from '../csv.js'
import { Escape, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { outcomeOf, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { Shape } from '../shape.js'
import { refineTime } from '../timestamp.js'

const NAME = 'cgxFlowLogV'
const Own = { time: 100, phase: 101, rules: 102 } as const
/** The columns in their order; 0 is reserved, or not read. */
const order = [
  Own.time,
  Target.source,
  Target.sourcePort,
  Target.destination,
  Target.destinationPort,
  Target.protocol,
  0,
  0,
  Target.packetsSent,
  Target.packetsReceived,
  Target.octetsSent,
  Target.octetsReceived,
  Target.ingressInterfaceName,
  Target.egressInterfaceName,
  0,
  Target.applicationName,
  Own.phase,
  Own.rules,
] as const
const columns = new CsvColumns()
const phases = new KeyTable({
  'New Flow': Phase.start,
  'Flow Update': Phase.update,
  'Delete Flow': Phase.end,
})

/** `rule:zone:zone:action:code`, the zones absent where none are, the rules between semicolons: the last one decided. */
function readRules(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  let first = line.lastIndexOf(';', end - 1) + 1
  if (first < start) first = start
  const marks = [first - 1]
  for (let index = first; index < end && marks.length < 6; index++) {
    if (line.octetAt(index) === 0x3a) marks.push(index)
  }
  if (marks.length !== 3 && marks.length !== 5) return
  event.setSpan(Field.ruleName, first, marks[1]!)
  if (marks.length === 5) {
    event.setSpan(Field.sourceZone, marks[1]! + 1, marks[2]!)
    event.setSpan(Field.destinationZone, marks[2]! + 1, marks[3]!)
  }
  const action = marks[marks.length - 2]! + 1
  const actionEnd = marks[marks.length - 1]!
  event.setSpan(Field.action, action, actionEnd)
  event.outcome = outcomeOf(line, action, actionEnd)
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const { line } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  event.vendor = 'paloalto'
  event.product = 'prisma-sdwan'
  columns.split(line, event.messageStart, end)
  for (let column = 0; column < order.length; column++) {
    const target = order[column]!
    const start = columns.start(column)
    const stop = columns.end(column)
    if (target === 0 || start < 0 || stop <= start) continue
    if (target === Own.time) refineTime(event, context, start, stop)
    else if (target === Own.phase) {
      event.phase = phases.findRange(line, start, stop)
      event.setSpan(Field.eventId, start, stop)
    } else if (target === Own.rules) readRules(event, start, stop)
    else assign(event, target, start, stop, Escape.none)
  }
  event.runningTotals = event.phase === Phase.update
  if (event.outcome === Outcome.deny) event.phase = Phase.none
  dropIcmpPorts(event)
  setConnectionIfPaired(event)
  return true
}

/** The product for the registry. */
export const prismaSdwan: SyslogProduct = {
  id: 'prisma-sdwan',
  shapes: [Shape.csv],
  claims: (event) => {
    const application = event.start(Field.application)
    return application >= 0 && event.line.startsWith(NAME, application)
  },
  parse,
}
