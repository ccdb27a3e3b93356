/**
 * What a finding is: the fact that a detector observed, and, apart from it, what people made of it (disposition) and
 * which exceptions bear on it. Declared once; types, validation and the API page follow. Detectors emit an
 * `Observation`; the repository adds order and disposition; exceptions are applied when a finding is read.
 */
import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { canonicalJson } from './canonical.js'

const closed = { additionalProperties: false } as const
const milliseconds = (description: string) =>
  Type.Number({ description: `${description}, ms since 1970 UTC` })

/** Records kept with a finding: enough to judge by, the rest is in the store of flows. */
export const MAX_EVIDENCE = 20

/** From least to most; the index is the rank. */
export const severities = ['informational', 'low', 'medium', 'high', 'critical'] as const

/** How bad a finding is. */
export const Severity = Type.Enum([...severities])
export type Severity = (typeof severities)[number]

/** What became of a finding, as people see it. */
export const dispositionStates = ['open', 'acknowledged', 'expected', 'false-positive', 'resolved'] as const

/** The state of a disposition. */
export const DispositionState = Type.Enum([...dispositionStates])
export type DispositionState = (typeof dispositionStates)[number]

/** What a person decided about a finding, and when. */
export const Disposition = Type.Object(
  {
    state: DispositionState,
    by: Type.Optional(Type.String({ description: 'name of the token that set it' })),
    atMilliseconds: Type.Optional(milliseconds('when it was set')),
    comment: Type.Optional(Type.String()),
    version: Type.Integer({ description: 'increases with each change of the disposition' }),
  },
  closed,
)
export type Disposition = Static<typeof Disposition>

/** An exporter that saw what the finding is about. */
export const FindingExporter = Type.Object(
  {
    address: Type.String(),
    listenerPort: Type.Integer(),
    observationDomainId: Type.Optional(Type.Integer()),
    bothDirections: Type.Boolean(),
    samplingInterval: Type.Optional(Type.Number({ description: 'one packet of so many was looked at' })),
  },
  closed,
)
export type FindingExporter = Static<typeof FindingExporter>

/** How far the telemetry behind the finding can be trusted, and why not further. */
export const EvidenceQuality = Type.Object(
  {
    level: Type.Enum(['good', 'degraded', 'poor']),
    reasons: Type.Array(Type.Object({ code: Type.String(), text: Type.String() }, closed)),
  },
  closed,
)
export type EvidenceQuality = Static<typeof EvidenceQuality>

/** One of the records that the finding rests on; absent keys were not sent. */
export const Evidence = Type.Object(
  {
    receivedMilliseconds: milliseconds('when the record arrived'),
    startMilliseconds: Type.Optional(milliseconds('first packet')),
    endMilliseconds: Type.Optional(milliseconds('last packet')),
    exporterAddress: Type.Optional(Type.String()),
    listenerPort: Type.Optional(Type.Integer()),
    observationDomainId: Type.Optional(Type.Integer()),
    row: Type.Optional(
      Type.Union([Type.Number(), Type.String()], { description: 'number of the stored row' }),
    ),
    sourceAddress: Type.Optional(Type.String()),
    destinationAddress: Type.Optional(Type.String()),
    sourceTransportPort: Type.Optional(Type.Integer()),
    destinationTransportPort: Type.Optional(Type.Integer()),
    protocolIdentifier: Type.Optional(Type.Integer()),
    icmpType: Type.Optional(Type.Integer()),
    icmpCode: Type.Optional(Type.Integer()),
    octets: Type.Optional(Type.Union([Type.Number(), Type.String()])),
    packets: Type.Optional(Type.Union([Type.Number(), Type.String()])),
    reverseOctets: Type.Optional(Type.Union([Type.Number(), Type.String()])),
    reversePackets: Type.Optional(Type.Union([Type.Number(), Type.String()])),
    applicationName: Type.Optional(Type.String()),
    action: Type.Optional(Type.String()),
    text: Type.Optional(Type.String({ description: 'anything else, for people' })),
  },
  closed,
)
export type Evidence = Static<typeof Evidence>

const observationProperties = {
  kind: Type.Enum(['finding', 'coverage'], { description: 'coverage: what the collector cannot see' }),
  id: Type.String({ description: 'hash of detector and subject; the key for removing duplicates' }),
  detector: Type.String(),
  severity: Severity,
  score: Type.Number({ description: '0 to 100' }),
  title: Type.String(),
  sourceAddresses: Type.Array(Type.String()),
  destinationAddresses: Type.Array(Type.String()),
  protocolIdentifier: Type.Optional(Type.Integer()),
  destinationTransportPort: Type.Optional(Type.Integer()),
  icmpType: Type.Optional(Type.Integer()),
  applicationName: Type.Optional(Type.String()),
  firstSeenMilliseconds: milliseconds('first record'),
  lastSeenMilliseconds: milliseconds('last record'),
  exporters: Type.Array(FindingExporter),
  evidenceQuality: EvidenceQuality,
  reasons: Type.Array(
    Type.Object(
      { code: Type.String(), value: Type.Optional(Type.Unknown()), threshold: Type.Optional(Type.Unknown()) },
      closed,
    ),
  ),
  subScores: Type.Record(Type.String(), Type.Number(), { description: 'each 0 to 1' }),
  attack: Type.Object(
    {
      strategy: Type.String(),
      analytic: Type.String(),
      technique: Type.String(),
      tactic: Type.String(),
    },
    closed,
  ),
  evidence: Type.Array(Evidence, { description: `the newest ones, at most ${MAX_EVIDENCE}` }),
}

/** What a detector emits: a fact with its evidence, and nothing of what people think of it. */
export const Observation = Type.Object(observationProperties, closed)
export type Observation = Static<typeof Observation>

const storedProperties = {
  ...observationProperties,
  count: Type.Integer({ description: 'how many observations were merged into this finding' }),
  addressesTruncated: Type.Optional(
    Type.Boolean({ description: 'there were more addresses than are listed here' }),
  ),
  history: Type.Array(
    Type.Object({ atMilliseconds: Type.Number(), score: Type.Number(), severity: Severity }, closed),
    { description: 'earlier scores, the newest last' },
  ),
  sequence: Type.Integer({ description: 'order of creation' }),
  revision: Type.Integer({ description: 'order of the last write over all findings' }),
  updatedAtMilliseconds: milliseconds('last write'),
  disposition: Disposition,
}

/** A finding as it is kept: before exceptions. */
export const StoredFinding = Type.Object(storedProperties, closed)
export type StoredFinding = Static<typeof StoredFinding>

/** A finding as it is read: exceptions applied. */
export const Finding = Type.Object(
  {
    ...storedProperties,
    hiddenBy: Type.Array(Type.String(), { description: 'ids of the exceptions that hide it' }),
    loweredBy: Type.Array(Type.String(), { description: 'ids of the exceptions that lower its score' }),
    original: Type.Optional(
      Type.Object(
        { score: Type.Number(), severity: Severity },
        { ...closed, description: 'before lowering' },
      ),
    ),
  },
  closed,
)
export type Finding = Static<typeof Finding>

/** The stable id of a finding: the same detector and subject give the same id, in every run and on every machine. */
export function findingId(detector: string, subject: Readonly<Record<string, unknown>>): string {
  return createHash('sha256').update(canonicalJson({ detector, subject })).digest('hex').slice(0, 32)
}

/** 0 for informational to 4 for critical. */
export function severityRank(severity: Severity): number {
  return severities.indexOf(severity)
}
