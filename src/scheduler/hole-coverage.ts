/**
 * What a detector could not judge because stored rows are gone or cannot be read: a coverage entry, so that "nothing found"
 * is never told about such a time alone.
 */
import type { Detector } from '../detectors/detector.js'
import { findingId, type Observation } from '../findings/finding.js'
import type { Hole } from '../store/holes.js'

/** Holes that may lie in a window of receive time. */
export function holesWithin(
  holes: readonly Hole[],
  fromMilliseconds: number,
  toMilliseconds: number,
): Hole[] {
  return holes.filter(
    (hole) => hole.toMilliseconds >= fromMilliseconds && hole.fromMilliseconds < toMilliseconds,
  )
}

export function rowsOfHoles(holes: readonly Hole[]): number {
  return holes.reduce((sum, { fromSequence, toSequence }) => sum + toSequence - fromSequence, 0)
}

/** A sentence for runs and logs. */
export function describeHoles(holes: readonly Hole[]): string {
  return `${rowsOfHoles(holes)} stored rows are gone, in ${holes.length} holes`
}

/** Undefined when all could be read. `blocks` names the ones that could not. */
export function lossCoverage(
  { id, attack }: Pick<Detector, 'id' | 'attack'>,
  holes: readonly Hole[],
  blocks: readonly string[],
  atMilliseconds: number,
): Observation | undefined {
  if (holes.length === 0 && blocks.length === 0) return undefined
  const rows = rowsOfHoles(holes)
  const title = `${rows} stored rows are gone and ${blocks.length} blocks cannot be read: what they told was not judged`
  return {
    kind: 'coverage',
    id: findingId(id, { coverage: 'rows-lost' }),
    detector: id,
    severity: 'informational',
    score: 0,
    title,
    sourceAddresses: [],
    destinationAddresses: [],
    firstSeenMilliseconds: Math.min(atMilliseconds, ...holes.map(({ fromMilliseconds }) => fromMilliseconds)),
    lastSeenMilliseconds: Math.max(0, ...holes.map(({ toMilliseconds }) => toMilliseconds)) || atMilliseconds,
    exporters: [],
    evidenceQuality: { level: 'poor', reasons: [{ code: 'rows-lost', text: title }] },
    reasons: [
      { code: 'rows-lost', value: rows },
      { code: 'blocks-unreadable', value: blocks.length },
    ],
    subScores: {},
    attack,
    evidence: [],
  }
}
