/** What a querying thread is asked and answers. */
import type { ThreadCounts } from '../counters.js'
import type { AggregatePart, AggregatePlan, AggregateQuery } from '../store/query/aggregate.js'
import type { AggregateResult } from '../store/query/ranking.js'
import type { RowPage, RowQuery } from '../store/query/rows.js'
import type { SessionPage, SessionQuery } from '../store/sessions.js'

export type QuerySetup = {
  readonly data: string
  /** This thread's row; absent where nobody reads it. */
  readonly counts?: ThreadCounts
  /** Shared memory of the ingest sequence. */
  readonly sequence: SharedArrayBuffer
  /** The same of the rollups; absent where they are not to be asked. */
  readonly rollupSequence?: SharedArrayBuffer
  /** As of the store's: 0 where just one question is asked. */
  readonly openedOctets?: number
}

/**
 * Shared by all who work on one query: whether it is cancelled (0 or 1), and the place of the next block that nobody
 * has taken.
 */
export const CONTROL_CANCELLED = 0
export const CONTROL_NEXT = 1
export const CONTROL_WORDS = 2

/** Work → what it asks and what it gives. */
export type QueryWork = {
  rows: { ask: RowQuery; answer: RowPage }
  sessions: { ask: SessionQuery; answer: SessionPage }
  plan: { ask: AggregateQuery; answer: AggregatePlan }
  part: { ask: { query: AggregateQuery; plan: AggregatePlan }; answer: AggregatePart }
  rank: {
    ask: {
      query: AggregateQuery
      plan: Pick<AggregatePlan, 'blocksFailed' | 'sources'>
      parts: readonly AggregatePart[]
    }
    answer: AggregateResult
  }
}
export type QueryWorkName = keyof QueryWork

export type ToQuery =
  | {
      readonly type: 'work'
      readonly id: number
      readonly name: QueryWorkName
      readonly ask: QueryWork[QueryWorkName]['ask']
      readonly control: Int32Array
      readonly deadlineMilliseconds: number
    }
  | { readonly type: 'stop' }

export type FromQuery =
  | { readonly type: 'answer'; readonly id: number; readonly answer: QueryWork[QueryWorkName]['answer'] }
  | {
      readonly type: 'fault'
      readonly id: number
      readonly code: string | undefined
      readonly message: string
    }
  | { readonly type: 'stopped' }
