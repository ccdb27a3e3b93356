import { join } from 'node:path'
import t from 'tap'
import { createImportIntake } from '#collectors/import-intake.js'
import { Directions, DirectionTable } from '#collectors/syslog/directions.js'
import { createContext, parseLine, type SyslogContext, SyslogEvent } from '#collectors/syslog/parse.js'
import { renderEvent, type SyslogRecord } from '#collectors/syslog/render.js'
import { parseAddress } from '#core/records/address.js'
import { createBlockStore } from '#core/store/blocks.js'
import { querySessions } from '#core/store/sessions.js'
import { createBlockWriter } from '#core/store/writer.js'

const RECEIVED = Date.UTC(2026, 5, 15, 12)
const event = new SyslogEvent()

function parse(line: string, context: SyslogContext): SyslogRecord {
  parseLine(line, event, context)
  return renderEvent(event, 1)
}

const columns = (...values: (string | number)[]) => values.join('\t')
const ends = ['1781517599.5', 'C9', '192.0.2.76', 3, '198.51.100.1', 1] as const
const endNames = ['ts', 'uid', 'id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p'] as const

t.test('columns have the order of the header lines, of each exporter and each tag', async (t) => {
  const context = createContext(RECEIVED)
  const tagged = (tag: string, text: string) => `<133>Jun 15 10:00:00 s1 ${tag}: ${text}`
  const order = columns('#fields', 'resp_ip_bytes', 'orig_ip_bytes', ...endNames, 'proto', 'history')
  const line = columns(7, 84, ...ends, 'icmp', 'D')
  for (const header of ['#separator \\x09', columns('#path', 'conn'), order]) {
    t.match(parse(tagged('zeek_conn', header), context), { kind: 'other', vendor: 'zeek' }, header)
  }
  // The first column of this order is no time, so it is not told from other text.
  t.notMatch(parse(tagged('zeek_conn', line), context), { vendor: 'zeek' })

  const dated = columns('#fields', ...endNames, 'proto', 'resp_ip_bytes', 'orig_ip_bytes')
  const data = columns(...ends, 'icmp', 7, 84)
  parse(tagged('zeek_conn', dated), context)
  const expected = {
    kind: 'connection',
    sourceAddress: '192.0.2.76',
    icmpType: 3,
    icmpCode: 1,
    octetsSourceToDestination: 84,
    octetsDestinationToSource: 7,
    timeMilliseconds: 1781517599500,
  }
  t.match(parse(tagged('zeek_conn', data), context), expected)
  t.match(parse(tagged('zeek_conn', data.replaceAll('\t', '#011')), context), expected, 'escaped tabs')

  for (const header of [
    columns('#path', 'dns'),
    columns('#fields', ...endNames, 'proto', 'trans_id', 'query'),
  ]) {
    parse(tagged('zeek_dns', header), context)
  }
  const dns = parse(
    tagged('zeek_dns', columns(...ends.slice(0, 3), 4000, '198.51.100.1', 53, 'udp', 7, 'a')),
    context,
  )
  t.match(dns, { kind: 'other', vendor: 'zeek', destinationTransportPort: 53 }, 'dns.log is a message')
  t.match(parse(tagged('zeek_conn', data), context), expected, 'beside it conn.log keeps its order')
  t.notMatch(
    parse(tagged('zeek_conn', data), createContext(RECEIVED)),
    { kind: 'connection' },
    'another exporter',
  )
})

t.test('a file without syslog has its header once, and a new one after a rotation', async (t) => {
  const context = createContext(RECEIVED)
  for (const header of [
    columns('#path', 'conn_long'),
    columns('#fields', ...endNames, 'proto', 'orig_pkts'),
  ]) {
    parse(header, context)
  }
  t.match(parse(columns(...ends, 'udp', 5), context), {
    kind: 'connection',
    phase: 'update',
    sourceTransportPort: 3,
    packetsSourceToDestination: 5,
  })
  parse(columns('#path', 'http'), context)
  t.notMatch(
    parse(columns(...ends, 'udp', 5), context),
    { kind: 'connection' },
    'its columns are not told yet',
  )
})

t.test('the first time of a connection is its begin; its octets fall back on the payload', async (t) => {
  const context = createContext(RECEIVED)
  const json = {
    _path: 'conn',
    ts: 1781517599.5,
    uid: 'C1',
    'id.orig_h': '192.0.2.1',
    'id.orig_p': 0,
    'id.resp_h': '198.51.100.2',
    'id.resp_p': 0,
    proto: 'unknown_transport',
    ip_proto: 47,
    duration: 2.25,
    orig_bytes: 10,
    resp_bytes: 20,
  }
  const record = parse(JSON.stringify(json), context)
  t.match(record, {
    kind: 'connection',
    protocolIdentifier: 47,
    durationMilliseconds: 2250,
    octetsSourceToDestination: 10,
    octetsDestinationToSource: 20,
    eventId: 'conn',
  })
  t.notOk('sourceTransportPort' in record)
  t.ok(event.timeIsStart)
  const underscored = JSON.stringify(json).replaceAll('id.', 'id_')
  t.match(parse(underscored, context), { kind: 'connection', destinationAddress: '198.51.100.2' })
  t.match(parse(JSON.stringify({ ...json, orig_ip_bytes: 38 }), context), { octetsSourceToDestination: 38 })
})

t.test('header lines of any number of tags are bounded', async (t) => {
  const context = createContext(RECEIVED)
  for (let index = 0; index < 2000; index++) {
    parse(`<133>Jun 15 10:00:00 s1 tag${index}: ${columns('#fields', ...endNames)}`, context)
  }
  const data = columns(...ends)
  t.match(parse(`<133>Jun 15 10:00:00 s1 tag1999: ${data}`, context), {
    vendor: 'zeek',
    sourceAddress: '192.0.2.76',
  })
  t.notMatch(parse(`<133>Jun 15 10:00:00 s1 tag0: ${data}`, context), { vendor: 'zeek' })
})

t.test('header lines of any number of exporters are bounded', async (t) => {
  const directions = new Directions(new DirectionTable(1), 0)
  const contexts = Array.from({ length: 1100 }, () => createContext(RECEIVED, { directions }))
  for (const context of contexts) {
    for (let index = 0; index < 32; index++) {
      parse(`<133>Jun 15 10:00:00 s1 tag${index}: ${columns('#fields', ...endNames)}`, context)
    }
  }
  const data = `<133>Jun 15 10:00:00 s1 tag31: ${columns(...ends)}`
  t.match(parse(data, contexts.at(-1)!), { vendor: 'zeek' })
  t.notMatch(parse(data, contexts[0]!), { vendor: 'zeek' })
})

t.test('a row begins with the first packet and lasts as long as the connection did', async (t) => {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  const writer = createBlockWriter({
    store,
    now: () => RECEIVED,
    onFailure: (error) => t.fail(error.message),
  })
  const intake = createImportIntake(writer)
  const line = `{"_path":"conn","ts":1781517599.5,"uid":"C1","id.orig_h":"192.0.2.1","id.orig_p":5,"id.resp_h":"198.51.100.2","id.resp_p":80,"proto":"tcp","duration":2.25,"conn_state":"SF"}`
  intake.line(line, parseAddress('192.0.2.254')!, 5514, RECEIVED)
  await writer.flush()
  const { sessions } = await querySessions(store, { limit: 5 })
  t.match(sessions, [{ sessionId: 'C1', startMilliseconds: 1781517599500, endMilliseconds: 1781517601750 }])
})
