// Messages out of captured TCP segments that come late, twice, not at all, or never began.

import t from 'tap'
import { createDatagramReader } from '#collectors/capture/datagrams.js'
import { MAX_STREAMS } from '#collectors/capture/tcp-streams.js'
import { concatenate } from '#simulate/encode/bytes.js'
import { keptBuffers } from '../../support/memory.js'
import { data, ipfix, ipfixTemplate, NOW, record, simple } from '../netflow/datagrams.js'
import { connection, cut, FIN, RST, type Segment, SYN, tcpPacket } from './segments.js'

const first = ipfix([ipfixTemplate(256, simple), data(256, record(1))])
const second = ipfix([data(256, record(2), record(3))])
const third = ipfix([data(256, record(4))])
const all = concatenate([first, second, third])
const text = (value: string) => Uint8Array.from(Buffer.from(value))

/** What a reader makes of segments: the messages, and the faults with their octets. */
function read(segments: readonly Segment[], apart = 1) {
  const faults: [string, number][] = []
  const reader = createDatagramReader(({ reason, octets }) => faults.push([reason, octets]))
  const found = segments.flatMap((segment, index) =>
    reader.take({ timeMilliseconds: NOW + index * apart, linkType: 101, octets: tcpPacket(segment) }),
  )
  found.push(...reader.end())
  return { found, faults, payloads: found.map(({ payload }) => Buffer.from(payload).toString('latin1')) }
}
const texts = (...messages: Uint8Array[]) => messages.map((octets) => Buffer.from(octets).toString('latin1'))

t.test('messages come whole out of segments in any order', async (t) => {
  const pieces = connection(cut(all, 10, 17, first.length + 3, all.length - 1))
  const [syn, one, two, three, four, five] = pieces as [Segment, Segment, Segment, Segment, Segment, Segment]
  const overlapping = { ...two, payload: all.subarray(10, first.length + 9) }
  const cases: [name: string, segments: Segment[]][] = [
    ['in order', pieces],
    ['one a message', connection([first, second, third])],
    ['all in one', connection([all])],
    [
      'octet by octet',
      connection(cut(all, ...Array.from({ length: all.length - 1 }, (_, index) => index + 1))),
    ],
    ['backwards', [syn, five, four, three, two, one]],
    ['some twice', [syn, one, two, one, two, three, two, four, five, five]],
    ['one that overlaps', [syn, one, overlapping, three, four, five]],
    ['an early one that overlaps', [syn, overlapping, three, one, four, five]],
    ['the first word twice', [syn, syn, one, two, three, four, five]],
    ['numbers that begin anew', connection(cut(all, 10, 17, 40), {}, 0xffffffff - 20)],
    ['an end', [...pieces, { sequence: 7001 + all.length, flags: FIN }]],
    [
      'an end that comes early',
      [
        syn,
        one,
        two,
        three,
        four,
        { ...five, sequence: 7001 + all.length, payload: new Uint8Array(), flags: FIN },
        five,
      ],
    ],
    ['IPFIX on a port of another', connection([first, second, third], { destinationPort: 9995 })],
  ]
  t.plan(cases.length)
  for (const [name, segments] of cases) {
    const { payloads, faults } = read(segments)
    t.same([payloads, faults], [texts(first, second, third), []], name)
  }
})

t.test('what is missing is told, and reading goes on where a message begins', async (t) => {
  const [syn, one, two, three] = connection([first, second, third]) as [Segment, Segment, Segment, Segment]
  const rest = connection([all.subarray(0, 20), all.subarray(20, first.length), second, third])
  const ssh = text('SSH-2.0-OpenSSH\r\n')
  const early = (distance: number) => ({ ...three, sequence: three.sequence + distance })
  const cases: [name: string, segments: Segment[], messages: Uint8Array[], faults: [string, number][]][] = [
    ['a message', [syn, one, three], [first, third], [['stream-gap', second.length]]],
    ['the begin of a message', [rest[0]!, rest[2]!, rest[3]!, rest[4]!], [second, third], []],
    ['the begin of the connection', [two, three], [second, third], []],
    [
      'the end of a message',
      [rest[0]!, one, rest[3]!, { ...rest[4]!, payload: third.subarray(0, 18) }],
      [first, second],
      [['stream-cut', 18]],
    ],
    [
      'a part of a message',
      [syn, one, { ...two, payload: second.subarray(0, 20) }, three],
      [first, third],
      [['stream-gap', second.length]],
    ],
    ['a reset', [syn, one, three, { ...two, flags: RST }], [first, third], [['stream-gap', second.length]]],
    ['far ahead', [syn, one, early(1 << 30)], [first, third], [['stream-gap', 0]]],
    ['a segment within a message', [{ ...two, payload: second.subarray(3) }, three], [third], []],
    ['another protocol', connection([ssh, first], { destinationPort: 22 }), [first], []],
    ['another protocol on the port of IPFIX', connection([ssh]), [], [['stream-framing', ssh.length]]],
    [
      'sets that do not fill a message',
      connection([Uint8Array.from(first, (octet, at) => (at === 19 ? 21 : octet))], {
        destinationPort: 9995,
      }),
      [],
      [],
    ],
    [
      'no segment at all',
      [
        { sequence: 1, flags: FIN },
        { sequence: 2, flags: RST },
      ],
      [],
      [],
    ],
  ]
  t.plan(cases.length)
  for (const [name, segments, messages, faults] of cases) {
    const found = read(segments)
    t.same([found.payloads, found.faults], [texts(...messages), faults], name)
  }
})

