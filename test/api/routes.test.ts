/**
 * Every route, by one table: who may call it, what it refuses, and that its answer has the shape it declares.
 */

import { readFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { DetectorDescription } from '#api/deps.js'
import { apiErrors, ErrorBody } from '#api/errors.js'
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
import { parsePrefix } from '#core/records/address.js'
import { Report } from '#core/report/report.js'
import type { AggregateResult } from '#core/store/query/ranking.js'
import { type Appliance, NOON, noGroups, observation, startAppliance } from './appliance.js'

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
const exceptionInput = () => ({
  match: { detector: 'icmp-tunnel', sourceAddresses: ['10.9.0.0/16'] },
  effect: { kind: 'hide' },
  owner: 'net team',
  reason: 'monitoring',
  expiresMilliseconds: NOON + 86_400_000,
})

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

t.test('errors that come before a route have the one shape', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer } = appliance
  const headers = bearer.admin
  const json = { ...headers, 'content-type': 'application/json' }
  const url = '/api/v1/exceptions'
  const table = [
    [{ method: 'GET', url: '/nowhere' }, 404, 'NOT_FOUND'],
    [{ method: 'GET', url: '/.git/config' }, 404, 'NOT_FOUND'],
    [{ method: 'GET', url: '/docs/static/..%2f..%2fpackage.json' }, 404, 'NOT_FOUND'],
    [{ method: 'GET', url: '/%c0%ae' }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/findings/%00', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/findings/absent', headers }, 404, 'NOT_FOUND'],
    [{ method: 'PUT', url: '/api/v1/findings', headers }, 405, 'METHOD_NOT_ALLOWED'],
    [{ method: 'DELETE', url: '/api/v1/findings/x', headers }, 405, 'METHOD_NOT_ALLOWED'],
    [
      { method: 'POST', url, headers: { ...headers, 'content-type': 'text/plain' }, payload: 'x' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      { method: 'POST', url, headers: { ...headers, 'content-type': 'application/xml' }, payload: '<x/>' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [{ method: 'POST', url, headers: json, payload: '{"owner":' }, 400, 'INVALID'],
    [{ method: 'POST', url, headers: json, payload: '' }, 400, 'INVALID'],
    [{ method: 'POST', url, headers: json, payload: '{"__proto__":{"a":1}}' }, 400, 'INVALID'],
    [{ method: 'POST', url, headers: json, payload: `{"owner":"${'x'.repeat(300_000)}"}` }, 413, 'TOO_LARGE'],
    [{ method: 'GET', url: '/api/v1/findings?limit=0', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/findings?limit=1001', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/findings?limit=', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/findings?limit=1e2', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/findings?detector=a&detector=b', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/findings?address=10.0.0.0/33', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/findings?from=yesterday', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/findings?__proto__=1', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/flows?protocol=constructor', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/flows?from=2026-01-02&to=2026-01-01', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/flows?filter=src', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/flows/aggregate?by=src,nothing', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/flows/aggregate?by=src,src', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/flows/aggregate?by=src/129', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/flows/aggregate?by=src,dst,proto,time,app', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/flows/aggregate?sum=octets,constructor', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/flows/aggregate?bucket=0', headers }, 400, 'INVALID'],
    [{ method: 'GET', url: '/api/v1/flows/aggregate?top=10001', headers }, 400, 'INVALID'],
    [
      {
        method: 'POST',
        url: '/api/v1/exceptions/exception-1/approve',
        headers: json,
        payload: '{"by":"me"}',
      },
      400,
      'INVALID',
    ],
  ] as const
  t.plan(table.length * 2)
  for (const [request, status, code] of table) {
    const answer = await app.inject(request as never)
    const name = `${request.method} ${request.url}`
    t.same([answer.statusCode, answer.json().code], [status, code], name)
    t.ok(
      Value.Check(ErrorBody, answer.json()) && !/node_modules|\bat \//.test(answer.body),
      `${name}: one shape`,
    )
  }
})

t.test('what is not HTTP is answered in the one shape too', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  await appliance.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = appliance.app.server.address() as AddressInfo
  const answer = await new Promise<string>((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write('\u0016\u0003\u0001 not HTTP\r\n\r\n'))
    socket.on('data', (data) => {
      text += data
    })
    socket.on('close', () => resolve(text))
  })
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  t.match(head, /^HTTP\/1\.1 400 /)
  t.ok(Value.Check(ErrorBody, JSON.parse(body)))
})

