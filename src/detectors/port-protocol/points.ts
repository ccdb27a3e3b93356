/** Metering points by number, and what bears on how far their records can be believed. */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, RECEIVED_COLUMN } from '../../blocks/builder.js'
import { formatAddress } from '../../records/address.js'
import { ExporterEventColumnIndex, exporterEventNames } from '../../records/columns.js'
import { type ExporterIdentity, exporterKey } from '../../records/exporter.js'
import { addressAt } from './settings.js'

/** Points are part of numeric keys, in 16 bits; more exporters than that share the last. */
const MAX_POINTS = 65_535

export type Point = {
  readonly number: number
  readonly key: string
  readonly identity: ExporterIdentity
  /** One packet of so many; 0 while the exporter says nothing. */
  samplingInterval: number
  gaps: number
  /** 0 until its first row. */
  firstReceivedMilliseconds: number
  lastReceivedMilliseconds: number
  /** Conversations that have been looked at, and those that showed one direction only. */
  conversations: number
  oneSided: number
  namesApplications: boolean
  /** What was last said of the point, so that it is not said again. */
  said: string
}

export type Points = {
  of(identity: ExporterIdentity): Point
  byNumber(number: number): Point
  all(): readonly Point[]
  observeEvents(block: Block, rows: Uint32Array): void
}

/** `firstSeenOf`: when an exporter of a key was first seen, where that is known from before. */
export function createPoints(firstSeenOf: (key: string) => number | undefined): Points {
  const byKey = new Map<string, Point>()
  const list: Point[] = []
  const of = (identity: ExporterIdentity): Point => {
    const key = exporterKey(identity)
    const found = byKey.get(key)
    if (found !== undefined) return found
    if (list.length >= MAX_POINTS) return list.at(-1)!
    const point: Point = {
      number: list.length,
      key,
      identity,
      samplingInterval: 0,
      gaps: 0,
      firstReceivedMilliseconds: firstSeenOf(key) ?? 0,
      lastReceivedMilliseconds: 0,
      conversations: 0,
      oneSided: 0,
      namesApplications: false,
      said: '',
    }
    byKey.set(key, point)
    list.push(point)
    return point
  }
  return {
    of,
    byNumber: (number) => list[number]!,
    all: () => list,
    observeEvents(block, rows) {
      const received = block.column(RECEIVED_COLUMN)![0]!
      const exporters = block.column(EXPORTER_COLUMN)![0]!
      const events = block.column(ExporterEventColumnIndex.event)![0]!
      const values = block.column(ExporterEventColumnIndex.value)![0]!
      for (const row of rows) {
        const point = of(block.header.exporters[exporters[row]!]!)
        const event = exporterEventNames[events[row]!]
        point.lastReceivedMilliseconds = Math.max(point.lastReceivedMilliseconds, received[row]!)
        if (event === 'gap') point.gaps++
        else if (event === 'sampling' && values[row]! > 0) point.samplingInterval = values[row]!
      }
    },
  }
}

/** Whether an address, four words from a place in an array of keys, is that of an exporter: those are gateways. */
export function exporterTest(points: Points): (keys: Uint32Array, offset: number, family: 4 | 6) => boolean {
  const addresses = new Set<string>()
  let known = 0
  return (keys, offset, family) => {
    const all = points.all()
    for (; known < all.length; known++) addresses.add(formatAddress(all[known]!.identity.address))
    return addresses.has(formatAddress(addressAt(keys, offset, family)))
  }
}
