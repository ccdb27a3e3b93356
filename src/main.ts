/**
 * The composition root: makes the parts, starts the threads, wires them and ends them in order. The command line's
 * `start` and `demo` both run this. Nothing imports it but cli/ and tests.
 */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import { buildServer } from '#api/server.js'
import type {
  FromReceiver,
  ListeningReport,
  ReceiverSetup,
  ToReceiver,
} from '#collectors/receiver-messages.js'
import { type ClockSetup, createClock } from './clock.js'
import type { Config } from './config.js'
import { detectors } from './detectors/registry.js'
import { configuredDetectors } from './detectors/settings.js'
import { ApplianceError } from './errors.js'
import type { ExporterStatus } from './exporters.js'
import { createAudit } from './findings/audit.js'
import { createExceptions } from './findings/exceptions.js'
import type { Observation } from './findings/finding.js'
import { reindexFindings } from './findings/reindex.js'
import { createFindings } from './findings/repository.js'
import { createRuns } from './findings/runs.js'
import { createTokens } from './findings/tokens.js'
import { createVisibility } from './findings/visibility.js'
import { createHealth } from './health.js'
import { createMetrics, type ReceivedCounts } from './metrics.js'
import { parsePrefix } from './records/address.js'
import { createScheduler } from './scheduler/scheduler.js'
import { createBlockStore } from './store/blocks.js'
import { createDocuments } from './store/documents.js'
import { queryRows } from './store/flow-query.js'
import { querySessions } from './store/sessions.js'
import { createAnalysisClient } from './workers/analysis-client.js'

const DAY_MILLISECONDS = 86_400_000
const RETENTION_EVERY_MILLISECONDS = 600_000
/** The thread flushes and syncs when it is told to stop; a disk that hangs must not hold the process for ever. */
const STOP_MILLISECONDS = 20_000

export type StartReport = {
  readonly sockets: readonly ListeningReport[]
  readonly api: { readonly host: string; readonly port: number }
  readonly data: string
  /** Where the first-start token lies; undefined once somebody has put it away. */
  readonly tokenFile: string | undefined
  readonly restoredTemplates: number
  readonly lostRows: number
  readonly damagedBlocks: number
}

export type Appliance = {
  /** Opens the store, the sockets and the API. Throws ApplianceError; what was opened is closed again. */
  start(): Promise<StartReport>
  /** Ends everything in order; nothing received is lost. */
  close(): Promise<void>
}

export type ApplianceOptions = {
  readonly config: Config
  readonly logger: Logger
  /** Told of findings as they are made or changed. */
  readonly onFinding?: (observation: Observation, change: 'created' | 'updated') => void
  /** Told when a thread died: the process cannot do its work any more. */
  readonly onFatal: (error: Error) => void
  /** Absent: the system's clock. */
  readonly clock?: ClockSetup
}

