/** The kinds of evidence that a pair can give, each with the second facts that it asks for and its worth. */
import type { Severity } from '../../findings/finding.js'
import { registeredService } from '../../iana/services.js'
import { isUsualPort, roams, UDP } from './expected.js'
import { carriesData, type Facts, type PairFacts, type Reason, round } from './facts.js'
import { Kind, type Pairs } from './pairs.js'
import { rarityReasons } from './placed-here.js'
import type { Settings } from './settings.js'
import { MAX_TESTS, type Measure, type ShapeTest } from './shape-test.js'
import { at, effectiveBound, profileOf } from './shapes.js'

/** Slower than any voice codec's stream (G.729: 24 kbit/s with headers), so neither a call nor a download. */
const SLOW_OCTETS_PER_SECOND = 2000
/** Conversations from which a proxy's port is more than a probe. */
const PROXY_CONVERSATIONS = 5
/** Packets each way of a rare protocol before it is more than a probe. */
const RARE_PACKETS = 10
/** Of a pair's conversations, those that must meet a test that asks for repeats. */
const REPEAT_SHARE = 0.8

export type Candidate = {
  readonly kind: keyof typeof Kind
  /** 0 to 1: what the pairing alone is worth. */
  readonly evidence: number
  readonly most: Severity
  /** What the evidence is about is a long duration, which then is no second fact. */
  readonly isAboutDuration: boolean
  readonly reasons: readonly Reason[]
}

/** A pair as it is asked about. */
export type Question = {
  readonly pairs: Pairs
  readonly pair: number
  readonly of: PairFacts
  readonly facts: Facts
  readonly settings: Settings
}

/** All evidence that has its second facts. */
export function candidatesOf(question: Question): Candidate[] {
  const { pairs, pair } = question
  const kinds = pairs.kinds.values[pair]!
  const found: (Candidate | undefined)[] = []
  if (kinds & (Kind.named | Kind.serviceNamed)) found.push(named(question))
  if (kinds & Kind.shape) found.push(...shapes(question))
  if (kinds & Kind.proxy) found.push(proxy(question))
  if (kinds & Kind.registry) found.push(registry(question))
  if (kinds & Kind.rareProtocol) found.push(rareProtocol(question))
  if (kinds & Kind.rare) found.push(rare(question))
  return found.filter((candidate) => candidate !== undefined)
}

function named({ pairs, pair, of, facts }: Question): Candidate | undefined {
  const { external, long, periodic, upload, few, refused, role } = facts
  if (pairs.isCertain.values[pair] !== 1 || !carriesData(pairs, pair, of)) return undefined
  if (!external && !long && !periodic && !upload && !refused) return undefined
  const isNamed = (pairs.kinds.values[pair]! & Kind.named) !== 0
  const isTaken = isUsualPort(of.protocolIdentifier, of.port)
  const isOrdinary = !isTaken && roams(of.application)
  // Web servers listen on any port: outside, only what few use and that keeps on is worth a word; inside, nothing is.
  if (isOrdinary && !(external && (few || role) && (periodic || long))) return undefined
  return {
    kind: isNamed ? 'named' : 'serviceNamed',
    evidence: !isNamed || isOrdinary ? 0.5 : isTaken ? 1 : 0.7,
    most: isNamed ? 'high' : 'medium',
    isAboutDuration: false,
    reasons: [
      { code: isNamed ? 'application-on-other-port' : 'service-name-on-other-port', value: of.nameText },
      portOwner(of),
    ],
  }
}

function proxy({ pairs, pair, of, facts }: Question): Candidate | undefined {
  const conversations = pairs.conversations.values[pair]!
  if (!facts.external || !carriesData(pairs, pair, of)) return undefined
  if (conversations < PROXY_CONVERSATIONS && !facts.long) return undefined
  return {
    kind: 'proxy',
    evidence: 0.35,
    most: 'low',
    isAboutDuration: false,
    reasons: [
      { code: 'proxy-port', value: of.port },
      { code: 'conversations', value: conversations, threshold: PROXY_CONVERSATIONS },
    ],
  }
}

function registry({ pairs, pair, of, facts, settings }: Question): Candidate | undefined {
  const longest = pairs.longestConversation.values[pair]! / 1000
  const isKept = facts.periodic || longest >= settings.SessionDurationThreshold
  if (!facts.external || !(facts.few || facts.role) || !isKept || !carriesData(pairs, pair, of))
    return undefined
  const pace = paceOf({ pairs, pair, of })
  if (pace >= SLOW_OCTETS_PER_SECOND) return undefined
  return {
    kind: 'registry',
    evidence: 0.4,
    most: 'low',
    isAboutDuration: !facts.periodic,
    reasons: [
      portOwner(of),
      { code: 'slow-exchange', value: round(pace), threshold: SLOW_OCTETS_PER_SECOND },
    ],
  }
}

