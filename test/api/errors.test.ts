// What is refused, and how: one shape for every error, whatever it comes from, and no detail of ours in it.
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import { Value } from 'typebox/value'
import { apiErrors, ErrorBody } from '#api/errors.js'
import { buildServer } from '#api/server.js'
import { roles } from '#core/findings/tokens.js'
import { exceptionInput, startAppliance } from './appliance.js'

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

t.test('what is not HTTP, or too long, is answered in the one shape too', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  await appliance.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = appliance.app.server.address() as AddressInfo
  const cases = [
    ['\u0016\u0003\u0001 not HTTP\r\n\r\n', /not well-formed/],
    [`GET /api/v1/flows?filter=${'not%20'.repeat(4000)}any HTTP/1.1\r\n\r\n`, /longer than 16 KiB/],
  ] as const
  for (const [sent, message] of cases) {
    const answer = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(sent))
      socket.on('data', (data) => {
        text += data
      })
      socket.on('close', () => resolve(text))
    })
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    t.match(head, /^HTTP\/1\.1 400 /)
    t.ok(Value.Check(ErrorBody, JSON.parse(body)))
    t.match(JSON.parse(body).message, message)
  }
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
