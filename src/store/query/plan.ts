/**
 * Which blocks a query must open, by what the index knows of them: receive times, family, protocols. A block of which
 * every row matches is told apart, for counting it needs no column.
 */
import type { StreamDefinition, StreamName } from '../../records/columns.js'
import type { AddressTest } from '../block-index.js'
import type { BlockStore } from '../block-store.js'
import type { IndexedBlock } from '../index-entry.js'
import type { Prepared } from './prepare.js'
import { columnNamed } from './presence.js'

/** Of a block's rows: none matches, all do, or it must be looked at. */
export type Outlook = 'none' | 'some' | 'all'

/** Rows received at or after `from` and before `to`. */
export type Window = { readonly fromMilliseconds: number; readonly toMilliseconds: number }

export const FLOW_STREAMS: readonly StreamName[] = ['flow4', 'flow6', 'icmp4', 'icmp6']

export type PlannedBlock = { readonly entry: IndexedBlock; readonly outlook: 'some' | 'all' }

/** The blocks that can hold wanted rows, the oldest first. A damaged one is among them: it may have held some. */
export async function planBlocks(
  store: BlockStore,
  names: readonly StreamName[],
  window: Window,
  filter: Prepared,
): Promise<PlannedBlock[]> {
  const planned: PlannedBlock[] = []
  for (const name of names) {
    for (const entry of await store.index(name)) {
      const outlook = outlookOf(entry, window, filter)
      if (outlook !== 'none') planned.push({ entry, outlook })
    }
  }
  const hosts = hostsIn(filter)
  const wanted = hosts.length > 0 ? await withHosts(store, planned, hosts, window, filter) : planned
  return wanted.sort((one, other) => one.entry.firstSequence - other.entry.firstSequence)
}

/** Filters read at a time. */
const FILTERS_AT_A_TIME = 256

/** Leaves out the blocks whose address filters say that none of the hosts is there. */
async function withHosts(
  store: BlockStore,
  planned: readonly PlannedBlock[],
  hosts: readonly Host[],
  window: Window,
  filter: Prepared,
): Promise<PlannedBlock[]> {
  const kept: PlannedBlock[] = []
  for (let from = 0; from < planned.length; from += FILTERS_AT_A_TIME) {
    const some = planned.slice(from, from + FILTERS_AT_A_TIME)
    const tests = await store.addressTests(
      some.map(({ entry }) => entry),
      hosts,
    )
    some.forEach((block, place) => {
      const outlook = outlookOf(block.entry, window, filter, tests[place])
      if (outlook !== 'none') kept.push({ entry: block.entry, outlook })
    })
  }
  return kept
}

function outlookOf(
  entry: IndexedBlock,
  window: Window,
  filter: Prepared,
  addresses?: AddressTest | undefined,
): Outlook {
  const { receivedFromMilliseconds: from, receivedToMilliseconds: to } = entry
  if (to < window.fromMilliseconds || from >= window.toMilliseconds) return 'none'
  if (entry.damage !== undefined) return 'some'
  const outlook = filterOutlook(entry, filter, addresses)
  const isWithin = from >= window.fromMilliseconds && to < window.toMilliseconds
  return outlook === 'all' && !isWithin ? 'some' : outlook
}

function filterOutlook(entry: IndexedBlock, part: Prepared, addresses: AddressTest | undefined): Outlook {
  const { stream } = entry
  switch (part.kind) {
    case 'all':
      return 'all'
    case 'and':
    case 'or':
      return joined(
        part.kind,
        part.parts.map((each) => filterOutlook(entry, each, addresses)),
      )
    case 'not': {
      const outlook = filterOutlook(entry, part.part, addresses)
      return outlook === 'some' ? 'some' : outlook === 'all' ? 'none' : 'all'
    }
    case 'family':
      return stream.family === part.family ? 'all' : 'none'
    case 'number':
      return part.column === 'protocolIdentifier' && stream.family !== 0
        ? protocolOutlook(entry.protocols, part.ranges)
        : columnOutlook(stream, part.column)
    case 'bits':
    case 'text':
      return columnOutlook(stream, part.column)
    case 'address':
      if (stream.family === 4 && part.ranges4.length === 0) return 'none'
      if (stream.family === 6 && part.prefixes6.length === 0) return 'none'
      if (addresses !== undefined && !mayHoldHosts(part, stream.family, addresses)) return 'none'
      return columnOutlook(stream, part.column)
    case 'sender':
      return 'some'
    case 'rate':
      return stream.family === 0 ? 'none' : 'some'
  }
}

