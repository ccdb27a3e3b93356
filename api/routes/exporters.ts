/**
 * /api/v1/exporters: the devices that send, what they have said of their data, and what is lost of it.
 */
import { ExporterStatus } from '#core/exporters.js'
import { pageOf } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { ApiError } from '../errors.js'
import { IdParams, Paging, Query } from '../query.js'
import { errorResponses, Page } from '../schemas/common.js'

const tags = ['exporters']

export function exporterRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/api/v1/exporters',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'Exporters in the order of their ids',
        querystring: Query(Paging),
        response: { 200: Page(ExporterStatus), ...errorResponses },
      },
    },
    async (request) => {
      const page = pageOf({ list: 'exporters', filters: {} }, deps.exporterIds(), (id) => id, request.query)
      return { ...page, items: [...(await deps.exporters(page.items))] }
    },
  )

  app.get(
    '/api/v1/exporters/:id',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'An exporter with its templates',
        params: IdParams,
        response: { 200: ExporterStatus, ...errorResponses },
      },
    },
    async (request) => {
      const [exporter] = await deps.exporters([request.params.id])
      if (exporter === undefined) throw new ApiError('NOT_FOUND', 'no such exporter')
      return exporter
    },
  )
}
