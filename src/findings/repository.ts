/**
 * Keeps findings. Each has a sequence (order of creation, never changes) and a revision (order of its last write over
 * all findings); both are indexes to page by, so that a reader that remembers a number neither loses nor re-reads a
 * finding while others are written. One repository may write to a database; others may read.
 */
import { ApplianceError } from '../errors.js'
import type { DocumentOperation, Documents } from '../store/documents.js'
import type { Audit } from './audit.js'
import type { Disposition, DispositionState, Observation, StoredFinding } from './finding.js'
import {
  FINDING_BY_ID,
  FINDING_BY_REVISION,
  FINDING_BY_SEQUENCE,
  FINDING_COUNTERS,
  sortable,
} from './keys.js'
import { merge } from './merge.js'
import { createSerial } from './serial.js'

/** By creation, newest or oldest first, or by last write, oldest write first. */
export type FindingOrder = 'newest' | 'oldest' | 'updated'

/** What an observation did to its finding. */
export type FindingChange = 'created' | 'updated' | 'unchanged'

/** A part of a list of findings. */
export type FindingPage = {
  readonly items: StoredFinding[]
  /** Where to go on: the sequence or revision of the last finding looked at, or `after` when there was none. */
  readonly position: number | undefined
  /** Whether there was more to look at when the page was made. */
  readonly hasMore: boolean
}

/** Which part of the list, in which order. */
export type FindingPageOptions = {
  readonly order: FindingOrder
  /** Sequence (`newest`, `oldest`) or revision (`updated`) after which the page begins. */
  readonly after?: number | undefined
  readonly limit: number
  /** Which findings to give; those left out do not count towards the limit. */
  readonly accept?: (finding: StoredFinding) => boolean
  /** Findings looked at before a page ends short of its limit. */
  readonly maxScanned?: number
}

/** Adds observations to findings and gives findings out in order. */
export type FindingRepository = {
  /**
   * Adds each observation to its finding, and tells in their order what became of it. One that says nothing new is not
   * written; the others are written together, some at a time.
   */
  upsert(observations: readonly Observation[]): Promise<FindingChange[]>
  get(id: string): Promise<StoredFinding | undefined>
  page(options: FindingPageOptions): Promise<FindingPage>
  /** All findings, in no order that means anything. */
  all(): AsyncGenerator<StoredFinding>
  /** The revision before the first write at or after a time: read on from there. */
  revisionBefore(updatedAtMilliseconds: number): Promise<number>
  /** Revision of the newest write, 0 when there is none. */
  revision(): Promise<number>
  /** How often a disposition was set since the start. */
  dispositionsSet(): number
  /** Sets the disposition; `expects` is asked first, and CONFLICT thrown when it says no. */
  setDisposition(
    id: string,
    change: { state: DispositionState; comment?: string | undefined },
    options: { by: string; expects?: (finding: StoredFinding) => boolean },
  ): Promise<StoredFinding>
  /** Gives findings a new revision without a change of their own: what exceptions make of them has changed. */
  touch(ids: readonly string[]): Promise<void>
}

type Counters = { sequence: number; revision: number; updatedAtMilliseconds: number }

/** Findings looked at for one page before it ends short. */
const MAX_SCANNED = 20_000
/** Documents read at a time where an index leads to them. */
const READ_AHEAD = 64
/** Observations whose findings are written, and synced, at one time. */
const WRITTEN_TOGETHER = 64

