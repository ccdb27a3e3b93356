import fc from 'fast-check'
import t from 'tap'
import {
  explainProblem,
  MAX_CONTAINS,
  MAX_DEPTH,
  MAX_FILTER_LENGTH,
  MAX_LIST,
  MAX_TESTS,
  parseFilter,
} from '#core/store/query/parse.js'
import { prepare } from '#core/store/query/prepare.js'

const prefix = (length: number, ...words: number[]) => ({
  address: { family: words.length === 1 ? 4 : 6, words: words.length === 1 ? [0, 0, 0, ...words] : words },
  length,
})
const ten = prefix(8, 0x0a000000)
const compare = (field: string, operator: string, value: number) => ({
  type: 'compare',
  field,
  operator,
  value,
})
const within = (field: string, ...ranges: [number, number][]) => ({ type: 'in', field, ranges })
const address = (field: string, ...prefixes: object[]) => ({ type: 'address', field, prefixes })
const text = (field: string, how: string, ...texts: string[]) => ({ type: 'text', field, how, texts })

const accepted: readonly (readonly [string, object])[] = [
  ['', { type: 'any' }],
  ['any', { type: 'any' }],
  [
    'proto icmp and src net 10.0.0.0/8',
    { type: 'and', filters: [compare('protocol', '=', 1), address('source', ten)] },
  ],
  ['PROTO 6', compare('protocol', '=', 6)],
  ['proto in [tcp, udp 132]', within('protocol', [6, 6], [17, 17], [132, 132])],
  ['proto ipv6-icmp', compare('protocol', '=', 58)],
  ['inet', { type: 'family', family: 4 }],
  ['inet6', { type: 'family', family: 6 }],
  ['net 10/8', { type: 'address', field: 'address', prefixes: [ten] }],
  ['src net 192.168/16', { type: 'address', field: 'source', prefixes: [prefix(16, 0xc0a80000)] }],
  ['tcp or icmp6', { type: 'or', filters: [compare('protocol', '=', 6), compare('protocol', '=', 58)] }],
  ['host 192.0.2.1', address('address', prefix(32, 0xc0000201))],
  ['dst host 2001:db8::1', address('destination', prefix(128, 0x20010db8, 0, 0, 1))],
  ['src ip in [10.0.0.0/8, 2001:db8::/32]', address('source', ten, prefix(32, 0x20010db8, 0, 0, 0))],
  ['exporter 192.0.2.1', address('exporter', prefix(32, 0xc0000201))],
  ['port 53', compare('port', '=', 53)],
  ['src port > 1024', compare('sourcePort', '>', 1024)],
  ['dst port!=443', compare('destinationPort', '!=', 443)],
  ['port in [53,123]', within('port', [53, 53], [123, 123])],
  ['port in [53 8000-8080]', within('port', [53, 53], [8000, 8080])],
  ['port 1024-2000', within('port', [1024, 2000])],
  [
    'icmp-type 8 and icmp-code = 0',
    { type: 'and', filters: [compare('icmpType', '=', 8), compare('icmpCode', '=', 0)] },
  ],
  ['bytes > 1m', compare('octets', '>', 1e6)],
  ['bytes >= 1.5G', compare('octets', '>=', 1.5e9)],
  ['reverse packets == 3', compare('reversePackets', '=', 3)],
  ['duration < 10s', compare('duration', '<', 10_000)],
  ['duration <= 2m', compare('duration', '<=', 120_000)],
  ['bps > 10m', compare('bitsPerSecond', '>', 1e7)],
  [
    'flags S and not flags A',
    {
      type: 'and',
      filters: [
        { type: 'flags', bits: 2 },
        { type: 'not', filter: { type: 'flags', bits: 16 } },
      ],
    },
  ],
  ['flags 0x12', { type: 'flags', bits: 18 }],
  ['tos 0xb8', compare('classOfService', '=', 0xb8)],
  [
    'in if 3 || out if 4',
    { type: 'or', filters: [compare('ingressInterface', '=', 3), compare('egressInterface', '=', 4)] },
  ],
  ['if in [3-5]', within('interface', [3, 5])],
  ['vlan 100', compare('vlan', '=', 100)],
  ['app ssl', text('application', 'equals', 'ssl')],
  ['app != "web browsing"', text('application', 'differs', 'web browsing')],
  ['action in [deny, drop]', text('action', 'equals', 'deny', 'drop')],
  ['rule contains "in ternet"', text('rule', 'contains', 'in ternet')],
  [`rule "a \\"b\\" \\\\"`, text('rule', 'equals', 'a "b" \\')],
  ["user 'and'", text('user', 'equals', 'and')],
  ['message "login failed"', text('message', 'contains', 'login failed')],
  ['outcome allow', compare('outcome', '=', 1)],
  [
    'ipv4 and !ipv6',
    {
      type: 'and',
      filters: [
        { type: 'family', family: 4 },
        { type: 'not', filter: { type: 'family', family: 6 } },
      ],
    },
  ],
  [
    'not (tcp or udp) and any',
    {
      type: 'and',
      filters: [
        {
          type: 'not',
          filter: { type: 'or', filters: [compare('protocol', '=', 6), compare('protocol', '=', 17)] },
        },
        { type: 'any' },
      ],
    },
  ],
  [
    'any or any and any',
    { type: 'or', filters: [{ type: 'any' }, { type: 'and', filters: [{ type: 'any' }, { type: 'any' }] }] },
  ],
]

