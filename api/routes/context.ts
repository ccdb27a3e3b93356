/**
 * /api/v1/context: zones, assets, sanctioned services and sanctioned monitors, as entries and as a whole; what is known of
 * an address; import.
 */
import { type TSchema, Type } from 'typebox'
import { warningsOf } from '#core/context/check.js'
import type { Asset, SanctionedMonitor, SanctionedService } from '#core/context/data.js'
import { ImportInput, ImportOutcome, importContext } from '#core/context/import/import.js'
import {
  type ContextEntry,
  type ContextKind,
  contextKinds,
  entrySchemas,
  plainEntry,
  type StoredEntry,
  singularOf,
} from '#core/context/kinds.js'
import { AddressLookup, lookUp } from '#core/context/lookup.js'
import { numberOfEntry } from '#core/context/repository.js'
import { type Prefix, parseAddress, parsePrefix, prefixContains } from '#core/records/address.js'
import { actorOf } from '../auth.js'
import { pageOf } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { ApiError, invalid } from '../errors.js'
import { IdParams, Query, versionOfIfMatch } from '../query.js'
import { errorResponses, Page } from '../schemas/common.js'
import { contextQueries, shownEntries, WholeContext } from '../schemas/context.js'

const tags = ['context']
/** Some hundred thousand assets. */
const IMPORT_LIMIT_OCTETS = 64 * 1024 * 1024
/** Problems of an import that is refused. */
const MOST_DETAILS = 20

export function contextRoutes(app: App, deps: ApiDeps): void {
  wholeRoutes(app, deps)
  for (const kind of contextKinds) entryRoutes(app, deps, kind)
}

function wholeRoutes(app: App, { context, now }: ApiDeps): void {
  app.get(
    '/api/v1/context',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'The whole as one document, as import takes it',
        response: { 200: WholeContext, ...errorResponses },
      },
    },
    async (_request, reply) => {
      const { version, data } = await context.current()
      reply.header('etag', `"${version}"`)
      return { version, ...data }
    },
  )

  app.get(
    '/api/v1/context/lookup',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'What is known of an address: zone, role, asset, who may ping it',
        querystring: Query({ address: Type.String({ minLength: 2, maxLength: 45 }) }),
        response: { 200: AddressLookup, ...errorResponses },
      },
    },
    async (request) => {
      const address = parseAddress(request.query.address)
      if (address === undefined) throw invalid('/address', 'is no address')
      return lookUp(await context.view(), address, now())
    },
  )

  app.post(
    '/api/v1/context/import',
    {
      config: { role: 'analyst' },
      bodyLimit: IMPORT_LIMIT_OCTETS,
      schema: {
        tags,
        summary:
          'Takes zones, assets, services and monitors of a CSV, YAML, JSON or NetBox file, all or nothing',
        querystring: Query({
          dryRun: Type.Optional(Type.Enum(['true', 'false'], { description: 'only tell what would change' })),
        }),
        body: ImportInput,
        response: { 200: ImportOutcome, ...errorResponses },
      },
    },
    async (request) => {
      const isDryRun = request.query.dryRun === 'true'
      const outcome = await importContext(request.body, {
        repository: context,
        by: actorOf(request),
        isDryRun,
        nowMilliseconds: now(),
      })
      if (isDryRun || outcome.isWritten) return outcome
      const details = outcome.problems
        .slice(0, MOST_DETAILS)
        .map(({ line, pointer, field, message, found }) => {
          const place = line === undefined ? '' : `line ${line}: `
          const shown = found === undefined ? '' : ` (found ${JSON.stringify(found)})`
          const name = field === undefined ? '' : `${field} `
          return { pointer: `/content${pointer ?? ''}`, message: `${place}${name}${message}${shown}` }
        })
      const { problemCount } = outcome
      const rows = problemCount === 1 ? '1 row is' : `${problemCount} rows are`
      throw new ApiError('INVALID', `${rows} wrong, so nothing is written`, details)
    },
  )
}

