/**
 * Rows on their way to the store: one builder per stream, sealed when it is full or has waited long enough. The receive
 * path asks for a builder and writes into it; nothing it calls waits.
 */
import { BLOCK_ROWS, BlockBuilder } from '../blocks/builder.js'
import { streams } from '../records/columns.js'
import type { BlockStore } from './block-store.js'

/** Octets of blocks being written beyond which rows are dropped and counted: the disk does not keep up. */
const MAX_PENDING_OCTETS = 256 * 1024 * 1024

/** What a block in flight takes in memory, roughly: a block of few rows is mostly header. */
const OCTETS_PER_BLOCK = 4096
const OCTETS_PER_ROW = 64

export type WriterCounts = {
  blocks: number
  rows: number
  octets: number
  droppedRows: number
  failures: number
}

export type BlockWriter = {
  readonly counts: WriterCounts
  /** A builder of the stream (by id) with room for at least one row. */
  builder(stream: number): BlockBuilder
  /** Octets handed to the database and not yet taken. */
  pendingOctets(): number
  /** While it is true rows are dropped when they are sealed, and counted. */
  stop(isStopped: boolean): void
  /** Seals and writes whatever is there. */
  seal(): void
  /** Seals, and resolves when all is written. */
  flush(): Promise<void>
  /** Resolves when less than a few blocks are in flight; for readers of files, who can wait. */
  drained(): Promise<void>
}

export type BlockWriterOptions = {
  readonly store: BlockStore
  readonly now: () => number
  /** Told of a block that could not be written; its rows are lost and counted. */
  readonly onFailure: (error: Error) => void
  readonly capacity?: number
  /** Sees the rows of a builder before they are sealed. */
  readonly onSeal?: (builder: BlockBuilder) => void
}

export function createBlockWriter({
  store,
  now,
  onFailure,
  capacity = BLOCK_ROWS,
  onSeal,
}: BlockWriterOptions): BlockWriter {
  const builders: BlockBuilder[] = []
  const inFlight = new Set<Promise<void>>()
  const counts: WriterCounts = { blocks: 0, rows: 0, octets: 0, droppedRows: 0, failures: 0 }
  let pending = 0
  let isStopped = false

  const sealBuilder = (builder: BlockBuilder, sync: boolean) => {
    const { rows } = builder
    if (rows === 0) return
    onSeal?.(builder)
    if (isStopped || pending > MAX_PENDING_OCTETS) {
      counts.droppedRows += rows
      store.skip(rows)
      builder.reset()
      return
    }
    // The rows are encoded before append first yields, so the builder is free again when it returns.
    const estimate = OCTETS_PER_BLOCK + rows * OCTETS_PER_ROW
    pending += estimate
    const written = store
      .append(builder, now(), sync)
      .then((block) => {
        counts.blocks++
        counts.rows += block.rows
        counts.octets += block.octets
      })
      .catch((error: Error) => {
        counts.failures++
        counts.droppedRows += rows
        onFailure(error)
      })
      .finally(() => {
        pending -= estimate
        inFlight.delete(written)
      })
    inFlight.add(written)
    builder.reset()
  }
  const seal = () => {
    for (const builder of builders) if (builder !== undefined) sealBuilder(builder, true)
  }
  const settle = async () => {
    while (inFlight.size > 0) await Promise.all(inFlight)
  }

  return {
    counts,
    builder(stream) {
      let builder = builders[stream]
      if (builder === undefined) {
        builder = new BlockBuilder(streams[stream]!, capacity)
        builders[stream] = builder
      }
      if (builder.isFull) sealBuilder(builder, false)
      return builder
    },
    pendingOctets: () => pending,
    stop(value) {
      isStopped = value
    },
    seal,
    async flush() {
      seal()
      await settle()
    },
    async drained() {
      if (inFlight.size > 4) await settle()
    },
  }
}
