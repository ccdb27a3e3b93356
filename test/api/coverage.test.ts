/** Coverage and the evidence report over the API: filters, the page for browsers, both forms of the report. */
import t from 'tap'
import { startAppliance } from './appliance.js'

t.test('the matrix, filtered', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const ask = async (query = '') =>
    (await appliance.app.inject({ url: `/api/v1/coverage${query}`, headers: appliance.bearer.viewer })).json()
  t.match(await ask(), {
    items: [
      { exporterId: '192.0.2.1_2055', detector: 'icmp-tunnel', state: 'blind' },
      { exporterId: '192.0.2.2_2055', detector: 'icmp-tunnel', state: 'blind' },
    ],
    hasMore: false,
  })
  t.match(await ask('?exporter=192.0.2.2_2055'), { items: [{ exporterId: '192.0.2.2_2055' }] })
  t.same((await ask('?state=full')).items, [])
  const first = await ask('?limit=1')
  t.match(await ask(`?limit=1&cursor=${first.nextCursor}`), {
    items: [{ exporterId: '192.0.2.2_2055' }],
    hasMore: false,
  })
})

t.test('the page asks for a token, as a browser can give it, and escapes what devices say', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app } = appliance
  const without = await app.inject({ url: '/coverage' })
  t.equal(without.statusCode, 401)
  t.match(without.headers['www-authenticate'], /^Basic realm/)
  const token = appliance.bearer.viewer.authorization!.replace('Bearer ', '')
  const basic = (password: string) => ({
    authorization: `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`,
  })
  const page = await app.inject({ url: '/coverage', headers: basic(token) })
  t.equal(page.statusCode, 200)
  t.match(page.headers['content-type'], /^text\/html/)
  t.match(page.headers['content-security-policy'], /default-src 'none'/)
  t.match(page.body, /<strong>blind<\/strong>/)
  t.notMatch(page.body, /<script/i)
  t.equal((await app.inject({ url: '/coverage', headers: basic('wrong') })).statusCode, 401)
  const elsewhere = await app.inject({ url: '/api/v1/coverage', headers: basic(token) })
  t.equal(
    elsewhere.statusCode,
    401,
    'of pages alone, so that no other site can act with what a browser remembers',
  )
})

t.test('the report in both forms', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const ask = (query: string) =>
    appliance.app.inject({ url: `/api/v1/report${query}`, headers: appliance.bearer.approver })
  const json = (await ask('')).json()
  t.match(json, {
    detectors: [{ id: 'icmp-tunnel' }],
    coverage: { states: { blind: 2 } },
    audit: { intact: true },
  })
  t.match(json.sha256, /^[0-9a-f]{64}$/)
  const markdown = await ask('?format=markdown')
  t.match(markdown.headers['content-type'], /^text\/markdown/)
  t.ok(markdown.body.includes(json.sha256), 'equal data, equal report')
  t.equal((await ask('?from=2026-01-02&to=2026-01-01')).statusCode, 400)
  t.equal((await ask('?from=9999999999999998&to=9999999999999999&format=markdown')).statusCode, 400)
})
