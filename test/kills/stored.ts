/** Reads a store that nothing has open: which numbered records it holds, and which sequences. */
import { join } from 'node:path'
import { FlowColumnIndex as Column, rawStreamNames } from '#core/records/columns.js'
import { sequenceRuns } from '#core/store/backup/runs.js'
import { createBlockStore } from '#core/store/blocks.js'
import { findHoles } from '#core/store/holes.js'
import { emptyScanCounts, type Selection, scan } from '#core/store/scan.js'
import type { Kind } from './load.js'

export type Stored = {
  /** By number: how many rows hold it. */
  readonly times: Readonly<Record<Kind, Map<number, number>>>
  readonly rows: number
  /** Sequences that were handed out and no row has, counted from the blocks alone. */
  readonly missing: number
  readonly lostRows: number
  readonly blocksFailed: number
}

const IPFIX_OR_NETFLOW = new Set([9, 10])

export async function readStored(data: string): Promise<Stored> {
  const store = createBlockStore({ location: join(data, 'blocks'), isFirst: true })
  await store.open()
  try {
    const times = { flow: new Map<number, number>(), line: new Map<number, number>() }
    const counts = emptyScanCounts()
    const sequences = new Set<number>()
    const always = { fromMilliseconds: 0, toMilliseconds: Number.POSITIVE_INFINITY }
    const note = ({ block }: Selection) => {
      for (const { first, end } of sequenceRuns(block.header))
        for (let sequence = first; sequence < end; sequence++) sequences.add(sequence)
    }
    // What the appliance itself notes of an exporter, such as drops on a busy machine, has numbers, too.
    for (const stream of rawStreamNames.filter((name) => name !== 'flow4'))
      for await (const selection of scan(store, { stream, ...always }, emptyScanCounts())) note(selection)
    for await (const selection of scan(store, { stream: 'flow4', ...always }, counts)) {
      note(selection)
      const { block, rows } = selection
      const exporterIndexes = block.column(Column.exporter)![0]!
      const octets = block.column(Column.octets)
      const [source] = block.column(Column.sourceAddress)!
      for (const row of rows) {
        const isFlow = IPFIX_OR_NETFLOW.has(block.header.exporters[exporterIndexes[row]!]!.protocol)
        const kind: Kind = isFlow ? 'flow' : 'line'
        const number = isFlow ? octets![0]![row]! : source![row]! & 0xffffff
        times[kind].set(number, (times[kind].get(number) ?? 0) + 1)
      }
    }
    const next = store.sequence.next()
    const { lostRows } = await findHoles(store, next)
    const { rowsRead: rows, blocksFailed } = counts
    return { times, rows, missing: next - 1 - sequences.size, lostRows, blocksFailed }
  } finally {
    await store.close()
  }
}
