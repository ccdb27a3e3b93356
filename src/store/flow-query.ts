/**
 * Searching rows for people and programs: the newest first, by the ingest sequence, page by page. The cursor is the
 * sequence of the last row looked at, so a page never skips or repeats a row while others are written.
 */

import type { Block } from '../blocks/block.js'
import { EXPORTER_COLUMN, type Plane, RECEIVED_COLUMN, SHAPE_COLUMN } from '../blocks/builder.js'
import { rowObject } from '../blocks/row.js'
import { ApplianceError } from '../errors.js'
import { type Address, type Prefix, parsePrefix, prefixContains } from '../records/address.js'
import {
  type FlowColumn,
  FlowColumnIndex,
  type MessageColumn,
  MessageColumnIndex,
  type StreamName,
} from '../records/columns.js'
import type { BlockStore, IndexedBlock } from './blocks.js'

/** A search for rows; absent keys do not restrict. Addresses are addresses or prefixes in text. */
export type RowQuery = {
  readonly fromMilliseconds?: number
  readonly toMilliseconds?: number
  readonly sourceAddress?: string
  readonly destinationAddress?: string
  /** Source or destination. */
  readonly address?: string
  readonly protocolIdentifier?: number
  /** Source or destination. */
  readonly port?: number
  readonly sourceTransportPort?: number
  readonly destinationTransportPort?: number
  readonly exporterAddress?: string
  readonly stream?: StreamName
  /** Of the message stream alone. */
  readonly message?: MessageQuery
  readonly limit: number
  /** As given back by the page before. */
  readonly cursor?: string
}

/** A search among log lines that are no traffic; texts are compared without regard to case. */
export type MessageQuery = {
  /** Stands anywhere in the line. */
  readonly contains?: string
  readonly host?: string
  readonly application?: string
  readonly vendor?: string
  readonly product?: string
  readonly eventId?: string
  /** RFC 5424 severity, 0 to 7: this or graver. */
  readonly severityAtMost?: number
}

/** Rows found. `partial` says that not all could be looked at: fewer may have been found than there are. */
export type RowPage = {
  readonly rows: readonly object[]
  readonly nextCursor: string | undefined
  readonly partial: boolean
  readonly blocksFailed: number
}

const FLOW_STREAMS: readonly StreamName[] = ['flow4', 'flow6', 'icmp4', 'icmp6']
/** A page ends after so much work, with a cursor to go on, so that one search cannot hold the API. */
const MAX_MILLISECONDS = 2000

export async function queryRows(
  store: BlockStore,
  query: RowQuery,
  now = () => Date.now(),
): Promise<RowPage> {
  const before = query.cursor === undefined ? Number.POSITIVE_INFINITY : readCursor(query.cursor)
  const names = query.stream === undefined ? FLOW_STREAMS : [query.stream]
  const blocks: IndexedBlock[] = []
  for (const name of names) {
    for (const entry of await store.index(name))
      if (entry.firstSequence < before && canHold(entry, query)) blocks.push(entry)
  }
  blocks.sort((one, other) => other.firstSequence - one.firstSequence)
  const began = now()
  const rows: object[] = []
  let blocksFailed = 0
  for (const [index, entry] of blocks.entries()) {
    try {
      const block = await store.block(entry)
      if (block === undefined) continue
      const page = takeRows(block, entry.firstSequence, before, query, rows)
      if (page !== undefined) return { rows, nextCursor: page, partial: false, blocksFailed }
    } catch {
      // Named by the scans of the detectors and counted here: a page over it is partial.
      blocksFailed++
    }
    if (now() - began > MAX_MILLISECONDS && index < blocks.length - 1) {
      return { rows, nextCursor: String(entry.firstSequence), partial: true, blocksFailed }
    }
  }
  return { rows, nextCursor: undefined, partial: blocksFailed > 0, blocksFailed }
}

/** Adds the block's matching rows, the newest first; the cursor once there are enough. */
function takeRows(
  block: Block,
  first: number,
  before: number,
  query: RowQuery,
  rows: object[],
): string | undefined {
  const matches = matcherOf(block, query)
  for (let row = Math.min(block.header.rows, before - first) - 1; row >= 0; row--) {
    if (!matches(row)) continue
    const object = rowObject(rowsOf(block), row)
    rows.push({ row: first + row, ...object, ...derived(object) })
    if (rows.length >= query.limit) return String(first + row)
  }
  return undefined
}

/** What follows from a row: times by our clock, and counts as they were before sampling. */
function derived(row: Record<string, unknown>): Record<string, number> {
  const values: Record<string, number> = {}
  const skew = row['clockSkewMilliseconds']
  const oneIn = row['samplingInterval']
  const add = (name: string, from: string, work: (value: number) => number) => {
    const value = row[from]
    if (typeof value === 'number') values[name] = work(value)
  }
  if (typeof skew === 'number') {
    add('correctedStartMilliseconds', 'startMilliseconds', (time) => time - skew)
    add('correctedEndMilliseconds', 'endMilliseconds', (time) => time - skew)
  }
  if (typeof oneIn === 'number' && oneIn > 1) {
    add('scaledOctets', 'octets', (count) => count * oneIn)
    add('scaledPackets', 'packets', (count) => count * oneIn)
  }
  return values
}

function readCursor(cursor: string): number {
  const sequence = Number(cursor)
  if (!Number.isSafeInteger(sequence) || sequence < 0)
    throw new ApplianceError('INVALID', 'the cursor is none of ours')
  return sequence
}

