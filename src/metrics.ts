/** Prometheus metrics: what the receiving threads count, how detection goes, and the process itself. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { Count, type Counters, type CountName } from './counters.js'
import { type Losses, sizeOf } from './findings/losses.js'
import type { Run } from './findings/runs.js'
import type { StoreDamage } from './store/holes.js'
import type { Stopped } from './store/low-water.js'
import type { ScrubState } from './store/scrub.js'
import { VERSION } from './version.js'
import type { RetentionOutcome, RollupState } from './workers/analysis-messages.js'

/** What a receiving thread tells of itself beside its counters, since the start. */
export type ReceivedReport = {
  /** When rows were dropped last; absent when none were. */
  readonly lastDropMilliseconds?: number
  /** Set while nothing is stored because the disk is nearly full. */
  readonly stopped?: Stopped | undefined
  /** Datagrams of no exporter that could be told, by reason. */
  readonly undecoded: Readonly<Record<string, number>>
  /** By what happened on TCP and TLS connections of syslog. */
  readonly tcp: Readonly<Record<string, number>>
  /** By what happened on TCP and TLS connections of IPFIX. */
  readonly ipfixStreams?: Readonly<Record<string, number>>
  /** Devices that were turned away at TLS ports, the newest first; bounded. */
  readonly refusedPeers?: readonly {
    readonly address: string
    readonly listenerPort: number
    readonly reason: string
    /** Who it says that it is, with its fingerprint, or what was wrong. */
    readonly description: string
    readonly count: number
    readonly lastSeenMilliseconds: number
  }[]
  /** By port; absent where the system does not tell. */
  readonly kernelDrops?: Readonly<Record<number, number>>
  /** When the latest of them were seen. */
  readonly lastKernelDropMilliseconds?: number
}

/** What the receiving threads count of all that comes, by the names in counters.ts. */
const RECEIVED_TOTALS = [
  'datagrams',
  'octets',
  'rows',
  'blocks',
  'blockOctets',
  'droppedRows',
  'overQuota',
  'storeFailures',
  'truncated',
] as const satisfies readonly CountName[]

/** Counts of the receiving threads since the start. */
export type ReceivedCounts = ReceivedReport & Readonly<Record<(typeof RECEIVED_TOTALS)[number], number>>

/** The report of all receiving threads with their counters. */
export function withTotals(report: ReceivedReport, counters: Counters): ReceivedCounts {
  const totals = Object.fromEntries(RECEIVED_TOTALS.map((name) => [name, counters.sum(name)]))
  return { ...report, ...(totals as Record<(typeof RECEIVED_TOTALS)[number], number>) }
}

export type Metrics = {
  observeRun(run: Run): void
  text(): Promise<string>
}

