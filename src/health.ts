/** How the appliance is, in checks that say what is wrong and what mends it. */
import type { Age } from './ageing.js'
import { type Losses, type LossReport, sizeOf } from './findings/losses.js'
import type { Run } from './findings/runs.js'
import type { ReceivedCounts } from './metrics.js'
import type { Hole } from './store/holes.js'
import type { SetAside } from './store/mend.js'
import type { ScrubState } from './store/scrub.js'
import { SET_ASIDE } from './store/tables.js'
import { VERSION } from './version.js'
import type { RetentionOutcome, RollupState } from './workers/analysis-messages.js'

type Status = 'ok' | 'degraded' | 'failing'

/** Rows that were dropped within this time: it goes on. */
const FAILING_MILLISECONDS = 60_000
/** Drops in the kernel are a fault for so long: the metric and the coverage entries stay. */
const DROPS_TOLD_MILLISECONDS = 3_600_000
/** A receiving thread tells its state once a second. */
const HUNG_MILLISECONDS = 30_000
/** Holes and blocks that a check names; the newest. */
const NAMED = 5

type Check = { name: string; status: Status; text: string }

export type HealthOptions = {
  readonly sockets: readonly {
    name: string
    transport: string
    port: number
    ok: boolean
    isOptional: boolean
    receive?: string
    bufferAsked?: number
    bufferGranted?: number
  }[]
  /** Threads that receive. */
  readonly receivers: number
  /** Milliseconds since the one of them that has been quiet the longest told its state. */
  readonly receiversQuiet: () => number
  readonly counts: () => ReceivedCounts | undefined
  /** What is to be told of a file system too small for its limits; undefined where it is not. */
  readonly smallDisk: string | undefined
  /** What retention did last; undefined before its first look. */
  readonly retention: () => RetentionOutcome | undefined
  /** The time that retention by age goes by; undefined before its first look. */
  readonly age: () => Age | undefined
  /** Why retention failed, when it did so last. */
  readonly retentionFailure: () => string | undefined
  /** What is missing of what was stored. */
  readonly losses: () => LossReport
  /** When losses were acknowledged last; undefined: never. */
  readonly acknowledgedMilliseconds: () => number | undefined
  /** How far scrubbing has come; undefined before it has told. */
  readonly scrub: () => ScrubState | undefined
  /** How far sums of rows have come; undefined before any were made. */
  readonly rolled: () => RollupState | undefined
  /** What repairs put aside, as it was at the start. */
  readonly setAside: readonly SetAside[]
  /** Devices with a known pace that send nothing. */
  readonly silent: () => readonly string[]
  readonly intervalSeconds: number
  readonly detectors: readonly string[]
  readonly now: () => number
}