/** Makes the repository over a documents database; one may write to it. */
export function createFindings(options: {
  documents: Documents
  audit: Audit
  now: () => number
}): FindingRepository {
  const { documents, audit, now } = options
  const serial = createSerial()
  let dispositionsSet = 0

  const counters = async (): Promise<Counters> =>
    (await documents.get<Counters>(FINDING_COUNTERS)) ?? {
      sequence: 0,
      revision: 0,
      updatedAtMilliseconds: 0,
    }

  /** Times of writes never go back, even when the clock does: revisions and times keep one order. */
  const advance = (previous: Counters): Counters => ({
    ...previous,
    revision: previous.revision + 1,
    updatedAtMilliseconds: Math.max(now(), previous.updatedAtMilliseconds),
  })

  function writes(before: StoredFinding | undefined, finding: StoredFinding): DocumentOperation[] {
    const { id, revision, sequence, updatedAtMilliseconds } = finding
    const operations: DocumentOperation[] = [
      { type: 'put', key: FINDING_BY_ID + id, value: finding },
      { type: 'put', key: FINDING_BY_REVISION + sortable(revision), value: { id, updatedAtMilliseconds } },
    ]
    if (before === undefined) {
      operations.push({ type: 'put', key: FINDING_BY_SEQUENCE + sortable(sequence), value: { id } })
    } else {
      operations.push({ type: 'delete', key: FINDING_BY_REVISION + sortable(before.revision) })
    }
    return operations
  }

  async function readAll(ids: readonly string[]): Promise<(StoredFinding | undefined)[]> {
    return Promise.all(ids.map((id) => documents.get<StoredFinding>(FINDING_BY_ID + id)))
  }

  /** Positions and findings along an index; a finding that has moved on since the listing began is left out. */
  async function* along(order: FindingOrder, after: number | undefined) {
    const prefix = order === 'updated' ? FINDING_BY_REVISION : FINDING_BY_SEQUENCE
    const bounds = after === undefined ? {} : { after: prefix + sortable(after) }
    const index = documents.list<{ id: string }>(prefix, { ...bounds, reverse: order === 'newest' })
    let waiting: { position: number; id: string }[] = []
    const drain = async () => {
      const batch = waiting
      waiting = []
      const findings = await readAll(batch.map(({ id }) => id))
      return batch.map(({ position }, at) => ({ position, finding: findings[at] }))
    }
    for await (const [key, { id }] of index) {
      waiting.push({ position: Number(key.slice(prefix.length)), id })
      if (waiting.length === READ_AHEAD) yield* await drain()
    }
    yield* await drain()
  }

  async function addAll(observations: readonly Observation[]): Promise<FindingChange[]> {
    const ids = [...new Set(observations.map(({ id }) => id))]
    const stored = await readAll(ids)
    const before = new Map(ids.map((id, index) => [id, stored[index]]))
    const after = new Map<string, StoredFinding>()
    let next = await counters()
    const changes = observations.map((observation): FindingChange => {
      const { id } = observation
      const known = after.get(id) ?? before.get(id)
      const merged = merge(known, observation)
      if (merged === undefined) return 'unchanged'
      next = advance(next)
      if (known === undefined) next.sequence++
      const { sequence, revision, updatedAtMilliseconds } = next
      const disposition: Disposition = known?.disposition ?? { state: 'open', version: 0 }
      after.set(id, {
        ...merged,
        sequence: known?.sequence ?? sequence,
        revision,
        updatedAtMilliseconds,
        disposition,
      })
      return known === undefined ? 'created' : 'updated'
    })
    if (after.size > 0) {
      const operations = [...after].flatMap(([id, finding]) => writes(before.get(id), finding))
      await documents.batch([...operations, { type: 'put', key: FINDING_COUNTERS, value: next }])
    }
    return changes
  }

  return {
    upsert(observations) {
      return serial(async () => {
        const changes: FindingChange[] = []
        for (let from = 0; from < observations.length; from += WRITTEN_TOGETHER)
          changes.push(...(await addAll(observations.slice(from, from + WRITTEN_TOGETHER))))
        return changes
      })
    },

    get: (id) => documents.get<StoredFinding>(FINDING_BY_ID + id),

    async page({ order, after, limit, accept = () => true, maxScanned = MAX_SCANNED }) {
      const items: StoredFinding[] = []
      let position = after
      let scanned = 0
      for await (const { position: at, finding } of along(order, after)) {
        if (items.length === limit || scanned === maxScanned) return { items, position, hasMore: true }
        scanned++
        position = at
        // By revision, a finding written since then is met again at its new place.
        const moved = finding === undefined || (order === 'updated' && finding.revision !== at)
        if (!moved && accept(finding)) items.push(finding)
      }
      return { items, position, hasMore: false }
    },

    async *all() {
      for await (const [, finding] of documents.list<StoredFinding>(FINDING_BY_ID)) yield finding
    },

    async revisionBefore(updatedAtMilliseconds) {
      let before = (await counters()).revision
      const index = documents.list<{ updatedAtMilliseconds: number }>(FINDING_BY_REVISION, { reverse: true })
      for await (const [key, entry] of index) {
        const revision = Number(key.slice(FINDING_BY_REVISION.length))
        if (entry.updatedAtMilliseconds < updatedAtMilliseconds) return revision
        before = revision - 1
      }
      return before
    },

    revision: async () => (await counters()).revision,

    dispositionsSet: () => dispositionsSet,

    setDisposition(id, change, { by, expects }) {
      return serial(async () => {
        const before = await documents.get<StoredFinding>(FINDING_BY_ID + id)
        if (before === undefined) throw new ApplianceError('NOT_FOUND', 'no such finding')
        if (expects?.(before) === false) {
          throw new ApplianceError('CONFLICT', 'the finding has changed since it was read')
        }
        const next = advance(await counters())
        const disposition: Disposition = {
          state: change.state,
          by,
          atMilliseconds: now(),
          version: before.disposition.version + 1,
          ...(change.comment === undefined ? {} : { comment: change.comment }),
        }
        const finding: StoredFinding = {
          ...before,
          disposition,
          revision: next.revision,
          updatedAtMilliseconds: next.updatedAtMilliseconds,
        }
        await audit.record(
          {
            actor: by,
            action: 'finding.disposition',
            subject: id,
            before: before.disposition,
            after: disposition,
          },
          [...writes(before, finding), { type: 'put', key: FINDING_COUNTERS, value: next }],
        )
        dispositionsSet++
        return finding
      })
    },

    touch(ids) {
      return serial(async () => {
        let next = await counters()
        const operations: DocumentOperation[] = []
        for (const before of await readAll(ids)) {
          if (before === undefined) continue
          next = advance(next)
          const { revision, updatedAtMilliseconds } = next
          operations.push(...writes(before, { ...before, revision, updatedAtMilliseconds }))
        }
        if (operations.length === 0) return
        await documents.batch([...operations, { type: 'put', key: FINDING_COUNTERS, value: next }])
      })
    },
  }
}
