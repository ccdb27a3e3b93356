// Searches and aggregations of rows: passed on as they are understood, refused with the place, given up with their client.
import t from 'tap'
import { parsePrefix } from '#core/records/address.js'
import type { AggregateResult } from '#core/store/query/ranking.js'
import { noGroups, startAppliance } from './appliance.js'

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

t.test('a search for rows may name the values that it wants', async (t) => {
  const appliance = await startAppliance(t.testdir())
  t.teardown(() => appliance.close())
  const { app, bearer, flowQueries } = appliance
  const get = (columns: string) =>
    app.inject({ url: '/api/v1/flows', query: { columns, limit: '5' }, headers: bearer.viewer })
  t.equal((await get('sourceAddress, octets,exporterAddress')).statusCode, 200)
  t.strictSame(flowQueries, [{ limit: 5, columns: ['sourceAddress', 'octets', 'exporterAddress'] }])
  for (const columns of ['bytes', 'octets,', '', '__proto__', 'octets;packets', 'shape'])
    t.equal((await get(columns)).statusCode, 400, columns)
  t.match((await get('octets,bytes')).json().details, [
    { pointer: '/columns', message: /^no row has a value of the name "bytes"/ },
  ])
  t.equal(flowQueries.length, 1)
  t.equal((await get('scaledOctets')).statusCode, 200, 'what follows from others')
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
