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
  const long = `<1>${'x'.repeat(40)}`
  for (const stream of [`${long}\n<2>b\n`, `${counted(long)}<2>b\n`]) {
    for (const chunks of [[bytes(stream)], [...bytes(stream)].map((octet) => Uint8Array.of(octet))]) {
      const result = frames(chunks, 16)
      t.same(result.frames, [long.slice(0, 16), '<2>b'])
      t.same(result.reasons, ['oversized'])
    }
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
  },
)

t.test('any octets are taken without an exception', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
      const result = frames(chunks, 32)
      return result.frames.every((frame) => frame.length > 0 && frame.length <= 32)
    }),
    { numRuns: 500 },
  )
  t.pass('no exception')
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
