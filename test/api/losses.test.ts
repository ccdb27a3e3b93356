// Losses of the store: who has read of them acknowledges them.
import t from 'tap'
import { NOON, startAppliance } from './appliance.js'

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
