// Few rows of a block are read apart from the rest: they must be what the whole column has there.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Block } from '#core/blocks/block.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { encodeBlock } from '#core/blocks/encode.js'
import {
  FlowColumnIndex as Column,
  type FlowColumn,
  type StreamName,
  streamNamed,
} from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { fixtures } from '../../support/project.js'
import { exporter } from '../store/rows.js'
import { RECEIVED, STORED } from './examples.js'

const blockFixtures = join(fixtures, 'blocks/')

/** What cells give, and what the decoded column has there; a block of its own, so that nothing is decoded yet. */
function bothWays(octets: Uint8Array, column: number, places: Uint32Array) {
  const whole = new Block(octets).column(column)
  const wanted = whole?.map((plane) => Array.from(places, (place) => plane[place]!))
  const block = new Block(octets)
  const sparse = block.cells(column, places)?.map((plane) => [...plane])
  block.column(column)
  const afterwards = block.cells(column, places)?.map((plane) => [...plane])
  return { wanted, sparse, afterwards }
}

t.test('cells of stored blocks of every version are those of their columns', async (t) => {
  const files = ['v1', 'v2', 'v3'].flatMap((version) =>
    readdirSync(`${blockFixtures}${version}`).flatMap((name) =>
      name.endsWith('.hex') ? [`${version}/${name}`] : [],
    ),
  )
  t.equal(files.length, 12)
  for (const file of files) {
    const octets = Buffer.from(readFileSync(blockFixtures + file, 'utf8').replace(/\s/g, ''), 'hex')
    const { stream, rows } = new Block(octets).header
    for (const places of [[], [rows - 1], [0, rows - 1], Array.from({ length: rows }, (_, row) => row)]) {
      for (const column of stream.columns.keys()) {
        const { wanted, sparse, afterwards } = bothWays(octets, column, Uint32Array.from(places))
        t.strictSame(sparse, wanted, `${file}: column ${column}, places ${places.join(' ')}`)
        t.strictSame(afterwards, wanted)
      }
    }
  }
})

const columns = [
  'sourceAddress',
  'destinationAddress',
  'sourceTransportPort',
  'protocolIdentifier',
  'ingressInterface',
  'octets',
  'startMilliseconds',
  'endMilliseconds',
  'durationMilliseconds',
  'applicationName',
] as const satisfies readonly FlowColumn[]

/** How values come about: one for all, few, few and seldom another, the same for some time, in order, or any. */
const kinds = ['constant', 'few', 'mostly', 'runs', 'ascending', 'noise'] as const

/** Marsaglia's xorshift: 32 bits a step. */
function randomOf(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

const kindArbitrary = fc.record(
  Object.fromEntries(columns.map((name) => [name, fc.constantFrom(...kinds)])) as Record<
    (typeof columns)[number],
    fc.Arbitrary<(typeof kinds)[number]>
  >,
)

const blockArbitrary = fc.record({
  stream: fc.constantFrom<StreamName>('flow4', 'flow6'),
  kind: kindArbitrary,
  // Fewer rows than are worth compressing, and more than a sample for noise.
  rows: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 2040, max: 4100 })),
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  hasFractions: fc.boolean(),
})
type BlockKind = typeof blockArbitrary extends fc.Arbitrary<infer T> ? T : never

function encoded({ stream, kind, rows, seed, hasFractions }: BlockKind): Uint8Array {
  const random = randomOf(seed)
  const builder = new BlockBuilder(streamNamed(stream), rows)
  builder.begin(exporter, shapeOf([0, 1, 2, ...columns.map((name) => Column[name])]), RECEIVED, rows)
  const values = {
    constant: () => 77,
    few: () => random() % 3,
    mostly: () => (random() % 9 === 0 ? random() : random() % 5),
    runs: (row: number) => Math.floor(row / 30) % 7,
    ascending: (row: number) => row,
    noise: random,
  }
  for (let row = 0; row < rows; row++) {
    const draw = (name: (typeof columns)[number]) => values[kind[name]](row)
    for (const name of ['sourceAddress', 'destinationAddress'] as const)
      builder.setAddress(Column[name], row, [draw(name), 0, draw(name), draw(name)])
    builder.setNumber(Column.sourceTransportPort, row, draw('sourceTransportPort') & 0xffff)
    builder.setNumber(Column.protocolIdentifier, row, draw('protocolIdentifier') & 0xff)
    builder.setNumber(Column.ingressInterface, row, draw('ingressInterface'))
    builder.setUnsigned64(Column.octets, row, draw('octets') * 2 ** 11)
    const start = row % 7 === 3 ? 0 : RECEIVED - draw('startMilliseconds')
    builder.setNumber(Column.startMilliseconds, row, start)
    builder.setNumber(Column.endMilliseconds, row, start === 0 ? 0 : start + draw('endMilliseconds'))
    builder.setNumber(Column.durationMilliseconds, row, draw('durationMilliseconds') / (hasFractions ? 8 : 1))
    builder.setText(Column.applicationName, row, `app ${draw('applicationName') % 500}`)
  }
  return encodeBlock(builder, [{ firstSequence: 1, rows }], STORED).slice()
}

const property = fc.property(
  blockArbitrary,
  fc.array(fc.nat({ max: 4100 }), { maxLength: 12 }),
  (kind, numbers) => {
    const octets = encoded(kind)
    const places = Uint32Array.from(new Set(numbers.map((number) => number % kind.rows))).sort()
    for (const column of [0, 1, 2, ...columns.map((name) => Column[name])]) {
      const { wanted, sparse, afterwards } = bothWays(octets, column, places)
      if (wanted === undefined || JSON.stringify([wanted, wanted]) !== JSON.stringify([sparse, afterwards]))
        return false
    }
    return true
  },
)

t.test('cells are those of the column, whatever its type, codec and values', async (t) => {
  t.doesNotThrow(() => fc.assert(property, { numRuns: 90, seed: 3 }))
})

const placesProperty = fc.property(blockArbitrary, fc.nat(), fc.boolean(), (kind, choice, isThere) => {
  const octets = encoded({ ...kind, stream: 'flow4' })
  for (const name of ['sourceAddress', 'destinationAddress'] as const) {
    const values = [...(new Block(octets).column(Column[name])![0] as Uint32Array)]
    const word = isThere ? values[choice % values.length]! : choice
    const found = new Block(octets).placesOf(Column[name], word)
    // A column of one value is decoded for nothing.
    if (found === undefined) {
      if (new Set(values).size > 1) return false
      continue
    }
    const wanted = values.flatMap((value, place) => (value === word ? [place] : []))
    if (JSON.stringify([...found]) !== JSON.stringify(wanted)) return false
  }
  return true
})

t.test('the places of a value are those where the column has it', async (t) => {
  t.doesNotThrow(() => fc.assert(placesProperty, { numRuns: 100, seed: 5 }))
})

t.test('a damaged plane is told, however few of its values are asked for', async (t) => {
  const kind = Object.fromEntries(columns.map((name) => [name, 'noise'])) as BlockKind['kind']
  const octets = encoded({ stream: 'flow4', kind, rows: 4000, seed: 9, hasFractions: false })
  octets[octets.length - 1]! ^= 1
  const block = new Block(octets)
  const last = Math.max(...columns.map((name) => Column[name]))
  t.throws(() => block.cells(last, Uint32Array.of(0)), { code: 'BLOCK_DAMAGED' })
  t.ok(block.cells(Column.sourceAddress, Uint32Array.of(0)), 'other columns are read')
})
