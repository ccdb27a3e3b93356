/**
 * Blindness as findings of kind "coverage": exporters that are silent, clocks that are off, datagrams that the collector lost.
 * Detectors tell what they miss in rows; this tells what keeps rows from them.
 */
import type { Detector } from '../detectors/detector.js'
import type { ExporterStatus } from '../exporters.js'
import { findingId, type Observation } from '../findings/finding.js'
import { type CoverageReason, coverageOf } from './matrix.js'

/** Of the matrix, what no row tells of; each with the detectors' own coverage lines stands once. */
const WATCHED: ReadonlySet<string> = new Set(['silent', 'clock-off', 'collector-drops'])

type DetectorView = Pick<Detector, 'id' | 'needs' | 'streams' | 'attack'>

/** The observations that hold now; one that no longer holds is not repeated, so its last time stays. */
export function coverageFindings(
  exporters: readonly ExporterStatus[],
  detectors: readonly DetectorView[],
  nowMilliseconds: number,
): Observation[] {
  return detectors.flatMap((detector) =>
    exporters.flatMap((exporter) =>
      coverageOf(exporter, detector, [], nowMilliseconds)
        .reasons.filter(({ code }) => WATCHED.has(code))
        .map((reason) => observationOf(exporter, detector, reason, nowMilliseconds)),
    ),
  )
}

function observationOf(
  exporter: ExporterStatus,
  detector: DetectorView,
  { code, text, state }: CoverageReason,
  nowMilliseconds: number,
): Observation {
  const { address, listenerPort, silentSinceMilliseconds } = exporter
  return {
    kind: 'coverage',
    id: findingId(detector.id, { exporter: exporter.id, coverage: code }),
    detector: detector.id,
    severity: 'informational',
    score: 0,
    title: `exporter ${address} (port ${listenerPort}) ${text}`,
    sourceAddresses: [],
    destinationAddresses: [],
    firstSeenMilliseconds: code === 'silent' ? (silentSinceMilliseconds ?? nowMilliseconds) : nowMilliseconds,
    lastSeenMilliseconds: nowMilliseconds,
    exporters: [{ address, listenerPort, bothDirections: false }],
    evidenceQuality: { level: state === 'blind' ? 'poor' : 'degraded', reasons: [{ code, text }] },
    reasons: [{ code }],
    subScores: {},
    attack: detector.attack,
    evidence: [],
  }
}
