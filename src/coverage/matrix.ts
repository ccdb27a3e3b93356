/**
 * What each detector can see at each exporter: full, degraded or blind, why, and what mends it. Pure: from what exporters
 * have sent, what detectors need, and what detectors said of them.
 */
import { type Static, Type } from 'typebox'
import type { Detector, Need } from '../detectors/detector.js'
import type { ExporterStatus, ObservationDomain } from '../exporters.js'
import type { Observation } from '../findings/finding.js'
import { elementsOfColumns } from './elements.js'
import { Remedy, remedyFor, type VendorGuess, vendorOf } from './remedies.js'

const closed = { additionalProperties: false } as const

/** full: all that the detector needs. degraded: some tests are not made. blind: none can find anything. */
export const coverageStates = ['full', 'degraded', 'blind'] as const
export type CoverageState = (typeof coverageStates)[number]

export const CoverageReason = Type.Object(
  {
    code: Type.String(),
    state: Type.Enum(['note', 'degraded', 'blind'], { description: 'what it makes of the detector here' }),
    text: Type.String(),
    remedy: Type.Optional(Remedy),
  },
  closed,
)
export type CoverageReason = Static<typeof CoverageReason>

/** One cell of the matrix. */
export const CoverageEntry = Type.Object(
  {
    exporterId: Type.String(),
    address: Type.String(),
    listenerPort: Type.Integer(),
    kind: Type.String({ description: 'netflow, sflow or syslog' }),
    vendor: Type.Optional(Type.String({ description: 'as its log lines or enterprise elements tell' })),
    detector: Type.String(),
    state: Type.Enum([...coverageStates]),
    reasons: Type.Array(CoverageReason),
    lastSeenMilliseconds: Type.Number(),
  },
  closed,
)
export type CoverageEntry = Static<typeof CoverageEntry>

/** What a detector said of an exporter, and when last. */
export type Said = Pick<
  Observation,
  'detector' | 'exporters' | 'reasons' | 'evidenceQuality' | 'lastSeenMilliseconds'
>

/** A clock this far off confuses people, though times are corrected. */
export const CLOCK_OFF_MILLISECONDS = 60_000
/** What a detector said counts for so long. */
const SAID_MILLISECONDS = 86_400_000
/** Beyond this a tunnel's records come so late that "now" means half an hour ago. */
const LONG_ACTIVE_TIMEOUT_MILLISECONDS = 300_000
/** One packet of so many: what is left of a slow channel. */
const COARSE_SAMPLING = 500
/** Codes of detectors under which they find nothing at the exporter. */
const BLINDING = new Set(['icmp-type-unknown', 'times-missing'])
/** Formats without templates have all plain elements. */
const FIXED_VERSIONS: ReadonlySet<number | string> = new Set([1, 5, 7])

type DetectorView = Pick<Detector, 'id' | 'needs' | 'streams'>

export function coverageOf(
  exporter: ExporterStatus,
  detector: DetectorView,
  said: readonly Said[],
  nowMilliseconds: number,
): CoverageEntry {
  const vendor = vendorOf(exporter)
  const reasons = [
    ...reasonsOfSilence(exporter),
    ...reasonsOfNeeds(exporter, detector.needs),
    ...reasonsOfSampling(exporter, detector),
    ...reasonsOfPath(exporter),
    ...reasonsSaid(exporter, detector.id, said, nowMilliseconds),
  ]
  const distinct = reasons.filter(
    (reason, index) => reasons.findIndex(({ code }) => code === reason.code) === index,
  )
  return {
    exporterId: exporter.id,
    address: exporter.address,
    listenerPort: exporter.listenerPort,
    kind: exporter.kind,
    ...(vendor.name === undefined ? {} : { vendor: vendor.name }),
    detector: detector.id,
    state: worstOf(distinct),
    reasons: distinct.map((reason) => withRemedy(reason, vendor)),
    lastSeenMilliseconds: exporter.lastSeenMilliseconds,
  }
}

function worstOf(reasons: readonly CoverageReason[]): CoverageState {
  if (reasons.some(({ state }) => state === 'blind')) return 'blind'
  return reasons.some(({ state }) => state === 'degraded') ? 'degraded' : 'full'
}

function withRemedy(reason: CoverageReason, vendor: VendorGuess): CoverageReason {
  const remedy = remedyFor(reason.code, vendor)
  return remedy === undefined ? reason : { ...reason, remedy }
}

function* reasonsOfSilence({ silentSinceMilliseconds }: ExporterStatus): Generator<CoverageReason> {
  if (silentSinceMilliseconds === undefined) return
  yield {
    code: 'silent',
    state: 'blind',
    text: `has sent nothing since ${new Date(silentSinceMilliseconds).toISOString()}`,
  }
}

