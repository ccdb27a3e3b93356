/** Rows of a block as their groups need them. Everything is read before anything is summed. */
import type { ArrayRoom } from '../blocks/array-room.js'
import type { Block } from '../blocks/block.js'
import type { Plane } from '../blocks/builder.js'
import { FlowColumnIndex as Column } from '../records/columns.js'
import { wholeValues } from '../store/query/presence.js'
import type { Contexts, Stretch } from './contexts.js'
import type { RowColumns } from './groups.js'
import { countColumns } from './schema.js'

/** Arrays are good until the room is reset. Throws when a column cannot be read. */
export function readRows(block: Block, contexts: Contexts, stretch: Stretch, room: ArrayRoom): RowColumns {
  const { from, to } = stretch
  const count = to - from
  const zeros = room.take(Uint32Array, count).fill(0)
  const own = room.take(Uint32Array, count).fill(0)
  contexts.number(block, stretch, own)
  const cut = <Values extends Plane>(values: Values): Values => values.subarray(from, to) as Values
  const one = (column: number): Plane | undefined => {
    const planes = block.column(column)
    return planes === undefined ? undefined : cut(wholeValues(planes))
  }
  const address = (column: number): Uint32Array[] => {
    const planes = block.column(column) as readonly Uint32Array[] | undefined
    const words = block.header.stream.family === 6 ? 4 : 1
    return planes === undefined ? new Array<Uint32Array>(words).fill(zeros) : planes.map(cut)
  }
  return {
    count,
    source: address(Column.sourceAddress),
    destination: address(Column.destinationAddress),
    protocols: one(Column.protocolIdentifier) ?? zeros,
    ports: one(Column.destinationTransportPort) ?? zeros,
    flows: one(Column.deltaFlowCount),
    counts: countColumns.flatMap(([column, sum]) => {
      const values = one(column)
      return values === undefined ? [] : [{ sum, values }]
    }),
    starts: one(Column.startMilliseconds),
    ends: one(Column.endMilliseconds),
    contexts: own,
  }
}
