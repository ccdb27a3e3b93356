/** The command line: one file per command, wired here; see docs/cli.md. */
import { Command, CommanderError } from 'commander'
import { ApplianceError } from '#core/errors.js'
import { VERSION } from '#core/version.js'
import { registerBackup } from './commands/backup.js'
import { registerDecode } from './commands/decode.js'
import { registerDemo } from './commands/demo.js'
import { registerDetect } from './commands/detect.js'
import { registerImport } from './commands/import.js'
import { registerParseSyslog } from './commands/parse-syslog.js'
import { registerQuery } from './commands/query.js'
import { registerReplay } from './commands/replay.js'
import { registerRestore } from './commands/restore.js'
import { registerStart } from './commands/start.js'
import { registerVerify } from './commands/verify.js'

const EXIT_FAILURE = 1
const EXIT_USAGE = 2

const program = new Command('culvert')
  .description(
    'takes NetFlow, IPFIX and syslog from network devices and finds what hides below the application layer',
  )
  .version(VERSION)
  .exitOverride()
  .showHelpAfterError('(add --help for the options)')
  .configureOutput({ writeErr: (text) => process.stderr.write(text) })

for (const register of [
  registerStart,
  registerDecode,
  registerParseSyslog,
  registerImport,
  registerDetect,
  registerQuery,
  registerBackup,
  registerVerify,
  registerRestore,
  registerReplay,
  registerDemo,
])
  register(program)
for (const command of program.commands) command.exitOverride()

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    return ['commander.helpDisplayed', 'commander.help', 'commander.version'].includes(error.code)
      ? 0
      : EXIT_USAGE
  }
  if (error instanceof ApplianceError) {
    process.stderr.write(`culvert: ${error.message}\n`)
    if (error.cause instanceof Error) process.stderr.write(`  because: ${error.cause.message}\n`)
    return error.code === 'USAGE' ? EXIT_USAGE : EXIT_FAILURE
  }
  process.stderr.write(
    `culvert: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return EXIT_FAILURE
}
