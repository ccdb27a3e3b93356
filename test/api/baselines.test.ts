/** Baselines over the API: taken away, put in place, frozen, forgotten, and asked. */
import t from 'tap'
import { startAppliance } from './appliance.js'

const learned = {
  fromMilliseconds: 1_000,
  toMilliseconds: 2_000,
  version: 1,
  data: { histories: [], knowledge: { sizes: [], targets: [], monitors: [] }, told: [] },
}
const url = '/api/v1/baselines/icmp-tunnel'

t.test('a baseline is put in place, shown, frozen, taken away and forgotten', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer } = appliance
  const call = (method: 'GET' | 'POST' | 'PUT', path: string, payload?: object) =>
    app.inject({ method, url: path, headers: bearer.approver, ...(payload === undefined ? {} : { payload }) })

  t.match((await call('GET', url)).json(), { detector: 'icmp-tunnel', state: 'empty', isFrozen: false })
  t.equal((await call('GET', `${url}/export`)).statusCode, 404)
  t.match((await call('PUT', url, learned)).json(), { state: 'learning', learnedFromMilliseconds: 1_000 })
  t.same((await call('GET', `${url}/export`)).json(), learned)
  t.match((await call('POST', `${url}/freeze`)).json(), { isFrozen: true, state: 'learning' })
  t.match((await call('POST', `${url}/unfreeze`)).json(), { isFrozen: false })
  t.match((await call('POST', `${url}/reset`)).json(), { state: 'empty' })
  t.match((await call('GET', '/api/v1/baselines')).json(), { items: [{ detector: 'icmp-tunnel' }] })
  const audit = (await call('GET', '/api/v1/audit?order=oldest')).json() as { items: { action: string }[] }
  t.same(
    audit.items.map(({ action }) => action).filter((action) => action.startsWith('baseline.')),
    ['baseline.import', 'baseline.freeze', 'baseline.unfreeze', 'baseline.reset'],
  )
})

t.test('what is no baseline is refused, and who may not change one', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer } = appliance
  const put = (payload: object, headers = bearer.approver) =>
    app.inject({ method: 'PUT', url, headers, payload })
  const wrong = await put({ ...learned, data: { ...learned.data, told: 'all' } })
  t.equal(wrong.statusCode, 400)
  t.match(wrong.json(), { message: /data\/told/ })
  t.match((await put({ ...learned, version: 99 })).json(), { message: /form is 99/ })
  t.equal((await put(learned, bearer.analyst)).statusCode, 403)
  t.match((await put({ ...learned, fromMilliseconds: 1e300, toMilliseconds: -5 })).json(), {
    details: [{ pointer: '/fromMilliseconds' }, { pointer: '/toMilliseconds' }],
  })
  const tomorrow = await put({ ...learned, toMilliseconds: Date.now() + 86_400_000 })
  t.match(tomorrow.json(), {
    details: [{ pointer: '/toMilliseconds', message: 'must be a time from 1970 to now' }],
  })
  const turned = await put({ ...learned, fromMilliseconds: 3_000 })
  t.match(turned.json(), { details: [{ pointer: '/fromMilliseconds' }] })
  t.match(
    (await app.inject({ url, headers: bearer.viewer })).json(),
    { state: 'empty' },
    'nothing is changed',
  )
  const unknown = await app.inject({ url: '/api/v1/baselines/no-such', headers: bearer.viewer })
  t.equal(unknown.statusCode, 404)
})

/** What a week of pings leaves of a pair. */
const history = {
  requester: '10.0.0.1',
  responder: '192.0.2.1',
  point: '10.0.0.254 2055 0',
  firstMilliseconds: 1_000,
  lastMilliseconds: 1_500.5,
  lastReceivedMilliseconds: 1_600,
  days: 1,
  lastDay: 0,
  requestPackets: 10,
  requestOctets: 840,
  replyPackets: 10,
  size: -1,
  mixedRecords: 0,
  stretchSinceMilliseconds: 1_000,
  stretchPackets: 10,
  earlierMilliseconds: 0,
  unansweredPackets: 0,
  unansweredSinceMilliseconds: 1_500,
  starts: [1_000],
  rates: { count: 1, mean: 18.5, squares: 0 },
  payloads: { count: 0, sum: 0 },
  excessOctets: 0,
}
const knowledge = {
  sizes: [['84', [['10.0.0.1', 0, 1]]]],
  targets: [['192.0.2.1', [['10.0.0.1', 0, 1]]]],
  monitors: [['10.0.0.1 84', [['192.0.2.1', 0, 1]]]],
}

t.test('values that no network can have are refused, each with its place', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer } = appliance
  const put = async (data: object) => {
    const payload = { ...learned, data: { histories: [history], knowledge, told: [], ...data } }
    const answer = await app.inject({ method: 'PUT', url, headers: bearer.approver, payload })
    const { details = [] } = answer.json() as { details?: { pointer: string }[] }
    return answer.statusCode === 400 ? details.map(({ pointer }) => pointer) : answer.statusCode
  }
  t.equal(await put({}), 200)
  const hostile = '=\u001b<b>'
  const cases: [object, string[]][] = [
    [{ days: 1e300 }, ['days']],
    [
      { firstMilliseconds: -1e308, lastReceivedMilliseconds: 1e14 },
      ['firstMilliseconds', 'lastReceivedMilliseconds'],
    ],
    [{ requestPackets: 1.5, replyPackets: -1 }, ['requestPackets', 'replyPackets']],
    [{ requester: hostile, responder: 'fe80::1%\u001b' }, ['requester', 'responder']],
    [{ point: hostile }, ['point']],
    [{ point: 'x'.repeat(300) }, ['point']],
    [{ size: -2 }, ['size']],
    [{ starts: [1, -1] }, ['starts/1']],
    [{ rates: { count: 1, mean: -1, squares: 1e300 } }, ['rates/mean', 'rates/squares']],
  ]
  for (const [change, places] of cases)
    t.same(
      await put({ histories: [history, { ...history, ...change }] }),
      places.map((place) => `/data/histories/1/${place}`),
    )
  const sites: [object, string[]][] = [
    [
      { sizes: [[hostile, [[hostile, 1e300, -1]]]] },
      ['sizes/0/0', ...[0, 1, 2].map((at) => `sizes/0/1/0/${at}`)],
    ],
    [{ targets: [['router', []]] }, ['targets/0/0']],
    [{ monitors: [['10.0.0.1', []]] }, ['monitors/0/0', 'monitors/0/0']],
  ]
  for (const [change, places] of sites)
    t.same(
      await put({ knowledge: { ...knowledge, ...change } }),
      places.map((place) => `/data/knowledge/${place}`),
    )
  t.same(await put({ told: [hostile] }), ['/data/told/0'])
  const many = await put({ histories: Array.from({ length: 99 }, () => ({ ...history, days: -1 })) })
  t.equal((many as string[]).length, 10, 'the first few are told')
})

t.test('a tuple is explained', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer } = appliance
  const ask = (query: string) => app.inject({ url: `${url}/explain?${query}`, headers: bearer.viewer })
  const good = await ask('source=10.0.0.1&destination=192.0.2.1&protocol=1')
  t.same(good.json(), { isUsual: true, facts: ['seen on 9 days'] })
  const bad = await ask('source=router&destination=192.0.2.1&protocol=1')
  t.equal(bad.statusCode, 400)
  t.match(bad.json(), { message: /source is no address/ })
})
