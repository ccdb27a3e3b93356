import t from 'tap'
import { createContext, parseLine, SyslogEvent } from '#collectors/syslog/parse.js'
import { renderEvent, type SyslogRecord } from '#collectors/syslog/render.js'

const RECEIVED = Date.UTC(2026, 5, 15, 12)

function parse(line: string, received = RECEIVED, zone?: string): SyslogRecord {
  const event = new SyslogEvent()
  parseLine(line, event, createContext(received, { zone }))
  return renderEvent(event, 1)
}

/** Header dialects: a line and the fields that it must give. Times are UTC unless the line says otherwise. */
const cases: readonly (readonly [title: string, line: string, expected: SyslogRecord])[] = [
  [
    'RFC 5424 with structured data, escapes and BOM',
    '<165>1 2026-06-15T10:00:00.003-02:00 fw.example.net app 42 ID47 [x@32473 a="q\\"\\]"] \u00ef\u00bb\u00bfhello',
    {
      facility: 20,
      severity: 5,
      host: 'fw.example.net',
      application: 'app',
      processId: '42',
      messageId: 'ID47',
      message: 'hello',
      timeMilliseconds: Date.UTC(2026, 5, 15, 12, 0, 0, 3),
      timeZoneFrom: 'message',
    },
  ],
  ['RFC 5424 with nothing but NILs', '<13>1 - - - - - -', { facility: 1, severity: 5 }],
  [
    'RFC 3164',
    '<34>Jun  5 22:14:15 fw1 su[12]: failed',
    {
      facility: 4,
      severity: 2,
      host: 'fw1',
      application: 'su',
      processId: '12',
      message: 'failed',
      yearInferred: true,
      timeZoneFrom: 'default',
      timeMilliseconds: Date.UTC(2026, 5, 5, 22, 14, 15),
    },
  ],
  [
    'a year before the time',
    '<34>Jun  5 2025 22:14:15 fw1 su: x',
    { host: 'fw1', timeMilliseconds: Date.UTC(2025, 5, 5, 22, 14, 15) },
  ],
  [
    'a year behind the time',
    '<34>Jun  5 22:14:15 2025 fw1 su: x',
    { host: 'fw1', timeMilliseconds: Date.UTC(2025, 5, 5, 22, 14, 15) },
  ],
  [
    'milliseconds',
    '<34>Jun  5 22:14:15.125 fw1 su: x',
    { timeMilliseconds: Date.UTC(2026, 5, 5, 22, 14, 15, 125) },
  ],
  [
    'a zone name',
    '<34>Jun  5 22:14:15 CEST: %SYS-5-X: y',
    { timeZoneFrom: 'message', timeMilliseconds: Date.UTC(2026, 5, 5, 20, 14, 15) },
  ],
  [
    'an offset',
    '<34>Jun  5 22:14:15 +02:00 fw1 su: x',
    { host: 'fw1', timeMilliseconds: Date.UTC(2026, 5, 5, 20, 14, 15) },
  ],
  [
    'an ISO time',
    '<34>2026-06-05T22:14:15Z fw1 su: x',
    { host: 'fw1', application: 'su', timeMilliseconds: Date.UTC(2026, 5, 5, 22, 14, 15) },
  ],
  [
    'an RFC 5424 application that is too long is cut where the standard ends it',
    `<13>1 2026-06-15T10:00:00Z h ${'a'.repeat(60)} - - - x`,
    { application: 'a'.repeat(48), message: 'x' },
  ],
  [
    'a clock of twelve hours, and a zone that no table knows',
    '<189>8: Jun  5 2026 10:14:15 PM.125 HQZ : %UC-5-X: y',
    { timeMilliseconds: Date.UTC(2026, 5, 5, 22, 14, 15, 125), timeZoneFrom: 'default' },
  ],
  [
    'slashes: the day first where only that can be',
    '<134> 16/02/2026:15:15:19 GMT adc1 0-PPE-0 : x',
    { host: 'adc1', timeMilliseconds: Date.UTC(2026, 1, 16, 15, 15, 19) },
  ],
  [
    'slashes: either way, the nearer to receipt',
    '<134> 07/06/2026:15:15:19 GMT adc1 0-PPE-0 : x',
    { host: 'adc1', timeMilliseconds: Date.UTC(2026, 5, 7, 15, 15, 19) },
  ],
  ['a blade in front of the host', '<134>Jun  5 22:14:15 slot1/adc1 notice tmm[3]: x', { host: 'adc1' }],
  [
    'the names of the priority in front of the host',
    '<134>Jun  5 22:14:15 user.info adc1 tmm: x',
    { host: 'adc1', application: 'tmm' },
  ],
  [
    'a comma behind the host',
    '<134>Jun  5 22:14:15 adc1,rule=a,b=c',
    { host: 'adc1', message: 'rule=a,b=c' },
  ],
  ['NetApp’s brackets', '<13>Jun  5 22:14:15 [filer1:secd.conn.fail:notice]: x', { host: 'filer1' }],
  [
    'a controller’s task between host and time',
    '<166>wlc1: *apTask1: Jun  5 22:14:15.125: %CAPWAP-4-X: y',
    { host: 'wlc1', timeMilliseconds: Date.UTC(2026, 5, 5, 22, 14, 15, 125) },
  ],
  ['a host in front of an uptime', '<166>sw1: 00:01:01: %SYSMGR-3-X: y', { host: 'sw1' }],
  ['a tag without content', '<13>Jun  5 22:14:15 192.0.2.1 cron', { host: '192.0.2.1', application: 'cron' }],
  ['no host', '<34>Jun  5 22:14:15 su[7]: x', { application: 'su', processId: '7' }],
  ['no priority', 'Jun  5 22:14:15 fw1 su: x', { host: 'fw1', application: 'su' }],
  [
    'a sequence number and a clock without source',
    '<189>29: r1: *Jun  5 22:14:15.411: %SYS-5-CONFIG_I: z',
    { host: 'r1', eventId: 'CONFIG_I' },
  ],
  ['an uptime', '<189>29: 1w2d: %SYS-5-CONFIG_I: z', { eventId: 'CONFIG_I' }],
  [
    'seconds since 1970',
    '<134>1 1780000000.250 mx1 flows allow src=192.0.2.1 dst=198.51.100.1 protocol=udp sport=1 dport=53',
    { host: 'mx1', timeMilliseconds: 1_780_000_000_250, timeZoneFrom: 'message' },
  ],
  ['a host that is named twice', '<34>Jun  5 22:14:15 fw1 fw1 su: x', { host: 'fw1', application: 'su' }],
  [
    'a second header of a relay',
    '<34>Jun  5 22:14:17 relay <166>Jun  5 2026 22:14:15 asa1 : %ASA-5-111010: x',
    { host: 'asa1', facility: 20, severity: 6, timeMilliseconds: Date.UTC(2026, 5, 5, 22, 14, 15) },
  ],
  ['an octet count left in front', '29 <34>Jun  5 22:14:15 fw1 su: x', { host: 'fw1', facility: 4 }],
  [
    'IOS XR: the node in front of the time',
    '<189>12: RP/0/RSP0/CPU0:Jun  5 22:14:15.125 UTC: mgr[355]: %OS-X-6-Y : z',
    { host: 'RP/0/RSP0/CPU0', timeMilliseconds: Date.UTC(2026, 5, 5, 22, 14, 15, 125) },
  ],
  [
    'IOS XR: the host in front of the node, and the year first',
    '<189>12: r1 RP/0/RSP0/CPU0:2026 Jun  5 22:14:15.125 UTC: mgr[355]: %OS-X-6-Y : z',
    { host: 'r1', application: 'mgr', timeMilliseconds: Date.UTC(2026, 5, 5, 22, 14, 15, 125) },
  ],
  [
    'NX-OS: a colon and the year first',
    '<189>: 2026 Jun  5 22:14:15 CEST: %ETHPORT-5-IF_UP: z',
    { eventId: 'IF_UP', timeMilliseconds: Date.UTC(2026, 5, 5, 20, 14, 15) },
  ],
  [
    'a relay that takes the priority from RFC 5424',
    '<14>Jun  5 22:14:17 relay 1 2026-06-05T22:14:15Z fw1 app 11 ID1 - x',
    { host: 'fw1', application: 'app', messageId: 'ID1', timeMilliseconds: Date.UTC(2026, 5, 5, 22, 14, 15) },
  ],
  [
    'a relay’s header in front of RFC 5424',
    '<14>Jun  5 22:14:17 relay <13>1 2026-06-05T22:14:15Z fw1 app 11 ID1 - x',
    { host: 'fw1', severity: 5, processId: '11', message: 'x' },
  ],
  [
    'a repetition has no host',
    '<13>Jun  5 22:14:15 last message repeated 3 times',
    { message: 'last message repeated 3 times' },
  ],
  ['a repetition behind a host', '<13>Jun  5 22:14:15 fw1 last message repeated 3 times', { host: 'fw1' }],
  ['an IPv6 host in brackets', '<13>Jun  5 22:14:15 [2001:db8::5] su: x', { host: '2001:db8::5' }],
  ['an IPv6 host with its zone', '<13>Jun  5 22:14:15 fe80::5%eth0 su: x', { host: 'fe80::5%eth0' }],
  ['an IPv6 host that ends in colons', '<13>Jun  5 22:14:15 2001:db8:: su: x', { host: '2001:db8::' }],
  ['hosts of a chain', '<13>Jun  5 22:14:15 s_net@relay/fw1 su: x', { host: 's_net@relay/fw1' }],
  ['an IPv6 host', '<34>Jun  5 22:14:15 2001:db8::5 su: x', { host: '2001:db8::5', application: 'su' }],
]

