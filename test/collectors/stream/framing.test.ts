import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Framer, type FramingReason } from '#collectors/stream/framing.js'
import { corporaFolder } from '../netflow/probe.js'

type Result = { frames: string[]; reasons: FramingReason[]; open: boolean }

function frames(chunks: readonly Uint8Array[], maxFrameOctets?: number): Result {
  const result: Result = { frames: [], reasons: [], open: true }
  const framer = new Framer({
    onFrame: (bytes, start, end) =>
      result.frames.push(Buffer.from(bytes.subarray(start, end)).toString('latin1')),
    onReason: (reason) => result.reasons.push(reason),
    ...(maxFrameOctets === undefined ? {} : { maxFrameOctets }),
  })
  for (const chunk of chunks) if (result.open) result.open = framer.push(chunk)
  if (result.open) framer.end()
  return result
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const counted = (text: string): string => `${text.length} ${text}`

t.test('each way of framing, and mixtures of them', async (t) => {
  const cases: readonly (readonly [string, string, string[]])[] = [
    ['octet counting', counted('<1>a') + counted('<2>b\nc'), ['<1>a', '<2>b\nc']],
    ['LF', '<1>a\n<2>b\n', ['<1>a', '<2>b']],
    ['CRLF', '<1>a\r\n<2>b\r\n', ['<1>a', '<2>b']],
    ['NUL', '<1>a\0<2>b\0', ['<1>a', '<2>b']],
    ['a count with the LF in it', counted('<1>a\n') + counted('<2>b\n'), ['<1>a', '<2>b']],
    ['a count and an LF behind it', `${counted('<1>a')}\n${counted('<2>b')}\n`, ['<1>a', '<2>b']],
    ['mixtures', `${counted('<1>a')}<2>b\n${counted('<3>c\0d')}<4>e\0`, ['<1>a', '<2>b', '<3>c\0d', '<4>e']],
    [
      'text that begins with digits',
      '2026 Jun 1 text\n12345678901 x\n7\n',
      ['2026 Jun 1 text', '12345678901 x', '7'],
    ],
    [
      'epoch stamps in front of text',
      '1780315200 link up\n1780315201 link down\n',
      ['1780315200 link up', '1780315201 link down'],
    ],
    [
      'numbers too large for a count, in a stream of lines',
      '<1>a\n1780315200 <2>b\n<3>c\n',
      ['<1>a', '1780315200 <2>b', '<3>c'],
    ],
    ['zeros in front of a count', '0004 <1>a000000000005 <2>b\n', ['<1>a', '<2>b']],
    ['a count of zero', '0 <1>a\n00\n4 <2>b', ['0 <1>a', '00', '<2>b']],
    ['digits without end', `${'7'.repeat(60)}\n4 <1>a`, ['7'.repeat(60), '<1>a']],
    ['LF and a count inside a count', counted('<1>a\n4 <2>b\n<3>c'), ['<1>a\n4 <2>b\n<3>c']],
    ['a last line of digits', '<1>a\n42', ['<1>a', '42']],
    ['a last message without its end', '<1>a\n<2>b', ['<1>a', '<2>b']],
    ['empty lines', '\n\r\n\0<1>a\n\n', ['<1>a']],
  ]
  for (const [title, stream, expected] of cases) {
    t.same(frames([bytes(stream)]).frames, expected, title)
    t.same(
      frames([...bytes(stream)].map((octet) => Uint8Array.of(octet))).frames,
      expected,
      `${title}, octet by octet`,
    )
  }
})

t.test('where chunks are cut does not matter', async (t) => {
  const message = fc.stringMatching(/^<[1-9]>[a-z 0-9]{0,30}[a-z]$/)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(message, fc.constantFrom('count', '\n', '\r\n', '\0'))),
      fc.array(fc.nat(400)),
      (messages, cuts) => {
        const stream = bytes(
          messages.map(([text, end]) => (end === 'count' ? counted(text) : text + end)).join(''),
        )
        const places = [0, ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length]
        const chunks = places.slice(1).map((end, index) => stream.subarray(places[index], end))
        const result = frames(chunks)
        return (
          JSON.stringify(result.frames) === JSON.stringify(messages.map(([text]) => text)) &&
          result.reasons.length === 0
        )
      },
    ),
  )
  t.pass('every cutting gave the same messages')
})

