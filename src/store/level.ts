/**
 * Opening a LevelDB database and telling its errors apart. A damaged database is repaired once, and that is reported;
 * threads of one process may share it, a second process is refused with STORE_LOCKED.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { ApplianceError } from '../errors.js'
import type { TableIndex } from './table-values.js'
import { findBadTables, noteRepair, setAside, tableNames } from './tables.js'

/** LevelDB's memory table, of which there are two while one is written; larger ones gain nothing with keys that only grow. */
const WRITE_BUFFER_OCTETS = 4 * 1024 * 1024

export type LevelOptions = {
  readonly location: string
  /** What is kept there, for messages: "documents", "blocks". */
  readonly what: string
  readonly keyEncoding: 'utf8' | 'view'
  readonly valueEncoding: 'json' | 'view'
  /** False for values that are compressed already. */
  readonly compression?: boolean
  /** Looks at every table before the database is used; by the first thread that opens it alone. */
  readonly isChecked?: boolean
  /** Given the index of each table that was looked at. */
  readonly onTable?: ((table: TableIndex) => void) | undefined
  /** Told when a damaged database was repaired; rows may have been lost. */
  readonly onRepair?: ((cause: Error) => void) | undefined
}

/** Opens the database in an existing folder. */
export async function openLevel<Key, Value>(options: LevelOptions): Promise<ClassicLevel<Key, Value>> {
  const lost = await lostCurrent(options)
  if (lost !== undefined) return repairAndOpen(options, lost)
  // Tables that a merge is writing after the opening are not whole yet, so the names are taken before.
  const names = options.isChecked === true ? await guarded(options.what, tableNames(options.location)) : []
  try {
    const database = await openDatabase<Key, Value>(options)
    const [bad] = await findBadTables(options.location, names, options.onTable)
    if (bad === undefined) return database
    await database.close()
    return await repairAndOpen(options, new Error(`table ${bad[0]}: ${bad[1]}`))
  } catch (error) {
    if (error instanceof ApplianceError) throw error
    const code = codeOf(error)
    if (isFull(error) || (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_IO_ERROR'))
      throw translated(options.what, error)
    return repairAndOpen(options, error as Error)
  }
}

/**
 * Opens a database whose content can be made anew, making its folder. One that is damaged is thrown away by the thread
 * that may, `isFirst`.
 */
export async function openDerivedLevel<Key, Value>(options: LevelOptions, isFirst: boolean) {
  await guarded(options.what, mkdir(options.location, { recursive: true }))
  const names = isFirst ? await guarded(options.what, tableNames(options.location)) : []
  try {
    const database = await openDatabase<Key, Value>(options)
    if ((await findBadTables(options.location, names)).size === 0) return database
    await database.close()
    throw Object.assign(new Error('a table is damaged'), { code: 'LEVEL_CORRUPTION' })
  } catch (error) {
    const code = codeOf(error)
    const isDamaged = code === 'LEVEL_CORRUPTION' || code === 'LEVEL_IO_ERROR'
    if (!isFirst || !isDamaged || isFull(error)) throw translated(options.what, error)
    await guarded(options.what, rm(options.location, { recursive: true }))
    await guarded(options.what, mkdir(options.location))
    return await guarded(options.what, openDatabase<Key, Value>(options))
  }
}

/** Awaits work on a database; its errors come out as ApplianceErrors. */
export async function guarded<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw translated(what, error)
  }
}

/**
 * LevelDB takes a folder without CURRENT for a new one and deletes the tables that it finds there, so that case must
 * be repaired before it is opened.
 */
async function lostCurrent({ what, location }: LevelOptions): Promise<Error | undefined> {
  const names = await guarded(what, readdir(location))
  if (names.includes('CURRENT') || !names.some((name) => /\.(ldb|sst|log)$/.test(name))) return undefined
  return new Error('CURRENT is missing')
}

/**
 * Makes a database readable again that nothing has open. What cannot be read, and what LevelDB made the repair from, is
 * put aside in its folder `lost`.
 */
export async function repairDatabase(location: string): Promise<void> {
  const bad = await findBadTables(location, await tableNames(location))
  if (bad.size > 0) await setAside(location, bad.keys())
  await noteRepair(location)
  await ClassicLevel.repair(location)
}

async function repairAndOpen<Key, Value>(options: LevelOptions, cause: Error) {
  try {
    await repairDatabase(options.location)
    const database = await openDatabase<Key, Value>(options)
    options.onRepair?.(cause)
    return database
  } catch (error) {
    throw translated(options.what, error)
  }
}

async function openDatabase<Key, Value>(options: LevelOptions) {
  const { location, keyEncoding, valueEncoding, compression = true } = options
  const database = new ClassicLevel<Key, Value>(location, {
    keyEncoding,
    valueEncoding,
    compression,
    writeBufferSize: WRITE_BUFFER_OCTETS,
    multithreading: true,
  })
  await database.open()
  return database
}

/** LevelDB wraps the code that tells (`LEVEL_LOCKED`) in one that does not (`LEVEL_DATABASE_NOT_OPEN`). */
function codeOf(error: unknown): string | undefined {
  const { code, cause } = error as { code?: string; cause?: unknown }
  return (cause === undefined || cause === null ? undefined : codeOf(cause)) ?? code
}

function isFull(error: unknown): boolean {
  const { message = '', cause } = error as { message?: string; cause?: unknown }
  return /no space left|ENOSPC|disk quota/i.test(message) || (cause != null && isFull(cause))
}

function translated(what: string, error: unknown): Error {
  const code = codeOf(error)
  if (isFull(error)) {
    return new ApplianceError('STORE_FULL', `the disk has no space left for the ${what}`, { cause: error })
  }
  if (code === 'LEVEL_LOCKED') {
    const message = `another process has the ${what} database open`
    return new ApplianceError('STORE_LOCKED', message, { cause: error })
  }
  if (code === 'LEVEL_CORRUPTION' || code === 'LEVEL_DECODE_ERROR' || code === 'LEVEL_IO_ERROR') {
    return new ApplianceError('STORE_DAMAGED', `the ${what} database is damaged`, { cause: error })
  }
  if (/^E[A-Z]+$/.test(code ?? '')) {
    return new ApplianceError('STORE_DAMAGED', `the folder of the ${what} cannot be used: ${code}`, {
      cause: error,
    })
  }
  return error as Error
}
