/**
 * A start that mends the store on the way: where it opens and then cannot be read, it is repaired once; where the disk is
 * full, the ballast is given up; and the start is made again. Lost rows show as holes then; a restart succeeds.
 */
import type { Logger } from 'pino'
import type { Ballast } from './store/ballast.js'
import { mendDataFolder, mendWhenAsked } from './store/mend.js'

export type MendedStart<T> = {
  readonly data: string
  readonly logger: Logger
  readonly start: () => Promise<T>
  /** Ends what a start has opened so far. */
  readonly close: () => Promise<void>
  readonly ballast: Ballast
}

export async function startMended<T>({ data, logger, start, close, ballast }: MendedStart<T>): Promise<T> {
  const tell = (mended: ReadonlyMap<string, Error>) => {
    for (const [what, cause] of mended)
      logger.error({ what, cause: cause.message }, 'a damaged database was repaired; rows may be lost')
  }
  const begin = async () => {
    tell((await mendWhenAsked(data)) ?? new Map())
    return start()
  }
  try {
    return await begin()
  } catch (error) {
    await close()
    // Errors of threads come with their code and without their class.
    const { code } = error as { code?: string }
    if (code !== 'STORE_DAMAGED' && code !== 'STORE_FULL') throw error
    // Neither opening nor repairing works without room.
    if (code === 'STORE_FULL') await ballast.release()
    const mended = await mendDataFolder(data)
    if (mended.size === 0 && code !== 'STORE_FULL') throw error
    tell(mended)
  }
  try {
    return await begin()
  } catch (error) {
    await close()
    throw error
  }
}
