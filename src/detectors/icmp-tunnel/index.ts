/**
 * ICMP tunnelling (AN1258): echo traffic whose replies do not return their requests' data, whatever its sizes and delays,
 * as long as one exporter counts both directions without sampling; replies, types and errors without a cause; and, once
 * a site is known, pings that no monitor of it sends. A channel whose far end just echoes is a ping in counters. Sources: RFC 792, RFC 4443; ATT&CK DET0457.
 */
import type { Observation } from '../../findings/finding.js'
import { attackNetworkDevices, type Detector, type Judge, type Surroundings } from '../detector.js'
import { coverageObservations } from './coverage.js'
import { observeEchoes } from './echoes.js'
import { observeFirewallSessions } from './firewall-sessions.js'
import { createMessages, flowColumns } from './messages.js'
import { type EchoLimits, ipv4EchoLimits, ipv6EchoLimits } from './mirror.js'
import { ICMP_TUNNEL, pairKey } from './names.js'
import { createPoints, type Pair, type Point } from './points.js'
import { type RepliesOnly, unaskedReplies } from './replies-only.js'
import { closesAt } from './session.js'
import { judge } from './session-verdict.js'
import { Settings } from './settings.js'
import { createStreams, faultsOfLearned } from './streams.js'
import { note, observationOf, type Subject } from './subjects.js'
import { isTrusted, looksSampledThroughout, seemsSampled } from './suspicion.js'
import { recount } from './tally.js'
import { createNeighbours, isSeenTwoSided } from './views.js'

/** A session without news for so long is judged once more, as closed. */
const QUIET_MILLISECONDS = 60_000

export const icmpTunnel: Detector = {
  id: ICMP_TUNNEL,
  title: 'ICMP tunnelling',
  description:
    "An echo reply returns its request's data, so over any time both directions of a true ping have equal octets but for packets that went unanswered. A tunnel answers with data of its own. Judged as records come, with guards for late and lost records, double and one-sided metering, and sampling.",
  attack: attackNetworkDevices,
  streams: ['exporterEvent', 'icmp4', 'icmp6', 'flow4', 'flow6'],
  needs: [
    { column: 'icmpType', isRequired: true, why: 'requests and replies cannot be told apart' },
    { column: 'octets', isRequired: true, why: 'the invariant compares octets' },
    { column: 'packets', isRequired: true, why: 'the invariant compares packets' },
    {
      column: 'startMilliseconds',
      isRequired: true,
      why: 'late and lost records cannot be told from a tunnel',
    },
    {
      column: 'endMilliseconds',
      isRequired: true,
      why: 'late and lost records cannot be told from a tunnel',
    },
    { column: 'samplingInterval', isRequired: false, why: 'sampling must then be inferred' },
    { column: 'ingressInterface', isRequired: false, why: 'copies from two metering points look alike' },
    { column: 'payloadEntropy', isRequired: false, why: 'what echo requests carry cannot be observed' },
  ],
  settings: Settings,
  lookbackMilliseconds: 2 * 3_600_000,
  settleMilliseconds: 3 * 60_000,
  faultsOf: faultsOfLearned,
  start: (settings, surroundings) => createJudge(settings as Settings, surroundings),
}

