/** Flow records of echo traffic into the sessions of their pairs. */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, type Plane, RECEIVED_COLUMN } from '../../blocks/builder.js'
import { rowNumbers } from '../../blocks/runs.js'
import { isGroupAddress, parseAddress } from '../../records/address.js'
import { type FlowColumn, FlowColumnIndex, samplingFromNames } from '../../records/columns.js'
import { SYSLOG_PROTOCOL } from '../../records/exporter.js'
import { counterAt, textOf } from '../counters.js'
import { TELLING_PACKETS } from './histories.js'
import type { Messages } from './messages.js'
import { canMirror, type EchoLimits, type Slice } from './mirror.js'
import { payloadsOf } from './payloads.js'
import { MAX_SESSIONS_PER_POINT, type Pair, type Point, type Points } from './points.js'
import { addSlice, newSession, SESSION_GAP_MILLISECONDS } from './session.js'

/** Echo request and reply of RFC 792 and RFC 4443. */
export const ECHO_TYPES = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const

/** Takes echo records into the sessions of their pair, and what is no echo into `messages`. */
export function observeEchoes(
  points: Points,
  messages: Messages,
  block: Block,
  rows: Uint32Array,
  limitsOf: (responder: string) => EchoLimits,
): void {
  const { header } = block
  const numberOf = rowNumbers(header.runs)
  const family = header.stream.family === 6 ? 6 : 4
  const column = (name: FlowColumn): Plane | undefined => block.column(FlowColumnIndex[name])?.[0]
  const received = block.column(RECEIVED_COLUMN)![0]!
  const exporters = block.column(EXPORTER_COLUMN)![0]!
  const types = column('icmpType')
  const codes = column('icmpCode')
  const from = column('icmpFrom')
  const sources = block.column(FlowColumnIndex.sourceAddress)
  const destinations = block.column(FlowColumnIndex.destinationAddress)
  const packets = block.column(FlowColumnIndex.packets)
  const octets = block.column(FlowColumnIndex.octets)
  // RFC 5103: one record may count both directions.
  const reversePackets = block.column(FlowColumnIndex.reversePackets)
  const reverseOctets = block.column(FlowColumnIndex.reverseOctets)
  if (types === undefined || sources === undefined || destinations === undefined) return
  if (packets === undefined || octets === undefined) return
  const starts = column('startMilliseconds')
  const ends = column('endMilliseconds')
  const sampling = column('samplingInterval')
  const samplingFrom = column('samplingFrom')
  const ingress = column('ingressInterface')
  const egress = column('egressInterface')
  const flowDirection = column('flowDirection')
  const observationPoint = column('observationPointId')
  const fragmentOffset = column('fragmentOffset')
  const payloadAt = payloadsOf(block)

  for (const row of rows) {
    const identity = header.exporters[exporters[row]!]!
    // A firewall's log line is a session, not a record of one direction: firewall-sessions.ts.
    if (identity.protocol === SYSLOG_PROTOCOL) continue
    const point = points.of(identity)
    point.records++
    point.lastReceivedMilliseconds = received[row]!
    if (samplingFrom !== undefined && samplingFrom[row] !== samplingFromNames.indexOf('none')) {
      point.samplingInterval = sampling![row]!
    }
    if (from !== undefined && from[row] === 0) continue
    const type = types[row]!
    if (type !== 0) point.isTypeObserved = true
    const isRequest = type === ECHO_TYPES[family].request
    if (!isRequest && type !== ECHO_TYPES[family].reply) {
      messages.take(point, family, {
        type,
        code: codes?.[row] ?? 0,
        source: textOf(sources, row),
        destination: textOf(destinations, row),
        packets: counterAt(packets, row),
        octets: counterAt(octets, row),
        startMilliseconds: starts?.[row] || received[row]!,
        endMilliseconds: ends?.[row] || received[row]!,
        receivedMilliseconds: received[row]!,
        row: numberOf(row),
      })
      continue
    }
    if (fragmentOffset !== undefined && fragmentOffset[row] !== 0) continue
    const count = counterAt(packets, row)
    if (count === 0) continue
    const skew = point.clockSkewMilliseconds
    const corrected = (time: number) => (time === 0 ? 0 : time - skew)
    const entropy = payloadAt(row)
    const slice: Slice = {
      packets: count,
      octets: counterAt(octets, row),
      startMilliseconds: corrected(starts?.[row] ?? 0),
      endMilliseconds: corrected(ends?.[row] ?? 0),
      receivedMilliseconds: received[row]!,
      row: numberOf(row),
      ...(entropy === undefined ? {} : { relativeEntropy: entropy }),
    }
    const source = textOf(sources, row)
    const destination = textOf(destinations, row)
    const [requester, responder] = isRequest ? [source, destination] : [destination, source]
    const where = `${flowDirection?.[row] ?? '-'}/${ingress?.[row] ?? '-'}/${egress?.[row] ?? '-'}/${observationPoint?.[row] ?? '-'}`
    const direction = isRequest ? 'request' : 'reply'
    const reverseCount = counterAt(reversePackets, row)
    if (isRequest) messages.sent(source, destination, count)
    const pair = take(point, requester, responder, direction, slice, where, reverseCount > 0)
    if (reverseCount === 0) continue
    const reverse = { ...slice, packets: reverseCount, octets: counterAt(reverseOctets, row) }
    take(point, requester, responder, isRequest ? 'reply' : 'request', reverse, where, true)
    if (pair !== undefined)
      noteBiflow(pair, isRequest ? slice : reverse, isRequest ? reverse : slice, limitsOf)
  }
}