t.test('docs/api.md has every error and every role', async (t) => {
  const page = readFileSync('docs/api.md', 'utf8')
  const rows = [...page.matchAll(/^\| (\d{3}) \| (\w+) \|/gm)].map(([, status, code]) => `${code} ${status}`)
  t.same(
    rows,
    Object.entries(apiErrors).map((entry) => entry.join(' ')),
  )
  const named = [...page.matchAll(/^\| ([a-z]+) \| (?!may|code)/gm)].map(([, role]) => role)
  t.same(named, roles)
})

t.test('a body is never converted: null is no port', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const values: unknown[] = [null, '53', true, [null], -1, 65_536, 1.5, { from: 1, to: 2, step: 1 }]
  t.plan(values.length)
  for (const port of values) {
    const answer = await appliance.app.inject({
      method: 'POST',
      url: '/api/v1/exceptions',
      headers: appliance.bearer.analyst,
      payload: { ...exceptionInput(), match: { destinationTransportPorts: [port] } },
    })
    t.equal(answer.statusCode, 400, JSON.stringify(port))
  }
})

t.test('a fault of ours is answered without detail', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const app = await buildServer({
    ...appliance,
    metrics: async () => {
      throw new Error('secret detail')
    },
  })
  const answer = await app.inject({ url: '/metrics', headers: appliance.bearer.viewer })
  t.equal(answer.statusCode, 500)
  t.same(answer.json(), {
    code: 'INTERNAL',
    message: 'the appliance failed to answer; its log says why',
  })
})

t.test('wrong tokens are held off; a familiar token is not', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer } = appliance
  const url = '/api/v1/detectors'
  const from = (remoteAddress: string, headers: object) =>
    app.inject({ url, headers, remoteAddress } as never)
  t.equal((await from('203.0.113.9', bearer.viewer)).statusCode, 200)
  const statuses: number[] = []
  const wrong = ['Bearer x', 'Basic eDp5', `Bearer culvert_${'0'.repeat(16)}_${'A'.repeat(43)}`, 'Bearer']
  for (let index = 0; index < 12; index++) {
    statuses.push((await from('203.0.113.9', { authorization: wrong[index % wrong.length] })).statusCode)
  }
  t.same(statuses, [...Array(10).fill(401), 429, 429])
  const held = await from('203.0.113.9', bearer.analyst)
  t.equal(held.statusCode, 429, 'a token that is new to this address waits')
  t.equal(held.headers['retry-after'], '60')
  t.equal(
    (await from('203.0.113.9', bearer.viewer)).statusCode,
    200,
    'one that was good here before does not',
  )
  t.equal((await from('203.0.113.10', bearer.analyst)).statusCode, 200, 'other addresses do not')
  appliance.clock.milliseconds += 60_001
  t.equal((await from('203.0.113.9', bearer.analyst)).statusCode, 200, 'and the hold ends')
})

t.test('revoked and expired tokens open nothing; the last admin cannot be revoked', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer, tokenIds, clock } = appliance
  const made = await app.inject({
    method: 'POST',
    url: '/api/v1/tokens',
    headers: bearer.admin,
    payload: { name: 'siem', role: 'viewer', expiresMilliseconds: NOON + 1000 },
  })
  const headers = { authorization: `Bearer ${made.json().secret}` }
  t.equal((await app.inject({ url: '/api/v1/detectors', headers })).statusCode, 200)
  clock.milliseconds += 1000
  t.equal((await app.inject({ url: '/api/v1/detectors', headers })).statusCode, 401)
  const revoke = (id: string) =>
    app.inject({ method: 'DELETE', url: `/api/v1/tokens/${id}`, headers: bearer.admin })
  t.equal((await revoke(tokenIds.viewer)).statusCode, 200)
  t.equal((await app.inject({ url: '/api/v1/detectors', headers: bearer.viewer })).statusCode, 401)
  t.equal((await revoke(tokenIds.admin)).statusCode, 400)
  const stored: unknown[] = []
  for await (const entry of appliance.documents.list('token/id/')) stored.push(entry)
  for await (const entry of appliance.documents.list('audit/sequence/')) stored.push(entry)
  t.notOk(JSON.stringify(stored).includes(made.json().secret.slice(-43)), 'no secret is kept')
})

