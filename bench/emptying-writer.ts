/** A writer that keeps nothing: what comes before the store is measured alone. */
import { BLOCK_ROWS, BlockBuilder } from '#core/blocks/builder.js'
import { streams } from '#core/records/columns.js'
import type { BlockWriter } from '#core/store/writer.js'

/** Builders that are emptied when they are full: decoding alone. */
export function emptyingWriter(onFull: (builder: BlockBuilder) => void): BlockWriter {
  const builders = streams.map((stream) => new BlockBuilder(stream, BLOCK_ROWS))
  return {
    counts: { blocks: 0, rows: 0, octets: 0, droppedRows: 0, failures: 0 },
    builder(stream) {
      const builder = builders[stream]!
      if (builder.isFull) {
        onFull(builder)
        builder.reset()
      }
      return builder
    },
    pendingOctets: () => 0,
    stop: () => {},
    seal() {
      for (const builder of builders) if (builder.rows > 0) onFull(builder)
      for (const builder of builders) builder.reset()
    },
    flush: async () => {},
    drained: async () => {},
  }
}
