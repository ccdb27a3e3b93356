/**
 * A file that only takes space. On a full disk LevelDB can neither open nor repair nor delete; giving the ballast up makes
 * the room for that.
 */
import { existsSync } from 'node:fs'
import { open, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** In the data folder. */
export const BALLAST = 'ballast'
const CHUNK_OCTETS = 1024 * 1024

export async function freeOctetsOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

export type Ballast = {
  /** Gives the space up where less than the mark is free; takes it again where there is plenty. */
  keep(): Promise<'held' | 'released' | 'absent'>
  release(): Promise<void>
}

/** `octets` of 0: none is kept. */
export function createBallast(data: string, octets: number, markOctets: number): Ballast {
  const path = join(data, BALLAST)

  async function take(): Promise<void> {
    // Not a sparse file: the octets must be there to be given back.
    const temporary = `${path}.new`
    const file = await open(temporary, 'w', 0o600)
    try {
      const chunk = Buffer.alloc(Math.min(CHUNK_OCTETS, octets), 0x42)
      for (let at = 0; at < octets; at += chunk.length)
        await file.write(chunk, 0, Math.min(chunk.length, octets - at))
      await file.sync()
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  }
  const release = () => rm(path, { force: true })

  return {
    release,
    async keep() {
      const free = await freeOctetsOf(data)
      if (octets === 0 || free < markOctets) {
        if (!existsSync(path)) return 'absent'
        await release()
        return octets === 0 ? 'absent' : 'released'
      }
      if (existsSync(path)) return 'held'
      if (free < 2 * (markOctets + octets)) return 'absent'
      await take()
      return 'held'
    },
  }
}
