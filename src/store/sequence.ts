/**
 * The ingest sequence (decision 1): every row of every stream has one number, handed out block by block over all
 * threads. Readers stop at the watermark, the lowest number not yet written, so that a cursor never skips a row.
 */

/** Blocks in flight over all writers; a power of two. */
const SLOTS = 256
const NEXT = 0
const FIRST_SLOT = 1
const FREE = -1n

export type IngestSequence = {
  readonly shared: SharedArrayBuffer
  /** Numbers `rows` rows; they count as in flight until `committed`. Returns the first number. */
  reserve(rows: number): number
  committed(first: number): void
  /** All rows below this number are written. */
  watermark(): number
  /** Where numbering goes on after a start. */
  startAt(next: number): void
}

/** The sequence in shared memory; pass `shared` of another thread's to join it. */
export function createIngestSequence(
  shared = new SharedArrayBuffer(8 * (FIRST_SLOT + SLOTS)),
): IngestSequence {
  const cells = new BigInt64Array(shared)
  // A fresh buffer is all zero: number 0 would look as if it were in flight.
  if (Atomics.load(cells, NEXT) === 0n) {
    for (let slot = FIRST_SLOT; slot < cells.length; slot++) Atomics.compareExchange(cells, slot, 0n, FREE)
    Atomics.compareExchange(cells, NEXT, 0n, 1n)
  }
  const claim = (): number => {
    // The slot holds a number not above the one that is about to be reserved before the reservation is made.
    for (;;) {
      for (let slot = FIRST_SLOT; slot < cells.length; slot++) {
        const next = Atomics.load(cells, NEXT)
        if (Atomics.compareExchange(cells, slot, FREE, next) === FREE) return slot
      }
    }
  }
  return {
    shared,
    reserve(rows) {
      const slot = claim()
      const first = Atomics.add(cells, NEXT, BigInt(rows))
      Atomics.store(cells, slot, first)
      return Number(first)
    },
    committed(first) {
      for (let slot = FIRST_SLOT; slot < cells.length; slot++) {
        if (Atomics.compareExchange(cells, slot, BigInt(first), FREE) === BigInt(first)) return
      }
    },
    watermark() {
      let lowest = Atomics.load(cells, NEXT)
      for (let slot = FIRST_SLOT; slot < cells.length; slot++) {
        const value = Atomics.load(cells, slot)
        if (value !== FREE && value < lowest) lowest = value
      }
      return Number(lowest)
    },
    startAt(next) {
      Atomics.store(cells, NEXT, BigInt(next))
    },
  }
}