t.test('health tells the world little, and a token more', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer, status } = appliance
  const listening = [{ name: 'netflow', transport: 'udp', port: 2055, ok: true }]
  const open = await app.inject('/api/v1/health')
  t.same(open.json(), { status: 'ok', version: '0.1.0', listening })
  const full = await app.inject({ url: '/api/v1/health', headers: bearer.viewer })
  t.equal(full.json().checks[0].name, 'router-7.example')
  status.value = 'failing'
  t.equal((await app.inject('/api/v1/health')).statusCode, 503)
  const bad = await app.inject({ url: '/api/v1/health', headers: { authorization: 'Bearer no' } })
  t.equal(bad.statusCode, 401, 'a wrong token is wrong here too')
})

t.test('answers carry the headers that keep hostile text harmless', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const title = '<script>alert(1)</script>\u001b[2J'
  await appliance.findings.upsert([observation(1, { title })])
  const answer = await appliance.app.inject({ url: '/api/v1/findings', headers: appliance.bearer.viewer })
  t.equal(answer.json().items[0].title, title)
  t.match(answer.headers, {
    'content-type': /^application\/json/,
    'x-content-type-options': 'nosniff',
    'content-security-policy': /default-src 'none'/,
    'cache-control': 'no-store',
  })
})

t.test('the API page works from the package alone, under its policy', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app } = appliance
  const page = await app.inject('/docs')
  t.equal(page.statusCode, 200)
  t.match(page.headers['content-security-policy'], /script-src 'self';/)
  const references = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, reference]) => reference!)
  t.ok(references.length >= 5)
  t.same(
    references.filter((reference) => !reference.startsWith('/docs/')),
    [],
    'no other host',
  )
  t.notMatch(page.body, /<script>|<style>| on\w+=/, 'nothing inline')
  const statuses = await Promise.all(references.map(async (url) => (await app.inject(url)).statusCode))
  t.same([...new Set(statuses)], [200])
  const initializer = await app.inject('/docs/static/swagger-initializer.js')
  t.match(initializer.body, "resolveUrl('./json')")
  t.equal((await app.inject('/docs/json')).statusCode, 200)
})

t.test('a search for rows is passed on as understood, and its cursor is wrapped', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer, flowQueries } = appliance
  appliance.flowResult = {
    rows: [{ octets: '9007199254740993' }],
    nextCursor: 'inner',
    partial: true,
    partialReasons: ['blocks', 'lost'],
    blocksFailed: 2,
  }
  const query =
    'protocol=ICMP&address=10.0.0.0/8&from=2026-01-01&to=1767312000000&destinationPort=53&exporter=192.0.2.1&limit=7&filter=flags%20S'
  const get = (url: string) => app.inject({ url, headers: bearer.viewer })
  const first = await get(`/api/v1/flows?${query}`)
  const { nextCursor, ...rest } = first.json()
  t.same(rest, {
    items: [{ octets: '9007199254740993' }],
    hasMore: true,
    partial: true,
    partialReasons: ['blocks', 'lost'],
    blocksFailed: 2,
  })
  const expected = {
    limit: 7,
    fromMilliseconds: Date.UTC(2026, 0, 1),
    toMilliseconds: 1767312000000,
    filter: {
      type: 'and',
      filters: [
        { type: 'address', field: 'address', prefixes: [parsePrefix('10.0.0.0/8')] },
        { type: 'address', field: 'exporter', prefixes: [parsePrefix('192.0.2.1')] },
        { type: 'compare', field: 'protocol', operator: '=', value: 1 },
        { type: 'compare', field: 'destinationPort', operator: '=', value: 53 },
        { type: 'flags', bits: 2 },
      ],
    },
  }
  t.strictSame(flowQueries, [expected])
  appliance.flowResult = {
    rows: [],
    nextCursor: undefined,
    partial: false,
    partialReasons: [],
    blocksFailed: 0,
  }
  const second = await get(`/api/v1/flows?${query}&cursor=${nextCursor}`)
  t.same(second.json(), { items: [], hasMore: false, partial: false, partialReasons: [], blocksFailed: 0 })
  t.equal(flowQueries[1]?.cursor, 'inner')
  t.equal((await get(`/api/v1/flows?limit=7&cursor=${nextCursor}`)).statusCode, 400, 'other filters')
  t.equal(flowQueries.length, 2)
})

