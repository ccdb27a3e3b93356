/**
 * Barracuda CloudGen Firewall (NG Firewall): the activity log, `box_Firewall_Activity: Info host Allow: type=FWD|proto=UDP|
 * srcIP=…|…`, or the same values without their keys. Sees sessions allowed, removed with octets, packets and duration each
 * way, blocked and failed, with both translations, user and application. Source: Barracuda Campus, "Firewall Activity Log".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { Escape, type EscapeKind, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { SPACE } from '../scan.js'
import { Shape } from '../shape.js'

/** The columns in their order; 0 is not read. */
const order: readonly (readonly [name: string, target: number])[] = [
  ['type', 0],
  ['proto', Target.protocol],
  ['srcIF', Target.ingressInterfaceName],
  ['srcIP', Target.source],
  ['srcPort', Target.sourcePort],
  ['srcMAC', 0],
  ['dstIP', Target.destination],
  ['dstPort', Target.destinationPort],
  ['dstService', Target.service],
  ['dstIF', Target.egressInterfaceName],
  ['rule', Target.ruleName],
  ['info', Target.endReason],
  ['srcNAT', Target.postNATSource],
  ['dstNAT', Target.postNATDestination],
  ['duration', Target.milliseconds],
  ['count', 0],
  ['receivedBytes', Target.octetsReceived],
  ['sentBytes', Target.octetsSent],
  ['receivedPackets', Target.packetsReceived],
  ['sentPackets', Target.packetsSent],
  ['user', Target.userName],
  ['protocol', 0],
  ['application', Target.applicationName],
]
const keys = new KeyTable(Object.fromEntries(order))
const verdicts = new KeyTable({
  allow: Outcome.allow,
  remove: Outcome.allow,
  scan: Outcome.allow,
  block: Outcome.deny,
  deny: Outcome.deny,
  drop: Outcome.deny,
  fail: Outcome.other,
  detect: Outcome.other,
})

function take(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  assign(event, key, start, end, escaping)
}

/** Values between bars, in the order of the columns. */
function walkColumns(event: SyslogEvent, start: number, end: number): void {
  const { line } = event
  let index = start
  for (let column = 0; column < order.length && index <= end; column++) {
    let stop = line.indexOf('|', index)
    if (stop < 0 || stop > end) stop = end
    const target = order[column]![1]
    if (target !== 0 && stop > index) assign(event, target, index, stop, Escape.none)
    index = stop + 1
  }
}

/** The verdict's word in front of the colon: `LocalBlock` is one of the firewall's own traffic. */
function readVerdict(event: SyslogEvent, start: number, colon: number): void {
  const { line } = event
  let word = colon
  while (word > start && line.octetAt(word - 1) !== SPACE) word--
  if (word === colon) return
  event.setSpan(Field.action, word, colon)
  const local = line.startsWith('Local', word) ? 5 : 0
  event.outcome = verdicts.findFolded(line, word + local, colon)
  if (line.startsWith('Remove', word + local)) event.phase = Phase.end
  else if (event.outcome === Outcome.allow) event.phase = Phase.start
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const { line } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const bar = line.indexOf('|', event.contentStart)
  let start = bar
  while (start > event.contentStart && line.octetAt(start - 1) !== SPACE) start--
  event.vendor = 'barracuda'
  event.product = 'cloudgen'
  if (line.startsWith(': ', start - 2)) readVerdict(event, event.contentStart, start - 2)
  if (line.startsWith('type=', start)) walkPairs(event, context, start, end, keys, take, '|')
  else walkColumns(event, start, end)
  // Why a session ended, or what happened to it at its beginning.
  if (event.phase === Phase.start) event.clearSpan(Field.endReason)
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
  return true
}

/** The log's name, the type, the host and the verdict stand in front of the first bar. */
const MAX_FRONT = 192

/** The product for the registry. */
export const barracudaCloudgen: SyslogProduct = {
  id: 'barracuda-cloudgen',
  shapes: [Shape.text, Shape.pairs],
  claims: ({ line, contentStart }) => {
    const bar = line.indexOf('|', contentStart)
    if (bar < 0 || bar > contentStart + MAX_FRONT) return false
    const name = line.indexOf('box_Firewall_Activity:', contentStart)
    if (name >= 0 && name < bar) return true
    const keyed = line.indexOf('type=', contentStart)
    return keyed >= 0 && keyed < bar && line.startsWith('|proto=', bar) && line.indexOf('|srcIP=', bar) > 0
  },
  parse,
}
