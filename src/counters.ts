/**
 * What the threads count, in one SharedArrayBuffer: each adds to a row of its own, and who answers reads them all at any
 * moment, that of a thread which hangs too. What is counted by names that come with the telemetry (reasons, peers, ports)
 * goes by message instead.
 */

/** Name → its place in a row. All grow since the start but the octets of heap and buffers. */
export const Count = {
  /** Datagrams, and lines and messages of streams. */
  datagrams: 0,
  /** Of them, as received. */
  octets: 1,
  rows: 2,
  blocks: 3,
  blockOctets: 4,
  /** Rows that the store did not take. */
  droppedRows: 5,
  /** Datagrams over the quota of their sender. */
  overQuota: 6,
  /** Blocks that could not be written. */
  storeFailures: 7,
  /** Datagrams that were longer than the room for them. */
  truncated: 8,
  garbageCollections: 9,
  garbageCollectionSeconds: 10,
  /** Of the thread's own heap, in use. */
  heapOctets: 11,
  /** Outside of the heap, held by it: buffers and arrays. */
  externalOctets: 12,
} as const

export type CountName = keyof typeof Count

/** One thread's row. Posted to a thread, it is still the same memory. */
export type ThreadCounts = Float64Array<SharedArrayBuffer>

const ROW = Object.keys(Count).length
/** Receiving threads are 16 at most, querying ones 4; each kind of thread there is has one row for each. */
const MOST_THREADS = 32

export type Counters = {
  /** The row of the thread of that name. Throws when there are more than 32. */
  of(thread: string): ThreadCounts
  /** Of all threads. */
  sum(name: CountName): number
  /** Every thread that was asked for, in that order. */
  threads(): readonly (readonly [thread: string, counts: ThreadCounts])[]
}

export function createCounters(): Counters {
  const shared = new SharedArrayBuffer(MOST_THREADS * ROW * Float64Array.BYTES_PER_ELEMENT)
  const rows = new Map<string, ThreadCounts>()
  return {
    of(thread) {
      const known = rows.get(thread)
      if (known !== undefined) return known
      if (rows.size >= MOST_THREADS) throw new RangeError(`there is no row for the thread ${thread}`)
      const row = new Float64Array(shared, rows.size * ROW * Float64Array.BYTES_PER_ELEMENT, ROW)
      rows.set(thread, row)
      return row
    },
    sum: (name) => [...rows.values()].reduce((total, row) => total + row[Count[name]]!, 0),
    threads: () => [...rows],
  }
}