t.test('a segment that was not captured is not waited for without end', async (t) => {
  const [syn, one, , three] = connection([first, second, third])
  const far = connection([first, second, third], {}, 7000 + 3000)[3]!
  t.equal(read([syn!, one!, three!, { ...three!, sequence: far.sequence }], 20_000).faults.length, 2)

  const noise = new Uint8Array(1400)
  const reader = createDatagramReader()
  const take = (segment: Segment) =>
    reader.take({ timeMilliseconds: NOW, linkType: 101, octets: tcpPacket(segment) })
  take({ sequence: 0, flags: SYN })
  const before = process.memoryUsage().arrayBuffers
  for (let index = 0; index < 20_000; index++) take({ sequence: 10 + index * 1401, payload: noise })
  for (let device = 0; device < 200; device++) {
    for (let port = 1; port < 60; port++) take({ sequence: 1, flags: SYN, device, sourcePort: port })
    take({ sequence: 9, payload: noise, device })
  }
  const kept = await keptBuffers(before, 10_000_000)
  t.ok(kept < 10_000_000, `${kept} octets for early segments and ${MAX_STREAMS} streams`)
  t.ok(reader, 'the reader is there still')
})

t.test('early segments of many streams are bounded together', async (t) => {
  const reader = createDatagramReader()
  const noise = new Uint8Array(64_000)
  const before = process.memoryUsage().arrayBuffers
  for (let index = 0; index < 12; index++) {
    for (let port = 1; port <= MAX_STREAMS; port++) {
      const sequence = index === 0 ? 0 : 10 + index * 64_001
      const segment: Segment = { sequence, flags: index === 0 ? SYN : 0, sourcePort: port }
      if (index > 0) segment.payload = noise
      reader.take({ timeMilliseconds: NOW, linkType: 101, octets: tcpPacket(segment) })
    }
  }
  const kept = await keptBuffers(before, 50_000_000)
  t.ok(kept < 50_000_000, `${kept} octets`)
  t.ok(reader, 'the reader is there still')
})

t.test('each connection is a stream of its own', async (t) => {
  const ports = { sourcePort: 50_001 }
  const [a, b] = [connection([first, second]), connection([first, third], ports, 99)]
  const { found } = read([
    a[0]!,
    b[0]!,
    a[1]!,
    b[1]!,
    b[2]!,
    a[2]!,
    { ...a[0]!, sequence: 5 },
    ...connection([first])
      .slice(1)
      .map((segment) => ({ ...segment, sequence: 6 })),
  ])
  const streams = [...new Set(found.map(({ stream }) => stream))]
  t.same(
    found.map(({ stream, transport }) => [streams.indexOf(stream), transport]),
    [
      [0, 1],
      [1, 1],
      [1, 1],
      [0, 1],
      [2, 1],
    ],
  )
})

t.test('syslog over TCP, by line feeds and by counts', async (t) => {
  const lines = ['<13>one', '<14>two 2', '<15>three']
  const cases: [name: string, segments: Segment[], messages: string[]][] = [
    ['lines', connection(cut(text(`${lines.join('\n')}\n`), 4, 11), { destinationPort: 514 }), lines],
    [
      'counts',
      connection(cut(text(lines.map((line) => `${line.length} ${line}`).join('')), 12), {
        destinationPort: 601,
      }),
      lines,
    ],
    [
      'the begin is missing',
      connection([text('lost\n<13>no'), text('<13>one\n')], { destinationPort: 514 }).slice(1),
      ['<13>one'],
    ],
    ['no priority', connection([text('hello\n')], { destinationPort: 514 }), []],
  ]
  t.plan(cases.length)
  for (const [name, segments, messages] of cases) t.same(read(segments).payloads, messages, name)
})
