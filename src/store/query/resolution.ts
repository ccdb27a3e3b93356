/**
 * Where the rows of an aggregation come from: rows as they were received, or sums of five minutes or hours, which are kept
 * for longer and know less. Which it was, and of which time, is part of the answer.
 */
import { ApplianceError } from '../../errors.js'
import type { StreamDefinition, StreamName } from '../../records/columns.js'
import type { BlockStore } from '../block-store.js'
import { decodeProgress } from '../rollup-progress.js'
import { receivedRange } from '../scan.js'
import type { AggregateQuery } from './aggregate.js'
import { definitionOf } from './dimensions.js'
import type { Filter } from './filter.js'
import { FLOW_STREAMS, type Window } from './plan.js'
import { windowOf } from './rows.js'

/** The streams of sums, and the length of their buckets in milliseconds. */
export const rollupStreams = {
  '5m': { bucketMilliseconds: 300_000, streams: ['rollup4', 'rollup6'] },
  '1h': { bucketMilliseconds: 3_600_000, streams: ['hourly4', 'hourly6'] },
} as const satisfies Record<
  string,
  { bucketMilliseconds: number; streams: readonly [StreamName, StreamName] }
>

/** Rows received in a time, in one form. */
export type Source = Window & { readonly resolution: 'raw' | '5m' | '1h' }

/** `auto` takes hours where the time without rows is at least as long. */
const LONG_MILLISECONDS = 48 * 3_600_000
/** Rows next to each other were stored this far apart at most. */
const OVERLAP_MILLISECONDS = 60_000

/** What sums know of the rows that they were made of. */
const answerable = {
  fields: ['protocol', 'destinationPort', 'icmpType', 'icmpCode', 'application'],
  dimensions: [
    'sourceAddress',
    'destinationAddress',
    'protocolIdentifier',
    'destinationTransportPort',
    'icmpType',
    'icmpCode',
    'exporterAddress',
    'applicationName',
    'timeMilliseconds',
  ],
} as const
const KNOWN =
  'rollups know src, dst, proto, dst port, icmp-type, icmp-code, app, exporter and time in steps of 5 min or 1 h'

/** Why sums cannot answer a query; undefined when they can. */
export function rollupProblem(
  { filter, by, stream }: Pick<AggregateQuery, 'filter' | 'by' | 'stream'>,
  resolution: '5m' | '1h',
): string | undefined {
  const { bucketMilliseconds } = rollupStreams[resolution]
  if (stream !== undefined) return `rollups are not kept by stream: leave out \`${stream}\``
  const field = filter === undefined ? undefined : unknownField(filter)
  if (field !== undefined) return `rollups cannot tell \`${field}\`: ${KNOWN}`
  for (const dimension of by) {
    const { name, short } = definitionOf(dimension)
    if (!(answerable.dimensions as readonly string[]).includes(name))
      return `rollups cannot be grouped by \`${short}\`: ${KNOWN}`
    if ((dimension.bucketMilliseconds ?? bucketMilliseconds) % bucketMilliseconds !== 0)
      return `a step of time must be a multiple of ${bucketMilliseconds / 1000} s at the resolution ${resolution}`
  }
  return undefined
}

/** A field of the filter that sums do not keep. */
function unknownField(filter: Filter): string | undefined {
  switch (filter.type) {
    case 'and':
    case 'or':
      return filter.filters.map(unknownField).find((field) => field !== undefined)
    case 'not':
      return unknownField(filter.filter)
    case 'flags':
      return 'flags'
    case 'compare':
    case 'in':
    case 'text':
      return (answerable.fields as readonly string[]).includes(filter.field) ? undefined : filter.field
    default:
      return undefined
  }
}

/** Whether an answer hangs on groups that sums may not have kept apart, and not on protocol, exporter and time alone. */
export function asksForGroups({ filter, by }: Pick<AggregateQuery, 'filter' | 'by'>): boolean {
  const kept = ['protocolIdentifier', 'exporterAddress', 'timeMilliseconds']
  return by.some(({ name }) => !kept.includes(name)) || (filter !== undefined && namesGroups(filter))
}

function namesGroups(filter: Filter): boolean {
  switch (filter.type) {
    case 'and':
    case 'or':
      return filter.filters.some(namesGroups)
    case 'not':
      return namesGroups(filter.filter)
    case 'address':
      return filter.field !== 'exporter' && filter.field !== 'agent'
    case 'compare':
    case 'in':
      return filter.field !== 'protocol'
    default:
      return filter.type === 'text'
  }
}

