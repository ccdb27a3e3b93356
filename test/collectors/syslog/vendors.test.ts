import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { createMappedProduct } from '#collectors/syslog/mapping.js'
import { createContext, parseLine, parseSyslogFile, SyslogEvent } from '#collectors/syslog/parse.js'
import { productIds } from '#collectors/syslog/registry.js'
import { renderEvent, type SyslogRecord } from '#collectors/syslog/render.js'
import { fixtures } from '../../support/project.js'

const RECEIVED = Date.UTC(2026, 5, 15, 12)
type Case = {
  readonly product: string
  readonly title: string
  readonly line: string
  readonly expected: SyslogRecord
}
const cases = ['messages', 'firewalls'].flatMap((name) =>
  readFileSync(join(fixtures, `syslog/${name}.ndjson`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Case),
)

function parse(line: string, context = createContext(RECEIVED)): SyslogRecord | null {
  const event = new SyslogEvent()
  return parseLine(line, event, context) ? renderEvent(event, 1) : null
}

t.test('messages of every product give their fields', async (t) => {
  for (const { product, title, line, expected } of cases) {
    const record = parse(line) ?? {}
    const actual = Object.fromEntries(Object.keys(expected).map((key) => [key, record[key]]))
    t.same(actual, expected, `${product}: ${title}`)
  }
  const covered = new Set(cases.map((one) => one.product))
  t.same(
    productIds.filter((id) => !covered.has(id)),
    [],
    'every product has a fixture',
  )
})

t.test('what a line does not say is left out', async (t) => {
  const zoned = parse(
    '<190>392: *Jun 15 10:00:00.070 mng: %SEC-6-IPACCESSLOGP: list 7 denied udp 192.0.2.1(137) -> 198.51.100.1(138), 1 packet',
  )
  t.equal(zoned?.['host'], undefined, 'a zone in small letters is no host')
  const translated = parse(
    '<134>1 2026-06-15T10:00:00Z gw1 CheckPoint 1 - [action:"Accept"; src:"192.0.2.1"; dst:"198.51.100.1"; proto:"6"; s_port:"1"; service:"2"; xlatedst:"203.0.113.1"; xlatedport:"0"; ]',
  )
  t.match(translated, { postNATDestinationAddress: '203.0.113.1' })
  t.equal(translated?.['postNAPTDestinationTransportPort'], undefined, 'port 0 is no translation')
  const backwards = parse(
    '2 123456789012 eni-0a1b 203.0.113.12 192.0.2.5 49761 22 6 20 4249 1781517540 1781517500 ACCEPT OK',
  )
  t.match(backwards, { kind: 'connection', product: 'vpc' })
  t.equal(backwards?.['durationMilliseconds'], undefined, 'an end before its start is no duration')
})

t.test('octets of a FortiGate are deltas where packets are totals', async (t) => {
  const event = new SyslogEvent()
  const statistics = (rest: string) =>
    parseLine(
      `date=2026-06-15 time=10:00:00 devid="FG1" logid="0000000020" type="traffic" srcip=192.0.2.1 dstip=198.51.100.1 proto=6 action="accept" sentbyte=5000 rcvdbyte=9000 sentpkt=50 rcvdpkt=60 ${rest}`,
      event,
      createContext(RECEIVED),
    )
  statistics('sentdelta=500 rcvddelta=900')
  t.same([event.octetsSourceToDestination, event.runningTotals, event.runningPackets], [500, false, true])
  statistics('sentdelta=500 rcvddelta=900 sentpktdelta=5 rcvdpktdelta=6')
  t.same([event.packetsSourceToDestination, event.runningTotals, event.runningPackets], [5, false, false])
  statistics('sentdelta=500 rcvddelta=900 logid="0000000013"')
  t.same([event.packetsSourceToDestination, event.runningPackets], [50, false], 'the close has them all')
  statistics('')
  t.same([event.octetsSourceToDestination, event.runningTotals, event.runningPackets], [5000, true, true])
})

t.test('a torn-down ASA connection has the direction of its built line', async (t) => {
  const context = createContext(RECEIVED)
  const built =
    'Built outbound TCP connection 77 for outside:198.51.100.9/443 (198.51.100.9/443) to inside:192.0.2.5/50000 (203.0.113.1/40000)'
  const ended =
    'Teardown TCP connection 77 for outside:198.51.100.9/443 to inside:192.0.2.5/50000 duration 0:01:02 bytes 300 TCP FINs'
  const first = parse(`<166>Jun 15 2026 11:00:00 asa1 : %ASA-6-302013: ${built}`, context)
  t.match(first, {
    sourceAddress: '192.0.2.5',
    postNATSourceAddress: '203.0.113.1',
    ingressInterfaceName: 'inside',
    phase: 'start',
  })
  const last = parse(`<166>Jun 15 2026 11:01:02 asa1 : %ASA-6-302014: ${ended}`, context)
  t.match(last, {
    sourceAddress: '192.0.2.5',
    destinationTransportPort: 443,
    octetsTotal: 300,
    durationMilliseconds: 62000,
    phase: 'end',
    endReason: 'TCP FINs',
  })
  // Another firewall behind the same relay has its own connection 77.
  t.match(parse(`<166>Jun 15 2026 11:01:02 asa2 : %ASA-6-302014: ${ended}`, context), {
    sourceAddress: '198.51.100.9',
  })
})

t.test(
  'an ASA ICMP session ends in the direction in which it began, and state bypass names its opener',
  async (t) => {
    const context = createContext(RECEIVED)
    const ends =
      'ICMP connection for faddr 198.51.100.9/17 gaddr 203.0.113.5/0 laddr 192.0.2.9/0 type 8 code 0'
    parse(`<166>%ASA-6-302020: Built inbound ${ends}`, context)
    const ended = parse(`<166>%ASA-6-302021: Teardown ${ends}`, context)
    t.match(ended, { sourceAddress: '198.51.100.9', destinationAddress: '192.0.2.9', phase: 'end' })
    t.equal(ended?.['sourceTransportPort'], undefined, 'the identifier is no port')
    const bypass =
      'Teardown TCP state-bypass connection 9 from inside:192.0.2.7/3000 to outside:198.51.100.7/80 duration 0:00:10 bytes 5 Idle'
    t.match(parse(`<166>%ASA-6-302304: ${bypass}`, context), { sourceAddress: '192.0.2.7', phase: 'end' })
  },
)

t.test('no input throws, and no line takes long', async (t) => {
  const event = new SyslogEvent()
  const context = createContext(RECEIVED, { zone: 'America/New_York' })
  const lines = cases.map((one) => one.line)
  fc.assert(
    fc.property(
      fc.constantFrom(...lines),
      fc.nat(),
      fc.nat(400),
      fc.string({ unit: 'binary', maxLength: 40 }),
      (line, at, length, junk) => {
        const start = at % line.length
        const mutated = Buffer.from(
          line.slice(0, start) + junk + line.slice(start + length),
          'utf8',
        ).toString('latin1')
        parseLine(mutated, event, context)
        renderEvent(event, 1)
      },
    ),
    { numRuns: 3000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      parseLine(Buffer.from(bytes).toString('latin1'), event, context)
      renderEvent(event, 1)
    }),
    { numRuns: 2000 },
  )
  const hostile = [
    '9',
    '<',
    '[',
    '"',
    '=',
    ', ',
    '\\',
    'a:',
    '%',
    ' IN= SRC= DST=',
    'a=" ',
    '("',
    '(',
    'x:y, ',
    'date=',
    '1 ',
    ' - ',
    '; ',
    ' -> ',
    ': ',
  ]
  const openings = [
    '',
    '<134>1 2026-06-15T10:00:00Z h a 1 m [',
    '<166>Jun  5 2026 22:14:15 h : %FTD-1-430003: ',
    'CEF:0|Fortinet|Fortigate|',
    'date=2026-06-05 devid="FG" logid=',
    'id=firewall sn=1 fw=1 m=',
    '1,2026/06/05,1,TRAFFIC,',
    '%ASA-6-302013: Built ',
    '<14>Jun  5 22:14:15 h kernel: IN= SRC= DST= ',
    '<134>1 2026-06-15T10:00:00Z h CheckPoint 1 - [action:"x"; ',
    'CEF:0|Check Point|VPN-1 & FireWall-1|Check Point|',
    '<134>Jun  5 22:14:15 h Checkpoint: 15Jun2026 10:00:00 accept 192.0.2.1 >eth0 product: x; ',
    'CEF:0|F5|ASM|1|',
    'acl_policy_name="',
    '01490005:5: a:b:c: allow ACL: packet: ',
    '06/15/2026:10:00:00 GMT h 0-PPE-0 : default TCP CONN_DELINK 1 0 :  Source ',
    '{"timestamp":"x","event_type":"flow","flow_id":1,"flow":{',
    '{"sourcetype":"zscalernss-fw","event":{',
    'LEEF:1.0|Zscaler|NSS-FW|6.0|Drop|',
    '[1:2:3] ',
    'rule 3/(match) block in on em0: ',
    'FW: ge-0/0/0.0 A tcp ',
    '#INFO# list ',
    'PulseSecure: - - - ',
    'firewall,info forward: in:a out:b, proto TCP, ',
    'LEEF:2.0|Palo Alto Networks|PAN-OS Syslog Integration|1|a|x7C|cat=TRAFFIC|',
  ]
  for (const opening of openings) {
    for (const piece of hostile) {
      const line = opening + piece.repeat(65_536 / piece.length)
      const began = process.hrtime.bigint()
      parseLine(line, event, context)
      renderEvent(event, 1)
      const milliseconds = Number(process.hrtime.bigint() - began) / 1e6
      if (milliseconds > 250) t.fail(`${opening}${piece}…: ${milliseconds} ms`)
    }
  }
  t.pass('hostile lines of 64 kB end in time')
})

