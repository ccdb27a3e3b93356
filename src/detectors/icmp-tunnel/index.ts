/**
 * ICMP tunnelling (AN1258): echo traffic whose replies do not return their requests' data. Sees the tunnel whatever its
 * sizes and delays, as long as one exporter counts both directions without sampling. Cannot see a channel whose far end
 * just echoes or stays silent: in counters that is a monitoring ping. Sources: RFC 792, RFC 4443; ATT&CK DET0457.
 */
import { Type } from 'typebox'
import { type Evidence, findingId, MAX_EVIDENCE, type Observation } from '../../findings/finding.js'
import { formatAddress } from '../../records/address.js'
import { attackNetworkDevices, type Detector, type Judge } from '../detector.js'
import { coverageObservations } from './coverage.js'
import { ECHO_TYPES, observeEchoes } from './echoes.js'
import { observeFirewallSessions } from './firewall-sessions.js'
import { type EchoLimits, ipv4EchoLimits, ipv6EchoLimits, type Slice } from './mirror.js'
import { createPoints, type Pair, type Point } from './points.js'
import { judge, type Session, unexplainedReplies, type Verdict } from './session.js'

export const ICMP_TUNNEL = 'icmp-tunnel'

const Settings = Type.Object(
  {
    sampledReplyExcessZ: Type.Number({
      default: 4,
      minimum: 3,
      description: 'standard deviations by which sampled replies must exceed sampled requests',
    }),
    maximumEchoOctets: Type.Integer({
      default: 1500,
      minimum: 576,
      maximum: 65535,
      description: 'largest IP packet on the paths that are watched (jumbo frames: 9000)',
    }),
  },
  { additionalProperties: false },
)

export const icmpTunnel: Detector = {
  id: ICMP_TUNNEL,
  title: 'ICMP tunnelling',
  description:
    "An echo reply returns its request's data, so over any time both directions of a true ping have equal octets but for packets that went unanswered. A tunnel answers with data of its own. Judged minute by minute, with guards for late and lost records, double and one-sided metering, and sampling.",
  attack: attackNetworkDevices,
  streams: ['exporterEvent', 'icmp4', 'icmp6'],
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
  ],
  settings: Settings,
  lookbackMilliseconds: 2 * 3_600_000,
  settleMilliseconds: 3 * 60_000,
  start: (settings) => createJudge(settings as { sampledReplyExcessZ: number; maximumEchoOctets: number }),
}

/** What is kept of a pair that was found to tunnel, over all points that see it. */
type Subject = {
  readonly requester: string
  readonly responder: string
  firstSeenMilliseconds: number
  lastSeenMilliseconds: number
  /** By point. */
  readonly verdicts: Map<string, { point: Point; verdict: Verdict; isBroken: boolean }>
  evidence: Evidence[]
  packets: number
  octets: number
  excessOctets: number
}

function createJudge(settings: { sampledReplyExcessZ: number; maximumEchoOctets: number }): Judge {
  const points = createPoints()
  const subjects = new Map<string, Subject>()
  const limitsOf = (responder: string): EchoLimits => {
    const base = responder.includes(':') ? ipv6EchoLimits : ipv4EchoLimits
    return { ...base, most: settings.maximumEchoOctets }
  }
  return {
    observe({ block, rows }) {
      if (block.header.stream.name === 'exporterEvent') points.observeEvents(block, rows)
      else {
        observeEchoes(points, block, rows)
        observeFirewallSessions(points, block, rows, limitsOf)
      }
    },
    evaluate(atMilliseconds) {
      const changed = new Set<Subject>()
      for (const point of points.all()) {
        const isSuspect = seemsSampled(point)
        for (const [key, pair] of point.pairs) {
          const { session } = pair
          if (!session.changed && session.closedJudged) {
            if (atMilliseconds - pair.lastReceivedMilliseconds > 2 * 3_600_000) point.pairs.delete(key)
            continue
          }
          if (!session.changed && atMilliseconds - pair.lastReceivedMilliseconds > 60_000)
            session.closedJudged = true
          const hadNews = session.changed
          const verdict = judge(session, {
            limits: limitsOf(pair.responder),
            atMilliseconds,
            samplingInterval: point.samplingInterval,
            isSuspect,
            isTypeObserved: point.isTypeObserved,
            zThreshold: settings.sampledReplyExcessZ,
          })
          const subject = note(subjects, point, pair, verdict)
          if (subject !== undefined && (hadNews || verdict.state === 'broken')) changed.add(subject)
        }
      }
      const observations: Observation[] = []
      for (const subject of changed) observations.push(observationOf(subject))
      return [...observations, ...coverageObservations(points, atMilliseconds, seemsSampled)]
    },
  }
}

