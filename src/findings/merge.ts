/**
 * How an observation joins the finding that it belongs to (pure). The newer one, by last seen, has the say on score,
 * severity and words; times widen, addresses, exporters and evidence add up, all within bounds.
 */
import { canonicalJson } from './canonical.js'
import {
  type Evidence,
  type FindingExporter,
  MAX_EVIDENCE,
  type Observation,
  type StoredFinding,
} from './finding.js'
import { isSameJson } from './same-json.js'

/** Addresses kept on each side of a finding. */
export const MAX_ADDRESSES = 256
/** Exporters kept with a finding. */
export const MAX_EXPORTERS = 64
/** Earlier scores kept with a finding. */
export const MAX_HISTORY = 20

/** What merging decides; order, revision and disposition are the repository's. */
export type Merged = Omit<StoredFinding, 'sequence' | 'revision' | 'updatedAtMilliseconds' | 'disposition'>

/** The finding after the observation; `undefined` when the observation says nothing new. */
export function merge(stored: StoredFinding | undefined, observation: Observation): Merged | undefined {
  if (stored === undefined) return bounded({ ...observation, count: 1, history: [] })
  const { sequence: _s, revision: _r, updatedAtMilliseconds: _u, disposition: _d, ...before } = stored
  const { count, history, addressesTruncated, ...earlier } = before
  const newer = observation.lastSeenMilliseconds >= stored.lastSeenMilliseconds
  const changed = stored.score !== observation.score || stored.severity !== observation.severity
  const superseded = {
    atMilliseconds: stored.lastSeenMilliseconds,
    score: stored.score,
    severity: stored.severity,
  }
  const merged = bounded({
    ...(newer ? observation : earlier),
    sourceAddresses: [...stored.sourceAddresses, ...observation.sourceAddresses],
    destinationAddresses: [...stored.destinationAddresses, ...observation.destinationAddresses],
    firstSeenMilliseconds: Math.min(stored.firstSeenMilliseconds, observation.firstSeenMilliseconds),
    lastSeenMilliseconds: Math.max(stored.lastSeenMilliseconds, observation.lastSeenMilliseconds),
    exporters: unionOfExporters(stored.exporters, observation.exporters, newer),
    evidence: [...stored.evidence, ...observation.evidence],
    history: newer && changed ? [...history, superseded] : history,
    count,
    ...(addressesTruncated === undefined ? {} : { addressesTruncated }),
  })
  return isSameJson(merged, before) ? undefined : { ...merged, count: count + 1 }
}

function bounded(merged: Merged): Merged {
  const sourceAddresses = [...new Set(merged.sourceAddresses)]
  const destinationAddresses = [...new Set(merged.destinationAddresses)]
  const truncated = sourceAddresses.length > MAX_ADDRESSES || destinationAddresses.length > MAX_ADDRESSES
  return {
    ...merged,
    sourceAddresses: sourceAddresses.slice(0, MAX_ADDRESSES),
    destinationAddresses: destinationAddresses.slice(0, MAX_ADDRESSES),
    exporters: unionOfExporters([], merged.exporters, true).slice(0, MAX_EXPORTERS),
    evidence: newestEvidence(merged.evidence),
    history: merged.history.slice(-MAX_HISTORY),
    ...(truncated ? { addressesTruncated: true } : {}),
  }
}

function unionOfExporters(
  earlier: readonly FindingExporter[],
  later: readonly FindingExporter[],
  laterIsNewer: boolean,
): FindingExporter[] {
  const byIdentity = new Map<string, FindingExporter>()
  for (const [list, wins] of [
    [earlier, !laterIsNewer],
    [later, laterIsNewer],
  ] as const) {
    for (const exporter of list) {
      const identity = `${exporter.address} ${exporter.listenerPort} ${exporter.observationDomainId}`
      if (wins || !byIdentity.has(identity)) byIdentity.set(identity, exporter)
    }
  }
  return [...byIdentity.values()]
}

/**
 * The newest records, each once, in the order in which they arrived; ties by their rows and their text, so that the order
 * never depends on luck.
 */
function newestEvidence(evidence: readonly Evidence[]): Evidence[] {
  return [...evidence]
    .sort(
      (one, other) =>
        one.receivedMilliseconds - other.receivedMilliseconds || byRow(one, other) || byText(one, other),
    )
    .filter((record, index, all) => index === 0 || !isSameJson(record, all[index - 1]))
    .slice(-MAX_EVIDENCE)
}

function byRow({ row: one }: Evidence, { row: other }: Evidence): number {
  return typeof one === 'number' && typeof other === 'number' ? one - other : 0
}

function byText(one: Evidence, other: Evidence): number {
  const [oneText, otherText] = [canonicalJson(one), canonicalJson(other)]
  return oneText < otherText ? -1 : oneText > otherText ? 1 : 0
}
