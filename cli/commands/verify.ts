/** `culvert verify FILE`: whether the archive of a backup is whole, and what it holds. */
import type { Command } from 'commander'
import { verifyArchive } from '#core/store/backup/verify.js'
import { readArchiveFile, refuseDamage, tellReport } from '../archive.js'
import { openOutput } from '../output.js'

export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('check the archive of a backup: every hash, every block, that no row is missing')
    .argument('<file>', 'the archive; - for standard input')
    .option('--json', 'print what it holds as JSON')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const report = await verifyArchive(readArchiveFile(file))
      tellReport(report, json === true, openOutput())
      refuseDamage(report)
    })
}
