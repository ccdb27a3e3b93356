/** How a start knows a restore that did not end; apart from restoring itself, which every command would have to load. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ApplianceError } from '../../errors.js'

/** In a data folder: what a restore has written so far. */
export const RESTORING = '.restoring'

/** Throws STORE_DAMAGED when a restore into a folder was interrupted. */
export function refuseUnfinished(data: string): void {
  if (!existsSync(join(data, RESTORING))) return
  const message = `a restore into ${data} did not end: run it again, or delete the folder`
  throw new ApplianceError('STORE_DAMAGED', message)
}
