/**
 * Query strings are text; bodies are not. So numbers in a query are read here, by the route's own schema, and the one
 * validator for both converts nothing: `{"port": null}` must never become port 0.
 */
import type { FastifyRequest } from 'fastify'
import { type Static, type TProperties, Type } from 'typebox'
import { type Address, parseAddress, parsePrefix, prefixContains } from '#core/records/address.js'
import { MOST_MILLISECONDS, parseIso } from '#core/records/time.js'
import type { App } from './deps.js'
import { ApiError, invalid } from './errors.js'

/** Keys that every list takes. */
export const Paging = {
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 4096, description: 'nextCursor of the page before' }),
  ),
}

/** A query of these keys and no other. */
export function Query<Properties extends TProperties>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false })
}

/** A time in a query. */
export const QueryTime = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 40,
    description: `${description}; ms since 1970, or ISO 8601 (UTC without a zone)`,
  })

/** An address or prefix in a query. */
export const QueryPrefix = (description: string) =>
  Type.String({ minLength: 2, maxLength: 49, description: `${description}; an address or a prefix` })

const NoQuery = Query({})

/** Reads numbers in queries, and refuses queries and bodies where a route declares none. */
export function addStrictInput(app: App): void {
  app.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, querystring: route.schema?.querystring ?? NoQuery }
  })
  app.addHook('preValidation', async (request) => {
    if (request.is404) return
    const { schema } = request.routeOptions
    const query = request.query as Record<string, unknown>
    const { properties = {} } = (schema?.querystring ?? {}) as {
      properties?: Record<string, { type?: string }>
    }
    for (const [key, value] of Object.entries(query)) {
      query[key] = convert(Object.hasOwn(properties, key) ? properties[key]?.type : undefined, value)
    }
    if (schema?.body === undefined && request.body !== undefined && request.body !== null) {
      throw new ApiError('INVALID', 'this route takes no body')
    }
  })
}

function convert(type: string | undefined, value: unknown): unknown {
  if ((type === 'integer' || type === 'number') && typeof value === 'string') {
    return /^-?\d{1,15}(\.\d{1,10})?$/.test(value) ? Number(value) : value
  }
  return value
}

/** Reads a time of a query, or undefined when it was not sent. */
export function readTime<Key extends string>(
  query: { readonly [K in Key]?: string },
  key: Key,
): number | undefined {
  const text = query[key]
  if (text === undefined) return undefined
  const time = /^\d{1,16}$/.test(text) ? Number(text) : parseIso(text)
  if (time === undefined || time > MOST_MILLISECONDS)
    throw invalid(`/${key}`, 'neither milliseconds since 1970 nor ISO 8601')
  return time
}

/** Reads a prefix of a query into a test of addresses in text, or undefined when it was not sent. */
export function readPrefix<Key extends string>(
  query: { readonly [K in Key]?: string },
  key: Key,
): ((text: string) => boolean) | undefined {
  const text = query[key]
  if (text === undefined) return undefined
  const prefix = parsePrefix(text)
  if (prefix === undefined) throw invalid(`/${key}`, 'neither an address nor a prefix')
  return (candidate) => {
    const address: Address | undefined = parseAddress(candidate)
    return address !== undefined && prefixContains(prefix, address)
  }
}

/** Tests an If-Match header against the current ETag; a write without the header is refused. */
export function ifMatch(request: FastifyRequest): (etag: string) => boolean {
  const header = request.headers['if-match']
  if (header === undefined) {
    throw new ApiError('PRECONDITION_REQUIRED', 'send If-Match with the ETag that you have read')
  }
  const sent = header.split(',').map((text) => text.trim())
  return (etag) => sent.includes('*') || sent.includes(etag)
}

/** The version that If-Match names, for what counts its versions; undefined for `*`. */
export function versionOfIfMatch(request: FastifyRequest): number | undefined {
  const header = request.headers['if-match']
  const matchesEtag = ifMatch(request)
  if (matchesEtag('*')) return undefined
  const version = /^"(\d{1,15})"$/.exec((header ?? '').trim())?.[1]
  if (version === undefined) throw new ApiError('PRECONDITION_FAILED', 'If-Match names no version of this')
  return Number(version)
}

/** An id in a path. */
export const IdParams = Type.Object(
  { id: Type.String({ pattern: '^[0-9A-Za-z._:-]{1,128}$' }) },
  { additionalProperties: false },
)
export type IdParams = Static<typeof IdParams>
