/**
 * Zscaler Private Access by its Log Streaming Service, JSON: User Activity has the client, the server and what went
 * between them, in open, active and closing records; status of users and connectors, web access and audit are other.
 * Source: Zscaler help, "User Activity Log Fields", "About Log Streaming Service".
 */
import { assign, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, type EscapeKind, Kind, Phase, type SyslogEvent } from '../event.js'
import { JsonKeys, walkJson } from '../json.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { readAddress, readNumber, wordIs } from '../scan.js'
import { Shape } from '../shape.js'
import { readInstant, refineTime } from '../timestamp.js'

const Own = {
  time: 100,
  status: 101,
  privateAddress: 102,
  totalSent: 103,
  totalReceived: 104,
  started: 105,
  ended: 106,
} as const
const keys = new JsonKeys({
  LogTimestamp: Own.time,
  CreationTime: Own.time,
  ConnectionStatus: Own.status,
  ConnectionID: Target.sessionId,
  Username: Target.userName,
  User: Target.userName,
  ClientPublicIP: Target.postNATSource,
  ClientPrivateIP: Own.privateAddress,
  ServerIP: Target.destination,
  ServerPort: Target.destinationPort,
  IPProtocol: Target.protocol,
  Policy: Target.ruleName,
  Application: Target.applicationName,
  InternalReason: Target.endReason,
  ZENBytesRxClient: Target.octetsSent,
  ZENBytesTxClient: Target.octetsReceived,
  ZENTotalBytesRxClient: Own.totalSent,
  ZENTotalBytesTxClient: Own.totalReceived,
  TimestampConnectionStart: Own.started,
  TimestampConnectionEnd: Own.ended,
})

let statusStart = -1
let statusEnd = -1
let totalSent = Number.NaN
let totalReceived = Number.NaN
let startedAt = Number.NaN
let endedAt = Number.NaN

function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  if (assign(event, key, start, end, escaping)) return
  switch (key) {
    case Own.time:
      refineTime(event, context, start, end)
      return
    case Own.status:
      statusStart = start
      statusEnd = end
      return
    case Own.privateAddress:
      readAddress(event, AddressSlot.source, start, end)
      return
    case Own.totalSent:
      totalSent = readNumber(event.line, start, end)
      return
    case Own.totalReceived:
      totalReceived = readNumber(event.line, start, end)
      return
    case Own.started:
      startedAt = readInstant(event, context, start, end)
      return
    case Own.ended:
      endedAt = readInstant(event, context, start, end)
      return
  }
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  statusStart = statusEnd = -1
  totalSent = totalReceived = startedAt = endedAt = Number.NaN
  walkJson(event, context, event.bodyStart, line.length, keys, take)
  event.vendor = 'zscaler'
  event.product = 'zpa'
  event.kind = Kind.other
  if (event.families[AddressSlot.destination] === 0) return true
  if (event.families[AddressSlot.source] === 0) moveClient(event)
  dropIdleTranslation(event)
  if (wordIs(line, statusStart, statusEnd, 'open')) event.phase = Phase.start
  else if (wordIs(line, statusStart, statusEnd, 'active')) event.phase = Phase.update
  else if (wordIs(line, statusStart, statusEnd, 'close')) event.phase = Phase.end
  // The counters since the last record add up; the totals do not.
  if (Number.isNaN(event.octetsSourceToDestination)) {
    event.octetsSourceToDestination = totalSent
    event.octetsDestinationToSource = totalReceived
    event.runningTotals = event.phase === Phase.update
  }
  if (endedAt >= startedAt) event.durationMilliseconds = Math.round(endedAt - startedAt)
  setConnectionIfPaired(event)
  return true
}

/** A client that gives no private address is known by its public one. */
function moveClient(event: SyslogEvent): void {
  const from = AddressSlot.postNATSource
  event.families[AddressSlot.source] = event.families[from]!
  for (let index = 0; index < 4; index++) event.words[index] = event.words[from * 4 + index]!
  event.families[from] = 0
}

/** The product for the registry. */
export const zscalerZpa: SyslogProduct = {
  id: 'zscaler-zpa',
  shapes: [Shape.json],
  claims: ({ line, bodyStart }) =>
    line.includes('"LogTimestamp"', bodyStart) || line.includes('"AuditOperationType"', bodyStart),
  parse,
}