/** Octets a second over the longest session, both directions, scaled by sampling. */
function paceOf({ pairs, pair, of }: Pick<Question, 'pairs' | 'pair' | 'of'>): number {
  const seconds = Math.max(1, pairs.longestSession.values[pair]! / 1000)
  const octets = pairs.upOctets.values[pair]! + pairs.downOctets.values[pair]!
  return (octets * Math.max(1, of.samplingInterval)) / seconds
}

function rareProtocol({ pairs, pair, of, facts }: Question): Candidate | undefined {
  const packets = Math.min(pairs.upPackets.values[pair]!, pairs.downPackets.values[pair]!)
  if (pairs.isHost.values[pair] !== 1 || packets < RARE_PACKETS || !(facts.external || facts.long))
    return undefined
  return {
    kind: 'rareProtocol',
    evidence: 0.4,
    most: 'low',
    isAboutDuration: false,
    reasons: [
      { code: 'rare-protocol', value: of.protocolIdentifier },
      { code: 'packets-each-way', value: packets, threshold: RARE_PACKETS },
    ],
  }
}

/** Rare here is a reason of its own, with more than the usual second fact: new things are used every day. */
function rare({ pairs, pair, of, facts, settings }: Question): Candidate | undefined {
  const { external, few, periodic, upload, refused, role, lasting, long } = facts
  if (pairs.isCertain.values[pair] !== 1 || !few || !carriesData(pairs, pair, of)) return undefined
  const standing = of.standing()
  if (standing?.isRare !== true || !standing.isNewToHost) return undefined
  // Calls are long, too, and each has a port of its own; but they are no slower than speech.
  const isSlowUdp = of.protocolIdentifier === UDP && paceOf({ pairs, pair, of }) < SLOW_OCTETS_PER_SECOND
  const second = [periodic, upload, refused, role, lasting || (isSlowUdp && long)].filter(Boolean).length
  if (second < (external ? 1 : 2)) return undefined
  return {
    kind: 'rare',
    evidence: 0.4,
    most: external && second > 1 ? 'medium' : 'low',
    isAboutDuration: false,
    reasons: [portOwner(of), ...rarityReasons(standing, settings)],
  }
}

function* shapes(question: Question): Generator<Candidate> {
  const { pairs, pair, of, facts, settings } = question
  const profile = profileOf(of.protocolIdentifier, of.port)
  if (profile === undefined) return
  const conversations = pairs.conversations.values[pair]!
  for (let index = 0; index < profile.tests.length; index++) {
    const test = profile.tests[index]!
    const hits = pairs.hits.values[pair * MAX_TESTS + index]!
    if (hits < test.repeats || (test.repeats > 1 && hits < conversations * REPEAT_SHARE)) continue
    if (!isBacked(test, facts)) continue
    const repeated = { code: 'conversations-of-this-shape', value: hits, threshold: test.repeats }
    yield {
      kind: 'shape',
      evidence: test.strength === 'strong' ? 0.85 : 0.45,
      most: test.strength === 'weak' || !facts.external ? 'low' : 'medium',
      isAboutDuration: test.isAboutDuration,
      reasons: [
        { code: test.code, value: test.because, threshold: profile.service },
        ...boundReasons(test, (measure) => pairs.measureOf(pair, index, at[measure]), settings),
        ...(test.repeats > 1 ? [repeated] : []),
      ],
    }
  }
}

/** A strong shape asks for any other fact; a weak one for an outside server that few use, and one more. */
function isBacked(test: ShapeTest, { external, few, periodic, upload, long, refused, role }: Facts): boolean {
  if (test.strength === 'strong')
    return external || periodic || upload || refused || (long && !test.isAboutDuration)
  return external && (few || role) && (test.isAboutDuration || periodic || long || refused)
}

/** Nothing where what was measured was dropped for want of room. */
function boundReasons(
  test: ShapeTest,
  measured: (measure: Measure) => number | undefined,
  settings: Settings,
): Reason[] {
  return test.all.flatMap((bound) => {
    const { measure, atLeast, atMost } = effectiveBound(bound, settings.SessionDurationThreshold)
    const value = measured(measure)
    if (value === undefined) return []
    const threshold = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`
    return [{ code: `measured-${measure}`, value: round(value), threshold }]
  })
}

function portOwner({ protocolIdentifier, port }: PairFacts): Reason {
  const service = registeredService(protocolIdentifier, port)
  return {
    code: isUsualPort(protocolIdentifier, port) ? 'port-of-another-service' : 'port-without-usual-service',
    value: service === undefined ? 'not registered' : `registered for ${service}`,
  }
}
