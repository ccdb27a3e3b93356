/** Sums over the rows of a store by groups, worked out by several threads and printed. */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { ApplianceError } from '#core/errors.js'
import type { BlockStore } from '#core/store/block-store.js'
import { findHoles } from '#core/store/holes.js'
import { type Dimension, definitionOf, parseDimensions } from '#core/store/query/dimensions.js'
import type { Filter } from '#core/store/query/filter.js'
import { DEFAULT_MEASURES, type Measure, parseMeasures } from '#core/store/query/measures.js'
import type { AggregateResult, ToldSource } from '#core/store/query/ranking.js'
import { rollupProblem } from '#core/store/query/resolution.js'
import { createQueryClient } from '#core/workers/query-client.js'
import { openRollups } from './data-folder.js'
import { openOutput } from './output.js'
import { type QueryOptions, warnOfDamage, windowOf } from './query-options.js'
import { type Format, openTable, type TableOutput } from './table.js'

const DEFAULT_TOP = 10
/** Beyond these the disk is waited for. */
const MAX_THREADS = 4

/** What is asked for beside the filter. */
export type Grouping = { readonly by: readonly Dimension[]; readonly sums: readonly Measure[] }

/** Throws USAGE when a name is not known, or sums of that resolution cannot tell. */
export function readGrouping(filter: Filter, options: QueryOptions): Grouping {
  const by = read(options.by === undefined ? [] : parseDimensions(options.by, options.bucket * 1000))
  const sums = read(options.sum === undefined ? [...DEFAULT_MEASURES] : parseMeasures(options.sum))
  if (options.resolution !== 'raw' && options.resolution !== 'auto') {
    const problem = rollupProblem({ filter, by }, options.resolution)
    if (problem !== undefined) throw new ApplianceError('USAGE', problem)
  }
  return { by, sums }
}

/** What was read, or a usage error that says what is wrong. */
function read<T>(value: T | string): T {
  if (typeof value === 'string') throw new ApplianceError('USAGE', value)
  return value
}

export async function printGroups(
  store: BlockStore,
  filter: Filter,
  { by, sums }: Grouping,
  options: QueryOptions,
  format: Format,
): Promise<void> {
  const damage = await findHoles(store, store.sequence.next())
  const rollups = options.resolution === 'raw' ? undefined : await openRollups(options.data)
  const client = createQueryClient({
    setup: {
      data: resolve(options.data),
      sequence: store.sequence.shared,
      openedOctets: 0,
      ...(rollups === undefined ? {} : { rollupSequence: rollups.sequence.shared }),
    },
    damage: () => damage,
    threads: Math.min(MAX_THREADS, availableParallelism()),
  })
  let result: AggregateResult
  try {
    result = await client.aggregate({
      ...windowOf(options),
      filter,
      by,
      sums,
      top: options.top ?? DEFAULT_TOP,
      isScaled: options.scaled === true,
      resolution: options.resolution,
    })
  } finally {
    await client.close()
    await rollups?.close()
  }
  const names = by.map((dimension) => definitionOf(dimension).name)
  const output: TableOutput = openTable(format, [...names, ...sums], openOutput())
  for (const group of result.groups) output.row(group)
  output.end()
  await output.drained()
  tellOfResult(result)
}

function tellOfResult(result: AggregateResult): void {
  const tell = (text: string) => process.stderr.write(`culvert: ${text}\n`)
  tell(`${result.groups.length} of ${result.groupCount} groups, ${result.rowsMatched} rows`)
  for (const [measure, rows] of Object.entries(result.unknown))
    tell(`${rows} rows do not state ${measure} and count as 0`)
  for (const source of result.sources)
    if (result.sources.length > 1 || source.resolution !== 'raw') tell(describeSource(source))
  if (result.togetherRows !== undefined)
    tell(`rollups have not kept the groups of ${result.togetherRows} rows apart`)
  if (result.isRounded) tell('a sum is above 2^53 - 1 and is rounded')
  if (result.other !== undefined)
    tell(`more groups than are kept: the rows of some are not in the table: ${JSON.stringify(result.other)}`)
  warnOfDamage(result.blocksFailed, result.partialReasons.includes('lost'))
}

function describeSource({ resolution, fromMilliseconds, toMilliseconds }: ToldSource): string {
  const time = (milliseconds: number) => new Date(milliseconds).toISOString()
  const from = fromMilliseconds === undefined ? '' : ` from ${time(fromMilliseconds)}`
  const to = toMilliseconds === undefined ? '' : ` to ${time(toMilliseconds)}`
  return `${resolution === 'raw' ? 'rows' : `rollups of ${resolution}`}${from}${to}`
}
