/**
 * The time that retention by age goes by. It is this machine's clock, until that jumps far ahead, as of a machine that wakes without
 * its time server: then all rows would be old at once, and gone before anybody knows. So the time goes on from where it was, for a
 * day in which the clock can be set right; after that the clock is believed. Limits of size and of free space hold all the while.
 */
import { type Clock, DAY_MILLISECONDS } from './clock.js'
import type { Config } from './config.js'

/** So long a clock that jumped is not believed. */
const HELD_MILLISECONDS = DAY_MILLISECONDS

/** Where the time stood, for the next start. */
export const AGEING_TIME = 'retention/time'

export type Age = {
  /** Milliseconds since 1970; not after this machine's clock. */
  readonly nowMilliseconds: number
  /** Where the time stands. */
  readonly timeMilliseconds: number
  /** While a clock that is ahead is not believed: how far, and until when by that clock. */
  readonly held?: { readonly aheadMilliseconds: number; readonly untilMilliseconds: number }
}

export type AgeingOptions = {
  /** Where the time stood when it was looked at last, before this start; undefined: never. */
  readonly lastMilliseconds: number | undefined
  readonly limits: Pick<Config['retention'], 'rawDays' | 'messageDays' | 'rollupDays'>
  readonly clock: Pick<Clock, 'now' | 'span'>
  /** Milliseconds by a clock that nobody sets. */
  readonly elapsed?: () => number
}

export type Ageing = { look(): Age }

export function createAgeing(options: AgeingOptions): Ageing {
  const { lastMilliseconds, limits, clock, elapsed = () => performance.now() } = options
  const shortestDays = Math.min(limits.rawDays, limits.messageDays, limits.rollupDays)
  const jumpMilliseconds = Math.min(1, shortestDays / 2) * DAY_MILLISECONDS
  let time = lastMilliseconds ?? clock.now()
  let at = elapsed()
  /** Since when the clock has been off. */
  let offFrom: number | undefined
  return {
    look() {
      const now = elapsed()
      time += clock.span(now - at)
      at = now
      const clockMilliseconds = clock.now()
      const aheadMilliseconds = clockMilliseconds - time
      if (Math.abs(aheadMilliseconds) > jumpMilliseconds) {
        offFrom ??= now
        const left = HELD_MILLISECONDS - (now - offFrom)
        const untilMilliseconds = clockMilliseconds + left
        if (left > 0) {
          return aheadMilliseconds > 0
            ? {
                nowMilliseconds: time,
                timeMilliseconds: time,
                held: { aheadMilliseconds, untilMilliseconds },
              }
            : { nowMilliseconds: clockMilliseconds, timeMilliseconds: time }
        }
      }
      offFrom = undefined
      time = clockMilliseconds
      return { nowMilliseconds: time, timeMilliseconds: time }
    },
  }
}