t.test('what is too long is cut and counted, and the next message is whole', async (t) => {
  const long = `<1>${'x'.repeat(80)}`
  const digits = '7'.repeat(90)
  for (const [stream, first] of [
    [`${long}\n<2>b\n`, long],
    [`${long}\0<2>b\n`, long],
    [`${counted(long)}<2>b\n`, long],
    [`${counted(`${long}\n<3>c`)}4 <2>b`, long],
    [`${digits}\n<2>b\n`, digits],
  ] as const) {
    for (const chunks of [[bytes(stream)], [...bytes(stream)].map((octet) => Uint8Array.of(octet))]) {
      const result = frames(chunks, 40)
      t.same(result.frames, [first.slice(0, 40), '<2>b'])
      t.same(result.reasons, ['oversized'])
    }
  }
})

t.test('a line that never ends costs no more than the limit', async (t) => {
  const seen: string[] = []
  const framer = new Framer({ onFrame: (octets, start, end) => seen.push(`${end - start} ${octets[start]}`) })
  const chunk = Buffer.alloc(65_536, 'x')
  const before = process.memoryUsage().arrayBuffers
  for (let index = 0; index < 4096; index++) framer.push(chunk)
  t.ok(process.memoryUsage().arrayBuffers - before < 4 * 1024 * 1024, 'of 256 MiB')
  t.equal(framer.isPending, true)
  framer.push(bytes('\n<1>a\n'))
  t.same(seen, ['65536 120', '4 60'])
  t.match(framer, { isPending: false, messages: 2 })
})

t.test('what has begun and what has ended is told', async (t) => {
  const framer = new Framer({ onFrame: () => {} })
  for (const [chunk, isPending, messages] of [
    ['\n\r\n\0 ', false, 0],
    ['1', true, 0],
    ['2 ', true, 0],
    ['<1>', true, 0],
    ['123456789', false, 1],
    ['<1>a', true, 1],
    ['\n<2>b', true, 2],
    ['\0', false, 3],
  ] as const) {
    framer.push(bytes(chunk))
    t.match(framer, { isPending, messages }, JSON.stringify(chunk))
  }
})

t.test(
  'a count of more than seven digits breaks the connection, half a counted message is lost and counted',
  async (t) => {
    const absurd = frames([bytes('99999999 <1>a\n')])
    t.equal(absurd.open, false)
    t.same(absurd.frames, [])
    t.same(absurd.reasons, ['badCount'])
    const half = frames([bytes('500 <1>a')])
    t.same(half.frames, [])
    t.same(half.reasons, ['truncated'])
    const inLines = frames([bytes('4 <1>a99999999 <1>a\n')])
    t.equal(inLines.open, false, 'also behind a count, where it is no line')
    const begun = frames([bytes('4 <1>a50')])
    t.same(
      [begun.frames, begun.reasons],
      [['<1>a'], ['truncated']],
      'where there are counts, digits begin one',
    )
  },
)

t.test('any octets are taken without an exception', async (t) => {
  const confusing = fc
    .array(fc.constantFrom('0', '1', '9', ' ', '<', '>', '\n', '\r', '\0', 'x'), { maxLength: 64 })
    .map((characters) => bytes(characters.join('')))
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 64 }), confusing), { maxLength: 20 }),
      (chunks) => {
        const result = frames(chunks, 34)
        return result.frames.every((frame) => frame.length > 0 && frame.length <= 34)
      },
    ),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(confusing, fc.nat(64), fc.nat(64), (stream, one, other) => {
      const [first, second] = [Math.min(one, other), Math.max(one, other)]
      const pieces = [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)]
      return JSON.stringify(frames(pieces, 34)) === JSON.stringify(frames([stream], 34))
    }),
    { numRuns: 2000 },
  )
  t.pass('no exception, wherever it is cut')
})

t.test('the corpus of streams', async (t) => {
  const corpora = corporaFolder()
  const file = corpora === undefined ? '' : join(corpora, 'syslog', 'framing.ndjson')
  if (!existsSync(file)) {
    t.pass('no corpus: set CULVERT_SHARED', { skip: true })
    return
  }
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const golden = JSON.parse(line) as { name: string; stream_b64: string; frames: string[]; cuts: number[] }
    const stream = Buffer.from(golden.stream_b64, 'base64')
    const expected = golden.frames.map((frame) => Buffer.from(frame, 'utf8').toString('latin1'))
    const places = [0, ...golden.cuts, stream.length]
    t.same(frames([stream]).frames, expected, golden.name)
    t.same(
      frames(places.slice(1).map((end, index) => stream.subarray(places[index], end))).frames,
      expected,
      `${golden.name}, cut`,
    )
  }
})
