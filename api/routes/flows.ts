/**
 * /api/v1/flows: the rows behind the findings, and sums over them. /api/v1/sessions: the rows of firewalls, joined by
 * session. /api/v1/messages: log lines that tell of no traffic.
 */
import type { Static } from 'typebox'
import type { AggregateQuery } from '#core/store/query/aggregate.js'
import { parseDimensions } from '#core/store/query/dimensions.js'
import type { PartialReason } from '#core/store/query/effort.js'
import { DEFAULT_MEASURES, type Measure, parseMeasures } from '#core/store/query/measures.js'
import { decodeCursor, encodeCursor, type ListIdentity } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { invalid } from '../errors.js'
import { readColumns, readMessageRestrictions, readRestrictions, whileWaiting } from '../restrictions.js'
import { errorResponses } from '../schemas/common.js'
import {
  AggregateAnswer,
  AggregateQueryString,
  FlowPage,
  FlowQueryString,
  MessageQueryString,
  SessionQueryString,
} from '../schemas/flows.js'

/** An aggregation answers after so long with what it has. */
const AGGREGATE_BUDGET_MILLISECONDS = 30_000
/** Each thread of an aggregation holds so many, of which the appliance must not run out of memory. */
const MAXIMUM_GROUPS = 300_000
const DEFAULT_BUCKET_SECONDS = 300

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
    async (request, reply) => {
      const { limit, cursor, columns, ...filters } = request.query
      const identity = { list: 'flows', filters }
      const query = {
        ...readRestrictions(filters),
        ...readColumns(columns),
        limit,
        ...positionOf(identity, cursor),
      }
      const { rows, ...page } = await deps.flows.rows(query, { signal: whileWaiting(reply) })
      return pageOf(identity, rows, page)
    },
  )
  app.get(
    '/api/v1/flows/aggregate',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['flows'],
        summary: 'Sums over rows by groups, the highest first; by time alone, in its order',
        querystring: AggregateQueryString,
        response: { 200: AggregateAnswer, ...errorResponses },
      },
    },
    async (request, reply) => {
      const limits = { signal: whileWaiting(reply), budgetMilliseconds: AGGREGATE_BUDGET_MILLISECONDS }
      const result = await deps.flows.aggregate(readAggregate(request.query), limits)
      return result as unknown as Static<typeof AggregateAnswer>
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
    async (request, reply) => {
      const { limit, cursor, ...filters } = request.query
      const identity = { list: 'messages', filters }
      const query = { ...readMessageRestrictions(request.query), limit, ...positionOf(identity, cursor) }
      const { rows, ...page } = await deps.flows.rows(query, { signal: whileWaiting(reply) })
      return pageOf(identity, rows, page)
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
    async (request, reply) => {
      const { limit, cursor, ...filters } = request.query
      const { state, ...restrictions } = filters
      const identity = { list: 'sessions', filters }
      const query = {
        ...readRestrictions(restrictions),
        ...(state === undefined ? {} : { state }),
        limit,
        ...positionOf(identity, cursor),
      }
      const { sessions, ...page } = await deps.flows.sessions(query, { signal: whileWaiting(reply) })
      return pageOf(identity, sessions, page)
    },
  )
}

/** The engine's cursor inside of the one that was sent. */
function positionOf(identity: ListIdentity, cursor: string | undefined): { cursor?: string } {
  return cursor === undefined ? {} : { cursor: String(decodeCursor(identity, cursor)) }
}

type Page = {
  readonly nextCursor: string | undefined
  readonly partial: boolean
  readonly partialReasons: readonly PartialReason[]
  readonly blocksFailed: number
}

function pageOf(
  identity: ListIdentity,
  items: readonly object[],
  { nextCursor, partial, partialReasons, blocksFailed }: Page,
) {
  return {
    items: [...items] as Record<string, unknown>[],
    ...(nextCursor === undefined ? {} : { nextCursor: encodeCursor(identity, nextCursor) }),
    hasMore: nextCursor !== undefined,
    partial,
    partialReasons: [...partialReasons],
    blocksFailed,
  }
}

function readAggregate(query: AggregateQueryString): AggregateQuery {
  const { by, sum, top, bucket = DEFAULT_BUCKET_SECONDS, scaled, resolution, ...restrictions } = query
  const dimensions = by === undefined ? [] : parseDimensions(by, bucket * 1000)
  if (typeof dimensions === 'string') throw invalid('/by', dimensions)
  return {
    ...readRestrictions(restrictions),
    by: dimensions,
    sums: sum === undefined ? DEFAULT_MEASURES : readSums(sum),
    top,
    isScaled: scaled === 'true',
    maximumGroups: MAXIMUM_GROUPS,
    ...(resolution === undefined ? {} : { resolution }),
  }
}

function readSums(text: string): Measure[] {
  const sums = parseMeasures(text)
  if (typeof sums === 'string') throw invalid('/sum', sums)
  return sums
}
