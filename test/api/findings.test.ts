/**
 * Findings and exceptions as a SIEM and an analyst use them.
 */
import fc from 'fast-check'
import t from 'tap'
import { cell } from '#api/csv.js'
import { nearest } from '#api/errors.js'
import { buildServer } from '#api/server.js'
import type { ExceptionInput } from '#core/findings/exception.js'
import type { Finding } from '#core/findings/finding.js'
import { type Appliance, DAY, NOON, observation, startAppliance } from './appliance.js'

type Answer = { items: Finding[]; nextCursor?: string; hasMore: boolean }

function client({ app, bearer }: Appliance) {
  const request = async (
    method: string,
    url: string,
    role: keyof typeof bearer,
    payload?: object,
    headers = {},
  ) => {
    const answer = await app.inject({
      method: method as 'GET',
      url,
      headers: { ...bearer[role], ...headers },
      ...(payload === undefined ? {} : { payload }),
    })
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: answer.body,
      json: () => answer.json(),
    }
  }
  return {
    request,
    list: async (query: string): Promise<Answer> => {
      const answer = await request('GET', `/api/v1/findings?${query}`, 'viewer')
      if (answer.status !== 200) throw new Error(answer.body)
      return answer.json()
    },
  }
}

const exception = (match: object, changes: object = {}) => ({
  match,
  effect: { kind: 'hide' },
  owner: 'net team',
  reason: 'monitoring',
  expiresMilliseconds: NOON + DAY,
  ...changes,
})

t.test('the list is restricted by each filter', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { list, request } = client(appliance)
  await appliance.findings.upsert([observation(1)])
  await appliance.findings.upsert([
    observation(2, {
      detector: 'port-protocol',
      severity: 'low',
      kind: 'coverage',
      sourceAddresses: ['2001:db8::5'],
      firstSeenMilliseconds: NOON - 2 * DAY,
      lastSeenMilliseconds: NOON - DAY,
    }),
  ])
  const { id } = observation(2)
  await request('PATCH', `/api/v1/findings/${id}`, 'analyst', { state: 'resolved' }, { 'if-match': '*' })
  const table: [string, number[]][] = [
    ['', [2, 1]],
    ['order=oldest', [1, 2]],
    ['order=updated', [1, 2]],
    ['detector=port-protocol', [2]],
    ['severity=low', [2]],
    ['minimumSeverity=medium', [1]],
    ['kind=coverage', [2]],
    ['sourceAddress=2001:db8::/64', [2]],
    ['sourceAddress=10.0.0.1', [1]],
    ['destinationAddress=198.51.100.0/24', [2, 1]],
    ['destinationAddress=10.0.0.0/8', []],
    ['address=10.0.0.0/8', [1]],
    [`from=${NOON - DAY}`, [2, 1]],
    [`from=${NOON - DAY + 1}`, [1]],
    [`to=${NOON - DAY}`, [2]],
    ['to=2026-01-13T00:00:00Z', [2]],
    ['disposition=resolved', [2]],
    ['disposition=open', [1]],
    ['hidden=only', []],
    [`updatedSince=${NOON + 1}`, []],
    [`updatedSince=${NOON}`, [1, 2]],
    ['limit=1', [2]],
  ]
  t.plan(table.length)
  for (const [query, expected] of table) {
    t.same(
      (await list(query)).items.map(({ sequence }) => sequence),
      expected,
      query,
    )
  }
})

t.test('a SIEM that keeps its cursor gets every change once, over restarts', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { findings } = appliance
  const poll = async (cursor: string | undefined) => {
    const query = `order=updated&limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`
    return client(appliance).list(query)
  }
  let { nextCursor: cursor, ...empty } = await poll(undefined)
  t.same(empty, { items: [], hasMore: false })
  t.type(cursor, 'string', 'an empty store gives a cursor to begin with')
  const got: string[] = []
  const drain = async () => {
    for (;;) {
      const page = await poll(cursor)
      got.push(...page.items.map(({ sequence, score }) => `${sequence}:${score}`))
      cursor = page.nextCursor
      if (!page.hasMore) return
    }
  }
  for (let subject = 1; subject <= 5; subject++) await findings.upsert([observation(subject)])
  await drain()
  await findings.upsert([observation(2, { score: 90 })])
  await appliance.restart()
  await drain()
  await drain()
  t.same(got, ['1:80', '2:80', '3:80', '4:80', '5:80', '2:90'])
})

