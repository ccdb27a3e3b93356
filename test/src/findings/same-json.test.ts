/** Equal values are those with the same canonical text. */
import fc from 'fast-check'
import t from 'tap'
import { canonicalJson } from '#core/findings/canonical.js'
import { isSameJson } from '#core/findings/same-json.js'

const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, member]) => [key, shuffled(member)] as const)
  return Object.fromEntries([['none', undefined], ...entries.reverse()])
}

t.test('as canonical text says', async (t) => {
  // Few different values, so that some are equal.
  const small = fc
    .jsonValue({ maxDepth: 2, noUnicodeString: true })
    .map((value) => JSON.parse(JSON.stringify(value)))
  fc.assert(
    fc.property(small, small, (one, other) => {
      if (isSameJson(one, other) !== (canonicalJson(one) === canonicalJson(other))) return false
      return isSameJson(one, shuffled(one)) && isSameJson(shuffled(one), one)
    }),
    { numRuns: 2000 },
  )
  t.pass('property holds')
})

for (const [name, one, other] of [
  ['a member more', { a: 1 }, { a: 1, b: 2 }],
  ['a member less', { a: 1, b: 2 }, { a: 1 }],
  ['another order of items', [1, 2], [2, 1]],
  ['an item more', [1], [1, 2]],
  ['a list and an object', [1], { 0: 1 }],
  ['null and an object', null, {}],
  ['a number and its text', 1, '1'],
] as const)
  t.notOk(isSameJson(one, other), name)
