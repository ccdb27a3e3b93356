/**
 * Sophos UTM 9 (Astaro): `ulogd[…]: id="2001" severity="info" sys="SecureNet" sub="packetfilter" … srcip="…" dstip="…"`. Sees packets
 * that rules with logging drop, accept and reject, one line each and never a session, and intrusions; proxies' lines are messages.
 * Source: Sophos UTM 9 Administration Guide, "Logging & Reporting", and knowledge base "UTM packetfilter log structure".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { type EscapeKind, Field, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { walkPairs } from '../pairs.js'
import { type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { Shape } from '../shape.js'

const Own = { subsystem: 100 } as const
const keys = new KeyTable({
  id: Target.eventId,
  sub: Own.subsystem,
  action: Target.action,
  fwrule: Target.ruleId,
  initf: Target.ingressInterfaceName,
  outitf: Target.egressInterfaceName,
  srcip: Target.source,
  dstip: Target.destination,
  proto: Target.protocol,
  srcport: Target.sourcePort,
  dstport: Target.destinationPort,
  type: Target.icmpType,
  code: Target.icmpCode,
  user: Target.userName,
})
/** Subsystems whose lines are of traffic: the packet filter and intrusion prevention. */
const traffic = new KeyTable({ packetfilter: 1, ips: 1 })

let isTraffic = false

function take(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  if (assign(event, key, start, end, escaping)) return
  isTraffic = traffic.findRange(event.line, start, end) !== 0
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : event.line.length
  isTraffic = false
  event.vendor = 'sophos'
  event.product = 'utm'
  walkPairs(event, context, event.bodyStart, end, keys, take)
  if (event.protocol !== 1 && event.protocol !== 58) event.icmpType = event.icmpCode = -1
  dropIcmpPorts(event)
  if (isTraffic) setConnectionIfPaired(event)
  return true
}

/** The product for the registry. */
export const sophosUtm: SyslogProduct = {
  id: 'sophos-utm',
  shapes: [Shape.pairs],
  claims: ({ line, bodyStart }) => {
    if (!line.startsWith('id="', bodyStart)) return false
    const system = line.indexOf(' sys="Secure', bodyStart)
    return system >= 0 && system < bodyStart + 64 && line.indexOf(' sub="', system) >= 0
  },
  parse,
}
