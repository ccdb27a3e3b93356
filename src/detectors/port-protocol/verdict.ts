/**
 * Judges a pair: which kind of evidence there is, which second facts stand beside it, and what they are worth. Pure but
 * for reading the pair's columns. Nothing is raised on the pairing alone.
 */

import type { Severity } from '../../findings/finding.js'
import { registeredService } from '../../iana/services.js'
import { isUsualPort, TCP } from './expected.js'
import { Kind, type Pairs } from './pairs.js'
import { MAX_TESTS, measureNames, type ShapeTest } from './profiles.js'
import type { Settings } from './settings.js'
import { at, effectiveBound, headerOctets, profileOf } from './shapes.js'

/** Slower than any voice codec's stream (G.729: 24 kbit/s with headers), so neither a call nor a download. */
export const SLOW_OCTETS_PER_SECOND = 2000
/** Conversations from which a proxy's port is more than a probe. */
const PROXY_CONVERSATIONS = 5
/** Packets each way of a rare protocol before it is more than a probe. */
const RARE_PACKETS = 10
/** Octets of payload each way that make a conversation more than a handshake, a reset or a probe. */
const ENOUGH_PAYLOAD = 100
/** A client that sends a megabyte, and four times what it gets, hands something over. */
const UPLOAD_OCTETS = 1_000_000
const UPLOAD_RATIO = 4
/** Of a pair's conversations, those that must meet a test that asks for repeats. */
const REPEAT_SHARE = 0.8
/** What is found between two hosts inside is worth this much of the same towards outside. */
const INSIDE_WEIGHT = 0.6

export type Reason = { code: string; value?: unknown; threshold?: unknown }

export type Verdict = {
  readonly kind: keyof typeof Kind
  readonly severity: Severity
  readonly score: number
  readonly subScores: Record<string, number>
  readonly reasons: Reason[]
}

/** What is known of a pair beside its columns. */
export type PairFacts = {
  readonly protocolIdentifier: number
  readonly family: 4 | 6
  readonly port: number
  readonly isOutbound: boolean
  readonly clients: number
  readonly nameText: string
  /** Sums are scaled by it where they must not be too small; 0 when not told. */
  readonly samplingInterval: number
}

type Facts = {
  external: boolean
  long: boolean
  periodic: boolean
  few: boolean
  upload: boolean
  scores: Record<string, number>
  reasons: Reason[]
}

type Candidate = {
  kind: keyof typeof Kind
  evidence: number
  most: Severity
  reasons: Reason[]
  isAboutDuration: boolean
}

/** What the pair amounts to; undefined when nothing is to be raised. */
export function judgePair(
  pairs: Pairs,
  pair: number,
  of: PairFacts,
  settings: Settings,
): Verdict | undefined {
  const facts = factsOf(pairs, pair, of, settings)
  let best: Verdict | undefined
  for (const candidate of candidatesOf(pairs, pair, of, facts, settings)) {
    const verdict = weigh(candidate, facts)
    if (best === undefined || verdict.score > best.score) best = verdict
  }
  return best
}

function factsOf(pairs: Pairs, pair: number, of: PairFacts, settings: Settings): Facts {
  const seconds = pairs.longestSession.values[pair]! / 1000
  const regularity = pairs.regularity(pair)
  const [up, down] = [pairs.upOctets.values[pair]!, pairs.downOctets.values[pair]!]
  const facts: Facts = {
    external: of.isOutbound,
    long: seconds >= settings.SessionDurationThreshold,
    periodic: regularity !== undefined && regularity.spread <= settings.periodicSpread,
    few: of.clients <= settings.fewClients,
    upload: up >= UPLOAD_OCTETS && up >= UPLOAD_RATIO * down,
    scores: {},
    reasons: [],
  }
  const { scores, reasons } = facts
  scores['external'] = facts.external ? 1 : 0
  scores['long'] = round(Math.min(1, seconds / 3600))
  scores['periodic'] = facts.periodic ? round(1 - regularity!.spread) : 0
  scores['fewClients'] = facts.few ? 1 : 0
  scores['upload'] = facts.upload ? 1 : 0
  if (facts.external) reasons.push({ code: 'external-server', value: true })
  if (facts.long)
    reasons.push({
      code: 'long-session',
      value: round(seconds),
      threshold: settings.SessionDurationThreshold,
    })
  if (facts.periodic) {
    reasons.push({ code: 'periodic-interval', value: round(regularity!.median / 1000) })
    reasons.push({
      code: 'periodic-spread',
      value: round(regularity!.spread),
      threshold: settings.periodicSpread,
    })
  }
  if (facts.few) reasons.push({ code: 'few-clients', value: of.clients, threshold: settings.fewClients })
  if (facts.upload) reasons.push({ code: 'mostly-upload', value: up, threshold: UPLOAD_OCTETS })
  return facts
}

