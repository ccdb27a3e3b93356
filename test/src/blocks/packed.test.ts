// Planes of few values, and of runs: they come back, whole and in parts, and damage is told.
import fc from 'fast-check'
import t from 'tap'
import { decodeRuns, encodeRuns, runsAt } from '#core/blocks/octet-runs.js'
import { bestPacking, decodePacked, encodePacked, packedAt } from '#core/blocks/packed.js'
import { split } from '#core/blocks/simd/lanes.js'

const octets = fc.nat(0xff)
/** Planes of few values with some others, or of any. */
const planes = fc
  .tuple(
    fc.uniqueArray(octets, { minLength: 1, maxLength: 40 }),
    fc.array(fc.tuple(fc.nat(), octets, fc.nat(9)), { minLength: 1, maxLength: 150 }),
    fc.nat(10),
  )
  .map(([values, rows, often]) =>
    Uint8Array.from(rows, ([which, other, kind]) =>
      kind < often ? values[(which * which) % values.length]! : other,
    ),
  )

function histogramOf(plane: Uint8Array): Uint16Array {
  const histogram = new Uint16Array(256)
  for (const octet of plane) histogram[octet]!++
  return histogram
}

function packed(plane: Uint8Array, sample = plane): Uint8Array {
  split(plane, plane.length, 2)
  const packing = bestPacking(histogramOf(sample), sample.length, plane.length)
  return encodePacked(2, 0, plane.length, packing).slice()
}

t.test('a packed plane comes back, whatever the sample said of it', async (t) => {
  fc.assert(
    fc.property(planes, fc.nat(149), (plane, taken) => {
      for (const sample of [plane, plane.subarray(0, 1 + (taken % plane.length))]) {
        const octets = packed(plane, sample)
        t.strictSame([...decodePacked(octets, plane.length)], [...plane])
        const places = Uint32Array.from({ length: plane.length }, (_, row) => row).filter(
          (row) => row % 3 === 1,
        )
        t.strictSame(
          [...packedAt(octets, plane.length, places)],
          Array.from(places, (row) => plane[row]),
        )
      }
    }),
    { numRuns: 300 },
  )
})

t.test('a packing takes what was foreseen when all rows were looked at', async (t) => {
  fc.assert(
    fc.property(planes, (plane) => {
      const packing = bestPacking(histogramOf(plane), plane.length, plane.length)
      t.equal(packed(plane).length, packing.octets)
    }),
    { numRuns: 300 },
  )
})

t.test('bits and values of a packing', async (t) => {
  // Two values: a bit a row. Seven of ten: three bits, others none. One in a hundred is another: an octet more for it.
  const cases: [values: (row: number) => number, bits: number, values: number, octets: number][] = [
    [(row) => (row % 2 === 0 ? 6 : 17), 1, 2, 2 + 2 + 100],
    [(row) => row % 7, 3, 7, 2 + 7 + 300],
    [(row) => (row % 100 === 99 ? row / 4 : 6), 1, 1, 2 + 1 + 100 + 8],
  ]
  for (const [value, bits, count, length] of cases) {
    const octets = packed(Uint8Array.from({ length: 800 }, (_, row) => value(row)))
    t.same([octets[0], octets[1], octets.length], [bits, count, length])
  }
})

t.test('runs of octets come back, whole and in parts', async (t) => {
  const runs = fc.array(fc.tuple(octets, fc.integer({ min: 1, max: 300 })), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(runs, fc.nat(), (lengths, place) => {
      const plane = Uint8Array.from(lengths.flatMap(([octet, rows]) => Array<number>(rows).fill(octet)))
      split(plane, plane.length, 1)
      const encoded = encodeRuns(1, 0, plane, plane.length + 8)!
      t.ok(encoded.length <= 3 * lengths.length)
      t.strictSame([...decodeRuns(encoded, plane.length)], [...plane])
      const places = Uint32Array.from({ length: plane.length }, (_, row) => row).filter(
        (row) => row % 7 === place % 7,
      )
      t.strictSame(
        [...runsAt(encoded, plane.length, places)],
        Array.from(places, (row) => plane[row]),
      )
      t.equal(encodeRuns(1, 0, plane, encoded.length - 1), undefined, 'too long is told')
    }),
    { numRuns: 200 },
  )
})

t.test('what is no such plane is refused', async (t) => {
  const hostile = fc.uint8Array({ maxLength: 60 })
  fc.assert(
    fc.property(hostile, fc.integer({ min: 1, max: 80 }), (octets, rows) => {
      for (const decode of [decodePacked, decodeRuns]) {
        try {
          t.equal(decode(octets, rows).length, rows)
          const places = Uint32Array.of(0, rows - 1)
          t.equal((decode === decodeRuns ? runsAt : packedAt)(octets, rows, places).length, 2)
        } catch (error) {
          t.match(error, { code: 'BLOCK_DAMAGED' })
        }
      }
    }),
    { numRuns: 500 },
  )
  const plane = Uint8Array.from({ length: 100 }, (_, row) => (row % 20 === 3 ? row : 1))
  const whole = packed(plane)
  t.throws(() => decodePacked(whole.subarray(0, -1), 100), { code: 'BLOCK_DAMAGED' })
  t.throws(() => decodePacked(Uint8Array.of(...whole, 0), 100), { code: 'BLOCK_DAMAGED' })
  t.throws(() => decodePacked(Uint8Array.of(9, 1, 7), 100), { code: 'BLOCK_DAMAGED' })
})