/** Pairs of equal packet sizes whose replies exceed their requests, beyond which an exporter is not believed. */
const SUSPECT_PAIRS = 3
const SUSPECT_SHARE = 0.1

/**
 * Guard 5: an exporter that samples, or sees one direction only in part, shows more replies than requests on pings that
 * carry nothing (equal sizes both ways). One such pair is a duplicate or a drop; many are the exporter.
 */
function seemsSampled(point: Point): boolean {
  let judged = 0
  let odd = 0
  for (const { session } of point.pairs.values()) {
    const { requests, replies } = session
    if (requests.records === 0 || replies.records === 0 || requests.size !== replies.size) continue
    judged++
    if (unexplainedReplies(session) > Math.max(2, replies.packets * 0.02)) odd++
  }
  return odd >= SUSPECT_PAIRS && odd > judged * SUSPECT_SHARE
}

/** Takes a verdict to the pair's subject, which is made when the first point finds it broken. */
function note(
  subjects: Map<string, Subject>,
  point: Point,
  pair: Pair,
  verdict: Verdict,
): Subject | undefined {
  // Both hosts may ping each other: one finding a pair, whoever asks.
  const key = [pair.requester, pair.responder].sort().join(' ')
  let subject = subjects.get(key)
  if (subject === undefined) {
    if (verdict.state !== 'broken') return undefined
    subject = {
      requester: pair.requester,
      responder: pair.responder,
      firstSeenMilliseconds: Number.POSITIVE_INFINITY,
      lastSeenMilliseconds: 0,
      verdicts: new Map(),
      evidence: [],
      packets: 0,
      octets: 0,
      excessOctets: 0,
    }
    subjects.set(key, subject)
  }
  if (pair.requester !== subject.requester) return subject
  const before = subject.verdicts.get(point.key)
  const isBroken = verdict.state === 'broken' || (before?.isBroken ?? false)
  subject.verdicts.set(point.key, {
    point,
    verdict: verdict.state === 'broken' || before === undefined ? verdict : before.verdict,
    isBroken,
  })
  const { requests, replies } = pair.session
  const first = Math.min(requests.firstMilliseconds, replies.firstMilliseconds)
  subject.firstSeenMilliseconds = Math.min(
    subject.firstSeenMilliseconds,
    first > 0 ? first : pair.lastReceivedMilliseconds,
  )
  subject.lastSeenMilliseconds = Math.max(
    subject.lastSeenMilliseconds,
    requests.lastMilliseconds,
    replies.lastMilliseconds,
  )
  if (verdict.state === 'broken') {
    subject.evidence = evidenceOf(point, pair)
    subject.packets = requests.packets + replies.packets
    subject.octets = requests.octets + replies.octets
    subject.excessOctets = Math.max(subject.excessOctets, carriedOctets(pair.session, verdict))
  }
  return subject
}

/** Octets that the echo traffic carried beyond what mirroring explains; a lower bound. */
function carriedOctets(session: Session, verdict: Verdict): number {
  const aligned = session.misaligned.reduce(
    (sum, { request, reply }) => sum + Math.abs(reply.octets - request.octets),
    0,
  )
  return Math.max(aligned, Math.abs(verdict.d))
}

function evidenceOf(point: Point, { requester, responder, session }: Pair): Evidence[] {
  const family = responder.includes(':') ? 6 : 4
  const of = (slice: Slice, isRequest: boolean): Evidence => ({
    receivedMilliseconds: slice.receivedMilliseconds,
    ...(slice.startMilliseconds > 0 ? { startMilliseconds: slice.startMilliseconds } : {}),
    ...(slice.endMilliseconds > 0 ? { endMilliseconds: slice.endMilliseconds } : {}),
    exporterAddress: formatAddress(point.identity.address),
    listenerPort: point.identity.listenerPort,
    observationDomainId: point.identity.observationDomainId,
    row: slice.row,
    sourceAddress: isRequest ? requester : responder,
    destinationAddress: isRequest ? responder : requester,
    protocolIdentifier: family === 6 ? 58 : 1,
    icmpType: isRequest ? ECHO_TYPES[family].request : ECHO_TYPES[family].reply,
    icmpCode: 0,
    octets: slice.octets,
    packets: slice.packets,
  })
  const half = MAX_EVIDENCE / 2
  return [
    ...session.requests.slices.slice(-half).map((slice) => of(slice, true)),
    ...session.replies.slices.slice(-half).map((slice) => of(slice, false)),
  ].sort((a, b) => Number(a.row) - Number(b.row))
}