function candidatesOf(
  pairs: Pairs,
  pair: number,
  of: PairFacts,
  facts: Facts,
  settings: Settings,
): Candidate[] {
  const kinds = pairs.kinds.values[pair]!
  const { protocolIdentifier, port } = of
  const found: Candidate[] = []
  const isCertain = pairs.isCertain.values[pair] === 1
  const hasData = carriesData(pairs, pair, of)
  const second = facts.external || facts.long || facts.periodic || facts.upload
  if (kinds & (Kind.named | Kind.serviceNamed) && isCertain && hasData && second) {
    const isNamed = (kinds & Kind.named) !== 0
    const isTaken = isUsualPort(protocolIdentifier, port)
    found.push({
      kind: isNamed ? 'named' : 'serviceNamed',
      evidence: isNamed ? (isTaken ? 1 : 0.7) : 0.5,
      most: isNamed ? 'high' : 'medium',
      isAboutDuration: false,
      reasons: [
        { code: isNamed ? 'application-on-other-port' : 'service-name-on-other-port', value: of.nameText },
        portOwner(protocolIdentifier, port),
      ],
    })
  }
  if (kinds & Kind.shape) found.push(...shapeCandidates(pairs, pair, of, facts, settings))
  const conversations = pairs.conversations.values[pair]!
  if (
    kinds & Kind.proxy &&
    hasData &&
    facts.external &&
    (conversations >= PROXY_CONVERSATIONS || facts.long)
  ) {
    found.push({
      kind: 'proxy',
      evidence: 0.35,
      most: 'low',
      isAboutDuration: false,
      reasons: [
        { code: 'proxy-port', value: port },
        { code: 'conversations', value: conversations, threshold: PROXY_CONVERSATIONS },
      ],
    })
  }
  const seconds = Math.max(1, pairs.longestSession.values[pair]! / 1000)
  const octets = pairs.upOctets.values[pair]! + pairs.downOctets.values[pair]!
  const pace = (octets * Math.max(1, of.samplingInterval)) / seconds
  const longest = pairs.longestConversation.values[pair]! / 1000
  const isKept = facts.periodic || longest >= settings.SessionDurationThreshold
  if (
    kinds & Kind.registry &&
    hasData &&
    facts.external &&
    facts.few &&
    isKept &&
    pace < SLOW_OCTETS_PER_SECOND
  ) {
    found.push({
      kind: 'registry',
      evidence: 0.4,
      most: 'low',
      isAboutDuration: !facts.periodic,
      reasons: [
        portOwner(protocolIdentifier, port),
        { code: 'slow-exchange', value: round(pace), threshold: SLOW_OCTETS_PER_SECOND },
      ],
    })
  }
  const [up, down] = [pairs.upPackets.values[pair]!, pairs.downPackets.values[pair]!]
  const isRare = kinds & Kind.rareProtocol && pairs.isHost.values[pair] === 1
  if (isRare && up >= RARE_PACKETS && down >= RARE_PACKETS && (facts.external || facts.long)) {
    found.push({
      kind: 'rareProtocol',
      evidence: 0.4,
      most: 'low',
      isAboutDuration: false,
      reasons: [
        { code: 'rare-protocol', value: protocolIdentifier },
        { code: 'packets-each-way', value: Math.min(up, down), threshold: RARE_PACKETS },
      ],
    })
  }
  return found
}

