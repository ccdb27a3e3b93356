/** Rows of a rollup out of the sums of groups: block by block, each context's rows one after the other, ICMP in its own blocks. */
import { BLOCK_ROWS, BlockBuilder } from '../blocks/builder.js'
import { FlowColumnIndex as Column, streamNamed } from '../records/columns.js'
import type { Context, Contexts } from './contexts.js'
import type { Groups } from './groups.js'
import { countColumns, type Rollup, Sum } from './schema.js'

/** Rows of one context: their groups, and how to read what tells these apart. */
type Run = {
  readonly context: Context
  readonly groups: Uint32Array
  readonly isTogether: boolean
}

/** Gives one builder over and over, filled anew. */
export function* rollupRows(rollup: Rollup, contexts: Contexts, groups: Groups): Generator<BlockBuilder> {
  const stream = streamNamed(rollup.targets[groups.family])
  const rows = groups.table.size - 1 + groups.together.length
  if (rows === 0) return
  const builder = new BlockBuilder(stream, Math.min(BLOCK_ROWS, rows))
  let last: Run | undefined
  for (const run of [...togetherRuns(contexts, groups), ...tableRuns(contexts, groups)]) {
    // ICMP, and rows that stand for any address, lie in blocks of their own.
    const isOther = last !== undefined && (isICMP(last) !== isICMP(run) || last.isTogether !== run.isTogether)
    if (isOther && builder.rows > 0) {
      yield builder
      builder.reset()
    }
    last = run
    for (let first = 0; first < run.groups.length; ) {
      const some = run.groups.subarray(first, first + builder.capacity - builder.rows)
      fillRows(builder, groups, { ...run, groups: some }, rollup.bucketMilliseconds)
      first += some.length
      if (!builder.isFull) continue
      yield builder
      builder.reset()
    }
  }
  if (builder.rows > 0) yield builder
}

function isICMP({ context }: Run): boolean {
  return (context.numbers.get(Column.icmpFrom) ?? 0) > 0
}

/** The groups of each context, the contexts of ICMP last. */
function tableRuns(contexts: Contexts, { table }: Groups): Run[] {
  const { keys, width, size } = table
  const contextOf = (group: number) => keys[group * width + width - 1]!
  const counts = new Uint32Array(contexts.list.length)
  for (let group = 1; group < size; group++) counts[contextOf(group)]!++
  const lists = Array.from(counts, (count) => (count === 0 ? undefined : new Uint32Array(count)))
  counts.fill(0)
  for (let group = 1; group < size; group++) {
    const context = contextOf(group)
    lists[context]![counts[context]!++] = group
  }
  const runs = lists.flatMap((groups, context) =>
    groups === undefined ? [] : [{ context: contexts.list[context]!, groups, isTogether: false }],
  )
  return runs.sort((one, other) => Number(isICMP(one)) - Number(isICMP(other)))
}

function togetherRuns(contexts: Contexts, { together, firstTogether }: Groups): Run[] {
  return together.map(({ context }, place) => ({
    context: contexts.list[context]!,
    groups: Uint32Array.of(firstTogether + place),
    isTogether: true,
  }))
}

/** Adds rows of one context; they fit. */
function fillRows(
  builder: BlockBuilder,
  { table, sums, together, firstTogether }: Groups,
  { context, groups, isTogether }: Run,
  bucketMilliseconds: number,
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
    const values = sums[sum]!
    for (let index = 0; index < groups.length; index++)
      builder.setUnsigned64(column, first + index, values[groups[index]!]!)
  }
  const { keys, width } = table
  const words = builder.stream.family === 6 ? 4 : 1
  if (isTogether) fill(Column.protocolIdentifier, 0, (group) => together[group - firstTogether]!.protocol)
  else {
    for (let word = 0; word < words; word++) {
      fill(Column.sourceAddress, word, (group) => keys[group * width + word]!)
      fill(Column.destinationAddress, word, (group) => keys[group * width + words + word]!)
    }
    fill(Column.protocolIdentifier, 0, (group) => keys[group * width + 2 * words]! & 0xff)
    fill(Column.destinationTransportPort, 0, (group) => keys[group * width + 2 * words]! >>> 8)
  }
  for (const [column, value] of context.numbers) fill(column, 0, () => value)
  if (context.application !== '') {
    const text = builder.textIndex(Column.applicationName, context.application)
    fill(Column.applicationName, 0, () => text)
  }
  for (const [column, sum] of countColumns) fill64(column, sum)
  fill64(Column.deltaFlowCount, Sum.flows)
  fill64(Column.groupsTogether, Sum.flows)
  fill(Column.bucketMilliseconds, 0, () => bucketMilliseconds)
  fill(Column.startMilliseconds, 0, (group) => sums[Sum.start]![group]!)
  fill(Column.endMilliseconds, 0, (group) => sums[Sum.end]![group]!)
}
