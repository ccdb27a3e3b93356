/** `culvert query --data DIR 'FILTER'`: rows of a data folder that match, or sums over them by groups. */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { ApplianceError } from '#core/errors.js'
import { findHoles } from '#core/store/holes.js'
import { type Dimension, definitionOf, parseDimensions } from '#core/store/query/dimensions.js'
import type { PartialReason } from '#core/store/query/effort.js'
import type { Filter } from '#core/store/query/filter.js'
import { DEFAULT_MEASURES, type Measure, parseMeasures } from '#core/store/query/measures.js'
import { explainProblem, parseFilter } from '#core/store/query/parse.js'
import type { AggregateResult, ToldSource } from '#core/store/query/ranking.js'
import { type Resolution, resolutionNames, rollupProblem } from '#core/store/query/resolution.js'
import { createQueryClient, type QueryClient } from '#core/workers/query-client.js'
import { openBlocks, openRollups } from '../data-folder.js'
import { timeOption } from '../options.js'
import { openOutput } from '../output.js'
import { type Format, openTable, type TableOutput } from '../table.js'

type QueryOptions = {
  data: string
  from?: number
  to?: number
  by?: string
  top?: number
  sum?: string
  bucket: number
  scaled?: boolean
  resolution: Resolution
  limit: number
  json?: boolean
  csv?: boolean
}

const DEFAULT_TOP = 10
/** Rows asked for at a time. */
const PAGE = 1000
/** Beyond these the disk is waited for. */
const MAX_THREADS = 4

/** What a line about a row shows. */
const rowColumns = [
  'receivedMilliseconds',
  'exporterAddress',
  'protocolIdentifier',
  'sourceAddress',
  'sourceTransportPort',
  'destinationAddress',
  'destinationTransportPort',
  'icmpType',
  'icmpCode',
  'octets',
  'packets',
  'reverseOctets',
  'reversePackets',
  'startMilliseconds',
  'endMilliseconds',
  'applicationName',
  'action',
  'outcome',
  'ruleName',
  'userName',
] as const
/** Of these a table shows fewer, to fit a terminal. */
const tableColumns = rowColumns.slice(0, 11)

export function registerQuery(program: Command): void {
  program
    .command('query')
    .description('print the stored rows that a filter selects, the newest first, or sums over them by groups')
    .argument('[filter]', "as 'proto icmp and src net 10.0.0.0/8' (docs/query.md); none selects all", '')
    .requiredOption('--data <dir>', 'the data folder')
    .option('--from <time>', 'rows received at or after, ISO 8601 (default: all)', timeOption)
    .option('--to <time>', 'rows received before, ISO 8601 (default: all)', timeOption)
    .option(
      '--by <names>',
      'group by up to four, with commas: src, dst, proto, dstport, src/24, time and more',
    )
    .option('--sum <names>', 'octets, packets, flows and more, with commas; groups are ranked by the first')
    .option('--top <n>', `groups to print (default: ${DEFAULT_TOP}; by time alone, all)`, countOption)
    .option('--bucket <seconds>', 'one step of `time`', countOption, 300)
    .option('--scaled', 'multiply octets and packets by the sampling interval where a row has one')
    .addOption(
      new Option(
        '--resolution <name>',
        'sum rows, or rollups of 5 min or 1 h; auto: rows where they are still kept, else rollups',
      )
        .choices(resolutionNames)
        .default('raw'),
    )
    .option('--limit <n>', 'rows to print', countOption, 100)
    .option('--json', 'JSON Lines, with everything that a row has')
    .option('--csv', 'CSV, safe to open in a spreadsheet')
    .action(runQuery)
}

function countOption(text: string): number {
  const count = Number(text)
  if (!/^\d{1,9}$/.test(text) || count < 1)
    throw new InvalidArgumentError('a whole number above 0 is needed.')
  return count
}