t.test('a SIEM misses nothing while exceptions come and go', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { list, request } = client(appliance)
  for (let subject = 1; subject <= 12; subject++) await appliance.findings.upsert([observation(subject)])
  const known = new Map<string, number>()
  let cursor = ''
  const poll = async () => {
    const page = await list(`order=updated&limit=3${cursor}`)
    for (const { id, revision } of page.items) known.set(id, revision)
    cursor = `&cursor=${page.nextCursor}`
    return page.hasMore
  }
  let busy = true
  const polling = (async () => {
    while (busy) await poll()
  })()
  for (let turn = 0; turn < 12; turn++) {
    const match = { sourceAddresses: [`10.0.0.${(turn % 3) * 4}/30`] }
    const made = await request('POST', '/api/v1/exceptions', 'analyst', exception(match))
    if (turn % 2 === 0) await poll()
    await request('DELETE', String(made.headers['location']), 'analyst', undefined, { 'if-match': '*' })
  }
  busy = false
  await polling
  while (await poll());
  const current = (await list('order=oldest')).items
  t.equal(current.length, 12)
  t.same(
    current.filter(({ id, revision }) => known.get(id) !== revision).map(({ title }) => title),
    [],
    'the last word on each finding has arrived',
  )
  t.ok((await appliance.findings.revision()) > 12 + 12, 'and there were words to miss')
})

t.test('a page that an exception ended under is read again', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { exceptions, findings, visibility } = appliance
  await findings.upsert([observation(1)])
  await findings.upsert([observation(2)])
  const input = exception({ sourceAddresses: ['10.0.0.1'] })
  const { id } = await exceptions.create(input as ExceptionInput, { by: 'ann' })
  let pages = 0
  const app = await buildServer({
    ...appliance,
    findings: {
      ...findings,
      page: async (options) => {
        // After the reader has chosen its exceptions, and before it lists.
        if (pages++ === 0) {
          await exceptions.delete(id, { by: 'ann' })
          await visibility.settle()
        }
        return findings.page(options)
      },
    },
  })
  const url = '/api/v1/findings?order=updated'
  const { items } = (await app.inject({ url, headers: appliance.bearer.viewer })).json() as Answer
  t.same(items.map(({ title }) => title).sort(), ['ICMP tunnel 1', 'ICMP tunnel 2'])
  t.equal(pages, 2)
})

t.test('a cursor that is damaged, or from elsewhere, is a 400', async (t) => {
  t.plan(11)
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { list, request } = client(appliance)
  for (let subject = 1; subject <= 3; subject++) await appliance.findings.upsert([observation(subject)])
  const cursor = (await list('limit=1&kind=finding')).nextCursor!
  const content = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  const encode = (changes: object) =>
    Buffer.from(JSON.stringify({ ...content, ...changes })).toString('base64url')
  t.same(
    (await list(`limit=2&kind=finding&cursor=${cursor}`)).items.map(({ sequence }) => sequence),
    [2, 1],
  )
  const elsewhere = await request('GET', '/api/v1/exporters?limit=1', 'viewer')
  const bad = [
    `kind=finding&cursor=${encode({ p: 1 })}`,
    `kind=finding&cursor=${encode({ v: 2 })}`,
    `kind=finding&cursor=${cursor.slice(0, -2)}`,
    `kind=finding&cursor=${cursor}.`,
    `kind=finding&cursor=${Buffer.from('null').toString('base64url')}`,
    `kind=finding&cursor=${elsewhere.json().nextCursor}`,
    `kind=coverage&cursor=${cursor}`,
    `cursor=${cursor}`,
    `kind=finding&order=oldest&cursor=${cursor}`,
    'cursor=',
  ]
  for (const query of bad) {
    const answer = await request('GET', `/api/v1/findings?${query}`, 'viewer')
    t.same([answer.status, answer.json().details?.[0]?.pointer], [400, '/cursor'], query)
  }
})

t.test('no text makes a cursor fault', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { request } = client(appliance)
  t.plan(1)
  const text = fc.oneof(
    fc.string(),
    fc.json().map((one) => Buffer.from(one).toString('base64url')),
  )
  const property = fc.asyncProperty(text, async (cursor) => {
    const lists = ['findings', 'runs', 'audit', 'exceptions']
    const urls = lists.map((list) => `/api/v1/${list}?cursor=${encodeURIComponent(cursor)}`)
    const answers = await Promise.all(urls.map((url) => request('GET', url, 'admin')))
    return answers.every(({ status }) => status === 400)
  })
  await t.resolves(fc.assert(property, { numRuns: 50 }))
})

