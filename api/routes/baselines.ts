/**
 * /api/v1/baselines: what detectors have learned of this network: how far, freeze, reset, take away, put in place, and why
 * something is usual or unusual here.
 */
import { Type } from 'typebox'
import { BaselineStatus, LearnedDocument } from '#core/baselines/baselines.js'
import { parseAddress } from '#core/records/address.js'
import { actorOf } from '../auth.js'
import { pageOf } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { ApiError } from '../errors.js'
import { IdParams, Paging, Query } from '../query.js'
import { errorResponses, Page } from '../schemas/common.js'

const tags = ['baselines']
/** A baseline of some ten thousand hosts. */
const IMPORT_LIMIT_OCTETS = 64 * 1024 * 1024

const ExplainQuery = Query({
  source: Type.String({ maxLength: 45, description: 'address of the client or requester' }),
  destination: Type.String({ maxLength: 45, description: 'address of the server or responder' }),
  protocol: Type.Integer({ minimum: 0, maximum: 255, description: '1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6' }),
  port: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, description: 'of the server' })),
  application: Type.Optional(Type.String({ maxLength: 128, description: 'as a device names it' })),
})

const ExplanationBody = Type.Object(
  { isUsual: Type.Boolean(), facts: Type.Array(Type.String()) },
  { additionalProperties: false },
)

export function baselineRoutes(app: App, deps: ApiDeps): void {
  const { baselines } = deps
  const known = (id: string) => {
    if (!deps.detectors().some((detector) => detector.id === id))
      throw new ApiError('NOT_FOUND', 'no such detector')
    return id
  }

  app.get(
    '/api/v1/baselines',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'How far each detector has learned what is usual here',
        querystring: Query(Paging),
        response: { 200: Page(BaselineStatus), ...errorResponses },
      },
    },
    async (request) => {
      const statuses = await Promise.all(deps.detectors().map(({ id }) => baselines.status(id)))
      return pageOf({ list: 'baselines', filters: {} }, statuses, ({ detector }) => detector, request.query)
    },
  )

  app.get(
    '/api/v1/baselines/:id',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'One of them',
        params: IdParams,
        response: { 200: BaselineStatus, ...errorResponses },
      },
    },
    async (request) => baselines.status(known(request.params.id)),
  )

  const changes = [
    [
      'freeze',
      'Learns nothing more until it is told to',
      (id: string, by: string) => baselines.setFrozen(id, true, by),
    ],
    ['unfreeze', 'Learns again', (id: string, by: string) => baselines.setFrozen(id, false, by)],
    ['reset', 'Forgets everything; the learning period begins anew', baselines.reset],
  ] as const
  for (const [name, summary, change] of changes) {
    app.post(
      `/api/v1/baselines/:id/${name}`,
      {
        config: { role: 'approver' },
        schema: { tags, summary, params: IdParams, response: { 200: BaselineStatus, ...errorResponses } },
      },
      async (request) => change(known(request.params.id), actorOf(request)),
    )
  }

  app.get(
    '/api/v1/baselines/:id/export',
    {
      config: { role: 'analyst' },
      schema: {
        tags,
        summary: 'All that was learned, to be kept or put in place elsewhere',
        params: IdParams,
        response: { 200: LearnedDocument, ...errorResponses },
      },
    },
    async (request) => baselines.exported(known(request.params.id)),
  )

  app.put(
    '/api/v1/baselines/:id',
    {
      config: { role: 'approver' },
      bodyLimit: IMPORT_LIMIT_OCTETS,
      schema: {
        tags,
        summary: 'Puts what was exported in the place of what has been learned',
        params: IdParams,
        body: LearnedDocument,
        response: { 200: BaselineStatus, ...errorResponses },
      },
    },
    async (request) => {
      const id = known(request.params.id)
      const details = baselines.faultsOf(id, request.body).map(({ path, message }) => ({
        pointer: path.map((key) => `/${key}`).join(''),
        message,
      }))
      const [first] = details
      if (first !== undefined) {
        const { pointer, message } = first
        throw new ApiError('INVALID', `this is no baseline of ${id}: ${pointer} ${message}`, details)
      }
      return baselines.replace(id, request.body, actorOf(request))
    },
  )

  app.get(
    '/api/v1/baselines/:id/explain',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'Why something is usual or unusual here',
        params: IdParams,
        querystring: ExplainQuery,
        response: { 200: ExplanationBody, ...errorResponses },
      },
    },
    async (request) => {
      const { source, destination, protocol, port, application } = request.query
      const addresses = { source: parseAddress(source), destination: parseAddress(destination) }
      for (const [name, address] of Object.entries(addresses))
        if (address === undefined) throw new ApiError('INVALID', `${name} is no address`)
      const explanation = await deps.explain(known(request.params.id), {
        source,
        destination,
        protocolIdentifier: protocol,
        ...(port === undefined ? {} : { port }),
        ...(application === undefined ? {} : { application }),
      })
      if (explanation === undefined)
        throw new ApiError('NOT_FOUND', 'the detector has not run yet, is off, or has no baseline')
      return { isUsual: explanation.isUsual, facts: [...explanation.facts] }
    },
  )
}
