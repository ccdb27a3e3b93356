/** The command line: one file per command, wired here; see docs/cli.md. */
import { Command, CommanderError } from 'commander'
import { ApplianceError } from '#core/errors.js'
import { printable } from '#core/printable.js'
import { VERSION } from '#core/version.js'

type Register = (program: Command) => void

/** Each is loaded when it is asked for: all of them together take longer to load than a query takes to answer. */
const commands: ReadonlyMap<string, () => Promise<Register>> = new Map([
  ['start', async () => (await import('./commands/start.js')).registerStart],
  ['decode', async () => (await import('./commands/decode.js')).registerDecode],
  ['parse-syslog', async () => (await import('./commands/parse-syslog.js')).registerParseSyslog],
  ['import', async () => (await import('./commands/import.js')).registerImport],
  ['detect', async () => (await import('./commands/detect.js')).registerDetect],
  ['query', async () => (await import('./commands/query.js')).registerQuery],
  ['context', async () => (await import('./commands/context.js')).registerContext],
  ['coverage', async () => (await import('./commands/coverage.js')).registerCoverage],
  ['report', async () => (await import('./commands/report.js')).registerReport],
  ['losses', async () => (await import('./commands/losses.js')).registerLosses],
  ['backup', async () => (await import('./commands/backup.js')).registerBackup],
  ['verify', async () => (await import('./commands/verify.js')).registerVerify],
  ['restore', async () => (await import('./commands/restore.js')).registerRestore],
  ['replay', async () => (await import('./commands/replay.js')).registerReplay],
  ['demo', async () => (await import('./commands/demo.js')).registerDemo],
])

const EXIT_FAILURE = 1
const EXIT_USAGE = 2

const program = new Command('culvert')
  .description(
    'takes NetFlow, IPFIX and syslog from network devices and finds what hides below the application layer',
  )
  .version(VERSION)
  .exitOverride()
  .showHelpAfterError('(add --help for the options)')
  .configureOutput({ writeErr: (text) => process.stderr.write(shown(text)) })

/** Anything but a command, as `--help`, concerns them all. */
const named = commands.get(process.argv[2] ?? '')
for (const load of named === undefined ? commands.values() : [named]) (await load())(program)
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
    process.stderr.write(shown(`culvert: ${error.message}\n`))
    const why =
      error.code === 'STORE_LOCKED'
        ? 'Culvert or one of its commands uses that folder: ask a running one by its API, or end it'
        : error.cause instanceof Error && `because: ${error.cause.message}`
    if (why) process.stderr.write(shown(`  ${why}\n`))
    return error.code === 'USAGE' ? EXIT_USAGE : EXIT_FAILURE
  }
  process.stderr.write(
    shown(`culvert: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
  )
  return EXIT_FAILURE
}

/** Lines as a terminal may show them: names of files and of much else come from elsewhere. */
function shown(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