function createJudge(settings: Settings, surroundings: Surroundings): Judge {
  const { context } = surroundings
  const points = createPoints(context.isInside)
  const subjects = new Map<string, Subject>()
  const streams = createStreams(settings, surroundings)
  const messages = createMessages({ isGateway: context.isGateway, isExporter: points.isExporter })
  const most = settings.maximumEchoOctets
  const [limits4, limits6] = [
    { ...ipv4EchoLimits, most },
    { ...ipv6EchoLimits, most },
  ]
  const limitsOf = (responder: string): EchoLimits => (responder.includes(':') ? limits6 : limits4)

  /** Judges what a point has of a pair; the subject when there is news of it. */
  function judgePair(
    pair: Pair,
    trust: { readonly isSuspect: boolean; readonly isTrusted: boolean },
    atMilliseconds: number,
  ): Subject | undefined {
    const { point, session } = pair
    const hadNews = session.changed
    if (!hadNews && atMilliseconds - pair.lastReceivedMilliseconds > QUIET_MILLISECONDS)
      session.closedJudged = true
    const verdict = judge(session, {
      limits: limitsOf(pair.responder),
      atMilliseconds,
      samplingInterval: point.samplingInterval,
      isSuspect: trust.isSuspect,
      isTrusted: trust.isTrusted,
      isTypeObserved: point.isTypeObserved,
      zThreshold: settings.sampledReplyExcessZ,
    })
    const subject = note(subjects, pair, verdict)
    return subject !== undefined && (hadNews || verdict.state === 'broken') ? subject : undefined
  }

  /** Judges the pairs of a point of which there is news, and those whose time has come. */
  function judgePoint(
    point: Point,
    atMilliseconds: number,
    changed: Set<Subject>,
    unasked: RepliesOnly[],
  ): void {
    if (point.active.size === 0) return
    for (const pair of point.active) if (pair.session.changed) recount(pair)
    const isSuspect = seemsSampled(point)
    const trust = { isSuspect, isTrusted: isTrusted(point) }
    const neighbours = createNeighbours(() => points.pairsOf(point))
    const isWhole = !isSuspect && point.samplingInterval <= 1 && point.isTypeObserved
    for (const pair of point.active) {
      const { session } = pair
      if (!session.changed && atMilliseconds < pair.dueMilliseconds) continue
      const isTwoSided = isWhole && isSeenTwoSided(point, pair)
      streams.take(pair, { point, isTwoSided })
      const replies = isTwoSided
        ? unaskedReplies(pair, neighbours, points.reverseOf, atMilliseconds)
        : undefined
      if (replies !== undefined) unasked.push(replies)
      const subject = judgePair(pair, trust, atMilliseconds)
      if (subject !== undefined) changed.add(subject)
      if (session.closedJudged) point.active.delete(pair)
      else {
        const closes = closesAt(session)
        pair.dueMilliseconds =
          closes > atMilliseconds ? closes : pair.lastReceivedMilliseconds + QUIET_MILLISECONDS + 1
      }
    }
  }

  return {
    wants(stream) {
      if (stream !== 'flow4' && stream !== 'flow6') return true
      return messages.wantsFlows ? flowColumns : false
    },
    observe({ block, rows }) {
      const { name } = block.header.stream
      if (name === 'exporterEvent') points.observeEvents(block, rows)
      else if (name === 'icmp4' || name === 'icmp6') {
        observeEchoes(points, messages, block, rows, limitsOf)
        observeFirewallSessions(points, block, rows, limitsOf, streams.noteDenied)
      } else messages.observeFlows(block, rows)
    },
    evaluate(atMilliseconds) {
      const changed = new Set<Subject>()
      const unasked: RepliesOnly[] = []
      points.forget(atMilliseconds)
      for (const point of points.all()) judgePoint(point, atMilliseconds, changed, unasked)
      const isBroken = (key: string) => subjects.has(key)
      const observations: Observation[] = [...changed].map((subject) => observationOf(subject))
      for (const { key, observation } of unasked) if (!isBroken(key)) observations.push(observation)
      return [
        ...observations,
        ...streams.evaluate(atMilliseconds, isBroken),
        ...messages.evaluate(atMilliseconds),
        ...coverageObservations(
          points,
          atMilliseconds,
          (point) => seemsSampled(point) || looksSampledThroughout(point),
        ),
      ]
    },
    learned: streams.learned,
    explain: ({ source, destination }, atMilliseconds) => {
      const key = pairKey(source, destination)
      const explanation = streams.explain(source, destination, atMilliseconds)
      if (!subjects.has(key)) return explanation
      return {
        isUsual: false,
        facts: ['replies of the pair do not return what its requests sent', ...explanation.facts],
      }
    },
  }
}
