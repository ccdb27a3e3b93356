/** What a rollup keeps of a row: the columns that tell groups apart, those that are summed, and the two lengths of buckets. */
import { FlowColumnIndex as Column, type StreamName } from '../records/columns.js'
import { type Shape, shapeOf } from '../records/shape.js'
import { FLOW_STREAMS } from '../store/query/plan.js'
import { rollupStreams } from '../store/query/resolution.js'

/** A kind of rollup: whose rows are summed by how long a time, into which streams. */
export type Rollup = {
  readonly bucketMilliseconds: number
  readonly sources: readonly StreamName[]
  /** By family: 4, 6. */
  readonly targets: { readonly 4: StreamName; readonly 6: StreamName }
}

export const fiveMinutes: Rollup = {
  bucketMilliseconds: rollupStreams['5m'].bucketMilliseconds,
  sources: FLOW_STREAMS,
  targets: targetsOf('5m'),
}

/** Made of the rows of five minutes. */
export const hours: Rollup = {
  bucketMilliseconds: rollupStreams['1h'].bucketMilliseconds,
  sources: rollupStreams['5m'].streams,
  targets: targetsOf('1h'),
}

function targetsOf(resolution: keyof typeof rollupStreams): Rollup['targets'] {
  const [target4, target6] = rollupStreams[resolution].streams
  return { 4: target4, 6: target6 }
}

/** Which few values rows of a group share; they make up its context, together with exporter, shape and bucket. */
export const contextColumns = [
  Column.samplingInterval,
  Column.samplingFrom,
  Column.applicationName,
  Column.icmpFrom,
  Column.icmpType,
  Column.icmpCode,
] as const

/** Sums of a group, and their places. */
export const Sum = {
  flows: 0,
  octets: 1,
  packets: 2,
  /** The least start and the greatest end by the device; 0 is none. */
  start: 3,
  end: 4,
  reverseOctets: 5,
  reversePackets: 6,
  octetsTotal: 7,
  packetsTotal: 8,
} as const
export const SUMS = 9

/** 64-bit columns and the sums that they come from and go to. */
export const countColumns = [
  [Column.octets, Sum.octets],
  [Column.packets, Sum.packets],
  [Column.reverseOctets, Sum.reverseOctets],
  [Column.reversePackets, Sum.reversePackets],
  [Column.octetsTotal, Sum.octetsTotal],
  [Column.packetsTotal, Sum.packetsTotal],
] as const

const groupColumns: readonly number[] = [
  Column.sourceAddress,
  Column.destinationAddress,
  Column.destinationTransportPort,
  Column.applicationName,
  Column.icmpFrom,
  Column.icmpType,
  Column.icmpCode,
]
const kept = new Set<number>([
  Column.receivedMilliseconds,
  Column.exporter,
  Column.shape,
  Column.protocolIdentifier,
  Column.samplingInterval,
  Column.samplingFrom,
  Column.startMilliseconds,
  Column.endMilliseconds,
  Column.groupsTogether,
  ...groupColumns,
  ...countColumns.map(([column]) => column),
])

/** The shape of the sums of rows of a shape. */
export function rollupShape({ columns }: Shape): Shape {
  const own = columns.filter((column) => kept.has(column))
  return shapeOf([...own, Column.deltaFlowCount, Column.bucketMilliseconds])
}

/** The shape of sums over groups that are not kept apart: protocol and counts are left. */
export function togetherShape({ columns }: Shape): Shape {
  return shapeOf([...columns.filter((column) => !groupColumns.includes(column)), Column.groupsTogether])
}
