/** How much work a query may do, and whether anybody still waits for it. */

export type Effort = {
  /** Milliseconds since 1970 after which no further block is begun. */
  readonly deadlineMilliseconds: number
  now(): number
  isCancelled(): boolean
}

/**
 * Why a result does not tell of all rows. blocks: some cannot be read. lost: rows of the time that was asked for are gone.
 * removed: retention deleted rows while the query was at work. time: it was over. groups, sessions: there were too many. together:
 * rollups have not kept all groups apart.
 */
export const partialReasons = [
  'blocks',
  'lost',
  'removed',
  'time',
  'groups',
  'sessions',
  'cancelled',
  'together',
] as const
export type PartialReason = (typeof partialReasons)[number]

/** Work without an end of its own. */
export const allEffort: Effort = {
  deadlineMilliseconds: Number.POSITIVE_INFINITY,
  now: () => Date.now(),
  isCancelled: () => false,
}

/** Why to stop before the next block; undefined to go on. */
export function stopReason(effort: Effort): 'time' | 'cancelled' | undefined {
  if (effort.isCancelled()) return 'cancelled'
  return effort.now() > effort.deadlineMilliseconds ? 'time' : undefined
}
