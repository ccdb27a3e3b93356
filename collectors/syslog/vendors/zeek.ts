/**
 * Zeek (Bro), Corelight too: conn.log as JSON or as columns between tabs, with any header of syslog or none. Sees every
 * connection with packets and octets each way, the application that Zeek recognised and ICMP with its type. Other logs
 * are messages. Octets are `orig_ip_bytes` and `resp_ip_bytes`, IP lengths as flows count them; `orig_bytes` is payload
 * by TCP's sequence numbers and serves only where the former are missing. Source: Zeek documentation,
 * "base/protocols/conn/main.zeek" and "Zeek Log Formats"; ICMP_counterpart in Zeek's packet_analysis/protocol/icmp.
 */

import { assign, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { readSeconds } from '../decimal.js'
import { AddressSlot, type EscapeKind, Field, Phase, type SyslogEvent } from '../event.js'
import { JsonKeys, walkJson } from '../json.js'
import type { Line } from '../line.js'
import { type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { ICMP, ICMPV6, readProtocol } from '../protocols.js'
import { OPEN_BRACE, readNumber, readPort, readSmall } from '../scan.js'
import { Shape } from '../shape.js'
import { readTime } from '../timestamp.js'
import {
  Columns,
  Log,
  type LogNumber,
  logOf,
  readDirective,
  startsColumns,
  startsDirective,
} from './zeek-columns.js'

const Own = {
  time: 100,
  path: 101,
  sourcePort: 102,
  destinationPort: 103,
  protocol: 104,
  service: 105,
  duration: 106,
  payloadSent: 107,
  payloadReceived: 108,
  state: 109,
  isLocalSource: 110,
  isLocalDestination: 111,
  ipProtocol: 112,
} as const
const keys = new JsonKeys({
  ts: Own.time,
  _path: Own.path,
  _system_name: Target.host,
  uid: Target.sessionId,
  'id.orig_h': Target.source,
  'id.orig_p': Own.sourcePort,
  'id.resp_h': Target.destination,
  'id.resp_p': Own.destinationPort,
  // `Log::default_scope_sep = "_"`, for stores that take a dot for a level.
  id_orig_h: Target.source,
  id_orig_p: Own.sourcePort,
  id_resp_h: Target.destination,
  id_resp_p: Own.destinationPort,
  proto: Own.protocol,
  service: Own.service,
  duration: Own.duration,
  orig_bytes: Own.payloadSent,
  resp_bytes: Own.payloadReceived,
  conn_state: Own.state,
  local_orig: Own.isLocalSource,
  local_resp: Own.isLocalDestination,
  orig_pkts: Target.packetsSent,
  orig_ip_bytes: Target.octetsSent,
  resp_pkts: Target.packetsReceived,
  resp_ip_bytes: Target.octetsReceived,
  ip_proto: Own.ipProtocol,
})

/** What the line says that is judged when all of it is read. */
let payloadSent = Number.NaN
let payloadReceived = Number.NaN
/** 0 unknown, 1 yes, 2 no. */
let isLocalSource = 0
let isLocalDestination = 0
let hasState = false
let ipProtocol = -1

function clear(): void {
  payloadSent = payloadReceived = Number.NaN
  isLocalSource = isLocalDestination = 0
  hasState = false
  ipProtocol = -1
}

function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  const line = event.line
  if (key === Target.host && event.has(Field.host)) return
  if (assign(event, key, start, end, escaping)) return
  switch (key) {
    case Own.time:
      event.timeIsStart = readTime(event, context, start, end)
      return
    case Own.path:
      event.setSpan(Field.eventId, start, end, escaping)
      return
    case Own.sourcePort:
      event.sourcePort = readPort(line, start, end)
      return
    case Own.destinationPort:
      event.destinationPort = readPort(line, start, end)
      return
    case Own.protocol:
      event.protocol = readProtocol(line, start, end)
      return
    case Own.service:
      event.setSpan(Field.service, start, end, escaping)
      event.setSpan(Field.applicationName, start, end, escaping)
      return
    case Own.duration:
      event.durationMilliseconds = readSeconds(line, start, end)
      return
    case Own.payloadSent:
      payloadSent = readNumber(line, start, end)
      return
    case Own.payloadReceived:
      payloadReceived = readNumber(line, start, end)
      return
    case Own.state:
      hasState = true
      event.setSpan(Field.endReason, start, end, escaping)
      return
    case Own.isLocalSource:
      isLocalSource = truth(line, start)
      return
    case Own.isLocalDestination:
      isLocalDestination = truth(line, start)
      return
    case Own.ipProtocol:
      ipProtocol = readSmall(line, start, end, 255)
      return
  }
}

/** `true` and `T`, `false` and `F`. */
function truth(line: Line, start: number): number {
  const letter = line.octetAt(start) | 0x20
  return letter === 0x74 ? 1 : letter === 0x66 ? 2 : 0
}

const directionNames = ['internal', 'outbound', 'inbound', 'external'] as const

/** A log without a name is conn.log where it has a connection's state or its packets. */
function settle(event: SyslogEvent, log: LogNumber): void {
  if (ipProtocol >= 0) event.protocol = ipProtocol
  const { protocol } = event
  if (protocol === ICMP || protocol === ICMPV6) settleIcmp(event)
  else if (event.sourcePort === 0 && event.destinationPort === 0)
    event.sourcePort = event.destinationPort = -1
  if (isLocalSource > 0 && isLocalDestination > 0) {
    event.directionName = directionNames[(isLocalSource - 1) * 2 + isLocalDestination - 1]!
  }
  if (log === Log.other) return
  if (log === Log.unknown && !hasState && Number.isNaN(event.packetsSourceToDestination)) return
  if (Number.isNaN(event.octetsSourceToDestination)) event.octetsSourceToDestination = payloadSent
  if (Number.isNaN(event.octetsDestinationToSource)) event.octetsDestinationToSource = payloadReceived
  // What conn_long.log counts, conn.log counts once more.
  event.runningTotals = log === Log.lasting
  event.phase = log === Log.lasting ? Phase.update : Phase.end
  setConnectionIfPaired(event)
}

/** Types whose answer Zeek knows. Echo of version 4 is left out: its answer's type is 0, and so is its own code (RFC 792). */
const answers4 = new Map([0, 8, 13, 14, 15, 16, 17, 18, 9, 10].flatMap(pairOf).filter(([type]) => type !== 8))
const answers6 = new Map([128, 129, 130, 131, 133, 134, 135, 136, 139, 140, 144, 145].flatMap(pairOf))

/** A list of pairs as entries of a map, each both ways. */
function pairOf(type: number, index: number, list: readonly number[]): [number, number][] {
  return [[type, list[index ^ 1]!]]
}

/** Zeek writes `icmp` for both versions, and as ports the type and its answer's type, or the code of a type without answer. */
function settleIcmp(event: SyslogEvent): void {
  const isSix = event.families[AddressSlot.source] === 6
  const { sourcePort: type, destinationPort: second } = event
  event.protocol = isSix ? ICMPV6 : ICMP
  event.sourcePort = event.destinationPort = -1
  if (type < 0 || type > 255) return
  event.icmpType = type
  const answer = (isSix ? answers6 : answers4).get(type)
  if (answer === undefined && second <= 255) event.icmpCode = second
}

const columns = new Columns(keys.table)

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  clear()
  const { line } = event
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const start = event.messageStart
  if (event.shape === Shape.json) {
    walkJson(event, context, event.bodyStart, end, keys, take)
    const isNamed = event.has(Field.eventId)
    settle(event, isNamed ? logOf(line, event.start(Field.eventId), event.end(Field.eventId)) : Log.unknown)
  } else if (startsDirective(line, start)) readDirective(event, context, start, end, keys.table)
  else {
    const log = columns.read(event, context, start, end)
    if (log < 0) return false
    columns.forEach(event, context, take)
    settle(event, log as LogNumber)
  }
  event.vendor = event.product = 'zeek'
  return true
}

/** The product for the registry. */
export const zeek: SyslogProduct = {
  id: 'zeek',
  shapes: [Shape.json, Shape.text],
  claims: (event) => {
    const { line, bodyStart } = event
    if (event.shape === Shape.json) {
      if (line.octetAt(bodyStart) !== OPEN_BRACE) return false
      return line.indexOf('"_path":', bodyStart) === bodyStart + 1 || hasConnectionId(line, bodyStart)
    }
    return startsDirective(line, event.messageStart) || startsColumns(line, event.messageStart)
  },
  parse,
}

/** `"uid"` and the originator's address, whose name no other log has. */
function hasConnectionId(line: Line, start: number): boolean {
  return line.indexOf('orig_h"', start) >= 0 && line.indexOf('"uid"', start) >= 0
}
