/** Restrictions of a query string as one filter of the query engine, and a request as something that can be given up. */
import type { FastifyReply } from 'fastify'
import { parsePrefixes } from '#core/records/address.js'
import { protocolNumber } from '#core/records/protocol.js'
import type { AddressField, Filter, NumberField, TextField } from '#core/store/query/filter.js'
import { allOf } from '#core/store/query/filter.js'
import { explainProblem, parseFilter } from '#core/store/query/parse.js'
import { type RowQuery, rowValueNames } from '#core/store/query/rows.js'
import { invalid } from './errors.js'
import { readTime } from './query.js'
import type { MessageQueryString, Restrictions } from './schemas/flows.js'

const addresses = [
  ['sourceAddress', 'source'],
  ['destinationAddress', 'destination'],
  ['address', 'address'],
  ['exporter', 'exporter'],
] as const satisfies readonly (readonly [keyof Restrictions, AddressField])[]

const ports = [
  ['port', 'port'],
  ['sourcePort', 'sourcePort'],
  ['destinationPort', 'destinationPort'],
] as const satisfies readonly (readonly [keyof Restrictions, NumberField])[]

const texts = [
  ['host', 'device'],
  ['application', 'application'],
  ['vendor', 'vendor'],
  ['product', 'product'],
  ['eventId', 'event'],
] as const satisfies readonly (readonly [keyof MessageQueryString, TextField])[]

/** What rows are searched for, without paging; absent keys do not restrict. */
export function readRestrictions(query: Restrictions): Omit<RowQuery, 'limit' | 'cursor'> {
  const { stream, protocol, filter } = query
  const filters: Filter[] = []
  for (const [key, field] of addresses) {
    if (query[key] !== undefined) filters.push(addressFilter(`/${key}`, field, query[key]))
  }
  if (protocol !== undefined) {
    const value = protocolNumber(protocol)
    if (value === undefined) throw invalid('/protocol', 'neither a protocol number nor a known name')
    filters.push({ type: 'compare', field: 'protocol', operator: '=', value })
  }
  for (const [key, field] of ports) {
    const value = query[key]
    if (value !== undefined) filters.push({ type: 'compare', field, operator: '=', value })
  }
  if (filter !== undefined) filters.push(readFilter(filter))
  return {
    ...readWindow(query),
    ...(stream === undefined ? {} : { stream }),
    ...(filters.length === 0 ? {} : { filter: allOf(filters) }),
  }
}

/** The values that are wanted of each row. */
export function readColumns(text: string | undefined): Pick<RowQuery, 'columns'> {
  if (text === undefined) return {}
  const columns = text.split(',').map((name) => name.trim())
  const unknown = columns.find((name) => !rowValueNames.has(name))
  if (unknown !== undefined)
    throw invalid(
      '/columns',
      `no row has a value of the name ${JSON.stringify(unknown)}; an answer without this shows them`,
    )
  return { columns }
}

/** What log lines are searched for. */
export function readMessageRestrictions(query: MessageQueryString): Omit<RowQuery, 'limit' | 'cursor'> {
  const { exporter, contains, severity } = query
  const filters: Filter[] = []
  if (exporter !== undefined) filters.push(addressFilter('/exporter', 'exporter', exporter))
  for (const [key, field] of texts) {
    if (query[key] !== undefined) filters.push({ type: 'text', field, how: 'equals', texts: [query[key]] })
  }
  if (severity !== undefined)
    filters.push({ type: 'compare', field: 'severity', operator: '<=', value: severity })
  if (contains !== undefined)
    filters.push({ type: 'text', field: 'message', how: 'contains', texts: [contains] })
  const filter = filters.length === 0 ? {} : { filter: allOf(filters) }
  return { ...readWindow(query), stream: 'message', ...filter }
}

function addressFilter(pointer: string, field: AddressField, text: string): Filter {
  const prefixes = parsePrefixes(text)
  if (prefixes.length === 0) throw invalid(pointer, 'neither an address nor a prefix')
  return { type: 'address', field, prefixes }
}

function readFilter(text: string): Filter {
  const read = parseFilter(text)
  if ('problem' in read) throw invalid('/filter', explainProblem(text, read.problem))
  return read.filter
}

function readWindow(query: { readonly from?: string; readonly to?: string }) {
  const fromMilliseconds = readTime(query, 'from')
  const toMilliseconds = readTime(query, 'to')
  if ((fromMilliseconds ?? 0) >= (toMilliseconds ?? Infinity)) throw invalid('/to', 'is not after from')
  return {
    ...(fromMilliseconds === undefined ? {} : { fromMilliseconds }),
    ...(toMilliseconds === undefined ? {} : { toMilliseconds }),
  }
}

/** Aborted when the client goes before it has its answer. */
export function whileWaiting(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller.signal
}
