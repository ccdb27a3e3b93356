/**
 * /api/v1/coverage and /coverage: which detector can see what at which exporter, why not more, and what mends it.
 */
import { Type } from 'typebox'
import { CoverageEntry, coverageStates } from '#core/coverage/matrix.js'
import { coveragePage } from '../coverage-page.js'
import { pageOf } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { Paging, Query } from '../query.js'
import { errorResponses, Page } from '../schemas/common.js'

const tags = ['coverage']
/** No scripts, and only the page's own styles. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

const CoverageQuery = Query({
  ...Paging,
  exporter: Type.Optional(Type.String({ maxLength: 200, description: 'id of the exporter' })),
  detector: Type.Optional(Type.String({ maxLength: 64 })),
  state: Type.Optional(Type.Enum([...coverageStates])),
})

export function coverageRoutes(app: App, deps: ApiDeps): void {
  const { coverage } = deps

  app.get(
    '/api/v1/coverage',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'Exporters by detectors: full, degraded or blind, why, and what mends it',
        querystring: CoverageQuery,
        response: { 200: Page(CoverageEntry), ...errorResponses },
      },
    },
    async (request) => {
      const { limit: _limit, cursor: _cursor, ...filters } = request.query
      const { exporter, detector, state } = filters
      const entries = await coverage.entries(exporter === undefined ? undefined : [exporter])
      const wanted = entries.filter(
        (entry) =>
          (detector === undefined || entry.detector === detector) &&
          (state === undefined || entry.state === state),
      )
      const keyOf = (entry: CoverageEntry) => `${entry.exporterId} ${entry.detector}`
      return pageOf({ list: 'coverage', filters }, wanted, keyOf, request.query)
    },
  )

  app.get(
    '/coverage',
    {
      config: { role: 'viewer', isPage: true },
      schema: {
        tags,
        summary: 'The same as a page without scripts; a browser sends the token as the password',
      },
    },
    async (_request, reply) => {
      reply.type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY)
      return reply.send(coveragePage(await coverage.entries(), deps.now()))
    },
  )
}
