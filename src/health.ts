/** How the appliance is, in checks that say what is wrong and what mends it. */
import type { Run } from './findings/runs.js'
import type { ReceivedCounts } from './metrics.js'
import { VERSION } from './version.js'
import type { RetentionOutcome } from './workers/analysis-messages.js'

type Status = 'ok' | 'degraded' | 'failing'

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
  readonly counts: () => ReceivedCounts | undefined
  /** What retention did last; undefined before its first look. */
  readonly retention: () => RetentionOutcome | undefined
  readonly store: { readonly lostRows: number; readonly damagedBlocks: number }
  /** Databases that had to be repaired at this start. */
  readonly repaired: readonly string[]
  /** Devices with a known pace that send nothing. */
  readonly silent: () => readonly string[]
  readonly intervalSeconds: number
  readonly detectors: readonly string[]
  readonly now: () => number
}

export function createHealth(options: HealthOptions) {
  const { sockets, receivers, counts, retention, store, repaired, silent, intervalSeconds, detectors, now } =
    options
  const startedAtMilliseconds = now()
  const lastRuns = new Map<string, Run>()

  const checks = (): Check[] => {
    const received = counts()
    const drops = Object.values(received?.kernelDrops ?? {}).reduce((sum, count) => sum + count, 0)
    const lost = received?.droppedRows ?? 0
    const all: Check[] = [
      check(
        'kernel drops',
        drops === 0 ? 'ok' : 'degraded',
        drops === 0
          ? 'no datagram was lost in our kernel'
          : `${drops} datagrams were lost in our kernel: raise net.core.rmem_max`,
      ),
      check(
        'store',
        lost === 0 ? 'ok' : 'failing',
        lost === 0
          ? 'every row received was written'
          : `${lost} rows were lost because the store did not take them: look at the disk`,
      ),
      check(
        'stored rows',
        store.lostRows + store.damagedBlocks === 0 ? 'ok' : 'degraded',
        `${store.lostRows} rows gone, ${store.damagedBlocks} blocks unreadable at the start`,
      ),
    ]
    const receiving = receivingCheck(sockets, receivers)
    if (receiving !== undefined) all.push(receiving)
    const space = retention()
    if (space !== undefined) all.push(spaceCheck(space))
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
    for (const what of repaired)
      all.push(
        check(what, 'degraded', 'the database was damaged and was repaired at the start; rows may be lost'),
      )
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

/** How datagrams come in; a small buffer is no fault by itself, the drops that follow from it are. */
function receivingCheck(sockets: HealthOptions['sockets'], receivers: number): Check | undefined {
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

function gibibytes(octets: number): string {
  return `${(octets / 1024 ** 3).toFixed(2)} GiB`
}

function check(name: string, status: Status, text: string): Check {
  return { name, status, text }
}
