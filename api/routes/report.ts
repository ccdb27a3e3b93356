/**
 * /api/v1/report: evidence for audits: coverage, settings and their changes, exceptions, runs, findings, in one document.
 */
import { Type } from 'typebox'
import { reportMarkdown } from '#core/report/markdown.js'
import { Report } from '#core/report/report.js'
import type { ApiDeps, App } from '../deps.js'
import { invalid } from '../errors.js'
import { Query, QueryTime, readTime } from '../query.js'
import { errorResponses } from '../schemas/common.js'

const DEFAULT_SPAN_MILLISECONDS = 30 * 86_400_000

const ReportQuery = Query({
  from: Type.Optional(QueryTime('from then on; 30 days before the end when absent')),
  to: Type.Optional(QueryTime('until before then; now when absent')),
  format: Type.Optional(Type.Enum(['json', 'markdown'], { description: 'json when absent' })),
})

export function reportRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/api/v1/report',
    {
      config: { role: 'approver' },
      schema: {
        tags: ['coverage'],
        summary: 'Coverage, settings, changes, exceptions, runs and findings of a time, as JSON or Markdown',
        querystring: ReportQuery,
        response: { 200: Report, ...errorResponses },
      },
    },
    async (request, reply) => {
      const { format = 'json' } = request.query
      const toMilliseconds = readTime(request.query, 'to') ?? deps.now()
      const fromMilliseconds = readTime(request.query, 'from') ?? toMilliseconds - DEFAULT_SPAN_MILLISECONDS
      if (fromMilliseconds >= toMilliseconds) throw invalid('/from', 'must be before to')
      const report = await deps.report(fromMilliseconds, toMilliseconds)
      if (format === 'json') return report
      reply.type('text/markdown; charset=utf-8')
      return reply.send(reportMarkdown(report) as never)
    },
  )
}
