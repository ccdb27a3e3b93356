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
import { createBaselines } from './baselines/baselines.js'
import { type ClockSetup, createClock } from './clock.js'
import type { Config } from './config.js'
import { createRepositories, openDataFolder } from './data-folder.js'
import { describeDetectors } from './detectors/describe.js'
import { portProtocol } from './detectors/port-protocol/index.js'
import { configuredDetectors } from './detectors/settings.js'
import { ApplianceError } from './errors.js'
import type { Observation } from './findings/finding.js'
import { lossesOf, openLosses } from './findings/losses.js'
import type { Run } from './findings/runs.js'
import { createHealth } from './health.js'
import { keepHouse } from './housekeeping.js'
import { startMended } from './mended-start.js'
import { createMetrics } from './metrics.js'
import { parsePrefix } from './records/address.js'
import { createScheduler } from './scheduler/scheduler.js'
import { createBallast } from './store/ballast.js'
import type { Documents } from './store/documents.js'
import type { StoreDamage } from './store/holes.js'
import { findSetAside } from './store/mend.js'
import { SCRUB_STATE, type ScrubState } from './store/scrub.js'
import { createAnalysisClient } from './workers/analysis-client.js'
import type { RetentionOutcome } from './workers/analysis-messages.js'
import { createBackupClient } from './workers/backup-client.js'
import { createQueryClient } from './workers/query-client.js'

/** Answers in hand are given so long when the appliance ends. */
const API_CLOSE_MILLISECONDS = 3000
const DAY_MILLISECONDS = 86_400_000
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
  const { ballastOctets, stopBelowFreeOctets } = config.retention
  const ballast = createBallast(data, ballastOctets, stopBelowFreeOctets)
  let retention: RetentionOutcome | undefined
  let damage: StoreDamage | undefined
  let scrub: ScrubState | undefined

  async function start(): Promise<StartReport> {
    checkExporters(config)
    if (config.listen.tls !== undefined) await readTls(config.listen.tls)
    requireReceive(config.listen.receive)
    const scheduled = configuredDetectors(config)
    const folder = await openDataFolder({ data, logger, onOpen: (close) => closers.push(close) })
    const { documents } = folder
    const repositories = createRepositories(documents, now)
    const baselines = createBaselines({ ...repositories, documents, learning: learningOf(config) })
    const current = () => lossesOf(damage, scrub)
    const losses = await openLosses({ documents, audit: repositories.audit, now, current })
    const tokenFile = join(data, 'token')
    await repositories.tokens.ensureFirstToken(tokenFile)
    const { shared: sequence } = folder.blocks.sequence
    const { analysis, found } = await startAnalysis(sequence, documents)
    const metrics = createMetrics(
      () => receivers.counts(),
      () => receivers.exporterCount(),
      () => retention,
      () => damage,
      () => scrub,
      () => losses.report().open,
    )
    const observers: RunObserver[] = [metrics]
    const scheduler = createScheduler({
      ...repositories,
      detectors: scheduled,
      intervalSeconds: config.detection.intervalSeconds,
      stepMilliseconds,
      analysis,
      documents,
      droppedRows: () => receivers.counts()?.droppedRows ?? 0,
      clock,
      surroundingsOf: baselines.surroundingsOf,
      onLearned: baselines.keep,
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
      losses: losses.report,
      acknowledgedMilliseconds: () => losses.acknowledgements().at(-1)?.atMilliseconds,
      scrub: () => scrub,
      setAside: await findSetAside(data),
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
    const flows = createQueryClient({ setup: { data, sequence }, threads, damage: () => damage })
    closers.push(flows.close)
    const backup = createBackupClient({
      data,
      sequence,
      octetsPerSecond: config.backup.octetsPerSecond,
    })
    const port = await serveApi({
      ...repositories,
      losses,
      exporterIds: receivers.exporterIds,
      exporters: receivers.exporters,
      flows,
      baselines,
      explain: (detector, tuple) => analysis.explain({ detector, tuple, atMilliseconds: now() }),
      policyReview: (question) =>
        analysis.review({ detector: portProtocol.id, question: { ...question, atMilliseconds: now() } }),
      backup: backup.archive,
      detectors: () => describeDetectors(scheduled),
      health: health.report,
      metrics: metrics.text,
      now,
      logger,
    })
    // Before the API: it would wait for who takes the archive.
    closers.push(backup.close)
    scheduler.start()
    closers.push(
      keepHouse({
        limits: config.retention,
        analysis,
        visibility: repositories.visibility,
        ballast,
        now,
        logger,
        onRetained: (outcome) => {
          retention = outcome
        },
      }),
    )
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
  async function startAnalysis(sequence: SharedArrayBuffer, documents: Documents) {
    scrub = await documents.get<ScrubState>(SCRUB_STATE)
    const analysis = createAnalysisClient({
      setup: { data, sequence, stepMilliseconds, scrub: { ...config.scrub, state: scrub } },
      onProblem: (message) => logger.error({ message }, 'analysis'),
      onDamage(found) {
        damage = found
        const { lostRows: rows, damagedBlocks: blocks } = found
        if (rows > 0) logger.error({ rows }, 'stored rows are gone: there is a hole in the sequence')
        if (blocks > 0) logger.error({ blocks }, 'stored blocks cannot be read')
      },
      onScrub(state) {
        const known = scrub?.damaged.length ?? 0
        scrub = state
        for (const found of state.damaged.slice(known)) logger.error(found, 'a stored block is damaged')
        void documents
          .put(SCRUB_STATE, state, { sync: false })
          .catch((error: Error) => logger.error({ error: error.message }, 'scrubbing'))
      },
      onDeath: onFatal,
    })
    closers.push(() => analysis.close())
    const { lostRows, damagedBlocks } = await analysis.start()
    return { analysis, found: { lostRows, damagedBlocks } }
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
      stopBelowFreeOctets,
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
    closers.push(async () => {
      // A client that does not read its answer must not hold up the end.
      const impatience = setTimeout(() => app.server.closeAllConnections(), API_CLOSE_MILLISECONDS)
      await app.close()
      clearTimeout(impatience)
    })
    return (app.server.address() as { port: number }).port
  }

  async function close(): Promise<void> {
    for (const closer of closers.splice(0).reverse()) {
      await closer().catch((error: Error) => logger.error({ error: error.message }, 'while closing'))
    }
  }

  return {
    start: () => startMended({ data, logger, start, close, ballast }),
    close,
  }
}

function learningOf({ detection }: Config) {
  const { days, halfLifeDays } = detection.learning
  return {
    periodMilliseconds: days * DAY_MILLISECONDS,
    halfLifeMilliseconds: halfLifeDays * DAY_MILLISECONDS,
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
