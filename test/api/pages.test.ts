// What is open to everybody or read by a browser: health, headers, the API page.
import t from 'tap'
import { observation, startAppliance } from './appliance.js'

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
