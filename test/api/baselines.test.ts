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
  const unknown = await app.inject({ url: '/api/v1/baselines/no-such', headers: bearer.viewer })
  t.equal(unknown.statusCode, 404)
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
