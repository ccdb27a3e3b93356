/** What `culvert query` takes for rows and for sums alike, and what it says of a result that is not whole. */
import { ApplianceError } from '#core/errors.js'
import type { Resolution } from '#core/store/query/resolution-names.js'

export type QueryOptions = {
  data: string
  from?: number
  to?: number
  by?: string
  top?: number
  sum?: string
  bucket: number
  scaled?: boolean
  resolution: Resolution
  limit: number
  json?: boolean
  csv?: boolean
}

export function windowOf({ from, to }: QueryOptions) {
  return {
    ...(from === undefined ? {} : { fromMilliseconds: from }),
    ...(to === undefined ? {} : { toMilliseconds: to }),
  }
}

/** What was printed is true, but there may be more: throws STORE_DAMAGED. */
export function warnOfDamage(blocksFailed: number, isLost: boolean): void {
  const causes = [
    ...(blocksFailed > 0
      ? [blocksFailed === 1 ? '1 block could not be read' : `${blocksFailed} blocks could not be read`]
      : []),
    ...(isLost ? ['stored rows of that time are gone'] : []),
  ]
  if (causes.length === 0) return
  throw new ApplianceError('STORE_DAMAGED', `${causes.join(' and ')}, so the result is partial`)
}
