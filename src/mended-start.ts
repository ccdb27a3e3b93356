/**
 * A start that mends the store on the way: where it opens and then cannot be read, it is repaired once and the start is
 * made again. Lost rows show as holes then; a restart succeeds.
 */
import type { Logger } from 'pino'
import { mendDataFolder } from './store/mend.js'

export type MendedStart<T> = {
  readonly data: string
  readonly logger: Logger
  readonly start: () => Promise<T>
  /** Ends what a start has opened so far. */
  readonly close: () => Promise<void>
}

export async function startMended<T>({ data, logger, start, close }: MendedStart<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    await close()
    // Errors of threads come with their code and without their class.
    if ((error as { code?: string }).code !== 'STORE_DAMAGED') throw error
    const mended = await mendDataFolder(data)
    if (mended.size === 0) throw error
    for (const [what, cause] of mended) {
      logger.error({ what, cause: cause.message }, 'a damaged database was repaired; rows may be lost')
    }
  }
  try {
    return await start()
  } catch (error) {
    await close()
    throw error
  }
}