const verdictTexts: Readonly<Record<string, string>> = {
  'aligned-records-differ': 'request and reply records of the very same packets differ in octets',
  'closed-session-differs': 'the sums of a whole session do not mirror',
  'covered-time-differs': 'replies within the time that requests cover do not mirror, twice running',
  'sampled-replies-exceed': 'sampled replies exceed sampled requests beyond chance',
}

function observationOf(subject: Subject): Observation {
  const { requester, responder } = subject
  const verdicts = [...subject.verdicts.values()].sort((a, b) => (a.point.key < b.point.key ? -1 : 1))
  const broken = verdicts.filter(({ isBroken }) => isBroken)
  const exact = broken.filter(({ verdict }) => verdict.code !== 'sampled-replies-exceed')
  // A point of equal standing that saw the same packets mirror: something is wrong with one of the two.
  const dissent = verdicts.some(({ verdict, isBroken }) => !isBroken && verdict.state === 'mirrors')
  const decisive = (exact[0] ?? broken[0])!
  const volume = Math.min(1, Math.log10(1 + subject.excessOctets) / 7)
  const duration = Math.min(
    1,
    Math.max(0, subject.lastSeenMilliseconds - subject.firstSeenMilliseconds) / 3_600_000,
  )
  const mirror = exact.length > 0 ? (dissent ? 0.6 : 1) : 0.5
  const severity = exact.length > 0 && !dissent ? 'high' : 'medium'
  const { verdict } = decisive
  const family = responder.includes(':') ? 6 : 4
  const quality = [
    ...(exact.length === 0 ? [{ code: 'sampled', text: 'every exporter that saw the pair sampled it' }] : []),
    ...(dissent ? [{ code: 'exporters-disagree', text: 'another exporter saw the same pair mirror' }] : []),
    ...(decisive.point.gaps > 0
      ? [{ code: 'records-missing', text: `${decisive.point.gaps} sequence gaps at the exporter` }]
      : []),
  ]
  return {
    kind: 'finding',
    id: findingId(ICMP_TUNNEL, { pair: [requester, responder].sort() }),
    detector: ICMP_TUNNEL,
    severity,
    score: Math.round(70 * mirror + 20 * volume + 10 * duration),
    title: `ICMP${family === 6 ? 'v6' : ''} echo between ${requester} and ${responder} carries data`,
    sourceAddresses: [requester],
    destinationAddresses: [responder],
    protocolIdentifier: family === 6 ? 58 : 1,
    firstSeenMilliseconds: subject.firstSeenMilliseconds,
    lastSeenMilliseconds: subject.lastSeenMilliseconds,
    exporters: verdicts.map(({ point, verdict: own }) => ({
      address: formatAddress(point.identity.address),
      listenerPort: point.identity.listenerPort,
      observationDomainId: point.identity.observationDomainId,
      bothDirections: own.code !== 'one-sided',
      ...(point.samplingInterval > 0 ? { samplingInterval: point.samplingInterval } : {}),
    })),
    evidenceQuality: { level: quality.length === 0 ? 'good' : 'degraded', reasons: quality },
    reasons: [
      { code: verdict.code, value: verdictTexts[verdict.code] ?? verdict.code },
      { code: 'request-minus-reply-packets', value: verdict.k, threshold: 0 },
      { code: 'request-minus-reply-octets', value: verdict.d, threshold: 0 },
      { code: 'replies-that-may-lack-their-request', value: verdict.missingRequests },
      { code: 'octets-carried-at-least', value: subject.excessOctets },
    ],
    subScores: { mirror, volume: round(volume), duration: round(duration) },
    attack: attackNetworkDevices,
    evidence: subject.evidence,
  }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
