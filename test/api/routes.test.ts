/**
 * Every route, by one table: who may call it, what it refuses, and that its answer has the shape it declares.
 */
import t from 'tap'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { DetectorDescription } from '#api/deps.js'
import { ErrorBody } from '#api/errors.js'
import { Page } from '#api/schemas/common.js'
import { shownEntries, WholeContext } from '#api/schemas/context.js'
import { Explanations } from '#api/schemas/findings.js'
import { AggregateAnswer, FlowPage } from '#api/schemas/flows.js'
import { buildServer } from '#api/server.js'
import { BaselineStatus, LearnedDocument } from '#core/baselines/baselines.js'
import { ImportOutcome } from '#core/context/import/import.js'
import { type ContextKind, contextKinds } from '#core/context/kinds.js'
import { AddressLookup } from '#core/context/lookup.js'
import { PolicyReview } from '#core/context/policy-review.js'
import { CoverageEntry } from '#core/coverage/matrix.js'
import { ExporterStatus } from '#core/exporters.js'
import { AuditEntry, AuditVerdict } from '#core/findings/audit.js'
import { Exception } from '#core/findings/exception.js'
import { Finding } from '#core/findings/finding.js'
import { LossAcknowledgement, LossReport } from '#core/findings/losses.js'
import { Run } from '#core/findings/runs.js'
import { type Role, roleAllows, roles, Token } from '#core/findings/tokens.js'
import { PreviewResult } from '#core/findings/visibility.js'
import { Report } from '#core/report/report.js'
import { type Appliance, exceptionInput, NOON, observation, startAppliance } from './appliance.js'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
type Case = {
  method: Method
  url: string
  role: Role
  schema?: TSchema
  body?: () => object
  etag?: string
  status?: number
}

const one = observation(1)
const contextEntry: Record<ContextKind, (host: number) => object> = {
  zones: (host) => ({ prefix: `10.${host}.0.0/16`, name: 'office' }),
  assets: (host) => ({ prefix: `10.0.0.${host}`, role: 'printer' }),
  services: (host) => ({ server: `10.0.0.${host}`, protocolIdentifier: 6, owner: 'net team' }),
  monitors: (host) => ({ source: `10.0.0.${host}`, owner: 'net team' }),
}

