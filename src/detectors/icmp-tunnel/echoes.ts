/** Flow records of echo traffic into the sessions of their pairs. */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, type Plane, RECEIVED_COLUMN } from '../../blocks/builder.js'
import { rowNumbers } from '../../blocks/runs.js'
import { type FlowColumn, FlowColumnIndex, samplingFromNames } from '../../records/columns.js'
import { SYSLOG_PROTOCOL } from '../../records/exporter.js'
import { counterAt, textOf } from '../counters.js'
import { makeRoom } from './bounded.js'
import { TELLING_PACKETS } from './histories.js'
import type { Messages } from './messages.js'
import { canMirror, type EchoLimits, type Slice, type Sums } from './mirror.js'
import { payloadsOf } from './payloads.js'
import type { Pair, Point, Points } from './points.js'
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
  /** By the exporter's place. */
  const pointsHere: Point[] = []

  for (const row of rows) {
    const identity = header.exporters[exporters[row]!]!
    // A firewall's log line is a session, not a record of one direction: firewall-sessions.ts.
    if (identity.protocol === SYSLOG_PROTOCOL) continue
    const point = pointsHere[exporters[row]!] ?? points.of(identity)
    pointsHere[exporters[row]!] = point
    if (point.records++ === 0) point.firstReceivedMilliseconds = received[row]!
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
    const source = { planes: sources, row }
    const destination = { planes: destinations, row }
    const where = placeOf(flowDirection?.[row], ingress?.[row], egress?.[row], observationPoint?.[row])
    const direction = isRequest ? 'request' : 'reply'
    const reverseCount = counterAt(reversePackets, row)
    if (isRequest && messages.wantsFlows) messages.sent(sources, destinations, row, packets)
    const [requester, responder] = isRequest ? [source, destination] : [destination, source]
    const pair = points.pairFor(point, family, requester, responder, slice.receivedMilliseconds)
    if (pair === undefined) {
      if (isRequest) noteGroupRequest(point, textOf(sources, row), slice)
      continue
    }
    take(points, pair, direction, slice, where, reverseCount > 0)
    if (reverseCount === 0) continue
    const reverse = { ...slice, packets: reverseCount, octets: counterAt(reverseOctets, row) }
    take(points, pair, isRequest ? 'reply' : 'request', reverse, where, true)
    noteBiflow(pair, isRequest ? slice : reverse, isRequest ? reverse : slice, limitsOf(pair.responder))
  }
}

/** Share of a record's replies that may have been asked for before it began: round trips longer than the interval. */
const UNDER_WAY_SHARE = 0.02

/** No exchange is under way in a pause of this length, as a rule. */
const PAUSE_MILLISECONDS = 1000

/** Holds one record of both directions against the mirror by itself. */
function noteBiflow({ session, point }: Pair, request: Slice, reply: Slice, limits: EchoLimits): void {
  const { biflows, sinceBiflow } = session
  if (request.packets === reply.packets) {
    biflows.equal++
    if (request.octets !== reply.octets) biflows.odd++
  }
  const underWay = 1 + Math.ceil(reply.packets * UNDER_WAY_SHARE)
  if (request.packets >= TELLING_PACKETS && !canMirror(request, reply, underWay, limits)) biflows.broken++
  // What came before the first would have been exported before, if the exporter was there.
  const before = sinceBiflow?.endMilliseconds ?? point.firstReceivedMilliseconds
  const isPause = request.startMilliseconds - before >= PAUSE_MILLISECONDS
  if (sinceBiflow === undefined || isPause) {
    if (sinceBiflow?.isBegunClean === true) {
      const { requests, replies } = sinceBiflow
      if (!canMirror(requests, replies, 0, limits)) biflows.clean++
    }
    session.sinceBiflow = {
      requests: request,
      replies: reply,
      isBegunClean: isPause,
      endMilliseconds: request.endMilliseconds,
    }
    return
  }
  sinceBiflow.requests = added(sinceBiflow.requests, request)
  sinceBiflow.replies = added(sinceBiflow.replies, reply)
  sinceBiflow.endMilliseconds = Math.max(sinceBiflow.endMilliseconds, request.endMilliseconds)
}

function added(one: Sums, other: Sums): Sums {
  return { packets: one.packets + other.packets, octets: one.octets + other.octets }
}

/** Hosts of which pings to groups are remembered, at each point. */
const MAX_GROUP_REQUESTERS = 10_000

function noteGroupRequest({ groupRequests }: Point, requester: string, slice: Slice): void {
  const packets = slice.packets + (groupRequests.get(requester)?.packets ?? 0)
  groupRequests.delete(requester)
  makeRoom(groupRequests, MAX_GROUP_REQUESTERS)
  groupRequests.set(requester, { packets, lastMilliseconds: slice.endMilliseconds })
}

const NOWHERE = -2

/** A number for where in a device a record was metered: equal for equal places, and different for others as a rule. */
function placeOf(
  direction = NOWHERE,
  ingress = NOWHERE,
  egress = NOWHERE,
  observationPoint = NOWHERE,
): number {
  let place = direction
  for (const part of [ingress, egress, observationPoint]) {
    place = Math.imul(place ^ part, 0x9e3779b1)
    place ^= place >>> 15
  }
  return place
}

/** Adds a record of one direction to the session of its pair. */
export function take(
  points: Points,
  pair: Pair,
  direction: 'request' | 'reply',
  slice: Slice,
  where: number,
  isBiflow: boolean,
): void {
  const { point, session } = pair
  const last = Math.max(session.requests.lastMilliseconds, session.replies.lastMilliseconds)
  const isFirst = pair.lastReceivedMilliseconds === 0
  const isNew = Number.isFinite(last) && slice.startMilliseconds - last > SESSION_GAP_MILLISECONDS
  const isWhole = slice.startMilliseconds >= point.completeFromMilliseconds
  if (isFirst || isNew || (session.isIncomplete && isWhole)) {
    const { misaligned } = session
    pair.session = newSession(slice.startMilliseconds)
    if (!isNew) pair.session.misaligned = misaligned
  }
  if (pair.session.startedMilliseconds < point.completeFromMilliseconds || !isWhole)
    pair.session.isIncomplete = true
  pair.lastReceivedMilliseconds = slice.receivedMilliseconds
  pair.session.closedJudged = false
  point.active.add(pair)
  if (addSlice(pair.session, direction, slice, where, isBiflow)) {
    pair.news ??= { requests: [], replies: [] }
    pair.news[direction === 'request' ? 'requests' : 'replies'].push(slice)
  }
  points.kept(pair)
}