t.test(
  'an aggregation is passed on as understood, refused with a caret, and given up with its client',
  async (t) => {
    const appliance = await startAppliance(t.testdir())
    t.teardown(() => appliance.close())
    const { app, bearer, aggregations } = appliance
    const headers = bearer.viewer
    const query =
      'filter=proto%20icmp&by=src/24/64,time&sum=flows,octets&top=3&bucket=60&scaled=true&from=2026-01-01&stream=icmp4'
    const answer = await app.inject({ url: `/api/v1/flows/aggregate?${query}`, headers })
    t.same(answer.json(), noGroups)
    t.strictSame(aggregations[0]?.query, {
      fromMilliseconds: Date.UTC(2026, 0, 1),
      stream: 'icmp4',
      filter: { type: 'compare', field: 'protocol', operator: '=', value: 1 },
      by: [
        { name: 'sourceAddress', prefix4: 24, prefix6: 64 },
        { name: 'timeMilliseconds', bucketMilliseconds: 60_000 },
      ],
      sums: ['flows', 'octets'],
      top: 3,
      isScaled: true,
      maximumGroups: 300_000,
    })
    const refused = await app.inject({
      url: '/api/v1/flows/aggregate?filter=proto%20tcp%20and%20port%2099999',
      headers,
    })
    t.same(refused.json().details, [
      {
        pointer: '/filter',
        message:
          'a number from 0 to 65535 is expected here\n  proto tcp and port 99999\n                     ^^^^^',
      },
    ])

    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as { port: number }
    const client = new AbortController()
    const cancelled = new Promise<AggregateResult>((resolve) => {
      appliance.aggregate = (_query, { signal }) =>
        new Promise((answered) => {
          signal!.addEventListener('abort', () => {
            answered(noGroups)
            resolve(noGroups)
          })
          client.abort()
        })
    })
    const url = `http://127.0.0.1:${port}/api/v1/flows/aggregate`
    await t.rejects(fetch(url, { headers, signal: client.signal }), { name: 'AbortError' })
    t.equal(await cancelled, noGroups, 'the engine was told that the client had gone')
  },
)

t.test('a loss is acknowledged by who has read it; a later one shows again', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer, missing } = appliance
  const read = () => app.inject({ url: '/api/v1/losses', headers: bearer.analyst })
  const acknowledge = (etag: string | undefined, note = 'power cut') =>
    app.inject({
      method: 'POST',
      url: '/api/v1/losses/acknowledge',
      headers: { ...bearer.analyst, ...(etag === undefined ? {} : { 'if-match': etag }) },
      payload: { note },
    })
  const first = await read()
  t.match(first.json(), { lostRows: 4, damagedBlocks: 1, open: missing.losses })
  const etag = String(first.headers.etag)
  t.equal((await acknowledge(undefined)).statusCode, 428)
  t.equal((await acknowledge(etag, '  ')).statusCode, 400, 'a note of spaces')
  const span = { fromMilliseconds: NOON, toMilliseconds: NOON + 1 }
  const later = { fromSequence: 50, toSequence: 60, ...span }
  const before = missing.losses
  missing.losses = { ...before, holes: [...before.holes, later] }
  t.equal((await acknowledge(etag)).statusCode, 412, 'more is open than was read')
  missing.losses = before
  t.match((await acknowledge(etag)).json(), {
    id: 'loss-1',
    by: 'the analyst',
    note: 'power cut',
    losses: before,
  })
  const nothing = { holes: [], blocks: [] }
  t.match((await read()).json(), { lostRows: 4, damagedBlocks: 1, open: nothing })
  t.match(await acknowledge('*'), { statusCode: 400, body: /no loss to acknowledge/ })

  missing.losses = { ...before, holes: [...before.holes, later] }
  const second = await read()
  t.match(second.json(), { lostRows: 14, open: { holes: [later], blocks: [] } })
  t.equal((await acknowledge(String(second.headers.etag), 'again')).statusCode, 201)
  const page = async (query: string) =>
    (await app.inject({ url: `/api/v1/losses/acknowledgements?${query}`, headers: bearer.viewer })).json()
  const oldest = await page('limit=1')
  t.match(oldest, { items: [{ id: 'loss-1' }], hasMore: true })
  t.match(await page(`limit=1&cursor=${oldest.nextCursor}`), {
    items: [{ id: 'loss-2', losses: { holes: [later], blocks: [] } }],
    hasMore: false,
  })
  const { items } = (await app.inject({ url: '/api/v1/audit?limit=1', headers: bearer.approver })).json()
  t.match(items, [
    { action: 'loss.acknowledge', actor: 'the analyst', subject: 'loss-2', after: { note: 'again' } },
  ])
})
