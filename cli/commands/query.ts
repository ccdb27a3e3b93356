/**
 * `culvert query --data DIR 'FILTER'`: rows of a data folder that match, or sums over them by groups. Each of both is loaded when it is
 * asked for.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { ApplianceError } from '#core/errors.js'
import type { BlockStore } from '#core/store/block-store.js'
import type { Filter } from '#core/store/query/filter.js'
import { explainProblem, parseFilter } from '#core/store/query/parse.js'
import { resolutionNames } from '#core/store/query/resolution-names.js'
import { openBlocks } from '../data-folder.js'
import { timeOption } from '../options.js'
import type { QueryOptions } from '../query-options.js'
import type { Format } from '../table.js'

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
    .option('--top <n>', 'groups to print (default: 10; by time alone, the first 10,000 steps)', countOption)
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
    .allowExcessArguments()
    .action((text: string, options: QueryOptions, command: Command) => runQuery(text, options, command))
}

function countOption(text: string): number {
  const count = Number(text)
  if (!/^\d{1,9}$/.test(text) || count < 1)
    throw new InvalidArgumentError('a whole number from 1 to 999999999 is needed.')
  return count
}

async function runQuery(text: string, options: QueryOptions, command: Command): Promise<void> {
  checkOptions(options, command)
  const filter = readFilter(text)
  const print = isAggregate(options)
    ? await printerOfGroups(filter, options)
    : await printerOfRows(filter, options)
  const format: Format = options.json === true ? 'json' : options.csv === true ? 'csv' : 'table'
  if (options.json === true && options.csv === true)
    throw new ApplianceError('USAGE', 'either --json or --csv, not both')
  if (!existsSync(join(options.data, 'blocks'))) {
    throw new ApplianceError(
      'INPUT_UNREADABLE',
      `${options.data}: no data folder; \`culvert import\` or \`culvert start\` makes one`,
    )
  }
  // Each block is read once.
  const store = await openBlocks(options.data, 0)
  try {
    await print(store, format)
  } finally {
    await store.close()
  }
}

type Print = (store: BlockStore, format: Format) => Promise<void>

function isAggregate({ by, sum, top }: QueryOptions): boolean {
  return [by, sum, top].some((option) => option !== undefined)
}

/** Throws USAGE on what would be taken for something else, or not at all. */
function checkOptions(options: QueryOptions, command: Command): void {
  const refuse = (text: string): never => {
    throw new ApplianceError('USAGE', text)
  }
  if (command.args.length > 1) refuse("the filter is one argument: put it in quotes, like 'proto icmp'")
  const { from, to } = options
  if (from !== undefined && to !== undefined && from >= to) refuse('--from must be a time before --to')
  const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli'
  if (isAggregate(options)) {
    if (isGiven('limit')) refuse('--limit is of rows: of groups, --top says how many')
    return
  }
  for (const name of ['resolution', 'scaled', 'bucket'])
    if (isGiven(name)) refuse(`--${name} is of sums: name --by, --sum or --top too`)
}

async function printerOfGroups(filter: Filter, options: QueryOptions): Promise<Print> {
  const { printGroups, readGrouping } = await import('../query-groups.js')
  const grouping = readGrouping(filter, options)
  return (store, format) => printGroups(store, filter, grouping, options, format)
}

async function printerOfRows(filter: Filter, options: QueryOptions): Promise<Print> {
  const { printRows } = await import('../query-rows.js')
  return (store, format) => printRows(store, filter, options, format)
}

function readFilter(text: string): Filter {
  const parsed = parseFilter(text)
  if ('filter' in parsed) return parsed.filter
  throw new ApplianceError('USAGE', explainProblem(text, parsed.problem))
}
