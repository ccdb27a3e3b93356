/** Answers over rows that are known to be gone are partial, and say so. */
import { mayMissRows, type StoreDamage } from '../holes.js'
import type { PartialReason } from './effort.js'
import { type RowQuery, windowOf } from './rows.js'

/**
 * The result, marked when rows of what was looked at are missing: those from a number on, and below the query's cursor where it
 * has one.
 */
export function markLost<Result extends { partial: boolean; partialReasons: readonly PartialReason[] }>(
  result: Result,
  query: Pick<RowQuery, 'fromMilliseconds' | 'toMilliseconds' | 'cursor'>,
  fromSequence: number,
  missing: StoreDamage | undefined,
): Result {
  const toSequence = Number(query.cursor ?? Number.POSITIVE_INFINITY)
  if (missing === undefined || !mayMissRows(missing, { ...windowOf(query), fromSequence, toSequence }))
    return result
  return { ...result, partial: true, partialReasons: [...result.partialReasons, 'lost'] }
}

/** A page of rows: what lies before its cursor is of the pages to come. */
export function markLostOfPage<
  Result extends {
    partial: boolean
    partialReasons: readonly PartialReason[]
    nextCursor: string | undefined
  },
>(
  page: Result,
  query: Pick<RowQuery, 'fromMilliseconds' | 'toMilliseconds' | 'cursor'>,
  missing: StoreDamage | undefined,
): Result {
  return markLost(page, query, Number(page.nextCursor ?? 0), missing)
}
