/**
 * /api/v1/flows: the rows behind the findings. /api/v1/sessions: the rows of firewalls, joined by session.
 * /api/v1/messages: log lines that tell of no traffic.
 */

import type { RowQuery } from '#core/store/flow-query.js'
import { decodeCursor, encodeCursor } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { invalid } from '../errors.js'
import { readPrefix, readTime } from '../query.js'
import { errorResponses } from '../schemas/common.js'
import {
  FlowPage,
  FlowQueryString,
  MessageQueryString,
  protocolNumber,
  SessionQueryString,
} from '../schemas/flows.js'

export function flowRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/api/v1/flows',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['flows'],
        summary: 'Rows as they were received; "partial" says that not all could be read',
        querystring: FlowQueryString,
        response: { 200: FlowPage, ...errorResponses },
      },
    },
    async (request) => {
      const { limit: _limit, cursor, ...filters } = request.query
      const identity = { list: 'flows', filters }
      const query = toFlowQuery(request.query)
      const position = cursor === undefined ? undefined : String(decodeCursor(identity, cursor))
      const result = await deps.flows.query(position === undefined ? query : { ...query, cursor: position })
      const { rows, nextCursor, partial, blocksFailed } = result
      const next = nextCursor === undefined ? {} : { nextCursor: encodeCursor(identity, nextCursor) }
      const items = rows as Record<string, unknown>[]
      return { items, ...next, hasMore: nextCursor !== undefined, partial, blocksFailed }
    },
  )
  app.get(
    '/api/v1/messages',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['flows'],
        summary: 'Log lines that tell of no traffic (logins, interfaces, failures), the newest first',
        querystring: MessageQueryString,
        response: { 200: FlowPage, ...errorResponses },
      },
    },
    async (request) => {
      const { limit, cursor, from, to, exporter, severity, ...texts } = request.query
      const { limit: _limit, cursor: _cursor, ...filters } = request.query
      const identity = { list: 'messages', filters }
      const position = cursor === undefined ? undefined : String(decodeCursor(identity, cursor))
      const severityAtMost = severity === undefined ? {} : { severityAtMost: severity }
      const result = await deps.flows.query({
        ...toFlowQuery({
          limit,
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
          ...(exporter === undefined ? {} : { exporter }),
        }),
        stream: 'message',
        message: { ...texts, ...severityAtMost },
        ...(position === undefined ? {} : { cursor: position }),
      })
      const { rows, nextCursor, partial, blocksFailed } = result
      const next = nextCursor === undefined ? {} : { nextCursor: encodeCursor(identity, nextCursor) }
      const items = rows as Record<string, unknown>[]
      return { items, ...next, hasMore: nextCursor !== undefined, partial, blocksFailed }
    },
  )
  app.get(
    '/api/v1/sessions',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['flows'],
        summary:
          'Sessions as firewalls logged them: opening, interim and closing rows joined by exporter and session id',
        querystring: SessionQueryString,
        response: { 200: FlowPage, ...errorResponses },
      },
    },
    async (request) => {
      const { limit: _limit, cursor, ...filters } = request.query
      const { state, ...rowFilters } = request.query
      const identity = { list: 'sessions', filters }
      const position = cursor === undefined ? undefined : String(decodeCursor(identity, cursor))
      const query = toFlowQuery(rowFilters)
      const result = await deps.flows.sessions({
        ...query,
        ...(state === undefined ? {} : { state }),
        ...(position === undefined ? {} : { cursor: position }),
      })
      const { sessions, nextCursor, partial, blocksFailed } = result
      const next = nextCursor === undefined ? {} : { nextCursor: encodeCursor(identity, nextCursor) }
      return { items: [...sessions], ...next, hasMore: nextCursor !== undefined, partial, blocksFailed }
    },
  )
}

function toFlowQuery(query: FlowQueryString): RowQuery {
  const { limit, protocol, sourceAddress, destinationAddress, address, port, exporter, stream } = query
  for (const key of ['sourceAddress', 'destinationAddress', 'address', 'exporter'] as const) {
    readPrefix(query, key)
  }
  const protocolIdentifier = protocol === undefined ? undefined : protocolNumber(protocol)
  if (protocol !== undefined && protocolIdentifier === undefined) {
    throw invalid('/protocol', 'neither a protocol number nor a known name')
  }
  const fromMilliseconds = readTime(query, 'from')
  const toMilliseconds = readTime(query, 'to')
  if ((fromMilliseconds ?? 0) >= (toMilliseconds ?? Infinity)) throw invalid('/to', 'is not after from')
  return present({
    limit,
    fromMilliseconds,
    toMilliseconds,
    sourceAddress,
    destinationAddress,
    address,
    protocolIdentifier,
    port,
    sourceTransportPort: query.sourcePort,
    destinationTransportPort: query.destinationPort,
    exporterAddress: exporter,
    stream,
  })
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> } & { limit: number }

/** Without the keys that were not sent. */
function present<T extends { limit: number }>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>
}