/** Forms of a time, and the instant that each gives. */
const times: readonly (readonly [time: string, instant: number])[] = [
  ['1780697655', Date.UTC(2026, 5, 5, 22, 14, 15)],
  ['1780697655.125000901', Date.UTC(2026, 5, 5, 22, 14, 15, 125)],
  ['1780697655125', Date.UTC(2026, 5, 5, 22, 14, 15, 125)],
  ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
  ['Jun  5 24:00:00', Date.UTC(2026, 5, 6)],
  ['2026-06-05T24:00:00Z', Date.UTC(2026, 5, 6)],
  ['06/05/2026 12:14:15 AM', Date.UTC(2026, 5, 5, 0, 14, 15)],
  ['6/25/2025 12:14:15 PM', Date.UTC(2025, 5, 25, 12, 14, 15)],
  ['Jun  5 22:14:15 UTC+2', Date.UTC(2026, 5, 5, 20, 14, 15)],
  ['Jun  5 22:14:15 GMT-05:00', Date.UTC(2026, 5, 6, 3, 14, 15)],
  ['5 Jun 2026 22:14:15', Date.UTC(2026, 5, 5, 22, 14, 15)],
  ['5 Jun 22:14:15', Date.UTC(2026, 5, 5, 22, 14, 15)],
  ['Fri, 05 Jun 2026 22:14:15 +0200', Date.UTC(2026, 5, 5, 20, 14, 15)],
  ['Fri Jun  5 22:14:15 2026', Date.UTC(2026, 5, 5, 22, 14, 15)],
  ['jun/05/2026 22:14:15', Date.UTC(2026, 5, 5, 22, 14, 15)],
  ['2026-6-5 22:14:15', Date.UTC(2026, 5, 5, 22, 14, 15)],
  ['2026/06/05 22:14:15', Date.UTC(2026, 5, 5, 22, 14, 15)],
  ['2026.06.05 22:14:15', Date.UTC(2026, 5, 5, 22, 14, 15)],
  ['05.06.2026 22:14:15', Date.UTC(2026, 5, 5, 22, 14, 15)],
  ['20260605T221415Z', Date.UTC(2026, 5, 5, 22, 14, 15)],
  ['2026-06-05 22:14:15,125 +0200', Date.UTC(2026, 5, 5, 20, 14, 15, 125)],
]