t.test('every other list pages to its end by its cursor', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { request } = client(appliance)
  for (let index = 0; index < 3; index++) {
    await request('POST', '/api/v1/exceptions', 'analyst', exception({ icmpType: index }))
  }
  const expected: Record<string, number> = { exporters: 2, exceptions: 3, tokens: 5, audit: 8, detectors: 1 }
  t.plan(Object.keys(expected).length)
  for (const [list, count] of Object.entries(expected)) {
    const seen: string[] = []
    let next = ''
    do {
      const page = (await request('GET', `/api/v1/${list}?limit=2${next}`, 'admin')).json()
      seen.push(
        ...page.items.map((item: { id?: string; sequence?: number }) => `${item.id ?? item.sequence}`),
      )
      next = page.nextCursor === undefined ? '' : `&cursor=${page.nextCursor}`
    } while (next !== '')
    t.same([seen.length, new Set(seen).size], [count, count], list)
  }
})

t.test('the life of an exception: preview, create, hide, expire', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { list, request } = client(appliance)
  for (let subject = 1; subject <= 4; subject++) await appliance.findings.upsert([observation(subject)])
  const old = { firstSeenMilliseconds: NOON - 40 * DAY, lastSeenMilliseconds: NOON - 31 * DAY, score: 1 }
  await appliance.findings.upsert([observation(5, old)])
  const match = { sourceAddresses: ['10.0.0.2', '10.0.0.4/31'] }
  const preview = (days?: number) =>
    request('POST', '/api/v1/exceptions/preview', 'viewer', {
      exception: { match },
      ...(days === undefined ? {} : { days }),
    })
  const previewed = (await preview()).json()
  t.match(previewed, {
    days: 30,
    examined: 4,
    matched: 2,
    newlyMatched: 2,
    bySeverity: { high: 2 },
    byDisposition: { open: 2 },
  })
  const ids = (findings: { id: string }[]) => findings.map(({ id }) => id).sort()
  t.same(ids(previewed.sample), ids([observation(2), observation(4)]))
  t.equal((await preview(40)).json().matched, 3)

  const siem = await list('order=updated')
  const made = await request('POST', '/api/v1/exceptions', 'analyst', exception(match))
  t.equal(made.status, 201)
  t.equal(made.headers['location'], '/api/v1/exceptions/exception-1')
  t.match(made.json(), {
    state: 'active',
    requester: 'the analyst',
    hits: { findings: 3, lastSeenMilliseconds: NOON - 60_000 },
  })
  t.same(ids((await list('')).items), ids([observation(1), observation(3)]))
  const hidden = (await list(`hidden=only&from=${NOON - 30 * DAY}`)).items
  t.same(ids(hidden), ids(previewed.sample), 'what the preview said is what is hidden')
  t.same(hidden[0]?.hiddenBy, ['exception-1'])
  t.equal((await preview()).json().newlyMatched, 0)

  const explained = (await request('GET', `/api/v1/findings/${observation(1).id}/explain`, 'viewer')).json()
  t.match(explained, {
    hidden: false,
    exceptions: [
      {
        id: 'exception-1',
        state: 'active',
        matched: false,
        applies: false,
        matchers: [
          { matcher: 'sourceAddresses', matched: false, text: '10.0.0.1 is in none of the prefixes' },
        ],
      },
    ],
  })

  appliance.clock.milliseconds = NOON + DAY
  t.equal((await list('')).items.length, 5, 'an expired exception hides nothing')
  const kept = (await request('GET', '/api/v1/exceptions?state=expired', 'viewer')).json()
  t.match(kept.items, [{ id: 'exception-1', state: 'expired', hits: { findings: 3 } }])
  const again = await list(`order=updated&cursor=${siem.nextCursor}`)
  t.same(
    ids(again.items),
    ids([observation(2), observation(4), observation(5)]),
    'and a reader by revision hears of what it had hidden',
  )
  t.equal((await list(`order=updated&cursor=${again.nextCursor}`)).items.length, 0, 'once')
  appliance.clock.milliseconds = NOON + 40 * DAY
  const unused = (await request('GET', '/api/v1/exceptions?unusedDays=30', 'viewer')).json()
  t.same(ids(unused.items), ['exception-1'])
})