function shapeCandidates(
  pairs: Pairs,
  pair: number,
  of: PairFacts,
  facts: Facts,
  settings: Settings,
): Candidate[] {
  const profile = profileOf(of.protocolIdentifier, of.port)
  if (profile === undefined) return []
  const found: Candidate[] = []
  const conversations = pairs.conversations.values[pair]!
  for (let index = 0; index < profile.tests.length; index++) {
    const test = profile.tests[index]!
    const hits = pairs.hits.values[pair * MAX_TESTS + index]!
    if (hits < test.repeats || (test.repeats > 1 && hits < conversations * REPEAT_SHARE)) continue
    const ownLong = facts.long && !test.isAboutDuration
    const isBacked =
      test.strength === 'strong'
        ? facts.external || facts.periodic || facts.upload || ownLong
        : facts.external && facts.few && (test.isAboutDuration || facts.periodic || facts.long)
    if (!isBacked) continue
    const measured = (pair * MAX_TESTS + index) * measureNames.length
    found.push({
      kind: 'shape',
      evidence: test.strength === 'strong' ? 0.85 : 0.45,
      most: test.strength === 'weak' || !facts.external ? 'low' : 'medium',
      isAboutDuration: test.isAboutDuration,
      reasons: [
        { code: test.code, value: test.because, threshold: profile.service },
        ...boundReasons(test, pairs.seen.values, measured, settings),
        ...(test.repeats > 1
          ? [{ code: 'conversations-of-this-shape', value: hits, threshold: test.repeats }]
          : []),
      ],
    })
  }
  return found
}

function boundReasons(test: ShapeTest, seen: Float64Array, offset: number, settings: Settings): Reason[] {
  return test.all.map((bound) => {
    const { measure, atLeast, atMost } = effectiveBound(bound, settings.SessionDurationThreshold)
    return {
      code: `measured-${measure}`,
      value: round(seen[offset + at[measure]]!),
      threshold: atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`,
    }
  })
}

function portOwner(protocolIdentifier: number, port: number): Reason {
  const service = registeredService(protocolIdentifier, port)
  const isTaken = isUsualPort(protocolIdentifier, port)
  return {
    code: isTaken ? 'port-of-another-service' : 'port-without-usual-service',
    value: service === undefined ? 'not registered' : `registered for ${service}`,
  }
}

/** Both sides sent data, beyond handshakes and resets. */
function carriesData(pairs: Pairs, pair: number, { family, protocolIdentifier }: PairFacts): boolean {
  const header = headerOctets(family, protocolIdentifier)
  // TCP segments commonly carry 12 octets of timestamps, and opening ones 20 octets of options.
  const options = protocolIdentifier === TCP ? 12 : 0
  const up = pairs.upOctets.values[pair]! - (header + options) * pairs.upPackets.values[pair]!
  const down = pairs.downOctets.values[pair]! - (header + options) * pairs.downPackets.values[pair]!
  return up >= ENOUGH_PAYLOAD && down >= ENOUGH_PAYLOAD
}

const factWeights: Readonly<Record<string, number>> = {
  external: 0.35,
  periodic: 0.25,
  long: 0.15,
  fewClients: 0.15,
  upload: 0.1,
}

function weigh(candidate: Candidate, facts: Facts): Verdict {
  const subScores: Record<string, number> = { pairing: candidate.evidence, ...facts.scores }
  if (candidate.isAboutDuration) subScores['long'] = 0
  let second = 0
  for (const [name, weight] of Object.entries(factWeights)) second += weight * subScores[name]!
  const place = facts.external ? 1 : INSIDE_WEIGHT
  const score = Math.round(100 * candidate.evidence * place * (0.5 + 0.5 * second))
  const byScore: Severity = score >= 70 ? 'high' : score >= 40 ? 'medium' : 'low'
  const ranks: readonly Severity[] = ['low', 'medium', 'high']
  const severity = ranks[Math.min(ranks.indexOf(byScore), ranks.indexOf(candidate.most))]!
  return {
    kind: candidate.kind,
    severity,
    score,
    subScores,
    reasons: [...candidate.reasons, ...facts.reasons],
  }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
