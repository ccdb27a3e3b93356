/**
 * /api/v1/findings: lists, one finding, its disposition, and why exceptions do or do not bear on it.
 */
import { Finding, type StoredFinding, severityRank } from '#core/findings/finding.js'
import type { FindingOrder } from '#core/findings/repository.js'
import { actorOf } from '../auth.js'
import { findingsCsv } from '../csv.js'
import { decodeCursor, encodeCursor, type ListIdentity, orderOfCursor } from '../cursor.js'
import type { ApiDeps, App } from '../deps.js'
import { ApiError, invalid } from '../errors.js'
import { IdParams, ifMatch, readPrefix, readTime } from '../query.js'
import { errorResponses } from '../schemas/common.js'
import { DispositionInput, Explanations, FindingPage, FindingQuery } from '../schemas/findings.js'

const tags = ['findings']
/** Pages read anew before a reader by revision is asked to come back. */
const MAX_ATTEMPTS = 10

export function findingRoutes(app: App, deps: ApiDeps): void {
  const { findings, visibility } = deps

  app.get(
    '/api/v1/findings',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'Findings, exceptions applied; by order=updated a reader never misses one',
        querystring: FindingQuery,
        response: { 200: FindingPage, ...errorResponses },
      },
    },
    async (request, reply) => {
      const page = await listFindings(deps, request.query)
      const wantsCsv = request.headers.accept?.split(',')[0]?.startsWith('text/csv') === true
      if ((request.query.format ?? (wantsCsv ? 'csv' : 'json')) === 'json') return page
      if (page.nextCursor !== undefined) reply.header('x-next-cursor', page.nextCursor)
      reply.header('x-has-more', String(page.hasMore))
      reply.header('content-disposition', 'attachment; filename="findings.csv"')
      reply.type('text/csv; charset=utf-8; header=present')
      return findingsCsv(page.items) as never
    },
  )

  app.get(
    '/api/v1/findings/:id',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'A finding; its ETag changes with its disposition and its severity',
        params: IdParams,
        response: { 200: Finding, ...errorResponses },
      },
    },
    async (request, reply) => {
      const finding = await existing(request.params.id)
      reply.header('etag', etagOf(finding))
      return (await visibility.reader())(finding)
    },
  )

  app.patch(
    '/api/v1/findings/:id',
    {
      config: { role: 'analyst' },
      schema: {
        tags,
        summary: 'Sets the disposition; asks for If-Match',
        params: IdParams,
        body: DispositionInput,
        response: { 200: Finding, ...errorResponses },
      },
    },
    async (request, reply) => {
      const matchesEtag = ifMatch(request)
      const { state, comment } = request.body
      const finding = await findings.setDisposition(
        request.params.id,
        { state, comment },
        { by: actorOf(request), expects: (current) => matchesEtag(etagOf(current)) },
      )
      reply.header('etag', etagOf(finding))
      return (await visibility.reader())(finding)
    },
  )

  app.get(
    '/api/v1/findings/:id/explain',
    {
      config: { role: 'viewer' },
      schema: {
        tags,
        summary: 'Each exception: whether it matches, and which matcher fails',
        params: IdParams,
        response: { 200: Explanations, ...errorResponses },
      },
    },
    async (request) => {
      const finding = await existing(request.params.id)
      const exceptions = await visibility.explain(finding)
      const hidden = exceptions.some(({ applies, effect }) => applies && effect === 'hide')
      return { findingId: finding.id, hidden, exceptions }
    },
  )

  async function existing(id: string): Promise<StoredFinding> {
    const finding = await findings.get(id)
    if (finding === undefined) throw new ApiError('NOT_FOUND', 'no such finding')
    return finding
  }
}

/** What a decision rests on: that nobody else has decided since, and that it is no worse than it was. */
function etagOf({ disposition, severity }: StoredFinding): string {
  return `"${disposition.version}-${severity}"`
}

