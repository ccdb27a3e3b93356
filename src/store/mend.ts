/**
 * Mends a data folder that opened and then could not be read: LevelDB finds damage inside of a table only when somebody
 * reads there. Reads the databases to the end and repairs what does not come through.
 */
import { existsSync } from 'node:fs'
import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApplianceError } from '../errors.js'
import { type DatabaseName, databases } from './backup/format.js'
import { openRaw } from './backup/restore.js'
import { guarded, repairDatabase } from './level.js'
import { SET_ASIDE } from './tables.js'

/** In a data folder: the store took nothing more, and the next start is to read all of it. */
const MEND = 'mend'

export async function askForMending(data: string): Promise<void> {
  await writeFile(join(data, MEND), '')
}

/** Mends a folder for which that was asked; undefined where it was not. */
export async function mendWhenAsked(data: string): Promise<Map<DatabaseName, Error> | undefined> {
  if (!existsSync(join(data, MEND))) return undefined
  const mended = await mendDataFolder(data)
  await rm(join(data, MEND))
  return mended
}

/** Repairs what cannot be read; nothing may have the folder open. Returns what was repaired, and why. */
export async function mendDataFolder(data: string): Promise<Map<DatabaseName, Error>> {
  const mended = new Map<DatabaseName, Error>()
  for (const name of databases) {
    const location = join(data, name)
    if (!existsSync(location)) continue
    const fault = await faultOfReading(location, name)
    if (fault === undefined) continue
    await guarded(name, repairDatabase(location))
    mended.set(name, fault)
  }
  // The index is made again from the blocks.
  for (const name of ['blocks', 'rollups'] as const) {
    const index = join(data, name, 'index')
    const fault = existsSync(index) ? await faultOfReading(index, name) : undefined
    if (fault === undefined) continue
    await rm(index, { recursive: true })
    mended.set(name, fault)
  }
  return mended
}

async function faultOfReading(location: string, name: DatabaseName): Promise<Error | undefined> {
  const database = await openRaw(location, name)
  try {
    for await (const _ of database.keys({ fillCache: false })) {
      // That it can be read is all that is asked.
    }
    return undefined
  } catch (error) {
    if ((error as { code?: string }).code !== 'LEVEL_CORRUPTION')
      throw new ApplianceError('STORE_DAMAGED', `the ${name} database cannot be read`, { cause: error })
    return error as Error
  } finally {
    await database.close()
  }
}

/** Files that repairs put aside, by database; they stay until a person deletes them. */
export type SetAside = {
  readonly database: DatabaseName
  readonly files: number
  readonly octets: number
  /** When the last one was put there. */
  readonly atMilliseconds: number
}

export async function findSetAside(data: string): Promise<SetAside[]> {
  const found: SetAside[] = []
  for (const database of databases) {
    const folder = join(data, database, SET_ASIDE)
    if (!existsSync(folder)) continue
    const files = await Promise.all((await readdir(folder)).map((name) => stat(join(folder, name))))
    if (files.length === 0) continue
    const octets = files.reduce((sum, { size }) => sum + size, 0)
    const atMilliseconds = Math.max(...files.map(({ ctimeMs }) => ctimeMs))
    found.push({ database, files: files.length, octets, atMilliseconds })
  }
  return found
}
