/** `culvert report`: the evidence report of a running appliance, as Markdown or JSON. */
import type { Command } from 'commander'
import { type ApiOptions, addApplianceOptions, askAppliance } from '../appliance-api.js'
import { timeOption } from '../options.js'
import { openOutput } from '../output.js'

type ReportOptions = ApiOptions & { from?: number; to?: number; json?: boolean }

export function registerReport(program: Command): void {
  const command = program
    .command('report')
    .description('evidence for audits: coverage, settings, changes, exceptions, runs and findings of a time')
  addApplianceOptions(command, 'approver')
    .option('--from <time>', 'from then on, ISO 8601 (default: 30 days before the end)', timeOption)
    .option('--to <time>', 'until before then, ISO 8601 (default: now)', timeOption)
    .option('--json', 'one JSON object instead of Markdown')
    .action(runReport)
}

async function runReport(options: ReportOptions): Promise<void> {
  const query = new URLSearchParams({ format: options.json === true ? 'json' : 'markdown' })
  if (options.from !== undefined) query.set('from', String(options.from))
  if (options.to !== undefined) query.set('to', String(options.to))
  const answer = await askAppliance(options, `report?${query}`)
  const output = openOutput()
  output.text(`${(await answer.text()).trimEnd()}\n`)
  await output.drained()
}