/** `counts` gives the latest counts, `exporters` how many devices are known. */
export function createMetrics(
  counters: Counters,
  counts: () => ReceivedCounts | undefined,
  exporters: () => number,
  retention: () => RetentionOutcome | undefined,
  damage: () => StoreDamage | undefined,
  scrub: () => ScrubState | undefined,
  openLosses: () => Losses,
  rolled: () => RollupState | undefined,
): Metrics {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  collectDefaultMetrics({ register: registry, prefix: 'culvert_' })
  const build = new Gauge({ name: 'culvert_build_info', help: 'version', labelNames: ['version'], registers })
  build.set({ version: VERSION }, 1)

  const total = (name: string, help: string, read: (now: ReceivedCounts) => number) => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        const now = counts()
        this.reset()
        if (now !== undefined) this.inc(read(now))
      },
    })
  }
  const space = (name: string, help: string, read: (now: RetentionOutcome) => number) => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const now = retention()
        if (now !== undefined) this.set(read(now))
      },
    })
  }
  const missing = (name: string, help: string, read: (now: StoreDamage) => number) => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const now = damage()
        if (now !== undefined) this.set(read(now))
      },
    })
  }
  missing('culvert_store_lost_rows', 'rows that were numbered and are not there', (now) => now.lostRows)
  missing('culvert_store_damaged_blocks', 'blocks that cannot be read', (now) => now.damagedBlocks)
  new Gauge({
    name: 'culvert_store_unacknowledged_losses',
    help: 'rows that are gone and blocks that are damaged, of which nobody has said that they know',
    registers,
    collect() {
      const { rows, blocks } = sizeOf(openLosses())
      this.set(rows + blocks)
    },
  })
  const scrubbed = (name: string, help: string, read: (now: ScrubState) => number | undefined) => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const now = scrub()
        const value = now === undefined ? undefined : read(now)
        if (value !== undefined) this.set(value)
      },
    })
  }
  scrubbed('culvert_scrub_blocks', 'blocks checked in the pass at work', (now) => now.blocks)
  scrubbed('culvert_scrub_octets', 'octets checked in the pass at work', (now) => now.octets)
  scrubbed('culvert_scrub_damaged_blocks', 'blocks that were found damaged', (now) => now.damaged.length)
  scrubbed('culvert_scrub_last_pass_seconds', 'when the last pass over all blocks ended', (now) =>
    now.lastPass === undefined ? undefined : now.lastPass.endedMilliseconds / 1000,
  )
  const summed = (name: string, help: string, read: (now: RollupState) => number) => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const now = rolled()
        if (now !== undefined) this.set(read(now))
      },
    })
  }
  summed(
    'culvert_rollup_summed_to_seconds',
    'receive time up to which rows are summed',
    ({ progress }) => progress.summedToMilliseconds / 1000,
  )
  summed(
    'culvert_rollup_unread_rows',
    'rows that were gone before they were summed',
    ({ progress }) => progress.unreadRows,
  )
  summed(
    'culvert_rollup_together_rows',
    'rows of groups that are not kept apart',
    ({ progress }) => progress.togetherRows,
  )
  summed('culvert_rollup_lost_rows', 'sums that were written and are not there', ({ lostRows }) => lostRows)
  space(
    'culvert_rollup_octets',
    'octets of the files that hold sums of rows',
    (now) => now.rollups.usedOctets,
  )
  space('culvert_store_octets', 'octets of the files that hold rows', (now) => now.usedOctets)
  new Counter({
    name: 'culvert_merged_blocks_total',
    help: 'small blocks that were put together',
    registers,
    collect() {
      this.reset()
      this.inc(retention()?.mergedBlocks ?? 0)
    },
  })
  space('culvert_store_free_octets', 'free octets of their file system', (now) => now.freeOctets)
  new Gauge({
    name: 'culvert_store_stopped',
    help: '1 while nothing is stored because the disk is nearly full',
    registers,
    collect() {
      const now = counts()
      if (now !== undefined) this.set(now.stopped === undefined ? 0 : 1)
    },
  })
  total('culvert_received_datagrams_total', 'datagrams and lines received', (now) => now.datagrams)
  total('culvert_received_octets_total', 'octets received', (now) => now.octets)
  total('culvert_stored_rows_total', 'rows written to the store', (now) => now.rows)
  total('culvert_stored_blocks_total', 'blocks written to the store', (now) => now.blocks)
  total('culvert_stored_octets_total', 'octets of blocks written', (now) => now.blockOctets)
  total(
    'culvert_dropped_rows_total',
    'rows lost because the store did not take them',
    (now) => now.droppedRows,
  )
  total('culvert_over_quota_total', 'datagrams over the quota of their sender', (now) => now.overQuota)
  total('culvert_truncated_datagrams_total', 'datagrams that were cut when received', (now) => now.truncated)
  total('culvert_store_failures_total', 'blocks that could not be written', (now) => now.storeFailures)

  const ofThreads = (make: typeof Counter | typeof Gauge, name: string, help: string, count: CountName) => {
    new make({
      name,
      help,
      labelNames: ['thread'],
      registers,
      collect() {
        this.reset()
        for (const [thread, counts] of counters.threads()) this.inc({ thread }, counts[Count[count]])
      },
    })
  }
  ofThreads(
    Counter,
    'culvert_thread_gc_seconds_total',
    'time that garbage collection took of a thread',
    'garbageCollectionSeconds',
  )
  ofThreads(Counter, 'culvert_thread_gc_runs_total', 'garbage collections of a thread', 'garbageCollections')
  ofThreads(Gauge, 'culvert_thread_heap_octets', 'heap of a thread that is in use', 'heapOctets')
  ofThreads(
    Gauge,
    'culvert_thread_external_octets',
    'buffers and arrays of a thread outside of its heap',
    'externalOctets',
  )

  const labelled = (
    name: string,
    help: string,
    label: string,
    read: (now: ReceivedCounts) => Readonly<Record<string, number>>,
  ) => {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        const now = counts()
        this.reset()
        if (now === undefined) return
        for (const [value, count] of Object.entries(read(now))) this.inc({ [label]: value }, count)
      },
    })
  }
  labelled(
    'culvert_undecoded_total',
    'datagrams and log lines of no known exporter that could not be used',
    'reason',
    (now) => now.undecoded,
  )
  labelled(
    'culvert_ipfix_stream_total',
    'events of IPFIX connections over TCP and TLS',
    'reason',
    (now) => now.ipfixStreams ?? {},
  )
  labelled(
    'culvert_syslog_tcp_total',
    'events of syslog connections over TCP and TLS',
    'reason',
    (now) => now.tcp,
  )
  labelled(
    'culvert_kernel_drops_total',
    'datagrams lost in our kernel',
    'port',
    (now) => now.kernelDrops ?? {},
  )

  new Gauge({
    name: 'culvert_exporters',
    help: 'devices that have sent something',
    registers,
    collect() {
      this.set(exporters())
    },
  })
  const runs = new Counter({
    name: 'culvert_detector_runs_total',
    help: 'runs by outcome',
    labelNames: ['detector', 'outcome'],
    registers,
  })
  const seconds = new Gauge({
    name: 'culvert_detector_run_seconds',
    help: 'length of the last run',
    labelNames: ['detector'],
    registers,
  })
  const judged = new Gauge({
    name: 'culvert_detector_judged_to_seconds',
    help: 'receive time up to which rows were judged',
    labelNames: ['detector'],
    registers,
  })
  return {
    observeRun(run) {
      const { detector, outcome, startedAtMilliseconds, endedAtMilliseconds = startedAtMilliseconds } = run
      runs.inc({ detector, outcome })
      seconds.set({ detector }, (endedAtMilliseconds - startedAtMilliseconds) / 1000)
      if (outcome === 'ok' || outcome === 'partial') judged.set({ detector }, run.toMilliseconds / 1000)
    },
    text: () => registry.metrics(),
  }
}