const cases: Case[] = [
  { method: 'GET', url: '/api/v1/context', role: 'viewer', schema: WholeContext },
  { method: 'GET', url: '/api/v1/context/lookup?address=10.0.0.1', role: 'viewer', schema: AddressLookup },
  {
    method: 'POST',
    url: '/api/v1/context/import',
    role: 'analyst',
    schema: ImportOutcome,
    body: () => ({ content: 'prefix,role\n10.0.0.7,printer\n' }),
  },
  ...contextKinds.flatMap((kind): Case[] => {
    const url = `/api/v1/context/${kind}`
    const schema: TSchema = shownEntries[kind]
    const body = (host: number) => () => contextEntry[kind](host)
    return [
      { method: 'GET', url, role: 'viewer', schema: Page(schema) },
      { method: 'POST', url, role: 'analyst', schema, body: body(3), status: 201 },
      { method: 'GET', url: `${url}/${kind.slice(0, -1)}-1`, role: 'viewer', schema },
      {
        method: 'PUT',
        url: `${url}/${kind.slice(0, -1)}-1`,
        role: 'analyst',
        schema,
        body: body(4),
        etag: '*',
      },
      { method: 'DELETE', url: `${url}/${kind.slice(0, -1)}-2`, role: 'analyst', etag: '*', status: 204 },
    ]
  }),
  { method: 'GET', url: '/api/v1/findings', role: 'viewer', schema: Page(Finding) },
  { method: 'GET', url: `/api/v1/findings/${one.id}`, role: 'viewer', schema: Finding },
  { method: 'GET', url: `/api/v1/findings/${one.id}/explain`, role: 'viewer', schema: Explanations },
  {
    method: 'PATCH',
    url: `/api/v1/findings/${one.id}`,
    role: 'analyst',
    schema: Finding,
    body: () => ({ state: 'acknowledged' }),
    etag: '*',
  },
  { method: 'GET', url: '/api/v1/exceptions', role: 'viewer', schema: Page(Exception) },
  { method: 'GET', url: '/api/v1/losses', role: 'viewer', schema: LossReport },
  {
    method: 'POST',
    url: '/api/v1/losses/acknowledge',
    role: 'analyst',
    schema: LossAcknowledgement,
    body: () => ({ note: 'power cut' }),
    etag: '*',
    status: 201,
  },
  {
    method: 'GET',
    url: '/api/v1/losses/acknowledgements',
    role: 'viewer',
    schema: Page(LossAcknowledgement),
  },
  {
    method: 'POST',
    url: '/api/v1/exceptions',
    role: 'analyst',
    schema: Exception,
    body: exceptionInput,
    status: 201,
  },
  {
    method: 'POST',
    url: '/api/v1/exceptions/preview',
    role: 'viewer',
    schema: PreviewResult,
    body: () => ({ exception: exceptionInput() }),
  },
  { method: 'GET', url: '/api/v1/exceptions/exception-1', role: 'viewer', schema: Exception },
  {
    method: 'PUT',
    url: '/api/v1/exceptions/exception-1',
    role: 'analyst',
    schema: Exception,
    body: exceptionInput,
    etag: '*',
  },
  {
    method: 'POST',
    url: '/api/v1/exceptions/exception-1/approve',
    role: 'approver',
    schema: Exception,
    etag: '*',
  },
  { method: 'DELETE', url: '/api/v1/exceptions/exception-2', role: 'analyst', etag: '*', status: 204 },
  { method: 'GET', url: '/api/v1/exporters', role: 'viewer', schema: Page(ExporterStatus) },
  { method: 'GET', url: '/api/v1/exporters/192.0.2.1_2055', role: 'viewer', schema: ExporterStatus },
  { method: 'GET', url: '/api/v1/flows', role: 'viewer', schema: FlowPage },
  { method: 'GET', url: '/api/v1/flows/aggregate', role: 'viewer', schema: AggregateAnswer },
  { method: 'GET', url: '/api/v1/sessions', role: 'viewer', schema: FlowPage },
  { method: 'GET', url: '/api/v1/messages', role: 'viewer', schema: FlowPage },
  { method: 'GET', url: '/api/v1/backup', role: 'admin' },
  { method: 'GET', url: '/api/v1/coverage', role: 'viewer', schema: Page(CoverageEntry) },
  { method: 'GET', url: '/coverage', role: 'viewer' },
  { method: 'GET', url: '/api/v1/report', role: 'approver', schema: Report },
  { method: 'GET', url: '/api/v1/baselines', role: 'viewer', schema: Page(BaselineStatus) },
  { method: 'GET', url: '/api/v1/baselines/icmp-tunnel', role: 'viewer', schema: BaselineStatus },
  {
    method: 'PUT',
    url: '/api/v1/baselines/icmp-tunnel',
    role: 'approver',
    schema: BaselineStatus,
    body: () => ({
      fromMilliseconds: 1,
      toMilliseconds: 2,
      version: 1,
      data: { histories: [], knowledge: { sizes: [], targets: [], monitors: [] }, told: [] },
    }),
  },
  {
    method: 'GET',
    url: '/api/v1/baselines/icmp-tunnel/export',
    role: 'analyst',
    schema: LearnedDocument,
  },
  {
    method: 'GET',
    url: '/api/v1/baselines/icmp-tunnel/explain?source=10.0.0.1&destination=192.0.2.1&protocol=1',
    role: 'viewer',
  },
  { method: 'POST', url: '/api/v1/baselines/icmp-tunnel/freeze', role: 'approver', schema: BaselineStatus },
  { method: 'POST', url: '/api/v1/baselines/icmp-tunnel/unfreeze', role: 'approver', schema: BaselineStatus },
  { method: 'POST', url: '/api/v1/baselines/icmp-tunnel/reset', role: 'approver', schema: BaselineStatus },
  { method: 'GET', url: '/api/v1/policy-review', role: 'viewer', schema: PolicyReview },
  { method: 'GET', url: '/api/v1/detectors', role: 'viewer', schema: Page(DetectorDescription) },
  { method: 'GET', url: '/api/v1/runs', role: 'viewer', schema: Page(Run) },
  { method: 'GET', url: '/api/v1/audit', role: 'approver', schema: Page(AuditEntry) },
  { method: 'GET', url: '/api/v1/audit/verify', role: 'approver', schema: AuditVerdict },
  { method: 'GET', url: '/metrics', role: 'viewer' },
  { method: 'GET', url: '/api/v1/tokens', role: 'admin', schema: Page(Token) },
  {
    method: 'POST',
    url: '/api/v1/tokens',
    role: 'admin',
    body: () => ({ name: 'siem', role: 'viewer' }),
    status: 201,
  },
  { method: 'DELETE', url: '/api/v1/tokens/REVOKED', role: 'admin', schema: Token },
]

/** Whether the answer goes on behind a cursor. */
function isPaged({ schema }: Case): boolean {
  return 'nextCursor' in ((schema as { properties?: object } | undefined)?.properties ?? {})
}