async function runQuery(text: string, options: QueryOptions): Promise<void> {
  const filter = readFilter(text)
  const isAggregate = [options.by, options.sum, options.top].some((option) => option !== undefined)
  const by = read(options.by === undefined ? [] : parseDimensions(options.by, options.bucket * 1000))
  const sums = read(options.sum === undefined ? [...DEFAULT_MEASURES] : parseMeasures(options.sum))
  if (options.resolution !== 'raw') {
    if (!isAggregate)
      throw new ApplianceError('USAGE', '--resolution is of sums: name --by, --sum or --top too')
    if (options.resolution !== 'auto') refuseUnknown(rollupProblem({ filter, by }, options.resolution))
  }
  const format: Format = options.json === true ? 'json' : options.csv === true ? 'csv' : 'table'
  if (options.json === true && options.csv === true)
    throw new ApplianceError('USAGE', 'either --json or --csv, not both')
  if (!existsSync(join(options.data, 'blocks'))) {
    throw new ApplianceError(
      'INPUT_UNREADABLE',
      `${options.data}: no data folder; \`culvert import\` or \`culvert start\` makes one`,
    )
  }
  const store = await openBlocks(options.data)
  const damage = await findHoles(store, store.sequence.next())
  const rollups = options.resolution === 'raw' ? undefined : await openRollups(options.data)
  const client = createQueryClient({
    setup: {
      data: resolve(options.data),
      sequence: store.sequence.shared,
      ...(rollups === undefined ? {} : { rollupSequence: rollups.sequence.shared }),
    },
    damage: () => damage,
    threads: Math.min(MAX_THREADS, availableParallelism()),
  })
  try {
    if (isAggregate) await printGroups(client, { filter, by, sums, options }, format)
    else await printRows(client, filter, options, format)
  } finally {
    await client.close()
    await rollups?.close()
    await store.close()
  }
}

function refuseUnknown(problem: string | undefined): void {
  if (problem !== undefined) throw new ApplianceError('USAGE', problem)
}

function readFilter(text: string): Filter {
  const parsed = parseFilter(text)
  if ('filter' in parsed) return parsed.filter
  throw new ApplianceError('USAGE', explainProblem(text, parsed.problem))
}

/** What was read, or a usage error that says what is wrong. */
function read<T>(value: T | string): T {
  if (typeof value === 'string') throw new ApplianceError('USAGE', value)
  return value
}

function windowOf({ from, to }: QueryOptions) {
  return {
    ...(from === undefined ? {} : { fromMilliseconds: from }),
    ...(to === undefined ? {} : { toMilliseconds: to }),
  }
}

async function printRows(
  client: QueryClient,
  filter: Filter,
  options: QueryOptions,
  format: Format,
): Promise<void> {
  const output = openTable(format, format === 'csv' ? rowColumns : tableColumns, openOutput())
  let left = options.limit
  let blocksFailed = 0
  const reasons = new Set<PartialReason>()
  let cursor: string | undefined
  do {
    const page = await client.rows({
      ...windowOf(options),
      filter,
      limit: Math.min(PAGE, left),
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const row of page.rows) output.row(row as Record<string, unknown>)
    await output.drained()
    left -= page.rows.length
    blocksFailed += page.blocksFailed
    for (const reason of page.partialReasons) reasons.add(reason)
    cursor = page.nextCursor
  } while (cursor !== undefined && left > 0)
  output.end()
  warnOfDamage(blocksFailed, reasons.has('lost'))
}

type Grouping = {
  readonly filter: Filter
  readonly by: readonly Dimension[]
  readonly sums: readonly Measure[]
  readonly options: QueryOptions
}

async function printGroups(
  client: QueryClient,
  { filter, by, sums, options }: Grouping,
  format: Format,
): Promise<void> {
  const result = await client.aggregate({
    ...windowOf(options),
    filter,
    by,
    sums,
    top: options.top ?? DEFAULT_TOP,
    isScaled: options.scaled === true,
    resolution: options.resolution,
  })
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

/** What was printed is true, but there may be more. */
function warnOfDamage(blocksFailed: number, isLost: boolean): void {
  const causes = [
    ...(blocksFailed > 0 ? [`${blocksFailed} blocks could not be read`] : []),
    ...(isLost ? ['stored rows of that time are gone'] : []),
  ]
  if (causes.length === 0) return
  throw new ApplianceError('STORE_DAMAGED', `${causes.join(' and ')}, so the result is partial`)
}
