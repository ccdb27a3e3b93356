/** `culvert restore FILE --data DIR`: a data folder from the archive of a backup. */
import type { Command } from 'commander'
import { restoreArchive } from '#core/store/backup/restore.js'
import { readArchiveFile, tellReport } from '../archive.js'
import { openOutput } from '../output.js'

export function registerRestore(program: Command): void {
  program
    .command('restore')
    .description('make a data folder from the archive of a backup, checking it meanwhile')
    .argument('<file>', 'the archive; - for standard input')
    .requiredOption('--data <dir>', 'the folder: empty, or not there')
    .option('--json', 'print what was restored as JSON')
    .action(async (file: string, { data, json }: { data: string; json?: boolean }) => {
      const report = await restoreArchive(readArchiveFile(file), data)
      tellReport(report, json === true, openOutput())
      for (const fault of report.damage) process.stderr.write(`culvert: as it was when backed up: ${fault}\n`)
    })
}
