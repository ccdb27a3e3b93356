/**
 * /api/v1/audit: who changed what, and whether the chain of entries is whole.
 */
import { Type } from 'typebox'
import { AuditEntry, AuditVerdict } from '#core/findings/audit.js'
import { decodeCursor, encodeCursor } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { Paging, Query } from '../query.js'
import { errorResponses, Page } from '../schemas/common.js'

const tags = ['audit']

const AuditQuery = Query({
  ...Paging,
  order: Type.Optional(Type.Enum(['newest', 'oldest'], { description: 'newest first when absent' })),
})

export function auditRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/api/v1/audit',
    {
      config: { role: 'approver' },
      schema: {
        tags,
        summary: 'Changes of exceptions, dispositions and tokens, backups, acknowledged losses',
        querystring: AuditQuery,
        response: { 200: Page(AuditEntry), ...errorResponses },
      },
    },
    async (request) => {
      const { limit, cursor, order = 'newest' } = request.query
      const identity = { list: 'audit', order, filters: {} }
      const after = cursor === undefined ? {} : { after: Number(decodeCursor(identity, cursor)) }
      const entries = await deps.audit.page({ ...after, limit: limit + 1, reverse: order === 'newest' })
      const items = entries.slice(0, limit)
      const hasMore = entries.length > limit
      const position = items.at(-1)?.sequence ?? after.after ?? 0
      const next = hasMore || order === 'oldest' ? { nextCursor: encodeCursor(identity, position) } : {}
      return { items, ...next, hasMore }
    },
  )

  app.get(
    '/api/v1/audit/verify',
    {
      config: { role: 'approver' },
      schema: {
        tags,
        summary: 'Reads the whole chain and tests every link',
        response: { 200: AuditVerdict, ...errorResponses },
      },
    },
    async () => deps.audit.verify(),
  )
}
