/**
 * The documents database: findings, exceptions, audit, tokens and runs as JSON under ordered text keys. Writes are
 * synced unless told otherwise: they are few and dear. Blocks of rows live in another database, whose growing keys
 * would stall these. Threads of one process may share it; a second process is refused with STORE_LOCKED.
 */
import { mkdir } from 'node:fs/promises'
import type { ClassicLevel } from 'classic-level'
import { guarded, openLevel } from './level.js'

const WHAT = 'documents'

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
  /** Keys that begin with `prefix`, the last first; values are not read. */
  keysFromLast(prefix: string): AsyncGenerator<string>
}

const KEYS_TOGETHER = 1000

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
      await guarded(WHAT, mkdir(location, { recursive: true }))
      database = await openLevel<string, unknown>({
        location,
        what: WHAT,
        keyEncoding: 'utf8',
        valueEncoding: 'json',
        isChecked: options.onRepair !== undefined,
        onRepair: options.onRepair,
      })
    },
    async close() {
      const closing = database
      database = undefined
      await closing?.close()
    },
    async get<T>(key: string) {
      return (await guarded(WHAT, level().get(key))) as T | undefined
    },
    async put(key, value, { sync = true } = {}) {
      await guarded(WHAT, level().put(key, value, { sync }))
    },
    async delete(key, { sync = true } = {}) {
      await guarded(WHAT, level().del(key, { sync }))
    },
    async batch(operations, { sync = true } = {}) {
      const operationsOfLevel = operations.map((operation) =>
        operation.type === 'put'
          ? { type: 'put' as const, key: operation.key, value: operation.value }
          : { type: 'del' as const, key: operation.key },
      )
      await guarded(WHAT, level().batch(operationsOfLevel, { sync }))
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
          const entry = await guarded(WHAT, iterator.next())
          if (entry === undefined) return
          yield entry as [string, T]
        }
      } finally {
        await iterator.close()
      }
    },
    async *keysFromLast(prefix) {
      const iterator = level().keys({ gte: prefix, lt: successor(prefix), reverse: true })
      try {
        for (;;) {
          const keys = await guarded(WHAT, iterator.nextv(KEYS_TOGETHER))
          if (keys.length === 0) return
          yield* keys
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