/** The filter, and the line of carets under it; then what the message begins with. */
const refused: readonly (readonly [string, string, string])[] = [
  ['proto', '     ^', 'a protocol is expected here'],
  ['proto nonesuch', '      ^^^^^^^^', 'a protocol is expected here'],
  ['proto constructor', '      ^^^^^^^^^^^', 'a protocol is expected here'],
  ['port 65536', '     ^^^^^', 'a number from 0 to 65535'],
  ['port 5 and port 10-99999', '                   ^^^^^', 'a number from 0 to 65535'],
  ['port 9-1', '     ^^^', 'this range ends before'],
  ['port != 53', '     ^^', '`!=` of either of two'],
  ['zone != dmz', '     ^^', '`!=` of either of two'],
  ['tcp port 53', '    ^^^^', '`and` or `or` is missing'],
  ['net 10.0.0.0 mask 255.0.0.0', '             ^^^^', 'a mask is written as a length'],
  ['host fe80::1%eth0', '     ^^^^^^^^^^^^', 'a zone like %eth0 is in no row'],
  ['host 10/8', '     ^^^^', 'an address is expected here'],
  ['net 10', '    ^^', 'an address or prefix is expected here'],
  ['net 300/8', '    ^^^^^', 'an address or prefix is expected here'],
  ['src 10.0.0.1', '    ^^^^^^^^', 'after `src` comes host, ip, net, port, zone'],
  ['source 10.0.0.1', '^^^^^^', 'no test begins like this'],
  ['__proto__ 1', '^^^^^^^^^', 'no test begins like this'],
  ['host 10.0.0.0/8', '     ^^^^^^^^^^', 'a single address is expected'],
  ['net 10.0.0.0/33', '    ^^^^^^^^^^^', 'an address or prefix'],
  ['host 010.0.0.1', '     ^^^^^^^^^', 'an address is expected'],
  ['(tcp or udp', '^', 'this bracket is never closed'],
  ['(tcp udp)', '     ^^^', '`and`, `or` or a closing bracket'],
  ['tcp)', '   ^', 'no bracket is open'],
  ['tcp and', '       ^', 'a test is missing'],
  ['and tcp', '^^^', 'no test begins like this'],
  ['not', '   ^', 'a test is missing'],
  ['port in 53', '        ^^', 'after `in` comes a list'],
  ['port in [53', '        ^', 'this list is never closed'],
  ['port in []', '        ^', 'this list is empty'],
  ['app "ssl', '    ^', 'this quote is never closed'],
  ['app and', '    ^^^', 'a text is expected here'],
  ['app ""', '    ^^', 'a text is expected here'],
  ['app > a', '    ^', 'texts are compared by'],
  ['bytes > 1q', '        ^^', 'a number is expected here'],
  ['bytes > -1', '        ^^', 'a number is expected here'],
  ['duration > 1week', '           ^^^^^', 'a duration is expected'],
  ['flags SX', '      ^^', 'TCP flags are expected'],
  ['outcome none', '        ^^^^', 'one of allow, deny, other'],
  ['tcp \u0007 udp', '    ^', 'this character cannot be used'],
  ['any > 3', '    ^', '`and` or `or` is missing here, or this test takes no operator'],
]

