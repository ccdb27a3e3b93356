/** Rows of a rollup out of the sums of groups: block by block, each context's rows one after the other, ICMP in its own blocks. */
import { BLOCK_ROWS, BlockBuilder } from '../blocks/builder.js'
import { FlowColumnIndex as Column, streamNamed } from '../records/columns.js'
import type { Context, Contexts } from './contexts.js'
import type { Groups, Sums } from './groups.js'
import { countColumns, type Rollup, SUMS, Sum } from './schema.js'

/** Where the key of a group lies, and what is not in it. */
type KeyForm = 'main' | 'together'

type Filling = {
  readonly context: Context
  readonly sums: Sums
  readonly form: KeyForm
  readonly bucketMilliseconds: number
}

/** Gives one builder over and over, filled anew. */
export function* rollupRows(rollup: Rollup, contexts: Contexts, groups: Groups): Generator<BlockBuilder> {
  const stream = streamNamed(rollup.targets[groups.family])
  const all = groups.main.table.size + groups.together.table.size - 2
  if (all === 0) return
  const builder = new BlockBuilder(stream, Math.min(BLOCK_ROWS, all))
  let isICMP = false
  for (const form of ['together', 'main'] as const) {
    // Rows that stand for any address lie in blocks of their own.
    if (builder.rows > 0) {
      yield builder
      builder.reset()
    }
    const sums = groups[form]
    for (const { context, numbers } of byContext(sums, form, contexts)) {
      const own = context.numbers.get(Column.icmpFrom) ?? 0
      if (builder.rows > 0 && isICMP !== own > 0) {
        yield builder
        builder.reset()
      }
      isICMP = own > 0
      for (let first = 0; first < numbers.length; ) {
        const count = Math.min(numbers.length - first, builder.capacity - builder.rows)
        const filling = { context, sums, form, bucketMilliseconds: rollup.bucketMilliseconds }
        fillRows(builder, filling, numbers.subarray(first, first + count))
        first += count
        if (!builder.isFull) continue
        yield builder
        builder.reset()
      }
    }
  }
  if (builder.rows > 0) yield builder
}

/** The groups of each context, the contexts of ICMP last. */
function byContext(
  { table }: Sums,
  form: KeyForm,
  contexts: Contexts,
): { context: Context; numbers: Uint32Array }[] {
  const { keys, width, size } = table
  const word = form === 'main' ? width - 1 : 0
  const counts = new Uint32Array(contexts.list.length)
  for (let group = 1; group < size; group++) counts[keys[group * width + word]!]!++
  const lists = Array.from(counts, (count) => (count === 0 ? undefined : new Uint32Array(count)))
  counts.fill(0)
  for (let group = 1; group < size; group++) {
    const context = keys[group * width + word]!
    lists[context]![counts[context]!++] = group
  }
  const found = lists.flatMap((numbers, context) =>
    numbers === undefined ? [] : [{ context: contexts.list[context]!, numbers }],
  )
  const isICMP = ({ context }: { context: Context }) =>
    Number((context.numbers.get(Column.icmpFrom) ?? 0) > 0)
  return found.sort((one, other) => isICMP(one) - isICMP(other))
}

/** Adds rows of one context; they fit. */
function fillRows(
  builder: BlockBuilder,
  { context, sums: { table, values }, form, bucketMilliseconds }: Filling,
  groups: Uint32Array,
): void {
  const { exporter, shape } = context
  const first = builder.begin(exporter, shape, context.bucketMilliseconds, groups.length)
  const columns = new Set(shape.columns)
  const fill = (column: number, plane: number, ofGroup: (group: number) => number) => {
    if (!columns.has(column)) return
    const to = builder.planes[column]![plane]!
    for (let index = 0; index < groups.length; index++) to[first + index] = ofGroup(groups[index]!)
  }
  const fill64 = (column: number, sum: number) => {
    if (!columns.has(column)) return
    for (let index = 0; index < groups.length; index++)
      builder.setUnsigned64(column, first + index, values[groups[index]! * SUMS + sum]!)
  }
  const { keys, width } = table
  const words = builder.stream.family === 6 ? 4 : 1
  if (form === 'main') {
    for (let word = 0; word < words; word++) {
      fill(Column.sourceAddress, word, (group) => keys[group * width + word]!)
      fill(Column.destinationAddress, word, (group) => keys[group * width + words + word]!)
    }
    fill(Column.protocolIdentifier, 0, (group) => keys[group * width + 2 * words]! & 0xff)
    fill(Column.destinationTransportPort, 0, (group) => keys[group * width + 2 * words]! >>> 8)
  } else fill(Column.protocolIdentifier, 0, (group) => keys[group * width + 1]!)
  for (const [column, value] of context.numbers) fill(column, 0, () => value)
  if (context.application !== '') {
    const text = builder.textIndex(Column.applicationName, context.application)
    fill(Column.applicationName, 0, () => text)
  }
  for (const [column, sum] of countColumns) fill64(column, sum)
  fill64(Column.deltaFlowCount, Sum.flows)
  fill64(Column.groupsTogether, Sum.flows)
  fill(Column.bucketMilliseconds, 0, () => bucketMilliseconds)
  fill(Column.startMilliseconds, 0, (group) => values[group * SUMS + Sum.start]!)
  fill(Column.endMilliseconds, 0, (group) => values[group * SUMS + Sum.end]!)
}
