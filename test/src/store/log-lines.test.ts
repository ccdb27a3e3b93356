import { join } from 'node:path'
import t from 'tap'
import { createImportIntake } from '#collectors/import-intake.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { parseAddress } from '#core/records/address.js'
import { FlowColumnIndex as Column, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { createBlockStore } from '#core/store/blocks.js'
import { allEffort } from '#core/store/query/effort.js'
import { parseFilter } from '#core/store/query/parse.js'
import { queryRows } from '#core/store/query/rows.js'
import { querySessions, type SessionQuery } from '#core/store/sessions.js'
import { createBlockWriter } from '#core/store/writer.js'
import { exporter } from './rows.js'

const at = Date.UTC(2026, 5, 15, 10)
const firewall = parseAddress('192.0.2.254')!
const built = (id: number, port: number) =>
  `<166>Jun 15 2026 10:00:00 asa1 : %ASA-6-302013: Built outbound TCP connection ${id} for outside:198.51.100.9/443 (198.51.100.9/443) to inside:192.0.2.5/${port} (203.0.113.1/40000)`
const tornDown = (id: number, port: number, octets: number) =>
  `<166>Jun 15 2026 10:01:00 asa1 : %ASA-6-302014: Teardown TCP connection ${id} for outside:198.51.100.9/443 to inside:192.0.2.5/${port} duration 0:01:00 bytes ${octets} TCP FINs`
const interim = (id: number, delta: number) =>
  `date=2026-06-15 time=10:00:30 devname="fg" devid="FGT" logid="0000000020" type="traffic" subtype="forward" srcip=192.0.2.6 srcport=5000 dstip=198.51.100.9 dstport=443 proto=6 action="accept" sessionid=${id} sentbyte=900 rcvdbyte=0 sentdelta=${delta} rcvddelta=0`

t.test('rows of one session are joined when they are read', async (t) => {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  let received = at
  const writer = createBlockWriter({
    store,
    now: () => received,
    onFailure: (error) => t.fail(error.message),
  })
  const intake = createImportIntake(writer)
  const line = (text: string, after: number) => {
    received += after
    intake.line(text, firewall, 5514, received)
  }
  // The same id twice, as devices do; one that stays open; deltas that add up.
  line(built(7, 50000), 0)
  line(tornDown(7, 50000, 300), 60_000)
  line(built(7, 50000), 1000)
  line(tornDown(7, 50000, 500), 60_000)
  line(built(8, 50001), 1000)
  line(interim(21, 100), 1000)
  line(interim(21, 40), 1000)
  await writer.flush()

  const search = (query: Partial<SessionQuery>) => querySessions(store, { limit: 50, ...query })
  const { sessions, partial, nextCursor } = await search({})
  t.equal(partial, false)
  t.equal(nextCursor, undefined)
  t.match(
    sessions.map(({ state, sessionId, rows, octets, octetsTotal }) => ({
      state,
      sessionId,
      rows: rows.length,
      octets,
      octetsTotal,
    })),
    [
      { state: 'open', sessionId: '21', rows: 2, octets: 140 },
      { state: 'open', sessionId: '8', rows: 1 },
      { state: 'closed', sessionId: '7', rows: 2, octetsTotal: 500 },
      { state: 'closed', sessionId: '7', rows: 2, octetsTotal: 300 },
    ],
  )
  t.match(
    sessions[3],
    {
      sourceAddress: '192.0.2.5',
      destinationTransportPort: 443,
      postNATSourceAddress: '203.0.113.1',
      endReason: 'TCP FINs',
      firstReceivedMilliseconds: at,
      lastReceivedMilliseconds: at + 60_000,
    },
    'the translation comes from the opening row, the octets from the closing one',
  )
  t.same(
    (await search({ state: 'open' })).sessions.map(({ sessionId }) => sessionId),
    ['21', '8'],
  )

  const paged: unknown[] = []
  let cursor: string | undefined
  do {
    const page = await search({ limit: 1, ...(cursor === undefined ? {} : { cursor }) })
    paged.push(...page.sessions)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  t.same(paged, sessions, 'one by one the same sessions, none torn')

  const late = await search({ fromMilliseconds: at + 60_500, toMilliseconds: at + 121_500 })
  t.match(late.sessions, [{ sessionId: '7', octetsTotal: 500, rows: { length: 2 } }])
  t.equal(late.sessions.length, 1)
})

t.test('older sessions than a search can know of are not passed over in silence', async (t) => {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  const SESSIONS = 20_010
  const shape = shapeOf([0, 1, 2, Column.sessionId, Column.phase])
  const builder = new BlockBuilder(streamNamed('flow4'), SESSIONS)
  for (let index = 0; index < SESSIONS; index++) {
    const row = builder.begin(exporter, shape, at + index, 1)
    builder.setText(Column.sessionId, row, `s${index}`)
    // The five oldest are open, the others closed.
    builder.setNumber(Column.phase, row, index < 5 ? 1 : 3)
  }
  await store.append(builder, at)
  // A search on a busy machine has its time, too.
  const effort = { ...allEffort, now: () => 0 }
  const search = (query: Partial<SessionQuery>) => querySessions(store, { limit: 50, ...query }, effort)
  const told = { partial: true, partialReasons: ['sessions'] }
  t.match(await search({ state: 'open' }), { sessions: [], ...told })
  const last = await search({ cursor: '30' })
  t.match(last, { sessions: { length: 19 }, ...told }, 'of 29 below, ten are unknown')
  t.match(await search({ cursor: '1000' }), { sessions: { length: 50 }, partial: false })
  const reached = await search({ state: 'open', toMilliseconds: at + 1000 })
  t.match(reached, { sessions: { length: 5 }, partial: false })
})

t.test('lines that are no traffic are kept apart and searched by what they say', async (t) => {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  const writer = createBlockWriter({
    store,
    now: () => at,
    onFailure: (error) => t.fail(error.message),
  })
  const intake = createImportIntake(writer)
  const lines = [
    '<187>Jun 15 10:00:00 r1 : %LINK-3-UPDOWN: Interface Gi0/1, changed state to down',
    '<189>Jun 15 10:00:01 r1 : %SYS-5-CONFIG_I: Configured from console by vty0',
    '<86>Jun 15 10:00:02 h\u00f6st sshd[7]: Accepted password for m\u00fcller',
    'no header at all',
    built(1, 50000),
  ]
  lines.forEach((line, index) => {
    intake.line(Buffer.from(line).toString('latin1'), firewall, 5514, at + index)
  })
  intake.line('<13>Jun 15 10:00:04 old app: gr\u00fcn', firewall, 5514, at + 5)
  await writer.flush()
  const page = await queryRows(store, { stream: 'message', limit: 2 })
  t.match(
    page.rows,
    [{ message: /gr\u00fcn$/ }, { message: /header/ }],
    'a line that is no UTF-8 is read as ISO 8859-1',
  )
  const search = async (text: string) => {
    const read = parseFilter(text)
    if ('problem' in read) throw new Error(read.problem.message)
    const { rows } = await queryRows(store, { stream: 'message', limit: 10, filter: read.filter })
    for (const row of rows) t.notMatch(row, { message: /\u00c3/ }, 'UTF-8 is read as such')
    return rows.map((row) => (row as { receivedMilliseconds: number }).receivedMilliseconds - at)
  }
  t.same(await search(''), [5, 3, 2, 1, 0], 'the connection is a row of its own')
  t.same(await search('message "interface gi0/1"'), [0])
  t.same(await search('message M\u00fcller'), [2])
  t.same(await search('message M\u00dcLLER'), [2])
  t.same(await search('message GR\u00dcN'), [5])
  t.same(await search('device R1'), [1, 0])
  t.same(await search('event config_i'), [1])
  t.same(await search('severity <= 3'), [0], 'a line without a severity is not graver')
  t.same(await search('severity <= 7'), [5, 2, 1, 0])
  t.same(await search('app sshd and message accepted'), [2])
  t.same(await search('vendor cisco and message accepted'), [])
  t.same(await search('port 443 or ipv4'), [], 'a line is no flow')
})
