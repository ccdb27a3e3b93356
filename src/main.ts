/**
 * The composition root: makes the parts, starts the threads, wires them and ends them in order. The command line's
 * `start` and `demo` both run this. Nothing imports it but cli/ and tests.
 */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { buildServer } from '#api/server.js'
import { requireReceive } from '#collectors/datagram/choose.js'
import type { ListeningReport } from '#collectors/receiver-messages.js'
import { type Receivers, type ReceiversOptions, startReceivers } from '#collectors/receivers.js'
import { readTls } from '#collectors/stream/tls-files.js'
import { type ClockSetup, createClock } from './clock.js'
import type { Config } from './config.js'
import { createRepositories, openDataFolder, type Repositories } from './data-folder.js'
import { detectors } from './detectors/registry.js'
import { type ConfiguredDetector, configuredDetectors } from './detectors/settings.js'
import { ApplianceError } from './errors.js'
import type { Observation } from './findings/finding.js'
import type { Run } from './findings/runs.js'
import { createHealth } from './health.js'
import { createMetrics } from './metrics.js'
import { parsePrefix } from './records/address.js'
import { createScheduler } from './scheduler/scheduler.js'
import { type AnalysisClient, createAnalysisClient } from './workers/analysis-client.js'
import type { RetentionOutcome } from './workers/analysis-messages.js'
import { createQueryClient } from './workers/query-client.js'

const DAY_MILLISECONDS = 86_400_000
/** Often, so that a full rate fills little in between. */
const RETENTION_EVERY_MILLISECONDS = 10_000
const SETTLE_EVERY_MILLISECONDS = 600_000
/** Receiving keeps a core; more threads than these wait for the disk. */
const MAX_QUERY_THREADS = 4

