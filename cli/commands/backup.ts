/** `culvert backup --to FILE`: a backup from a running appliance, or from a data folder that nothing has open. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { makeConfig } from '#core/config.js'
import { ApplianceError } from '#core/errors.js'
import { openRaw } from '#core/store/backup/restore.js'
import { verifyArchive } from '#core/store/backup/verify.js'
import { writeArchive } from '#core/store/backup/write.js'
import { type ApiOptions, addApiOptions, askAppliance } from '../appliance-api.js'
import { keep, refuseDamage, STANDARD, tellReport } from '../archive.js'
import { openBlocks, openRollups } from '../data-folder.js'
import { numberOption } from '../options.js'
import { openOutput } from '../output.js'

type BackupOptions = ApiOptions & {
  to: string
  data?: string
  rate: number
  json?: boolean
}

export function registerBackup(program: Command): void {
  const command = program
    .command('backup')
    .description('write rows and documents, as they are at one moment, into one archive')
    .requiredOption('--to <file>', 'the archive; - for standard output')
  addApiOptions(command, 'admin')
    .option('--rate <octets>', 'with --data: octets read in a second at most', numberOption, defaultRate())
    .option('--json', 'print what the archive holds as JSON')
    .action(runBackup)
}

async function runBackup(options: BackupOptions): Promise<void> {
  const { to, data } = options
  if (to !== STANDARD && existsSync(to)) throw new ApplianceError('USAGE', `${to} is there already`)
  const archive = data === undefined ? fromAppliance(options) : fromFolder(data, options.rate)
  const report = await keep(archive, to, verifyArchive)
  // Standard output carries the archive then.
  const output = to === STANDARD ? standardError : openOutput()
  tellReport(report, options.json === true, output)
  refuseDamage(report)
}

const standardError = {
  line: (value: unknown) => void process.stderr.write(`${JSON.stringify(value)}\n`),
  text: (text: string) => void process.stderr.write(text),
  drained: async () => undefined,
}

async function* fromAppliance(options: BackupOptions): AsyncGenerator<Uint8Array> {
  const { body } = await askAppliance(options, 'backup')
  try {
    if (body !== null) yield* body
  } catch (cause) {
    throw new ApplianceError('BACKUP_DAMAGED', 'the appliance broke off before the end of the archive', {
      cause,
    })
  }
}

async function* fromFolder(data: string, octetsPerSecond: number): AsyncGenerator<Uint8Array> {
  if (!existsSync(join(data, 'blocks')))
    throw new ApplianceError('INPUT_UNREADABLE', `${data}: no data folder`)
  const store = await openBlocks(data).catch((error: unknown) => {
    if (!(error instanceof ApplianceError) || error.code !== 'STORE_LOCKED') throw error
    const message = `${data} is open in another process: let it make the backup itself, \`culvert backup --to FILE --url URL --token-file FILE\``
    throw new ApplianceError('STORE_LOCKED', message, { cause: error })
  })
  const sums = await openRollups(data)
  const documents = await openRaw(join(data, 'documents'), 'documents')
  const blocks = await openRaw(join(data, 'blocks'), 'blocks')
  const rollups = await openRaw(join(data, 'rollups'), 'rollups')
  try {
    const { watermark } = store.sequence
    const { watermark: rollupWatermark } = sums.sequence
    const source = { documents, blocks, rollups, watermark, rollupWatermark }
    yield* writeArchive(source, { now: () => Date.now(), octetsPerSecond })
  } finally {
    await rollups.close()
    await sums.close()
    await blocks.close()
    await documents.close()
    await store.close()
  }
}

function defaultRate(): number {
  return makeConfig().backup.octetsPerSecond
}
