/**
 * Makes the orders of findings anew from the findings themselves: for after a repair of the database, which may have
 * lost or brought back single records. Numbers are kept where they are still unique and given anew where not.
 */
import type { DocumentOperation, Documents } from '../store/documents.js'
import type { StoredFinding } from './finding.js'
import {
  FINDING_BY_ID,
  FINDING_BY_REVISION,
  FINDING_BY_SEQUENCE,
  FINDING_COUNTERS,
  sortable,
} from './keys.js'

type Entry = Pick<StoredFinding, 'id' | 'sequence' | 'revision' | 'updatedAtMilliseconds'>
type Counters = { sequence: number; revision: number; updatedAtMilliseconds: number }

/** Rebuilds both orders and the counters; call it before the repository is used. Gives how many findings there are. */
export async function reindexFindings(documents: Documents): Promise<number> {
  const entries: Entry[] = []
  for await (const [, finding] of documents.list<StoredFinding>(FINDING_BY_ID)) {
    const { id, sequence, revision, updatedAtMilliseconds } = finding
    entries.push({ id, sequence, revision, updatedAtMilliseconds })
  }
  const kept = await documents.get<Counters>(FINDING_COUNTERS)
  const counters: Counters = {
    sequence: await greatest(documents, FINDING_BY_SEQUENCE, kept?.sequence),
    revision: await greatest(documents, FINDING_BY_REVISION, kept?.revision),
    updatedAtMilliseconds: kept?.updatedAtMilliseconds ?? 0,
  }
  for (const entry of entries) {
    counters.sequence = Math.max(counters.sequence, entry.sequence)
    counters.revision = Math.max(counters.revision, entry.revision)
    counters.updatedAtMilliseconds = Math.max(counters.updatedAtMilliseconds, entry.updatedAtMilliseconds)
  }

  const operations: DocumentOperation[] = []
  for (const prefix of [FINDING_BY_SEQUENCE, FINDING_BY_REVISION]) {
    for await (const [key] of documents.list(prefix)) operations.push({ type: 'delete', key })
  }
  const sequences = new Set<number>()
  const revisions = new Set<number>()
  for (const entry of entries) {
    const { id } = entry
    const sequence = sequences.has(entry.sequence) ? ++counters.sequence : entry.sequence
    // A number given anew is also the newest write: readers by revision then hear of the finding.
    const isUnique = sequence === entry.sequence && !revisions.has(entry.revision)
    const revision = isUnique ? entry.revision : ++counters.revision
    const updatedAtMilliseconds = isUnique ? entry.updatedAtMilliseconds : counters.updatedAtMilliseconds
    sequences.add(sequence)
    revisions.add(revision)
    operations.push(
      { type: 'put', key: FINDING_BY_SEQUENCE + sortable(sequence), value: { id } },
      { type: 'put', key: FINDING_BY_REVISION + sortable(revision), value: { id, updatedAtMilliseconds } },
    )
    if (isUnique) continue
    const finding = await documents.get<StoredFinding>(FINDING_BY_ID + id)
    const renumbered = { ...finding, sequence, revision, updatedAtMilliseconds }
    operations.push({ type: 'put', key: FINDING_BY_ID + id, value: renumbered })
  }
  await documents.batch([...operations, { type: 'put', key: FINDING_COUNTERS, value: counters }])
  return entries.length
}

/** The greatest number of an index, so that no number is used again that a reader may already have passed. */
async function greatest(documents: Documents, prefix: string, known = 0): Promise<number> {
  for await (const [key] of documents.list(prefix, { reverse: true, limit: 1 })) {
    return Math.max(known, Number(key.slice(prefix.length)))
  }
  return known
}
