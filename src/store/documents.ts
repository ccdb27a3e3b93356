/**
 * The documents database: findings, exceptions, audit, tokens and runs as JSON under ordered text keys. Writes are
 * synced unless told otherwise: they are few and dear. Blocks of rows live in another database, whose growing keys
 * would stall these. Threads of one process may share it; a second process is refused with STORE_LOCKED.
 */
import { mkdir, readdir } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { ApplianceError } from '../errors.js'

/** One write of a batch. */
export type DocumentOperation =
  | { readonly type: 'put'; readonly key: string; readonly value: unknown }
  | { readonly type: 'delete'; readonly key: string }

/** `sync: false` leaves it to the operating system when the write reaches the disk. */
export type WriteOptions = { readonly sync?: boolean }

/** `from` (inclusive) and `after` (exclusive) are full keys, in the direction of the listing. */
export type ListOptions = {
  readonly from?: string
  readonly after?: string
  readonly limit?: number
  readonly reverse?: boolean
}

/** An ordered store of JSON values. */
export type Documents = {
  /** Opens the database, made when it is not there; a damaged one is repaired once, and that is reported. */
  open(): Promise<void>
  close(): Promise<void>
  /** The value, or undefined when there is none. */
  get<T>(key: string): Promise<T | undefined>
  put(key: string, value: unknown, options?: WriteOptions): Promise<void>
  delete(key: string, options?: WriteOptions): Promise<void>
  /** All or none of the operations. */
  batch(operations: readonly DocumentOperation[], options?: WriteOptions): Promise<void>
  /** Keys that begin with `prefix`, with their values, in key order, as they were when the listing began. */
  list<T>(prefix: string, options?: ListOptions): AsyncGenerator<[key: string, value: T]>
}

/** Where the store is, and whom to tell of a repair. */
export type DocumentsOptions = {
  /** The folder of the database. */
  readonly location: string
  /** Told when a damaged database was repaired; rows may have been lost. */
  readonly onRepair?: (cause: Error) => void
}

/** Makes a document store; inert until `open`. */
export function createDocuments(options: DocumentsOptions): Documents {
  const { location } = options
  let database: ClassicLevel<string, unknown> | undefined

  const level = () => {
    if (database === undefined) throw new Error('the documents database is not open')
    return database
  }

  return {
    async open() {
      if (database !== undefined) return
      await guarded(mkdir(location, { recursive: true }))
      database = await openOrRepair(location, options.onRepair)
    },
    async close() {
      const closing = database
      database = undefined
      await closing?.close()
    },
    async get<T>(key: string) {
      return (await guarded(level().get(key))) as T | undefined
    },
    async put(key, value, { sync = true } = {}) {
      await guarded(level().put(key, value, { sync }))
    },
    async delete(key, { sync = true } = {}) {
      await guarded(level().del(key, { sync }))
    },
    async batch(operations, { sync = true } = {}) {
      const operationsOfLevel = operations.map((operation) =>
        operation.type === 'put'
          ? { type: 'put' as const, key: operation.key, value: operation.value }
          : { type: 'del' as const, key: operation.key },
      )
      await guarded(level().batch(operationsOfLevel, { sync }))
    },
    async *list<T>(prefix: string, listing: ListOptions = {}) {
      const { from, after, limit = -1, reverse = false } = listing
      const lower = reverse || (from ?? after) === undefined ? { gte: prefix } : undefined
      const upper = reverse && (from ?? after) !== undefined ? undefined : { lt: successor(prefix) }
      const begin =
        after !== undefined ? { [reverse ? 'lt' : 'gt']: after } : { [reverse ? 'lte' : 'gte']: from }
      const range = { ...(lower ?? begin), ...(upper ?? begin) }
      const iterator = level().iterator({ ...range, limit, reverse })
      try {
        for (;;) {
          const entry = await guarded(iterator.next())
          if (entry === undefined) return
          yield entry as [string, T]
        }
      } finally {
        await iterator.close()
      }
    },
  }
}

/** The first text after all that begin with `prefix`, whose last character must be ASCII. */
function successor(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}

async function openOrRepair(location: string, onRepair: DocumentsOptions['onRepair']) {
  const lost = await lostCurrent(location)
  if (lost !== undefined) return repairAndOpen(location, lost, onRepair)
  try {
    return await openDatabase(location)
  } catch (error) {
    const code = codeOf(error)
    if (isFull(error) || (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_IO_ERROR')) throw translated(error)
    return repairAndOpen(location, error as Error, onRepair)
  }
}

/**
 * LevelDB takes a folder without CURRENT for a new one and deletes the tables that it finds there, so that case must
 * be repaired before it is opened.
 */
async function lostCurrent(location: string): Promise<Error | undefined> {
  const names = await guarded(readdir(location))
  if (names.includes('CURRENT') || !names.some((name) => /\.(ldb|sst|log)$/.test(name))) return undefined
  return new Error('CURRENT is missing')
}

async function repairAndOpen(location: string, cause: Error, onRepair: DocumentsOptions['onRepair']) {
  try {
    await ClassicLevel.repair(location)
    const database = await openDatabase(location)
    onRepair?.(cause)
    return database
  } catch (error) {
    throw translated(error)
  }
}

async function openDatabase(location: string) {
  const database = new ClassicLevel<string, unknown>(location, {
    keyEncoding: 'utf8',
    valueEncoding: 'json',
    multithreading: true,
  })
  await database.open()
  return database
}

async function guarded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw translated(error)
  }
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

function translated(error: unknown): Error {
  const code = codeOf(error)
  if (isFull(error)) {
    return new ApplianceError('STORE_FULL', 'the disk has no space left for the documents', { cause: error })
  }
  if (code === 'LEVEL_LOCKED') {
    const message = 'another process has the documents database open'
    return new ApplianceError('STORE_LOCKED', message, { cause: error })
  }
  if (code === 'LEVEL_CORRUPTION' || code === 'LEVEL_DECODE_ERROR' || code === 'LEVEL_IO_ERROR') {
    return new ApplianceError('STORE_DAMAGED', 'the documents database is damaged', { cause: error })
  }
  if (/^E[A-Z]+$/.test(code ?? '')) {
    return new ApplianceError('STORE_DAMAGED', `the folder of the documents cannot be used: ${code}`, {
      cause: error,
    })
  }
  return error as Error
}