async function listFindings(deps: ApiDeps, query: FindingQuery) {
  const { cursor, limit } = query
  const order = orderOf(query)
  const {
    cursor: _cursor,
    limit: _limit,
    order: _order,
    updatedSince: _since,
    format: _format,
    ...filters
  } = query
  const identity: ListIdentity = { list: 'findings', order, filters }
  const since = readTime(query, 'updatedSince')
  const tests = testsOf(query)

  const position = cursor === undefined ? undefined : decodeCursor(identity, cursor)
  if (typeof position === 'string') throw invalid('/cursor', 'not a cursor of this appliance')
  const first =
    since !== undefined ? await deps.findings.revisionBefore(since) : order === 'newest' ? undefined : 0
  const readPage = async (read: (stored: StoredFinding) => Finding) => {
    const items: Finding[] = []
    const accept = (stored: StoredFinding) => {
      const finding = read(stored)
      const accepted = tests.every((test) => test(finding))
      if (accepted) items.push(finding)
      return accepted
    }
    return { ...(await deps.findings.page({ order, after: position ?? first, limit, accept })), items }
  }
  const { items, ...page } =
    order === 'updated' ? await readSettled(deps, readPage) : await readPage(await deps.visibility.reader())
  // Lists that grow at their end can be continued later, so they always say where.
  const { position: last, hasMore } = page
  const continues = last !== undefined && (hasMore || order !== 'newest')
  return { items, ...(continues ? { nextCursor: encodeCursor(identity, last) } : {}), hasMore }
}

/** Reads by revision, and again when an exception began or ended to act meanwhile. */
async function readSettled<Page>(
  { visibility }: ApiDeps,
  readPage: (read: (stored: StoredFinding) => Finding) => Promise<Page>,
): Promise<Page> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const settled = await visibility.settle()
    const page = await readPage(settled.read)
    if (settled.isCurrent()) return page
  }
  throw new ApiError('UNAVAILABLE', 'exceptions are being changed: try again')
}

function orderOf({ order, updatedSince, cursor }: FindingQuery): FindingOrder {
  if (updatedSince !== undefined && order !== undefined && order !== 'updated') {
    throw invalid('/order', 'updatedSince implies order=updated')
  }
  if (updatedSince !== undefined) return 'updated'
  if (order !== undefined || cursor === undefined) return order ?? 'newest'
  const ofCursor = orderOfCursor(cursor)
  return ofCursor === 'updated' || ofCursor === 'oldest' ? ofCursor : 'newest'
}

/** What the query asks of a finding as it is seen. */
function testsOf(query: FindingQuery): ((finding: Finding) => boolean)[] {
  const { detector, kind, severity, minimumSeverity, hidden = 'false', disposition } = query
  const tests: ((finding: Finding) => boolean)[] = []
  if (detector !== undefined) tests.push((finding) => finding.detector === detector)
  if (kind !== undefined) tests.push((finding) => finding.kind === kind)
  if (severity !== undefined) tests.push((finding) => finding.severity === severity)
  if (minimumSeverity !== undefined) {
    const rank = severityRank(minimumSeverity)
    tests.push((finding) => severityRank(finding.severity) >= rank)
  }
  if (disposition !== undefined) tests.push((finding) => finding.disposition.state === disposition)
  if (hidden === 'false') tests.push((finding) => finding.hiddenBy.length === 0)
  if (hidden === 'only') tests.push((finding) => finding.hiddenBy.length > 0)
  const from = readTime(query, 'from')
  if (from !== undefined) tests.push((finding) => finding.lastSeenMilliseconds >= from)
  const to = readTime(query, 'to')
  if (to !== undefined) tests.push((finding) => finding.firstSeenMilliseconds < to)
  const source = readPrefix(query, 'sourceAddress')
  if (source !== undefined) tests.push((finding) => finding.sourceAddresses.some(source))
  const destination = readPrefix(query, 'destinationAddress')
  if (destination !== undefined) tests.push((finding) => finding.destinationAddresses.some(destination))
  const either = readPrefix(query, 'address')
  if (either !== undefined) {
    tests.push((finding) => finding.sourceAddresses.some(either) || finding.destinationAddresses.some(either))
  }
  return tests
}
