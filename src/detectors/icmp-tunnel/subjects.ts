/** Pairs whose echo traffic was found not to mirror, over all points that see them, and what is told of them. */
import { type Evidence, findingId, MAX_EVIDENCE, type Observation } from '../../findings/finding.js'
import { formatAddress } from '../../records/address.js'
import { attackNetworkDevices } from '../detector.js'
import { ECHO_TYPES } from './echoes.js'
import type { Slice } from './mirror.js'
import { ICMP_TUNNEL } from './names.js'
import type { Pair, Point } from './points.js'
import type { Session } from './session.js'
import type { Verdict } from './session-verdict.js'

/** What is kept of a pair that was found to tunnel, over all points that see it. */
export type Subject = {
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

/** Of the finding about a pair, whatever it rests on. */
export function pairId(one: string, other: string): string {
  return findingId(ICMP_TUNNEL, { pair: [one, other].sort() })
}

/** Takes a verdict to the pair's subject, which is made when the first point finds it broken. */
export function note(subjects: Map<string, Subject>, pair: Pair, verdict: Verdict): Subject | undefined {
  const { point } = pair
  // Both hosts may ping each other: one finding a pair, whoever asks.
  const { key } = pair
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
    subject.evidence = evidenceOf(pair)
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

export function evidenceOf({ point, requester, responder, session }: Pair): Evidence[] {
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
  'replies-of-another-size': 'all requests have one size, and all replies a longer one',
  'closed-session-differs': 'the sums of a whole session do not mirror',
  'covered-time-differs': 'replies within the time that requests cover do not mirror, twice running',
  'sampled-replies-exceed': 'sampled replies exceed sampled requests beyond chance',
}

export function observationOf(subject: Subject): Observation {
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
    id: pairId(requester, responder),
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
