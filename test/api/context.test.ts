/** Context over the API: changed with its ETag, warned of, looked up, listed by filters, imported and told in the audit. */
import t from 'tap'
import { NOON, startAppliance } from './appliance.js'

const url = '/api/v1/context'

async function start(location: string) {
  const appliance = await startAppliance(location)
  const { app, bearer } = appliance
  const call = (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    payload?: object,
    headers: Record<string, string> = {},
  ) =>
    app.inject({
      method,
      url: url + path,
      headers: { ...bearer.analyst, ...headers },
      ...(payload === undefined ? {} : { payload }),
    })
  return { appliance, call }
}

t.test('an entry is made, read, replaced and deleted, with its version', async (t) => {
  const { appliance, call } = await start(t.testdir())
  t.teardown(() => appliance.close())
  const made = await call('POST', '/zones', { prefix: '2001:DB8::/32', name: 'lab' })
  t.same(
    [made.statusCode, made.headers['etag'], made.headers['location']],
    [201, '"1"', `${url}/zones/zone-1`],
  )
  t.match(made.json(), { id: 'zone-1', prefix: '2001:db8::/32', createdAtMilliseconds: NOON })

  const next = { prefix: '2001:db8::/32', name: 'lab 2', isOutside: true }
  t.equal((await call('PUT', '/zones/zone-1', next)).statusCode, 428)
  t.equal((await call('PUT', '/zones/zone-1', next, { 'if-match': '"7"' })).statusCode, 412)
  const replaced = await call('PUT', '/zones/zone-1', next, { 'if-match': '"1"' })
  t.same([replaced.statusCode, replaced.headers['etag']], [200, '"2"'])
  t.equal((await call('GET', '/zones/zone-1')).headers['etag'], '"2"')
  const whole = await call('GET', '')
  t.equal(whole.headers['etag'], '"2"')
  t.same(whole.json(), { version: 2, zones: [next], assets: [], services: [], monitors: [] })

  t.equal((await call('DELETE', '/zones/zone-1')).statusCode, 428)
  t.equal((await call('DELETE', '/zones/zone-1', undefined, { 'if-match': '"2"' })).statusCode, 204)
  t.equal((await call('GET', '/zones/zone-1')).statusCode, 404)
  t.equal((await call('GET', '/zones/asset-1')).statusCode, 404)
  const audit = await appliance.audit.page({ limit: 100 })
  t.same(
    audit.filter(({ action }) => action.startsWith('context.')).map(({ action, actor }) => [action, actor]),
    ['create', 'update', 'delete'].map((action) => [`context.${action}`, 'the analyst']),
  )
})

t.test('what cannot be used is refused with its place; what may be a mistake is warned of', async (t) => {
  const { appliance, call } = await start(t.testdir())
  t.teardown(() => appliance.close())
  await call('POST', '/assets', { prefix: '10.0.0.1', name: 'a' })
  const table: [string, object, string, RegExp][] = [
    ['/assets', { prefix: '10.0.0.1' }, '/prefix', /asset-1 is the same already/],
    ['/assets', { prefix: '10.0.0.1/8' }, '/prefix', /bits set/],
    ['/zones', { prefix: '10.0.0.0/8' }, '/name', /is required/],
    ['/zones', { prefix: '10.0.0.0/8', nme: 'x', name: 'y' }, '/nme', /did you mean name/],
    ['/services', { server: 'web', protocolIdentifier: 6, owner: 'x' }, '/server', /zone:NAME/],
    [
      '/services',
      { server: '10.0.0.1', protocolIdentifier: '6', owner: 'x' },
      '/protocolIdentifier',
      /integer/,
    ],
    [
      '/monitors',
      { source: '10.0.0.1', owner: 'x', expiresMilliseconds: NOON },
      '/expiresMilliseconds',
      /past/,
    ],
  ]
  for (const [path, body, pointer, message] of table) {
    const answer = await call('POST', path, body)
    t.match(
      [answer.statusCode, answer.json()],
      [400, { code: 'INVALID', details: [{ pointer, message }] }],
      pointer,
    )
  }
  const warned = await call('POST', '/monitors', { source: 'zone:lab', target: 'role:printer', owner: 'noc' })
  t.same(warned.json().warnings, ['source: no zone is called lab', 'target: no asset has the role printer'])
  await call('POST', '/zones', { prefix: '10.5.0.0/16', name: 'lab' })
  t.same((await call('GET', '/monitors/monitor-1')).json().warnings, [
    'target: no asset has the role printer',
  ])
  const own = await call('POST', '/assets', { prefix: '10.0.0.2', role: 'kiosk' })
  t.same(own.json().warnings, ['role: no detector knows the role kiosk'])
})

