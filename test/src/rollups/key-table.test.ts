import t from 'tap'
import { KeyTable } from '#core/rollups/key-table.js'
import { createRandom } from '#simulate/random.js'

const WIDTH = 4
const ROWS = 5000
const BATCHES = 20
/** So many kinds of keys that the table grows several times. */
const KINDS = 40_000

/** Words of keys, none of which is all zeros; the same kind has the same words. */
function drawKeys(random: ReturnType<typeof createRandom>): { words: Uint32Array[]; kinds: number[] } {
  const words = Array.from({ length: WIDTH }, () => new Uint32Array(ROWS))
  const kinds = Array.from({ length: ROWS }, () => 1 + Math.floor(random.uniform() ** 2 * KINDS))
  for (const [row, kind] of kinds.entries())
    for (let word = 0; word < WIDTH; word++)
      words[word]![row] = word === WIDTH - 1 ? kind : Math.imul(kind, word + 1) >>> (8 * word)
  return { words, kinds }
}

t.test('each key has one number, and each number the words of its key', async (t) => {
  const random = createRandom(7)
  const table = new KeyTable(WIDTH, 2 * KINDS)
  const known = new Map<number, number>()
  const numbers = new Uint32Array(ROWS)
  for (let batch = 0; batch < BATCHES; batch++) {
    const { words, kinds } = drawKeys(random)
    table.assign(words, ROWS, numbers)
    for (const [row, kind] of kinds.entries()) {
      const number = numbers[row]!
      if (known.has(kind) && known.get(kind) !== number) t.fail(`kind ${kind} has two numbers`)
      known.set(kind, number)
      const key = table.keys.subarray(number * WIDTH, (number + 1) * WIDTH)
      if (words.some((values, word) => values[row] !== key[word])) t.fail(`number ${number} lost its words`)
    }
  }
  t.ok(known.size > 16_384, 'the table grew')
  t.equal(table.size, known.size + 1)
  t.equal(new Set(known.values()).size, known.size)
  t.notOk(table.isFull)
})

t.test('keys beyond the most have no number, until others are forgotten', async (t) => {
  const most = 3000
  const table = new KeyTable(WIDTH, most)
  const numbers = new Uint32Array(ROWS)
  const words = Array.from({ length: WIDTH }, () => Uint32Array.from({ length: ROWS }, (_, row) => row + 1))
  table.assign(words, ROWS, numbers)
  t.ok(table.isFull)
  t.strictSame(
    [...numbers.subarray(0, most)],
    [...Array(most).keys()].map((row) => row + 1),
  )
  t.ok(numbers.subarray(most).every((number) => number === 0))
  table.keep(Uint32Array.from({ length: most / 2 }, (_, index) => 2 * (index + 1)))
  table.assign(words, ROWS, numbers)
  for (let row = 1; row < most; row += 2)
    if (numbers[row] !== (row + 1) / 2) t.fail(`the key of row ${row} has number ${numbers[row]}`)
  t.equal(table.size, most + 1, 'the others have what room there was')
})