function canHold(entry: IndexedBlock, query: RowQuery): boolean {
  if (entry.damage !== undefined) return true
  if (query.fromMilliseconds !== undefined && entry.receivedToMilliseconds < query.fromMilliseconds)
    return false
  if (query.toMilliseconds !== undefined && entry.receivedFromMilliseconds >= query.toMilliseconds)
    return false
  const { protocolIdentifier: protocol } = query
  if (protocol === undefined || entry.stream.family === 0) return true
  return (entry.protocols[protocol >> 3]! & (1 << (protocol & 7))) !== 0
}

function rowsOf(block: Block) {
  const { stream, exporters, shapes } = block.header
  return {
    stream,
    exporters,
    shapes,
    column: (column: number) => block.column(column),
    strings: (column: number) => block.strings(column),
    addresses: () => block.addresses(),
  }
}

type Matcher = (row: number) => boolean

function matcherOf(block: Block, query: RowQuery): Matcher {
  const tests: Matcher[] = []
  const received = block.column(RECEIVED_COLUMN)![0]!
  const { fromMilliseconds, toMilliseconds } = query
  if (fromMilliseconds !== undefined) tests.push((row) => received[row]! >= fromMilliseconds)
  if (toMilliseconds !== undefined) tests.push((row) => received[row]! < toMilliseconds)
  if (query.exporterAddress !== undefined) {
    const prefix = prefixOf(query.exporterAddress)
    const wanted = block.header.exporters.map(({ address }) => prefixContains(prefix, address))
    const exporters = block.column(EXPORTER_COLUMN)![0]!
    tests.push((row) => wanted[exporters[row]!]!)
  }
  if (block.header.stream.family !== 0) addFlowTests(block, query, tests)
  else if (query.message !== undefined && block.header.stream.name === 'message') {
    addMessageTests(block, query.message, tests)
  }
  return (row) => tests.every((test) => test(row))
}

function addFlowTests(block: Block, query: RowQuery, tests: Matcher[]): void {
  const equals = (name: FlowColumn, value: number): Matcher => {
    const plane = block.column(FlowColumnIndex[name])?.[0]
    return plane === undefined ? () => false : (row) => plane[row] === value
  }
  const within = (name: FlowColumn, prefix: Prefix): Matcher => {
    const planes = block.column(FlowColumnIndex[name])
    return planes === undefined ? () => false : (row) => prefixContains(prefix, addressAt(planes, row))
  }
  const either =
    (one: Matcher, other: Matcher): Matcher =>
    (row) =>
      one(row) || other(row)
  const { protocolIdentifier, sourceTransportPort, destinationTransportPort, port } = query
  if (protocolIdentifier !== undefined) tests.push(equals('protocolIdentifier', protocolIdentifier))
  if (sourceTransportPort !== undefined) tests.push(equals('sourceTransportPort', sourceTransportPort))
  if (destinationTransportPort !== undefined)
    tests.push(equals('destinationTransportPort', destinationTransportPort))
  if (port !== undefined)
    tests.push(either(equals('sourceTransportPort', port), equals('destinationTransportPort', port)))
  if (query.sourceAddress !== undefined) tests.push(within('sourceAddress', prefixOf(query.sourceAddress)))
  if (query.destinationAddress !== undefined)
    tests.push(within('destinationAddress', prefixOf(query.destinationAddress)))
  if (query.address !== undefined) {
    const prefix = prefixOf(query.address)
    tests.push(either(within('sourceAddress', prefix), within('destinationAddress', prefix)))
  }
}

/** Texts are stood for by numbers in a block, so each different one is looked at once. */
function addMessageTests(block: Block, query: MessageQuery, tests: Matcher[]): void {
  const { contains, severityAtMost, ...whole } = query
  const matching = (name: MessageColumn, test: (text: string) => boolean): Matcher => {
    const plane = block.column(MessageColumnIndex[name])?.[0]
    if (plane === undefined) return () => false
    const matches = block.strings(MessageColumnIndex[name]).map(test)
    return (row) => matches[plane[row]!]!
  }
  for (const [name, text] of Object.entries(whole)) {
    const wanted = text.toLowerCase()
    tests.push(matching(name as keyof typeof whole, (value) => value.toLowerCase() === wanted))
  }
  if (contains !== undefined) {
    // Lines are kept one character per octet.
    const wanted = Buffer.from(contains).toString('latin1').toLowerCase()
    tests.push(matching('message', (value) => value.toLowerCase().includes(wanted)))
  }
  if (severityAtMost !== undefined) {
    const shapes = block.column(SHAPE_COLUMN)![0]!
    const hasSeverity = block.header.shapes.map(({ columns }) =>
      columns.includes(MessageColumnIndex.severity),
    )
    const plane = block.column(MessageColumnIndex.severity)?.[0]
    tests.push((row) => plane !== undefined && hasSeverity[shapes[row]!]! && plane[row]! <= severityAtMost)
  }
}

function addressAt(planes: readonly Plane[], row: number): Address {
  return planes.length === 1
    ? { family: 4, words: [0, 0, 0, planes[0]![row]!] }
    : { family: 6, words: [planes[0]![row]!, planes[1]![row]!, planes[2]![row]!, planes[3]![row]!] }
}

function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text)
  if (prefix === undefined) throw new ApplianceError('INVALID', `${text} is no address and no prefix`)
  return prefix
}
