/**
 * What is watched of each exporter beside its bytes: that one device does not take the whole receive path (a quota of
 * datagrams), that a device with a known pace has not fallen silent, and which timeouts its meter really uses.
 */
import { type BlockBuilder, EXPORTER_COLUMN, RECEIVED_COLUMN } from '#core/blocks/builder.js'
import type { Address } from '#core/records/address.js'
import { FlowColumnIndex } from '#core/records/columns.js'
import type { ExporterIdentity } from '#core/records/exporter.js'

/** Senders whose quota is kept; beyond it the account begins anew, in everyone's favour. */
const MAX_ACCOUNTS = 65_536
/** A quiet device may send this many seconds' worth at once. */
const BURST_SECONDS = 2

export type Quota = {
  /** False when the datagram is over the sender's quota. */
  admit(sender: Address, nowMilliseconds: number): boolean
  /** Datagrams refused since the last call, by sender; of one address there may be several objects. */
  takeRefused(): Map<Address, number>
}

/** A token bucket per sender. */
export function createQuota(datagramsPerSecond: number): Quota {
  const accounts = new Map<Address, { tokens: number; atMilliseconds: number }>()
  const most = datagramsPerSecond * BURST_SECONDS
  let refused = new Map<Address, number>()
  return {
    admit(sender, nowMilliseconds) {
      let account = accounts.get(sender)
      if (account === undefined) {
        if (accounts.size >= MAX_ACCOUNTS) accounts.clear()
        account = { tokens: most, atMilliseconds: nowMilliseconds }
        accounts.set(sender, account)
      }
      // A clock that was set back earns nothing once, and goes on from there.
      const passed = Math.max(0, nowMilliseconds - account.atMilliseconds)
      account.tokens = Math.min(most, account.tokens + (passed * datagramsPerSecond) / 1000)
      account.atMilliseconds = nowMilliseconds
      if (account.tokens < 1) {
        refused.set(sender, (refused.get(sender) ?? 0) + 1)
        return false
      }
      account.tokens--
      return true
    },
    takeRefused() {
      const taken = refused
      if (taken.size > 0) refused = new Map()
      return taken
    },
  }
}

/** A device is called silent after this long, or after so many of its own intervals, whichever is longer. */
const SILENCE_MILLISECONDS = 5 * 60_000
const SILENCE_INTERVALS = 20
/** A pace is known after this many datagrams. */
const KNOWN_PACE = 20

/** Whether a device that has sent `datagrams` between two times has fallen silent. */
export function isSilent(
  datagrams: number,
  firstMilliseconds: number,
  lastMilliseconds: number,
  nowMilliseconds: number,
): boolean {
  if (datagrams < KNOWN_PACE || firstMilliseconds === 0) return false
  const interval = (lastMilliseconds - firstMilliseconds) / (datagrams - 1)
  return nowMilliseconds - lastMilliseconds > Math.max(SILENCE_MILLISECONDS, SILENCE_INTERVALS * interval)
}

/** Effective timeouts of a meter, as its records show them; absent while too few long or ended flows were seen. */
export type MeasuredTimeouts = { readonly activeMilliseconds?: number; readonly idleMilliseconds?: number }

export type TimeoutMeter = {
  /** Looks at a share of the rows of a block that is about to be sealed. */
  observe(builder: BlockBuilder): void
  /** `clockSkewMilliseconds` is the device's clock minus ours. */
  measured(identity: ExporterIdentity, clockSkewMilliseconds: number): MeasuredTimeouts
}

/** One row in so many is looked at. */
const ROW_STEP = 7
const SAMPLES = 512
const TCP = 6
const ENOUGH_SAMPLES = 64
/** An active timeout shows as flows that pile up at one length. */
const PILE_WIDTH = 0.1
const PILE_SHARE = 0.02
const SHORTEST_ACTIVE_MILLISECONDS = 5000

type Samples = { durations: Float64Array; lags: Float64Array; count: number }

export function createTimeoutMeter(): TimeoutMeter {
  const byIdentity = new WeakMap<ExporterIdentity, Samples>()
  return {
    observe(builder) {
      if (builder.stream.family === 0) return
      const starts = builder.planes[FlowColumnIndex.startMilliseconds]![0]
      const ends = builder.planes[FlowColumnIndex.endMilliseconds]![0]
      if (starts === undefined || ends === undefined) return
      const received = builder.planes[RECEIVED_COLUMN]![0]!
      const exporters = builder.planes[EXPORTER_COLUMN]![0]!
      const protocols = builder.planes[FlowColumnIndex.protocolIdentifier]![0]
      for (let row = 0; row < builder.rows; row += ROW_STEP) {
        const duration = ends[row]! - starts[row]!
        if (starts[row] === 0 || ends[row] === 0 || duration < 0) continue
        const identity = builder.exporters[exporters[row]!]!
        let samples = byIdentity.get(identity)
        if (samples === undefined) {
          samples = { durations: new Float64Array(SAMPLES), lags: new Float64Array(SAMPLES), count: 0 }
          byIdentity.set(identity, samples)
        }
        samples.durations[samples.count % SAMPLES] = duration
        // TCP flows end by FIN or RST, which no timeout explains.
        const isTcp = protocols?.[row] === TCP
        samples.lags[samples.count % SAMPLES] = isTcp ? Number.NaN : received[row]! - ends[row]!
        samples.count++
      }
    },
    measured(identity, clockSkewMilliseconds) {
      const samples = byIdentity.get(identity)
      if (samples === undefined || samples.count < ENOUGH_SAMPLES) return {}
      const size = Math.min(samples.count, SAMPLES)
      const durations = samples.durations.slice(0, size).sort()
      const active = pileOf(durations)
      const idle: number[] = []
      for (let index = 0; index < size; index++) {
        // A flow that ended before the active timeout was exported by the idle one.
        const lag = samples.lags[index]!
        if (!Number.isNaN(lag) && samples.durations[index]! < (active ?? Number.POSITIVE_INFINITY) * 0.8)
          idle.push(lag)
      }
      idle.sort((one, other) => one - other)
      const median = idle[idle.length >> 1]
      return {
        ...(active === undefined ? {} : { activeMilliseconds: Math.round(active) }),
        ...(median === undefined || idle.length < ENOUGH_SAMPLES / 2
          ? {}
          : { idleMilliseconds: Math.max(0, Math.round(median + clockSkewMilliseconds)) }),
      }
    },
  }
}

/** The length near which the longest flows pile up; undefined where they do not. `durations` is sorted. */
function pileOf(durations: Float64Array): number | undefined {
  const longest = durations[Math.floor(durations.length * 0.99)]!
  if (longest < SHORTEST_ACTIVE_MILLISECONDS) return undefined
  const piled = durations.filter((duration) => duration >= longest * (1 - PILE_WIDTH))
  return piled.length >= Math.max(5, durations.length * PILE_SHARE) ? piled[piled.length >> 1] : undefined
}