export function createHealth(options: HealthOptions) {
  const {
    sockets,
    receivers,
    receiversQuiet,
    counts,
    smallDisk,
    retention,
    retentionFailure,
    age,
    losses,
    acknowledgedMilliseconds,
    scrub,
    rolled,
    setAside,
    silent,
    intervalSeconds,
    detectors,
    now,
  } = options
  const startedAtMilliseconds = now()
  const lastRuns = new Map<string, Run>()

  const checks = (): Check[] => {
    const received = counts()
    const report = losses()
    const all: Check[] = [
      kernelDropsCheck(received, now()),
      storeCheck(received, now(), acknowledgedMilliseconds()),
      damageCheck(report),
    ]
    const scrubbed = scrub()
    if (scrubbed !== undefined) all.push(scrubCheck(scrubbed, report.open))
    const sums = rolled()
    if (sums !== undefined) all.push(rollupCheck(sums))
    const receiving = receivingCheck(sockets, receivers, receiversQuiet())
    if (receiving !== undefined) all.push(receiving)
    const space = retention()
    const failure = retentionFailure()
    if (failure !== undefined)
      all.push(check('space', 'failing', `what is beyond the limits stays: ${failure}`))
    else if (space !== undefined) all.push(spaceCheck(space))
    const { held } = age() ?? {}
    if (held !== undefined) all.push(clockCheck(held))
    if (smallDisk !== undefined) all.push(check('file system', 'degraded', smallDisk))
    const quiet = silent()
    all.push(
      check(
        'exporters',
        quiet.length === 0 ? 'ok' : 'degraded',
        quiet.length === 0
          ? 'no device with a known pace is silent'
          : `silent: ${quiet.slice(0, 20).join(', ')}`,
      ),
    )
    for (const each of setAside) all.push(setAsideCheck(each))
    for (const detector of detectors) all.push(detectorCheck(detector))
    return all
  }
  const detectorCheck = (detector: string): Check => {
    const run = lastRuns.get(detector)
    const age = now() - (run?.endedAtMilliseconds ?? startedAtMilliseconds)
    if (run === undefined || age > 5 * intervalSeconds * 1000 + 60_000) {
      const isLate = age > 5 * intervalSeconds * 1000 + 60_000
      return check(
        `detector ${detector}`,
        isLate ? 'degraded' : 'ok',
        isLate ? `no run has ended for ${Math.round(age / 1000)} s` : 'the first run has not ended yet',
      )
    }
    if (run.outcome === 'ok') return check(`detector ${detector}`, 'ok', 'the last run read everything')
    return check(
      `detector ${detector}`,
      'degraded',
      `the last run was ${run.outcome}: ${run.error ?? 'some blocks could not be read'}`,
    )
  }

  return {
    observeRun(run: Run): void {
      lastRuns.set(run.detector, run)
    },
    report() {
      const all = checks()
      const worst = (['failing', 'degraded'] as const).find((status) =>
        all.some((one) => one.status === status),
      )
      return {
        status: worst ?? ('ok' as Status),
        version: VERSION,
        listening: sockets
          .filter(({ ok, isOptional }) => ok || !isOptional)
          .map(({ name, transport, port, ok }) => ({ name, transport, port, ok })),
        startedAtMilliseconds,
        checks: all,
        details: { received: counts() },
      }
    },
  }
}

function rollupCheck({ progress, lostRows, damagedBlocks }: RollupState): Check {
  const { summedToMilliseconds, unreadRows } = progress
  const text = `rows are summed up to ${new Date(summedToMilliseconds).toISOString()}`
  if (lostRows > 0 || damagedBlocks > 0) {
    const lost = `${lostRows} sums are missing and ${damagedBlocks} blocks of sums cannot be read`
    return check('rollups', 'degraded', `${text}; ${lost}: answers about those times are too low`)
  }
  const unread = unreadRows > 0 ? `; ${unreadRows} rows were gone before they were summed` : ''
  return check('rollups', 'ok', `${text}${unread}`)
}

/** How datagrams come in; a small buffer is no fault by itself, the drops that follow from it are. */
function receivingCheck(
  sockets: HealthOptions['sockets'],
  receivers: number,
  quietMilliseconds: number,
): Check | undefined {
  if (quietMilliseconds > HUNG_MILLISECONDS) {
    const seconds = Math.round(quietMilliseconds / 1000)
    return check(
      'UDP',
      'failing',
      `a receiving thread has not told its state for ${seconds} s: nothing may come in`,
    )
  }
  const open = sockets.filter(({ ok, receive }) => ok && receive !== undefined)
  const [first] = open
  if (first === undefined) return undefined
  const granted = Math.min(...open.map(({ bufferGranted = 0 }) => bufferGranted))
  const threads = `${receivers} ${receivers === 1 ? 'thread' : 'threads'}`
  const text = `by ${first.receive} in ${threads}, ${granted} octets of receive buffer for each socket, ${first.bufferAsked} asked`
  return check('UDP', 'ok', text)
}

function spaceCheck({ isShort, reasons, usedOctets, freeOctets }: RetentionOutcome): Check {
  const sizes = `${gibibytes(usedOctets)} of rows, ${gibibytes(freeOctets)} free`
  if (isShort)
    return check('space', 'failing', `${sizes}: no row is left to delete for the limit that is set`)
  if (reasons.includes('freeSpace'))
    return check('space', 'degraded', `${sizes}: rows go before their time, since the file system fills`)
  return check('space', 'ok', sizes)
}

function kernelDropsCheck(received: ReceivedCounts | undefined, now: number): Check {
  const { kernelDrops = {}, lastKernelDropMilliseconds = now } = received ?? {}
  const count = Object.values(kernelDrops).reduce((sum, count) => sum + count, 0)
  if (count === 0) return check('kernel drops', 'ok', 'no datagram was lost in our kernel')
  const last = new Date(lastKernelDropMilliseconds).toISOString()
  const text = `${count} datagrams were lost in our kernel since the start, the last at ${last}`
  if (now - lastKernelDropMilliseconds > DROPS_TOLD_MILLISECONDS) return check('kernel drops', 'ok', text)
  return check('kernel drops', 'degraded', `${text}: raise net.core.rmem_max`)
}

