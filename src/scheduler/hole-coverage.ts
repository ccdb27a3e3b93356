/**
 * What a detector could not judge because stored rows are gone, were deleted too early or cannot be read: a coverage entry,
 * so that "nothing found" is never told about such a time alone.
 */
import type { Detector } from '../detectors/detector.js'
import { findingId, type Observation } from '../findings/finding.js'
import { type Hole, rowsOfHoles } from '../store/holes.js'
import type { UnreadSpan } from './removal-watch.js'

/** Undefined when all could be read. `blocks` names the ones that could not. */
export function lossCoverage(
  detector: Pick<Detector, 'id' | 'attack'>,
  holes: readonly Hole[],
  blocks: readonly string[],
  atMilliseconds: number,
): Observation | undefined {
  if (holes.length === 0 && blocks.length === 0) return undefined
  const rows = rowsOfHoles(holes)
  return coverage(detector, {
    code: 'rows-lost',
    title: `${rows} stored rows are gone and ${blocks.length} blocks cannot be read: what they told was not judged`,
    firstSeenMilliseconds: Math.min(atMilliseconds, ...holes.map(({ fromMilliseconds }) => fromMilliseconds)),
    lastSeenMilliseconds: Math.max(0, ...holes.map(({ toMilliseconds }) => toMilliseconds)) || atMilliseconds,
    reasons: [
      { code: 'rows-lost', value: rows },
      { code: 'blocks-unreadable', value: blocks.length },
    ],
  })
}

/** A sentence for runs and logs. */
export function describeUnread({ fromMilliseconds, toMilliseconds }: UnreadSpan): string {
  const [from, to] = [fromMilliseconds, toMilliseconds].map((time) => new Date(time).toISOString())
  return `retention deleted rows received between ${from} and ${to} before they were judged: raise retention.maximumOctets, give the disk more room, or let fewer devices send here`
}

/** Rows that retention deleted before the detector read them. */
export function unreadCoverage(detector: Pick<Detector, 'id' | 'attack'>, span: UnreadSpan): Observation {
  const { fromMilliseconds, toMilliseconds } = span
  return coverage(detector, {
    code: 'rows-deleted-unread',
    title: describeUnread(span),
    firstSeenMilliseconds: fromMilliseconds,
    lastSeenMilliseconds: toMilliseconds,
    reasons: [{ code: 'rows-deleted-unread', value: (toMilliseconds - fromMilliseconds) / 1000 }],
  })
}

function coverage(
  { id, attack }: Pick<Detector, 'id' | 'attack'>,
  {
    code,
    ...seen
  }: Pick<Observation, 'title' | 'firstSeenMilliseconds' | 'lastSeenMilliseconds' | 'reasons'> & {
    code: string
  },
): Observation {
  return {
    kind: 'coverage',
    id: findingId(id, { coverage: code }),
    detector: id,
    severity: 'informational',
    score: 0,
    ...seen,
    sourceAddresses: [],
    destinationAddresses: [],
    exporters: [],
    evidenceQuality: { level: 'poor', reasons: [{ code, text: seen.title }] },
    subScores: {},
    attack,
    evidence: [],
  }
}
