/** The second facts about a pair: what stands beside the pairing itself. */
import { TCP } from './expected.js'
import type { Standing } from './learning.js'
import type { Pairs, Regularity } from './pairs.js'
import type { Settings } from './settings.js'
import { headerOctets } from './shapes.js'

/** Octets of payload each way that make a conversation more than a handshake, a reset or a probe. */
const ENOUGH_PAYLOAD = 100
/** TCP segments commonly carry 12 octets of timestamps (RFC 7323 appendix A). */
const TCP_OPTION_OCTETS = 12
/** A client that sends a megabyte, and four times what it gets, hands something over. */
const UPLOAD_OCTETS = 1_000_000
const UPLOAD_RATIO = 4
/** The sub-score of a session is full at an hour. */
const FULL_SESSION_SECONDS = 3600

/** Devices that serve what is near them. */
const DEVICE_ROLES: ReadonlySet<string> = new Set(['printer', 'camera', 'ot', 'phone'])

export type Reason = { code: string; value?: unknown; threshold?: unknown }

/** What is known of a pair beside its columns. */
export type PairFacts = {
  readonly protocolIdentifier: number
  readonly family: 4 | 6
  readonly port: number
  /** The place of the named application in the table, or -1. */
  readonly application: number
  readonly isOutbound: boolean
  readonly clients: number
  readonly nameText: string
  /** Sums are scaled by it where they must not be too small; 0 when not told. */
  readonly samplingInterval: number
  /** What else of the server the client was refused shortly before: a port, or a protocol without ports; -1 for none. */
  readonly refused: number
  /** How usual the pairing is here, asked only where there is evidence; undefined where nothing is learned of the client. */
  readonly standing: () => Standing | undefined
  /** DeviceRole of the client. */
  readonly role: string | undefined
}

export type Facts = {
  readonly external: boolean
  readonly long: boolean
  readonly periodic: boolean
  readonly few: boolean
  readonly upload: boolean
  readonly refused: boolean
  /** A device of the client's role has no use for servers outside. */
  readonly role: boolean
  /** An hour and more in all: long by any measure. */
  readonly lasting: boolean
  /** Of the longest session. */
  readonly seconds: number
  /** Octets from the client. */
  readonly up: number
  readonly regularity: Regularity | undefined
}

/** Nearly all pairs are asked about for nothing, so what is told of facts is made later. */
export function factsOf(pairs: Pairs, pair: number, of: PairFacts, settings: Settings): Facts {
  const { SessionDurationThreshold, periodicSpread, fewClients } = settings
  const seconds = pairs.longestSession.values[pair]! / 1000
  const regularity = pairs.regularity(pair)
  const up = pairs.upOctets.values[pair]!
  const down = pairs.downOctets.values[pair]!
  const external = of.isOutbound
  return {
    external,
    long: seconds >= SessionDurationThreshold,
    periodic: regularity !== undefined && regularity.spread <= periodicSpread,
    few: of.clients <= fewClients,
    upload: up >= UPLOAD_OCTETS && up >= UPLOAD_RATIO * down,
    refused: of.refused >= 0,
    role: external && of.role !== undefined && DEVICE_ROLES.has(of.role),
    lasting: seconds >= FULL_SESSION_SECONDS,
    seconds,
    up,
    regularity,
  }
}

/** Facts as they are told with a finding. */
export function reasonsOf(facts: Facts, of: PairFacts, settings: Settings): Reason[] {
  const { SessionDurationThreshold, periodicSpread, fewClients } = settings
  const { seconds, regularity } = facts
  const reasons: Reason[] = []
  if (facts.external) reasons.push({ code: 'external-server', value: true })
  if (facts.long)
    reasons.push({ code: 'long-session', value: round(seconds), threshold: SessionDurationThreshold })
  if (facts.periodic && regularity !== undefined) {
    reasons.push({ code: 'periodic-interval', value: round(regularity.median / 1000) })
    reasons.push({ code: 'periodic-spread', value: round(regularity.spread), threshold: periodicSpread })
  }
  if (facts.few) reasons.push({ code: 'few-clients', value: of.clients, threshold: fewClients })
  if (facts.upload) reasons.push({ code: 'mostly-upload', value: facts.up, threshold: UPLOAD_OCTETS })
  if (facts.refused) reasons.push({ code: 'refused-elsewhere', value: of.refused })
  if (facts.role) reasons.push({ code: 'role', value: of.role })
  return reasons
}

/** What each of the facts amounts to, 0 to 1. */
export function scoresOf(facts: Facts): Record<string, number> {
  const { external, periodic, regularity, few, upload, refused, role, seconds } = facts
  return {
    external: external ? 1 : 0,
    long: round(Math.min(1, seconds / FULL_SESSION_SECONDS)),
    periodic: periodic && regularity !== undefined ? round(1 - regularity.spread) : 0,
    fewClients: few ? 1 : 0,
    upload: upload ? 1 : 0,
    refused: refused ? 1 : 0,
    role: role ? 1 : 0,
  }
}

/** Both sides sent data, beyond handshakes and resets. */
export function carriesData(pairs: Pairs, pair: number, { family, protocolIdentifier }: PairFacts): boolean {
  const header =
    headerOctets(family, protocolIdentifier) + (protocolIdentifier === TCP ? TCP_OPTION_OCTETS : 0)
  const up = pairs.upOctets.values[pair]! - header * pairs.upPackets.values[pair]!
  const down = pairs.downOctets.values[pair]! - header * pairs.downPackets.values[pair]!
  return up >= ENOUGH_PAYLOAD && down >= ENOUGH_PAYLOAD
}

/** Three decimals: enough for people, and the same text on every machine. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
