/**
 * Whether there is room to store: below a mark of free space nothing is written any more, since LevelDB whose write fails
 * for want of space must be opened anew. It goes on by itself some way above the mark.
 */
import { freeOctetsOf } from './ballast.js'

/** Goes on at this many times the mark, so that it does not stop and go with every block. */
const RESUME_FACTOR = 1.25

/** Writing is stopped since then, at so many free octets. */
export type Stopped = { readonly sinceMilliseconds: number; readonly freeOctets: number }

export type LowWater = {
  /** Looks at the file system. Undefined: there is room. */
  look(): Promise<Stopped | undefined>
}

/** `markOctets` of 0: never stops. `free` is for tests. */
export function createLowWater(
  folder: string,
  markOctets: number,
  now: () => number,
  free: (folder: string) => Promise<number> = freeOctetsOf,
): LowWater {
  let since: number | undefined
  return {
    async look() {
      if (markOctets === 0) return undefined
      const freeOctets = await free(folder)
      const mark = since === undefined ? markOctets : markOctets * RESUME_FACTOR
      since = freeOctets < mark ? (since ?? now()) : undefined
      return since === undefined ? undefined : { sinceMilliseconds: since, freeOctets }
    },
  }
}
