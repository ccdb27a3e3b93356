/**
 * What the appliance says of itself: detectors, their runs, health and metrics.
 */
import { Type } from 'typebox'
import { Run, runOutcomes } from '#core/findings/runs.js'
import { decodeCursor, encodeCursor, pageOf } from '../cursor.js'
import { type ApiDeps, type App, DetectorDescription, HealthReport } from '../deps.js'
import { Paging, Query } from '../query.js'
import { errorResponses, Page } from '../schemas/common.js'

const RunQuery = Query({
  ...Paging,
  detector: Type.Optional(Type.String({ maxLength: 64 })),
  outcome: Type.Optional(Type.Enum([...runOutcomes])),
})

export function operationRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/api/v1/detectors',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['detectors'],
        summary: 'Detectors, their settings and what they need',
        querystring: Query(Paging),
        response: { 200: Page(DetectorDescription), ...errorResponses },
      },
    },
    async (request) =>
      pageOf({ list: 'detectors', filters: {} }, deps.detectors(), ({ id }) => id, request.query),
  )

  app.get(
    '/api/v1/runs',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['detectors'],
        summary: 'Runs of detectors, the newest first',
        querystring: RunQuery,
        response: { 200: Page(Run), ...errorResponses },
      },
    },
    async (request) => {
      const { limit, cursor, ...filters } = request.query
      const { detector, outcome } = filters
      const identity = { list: 'runs', filters }
      const page = await deps.runs.page({
        limit,
        after: cursor === undefined ? undefined : String(decodeCursor(identity, cursor)),
        accept: (run) =>
          (detector === undefined || run.detector === detector) &&
          (outcome === undefined || run.outcome === outcome),
      })
      const { items, position, hasMore } = page
      const next = hasMore && position !== undefined ? { nextCursor: encodeCursor(identity, position) } : {}
      return { items, ...next, hasMore }
    },
  )

  app.get(
    '/api/v1/health',
    {
      config: { role: 'public' },
      schema: {
        tags: ['operations'],
        summary: 'Whether the appliance works; the details ask for a token; 503 when it does not',
        response: { 200: HealthReport, 503: HealthReport },
      },
    },
    async (request, reply) => {
      const report = deps.health()
      const { status, version, listening } = report
      reply.code(status === 'failing' ? 503 : 200)
      const open = { status, version, listening }
      return request.token === undefined || request.token.role === 'ingest' ? open : report
    },
  )

  app.get(
    '/metrics',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['operations'],
        summary: 'Prometheus text',
        response: { 200: Type.String(), ...errorResponses },
      },
    },
    async (_request, reply) => {
      reply.type('text/plain; version=0.0.4; charset=utf-8')
      return reply.send(await deps.metrics())
    },
  )
}
