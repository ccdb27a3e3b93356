import t from 'tap'
import { jsonLine } from '#cli/output.js'

t.test('a line holds nothing that a terminal obeys, and reads back as it was', async (t) => {
  const value = { message: 'a\u001b[31m b\u009b31m c\u202e d\u007f e\u2028 \u00e4 \u{1f600}' }
  const line = jsonLine(value)
  t.notMatch(line.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/)
  t.same(JSON.parse(line), value)
})