function* reasonsOfNeeds(exporter: ExporterStatus, needs: readonly Need[]): Generator<CoverageReason> {
  if (exporter.kind === 'syslog') {
    yield {
      code: 'log-lines',
      state: 'degraded',
      text: 'its log lines tell of whole sessions, with what the product counts: a line without packets and octets of both directions says nothing of what was carried',
    }
    return
  }
  const sent = elementsOf(exporter)
  if (sent === undefined) return
  for (const { column, isRequired, why } of needs) {
    const wanted = elementsOfColumns[column]
    if (wanted === undefined || wanted.elements.some((element) => sent.has(element))) continue
    // A lack that most exporters have says nothing of this one.
    const state = isRequired ? 'blind' : column === 'payloadEntropy' ? 'note' : 'degraded'
    yield { code: `no-${column}`, state, text: `does not send ${wanted.names}: ${why}` }
  }
}

/** IANA elements of the templates in use; undefined where the format has no templates. */
function elementsOf({ kind, observationDomains }: ExporterStatus): ReadonlySet<number> | undefined {
  if (kind === 'sflow') return undefined
  const elements = new Set<number>()
  let templates = 0
  for (const { protocolVersion, templates: known } of observationDomains) {
    if (FIXED_VERSIONS.has(protocolVersion)) return undefined
    for (const { kind: of, fields } of known) {
      if (of !== 'data') continue
      templates++
      for (const { enterpriseNumber, elementId } of fields)
        if (enterpriseNumber === 0) elements.add(elementId)
    }
  }
  return templates === 0 ? undefined : elements
}

function samplingOf({ observationDomains }: ExporterStatus): number {
  return observationDomains.reduce(
    (most, { samplingInterval, sflow }: ObservationDomain) =>
      Math.max(most, samplingInterval ?? 0, sflow?.effectiveSamplingInterval ?? 0),
    0,
  )
}

function* reasonsOfSampling(exporter: ExporterStatus, detector: DetectorView): Generator<CoverageReason> {
  const interval = samplingOf(exporter)
  if (interval <= 1) return
  const isIcmp = detector.streams.includes('icmp4')
  // Payloads that come along tell of a channel by themselves.
  const showsPackets = exporter.kind === 'sflow' || (elementsOf(exporter)?.has(315) ?? false)
  yield {
    code: 'sampled',
    state: isIcmp && interval >= COARSE_SAMPLING && !showsPackets ? 'blind' : 'degraded',
    text: isIcmp
      ? `looks at one packet in ${Math.round(interval)}: requests and replies no longer mirror, so ${showsPackets ? 'payloads and large excesses alone tell' : 'only large tunnels show'}`
      : `looks at one packet in ${Math.round(interval)}: shapes that need whole counts are not judged`,
  }
}

function* reasonsOfPath(exporter: ExporterStatus): Generator<CoverageReason> {
  const { clockSkewMilliseconds: skew = 0, kernelDrops = 0, observationDomains, undecoded } = exporter
  if (Math.abs(skew) > CLOCK_OFF_MILLISECONDS)
    yield {
      code: 'clock-off',
      state: 'note',
      text: `its clock is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'ahead' : 'behind'}; times are corrected`,
    }
  if (kernelDrops > 0)
    yield {
      code: 'collector-drops',
      state: 'degraded',
      text: `${kernelDrops} datagrams were lost in the socket that receives from it`,
    }
  const missing = observationDomains.reduce((sum, { sequence }) => sum + sequence.missingUnits, 0)
  if (missing > 0)
    yield {
      code: 'records-missing',
      state: 'note',
      text: `${missing} units are missing by its sequence numbers since it is known`,
    }
  const active = Math.max(0, ...observationDomains.map((domain) => domain.activeTimeoutMilliseconds ?? 0))
  if (active > LONG_ACTIVE_TIMEOUT_MILLISECONDS)
    yield {
      code: 'long-active-timeout',
      state: 'note',
      text: `tells of long flows only every ${Math.round(active / 60_000)} minutes, so findings come that late`,
    }
  const faults = Object.entries(undecoded)
  if (faults.length > 0)
    yield {
      code: 'not-understood',
      state: 'note',
      text: `not understood: ${faults.map(([reason, count]) => `${count} × ${reason}`).join(', ')}`,
    }
}

function* reasonsSaid(
  exporter: ExporterStatus,
  detector: string,
  said: readonly Said[],
  nowMilliseconds: number,
): Generator<CoverageReason> {
  for (const observation of said) {
    if (observation.detector !== detector) continue
    if (nowMilliseconds - observation.lastSeenMilliseconds > SAID_MILLISECONDS) continue
    const isOfExporter = observation.exporters.some(
      ({ address, listenerPort }) => address === exporter.address && listenerPort === exporter.listenerPort,
    )
    const [reason] = observation.evidenceQuality.reasons
    if (!isOfExporter || reason === undefined) continue
    yield { code: reason.code, state: BLINDING.has(reason.code) ? 'blind' : 'degraded', text: reason.text }
  }
}