/** Share of a record's replies that may have been asked for before it began: round trips longer than the interval. */
const UNDER_WAY_SHARE = 0.02

/** Holds one record of both directions against the mirror by itself. */
function noteBiflow(
  { session, responder }: Pair,
  request: Slice,
  reply: Slice,
  limitsOf: (responder: string) => EchoLimits,
): void {
  const { biflows } = session
  if (request.packets === reply.packets) {
    biflows.equal++
    if (request.octets !== reply.octets) biflows.odd++
  }
  const underWay = 1 + Math.ceil(reply.packets * UNDER_WAY_SHARE)
  if (request.packets >= TELLING_PACKETS && !canMirror(request, reply, underWay, limitsOf(responder)))
    biflows.broken++
}

/** Hosts of which pings to groups are remembered, at each point. */
const MAX_GROUP_REQUESTERS = 10_000

function noteGroupRequest({ groupRequests }: Point, requester: string, slice: Slice): void {
  const packets = slice.packets + (groupRequests.get(requester)?.packets ?? 0)
  groupRequests.delete(requester)
  if (groupRequests.size >= MAX_GROUP_REQUESTERS) groupRequests.delete(groupRequests.keys().next().value!)
  groupRequests.set(requester, { packets, lastMilliseconds: slice.endMilliseconds })
}

/** Adds a record of one direction to the session of its pair; the pair, or undefined where group addresses are asked. */
export function take(
  point: Point,
  requester: string,
  responder: string,
  direction: 'request' | 'reply',
  slice: Slice,
  where: string,
  isBiflow: boolean,
): Pair | undefined {
  // Many hosts answer a group address, each with a reply of its own (guard 8).
  const target = parseAddress(responder)
  if (target === undefined) return undefined
  if (isGroupAddress(target)) {
    if (direction === 'request') noteGroupRequest(point, requester, slice)
    return undefined
  }
  const key = `${requester} ${responder}`
  let pair = point.pairs.get(key)
  if (pair === undefined) {
    if (point.pairs.size >= MAX_SESSIONS_PER_POINT) {
      point.pairs.delete(point.pairs.keys().next().value!)
      point.evicted++
    }
    pair = {
      requester,
      responder,
      session: newSession(slice.startMilliseconds),
      firstReceivedMilliseconds: slice.receivedMilliseconds,
      lastReceivedMilliseconds: 0,
      news: { requests: [], replies: [] },
    }
    point.pairs.set(key, pair)
  }
  const { session } = pair
  const last = Math.max(session.requests.lastMilliseconds, session.replies.lastMilliseconds)
  const isNew = Number.isFinite(last) && slice.startMilliseconds - last > SESSION_GAP_MILLISECONDS
  const isWhole = slice.startMilliseconds >= point.completeFromMilliseconds
  if (isNew || (session.isIncomplete && isWhole)) {
    const { misaligned } = session
    pair.session = newSession(slice.startMilliseconds)
    if (!isNew) pair.session.misaligned = misaligned
  }
  if (pair.session.startedMilliseconds < point.completeFromMilliseconds || !isWhole)
    pair.session.isIncomplete = true
  pair.lastReceivedMilliseconds = slice.receivedMilliseconds
  pair.session.closedJudged = false
  if (addSlice(pair.session, direction, slice, where, isBiflow))
    (direction === 'request' ? pair.news.requests : pair.news.replies).push(slice)
  return pair
}
