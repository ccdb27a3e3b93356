/**
 * Stormshield Network Security: WELF, `id=firewall time="…" fw="…" tz=+0000 startime="…" … logtype="connection"`. Sees
 * filtered, plugin and ended connections with octets each way and duration, alarms, NAT, rule, ICMP type and code. `dst` is where
 * the connection went after translation, `origdst` what its source asked for. Source: Stormshield, "Description of Audit logs".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { readSeconds } from '../decimal.js'
import { AddressSlot, type EscapeKind, Field, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { readAddress, readPort } from '../scan.js'
import { Shape } from '../shape.js'
import { readDateAndTime } from '../timestamp.js'

const Own = {
  time: 100,
  zone: 101,
  firewall: 102,
  logType: 103,
  duration: 104,
  originalDestination: 105,
  originalPort: 106,
  sourceInterface: 107,
  destinationInterface: 108,
} as const
const keys = new KeyTable({
  time: Own.time,
  tz: Own.zone,
  fw: Own.firewall,
  logtype: Own.logType,
  ruleid: Target.ruleId,
  rulename: Target.ruleName,
  srcif: Own.sourceInterface,
  srcifname: Target.ingressInterfaceName,
  dstif: Own.destinationInterface,
  dstifname: Target.egressInterfaceName,
  ipproto: Target.protocol,
  icmptype: Target.icmpType,
  icmpcode: Target.icmpCode,
  proto: Target.service,
  src: Target.source,
  srcport: Target.sourcePort,
  dst: Target.destination,
  dstport: Target.destinationPort,
  modsrc: Target.postNATSource,
  modsrcport: Target.postNATSourcePort,
  origdst: Own.originalDestination,
  origdstport: Own.originalPort,
  sent: Target.octetsSent,
  rcvd: Target.octetsReceived,
  duration: Own.duration,
  action: Target.action,
  user: Target.userName,
  clientappid: Target.applicationName,
})
/** Logs of traffic, and those whose rows say that a connection ended; the others are of users, tunnels and the device. */
const Log = { filtered: 1, ended: 2 } as const
const logTypes = new KeyTable({
  filter: Log.filtered,
  alarm: Log.filtered,
  web: Log.filtered,
  smtp: Log.filtered,
  ftp: Log.filtered,
  pop3: Log.filtered,
  ssl: Log.filtered,
  connection: Log.ended,
  plugin: Log.ended,
})

let timeStart = -1
let timeEnd = -1
let zoneStart = -1
let zoneEnd = -1
let logType = 0
let originalStart = -1
let originalEnd = -1
let originalPort = -1

function take(event: SyslogEvent, key: number, start: number, end: number, escaping: EscapeKind): void {
  if (assign(event, key, start, end, escaping)) return
  const { line } = event
  switch (key) {
    case Own.time:
      timeStart = start
      timeEnd = end
      return
    case Own.zone:
      zoneStart = start
      zoneEnd = end
      return
    case Own.firewall:
      if (!event.has(Field.host)) event.setSpan(Field.host, start, end, escaping)
      return
    case Own.logType:
      logType = logTypes.findRange(line, start, end)
      event.setSpan(Field.eventId, start, end, escaping)
      return
    case Own.duration:
      event.durationMilliseconds = readSeconds(line, start, end)
      return
    case Own.originalDestination:
      originalStart = start
      originalEnd = end
      return
    case Own.originalPort:
      originalPort = readPort(line, start, end)
      return
    case Own.sourceInterface:
      if (!event.has(Field.ingressInterfaceName))
        event.setSpan(Field.ingressInterfaceName, start, end, escaping)
      return
    case Own.destinationInterface:
      if (!event.has(Field.egressInterfaceName))
        event.setSpan(Field.egressInterfaceName, start, end, escaping)
      return
  }
}

/** What was asked for is the destination, where it went is its translation. */
function settleDestination(event: SyslogEvent): void {
  if (originalStart >= 0 && event.families[AddressSlot.destination] !== 0) {
    const { families, words } = event
    families[AddressSlot.postNATDestination] = families[AddressSlot.destination]!
    words.copyWithin(
      4 * AddressSlot.postNATDestination,
      4 * AddressSlot.destination,
      4 * AddressSlot.destination + 4,
    )
    if (!readAddress(event, AddressSlot.destination, originalStart, originalEnd)) {
      families[AddressSlot.destination] = families[AddressSlot.postNATDestination]!
    }
  }
  if (originalPort < 0) return
  event.postNATDestinationPort = event.destinationPort
  event.destinationPort = originalPort
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : event.line.length
  timeStart = zoneStart = originalStart = originalPort = -1
  logType = 0
  event.vendor = 'stormshield'
  event.product = 'sns'
  walkPairs(event, context, event.bodyStart, end, keys, take)
  if (timeStart >= 0) readDateAndTime(event, context, timeStart, timeStart + 11, timeEnd, zoneStart, zoneEnd)
  settleDestination(event)
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  if (logType === Log.ended) event.phase = Phase.end
  if (logType !== 0) setConnectionIfPaired(event)
  return true
}

/** SonicWall's lines begin so too, and have no `tz=`. */
const MAX_FRONT = 160

/** The product for the registry. */
export const stormshieldSns: SyslogProduct = {
  id: 'stormshield-sns',
  shapes: [Shape.pairs],
  claims: ({ line, bodyStart }) => {
    if (!line.startsWith('id=firewall ', bodyStart) && !line.startsWith('time=', bodyStart)) return false
    const zone = line.indexOf(' tz=', bodyStart)
    if (zone < 0 || zone > bodyStart + MAX_FRONT) return false
    return line.indexOf(' startime=', zone) >= 0 || line.indexOf(' logtype=', zone) >= 0
  },
  parse,
}
