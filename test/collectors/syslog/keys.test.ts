// Keys are compared in full: neither an equal hash nor the order that was learned makes one key pass for another.
import fc from 'fast-check'
import t from 'tap'
import { hashOf, KeyTable } from '#collectors/syslog/keyvalue.js'
import { walkPairs } from '#collectors/syslog/pairs.js'
import { createContext, SyslogEvent } from '#collectors/syslog/parse.js'

const names = ['srcip', 'dstip', 'srcport', 'policyid', 'a', 'deviceOutboundInterface', 'x-forwarded-for']
const numbers = Object.fromEntries(names.map((name, index) => [name, index + 1]))

/** What a walk over a line hands over: key and value. */
function walk(table: KeyTable, line: string): [number, string][] {
  const event = new SyslogEvent()
  event.line.setText(line)
  const taken: [number, string][] = []
  walkPairs(event, createContext(0), 0, line.length, table, (_event, key, start, end) => {
    taken.push([key, event.line.slice(start, end)])
  })
  return taken
}

t.test('a key of the same hash, length and ends is not the key', async (t) => {
  // "Aa" and "BB" have the same hash.
  t.equal(hashOf('srcAaip'), hashOf('srcBBip'))
  const table = new KeyTable({ srcAaip: 1 })
  t.strictSame(walk(table, 'srcAaip=10.0.0.1 dst=2'), [[1, '10.0.0.1']])
  t.strictSame(walk(table, 'srcBBip=10.0.0.2 dst=2'), [])
  t.strictSame(walk(table, 'srcAaip=10.0.0.3 dst=2'), [[1, '10.0.0.3']])
})

t.test('what lines before have taught does not change what a line says', async (t) => {
  const key = fc.oneof(
    fc.constantFrom(...names),
    fc.constantFrom(
      'srcAaip',
      'srcBBip',
      'srci',
      'srcipp',
      'Srcip',
      'dstip2',
      'b',
      'polic',
      'policyidd',
      'srcport\u0000',
    ),
    fc.stringMatching(/^[a-z]{1,20}$/),
  )
  const value = fc.oneof(
    fc.stringMatching(/^[a-z0-9.]{1,9}$/),
    fc.constantFrom('"two words"', '"a=b, c"', '', '"'),
  )
  const line = fc
    .array(fc.tuple(key, value, fc.constantFrom(' ', ', ', '  ')), { minLength: 1, maxLength: 12 })
    .map((pairs) => pairs.map(([name, text, gap]) => `${name}=${text}${gap}`).join(''))
  const learned = new KeyTable(numbers)
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
      for (const one of [...lines, ...lines])
        t.strictSame(walk(learned, one), walk(new KeyTable(numbers), one))
    }),
    { numRuns: 200 },
  )
})

t.test('more keys than are remembered cost nothing but the memory of them', async (t) => {
  const table = new KeyTable(numbers)
  const junk = Array.from({ length: 3000 }, (_, index) => `k${index}=${index}`)
  const line = ['srcip=1', ...junk, 'dstip=2'].join(' ')
  for (let round = 0; round < 3; round++)
    t.strictSame(walk(table, line), [
      [1, '1'],
      [2, '2'],
    ])
})
