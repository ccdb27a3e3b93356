/**
 * Echo sessions as firewalls log them: one line counts the packets and octets of both directions of the very same
 * exchanges, at one place and unsampled, so each line can be held against the echo-mirror invariant by itself. Lines
 * about a part of a session (FortiGate's deltas) may cut between a request and its reply: one reply each is excused.
 */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, type Plane, RECEIVED_COLUMN } from '../../blocks/builder.js'
import { rowNumbers } from '../../blocks/runs.js'
import { type FlowColumn, FlowColumnIndex, outcomeNames, phaseNames } from '../../records/columns.js'
import { SYSLOG_PROTOCOL } from '../../records/exporter.js'
import { counterAt, textOf } from '../counters.js'
import { ECHO_TYPES, take } from './echoes.js'
import { canMirror, type EchoLimits, type Slice } from './mirror.js'
import type { Point, Points } from './points.js'
import { addMisaligned } from './session.js'

const DENY = outcomeNames.indexOf('deny')
const UPDATE = phaseNames.indexOf('update')
/** Replies of a line that may lack their request without a word: duplicates in the network. */
const EXCUSED_SHARE = 0.005
/** A log line is made at one place. */
const SESSION_LOG = 0

/** Takes the rows of log lines; rows of flow records are left out. */
export function observeFirewallSessions(
  points: Points,
  block: Block,
  rows: Uint32Array,
  limitsOf: (responder: string) => EchoLimits,
  onDenied: (requester: string, responder: string) => void,
): void {
  const { header } = block
  if (!header.exporters.some(({ protocol }) => protocol === SYSLOG_PROTOCOL)) return
  const family = header.stream.family === 6 ? 6 : 4
  const numberOf = rowNumbers(header.runs)
  const column = (name: FlowColumn): Plane | undefined => block.column(FlowColumnIndex[name])?.[0]
  const received = block.column(RECEIVED_COLUMN)![0]!
  const exporters = block.column(EXPORTER_COLUMN)![0]!
  const sources = block.column(FlowColumnIndex.sourceAddress)
  const destinations = block.column(FlowColumnIndex.destinationAddress)
  const packets = block.column(FlowColumnIndex.packets)
  const octets = block.column(FlowColumnIndex.octets)
  const reversePackets = block.column(FlowColumnIndex.reversePackets)
  const reverseOctets = block.column(FlowColumnIndex.reverseOctets)
  if (sources === undefined || destinations === undefined) return
  const types = column('icmpType')
  const from = column('icmpFrom')
  const outcomes = column('outcome')
  const phases = column('phase')
  const starts = column('startMilliseconds')
  const ends = column('endMilliseconds')
  const { request, reply } = ECHO_TYPES[family]
  /** By the exporter's place. */
  const pointsHere: Point[] = []

  for (const row of rows) {
    const identity = header.exporters[exporters[row]!]!
    if (identity.protocol !== SYSLOG_PROTOCOL) continue
    if (outcomes?.[row] === DENY) {
      if (types?.[row] === request) onDenied(textOf(sources, row), textOf(destinations, row))
      continue
    }
    const point = pointsHere[exporters[row]!] ?? points.of(identity)
    pointsHere[exporters[row]!] = point
    point.records++
    point.lastReceivedMilliseconds = received[row]!
    const [there, back] = [counterAt(packets, row), counterAt(reversePackets, row)]
    const isTyped = types !== undefined && from !== undefined && from[row] !== 0
    // Of ICMP only queries are answered, echo and (of fixed size) time and mask: a session with packets both ways is one.
    const type = isTyped ? types[row]! : there > 0 && back > 0 ? request : -1
    if (type !== request && type !== reply) continue
    point.isTypeObserved = true
    const end = ends?.[row] || received[row]!
    const slice = (count: number, volume: number): Slice => ({
      packets: count,
      octets: volume,
      startMilliseconds: starts?.[row] || end,
      endMilliseconds: end,
      receivedMilliseconds: received[row]!,
      row: numberOf(row),
    })
    const forward = slice(there, counterAt(octets, row))
    const backward = slice(back, counterAt(reverseOctets, row))
    if (forward.packets === 0 && backward.packets === 0) continue
    const [requests, replies] = type === request ? [forward, backward] : [backward, forward]
    const source = { planes: sources, row }
    const destination = { planes: destinations, row }
    const [requester, responder] = type === request ? [source, destination] : [destination, source]
    const pair = points.pairFor(point, family, requester, responder, received[row]!)
    if (pair === undefined) continue
    if (requests.packets > 0) take(points, pair, 'request', requests, SESSION_LOG, true)
    if (replies.packets > 0) take(points, pair, 'reply', replies, SESSION_LOG, true)
    if (requests.packets === 0 || replies.packets === 0) continue
    if (phases?.[row] === UPDATE) pair.session.hasParts = true
    const missing = pair.session.hasParts
      ? 1
      : replies.packets > requests.packets
        ? Math.ceil(replies.packets * EXCUSED_SHARE)
        : 0
    if (!canMirror(requests, replies, missing, limitsOf(pair.responder)))
      addMisaligned(pair.session, requests, replies)
  }
}
