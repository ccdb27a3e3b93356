/**
 * /api/v1/tokens: who may use the API. The text of a token is answered once, when it is made.
 */
import { Type } from 'typebox'
import { Token, TokenInput } from '#core/findings/tokens.js'
import { actorOf } from '../auth.js'
import { pageOf } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { IdParams, Paging, Query } from '../query.js'
import { errorResponses, Page } from '../schemas/common.js'

const tags = ['tokens']

const NewToken = Type.Object(
  { token: Token, secret: Type.String({ description: 'the bearer token; it is not shown again' }) },
  { additionalProperties: false },
)

export function tokenRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/api/v1/tokens',
    {
      config: { role: 'admin' },
      schema: {
        tags,
        summary: 'Tokens without their secrets, revoked ones too',
        querystring: Query(Paging),
        response: { 200: Page(Token), ...errorResponses },
      },
    },
    async (request) =>
      pageOf({ list: 'tokens', filters: {} }, await deps.tokens.list(), ({ id }) => id, request.query),
  )

  app.post(
    '/api/v1/tokens',
    {
      config: { role: 'admin' },
      schema: {
        tags,
        summary: 'Makes a token',
        body: TokenInput,
        response: { 201: NewToken, ...errorResponses },
      },
    },
    async (request, reply) => {
      reply.code(201)
      return deps.tokens.create(request.body, actorOf(request))
    },
  )

  app.delete(
    '/api/v1/tokens/:id',
    {
      config: { role: 'admin' },
      schema: {
        tags,
        summary: 'Revokes a token at once',
        params: IdParams,
        response: { 200: Token, ...errorResponses },
      },
    },
    async (request) => deps.tokens.revoke(request.params.id, actorOf(request)),
  )
}
