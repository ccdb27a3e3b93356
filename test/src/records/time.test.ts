/** Times as people write them. */
import t from 'tap'
import { MOST_MILLISECONDS, parseIso, toIso } from '#core/records/time.js'

t.test('ISO 8601', async (t) => {
  const table: readonly (readonly [text: string, expected: number | undefined])[] = [
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2026-01-31T12:00', Date.UTC(2026, 0, 31, 12)],
    ['2026-01-31 12:00:05.25+0130', Date.UTC(2026, 0, 31, 10, 30, 5, 250)],
    ['2028-02-29', Date.UTC(2028, 1, 29)],
    ['2026-02-29', undefined],
    ['2026-02-30T00:00:00Z', undefined],
    ['2026-04-31', undefined],
    ['2026-13-01', undefined],
    ['2026-00-10', undefined],
    ['2026-01-00', undefined],
    ['yesterday', undefined],
  ]
  for (const [text, expected] of table) t.equal(parseIso(text), expected, text)
  t.equal(toIso(MOST_MILLISECONDS), '9999-12-31T23:59:59.999Z')
})
