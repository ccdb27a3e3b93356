/** /api/v1/losses: stored rows that are gone or cannot be read, and what people have acknowledged of them. */
import {
  LossAcknowledgement,
  type Losses,
  LossNote,
  LossReport,
  numberOfLoss,
  versionOf,
} from '#core/findings/losses.js'
import { actorOf } from '../auth.js'
import { pageOf } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { ifMatch, Paging, Query } from '../query.js'
import { errorResponses, Page } from '../schemas/common.js'

const tags = ['operations']

export function lossRoutes(app: App, { losses }: ApiDeps): void {
  app.get(
    '/api/v1/losses',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'Stored rows that are gone or cannot be read; "open" are those that nobody has acknowledged',
        response: { 200: LossReport, ...errorResponses },
      },
    },
    async (_request, reply) => {
      const report = losses.report()
      reply.header('etag', etagOf(report.open))
      return report
    },
  )

  app.post(
    '/api/v1/losses/acknowledge',
    {
      config: { role: 'analyst' },
      schema: {
        tags,
        summary: 'Acknowledges what is open, which is no fault any more then; asks for If-Match',
        body: LossNote,
        response: { 201: LossAcknowledgement, ...errorResponses },
      },
    },
    async (request, reply) => {
      const matchesEtag = ifMatch(request)
      const expects = (open: Losses) => matchesEtag(etagOf(open))
      reply.code(201)
      return losses.acknowledge(request.body, { by: actorOf(request), expects })
    },
  )

  app.get(
    '/api/v1/losses/acknowledgements',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'Who acknowledged which losses, when and why; the oldest first',
        querystring: Query(Paging),
        response: { 200: Page(LossAcknowledgement), ...errorResponses },
      },
    },
    async (request) => {
      const identity = { list: 'losses', filters: {} }
      return pageOf(identity, losses.acknowledgements(), ({ id }) => numberOfLoss(id), request.query)
    },
  )
}

function etagOf(open: Losses): string {
  return `"${versionOf(open)}"`
}