t.test('filters that are understood', async (t) => {
  for (const [filter, expected] of accepted) t.same(parseFilter(filter), { filter: expected }, filter)
})

t.test('filters that are refused, with a caret under the place', async (t) => {
  for (const [filter, carets, message] of refused) {
    const read = parseFilter(filter)
    const problem = 'problem' in read ? explainProblem(filter, read.problem) : 'accepted'
    const [first, shown, under] = problem.split('\n')
    t.equal(first?.slice(0, message.length), message, filter)
    t.equal(shown, `  ${filter.replace('\u0007', ' ')}`)
    t.equal(under, `  ${carets}`)
  }
})

t.test('the caret stays under its place in a filter that is cut to a line', async (t) => {
  const filter = `${'tcp or '.repeat(40)}port x${' or tcp'.repeat(40)}`
  const read = parseFilter(filter)
  const [, shown = '', under = ''] = 'problem' in read ? explainProblem(filter, read.problem).split('\n') : []
  t.ok(shown.length < 110)
  t.equal(shown.slice(under.indexOf('^'), under.indexOf('^') + 2), 'x ')
  t.match(shown, /^ {2}\.\.\..*\.\.\.$/)
  const long = 'tcp or '.repeat(MAX_FILTER_LENGTH)
  const tooLong = parseFilter(long)
  const lines = 'problem' in tooLong ? explainProblem(long, tooLong.problem).split('\n') : []
  t.equal(lines.length, 3)
  for (const line of lines) t.ok(line.length < 150, 'nor is a row of carets longer than the line')
})

t.test('what a filter may cost is bounded', async (t) => {
  const limits: readonly (readonly [string, string, RegExp])[] = [
    ['tcp or '.repeat(MAX_FILTER_LENGTH), 'length', /at most 4096 characters/],
    [`${'('.repeat(MAX_DEPTH)}tcp${')'.repeat(MAX_DEPTH)}`, 'brackets', /go into each other/],
    [`${'!'.repeat(MAX_FILTER_LENGTH - 4)}tcp`, 'not', /go into each other/],
    [
      Array(MAX_TESTS + 1)
        .fill('tcp')
        .join(' or '),
      'tests',
      /at most 128 tests/,
    ],
    [
      `port in [${Array(MAX_LIST + 1)
        .fill('1')
        .join(' ')}]`,
      'list',
      /at most 256 values/,
    ],
    [
      Array(MAX_CONTAINS + 1)
        .fill('message a')
        .join(' or '),
      'contains',
      /at most 8 times/,
    ],
  ]
  for (const [filter, name, message] of limits) {
    const read = parseFilter(filter)
    t.match('problem' in read ? read.problem.message : '', message, name)
  }
  t.ok('filter' in parseFilter(`${'('.repeat(MAX_DEPTH - 1)}tcp${')'.repeat(MAX_DEPTH - 1)}`))
  t.ok('filter' in parseFilter(Array(MAX_TESTS).fill('tcp').join(' or ')))
})

t.test('any text is either a filter that can be prepared, or a problem that lies inside of it', async (t) => {
  const pieces = fc.constantFrom(
    ...'( ) [ ] , = != < >= ! && || and or not in src dst port proto host net app flags if bytes duration contains any'.split(
      ' ',
    ),
    ...[
      '53',
      '10.0.0.0/8',
      '::1',
      'ssl',
      '1m',
      '10s',
      '"a b"',
      "'",
      '"',
      '\\',
      '\u0000',
      'ü',
      '1-5',
      '-',
      '0x',
    ],
  )
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join(' ')),
    fc.string({ maxLength: 60 }),
  )
  const property = fc.property(text, (filter) => {
    const read = parseFilter(filter)
    if ('filter' in read) return prepare(read.filter).kind !== undefined
    const { at, end } = read.problem
    return (
      at >= 0 &&
      at <= end &&
      end <= filter.length &&
      explainProblem(filter, read.problem).split('\n').length === 3
    )
  })
  await t.resolves(async () => fc.assert(property, { numRuns: 3000 }))
})
