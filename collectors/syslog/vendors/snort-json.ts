/**
 * Alerts of Snort 3 as JSON (`alert_json`): the fields are what the configuration asks for, by default the two ends, the
 * direction within the flow, the rule and the verdict. Source: Snort 3 Rule Writing Guide, "Alert Logging".
 */

import { readEndpoint } from '../address-port.js'
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, type EscapeKind, Field, Outcome, type SyslogEvent } from '../event.js'
import { JsonKeys, walkJson } from '../json.js'
import { setAction, setConnectionIfPaired } from '../product.js'
import { digitsEnd, wordIs } from '../scan.js'
import { refineTime } from '../timestamp.js'

const Own = { time: 100, direction: 101, source: 102, destination: 103, rule: 104, action: 105 } as const
const members = new JsonKeys({
  timestamp: Own.time,
  seconds: Own.time,
  dir: Own.direction,
  src_ap: Own.source,
  dst_ap: Own.destination,
  src_addr: Target.source,
  dst_addr: Target.destination,
  src_port: Target.sourcePort,
  dst_port: Target.destinationPort,
  proto: Target.protocol,
  icmp_type: Target.icmpType,
  icmp_code: Target.icmpCode,
  iface: Target.ingressInterfaceName,
  service: Target.applicationName,
  rule: Own.rule,
  msg: Target.ruleName,
  action: Own.action,
})

let fromServer = false
let directionKnown = false

function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  if (assign(event, key, start, end, escaping)) return
  const line = event.line
  switch (key) {
    case Own.time:
      refineTime(event, context, start, end)
      return
    case Own.direction:
      fromServer = wordIs(line, start, end, 's2c')
      directionKnown = fromServer || wordIs(line, start, end, 'c2s')
      return
    case Own.source:
      if (event.families[AddressSlot.source] === 0) readEndpoint(event, AddressSlot.source, start, end, true)
      return
    case Own.destination:
      if (event.families[AddressSlot.destination] === 0)
        readEndpoint(event, AddressSlot.destination, start, end, true)
      return
    case Own.rule: {
      event.setSpan(Field.eventId, start, end)
      const generator = digitsEnd(line, start, end)
      event.setSpan(Field.ruleId, generator + 1, digitsEnd(line, generator + 1, end))
      return
    }
    case Own.action:
      setAction(event, start, end)
      // `would_drop`: the sensor only listens.
      if (line.startsWith('would_', start)) event.outcome = Outcome.allow
      return
  }
}

/** A rule's numbers and an end of the packet, under Snort's names. */
export function isSnortJson({ line, bodyStart }: SyslogEvent): boolean {
  return line.includes('"rule"', bodyStart) && (line.includes('"src_ap"') || line.includes('"pkt_gen"'))
}

/** Fills the event from one JSON object. */
export function parseSnortJson(event: SyslogEvent, context: SyslogContext, end: number): boolean {
  fromServer = directionKnown = false
  walkJson(event, context, event.bodyStart, end, members, take)
  event.vendor = 'cisco'
  event.product = 'snort'
  dropIcmpPorts(event)
  if (fromServer) event.swapEnds()
  event.orientationUnknown = !directionKnown
  setConnectionIfPaired(event)
  return true
}