t.test('every form of a time gives its instant, and the host behind it', async (t) => {
  for (const [time, instant] of times) {
    const { timeMilliseconds, host } = parse(`<14>${time} fw1 su: x`)
    t.same({ timeMilliseconds, host }, { timeMilliseconds: instant, host: 'fw1' }, time)
  }
})

t.test('what looks like a time and is none leaves the time unknown', async (t) => {
  for (const time of [
    'Jun 31 22:14:15',
    'Feb 29 2026 22:14:15',
    '2026-13-05T22:14:15Z',
    'Jun  5 24:00:01',
    '5.6.2026',
  ]) {
    t.equal(parse(`<14>${time} fw1 su: x`)['timeMilliseconds'], undefined, time)
  }
})

t.test('header dialects', async (t) => {
  for (const [title, line, expected] of cases) {
    const record = parse(line)
    const actual = Object.fromEntries(Object.keys(expected).map((key) => [key, record[key]]))
    t.same(actual, expected, title)
  }
})

t.test(
  '31 December seen on 1 January is last year, and 1 January seen on 31 December is next year',
  async (t) => {
    t.equal(
      parse('<34>Dec 31 23:59:59 a b: c', Date.UTC(2026, 0, 1, 0, 5))['timeMilliseconds'],
      Date.UTC(2025, 11, 31, 23, 59, 59),
    )
    t.equal(
      parse('<34>Jan  1 00:00:01 a b: c', Date.UTC(2026, 11, 31, 23, 59))['timeMilliseconds'],
      Date.UTC(2027, 0, 1, 0, 0, 1),
    )
    t.equal(
      parse('<34>Feb 29 12:00:00 a b: c', Date.UTC(2025, 1, 28))['timeMilliseconds'],
      Date.UTC(2024, 1, 29, 12),
    )
  },
)