t.test('edits ask for the version that was read', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { request } = client(appliance)
  const url = '/api/v1/exceptions/exception-1'
  const made = await request('POST', '/api/v1/exceptions', 'analyst', exception({ icmpType: 8 }))
  t.equal(made.headers['etag'], '"1"')
  const put = (etag?: string) =>
    request('PUT', url, 'analyst', exception({ icmpType: 0 }), etag === undefined ? {} : { 'if-match': etag })
  t.equal((await put()).status, 428)
  t.equal((await put('"7"')).status, 412)
  t.equal((await put('W/"1"')).status, 412)
  const changed = await put('"1"')
  t.same([changed.status, changed.headers['etag'], changed.json().match], [200, '"2"', { icmpType: 0 }])
  t.equal((await put('"1"')).status, 412, 'the second of two editors is told')
  t.equal((await request('DELETE', url, 'analyst')).status, 428)
  t.equal((await request('DELETE', url, 'analyst', undefined, { 'if-match': '"2"' })).status, 204)
  t.equal((await request('GET', url, 'analyst')).status, 404)
  const audit = (await request('GET', '/api/v1/audit', 'approver')).json().items
  t.same(
    audit.slice(0, 3).map(({ action }: { action: string }) => action),
    ['exception.delete', 'exception.update', 'exception.create'],
  )
  t.match(audit[1], {
    actor: 'the analyst',
    before: { match: { icmpType: 8 } },
    after: { match: { icmpType: 0 } },
  })

  await appliance.findings.upsert([observation(1)])
  const finding = `/api/v1/findings/${observation(1).id}`
  const etag = String((await request('GET', finding, 'viewer')).headers['etag'])
  const patch = (headers: object) => request('PATCH', finding, 'analyst', { state: 'acknowledged' }, headers)
  t.equal((await patch({})).status, 428)
  await appliance.findings.upsert([observation(1, { lastSeenMilliseconds: NOON })])
  t.equal((await patch({ 'if-match': etag })).status, 200, 'being seen again does not void a decision')
  t.equal((await patch({ 'if-match': etag })).status, 412, 'another decision does')
  const next = String((await request('GET', finding, 'viewer')).headers['etag'])
  await appliance.findings.upsert([observation(1, { lastSeenMilliseconds: NOON, severity: 'critical' })])
  t.equal((await patch({ 'if-match': next })).status, 412, 'so does a severity that has risen')
})

t.test('a misspelt key is refused, never a wider exception', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { request } = client(appliance)
  const post = async (body: object) => {
    const answer = await request('POST', '/api/v1/exceptions', 'analyst', body)
    return [answer.status, answer.json().details]
  }
  const misspelt = exception({ detector: 'icmp-tunnel', sourceAdresses: ['10.0.0.1'] })
  t.same(await post(misspelt), [
    400,
    [{ pointer: '/match/sourceAdresses', message: 'unknown key; did you mean sourceAddresses?' }],
  ])
  t.same(await post(exception({ detector: 'nope' })), [
    400,
    [
      {
        pointer: '/match/detector',
        message: 'no such detector; there are icmp-tunnel, port-protocol',
      },
    ],
  ])
  const { owner: _, ...ownerless } = exception({ icmpType: 8 }, { effect: { kind: 'hidden' } })
  t.same(await post(ownerless), [
    400,
    [
      { pointer: '/owner', message: 'is required' },
      { pointer: '/effect/kind', message: 'must be one of: hide, lower' },
    ],
  ])
  t.same(await post(exception({ icmpType: 8 }, { approver: 'me', requester: 'me', version: 9 })), [
    400,
    ['approver', 'requester', 'version'].map((key) => ({ pointer: `/${key}`, message: 'unknown key' })),
  ])
  t.equal((await appliance.exceptions.all()).length, 0)
  t.equal(nearest('sourceAdress', ['sourceAddress', 'destinationAddress']), 'sourceAddress')
})

t.test('lowering: the list follows the lowered severity and shows the first one', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { list, request } = client(appliance)
  await appliance.findings.upsert([observation(1)])
  const effect = { kind: 'lower', scoreFactor: 0.25, severitySteps: 2 }
  await request('POST', '/api/v1/exceptions', 'analyst', exception({ icmpType: 8 }, { effect }))
  t.match((await list('severity=low')).items, [
    {
      score: 20,
      severity: 'low',
      original: { score: 80, severity: 'high' },
      loweredBy: ['exception-1'],
      hiddenBy: [],
    },
  ])
  t.same((await list('minimumSeverity=high')).items, [])
})

t.test('CSV: formulas and controls of devices stay text', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { request } = client(appliance)
  const title = '=cmd|\'/C calc\'!A0,"x"\r\n\u001b[31m'
  await appliance.findings.upsert([observation(1, { title })])
  const answer = await request('GET', '/api/v1/findings', 'viewer', undefined, { accept: 'text/csv' })
  t.match(answer.headers['content-type'], /^text\/csv/)
  const lines = answer.body.split('\r\n')
  t.equal(lines.length, 3, 'a head, a row, and the end')
  t.ok(lines[1]?.includes(`"'=cmd|'/C calc'!A0,""x""   [31m"`), String(lines[1]))
  t.equal((await request('GET', '/api/v1/findings?format=csv', 'viewer')).body, answer.body)
  const cells = ['=1', '+1', '-1', '@a', '\t=1', '\uff1d1', ' =1'].map(cell)
  t.ok(
    cells.every((text) => /^"?'/.test(text)),
    cells.join(' '),
  )
  t.same([cell('plain'), cell(-1), cell(undefined)], ['plain', '-1', ''])
})
