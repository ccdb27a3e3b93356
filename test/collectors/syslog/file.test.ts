import t from 'tap'
import { MAX_LINE_OCTETS, parseSyslogFile } from '#collectors/syslog/parse.js'

const options = { receivedMilliseconds: Date.UTC(2026, 0, 5) }

async function* chunksOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text, 'latin1')
}

async function linesOf(source: AsyncIterable<Uint8Array>): Promise<(string | null)[]> {
  const lines: (string | null)[] = []
  for await (const record of parseSyslogFile(source, options)) {
    lines.push(record === null ? null : `${record.line}: ${record.message}`)
  }
  return lines
}

t.test('lines come whole out of any chunks, with or without a last line end', async (t) => {
  const expected = ['1: one', null, '3: three', '4: four']
  const text = '<13>host app: one\r\n\n<13>host app: three\n<13>host app: four'
  const whole = await linesOf(chunksOf(text))
  t.equal(whole.length, expected.length)
  t.same(await linesOf(chunksOf(...text)), whole, 'octet by octet')
  t.same(await linesOf(chunksOf(`${text}\n`)), whole, 'a line end behind the last')
  t.same(await linesOf(chunksOf(text.slice(0, 17), text.slice(17, 18), text.slice(18))), whole)
})

t.test('a line that never ends is cut where it would not be parsed, and the next is whole', async (t) => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    const chunk = Buffer.alloc(MAX_LINE_OCTETS, 'x')
    yield Buffer.from('<13>host app: ')
    for (let index = 0; index < 4096; index++) yield chunk
    yield Buffer.from('\n<13>host app: next\n')
  }
  const before = process.memoryUsage().arrayBuffers
  const records = []
  for await (const record of parseSyslogFile(endless(), options)) records.push(record)
  t.ok(process.memoryUsage().arrayBuffers - before < 4 * 1024 * 1024, 'of 256 MiB')
  t.equal(records.length, 2)
  t.ok(JSON.stringify(records[0]).length < 2 * MAX_LINE_OCTETS + 1000)
  t.equal(records[1]?.line, 2)
})
