/** `culvert start`: the appliance, until it is told to end. */

import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { pino } from 'pino'
import { makeConfig, readConfig } from '#core/config.js'
import { createAppliance } from '#core/main.js'
import { endInOrder } from '../end-in-order.js'
import { describeStart } from '../start-report.js'

/** Read when it is there and no other is named. */
const DEFAULT_CONFIG = 'culvert.yaml'

type StartOptions = { config?: string; data?: string; json?: boolean }

export function registerStart(program: Command): void {
  program
    .command('start')
    .description('listen for export packets and log lines, store them, run the detectors, serve the API')
    .option('--config <file>', `YAML; without it ${DEFAULT_CONFIG} where there is one, else the defaults`)
    .option('--data <dir>', 'the data folder, instead of the configured one')
    .option('--json', 'print what listens where as JSON')
    .action(runStart)
}

async function runStart(options: StartOptions): Promise<void> {
  const path = options.config ?? (existsSync(DEFAULT_CONFIG) ? DEFAULT_CONFIG : undefined)
  const configured = path === undefined ? makeConfig() : readConfig(path)
  const config = options.data === undefined ? configured : { ...configured, data: options.data }
  const logger = pino({ level: config.log.level, base: null }, pino.destination(2))
  const appliance = createAppliance({
    config,
    logger,
    onFatal(error) {
      logger.fatal(
        { error: error.message },
        'a thread died; ending so that whoever supervises can start anew',
      )
      void appliance.close().finally(() => process.exit(1))
    },
  })
  const starting = appliance.start()
  const stayAlive = endInOrder({
    async close() {
      // Sockets may be open already, and rows in memory.
      await starting.catch(() => undefined)
      await appliance.close()
    },
    onSignal: (signal) => logger.info({ signal }, 'ending'),
    onError: (error) =>
      logger.error({ error: error instanceof Error ? error.stack : error }, 'ending because of a fault'),
  })
  const report = await starting.catch((error: unknown) => {
    stayAlive()
    throw error
  })
  process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : `${describeStart(report)}\n`)
}
