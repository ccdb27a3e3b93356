/**
 * Metering points: what is known of each exporter's observation domain that bears on whether its echo records may be
 * judged exactly, and the sessions that it saw.
 */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, RECEIVED_COLUMN } from '../../blocks/builder.js'
import { formatAddress } from '../../records/address.js'
import {
  ExporterEventColumnIndex,
  type ExporterEventName,
  exporterEventNames,
} from '../../records/columns.js'
import { type ExporterIdentity, exporterKey, SYSLOG_PROTOCOL } from '../../records/exporter.js'
import type { Slice } from './mirror.js'
import type { Session } from './session.js'

/** Sessions of one point kept at a time; the least recently used go first. */
export const MAX_SESSIONS_PER_POINT = 50_000

export type Pair = {
  readonly requester: string
  readonly responder: string
  session: Session
  firstReceivedMilliseconds: number
  lastReceivedMilliseconds: number
  /** Records since the last evaluation. */
  readonly news: { requests: Slice[]; replies: Slice[] }
}

export type Point = {
  readonly key: string
  readonly identity: ExporterIdentity
  readonly pairs: Map<string, Pair>
  /** By host: its pings to groups, which many answer. */
  readonly groupRequests: Map<string, { readonly packets: number; readonly lastMilliseconds: number }>
  /** 0 while the exporter says nothing. */
  samplingInterval: number
  /** Device clock minus ours. */
  clockSkewMilliseconds: number
  /** Records that began before may lack others: a gap, a restart or reordering was seen then. */
  completeFromMilliseconds: number
  gaps: number
  missingUnits: number
  isTypeObserved: boolean
  records: number
  lastReceivedMilliseconds: number
  /** Sessions left out for want of room. */
  evicted: number
}

export type Points = {
  of(identity: ExporterIdentity): Point
  all(): Iterable<Point>
  /** Whether an address is that of a device that exports: a gateway, as a rule. */
  isExporter(address: string): boolean
  /** Takes rows of the exporterEvent stream. */
  observeEvents(block: Block, rows: Uint32Array): void
}

export function createPoints(): Points {
  const points = new Map<string, Point>()
  const addresses = new Set<string>()
  const of = (identity: ExporterIdentity): Point => {
    const key = exporterKey(identity)
    let point = points.get(key)
    if (point === undefined) {
      point = {
        key,
        identity,
        pairs: new Map(),
        groupRequests: new Map(),
        samplingInterval: 0,
        clockSkewMilliseconds: 0,
        completeFromMilliseconds: Number.NEGATIVE_INFINITY,
        gaps: 0,
        missingUnits: 0,
        isTypeObserved: false,
        records: 0,
        lastReceivedMilliseconds: 0,
        evicted: 0,
      }
      points.set(key, point)
      if (identity.protocol !== SYSLOG_PROTOCOL) addresses.add(formatAddress(identity.address))
    }
    return point
  }
  return {
    of,
    all: () => points.values(),
    isExporter: (address) => addresses.has(address),
    observeEvents(block, rows) {
      const received = block.column(RECEIVED_COLUMN)![0]!
      const exporters = block.column(EXPORTER_COLUMN)![0]!
      const events = block.column(ExporterEventColumnIndex.event)![0]!
      const values = block.column(ExporterEventColumnIndex.value)![0]!
      for (const row of rows) {
        const point = of(block.header.exporters[exporters[row]!]!)
        apply(point, exporterEventNames[events[row]!] ?? 'none', values[row]!, received[row]!)
      }
    },
  }
}

function apply(point: Point, event: ExporterEventName, value: number, receivedMilliseconds: number): void {
  switch (event) {
    case 'gap':
    case 'reset':
    case 'reordered':
    case 'duplicate':
    case 'drops':
      point.completeFromMilliseconds = Math.max(point.completeFromMilliseconds, receivedMilliseconds)
      if (event === 'gap') {
        point.gaps++
        point.missingUnits += value
      }
      break
    case 'sampling':
      if (value > 0) point.samplingInterval = value
      break
    case 'clockSkew':
      point.clockSkewMilliseconds = value
      break
  }
}
