// Tokens: guesses are held off, and what was revoked or has expired opens nothing.
import t from 'tap'
import { NOON, startAppliance } from './appliance.js'

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
