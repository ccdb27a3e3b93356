/**
 * Writes the databases of an archive into a folder. Until everything is there and proven, it lies in a folder of its own
 * inside, by whose presence a start knows a restore that did not end.
 */
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ApplianceError } from '../../errors.js'
import { SYNC_KEY, sequenceValue } from '../keys.js'
import { openLevel } from '../level.js'
import { type DatabaseName, databases } from './format.js'
import { readArchive } from './read.js'
import { RESTORING } from './unfinished.js'
import { type ArchiveReport, createChecker } from './verify.js'
import type { RawDatabase } from './write.js'

/** Octets of values in one write to LevelDB. */
const BATCH_OCTETS = 1024 * 1024

/**
 * Restores into a folder that is empty or not there. Throws CONFIG_INVALID when it is neither, BACKUP_DAMAGED when the
 * archive is not whole; nothing is left behind then.
 */
export async function restoreArchive(
  archive: AsyncIterable<Uint8Array>,
  data: string,
): Promise<ArchiveReport> {
  const wasThere = existsSync(data)
  await clearUnfinished(data)
  const staging = join(data, RESTORING)
  const placed: string[] = []
  try {
    await mkdir(data, { recursive: true, mode: 0o700 })
    await mkdir(staging)
    const report = await writeDatabases(archive, staging)
    for (const name of databases) {
      await rename(join(staging, name), join(data, name))
      placed.push(join(data, name))
    }
    await syncFolder(data)
    await rm(staging, { recursive: true })
    await syncFolder(data)
    return report
  } catch (error) {
    // The mark goes last.
    for (const path of wasThere ? [...placed, staging] : [data])
      await rm(path, { recursive: true, force: true })
    throw error
  }
}

/** What an interrupted restore left goes; anything else in the folder is somebody's. */
async function clearUnfinished(data: string): Promise<void> {
  const names = existsSync(data)
    ? await readdir(data).catch((cause: unknown) => {
        throw new ApplianceError('CONFIG_INVALID', `${data} cannot be read as a folder`, { cause })
      })
    : []
  const ours = names.includes(RESTORING) ? [RESTORING, ...databases] : []
  const [other] = names.filter((name) => !ours.includes(name))
  if (other !== undefined) {
    const message = `${data} is not empty (${JSON.stringify(other)}): a backup is restored into a new folder`
    throw new ApplianceError('CONFIG_INVALID', message)
  }
  // The mark goes last.
  for (const name of ours.reverse()) await rm(join(data, name), { recursive: true, force: true })
}

async function writeDatabases(archive: AsyncIterable<Uint8Array>, staging: string): Promise<ArchiveReport> {
  const opened = new Map<DatabaseName, RawDatabase>()
  const checker = createChecker()
  try {
    for (const name of databases) opened.set(name, await openRaw(join(staging, name), name))
    for await (const part of readArchive(archive)) {
      if (part.kind === 'manifest') {
        checker.end(part.manifest)
        const value = sequenceValue(part.manifest.nextSequence)
        await opened.get('blocks')!.put(SYNC_KEY, value, { sync: true })
        const rollupValue = sequenceValue(part.manifest.rollups?.nextSequence ?? 1)
        await opened.get('rollups')!.put(SYNC_KEY, rollupValue, { sync: true })
        continue
      }
      for (const [key, value] of part.records) checker.record(part.database, key, value)
      await write(opened.get(part.database)!, part.records)
    }
    return checker.report()
  } finally {
    for (const database of opened.values()) await database.close()
  }
}

async function write(
  database: RawDatabase,
  records: readonly (readonly [key: Uint8Array, value: Uint8Array])[],
): Promise<void> {
  let batch: { type: 'put'; key: Uint8Array; value: Uint8Array }[] = []
  let octets = 0
  for (const [key, value] of records) {
    batch.push({ type: 'put', key, value })
    octets += value.length
    if (octets < BATCH_OCTETS) continue
    await database.batch(batch)
    batch = []
    octets = 0
  }
  if (batch.length > 0) await database.batch(batch, { sync: true })
}

/** A database as octets, with the settings that its store opens it with. */
export async function openRaw(location: string, name: DatabaseName): Promise<RawDatabase> {
  await mkdir(location, { recursive: true })
  return openLevel<Uint8Array, Uint8Array>({
    location,
    what: name,
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: name === 'documents',
  })
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