/** A query behind a URL that may have one already. */
function queryOf(url: string, query: string): string {
  return url.includes('?') ? query.replace('?', '&') : query
}

async function prepared(location: string): Promise<Appliance> {
  const appliance = await startAppliance(location)
  await appliance.findings.upsert([one])
  await appliance.exceptions.create(exceptionInput() as never, { by: 'someone' })
  await appliance.exceptions.create(exceptionInput() as never, { by: 'someone' })
  for (const kind of contextKinds) {
    for (const host of [1, 2]) {
      await appliance.context.create(kind, contextEntry[kind](host) as never, { by: 'someone' })
    }
  }
  await appliance.runs.record({
    id: 'r1',
    detector: 'icmp-tunnel',
    fromMilliseconds: NOON - 60_000,
    toMilliseconds: NOON,
    startedAtMilliseconds: NOON,
    outcome: 'ok',
    rowsRead: 1,
    blocksRead: 1,
    blocksFailed: 0,
    observations: 1,
    created: 1,
    updated: 0,
  })
  return appliance
}

t.test('every route: tokens, roles, unknown keys, shape of the answer', async (t) => {
  const appliance = await prepared(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer } = appliance
  const spare = await appliance.tokens.create({ name: 'spare', role: 'viewer' }, 'test')

  const call = (one: Case, headers: Record<string, string>, more: { query?: string; body?: object } = {}) => {
    const body = more.body ?? one.body?.()
    const url = one.url.replace('REVOKED', spare.token.id) + queryOf(one.url, more.query ?? '')
    return app.inject({
      method: one.method,
      url,
      headers: { ...headers, ...(one.etag === undefined ? {} : { 'if-match': one.etag }) },
      ...(body === undefined ? {} : { payload: body }),
    })
  }
  const withBody = cases.filter(({ body }) => body !== undefined)
  t.plan(cases.length * 6 + withBody.length * 2)

  for (const route of cases) {
    const name = `${route.method} ${route.url}`
    const anonymous = await call(route, {})
    t.same([anonymous.statusCode, anonymous.json().code], [401, 'UNAUTHENTICATED'], `${name} without a token`)
    t.ok(Value.Check(ErrorBody, anonymous.json()), `${name}: the error has the one shape`)

    const refused: Role[] = []
    for (const role of roles) {
      if (roleAllows(role, route.role)) continue
      const answer = await call(route, bearer[role])
      if (answer.statusCode === 403 && answer.json().code === 'FORBIDDEN') refused.push(role)
    }
    const lesser = roles.filter(
      (role) => role === 'ingest' || roles.indexOf(role) < roles.indexOf(route.role),
    )
    t.same(refused, lesser, `${name} refuses the lesser roles`)

    const query = await call(route, bearer[route.role], { query: '?limmit=1' })
    const hint = isPaged(route) ? '; did you mean limit?' : ''
    const expected = [400, [{ pointer: '/limmit', message: `unknown key${hint}` }]]
    t.same([query.statusCode, query.json().details], expected, `${name} refuses an unknown query key`)

    if (route.body !== undefined) {
      const body = await call(route, bearer[route.role], { body: { ...route.body(), 'surprise/~': 1 } })
      t.equal(body.statusCode, 400, `${name} refuses an unknown body key`)
      const details = body.json().details as { pointer: string }[]
      t.same(
        details.map(({ pointer }) => pointer),
        ['/surprise~1~0'],
        `${name} says where`,
      )
    }

    const answer = await call(route, bearer[route.role])
    t.equal(answer.statusCode, route.status ?? 200, `${name} as the role it asks for: ${answer.body}`)
    const problems = route.schema === undefined ? [] : [...Value.Errors(route.schema, answer.json())]
    t.same(problems, [], `${name} answers what it declares`)
  }
})

t.test('the table has every route', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const document = (await appliance.app.inject('/api/v1/openapi.json')).json()
  const declared = Object.entries(document.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const tested = cases.map(({ method, url }) => {
    const path = url
      .replace(one.id, '{id}')
      .replace(/(exception|zone|asset|service|monitor)-\d/, '{id}')
      .replace('192.0.2.1_2055', '{id}')
      .replace('REVOKED', '{id}')
      .replace('baselines/icmp-tunnel', 'baselines/{id}')
      .replace(/\?.*/, '')
    return `${method} ${path}`
  })
  t.same(declared.sort(), [...tested, 'GET /api/v1/health'].sort())
})

t.test('a route without a role stops the start', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const app = await buildServer(appliance)
  app.get('/forgotten', async () => ({}))
  await t.rejects(async () => app.ready(), { message: /GET \/forgotten/ })
})
