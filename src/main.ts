/**
 * The composition root: makes the parts, starts the threads, wires them and ends them in order. The command line's
 * `start` and `demo` both run this. Nothing imports it but cli/ and tests.
 */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { serve } from '#api/listen.js'
import { requireReceive } from '#collectors/datagram/choose.js'
import type { ListeningReport } from '#collectors/receiver-messages.js'
import { type Receivers, type ReceiversOptions, startReceivers } from '#collectors/receivers.js'
import { readTls } from '#collectors/stream/tls-files.js'
import { AGEING_TIME, type Age, createAgeing } from './ageing.js'
import { createBaselines } from './baselines/baselines.js'
import { type ClockSetup, createClock } from './clock.js'
import type { Config } from './config.js'
import { checkExporters, checkListening, learningOf } from './config-checks.js'
import { createCounters } from './counters.js'
import { createCoverage } from './coverage/coverage.js'
import { watchCoverage } from './coverage/watch.js'
import { createRepositories, openDataFolder } from './data-folder.js'
import { describeDetectors } from './detectors/describe.js'
import { portProtocol } from './detectors/port-protocol/index.js'
import { configuredDetectors } from './detectors/settings.js'
import { noteSettings } from './detectors/settings-history.js'
import type { Observation } from './findings/finding.js'
import { lossesOf, openLosses } from './findings/losses.js'
import type { Run } from './findings/runs.js'
import { createHealth } from './health.js'
import { keepHouse } from './housekeeping.js'
import { startMended } from './mended-start.js'
import { createMetrics } from './metrics.js'
import { keepMemoryLow } from './process-memory.js'
import { collectReport } from './report/collect.js'
import { STEP_MILLISECONDS } from './scheduler/evaluate.js'
import { createScheduler } from './scheduler/scheduler.js'
import { createBallast } from './store/ballast.js'
import type { Documents } from './store/documents.js'
import type { StoreDamage } from './store/holes.js'
import { findSetAside } from './store/mend.js'
import { SCRUB_STATE, type ScrubState } from './store/scrub.js'
import { smallDiskText } from './store/small-disk.js'
import { keepVitals } from './thread-vitals.js'
import { createAnalysisClient } from './workers/analysis-client.js'
import type { RetentionOutcome, RollupState } from './workers/analysis-messages.js'
import { createBackupClient } from './workers/backup-client.js'
import { createQueryClient } from './workers/query-client.js'

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

/** Shared memory of both numberings. */
type Sequences = { readonly sequence: SharedArrayBuffer; readonly rollupSequence: SharedArrayBuffer }

type RunObserver = { observeRun(run: Run): void }

