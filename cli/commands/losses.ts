/** `culvert losses`: which stored rows are gone or cannot be read, and `--acknowledge` to say that somebody knows. */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { ApplianceError } from '#core/errors.js'
import { createAudit } from '#core/findings/audit.js'
import {
  type LossAcknowledgement,
  type Losses,
  type LossReport,
  type LossRepository,
  lossesOf,
  openLosses,
  sizeOf,
} from '#core/findings/losses.js'
import { printable } from '#core/printable.js'
import { findHoles } from '#core/store/holes.js'
import { SCRUB_STATE, type ScrubState } from '#core/store/scrub.js'
import { type ApiOptions, addApiOptions, askAppliance } from '../appliance-api.js'
import { openBlocks, openDocuments } from '../data-folder.js'
import { type Output, openOutput } from '../output.js'

type LossOptions = ApiOptions & {
  data?: string
  acknowledge?: boolean
  note?: string
  json?: boolean
}

export function registerLosses(program: Command): void {
  const command = program
    .command('losses')
    .description('list the stored rows that are gone or cannot be read, and acknowledge them')
  addApiOptions(command, 'analyst, to list viewer')
    .option(
      '--acknowledge',
      'say that you know of all that is listed: it stays on record and is no fault any more',
    )
    .option('--note <text>', 'with --acknowledge: what happened, or where it stands')
    .option('--json', 'JSON Lines: the report, then the acknowledgements')
    .action(runLosses)
}

/** What the command needs, of a running appliance or of a folder. */
type Source = {
  report(): Promise<LossReport>
  /** Those read by `report`, and no other. */
  acknowledge(note: string): Promise<LossAcknowledgement>
  acknowledgements(): Promise<readonly LossAcknowledgement[]>
}

async function runLosses(options: LossOptions): Promise<void> {
  const { acknowledge = false, note = '', data } = options
  if (acknowledge && note.trim() === '')
    throw new ApplianceError('USAGE', '--acknowledge asks for --note: say what happened')
  if (!acknowledge && options.note !== undefined)
    throw new ApplianceError('USAGE', '--note is for --acknowledge')
  const output = openOutput()
  const run = async (source: Source) => {
    const report = await source.report()
    const { rows, blocks } = sizeOf(report.open)
    if (!acknowledge) tell(report, await source.acknowledgements(), options.json === true, output)
    else if (rows + blocks === 0) process.stderr.write('culvert: there is no loss to acknowledge\n')
    else {
      const acknowledged = await source.acknowledge(note)
      if (options.json === true) output.line(acknowledged)
      else tellAcknowledged(acknowledged, output)
    }
  }
  await (data === undefined ? run(applianceSource(options)) : withFolder(data, run))
}

function applianceSource(options: LossOptions): Source {
  let etag = ''
  return {
    async report() {
      const answer = await askAppliance(options, 'losses')
      etag = answer.headers.get('etag') ?? ''
      return (await answer.json()) as LossReport
    },
    async acknowledge(note) {
      const headers = { 'content-type': 'application/json', 'if-match': etag }
      const request = { method: 'POST', headers, body: JSON.stringify({ note }) }
      return (await (
        await askAppliance(options, 'losses/acknowledge', request)
      ).json()) as LossAcknowledgement
    },
    async acknowledgements() {
      const items: LossAcknowledgement[] = []
      let cursor = ''
      do {
        const answer = await askAppliance(options, `losses/acknowledgements?limit=1000${cursor}`)
        const page = (await answer.json()) as { items: LossAcknowledgement[]; nextCursor?: string }
        items.push(...page.items)
        cursor = page.nextCursor === undefined ? '' : `&cursor=${encodeURIComponent(page.nextCursor)}`
      } while (cursor !== '')
      return items
    },
  }
}

async function withFolder(data: string, run: (source: Source) => Promise<void>): Promise<void> {
  if (!existsSync(join(data, 'blocks')))
    throw new ApplianceError('INPUT_UNREADABLE', `${data}: no data folder`)
  const store = await openBlocks(data)
  const documents = await openDocuments(data)
  try {
    const damage = await findHoles(store, store.sequence.next())
    const scrub = await documents.get<ScrubState>(SCRUB_STATE)
    const now = () => Date.now()
    const audit = createAudit({ documents, now })
    const losses = await openLosses({ documents, audit, now, current: () => lossesOf(damage, scrub) })
    await run(folderSource(losses))
  } finally {
    await documents.close()
    await store.close()
  }
}

function folderSource(losses: LossRepository): Source {
  return {
    report: async () => losses.report(),
    acknowledge: (note) =>
      losses.acknowledge({ note }, { by: `command line (${userInfo().username})`, expects: () => true }),
    acknowledgements: async () => losses.acknowledgements(),
  }
}

function tell(
  report: LossReport,
  acknowledgements: readonly LossAcknowledgement[],
  isJson: boolean,
  output: Output,
): void {
  if (isJson) {
    output.line(report)
    for (const each of acknowledgements) output.line(each)
    return
  }
  const { rows, blocks } = sizeOf(report.open)
  output.text(
    `${report.lostRows} stored rows are gone and ${report.damagedBlocks} blocks are damaged; not acknowledged: ${rows} rows, ${blocks} blocks\n`,
  )
  for (const line of linesOf(report.open)) output.text(`  ${line}\n`)
  for (const each of acknowledgements) tellAcknowledged(each, output)
}

function tellAcknowledged(acknowledged: LossAcknowledgement, output: Output): void {
  const { id, atMilliseconds, by, note, losses } = acknowledged
  const at = new Date(atMilliseconds).toISOString()
  output.text(`${id}, acknowledged ${at} by ${printable(by)}: ${printable(note)}\n`)
  for (const line of linesOf(losses)) output.text(`  ${line}\n`)
}

function linesOf({ holes, blocks, unnamedRows, unnamedBlocks }: Losses): string[] {
  const lines = holes.map(({ fromSequence, toSequence, fromMilliseconds, toMilliseconds }) => {
    const [from, to] = [fromMilliseconds, toMilliseconds].map((time) => new Date(time).toISOString())
    return `${toSequence - fromSequence} rows from number ${fromSequence} on, received between ${from} and ${to}`
  })
  for (const { name, reason } of blocks) lines.push(`block ${printable(name)}: ${printable(reason)}`)
  if (unnamedRows > 0) lines.push(`${unnamedRows} older rows`)
  if (unnamedBlocks > 0) lines.push(`${unnamedBlocks} further blocks`)
  return lines
}
