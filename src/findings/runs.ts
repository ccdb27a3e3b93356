/**
 * What the detectors did and when: one entry per run of a detector over a span of time. "Nothing found" means something
 * only beside a run that ended ok. Bounded by age and number; the oldest go first.
 */
import { type Static, Type } from 'typebox'
import { DAY_MILLISECONDS } from '../clock.js'
import type { DocumentOperation, Documents } from '../store/documents.js'
import { RUN_BY_TIME, sortable } from './keys.js'
import { createSerial } from './serial.js'

/**
 * ok: all was read. partial: some rows are gone or cannot be read. running: it has not ended yet. interrupted: the process
 * ended first. skipped: not begun.
 */
export const runOutcomes = ['ok', 'partial', 'failed', 'running', 'interrupted', 'skipped'] as const

/** One run of one detector. */
export const Run = Type.Object(
  {
    id: Type.String(),
    detector: Type.String(),
    fromMilliseconds: Type.Number({ description: 'received time, included' }),
    toMilliseconds: Type.Number({ description: 'received time, not included' }),
    startedAtMilliseconds: Type.Number(),
    endedAtMilliseconds: Type.Optional(Type.Number()),
    outcome: Type.Enum([...runOutcomes]),
    error: Type.Optional(Type.String()),
    rowsRead: Type.Integer(),
    blocksRead: Type.Integer(),
    blocksFailed: Type.Integer(),
    observations: Type.Integer(),
    created: Type.Integer(),
    updated: Type.Integer(),
  },
  { additionalProperties: false },
)
export type Run = Static<typeof Run>

/** A part of the list of runs. */
export type RunPage = {
  readonly items: Run[]
  /** Where to go on. */
  readonly position: string | undefined
  readonly hasMore: boolean
}

/** Keeps what the detectors did. */
export type RunRepository = {
  /**
   * Writes a run, in place of an earlier entry with the same id and start: first as running, then as it ended. What is read as
   * running was begun by this process; on the disk it is interrupted until it has ended.
   */
  record(run: Run): Promise<void>
  /** The newest first. */
  page(options: {
    after?: string | undefined
    limit: number
    accept?: (run: Run) => boolean
  }): Promise<RunPage>
}

/** Runs between two looks for what is to be removed. */
const PRUNE_EVERY = 1000

/** Makes the repository; by default the last 250,000 runs of 90 days are kept: three weeks of two detectors every 15 s. */
export function createRuns(options: {
  documents: Documents
  now: () => number
  maxRuns?: number
  maxAgeDays?: number
}): RunRepository {
  const { documents, now, maxRuns = 250_000, maxAgeDays = 90 } = options
  const serial = createSerial()
  let untilPrune = 0
  const running = new Set<string>()

  async function prune() {
    const oldest = RUN_BY_TIME + sortable(Math.max(0, Math.floor(now() - maxAgeDays * DAY_MILLISECONDS)))
    let kept = 0
    const operations: DocumentOperation[] = []
    for await (const key of documents.keysFromLast(RUN_BY_TIME)) {
      if (kept < maxRuns && key >= oldest) kept++
      else operations.push({ type: 'delete', key })
    }
    if (operations.length > 0) await documents.batch(operations, { sync: false })
  }

  return {
    record(run) {
      return serial(async () => {
        const key = `${RUN_BY_TIME}${sortable(Math.floor(run.startedAtMilliseconds))}/${run.id}`
        if (run.outcome === 'running') running.add(run.id)
        else running.delete(run.id)
        const stored: Run = run.outcome === 'running' ? { ...run, outcome: 'interrupted' } : run
        await documents.put(key, stored, { sync: false })
        if (untilPrune-- > 0) return
        untilPrune = Math.min(PRUNE_EVERY, maxRuns)
        await prune()
      })
    },

    async page({ after, limit, accept = () => true }) {
      const items: Run[] = []
      let position = after
      const bounds = after === undefined ? {} : { after: RUN_BY_TIME + after }
      for await (const [key, stored] of documents.list<Run>(RUN_BY_TIME, { ...bounds, reverse: true })) {
        const run: Run = running.has(stored.id) ? { ...stored, outcome: 'running' } : stored
        if (items.length === limit) return { items, position, hasMore: true }
        position = key.slice(RUN_BY_TIME.length)
        if (accept(run)) items.push(run)
      }
      return { items, position, hasMore: false }
    },
  }
}
