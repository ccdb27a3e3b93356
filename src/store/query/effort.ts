/** How much work a query may do, and whether anybody still waits for it. */

export type Effort = {
  /** Milliseconds since 1970 after which no further block is begun. */
  readonly deadlineMilliseconds: number
  now(): number
  isCancelled(): boolean
}

/** Why a result does not tell of all rows. */
export type PartialReason = 'blocks' | 'time' | 'groups' | 'cancelled' | 'together'

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