/** Makes an appliance; inert until `start`. */
export function createAppliance(options: ApplianceOptions): Appliance {
  const { config, logger, onFinding, onFatal, clock: clockSetup } = options
  const clock = createClock(clockSetup)
  const { now } = clock
  const data = resolve(config.data)
  const closers: (() => Promise<void>)[] = []
  const exporters = new Map<string, ExporterStatus>()
  let counts: ReceivedCounts | undefined

  async function start(): Promise<StartReport> {
    checkExporters(config)
    const scheduled = configuredDetectors(config)
    await mkdir(data, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw new ApplianceError('CONFIG_INVALID', `the data folder ${data} cannot be made`, { cause })
    })
    const repaired: string[] = []
    const onRepair = (what: string) => (cause: Error) => {
      repaired.push(what)
      logger.error({ what, cause: cause.message }, 'a damaged database was repaired; rows may be lost')
    }
    const documents = createDocuments({ location: join(data, 'documents'), onRepair: onRepair('documents') })
    await documents.open()
    closers.push(() => documents.close())
    if (repaired.includes('documents')) await reindexFindings(documents)
    const blocks = createBlockStore({
      location: join(data, 'blocks'),
      isFirst: true,
      onRepair: onRepair('blocks'),
    })
    await blocks.open()
    closers.push(() => blocks.close())

    const audit = createAudit({ documents, now })
    const findings = createFindings({ documents, audit, now })
    const exceptions = createExceptions({ documents, audit, now })
    const visibility = createVisibility({ documents, findings, exceptions, now })
    const runs = createRuns({ documents, now })
    const tokens = createTokens({ documents, audit, now })
    const tokenFile = join(data, 'token')
    await tokens.ensureFirstToken(tokenFile)

    const { shared: sequence } = blocks.sequence
    const stepMilliseconds = Math.min(60, config.detection.intervalSeconds) * 1000
    const analysis = createAnalysisClient({
      setup: { data, sequence, stepMilliseconds },
      onProblem: (message) => logger.error({ message }, 'analysis'),
      onDeath: onFatal,
    })
    const store = await analysis.start()
    closers.push(() => analysis.close())
    if (store.lostRows > 0)
      logger.error({ rows: store.lostRows }, 'stored rows are gone: there is a hole in the sequence')
    if (store.damagedBlocks > 0) logger.error({ blocks: store.damagedBlocks }, 'stored blocks cannot be read')

    const metrics = createMetrics(
      () => counts,
      () => exporters.size,
    )
    const scheduler = createScheduler({
      detectors: scheduled,
      intervalSeconds: config.detection.intervalSeconds,
      stepMilliseconds,
      analysis,
      documents,
      findings,
      runs,
      clock,
      onRun(run) {
        metrics.observeRun(run)
        health.observeRun(run)
        if (run.outcome !== 'ok') logger.warn({ run }, 'a detector run did not read everything')
      },
      onFinding(observation, change) {
        const { id, detector, severity, title } = observation
        logger.info({ id, detector, severity, title, change }, 'finding')
        onFinding?.(observation, change)
      },
    })

    const receiver = await startReceiver({
      data,
      sequence,
      host: config.listen.host,
      netflowPorts: config.listen.netflowPorts,
      ipfixTcpPorts: config.listen.ipfixTcpPorts,
      ipfixTlsPorts: config.listen.ipfixTlsPorts,
      ...(config.listen.tls === undefined ? {} : { tls: config.listen.tls }),
      sflowPorts: config.listen.sflowPorts,
      syslogPorts: config.listen.syslogPorts,
      receiveBufferOctets: config.listen.receiveBufferOctets,
      datagramsPerSecondPerExporter: config.listen.datagramsPerSecondPerExporter,
      exporters: config.exporters,
      elements: config.elements,
      ...(clockSetup === undefined ? {} : { clock: clockSetup }),
    })
    const health = createHealth({
      sockets: receiver.sockets,
      counts: () => counts,
      store,
      repaired,
      silent: () =>
        [...exporters.values()]
          .filter(({ silentSinceMilliseconds }) => silentSinceMilliseconds !== undefined)
          .map(({ address, listenerPort }) => `${address} (port ${listenerPort})`),
      intervalSeconds: config.detection.intervalSeconds,
      detectors: scheduled.map(({ detector }) => detector.id),
      now,
    })
    closers.push(() => scheduler.close())
    closers.push(receiver.close)

    const app = await buildServer({
      findings,
      exceptions,
      visibility,
      audit,
      runs,
      tokens,
      exporters: () => [...exporters.values()],
      exporter: (id) => exporters.get(id),
      flows: {
        query: (query) => queryRows(blocks, query),
        sessions: (query) => querySessions(blocks, query),
      },
      detectors: () =>
        detectors.map((detector) => ({
          id: detector.id,
          title: detector.title,
          description: detector.description,
          enabled: scheduled.some((entry) => entry.detector === detector),
          attack: { ...detector.attack },
          needs: detector.needs.map(({ column }) => column),
          settings: { ...(scheduled.find((entry) => entry.detector === detector)?.settings ?? {}) },
        })),
      health: health.report,
      metrics: metrics.text,
      now,
      logger,
    })
    await app
      .listen({ host: config.api.host, port: config.api.port })
      .catch((cause: NodeJS.ErrnoException) => {
        const why =
          cause.code === 'EADDRINUSE' ? 'another program listens there' : (cause.code ?? cause.message)
        throw new ApplianceError(
          'PORT_UNAVAILABLE',
          `the API's ${config.api.host} port ${config.api.port} cannot be opened: ${why}`,
          { cause },
        )
      })
    closers.push(() => app.close())
    const { port } = app.server.address() as { port: number }

    scheduler.start()
    const retain = async () => {
      const removed = await analysis.retain(now() - config.retention.rawDays * DAY_MILLISECONDS)
      if (removed.blocks > 0) logger.info(removed, 'old rows were deleted')
      await visibility.settle()
    }
    const timer = setInterval(
      () => void retain().catch((error: Error) => logger.error(error)),
      RETENTION_EVERY_MILLISECONDS,
    )
    closers.push(async () => clearInterval(timer))
    return {
      sockets: receiver.sockets,
      api: { host: config.api.host, port },
      data,
      tokenFile: existsSync(tokenFile) ? tokenFile : undefined,
      restoredTemplates: receiver.restoredTemplates,
      ...store,
    }
  }

  /** Starts the receiving thread and waits for its sockets. */
  function startReceiver(setup: ReceiverSetup) {
    return new Promise<{
      sockets: readonly ListeningReport[]
      restoredTemplates: number
      close: () => Promise<void>
    }>((resolveStart, reject) => {
      const worker = new Worker(new URL('../collectors/receiver.js', import.meta.url), {
        workerData: setup,
        name: 'receiver',
      })
      let isClosing = false
      let whenStopped: (() => void) | undefined
      const close = () =>
        new Promise<void>((resolveStop) => {
          isClosing = true
          whenStopped = resolveStop
          worker.postMessage({ type: 'stop' } satisfies ToReceiver)
          setTimeout(resolveStop, STOP_MILLISECONDS).unref()
        })
      worker.on('message', (message: FromReceiver) => {
        switch (message.type) {
          case 'listening': {
            const failed = message.sockets.filter(({ ok, isOptional }) => !ok && !isOptional)
            if (failed.length === 0) resolveStart({ ...message, close })
            else
              void close().then(() =>
                reject(new ApplianceError('PORT_UNAVAILABLE', failed.map(({ error }) => error).join('; '))),
              )
            break
          }
          case 'status':
            counts = message.counts
            for (const status of message.exporters) {
              const kernelDrops =
                status.transport === 'udp' ? counts.kernelDrops?.[status.listenerPort] : undefined
              exporters.set(status.id, kernelDrops === undefined ? status : { ...status, kernelDrops })
            }
            break
          case 'problem':
            logger.error({ message: message.message }, 'receiver')
            break
          case 'stopped':
            whenStopped?.()
        }
      })
      const die = (error: Error) => {
        reject(error)
        whenStopped?.()
        if (!isClosing) onFatal(error)
      }
      worker.on('error', (error) => die(error as Error))
      worker.on('exit', (code) => die(new Error(`the receiving thread ended with code ${code}`)))
    })
  }

  async function close(): Promise<void> {
    for (const closer of closers.splice(0).reverse()) {
      await closer().catch((error: Error) => logger.error({ error: error.message }, 'while closing'))
    }
  }

  return {
    async start() {
      try {
        return await start()
      } catch (error) {
        await close()
        throw error
      }
    },
    close,
  }
}

function checkExporters({ exporters }: Config): void {
  for (const { address, zone } of exporters) {
    if (parsePrefix(address) === undefined)
      throw new ApplianceError('CONFIG_INVALID', `exporters: ${address} is no address and no prefix`)
    if (zone === undefined) continue
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone })
    } catch (cause) {
      throw new ApplianceError('CONFIG_INVALID', `exporters: ${zone} is no IANA time zone`, { cause })
    }
  }
}