t.test(
  'optional pairs in another order, and other names and addresses, are found just the same',
  async (t) => {
    const pairs = [
      'srcip=192.0.2.7',
      'dstip=198.51.100.8',
      'srcport=1025',
      'dstport=53',
      'proto=17',
      'action="accept"',
      'sentbyte=10',
      'rcvdbyte=20',
      'policyid=3',
      'service="DNS"',
      'msg="a \\"b\\" c=d"',
    ]
    const name = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,20}$/)
    fc.assert(
      fc.property(
        fc.shuffledSubarray(pairs, { minLength: pairs.length }),
        name,
        fc.ipV4(),
        (order, user, address) => {
          const body = order.join(' ').replace('192.0.2.7', address)
          const record = parse(
            `<189>date=2026-06-05 time=01:02:03 devname="f" devid="FG1" logid="0000000013" type="traffic" user="${user}" ${body}`,
          )
          return (
            record?.['kind'] === 'connection' &&
            record['sourceAddress'] === address &&
            record['userName'] === user &&
            record['destinationTransportPort'] === 53 &&
            record['octetsTotal'] === 30 &&
            record['ruleId'] === '3'
          )
        },
      ),
      { numRuns: 300 },
    )
    t.pass('every order was found')
  },
)

t.test('a file gives one object or null per line, also cut into chunks', async (t) => {
  const bytes = Buffer.from('<34>Jun  5 22:14:15 fw1 su: x\r\nnonsense\n<13>last\n', 'latin1')
  const options = { receivedMilliseconds: RECEIVED }
  const whole = []
  for await (const record of parseSyslogFile(bytes, options)) whole.push(record)
  t.equal(whole.length, 3)
  t.equal(whole[1], null)
  t.equal(whole[0]?.['message'], 'x')
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const byte of bytes) yield Uint8Array.of(byte)
  }
  const pieces = []
  for await (const record of parseSyslogFile(chunks(), options)) pieces.push(record)
  t.same(pieces, whole)
})

