/** What is told of a pair by its behaviour, and what would end it. */
import type { Evidence, Observation } from '../../findings/finding.js'
import { formatAddress } from '../../records/address.js'
import { attackNetworkDevices } from '../detector.js'
import { type Behaviour, type Fact, isCarrying, type PairSurroundings } from './behaviour.js'
import { type History, MIXED } from './histories.js'
import { ICMP_TUNNEL } from './names.js'
import type { Point } from './points.js'
import { pairId } from './subjects.js'

export function streamObservation(
  history: History,
  behaviour: Behaviour,
  around: PairSurroundings,
  point: Point,
  evidence: readonly Evidence[],
): Observation {
  const { score, severity, behaviours, context } = behaviour
  const { requester, responder, size } = history
  const family = responder.includes(':') ? 6 : 4
  const isOneWay = behaviours.some(({ code }) => code === 'unanswered-stream')
  const hasPayload = behaviours.some(({ code }) => code === 'payload-entropy')
  const what = hasPayload
    ? `echo requests from ${requester} to ${responder} carry something else than a ping does`
    : isOneWay
      ? `one-way echo stream from ${requester} to ${responder}`
      : size === MIXED
        ? `echo requests of changing sizes from ${requester} to ${responder}`
        : `unsanctioned monitor: ${requester} pings ${responder}`
  const quality = [
    ...(around.isSampled ? [{ code: 'sampled', text: 'the exporter samples' }] : []),
    ...(around.isMature
      ? []
      : [{ code: 'learning', text: 'the learning period has not passed: little is known of what is usual' }]),
    {
      code: 'mirrors',
      text: 'counters cannot tell an answered channel from a ping: look at the host, or at packets',
    },
  ]
  const octets = size > 0 ? `, octets ${size}` : ''
  const reasonOf = ({ code, value, threshold }: Fact) => ({
    code,
    value,
    ...(threshold === undefined ? {} : { threshold }),
  })
  return {
    kind: 'finding',
    id: pairId(requester, responder),
    detector: ICMP_TUNNEL,
    severity,
    score,
    title: what,
    sourceAddresses: [requester],
    destinationAddresses: [responder],
    protocolIdentifier: family === 6 ? 58 : 1,
    firstSeenMilliseconds: history.firstMilliseconds,
    lastSeenMilliseconds: history.lastMilliseconds,
    exporters: [
      {
        address: formatAddress(point.identity.address),
        listenerPort: point.identity.listenerPort,
        observationDomainId: point.identity.observationDomainId,
        bothDirections: history.replyPackets > 0,
        ...(point.samplingInterval > 0 ? { samplingInterval: point.samplingInterval } : {}),
      },
    ],
    evidenceQuality: { level: 'degraded', reasons: quality },
    reasons: [
      ...behaviours.map(reasonOf),
      ...context.map(reasonOf),
      ...(isCarrying(behaviour)
        ? []
        : [
            {
              code: 'to-sanction',
              value: `a sanctioned monitor with source ${requester}, target ${responder}${octets} ends this finding; so does the role monitor for ${requester}`,
            },
          ]),
    ],
    subScores: {
      behaviour: behaviours.reduce((sum, { points }) => sum + points, 0),
      context: context.reduce((sum, { points }) => sum + points, 0),
    },
    attack: attackNetworkDevices,
    evidence: [...evidence],
  }
}