type AddressPart = Extract<Prepared, { kind: 'address' }>

/** More hosts than this, or a network, are not looked up in the filters one by one. */
const MOST_HOSTS = 16
/** Columns that the filters cover. */
const FILTERED: readonly string[] = ['sourceAddress', 'destinationAddress']

/** An address as one word or four. */
type Host = readonly number[]

/** By part of a filter and family, for each is asked for every block. */
const knownHosts = new WeakMap<AddressPart, Map<number, readonly Host[] | undefined>>()

/** The hosts that a test of addresses is for; undefined when it is for networks, or for many. */
function hostsOf(part: AddressPart, family: 0 | 4 | 6): readonly Host[] | undefined {
  let known = knownHosts.get(part)
  if (known === undefined) {
    known = new Map(([0, 4, 6] as const).map((each) => [each, findHosts(part, each)]))
    knownHosts.set(part, known)
  }
  return known.get(family)
}

function findHosts(part: AddressPart, family: 0 | 4 | 6): readonly Host[] | undefined {
  if (!FILTERED.includes(part.column)) return undefined
  if (family === 6) {
    const isHosts = part.prefixes6.every(({ masks }) => masks.every((mask) => mask === -1))
    return isHosts && part.prefixes6.length <= MOST_HOSTS
      ? part.prefixes6.map(({ words }) => words)
      : undefined
  }
  const hosts: [number][] = []
  for (let at = 0; at < part.ranges4.length; at += 2) {
    const [from, to] = [part.ranges4[at]!, part.ranges4[at + 1]!]
    if (to - from >= MOST_HOSTS - hosts.length) return undefined
    for (let host = from; host <= to; host++) hosts.push([host])
  }
  return hosts
}

function mayHoldHosts(part: AddressPart, family: 0 | 4 | 6, mayHold: AddressTest): boolean {
  return hostsOf(part, family)?.some((host) => mayHold(host)) ?? true
}

/** The hosts that a filter asks for: where there are some, reading address filters can spare blocks. */
function hostsIn(part: Prepared): readonly Host[] {
  switch (part.kind) {
    case 'and':
    case 'or':
      return part.parts.flatMap(hostsIn)
    case 'not':
      return hostsIn(part.part)
    case 'address':
      return ([4, 6] as const).flatMap((family) => hostsOf(part, family) ?? [])
    default:
      return []
  }
}

function joined(kind: 'and' | 'or', outlooks: readonly Outlook[]): Outlook {
  const deciding = kind === 'and' ? 'none' : 'all'
  if (outlooks.includes(deciding)) return deciding
  return outlooks.includes('some') ? 'some' : kind === 'and' ? 'all' : 'none'
}

function columnOutlook(stream: StreamDefinition, column: string): Outlook {
  return columnNamed(stream, column) === undefined ? 'none' : 'some'
}

/** Rows without a protocol count as 0 in the bits, so 0 decides nothing. */
function protocolOutlook(protocols: Uint8Array, ranges: Float64Array): Outlook {
  let isAny = false
  let isEvery = true
  for (let protocol = 0; protocol < 256; protocol++) {
    if ((protocols[protocol >> 3]! & (1 << (protocol & 7))) === 0) continue
    let isWanted = false
    for (let at = 0; at < ranges.length; at += 2)
      isWanted ||= protocol >= ranges[at]! && protocol <= ranges[at + 1]!
    isAny ||= isWanted
    isEvery &&= isWanted && protocol !== 0
  }
  return isAny ? (isEvery ? 'all' : 'some') : 'none'
}