/** The same routes for each kind; types are those of all kinds together, forms are checked by the schemas. */
function entryRoutes(app: App, deps: ApiDeps, kind: ContextKind): void {
  const { context, now } = deps
  const path = `/api/v1/context/${kind}`
  const name = singularOf(kind)
  const body = entrySchemas[kind] as TSchema
  const Shown = shownEntries[kind] as TSchema

  async function shown(entry: StoredEntry): Promise<StoredEntry & { warnings?: string[] }> {
    const warnings = warningsOf(kind, plainEntry(entry), (await context.view()).names)
    return warnings.length === 0 ? entry : { ...entry, warnings }
  }

  async function check(entry: ContextEntry, id?: string): Promise<ContextEntry> {
    const problems = await context.problems(kind, entry, id)
    if (problems.length > 0) throw new ApiError('INVALID', `the ${name} cannot be used as sent`, problems)
    return entry
  }

  async function existing(id: string): Promise<StoredEntry> {
    const entry = await context.get(kind, id)
    if (entry === undefined) throw new ApiError('NOT_FOUND', `no such ${name}`)
    return entry
  }

  app.get(
    path,
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: `${titles[kind]}, in the order of their creation`,
        querystring: contextQueries[kind] as (typeof contextQueries)['assets'],
        response: { 200: Page(Shown), ...errorResponses },
      },
    },
    async (request) => {
      const { limit: _limit, cursor: _cursor, ...filters } = request.query
      const test = filterOf(filters, now())
      const listed = (await context.all(kind)).filter(test)
      const numberOf = ({ id }: StoredEntry) => numberOfEntry(kind, id)
      const page = pageOf({ list: `context-${kind}`, filters }, listed, numberOf, request.query)
      return { ...page, items: await Promise.all(page.items.map(shown)) }
    },
  )

  app.post(
    path,
    {
      config: { role: 'analyst' },
      schema: {
        tags,
        summary: `Makes a ${name}`,
        body,
        response: { 201: Shown, ...errorResponses },
      },
    },
    async (request, reply) => {
      const entry = await check(request.body as ContextEntry)
      const made = await context.create(kind, entry, { by: actorOf(request) })
      reply.code(201).header('etag', `"${made.version}"`).header('location', `${path}/${made.id}`)
      return shown(made)
    },
  )

  app.get(
    `${path}/:id`,
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: `One ${name}`,
        params: IdParams,
        response: { 200: Shown, ...errorResponses },
      },
    },
    async (request, reply) => {
      const entry = await existing(request.params.id)
      reply.header('etag', `"${entry.version}"`)
      return shown(entry)
    },
  )

  app.put(
    `${path}/:id`,
    {
      config: { role: 'analyst' },
      schema: {
        tags,
        summary: `Replaces a ${name}; asks for If-Match`,
        params: IdParams,
        body,
        response: { 200: Shown, ...errorResponses },
      },
    },
    async (request, reply) => {
      const version = versionOfIfMatch(request)
      const { id } = await existing(request.params.id)
      const entry = await check(request.body as ContextEntry, id)
      const replaced = await context.replace(kind, id, entry, { by: actorOf(request), version })
      reply.header('etag', `"${replaced.version}"`)
      return shown(replaced)
    },
  )

  app.delete(
    `${path}/:id`,
    {
      config: { role: 'analyst' },
      schema: {
        tags,
        summary: `Deletes a ${name}; asks for If-Match; the audit keeps what it was`,
        params: IdParams,
        response: { 204: Type.Null(), ...errorResponses },
      },
    },
    async (request, reply) => {
      const version = versionOfIfMatch(request)
      await context.delete(kind, request.params.id, { by: actorOf(request), version })
      return reply.code(204).send(null)
    },
  )
}

const titles: Readonly<Record<ContextKind, string>> = {
  zones: 'Zones',
  assets: 'Assets',
  services: 'Sanctioned services, expired ones too',
  monitors: 'Sanctioned monitors, expired ones too',
}

type Filters = {
  readonly address?: string
  readonly name?: string
  readonly role?: string
  readonly owner?: string
  readonly expired?: string
  readonly protocol?: number
  readonly port?: number
}

/** A test of entries; a filter that a kind does not have was refused before. */
function filterOf(filters: Filters, nowMilliseconds: number): (entry: StoredEntry) => boolean {
  const { address, name, role, owner, expired, protocol, port } = filters
  const wanted = address === undefined ? undefined : parsePrefix(address)
  if (address !== undefined && wanted === undefined) {
    throw invalid('/address', 'neither an address nor a prefix')
  }
  const part = name?.toLowerCase()
  return (entry) => {
    const { prefix, name: own, role: ownRole, owner: ownOwner } = entry as Asset
    const { expiresMilliseconds = Infinity } = entry as SanctionedMonitor
    const { protocolIdentifier, port: ownPort } = entry as SanctionedService
    return (
      (wanted === undefined || touches(wanted, parsePrefix(prefix)!)) &&
      (part === undefined || (own ?? '').toLowerCase().includes(part)) &&
      (role === undefined || ownRole === role) &&
      (owner === undefined || ownOwner === owner) &&
      (expired === undefined || (expired === 'true') === expiresMilliseconds <= nowMilliseconds) &&
      (protocol === undefined || protocolIdentifier === protocol) &&
      (port === undefined || ownPort === port)
    )
  }
}

/** Whether one of the prefixes lies in the other. */
function touches(one: Prefix, other: Prefix): boolean {
  return one.length <= other.length ? prefixContains(one, other.address) : prefixContains(other, one.address)
}