/** Makes an appliance; inert until `start`. */
export function createAppliance(options: ApplianceOptions): Appliance {
  const { config, logger, onFinding, onFatal, clock: clockSetup } = options
  const clock = createClock(clockSetup)
  const { now } = clock
  const data = resolve(config.data)
  const counters = createCounters()
  const closers: (() => Promise<void>)[] = []
  let closing = Promise.resolve()
  /** What one run reads at a time. */
  const stepMilliseconds = Math.min(STEP_MILLISECONDS, config.detection.intervalSeconds * 1000)
  const { ballastOctets, stopBelowFreeOctets } = config.retention
  const ballast = createBallast(data, ballastOctets, stopBelowFreeOctets)
  let retention: RetentionOutcome | undefined
  let retentionFailure: string | undefined
  let age: Age | undefined
  let damage: StoreDamage | undefined
  let scrub: ScrubState | undefined
  let rolled: RollupState | undefined

  async function start(): Promise<StartReport> {
    const leaveMemory = keepMemoryLow()
    const leaveVitals = keepVitals(counters.of('main'))
    closers.push(async () => {
      leaveMemory()
      leaveVitals()
    })
    checkExporters(config)
    checkListening(config)
    if (config.listen.tls !== undefined) await readTls(config.listen.tls)
    requireReceive(config.listen.receive)
    const scheduled = configuredDetectors(config)
    const folder = await openDataFolder({ data, logger, onOpen: (close) => closers.push(close) })
    const { documents } = folder
    const repositories = createRepositories(documents, now)
    const baselines = createBaselines({ ...repositories, documents, learning: learningOf(config), now })
    await noteSettings({ documents, audit: repositories.audit }, scheduled)
    const current = () => lossesOf(damage, scrub)
    const losses = await openLosses({ documents, audit: repositories.audit, now, current })
    const tokenFile = join(data, 'token')
    await repositories.tokens.ensureFirstToken(tokenFile)
    const { shared: sequence } = folder.blocks.sequence
    const { shared: rollupSequence } = folder.rollups.sequence
    const { analysis, found } = await startAnalysis({ sequence, rollupSequence }, documents)
    const metrics = createMetrics(
      counters,
      () => receivers.counts(),
      () => receivers.exporterCount(),
      () => retention,
      () => damage,
      () => scrub,
      () => losses.report().open,
      () => rolled,
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
      counters,
      setup: receiverSetup(sequence),
      onProblem: (message) => logger.error({ message }, 'receiver'),
      onNotice: (message) => logger.info({ message }, 'receiver'),
      onDeath: onFatal,
    })
    const smallDisk = await smallDiskText(data, config.retention.minimumFreeOctets)
    if (smallDisk !== undefined) logger.warn(smallDisk)
    const health = createHealth({
      smallDisk,
      retention: () => retention,
      retentionFailure: () => retentionFailure,
      age: () => age,
      sockets: receivers.sockets,
      receivers: receivers.workers,
      receiversQuiet: receivers.quietMilliseconds,
      counts: receivers.counts,
      losses: losses.report,
      acknowledgedMilliseconds: () => losses.acknowledgements().at(-1)?.atMilliseconds,
      scrub: () => scrub,
      rolled: () => rolled,
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
    const flows = createQueryClient({
      setup: { data, sequence, rollupSequence },
      counters,
      threads,
      damage: () => damage,
    })
    closers.push(flows.close)
    const backup = createBackupClient({
      data,
      sequence,
      rollupSequence,
      octetsPerSecond: config.backup.octetsPerSecond,
    })
    const running = scheduled.map(({ detector }) => detector)
    const seen = {
      exporterIds: receivers.exporterIds,
      exporters: receivers.exporters,
      detectors: running,
      now,
    }
    const coverage = createCoverage({ ...seen, findings: repositories.findings })
    const told = { ...repositories, baselines, losses, detectors: () => describeDetectors(scheduled), now }
    const served = await serve(config.api, {
      ...told,
      exporterIds: receivers.exporterIds,
      exporters: receivers.exporters,
      flows,
      coverage,
      report: (from, to) => collectReport({ ...told, coverage }, from, to),
      explain: (detector, tuple) => analysis.explain({ detector, tuple, atMilliseconds: now() }),
      policyReview: (question) =>
        analysis.review({ detector: portProtocol.id, question: { ...question, atMilliseconds: now() } }),
      backup: backup.archive,
      health: health.report,
      metrics: metrics.text,
      logger,
    })
    closers.push(served.close)
    // Before the API: it would wait for who takes the archive.
    closers.push(backup.close)
    scheduler.start()
    closers.push(
      watchCoverage({
        ...seen,
        tell: async (observation) => void (await repositories.findings.upsert([observation])),
        onProblem: (error) => logger.error({ error: error.message }, 'coverage'),
      }),
    )
    closers.push(
      keepHouse({
        limits: config.retention,
        analysis,
        visibility: repositories.visibility,
        ballast,
        documents,
        ageing: createAgeing({
          lastMilliseconds: await documents.get<number>(AGEING_TIME),
          limits: config.retention,
          clock,
        }),
        now,
        logger,
        onRetained: (outcome, lookedAt) => {
          retention = outcome
          age = lookedAt
          retentionFailure = undefined
        },
        onRetentionFailure: ({ message }) => {
          retentionFailure = message
        },
      }),
    )
    return {
      sockets: receivers.sockets,
      receivers: receivers.workers,
      api: { host: config.api.host, port: served.port },
      data,
      tokenFile: existsSync(tokenFile) ? tokenFile : undefined,
      restoredTemplates: receivers.restoredTemplates,
      ...found,
    }
  }

  /** Starts the thread that reads what is stored, and says what is missing there. */
  async function startAnalysis(sequences: Sequences, documents: Documents) {
    scrub = await documents.get<ScrubState>(SCRUB_STATE)
    const analysis = createAnalysisClient({
      setup: {
        data,
        counts: counters.of('analysis'),
        ...sequences,
        rollups: { enabled: config.rollups, stopBelowFreeOctets },
        stepMilliseconds,
        scrub: { ...config.scrub, state: scrub },
      },
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
      onRolled(state) {
        rolled = state
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

  async function closeAll(): Promise<void> {
    for (const closer of closers.splice(0).reverse()) {
      await closer().catch((error: Error) => logger.error({ error: error.message }, 'while closing'))
    }
  }

  /** Whoever asks while it ends waits for that end: a signal and a thread that died may both ask. */
  function close(): Promise<void> {
    closing = closing.then(closeAll)
    return closing
  }

  return {
    start: () => startMended({ data, logger, start, close, ballast }),
    close,
  }
}