t.test('a configured zone is used where the line has none, and never the zone of the process', async (t) => {
  const line = '<34>Jun  5 22:14:15 fw1 su: x'
  const berlin = parse(line, RECEIVED, 'Europe/Berlin')
  t.equal(berlin['timeMilliseconds'], Date.UTC(2026, 5, 5, 20, 14, 15))
  t.equal(berlin['timeZoneFrom'], 'configured')
  t.equal(parse(line)['timeMilliseconds'], Date.UTC(2026, 5, 5, 22, 14, 15))
  t.equal(parse('<34>2026-06-05T22:14:15Z a b: c', RECEIVED, 'Europe/Berlin')['timeZoneFrom'], 'message')
  // CST is Chicago's and China's: the operator's word decides.
  t.equal(
    parse('<34>Jun  5 22:14:15 CST a b: c', RECEIVED, 'Asia/Shanghai')['timeMilliseconds'],
    Date.UTC(2026, 5, 5, 14, 14, 15),
  )
})

t.test('the hour that a zone lives twice is the one nearer to receipt', async (t) => {
  // Berlin, 25 October 2026: 02:30 is 00:30 and 01:30 UTC.
  const line = '<34>Oct 25 02:30:00 a b: c'
  t.equal(
    parse(line, Date.UTC(2026, 9, 25, 0, 31), 'Europe/Berlin')['timeMilliseconds'],
    Date.UTC(2026, 9, 25, 0, 30),
  )
  t.equal(
    parse(line, Date.UTC(2026, 9, 25, 1, 31), 'Europe/Berlin')['timeMilliseconds'],
    Date.UTC(2026, 9, 25, 1, 30),
  )
  // The hour that is skipped (29 March 02:30) does not exist; the clock was not yet put forward.
  t.equal(
    parse('<34>Mar 29 02:30:00 a b: c', Date.UTC(2026, 2, 29, 1, 31), 'Europe/Berlin')['timeMilliseconds'],
    Date.UTC(2026, 2, 29, 1, 30),
  )
})

t.test('text that is no syslog is not understood, and octets that are no UTF-8 become U+FFFD', async (t) => {
  const event = new SyslogEvent()
  const context = createContext(RECEIVED)
  for (const line of ['', ' ', 'this is not syslog', '<', '<>', '<999>', '\u0000\u0000']) {
    t.equal(parseLine(line, event, context), false, JSON.stringify(line))
  }
  t.equal(parse('<34>Jun  5 22:14:15 fw1 su: \u00c3\u00a4 \u00ff')['message'], '\u00e4 \ufffd')
})