export type StartReport = {
  readonly sockets: readonly ListeningReport[]
  /** Threads that receive. */
  readonly receivers: number
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

type RunObserver = { observeRun(run: Run): void }

/** Makes an appliance; inert until `start`. */
export function createAppliance(options: ApplianceOptions): Appliance {
  const { config, logger, onFinding, onFatal, clock: clockSetup } = options
  const clock = createClock(clockSetup)
  const { now } = clock
  const data = resolve(config.data)
  const closers: (() => Promise<void>)[] = []
  /** What one run reads at a time. */
  const stepMilliseconds = Math.min(60, config.detection.intervalSeconds) * 1000
  let retention: RetentionOutcome | undefined

  async function start(): Promise<StartReport> {
    checkExporters(config)
    if (config.listen.tls !== undefined) await readTls(config.listen.tls)
    requireReceive(config.listen.receive)
    const scheduled = configuredDetectors(config)
    const folder = await openDataFolder({ data, logger, onOpen: (close) => closers.push(close) })
    const repositories = createRepositories(folder.documents, now)
    const tokenFile = join(data, 'token')
    await repositories.tokens.ensureFirstToken(tokenFile)
    const { shared: sequence } = folder.blocks.sequence
    const { analysis, found } = await startAnalysis(sequence)
    const metrics = createMetrics(
      () => receivers.counts(),
      () => receivers.exporterCount(),
      () => retention,
    )
    const observers: RunObserver[] = [metrics]
    const scheduler = createScheduler({
      ...repositories,
      detectors: scheduled,
      intervalSeconds: config.detection.intervalSeconds,
      stepMilliseconds,
      analysis,
      documents: folder.documents,
      clock,
      onRun(run) {
        for (const observer of observers) observer.observeRun(run)
        if (run.outcome !== 'ok') logger.warn({ run }, 'a detector run did not read everything')
      },
      onFinding: tellFinding,
    })
    const receivers: Receivers = await startReceivers({
      listen: config.listen,
      setup: receiverSetup(sequence),
      onProblem: (message) => logger.error({ message }, 'receiver'),
      onNotice: (message) => logger.info({ message }, 'receiver'),
      onDeath: onFatal,
    })
    const health = createHealth({
      retention: () => retention,
      sockets: receivers.sockets,
      receivers: receivers.workers,
      counts: receivers.counts,
      store: found,
      repaired: folder.repaired,
      silent: () =>
        receivers.silent().map(({ address, listenerPort }) => `${address} (port ${listenerPort})`),
      intervalSeconds: config.detection.intervalSeconds,
      detectors: scheduled.map(({ detector }) => detector.id),
      now,
    })
    observers.push(health)
    closers.push(() => scheduler.close())
    closers.push(receivers.close)
    const threads = Math.max(1, Math.min(MAX_QUERY_THREADS, availableParallelism() - 1))
    const flows = createQueryClient({ setup: { data, sequence }, threads })
    closers.push(flows.close)
    const port = await serveApi({
      ...repositories,
      exporterIds: receivers.exporterIds,
      exporters: receivers.exporters,
      flows,
      detectors: () => describeDetectors(scheduled),
      health: health.report,
      metrics: metrics.text,
      now,
      logger,
    })
    scheduler.start()
    keepRetention(analysis, repositories.visibility)
    return {
      sockets: receivers.sockets,
      receivers: receivers.workers,
      api: { host: config.api.host, port },
      data,
      tokenFile: existsSync(tokenFile) ? tokenFile : undefined,
      restoredTemplates: receivers.restoredTemplates,
      ...found,
    }
  }

  /** Starts the thread that reads what is stored, and says what is missing there. */
  async function startAnalysis(sequence: SharedArrayBuffer) {
    const analysis = createAnalysisClient({
      setup: { data, sequence, stepMilliseconds },
      onProblem: (message) => logger.error({ message }, 'analysis'),
      onDeath: onFatal,
    })
    const found = await analysis.start()
    closers.push(() => analysis.close())
    if (found.lostRows > 0)
      logger.error({ rows: found.lostRows }, 'stored rows are gone: there is a hole in the sequence')
    if (found.damagedBlocks > 0) logger.error({ blocks: found.damagedBlocks }, 'stored blocks cannot be read')
    return { analysis, found }
  }

  const tellFinding: NonNullable<ApplianceOptions['onFinding']> = (observation, change) => {
    const { id, detector, severity, title } = observation
    logger.info({ id, detector, severity, title, change }, 'finding')
    onFinding?.(observation, change)
  }

  function receiverSetup(sequence: SharedArrayBuffer): ReceiversOptions['setup'] {
    return {
      data,
      sequence,
      exporters: config.exporters,
      elements: config.elements,
      mappings: config.syslog.mappings,
      ...(clockSetup === undefined ? {} : { clock: clockSetup }),
    }
  }

  /** Opens the API and returns its port. */
  async function serveApi(needs: Parameters<typeof buildServer>[0]): Promise<number> {
    const app = await buildServer(needs)
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
    return (app.server.address() as { port: number }).port
  }

  /** Deletes what the limits do not let stay, and settles exceptions now and then. */
  function keepRetention(analysis: AnalysisClient, visibility: Repositories['visibility']): void {
    const { rawDays, messageDays, maximumOctets, minimumFreeOctets } = config.retention
    let isRunning = false
    const retain = async () => {
      // A long detection run may hold it up; one that waits is enough.
      if (isRunning) return
      isRunning = true
      try {
        const outcome = await analysis.retain({
          nowMilliseconds: now(),
          rawBeforeMilliseconds: now() - rawDays * DAY_MILLISECONDS,
          messagesBeforeMilliseconds: now() - messageDays * DAY_MILLISECONDS,
          maximumOctets,
          minimumFreeOctets,
        })
        retention = outcome
        if (outcome.blocks > 0) logger.info(outcome, 'rows were deleted')
      } finally {
        isRunning = false
      }
    }
    const report = (error: Error) => logger.error(error)
    const timers = [
      setInterval(() => void retain().catch(report), RETENTION_EVERY_MILLISECONDS),
      setInterval(() => void visibility.settle().catch(report), SETTLE_EVERY_MILLISECONDS),
    ]
    closers.push(async () => timers.forEach(clearInterval))
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

/** What the API tells of each detector, switched on or not. */
function describeDetectors(scheduled: readonly ConfiguredDetector[]) {
  return detectors.map((detector) => {
    const found = scheduled.find((entry) => entry.detector === detector)
    return {
      id: detector.id,
      title: detector.title,
      description: detector.description,
      enabled: found !== undefined,
      attack: { ...detector.attack },
      needs: detector.needs.map(({ column }) => column),
      settings: { ...(found?.settings ?? {}) },
    }
  })
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