/** The streams of a source; of rows, those that the query names. */
export function streamsOf({ resolution }: Source, { stream }: AggregateQuery): readonly StreamName[] {
  if (resolution !== 'raw') return rollupStreams[resolution].streams
  return stream === undefined ? FLOW_STREAMS : [stream]
}

export function resolutionOf({ name }: StreamDefinition): Source['resolution'] {
  if (name === 'rollup4' || name === 'rollup6') return '5m'
  return name === 'hourly4' || name === 'hourly6' ? '1h' : 'raw'
}

/** The forms that a query is answered from, the older time first. Throws INVALID when sums must answer and cannot. */
export async function sourcesOf(
  store: BlockStore,
  rollups: BlockStore | undefined,
  query: AggregateQuery,
): Promise<Source[]> {
  const { resolution = 'raw' } = query
  const window = windowOf(query)
  const raw: Source = { resolution: 'raw', ...window }
  if (resolution === 'raw') return [raw]
  const progress = rollups === undefined ? undefined : decodeProgress(await rollups.note())
  if (resolution !== 'auto') {
    refuse(rollupProblem(query, resolution))
    if (rollups === undefined || progress === undefined)
      throw new ApplianceError('INVALID', 'there are no rollups here: ask for the resolution raw')
    const summedTo = resolution === '1h' ? progress.hoursToMilliseconds : progress.summedToMilliseconds
    return [await rolled(rollups, resolution, window, summedTo)]
  }
  const rawFrom = await wholeFrom(store)
  if (rollups === undefined || progress === undefined || window.fromMilliseconds >= rawFrom) return [raw]
  const used = coarsest(query, Math.min(rawFrom, window.toMilliseconds) - window.fromMilliseconds)
  const { bucketMilliseconds } = rollupStreams[used]
  const boundary = Math.ceil(rawFrom / bucketMilliseconds) * bucketMilliseconds
  const problem = rollupProblem(query, used)
  const since = Number.isFinite(boundary)
    ? `; rows are kept from ${new Date(boundary).toISOString()} on`
    : '; no rows are kept'
  refuse(problem === undefined ? undefined : `${problem}${since}`)
  const summedTo = used === '1h' ? progress.hoursToMilliseconds : progress.summedToMilliseconds
  const older = await rolled(rollups, used, window, Math.min(summedTo, boundary))
  return boundary < window.toMilliseconds ? [older, { ...raw, fromMilliseconds: boundary }] : [older]
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw new ApplianceError('INVALID', problem)
}

function coarsest({ by }: AggregateQuery, milliseconds: number): '5m' | '1h' {
  const hour = rollupStreams['1h'].bucketMilliseconds
  const isEven = by.every(({ bucketMilliseconds = hour }) => bucketMilliseconds % hour === 0)
  return isEven && milliseconds >= LONG_MILLISECONDS ? '1h' : '5m'
}

/** Whole buckets: those that the window touches, from the oldest that are kept. */
async function rolled(
  rollups: BlockStore,
  resolution: '5m' | '1h',
  window: Window,
  toMilliseconds: number,
): Promise<Source> {
  const { bucketMilliseconds, streams } = rollupStreams[resolution]
  const oldest = (await receivedRange(rollups, streams))?.fromMilliseconds ?? Number.NEGATIVE_INFINITY
  const from = Math.floor(window.fromMilliseconds / bucketMilliseconds) * bucketMilliseconds
  const to = Math.ceil(window.toMilliseconds / bucketMilliseconds) * bucketMilliseconds
  return {
    resolution,
    fromMilliseconds: Math.max(from, oldest),
    toMilliseconds: Math.min(to, toMilliseconds),
  }
}

/**
 * From when on all rows are there, as far as retention is concerned. What it removed was stored before the first row that stays, and so
 * received before; when that one was received says nothing, for imported rows are older than their neighbours.
 */
async function wholeFrom(store: BlockStore): Promise<number> {
  const floors = await Promise.all(FLOW_STREAMS.map((name) => store.floor(name)))
  const floor = Math.max(...floors) > 1 ? Math.max(...floors) : await store.completeFrom()
  if (floor <= 1) return Number.NEGATIVE_INFINITY
  let least = Number.POSITIVE_INFINITY
  let from = Number.POSITIVE_INFINITY
  for (const name of FLOW_STREAMS) {
    const next = (await store.index(name)).find(
      ({ firstSequence, damage }) => damage === undefined && firstSequence >= floor,
    )
    if (next === undefined || next.firstSequence >= least) continue
    least = next.firstSequence
    from = next.storedMilliseconds + OVERLAP_MILLISECONDS
  }
  return from
}
