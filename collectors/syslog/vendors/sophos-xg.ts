/**
 * Sophos Firewall (XG, SFOS): `device="SFW" … log_type="Firewall" src_ip= dst_ip=`, in two generations of key names. Sees
 * sessions with octets and packets each way, NAT, zones and ICMP type and code; also web, IPS and ATP events. Source:
 * "Sophos Firewall Syslog Guide" and "Log file details".
 */
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { type EscapeKind, Field, Outcome, Phase, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, outcomeOf, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { Shape } from '../shape.js'
import { readDateAndTime, readTime } from '../timestamp.js'

const Own = {
  date: 100,
  time: 101,
  zone: 102,
  timestamp: 103,
  subtype: 104,
  status: 105,
  phase: 106,
  sourceZoneType: 107,
  destinationZoneType: 108,
  deviceName: 109,
  type: 110,
  signature: 111,
  signatureName: 112,
} as const
const keys = new KeyTable({
  date: Own.date,
  time: Own.time,
  timezone: Own.zone,
  timestamp: Own.timestamp,
  log_type: Own.type,
  log_subtype: Own.subtype,
  signature_id: Own.signature,
  signature_msg: Own.signatureName,
  rule_id: Target.ruleId,
  status: Own.status,
  connevent: Own.phase,
  con_event: Own.phase,
  device_serial_id: 0,
  log_id: Target.eventId,
  messageid: 0,
  src_ip: Target.source,
  sourceip: Target.source,
  dst_ip: Target.destination,
  destinationip: Target.destination,
  src_port: Target.sourcePort,
  dst_port: Target.destinationPort,
  protocol: Target.protocol,
  icmp_type: Target.icmpType,
  icmp_code: Target.icmpCode,
  sent_bytes: Target.octetsSent,
  bytes_sent: Target.octetsSent,
  recv_bytes: Target.octetsReceived,
  bytes_received: Target.octetsReceived,
  sent_pkts: Target.packetsSent,
  packets_sent: Target.packetsSent,
  recv_pkts: Target.packetsReceived,
  packets_received: Target.packetsReceived,
  duration: Target.seconds,
  con_duration: Target.seconds,
  fw_rule_id: Target.ruleId,
  fw_rule_name: Target.ruleName,
  rule_name: Target.ruleName,
  user_name: Target.userName,
  user: Target.userName,
  application: Target.applicationName,
  app_name: Target.applicationName,
  in_interface: Target.ingressInterfaceName,
  out_interface: Target.egressInterfaceName,
  tran_src_ip: Target.postNATSource,
  src_trans_ip: Target.postNATSource,
  tran_src_port: Target.postNATSourcePort,
  src_trans_port: Target.postNATSourcePort,
  tran_dst_ip: Target.postNATDestination,
  dst_trans_ip: Target.postNATDestination,
  tran_dst_port: Target.postNATDestinationPort,
  dst_trans_port: Target.postNATDestinationPort,
  srczone: Target.sourceZone,
  src_zone: Target.sourceZone,
  dstzone: Target.destinationZone,
  dst_zone: Target.destinationZone,
  srczonetype: Own.sourceZoneType,
  src_zone_type: Own.sourceZoneType,
  dstzonetype: Own.destinationZoneType,
  dst_zone_type: Own.destinationZoneType,
  connid: Target.sessionId,
  con_id: Target.sessionId,
  device_name: Own.deviceName,
  dir_disp: Target.direction,
  con_direction: Target.direction,
})

let dateStart = -1
let timeStart = -1
let timeEnd = -1
let zoneStart = -1
let zoneEnd = -1
/** `WAN` or not, of each side: the product itself rarely says the direction. 0 unknown, 1 inside, 2 WAN. */
let sourceSide = 0
let destinationSide = 0
let isMail = false
let isIntrusion = false
let signatureStart = -1
let signatureEnd = -1
let nameStart = -1
let nameEnd = -1

/**
 * Log types about a mail, a file or a request to a published server: the proxy's or the scanner's work, one of many in a
 * session that Firewall or Content Filtering lines tell of.
 */
const mailTypes = ['Anti-Spam', 'Anti-Virus', 'Anti Virus', 'WAF', 'Event', 'Sandbox'] as const

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
    case Own.date:
      dateStart = end - start === 10 ? start : -1
      return
    case Own.time:
      timeStart = start
      timeEnd = end
      return
    case Own.zone:
      zoneStart = start
      zoneEnd = end
      return
    case Own.timestamp:
      readTime(event, context, start, end)
      return
    case Own.subtype: {
      event.setSpan(Field.action, start, end)
      const outcome = outcomeOf(line, start, end)
      if (outcome !== Outcome.none) event.outcome = outcome
      return
    }
    case Own.status:
      if (event.outcome === Outcome.none) event.outcome = outcomeOf(line, start, end)
      return
    case Own.phase:
      event.phase = line.startsWith('Stop', start)
        ? Phase.end
        : line.startsWith('Interim', start)
          ? Phase.update
          : Phase.start
      event.runningTotals = event.phase === Phase.update
      return
    case Own.type:
      isMail = mailTypes.some((type) => line.startsWith(type, start))
      isIntrusion = line.startsWith('IDP', start)
      return
    case Own.signature:
      signatureStart = start
      signatureEnd = end
      return
    case Own.signatureName:
      nameStart = start
      nameEnd = end
      return
    case Own.deviceName:
      if (!event.has(Field.host)) event.setSpan(Field.host, start, end, escaping)
      return
    case Own.sourceZoneType:
      sourceSide = line.startsWith('WAN', start) ? 2 : 1
      return
    case Own.destinationZoneType:
      destinationSide = line.startsWith('WAN', start) ? 2 : 1
      return
  }
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : event.line.length
  dateStart = timeStart = timeEnd = zoneStart = zoneEnd = -1
  sourceSide = destinationSide = 0
  isMail = isIntrusion = false
  signatureStart = signatureEnd = nameStart = nameEnd = -1
  event.vendor = 'sophos'
  event.product = 'xg'
  event.clearSpan(Field.application)
  walkPairs(event, context, event.contentStart, end, keys, take)
  if (dateStart >= 0 && timeStart >= 0) {
    readDateAndTime(event, context, dateStart, timeStart, timeEnd, zoneStart, zoneEnd)
  }
  if (event.directionName === '' && sourceSide > 0 && destinationSide > 0) {
    if (sourceSide === 2) event.directionName = destinationSide === 2 ? 'external' : 'inbound'
    else event.directionName = destinationSide === 2 ? 'outbound' : 'internal'
  }
  if (isIntrusion && signatureStart >= 0) {
    // What matched is the signature; the firewall rule let the session reach the sensor.
    event.setSpan(Field.ruleId, signatureStart, signatureEnd)
    event.setSpan(Field.ruleName, nameStart, nameEnd)
  }
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  if (!isMail) setConnectionIfPaired(event)
  return true
}

/** The product for the registry. */
export const sophosXg: SyslogProduct = {
  id: 'sophos-xg',
  shapes: [Shape.pairs],
  claims: (event) => {
    const line = event.line
    const start = event.contentStart
    const first = line.octetAt(start)
    // device=, device_name=, date=, timestamp=, log_id=
    if (first !== 0x64 && first !== 0x74 && first !== 0x6c) return false
    if (line.startsWith('device="SFW"', start) || line.startsWith('device_name="SFW"', start)) return true
    const at = line.indexOf('log_component="', start)
    return at >= 0 && line.indexOf('log_subtype="', start) >= 0
  },
  parse,
}
