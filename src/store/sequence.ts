/**
 * The ingest sequence (decision 1): every row of every stream has one number, handed out block by block over all
 * threads. Readers stop at the watermark, the lowest number not yet written, so that a cursor never skips a row.
 */

/** Threads that write at one time. Each has one slot, however many of its blocks are in flight. */
const SLOTS = 256
const NEXT = 0
const GENERATION = 1
const FIRST_SLOT = 2
const FREE = -1n

export type IngestSequence = {
  readonly shared: SharedArrayBuffer
  /** Numbers `rows` rows; they count as in flight until `committed`. Returns the first number. */
  reserve(rows: number): number
  committed(first: number): void
  /** All rows below this number are written. */
  watermark(): number
  /** The number of the next row. */
  next(): number
  /** Where numbering goes on after a start. */
  startAt(next: number): void
  /** How often blocks below the watermark were merged or removed: what a thread remembers of them is as old as this. */
  generation(): number
  changed(): void
}

/** The sequence in shared memory; pass `shared` of another thread's to join it. One object per writer. */
export function createIngestSequence(
  shared = new SharedArrayBuffer(8 * (FIRST_SLOT + SLOTS)),
): IngestSequence {
  const cells = new BigInt64Array(shared)
  // A fresh buffer is all zero: number 0 would look as if it were in flight.
  if (Atomics.load(cells, NEXT) === 0n) {
    for (let slot = FIRST_SLOT; slot < cells.length; slot++) Atomics.compareExchange(cells, slot, 0n, FREE)
    Atomics.compareExchange(cells, NEXT, 0n, 1n)
  }
  /** First numbers of this writer's blocks in flight, ascending since they are handed out so. */
  const inFlight = new Set<number>()
  let slot = 0

  const claim = (): number => {
    // The slot holds a number not above the one that is about to be reserved before the reservation is made.
    for (let candidate = FIRST_SLOT; candidate < cells.length; candidate++) {
      const next = Atomics.load(cells, NEXT)
      if (Atomics.compareExchange(cells, candidate, FREE, next) === FREE) return candidate
    }
    throw new Error(`more than ${SLOTS} threads write at one time`)
  }
  return {
    shared,
    reserve(rows) {
      if (inFlight.size === 0) slot = claim()
      const first = Number(Atomics.add(cells, NEXT, BigInt(rows)))
      if (inFlight.size === 0) Atomics.store(cells, slot, BigInt(first))
      inFlight.add(first)
      return first
    },
    committed(first) {
      if (!inFlight.delete(first)) return
      const [lowest] = inFlight
      Atomics.store(cells, slot, lowest === undefined ? FREE : BigInt(lowest))
    },
    watermark() {
      let lowest = Atomics.load(cells, NEXT)
      for (let slot = FIRST_SLOT; slot < cells.length; slot++) {
        const value = Atomics.load(cells, slot)
        if (value !== FREE && value < lowest) lowest = value
      }
      return Number(lowest)
    },
    next: () => Number(Atomics.load(cells, NEXT)),
    startAt(next) {
      Atomics.store(cells, NEXT, BigInt(next))
    },
    generation: () => Number(Atomics.load(cells, GENERATION)),
    changed() {
      Atomics.add(cells, GENERATION, 1n)
    },
  }
}
