/**
 * /api/v1/exceptions: what is not to be shown, by whose wish and until when; and what one would hide before it is saved.
 */
import { Type } from 'typebox'
import { DAY_MILLISECONDS } from '#core/clock.js'
import { detectorNamed, detectors } from '#core/detectors/registry.js'
import { checkException, Exception, ExceptionInput, type StoredException } from '#core/findings/exception.js'
import { PreviewResult } from '#core/findings/visibility.js'
import { actorOf } from '../auth.js'
import { pageOf } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { ApiError } from '../errors.js'
import { IdParams, versionOfIfMatch } from '../query.js'
import { errorResponses } from '../schemas/common.js'
import { ExceptionPage, ExceptionQuery, PreviewInput } from '../schemas/exceptions.js'

const tags = ['exceptions']
const PREVIEW_DAYS = 30

export function exceptionRoutes(app: App, deps: ApiDeps): void {
  const { exceptions, visibility } = deps

  async function shown(exception: StoredException): Promise<Exception> {
    return (await visibility.describe([exception]))[0]!
  }

  async function existing(id: string): Promise<StoredException> {
    const exception = await exceptions.get(id)
    if (exception === undefined) throw new ApiError('NOT_FOUND', 'no such exception')
    return exception
  }

  function check(input: ExceptionInput, pointer = '', previous?: StoredException) {
    const problems = checkException(input, deps.now(), previous)
    const { detector } = input.match
    if (detector !== undefined && detectorNamed(detector) === undefined) {
      const known = detectors.map(({ id }) => id).join(', ')
      problems.push({ pointer: '/match/detector', message: `no such detector; there are ${known}` })
    }
    if (problems.length === 0) return
    const details = problems.map((problem) => ({ ...problem, pointer: pointer + problem.pointer }))
    throw new ApiError('INVALID', 'the exception cannot be used as sent', details)
  }

  app.get(
    '/api/v1/exceptions',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'Exceptions in the order of their creation, expired ones too',
        querystring: ExceptionQuery,
        response: { 200: ExceptionPage, ...errorResponses },
      },
    },
    async (request) => {
      const { limit, cursor: _cursor, ...filters } = request.query
      const { state, owner, unusedDays } = filters
      const identity = { list: 'exceptions', filters }
      const listed = (await exceptions.all()).filter(
        (exception) =>
          (state === undefined || exceptions.state(exception) === state) &&
          (owner === undefined || exception.owner === owner),
      )
      const numberOf = ({ id }: { id: string }) => exceptions.number(id)
      if (unusedDays === undefined) {
        const page = pageOf(identity, listed, numberOf, request.query)
        return { ...page, items: await visibility.describe(page.items) }
      }
      const since = deps.now() - unusedDays * DAY_MILLISECONDS
      const described = await visibility.describe(listed)
      const unused = described.filter(
        ({ hits, createdAtMilliseconds }) =>
          (hits.lastSeenMilliseconds ?? 0) < since && createdAtMilliseconds < since,
      )
      return pageOf(identity, unused, numberOf, { ...request.query, limit })
    },
  )

  app.post(
    '/api/v1/exceptions',
    {
      config: { role: 'analyst' },
      schema: {
        tags,
        summary: 'Makes an exception; preview it first',
        body: ExceptionInput,
        response: { 201: Exception, ...errorResponses },
      },
    },
    async (request, reply) => {
      check(request.body)
      const exception = await exceptions.create(request.body, { by: actorOf(request) })
      await visibility.settle()
      reply
        .code(201)
        .header('etag', etagOf(exception))
        .header('location', `/api/v1/exceptions/${exception.id}`)
      return shown(exception)
    },
  )

  app.post(
    '/api/v1/exceptions/preview',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'What an unsaved exception would have hidden in the last days',
        body: PreviewInput,
        response: { 200: PreviewResult, ...errorResponses },
      },
    },
    async (request) => {
      const { exception, days = PREVIEW_DAYS } = request.body
      const { match, effect = { kind: 'hide' } } = exception
      check({ match, effect, owner: '-', reason: '-', neverExpires: true }, '/exception')
      return visibility.preview({ match }, days)
    },
  )

  app.get(
    '/api/v1/exceptions/:id',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'An exception with its state and its hits',
        params: IdParams,
        response: { 200: Exception, ...errorResponses },
      },
    },
    async (request, reply) => {
      const exception = await existing(request.params.id)
      reply.header('etag', etagOf(exception))
      return shown(exception)
    },
  )

  app.put(
    '/api/v1/exceptions/:id',
    {
      config: { role: 'analyst' },
      schema: {
        tags,
        summary: 'Replaces an exception; asks for If-Match; an approval does not survive it',
        params: IdParams,
        body: ExceptionInput,
        response: { 200: Exception, ...errorResponses },
      },
    },
    async (request, reply) => {
      const version = versionOfIfMatch(request)
      const { id } = request.params
      check(request.body, '', await existing(id))
      const exception = await exceptions.replace(id, request.body, { by: actorOf(request), version })
      await visibility.settle()
      reply.header('etag', etagOf(exception))
      return shown(exception)
    },
  )

  app.post(
    '/api/v1/exceptions/:id/approve',
    {
      config: { role: 'approver' },
      schema: {
        tags,
        summary: 'Approves an exception of another person; asks for If-Match',
        params: IdParams,
        response: { 200: Exception, ...errorResponses },
      },
    },
    async (request, reply) => {
      const version = versionOfIfMatch(request)
      const exception = await exceptions.approve(request.params.id, { by: actorOf(request), version })
      await visibility.settle()
      reply.header('etag', etagOf(exception))
      return shown(exception)
    },
  )

  app.delete(
    '/api/v1/exceptions/:id',
    {
      config: { role: 'analyst' },
      schema: {
        tags,
        summary: 'Deletes an exception; asks for If-Match; the audit keeps what it was',
        params: IdParams,
        response: { 204: Type.Null(), ...errorResponses },
      },
    },
    async (request, reply) => {
      const version = versionOfIfMatch(request)
      await exceptions.delete(request.params.id, { by: actorOf(request), version })
      await visibility.settle()
      return reply.code(204).send(null)
    },
  )
}

function etagOf({ version }: StoredException): string {
  return `"${version}"`
}