t.test('lists by filters, in pages', async (t) => {
  const { appliance, call } = await start(t.testdir())
  t.teardown(() => appliance.close())
  const { context } = appliance
  for (let host = 1; host <= 5; host++) {
    const role = host % 2 === 0 ? 'printer' : 'camera'
    await context.create(
      'assets',
      { prefix: `10.0.0.${host}`, name: `Host-${host}`, role, owner: 'it' },
      { by: 'x' },
    )
  }
  await context.create('assets', { prefix: '10.9.0.0/16' }, { by: 'x' })
  const expiresMilliseconds = NOON + 1000
  await context.create('monitors', { source: '10.0.0.1', owner: 'noc', expiresMilliseconds }, { by: 'x' })
  await context.create(
    'services',
    { server: '10.0.0.1', protocolIdentifier: 6, port: 22, owner: 'ops' },
    { by: 'x' },
  )
  appliance.clock.milliseconds += 1000
  const table: [string, string[]][] = [
    ['/assets?role=printer', ['asset-2', 'asset-4']],
    ['/assets?name=host-3', ['asset-3']],
    ['/assets?address=10.9.1.1', ['asset-6']],
    ['/assets?address=10.0.0.0/30', ['asset-1', 'asset-2', 'asset-3']],
    ['/assets?owner=it&role=camera', ['asset-1', 'asset-3', 'asset-5']],
    ['/monitors?expired=true', ['monitor-1']],
    ['/monitors?expired=false', []],
    ['/services?protocol=6&port=22', ['service-1']],
    ['/services?protocol=17', []],
    ['/zones?name=x', []],
  ]
  for (const [path, ids] of table) {
    const { items } = (await call('GET', path)).json() as { items: { id: string }[] }
    t.same(
      items.map(({ id }) => id),
      ids,
      path,
    )
  }
  t.equal((await call('GET', '/assets?address=printer')).statusCode, 400)
  t.equal((await call('GET', '/zones?role=printer')).statusCode, 400)
  const ids: string[] = []
  let cursor = ''
  do {
    const page = (await call('GET', `/assets?limit=4${cursor}`)).json()
    ids.push(...page.items.map(({ id }: { id: string }) => id))
    cursor = page.hasMore ? `&cursor=${page.nextCursor}` : ''
  } while (cursor !== '')
  t.same(
    ids,
    [1, 2, 3, 4, 5, 6].map((number) => `asset-${number}`),
  )
})

t.test('an address is looked up', async (t) => {
  const { appliance, call } = await start(t.testdir())
  t.teardown(() => appliance.close())
  const { context } = appliance
  await context.create('zones', { prefix: '10.0.0.0/8', name: 'campus' }, { by: 'x' })
  await context.create('assets', { prefix: '10.0.0.1', role: 'gateway' }, { by: 'x' })
  await context.create('monitors', { source: '10.0.0.9', target: 'role:gateway', owner: 'noc' }, { by: 'x' })
  t.match((await call('GET', '/lookup?address=10.0.0.1')).json(), {
    zone: 'campus',
    role: 'gateway',
    isGateway: true,
    mayBePingedBy: [{ owner: 'noc' }],
    mayPing: [],
  })
  t.equal((await call('GET', '/lookup?address=10.0.0.0/8')).statusCode, 400)
  t.equal((await call('GET', '/lookup')).statusCode, 400)
})

t.test('a file is tried, refused, taken, and taken away again', async (t) => {
  const { appliance, call } = await start(t.testdir())
  t.teardown(() => appliance.close())
  const good = { content: 'prefix,role\n10.0.0.1,printer\n10.0.0.2,camera\n' }
  const tried = (await call('POST', '/import?dryRun=true', good)).json()
  t.match(tried, {
    isWritten: false,
    format: 'csv',
    counts: [{ kind: 'assets', added: 2, changed: 0, removed: 0, unchanged: 0 }],
    changes: [{ kind: 'assets', change: 'added', key: '10.0.0.1' }, {}],
  })
  t.equal((await appliance.context.current()).version, 0)

  const bad = { content: 'prefix,role\n10.0.0.1,printer\n10.0.0.300,camera\n' }
  t.match((await call('POST', '/import?dryRun=true', bad)).json(), {
    problemCount: 1,
    problems: [{ line: 3, field: 'prefix', found: '10.0.0.300' }],
  })
  const refused = await call('POST', '/import', bad)
  t.match(
    [refused.statusCode, refused.json()],
    [
      400,
      {
        message: '1 row is wrong, so nothing is written',
        details: [
          { pointer: '/content', message: /^line 3: prefix is neither .* \(found "10\.0\.0\.300"\)$/ },
        ],
      },
    ],
  )
  t.equal((await appliance.context.current()).version, 0)

  const skipped = await call('POST', '/import', { ...bad, skipInvalid: true })
  t.match(skipped.json(), { isWritten: true, problemCount: 1, counts: [{ added: 1 }] })
  t.match((await call('POST', '/import', good)).json(), { counts: [{ added: 1, unchanged: 1 }] })
  const whole = (await call('GET', '')).json()
  t.equal(whole.version, 2)
  const replaced = await call('POST', '/import', { content: 'prefix,role\n10.0.0.2,server\n', replace: true })
  t.match(replaced.json(), { counts: [{ kind: 'assets', added: 0, changed: 1, removed: 1, unchanged: 0 }] })
  const back = await call('POST', '/import', { content: JSON.stringify(whole), replace: true })
  t.match(back.json(), {
    format: 'yaml',
    counts: [{ kind: 'zones' }, { kind: 'assets', added: 1, changed: 1 }, {}, {}],
  })
  t.same((await call('GET', '')).json(), { ...whole, version: 4, assets: [...whole.assets].reverse() })
  const entries = await appliance.audit.page({ limit: 100 })
  t.equal(entries.filter(({ action }) => action === 'context.import').length, 4)
})

t.test('detectors are told of a change by the next run', async (t) => {
  const { appliance, call } = await start(t.testdir())
  t.teardown(() => appliance.close())
  const before = await appliance.baselines.surroundingsOf('icmp-tunnel')
  t.equal((await appliance.baselines.surroundingsOf('icmp-tunnel')).key, before.key)
  await call('POST', '/assets', { prefix: '10.0.0.1', role: 'monitor' })
  const after = await appliance.baselines.surroundingsOf('icmp-tunnel')
  t.not(after.key, before.key)
  t.same(after.data.context.assets, [{ prefix: '10.0.0.1', role: 'monitor' }])
})