t.test(
  'a mapping of the configuration reads pairs, JSON, CEF and LEEF of a product that no file knows',
  async (t) => {
    const mapped = [
      createMappedProduct({
        vendor: 'acme',
        product: 'wall',
        when: { application: 'acmed', contains: 'conn' },
        keys: {
          kind: 'phase',
          from: 'sourceAddress',
          'from.ip': 'sourceAddress',
          'to.ip': 'destinationAddress',
          to: 'destinationAddress',
          'to.port': 'destinationTransportPort',
          dport: 'destinationTransportPort',
          l4: 'protocolIdentifier',
          verdict: 'action',
          sent: 'octetsSourceToDestination',
          took: 'durationSeconds',
          at: 'timeMilliseconds',
        },
        allowWords: ['Waved through'],
        denyWords: ['squashed'],
      }),
    ]
    const head = '<134>Jun 15 10:00:00 fw1 acmed[7]: '
    const bodies = [
      'conn=1 kind=end from=192.0.2.1 to=198.51.100.2 dport=443 l4=tcp verdict="waved through" sent=10 took=2 at=2026-06-15T09:59:59Z',
      '{"conn":1,"kind":"end","from":{"ip":"192.0.2.1"},"to":{"ip":"198.51.100.2","port":443},"l4":6,"verdict":"Waved through","list":[{"from":"x"}],"sent":10,"took":2,"at":"2026-06-15T09:59:59Z"}',
      'CEF:0|Acme|Wall|1|conn|conn|3|kind=end from=192.0.2.1 to=198.51.100.2 dport=443 l4=tcp verdict=Waved through sent=10 took=2 at=2026-06-15T09:59:59Z',
      'LEEF:2.0|Acme|Wall|1|conn|^|kind=end^from=192.0.2.1^to=198.51.100.2^dport=443^l4=tcp^verdict=Waved through^sent=10^took=2^at=2026-06-15T09:59:59Z',
    ]
    for (const body of bodies) {
      t.match(
        parse(head + body, createContext(RECEIVED, { mapped })),
        {
          kind: 'connection',
          vendor: 'acme',
          product: 'wall',
          phase: 'end',
          sourceAddress: '192.0.2.1',
          destinationAddress: '198.51.100.2',
          destinationTransportPort: 443,
          protocolIdentifier: 6,
          outcome: 'allow',
          octetsSourceToDestination: 10,
          durationMilliseconds: 2000,
          timeMilliseconds: Date.UTC(2026, 5, 15, 9, 59, 59),
          timeZoneFrom: 'message',
        },
        body.slice(0, 12),
      )
    }
    t.match(
      parse(
        `${head}conn=1 from=192.0.2.1 to=198.51.100.2 verdict=squashed`,
        createContext(RECEIVED, { mapped }),
      ),
      {
        kind: 'connection',
        outcome: 'deny',
      },
    )
    t.notMatch(
      parse('<134>Jun 15 10:00:00 fw1 other: conn=1 from=192.0.2.1', createContext(RECEIVED, { mapped })),
      {
        vendor: 'acme',
      },
    )
  },
)
