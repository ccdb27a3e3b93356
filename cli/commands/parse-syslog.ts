/** `culvert parse-syslog FILE`: what the parser makes of each line, one JSON value a line. */
import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import { createMappedProduct } from '#collectors/syslog/mapping.js'
import { parseSyslogFile } from '#collectors/syslog/parse.js'
import { readConfig } from '#core/config.js'
import { ApplianceError } from '#core/errors.js'
import { timeOption, zoneOption } from '../options.js'
import { openOutput } from '../output.js'

export function registerParseSyslog(program: Command): void {
  program
    .command('parse-syslog')
    .description('parse a file of log lines and print what each says; null where nothing is understood')
    .argument('<file>', 'lines as the device sent them')
    .option(
      '--zone <zone>',
      'IANA time zone of the device, for lines that name none (default: UTC)',
      zoneOption,
    )
    .option(
      '--received <time>',
      'when the lines arrived, ISO 8601: decides the year where lines have none (default: now)',
      timeOption,
    )
    .option('--config <file>', 'configuration with `syslog.mappings` for products that are not known')
    .option('--json', 'JSON Lines (the default: this command has no other form)')
    .action(async (file: string, options: { zone?: string; received?: number; config?: string }) => {
      const output = openOutput()
      const mappings = options.config === undefined ? [] : readConfig(options.config).syslog.mappings
      const lines = parseSyslogFile(createReadStream(file), {
        receivedMilliseconds: options.received ?? Date.now(),
        zone: options.zone,
        mapped: mappings.map(createMappedProduct),
      })
      try {
        for await (const line of lines) {
          output.line(line)
          await output.drained()
        }
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException
        if (code === undefined) throw cause
        throw new ApplianceError('INPUT_UNREADABLE', `${file}: cannot be read`, { cause })
      }
    })
}
