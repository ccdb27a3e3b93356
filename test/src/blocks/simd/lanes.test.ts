import fc from 'fast-check'
import t from 'tap'
import { differences, offsets, planeOf, rangeOfDoubles, split, splitWords } from '#core/blocks/simd/lanes.js'

const RUNS = { numRuns: 300 }
const rows = { minLength: 1, maxLength: 100 }

const arrays = fc.oneof(
  fc.array(fc.nat(0xff), rows).map((values) => Uint8Array.from(values)),
  fc.array(fc.nat(0xffff), rows).map((values) => Uint16Array.from(values)),
  fc.uint32Array(rows),
  // One octet alone varies.
  fc
    .tuple(fc.array(fc.nat(0xff), rows), fc.constantFrom(0, 8, 16, 24))
    .map(([values, shift]) => Uint32Array.from(values, (value) => (0x01020304 | (value << shift)) >>> 0)),
)

t.test('arrays are taken apart into planes, and bits that vary are told', async (t) => {
  fc.assert(
    fc.property(arrays, fc.nat(3), (array, slot) => {
      const varying = split(array, array.length, slot)
      let expected = 0
      for (const value of array) expected |= value ^ array[0]!
      t.equal(varying, expected)
      for (let octet = 0; octet < array.BYTES_PER_ELEMENT; octet++) {
        const plane = [...array].map((value) => (value >>> (8 * octet)) & 0xff)
        t.same([...planeOf(slot, octet, array.length)], plane)
      }
    }),
    RUNS,
  )
})

t.test('slots do not disturb each other, whatever the rows', async (t) => {
  for (const rows of [1, 65_536, 65_537, 131_072]) {
    for (let slot = 0; slot < 4; slot++) split(new Uint32Array(rows).fill(0x04030201 + slot), rows, slot)
    for (let slot = 0; slot < 4; slot++) {
      t.ok(planeOf(slot, 0, rows).every((octet) => octet === 1 + slot))
      t.ok(planeOf(slot, 3, rows).every((octet) => octet === 4))
    }
  }
})

const special = fc.constantFrom(0, -0, Number.NaN, 1, -1, 0.5, 2 ** 32, 2 ** 53, -1.5, 1.75e12)
const doubles = fc.oneof(
  fc.array(fc.oneof({ arbitrary: fc.integer({ min: 0, max: 60_000 }), weight: 20 }, special), rows),
  fc.array(fc.integer({ min: 1_750_000_000_000, max: 1_750_000_060_000 }), rows),
  fc.array(fc.double(), rows),
)

t.test('the range of doubles is of those that are neither 0 nor NaN', async (t) => {
  fc.assert(
    fc.property(doubles, (values) => {
      const counted = values.filter((value) => value !== 0 && !Number.isNaN(value))
      const range = rangeOfDoubles(Float64Array.from(values), values.length)
      t.same(range, {
        least: counted.length === 0 ? Number.NaN : Math.min(...counted),
        most: counted.length === 0 ? Number.NaN : Math.max(...counted),
        hasZeros: values.includes(0),
        hasNaNs: values.some(Number.isNaN),
      })
    }),
    RUNS,
  )
})

/** The words that were left, put together again. */
function wordsOf(rows: number): number[] {
  splitWords(rows, 0)
  return Array.from({ length: rows }, (_, row) =>
    [0, 1, 2, 3].reduce((word, octet) => word + planeOf(0, octet, rows)[row]! * 2 ** (8 * octet), 0),
  )
}

const isWord = (value: number) => value === value >>> 0

t.test('offsets are taken when all values come back from them', async (t) => {
  fc.assert(
    fc.property(doubles, fc.constantFrom(-1, 0, 1, 1_749_999_999_999, 0.5), (values, base) => {
      const expected = values.map((value) => (value === 0 ? 0 : value - base))
      const areTaken = offsets(Float64Array.from(values), values.length, base)
      t.equal(areTaken, expected.every(isWord))
      if (areTaken) t.same(wordsOf(values.length), expected)
    }),
    RUNS,
  )
})

t.test('ends count from starts when all come back', async (t) => {
  const pairs = fc.oneof(
    fc
      .array(fc.tuple(fc.nat(50), fc.integer({ min: -1, max: 100 })), rows)
      .map((flows) => flows.map(([start, length]) => [start, start + length] as const)),
    fc.array(fc.tuple(fc.oneof(fc.double(), special), fc.oneof(fc.double(), special)), rows),
  )
  fc.assert(
    fc.property(pairs, (flows) => {
      const expected = flows.map(([start, end]) => (end === 0 ? 0 : end - start + 1))
      const comeBack = flows.every(
        ([start, end], row) =>
          isWord(expected[row]!) &&
          (end === 0 || (expected[row] !== 0 && start + expected[row]! - 1 === end)),
      )
      const starts = Float64Array.from(flows, ([start]) => start)
      const ends = Float64Array.from(flows, ([, end]) => end)
      const areTaken = differences(ends, starts, flows.length)
      t.equal(areTaken, comeBack)
      if (areTaken) t.same(wordsOf(flows.length), expected)
    }),
    RUNS,
  )
})