function storeCheck(received: ReceivedCounts | undefined, now: number, acknowledgedMilliseconds = 0): Check {
  const { droppedRows: lost = 0, stopped, lastDropMilliseconds = 0 } = received ?? {}
  if (stopped !== undefined) {
    const since = new Date(stopped.sinceMilliseconds).toISOString()
    const text = `the disk is full: nothing is stored since ${since}, with ${stopped.freeOctets} octets free, less than retention.stopBelowFreeOctets; ${lost} rows were dropped. It goes on by itself when there is room`
    return check('store', 'failing', text)
  }
  if (lost === 0) return check('store', 'ok', 'every row received was written')
  if (lastDropMilliseconds < acknowledgedMilliseconds)
    return check('store', 'ok', `${lost} rows were lost because the store did not take them: acknowledged`)
  const text = `${lost} rows were lost because the store did not take them: look at the disk`
  return check('store', now - lastDropMilliseconds < FAILING_MILLISECONDS ? 'failing' : 'degraded', text)
}

/** Losses stay until retention has passed over them or somebody says that they know. */
function damageCheck({ lostRows, damagedBlocks, open }: LossReport): Check {
  const text = `${lostRows} rows gone, ${damagedBlocks} blocks unreadable`
  if (lostRows + damagedBlocks === 0) return check('stored rows', 'ok', text)
  const { rows, blocks } = sizeOf(open)
  if (rows + blocks === 0) return check('stored rows', 'ok', `${text}: all acknowledged`)
  const named = [
    ...open.holes.slice(-NAMED).map(describeHole),
    ...open.blocks.slice(-NAMED).map(({ name, reason }) => `block ${name}: ${reason}`),
  ]
  return check('stored rows', 'degraded', `${text}: ${named.join('; ')}`)
}

function describeHole({ fromSequence, toSequence, fromMilliseconds, toMilliseconds }: Hole): string {
  const [from, to] = [fromMilliseconds, toMilliseconds].map((time) => new Date(time).toISOString())
  return `${toSequence - fromSequence} rows from sequence ${fromSequence} on, received between ${from} and ${to}`
}

function scrubCheck({ lastPass, damaged, blocks }: ScrubState, open: Losses): Check {
  const last =
    lastPass === undefined
      ? 'no pass has ended yet'
      : `the last pass over ${lastPass.blocks} blocks ended ${new Date(lastPass.endedMilliseconds).toISOString()}`
  const text = `${last}, ${blocks} blocks checked since`
  if (damaged.length === 0) return check('scrub', 'ok', `${text}: none is damaged`)
  const names = new Set(open.blocks.map(({ name }) => name))
  if (!damaged.some(({ name }) => names.has(name)))
    return check('scrub', 'ok', `${text}: ${damaged.length} damaged, all acknowledged`)
  const named = damaged.slice(-NAMED).map(({ name, reason }) => `${name} (${reason})`)
  return check('scrub', 'degraded', `${text}: ${damaged.length} damaged: ${named.join('; ')}`)
}

function clockCheck({ aheadMilliseconds, untilMilliseconds }: NonNullable<Age['held']>): Check {
  const hours = Math.round(aheadMilliseconds / 3_600_000)
  const until = new Date(untilMilliseconds).toISOString()
  const text = `this machine's clock is ${hours} h ahead of where it should be by what was seen last: rows are not deleted by age until ${until}, by that clock, or until it is set right`
  return check('clock', 'degraded', text)
}

function setAsideCheck({ database, files, octets, atMilliseconds }: SetAside): Check {
  const when = new Date(atMilliseconds).toISOString()
  const what = `${files} files with ${octets} octets were put aside in ${database}/${SET_ASIDE}`
  return check(
    database,
    'degraded',
    `the database was damaged and was repaired at ${when}; rows may be lost. ${what}: delete them when you have looked at them`,
  )
}

function gibibytes(octets: number): string {
  return `${(octets / 1024 ** 3).toFixed(2)} GiB`
}

function check(name: string, status: Status, text: string): Check {
  return { name, status, text }
}
