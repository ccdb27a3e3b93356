import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { AddressDictionary } from '#core/blocks/address-dictionary.js'
import { Block } from '#core/blocks/block.js'
import { BLOCK_ROWS, BlockBuilder, makePlanes } from '#core/blocks/builder.js'
import { Codec, decodeColumn, decodeStrings, encodeColumn } from '#core/blocks/codecs.js'
import { crc32c } from '#core/blocks/crc32c.js'
import { encodeBlock } from '#core/blocks/encode.js'
import { OctetWriter } from '#core/blocks/octet-writer.js'
import { builderRows, type RowSource, rowObject } from '#core/blocks/row.js'
import { rangeOfDoubles } from '#core/blocks/simd/lanes.js'
import { TextDictionary } from '#core/blocks/text-dictionary.js'
import {
  FlowColumnIndex as Column,
  type ColumnDefinition,
  type ColumnType,
  flowColumns,
  type StreamName,
  streamNamed,
  streams,
} from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { blockKey, readBlockKey } from '#core/store/keys.js'
import { fixtures, project } from '../../support/project.js'
import { exporter } from '../store/rows.js'
import { exporterEvents, fewValues, flows, RECEIVED, STORED } from './examples.js'

const blockFixtures = join(fixtures, 'blocks')

const readHex = (path: string) => Buffer.from(readFileSync(path, 'utf8').replace(/\s/g, ''), 'hex')

function blockRows(block: Block): RowSource {
  const { stream, exporters, shapes } = block.header
  return {
    stream,
    exporters,
    shapes,
    column: (column) => block.column(column),
    strings: (column) => block.strings(column),
    addresses: () => block.addresses(),
  }
}

const rowsOf = (source: RowSource, rows: number) =>
  Array.from({ length: rows }, (_, row) => rowObject(source, row))
const rowsOfBlock = (block: Block) => rowsOf(blockRows(block), block.header.rows)

t.test('CRC-32C as RFC 3720 appendix B.4 has it', async (t) => {
  const read = '01c0000000000000000000000000000014000000000004000000001400000018280000000000000002000000'
  const cases: [octets: Uint8Array, checksum: number][] = [
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    [Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
    [Buffer.from(`${read}00000000`, 'hex'), 0xd9963a56],
    [Buffer.from('123456789'), 0xe3069283],
    [new Uint8Array(0), 0],
  ]
  t.plan(cases.length * 9)
  for (const [octets, checksum] of cases) {
    t.equal(crc32c(octets), checksum)
    const half = octets.length >> 1
    t.equal(crc32c(octets.subarray(half), crc32c(octets.subarray(0, half))), checksum, 'in two parts')
    for (let offset = 1; offset < 8; offset++) {
      const moved = new Uint8Array(offset + octets.length)
      moved.set(octets, offset)
      t.equal(crc32c(moved.subarray(offset)), checksum, `${offset} octets behind a word`)
    }
  }
})

/** Values by type; each list is encoded as one column. u64 values are pairs of low and high. */
const columns: [type: ColumnType, family: 4 | 6, values: number[][], codec: number][] = [
  ['u8', 4, [[0], [255], [7]], Codec.bytePlanes],
  ['u8', 4, [[9], [9], [9]], Codec.constant],
  ['u16', 4, [[0], [65_535], [256]], Codec.bytePlanes],
  ['u32', 4, [[0], [0xffffffff], [0x80000000]], Codec.bytePlanes],
  [
    'u64',
    4,
    [
      [1, 0],
      [0xffffffff, 0],
    ],
    Codec.bytePlanes,
  ],
  [
    'u64',
    4,
    [
      [1, 0],
      [0xffffffff, 0xffffffff],
      [0, 0x80000000],
    ],
    Codec.bytePlanes,
  ],
  [
    'u64',
    4,
    [
      [5, 1],
      [5, 1],
    ],
    Codec.constant,
  ],
  [
    'u64',
    4,
    [
      [5, 0],
      [5, 1],
    ],
    Codec.bytePlanes,
  ],
  ['f64', 4, [[RECEIVED], [RECEIVED + 5], [0]], Codec.offsets],
  ['f64', 4, [[RECEIVED + 0.25], [RECEIVED]], Codec.bytePlanes],
  // 1970, and as far ahead as offsets reach and one beyond.
  ['f64', 4, [[1], [2 ** 32 - 1]], Codec.offsets],
  ['f64', 4, [[1], [2 ** 32]], Codec.bytePlanes],
  ['f64', 4, [[RECEIVED], [8_640_000_000_000_000], [1000]], Codec.bytePlanes],
  ['f64', 4, [[-5], [0], [5]], Codec.offsets],
  ['f64', 4, [[Number.NaN], [Number.NEGATIVE_INFINITY], [1e300]], Codec.bytePlanes],
  ['f64', 4, [[0], [0]], Codec.constant],
  ['address', 4, [[0x0a000001], [0xffffffff]], Codec.bytePlanes],
  [
    'address',
    6,
    [
      [1, 2, 3, 0xffffffff],
      [0, 0x80000000, 0, 0],
    ],
    Codec.bytePlanes,
  ],
  [
    'address',
    6,
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
    Codec.constant,
  ],
  ['text', 4, [[0], [2], [1]], Codec.bytePlanes],
  ['address16', 4, [[3], [0], [1]], Codec.bytePlanes],
]

t.test('the checksum of many octets is that of them piece by piece', async (t) => {
  const octets = Uint8Array.from({ length: 1_100_000 }, (_, index) => Math.imul(index, index >>> 7) >>> 3)
  for (const [from, to] of [
    [0, 511],
    [0, 512],
    [1, 4097],
    [3, 1_100_000],
  ] as const) {
    let expected = 0
    for (let at = from; at < to; at += 500)
      expected = crc32c(octets.subarray(at, Math.min(at + 500, to)), expected)
    t.equal(crc32c(octets.subarray(from, to)), expected, `${to - from} octets`)
  }
})

t.test('every column type comes back, with the codec that its values call for', async (t) => {
  t.plan(columns.length * 2)
  for (const [type, family, values, codec] of columns) {
    const definition: ColumnDefinition = { name: type, type, meaning: '' }
    // One row of room too much: what lies behind the last row must not matter.
    const planes = makePlanes(definition, family, values.length + 1)
    values.forEach((words, row) => {
      words.forEach((word, plane) => {
        planes[plane]![row] = word
      })
    })
    for (const plane of planes) plane[values.length] = 77
    const writer = new OctetWriter()
    const doubles =
      type === 'f64' ? { range: rangeOfDoubles(planes[0] as Float64Array, values.length) } : undefined
    const chosen = encodeColumn(writer, definition, planes, values.length, doubles)
    const raw = writer.octets.slice(0, writer.length)
    const decoded = decodeColumn({ definition, family, codec: chosen, raw, rows: values.length })
    t.equal(chosen, codec, `${type} ${values.join(' ')}`)
    t.same(
      values.map((_, row) => decoded.map((plane) => plane[row])),
      values,
    )
  }
})

t.test('strings of any length come back, the empty one too', async (t) => {
  const strings = ['', '', 'a', 'x'.repeat(127), 'y'.repeat(128), 'z'.repeat(20_000), 'Grüße 🙂', '\0']
  const dictionary = new TextDictionary()
  for (const text of strings.slice(1)) dictionary.indexOf(text)
  t.same(decodeStrings(dictionary.encoded()), strings)
  t.same(decodeStrings(new Uint8Array(0)), [''])
  for (const cut of [Uint8Array.of(5, 65), Uint8Array.of(0x80), new Uint8Array(9).fill(0xff)])
    t.throws(() => decodeStrings(cut), { code: 'BLOCK_DAMAGED' })
})

t.test('the address dictionary numbers each address once, however many there are', async (t) => {
  const dictionary = new AddressDictionary()
  const numbers = Array.from({ length: 5000 }, (_, index) =>
    dictionary.indexOf(0x20010db8, 0, index >> 8, index << 24),
  )
  t.equal(new Set(numbers).size, 5000)
  t.same(
    Array.from({ length: 5000 }, (_, index) => dictionary.indexOf(0x20010db8, 0, index >> 8, index << 24)),
    numbers,
    'signed or unsigned words are the same',
  )
  dictionary.clear()
  t.equal(dictionary.indexOf(1, 2, 3, 4), 1)
})

t.test('any rows come back from a block as they were in the builder', async (t) => {
  const all = flowColumns.map((_, column) => column).slice(3)
  const sampleOf = (column: number, seed: number): number => {
    switch (flowColumns[column]!.type) {
      case 'f64':
        return [0, RECEIVED + seed, RECEIVED + seed / 8, 86_400_000, 4_102_444_800_000][seed % 5]!
      case 'u64':
        return [seed, seed * 2 ** 20, 2 ** 53 - 1 - seed][seed % 3]!
      case 'u8':
        return seed % 3
      default:
        return (seed * 2_654_435_761) >>> 0
    }
  }
  const texts = ['', 'a', 'permit', 'x'.repeat(300), 'Zürich']
  const rowArbitrary = fc.record({
    columns: fc.subarray(all, { minLength: 1 }),
    seed: fc.nat(1000),
    exporter: fc.nat(4),
  })
  const exporters = Array.from({ length: 5 }, (_, index) => ({
    address: { family: 4 as const, words: [0, 0, 0, index] as const },
    listenerPort: 2055,
    transport: 0,
    protocol: 9,
    observationDomainId: index,
  }))
  let rows = 0
  const property = fc.property(
    fc.array(rowArbitrary, { minLength: 1, maxLength: 40 }),
    fc.constantFrom<StreamName>('flow4', 'flow6', 'icmp6'),
    (list, name) => {
      const builder = new BlockBuilder(streamNamed(name), 64)
      for (let round = 0; round < 2; round++) {
        builder.reset()
        for (const { columns, seed, exporter } of round === 0 ? [...list].reverse() : list) {
          const shape = shapeOf([0, 1, 2, ...columns])
          const row = builder.begin(exporters[exporter]!, shape, RECEIVED + seed, 1)
          for (const column of columns) {
            const value = sampleOf(column, seed + column)
            const { type } = flowColumns[column]!
            if (type === 'text') builder.setText(column, row, texts[value % texts.length]!)
            else if (type === 'u64') builder.setUnsigned64(column, row, value)
            else if (type === 'address') builder.setAddress(column, row, [value, seed, 0, value])
            else if (type === 'address16')
              builder.setNumber(
                column,
                row,
                seed % 2 === 0 ? 0 : builder.addresses.indexOf(0, 0, 0xffff, value),
              )
            else builder.setNumber(column, row, value)
          }
        }
      }
      const wanted = rowsOf(builderRows(builder), builder.rows)
      const block = new Block(encodeBlock(builder, [{ firstSequence: 12_345, rows: builder.rows }], STORED))
      rows += block.header.rows
      block.verify()
      return JSON.stringify(rowsOfBlock(block)) === JSON.stringify(wanted)
    },
  )
  fc.assert(property, { numRuns: 120, seed: 11 })
  t.ok(rows > 500, `${rows} rows`)
})

t.test('a full block comes back, of noise, of small numbers and of one value', async (t) => {
  const columns = [
    Column.sourceAddress,
    Column.octets,
    Column.startMilliseconds,
    Column.endMilliseconds,
    Column.sourceTransportPort,
    Column.tcpControlBits,
    Column.egressInterface,
  ]
  const builder = new BlockBuilder(streamNamed('flow4'))
  builder.begin(exporter, shapeOf([0, 1, 2, ...columns]), RECEIVED, BLOCK_ROWS)
  let state = 1
  const noise = () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223
    return state >>> 0
  }
  for (let row = 0; row < BLOCK_ROWS; row++) {
    builder.setAddress(Column.sourceAddress, row, [0, 0, 0, noise()])
    builder.setUnsigned64(Column.octets, row, (noise() >>> 12) * 2 ** (row % 20))
    builder.setNumber(Column.startMilliseconds, row, RECEIVED - (noise() >>> 14))
    builder.setNumber(Column.endMilliseconds, row, RECEIVED + (row % 700))
    builder.setNumber(Column.sourceTransportPort, row, noise() >>> 16)
    builder.setNumber(Column.tcpControlBits, row, row % 5)
    builder.setNumber(Column.egressInterface, row, 3)
  }
  const writer = new OctetWriter()
  for (const rows of [BLOCK_ROWS, 63, 64, 65, 4097]) {
    builder.rows = rows
    const block = new Block(encodeBlock(builder, [{ firstSequence: 1, rows }], STORED, writer).slice())
    block.verify()
    const isSame = columns.every((column) =>
      block
        .column(column)!
        .every((plane, index) =>
          Buffer.from(plane.buffer).equals(
            Buffer.from(builder.planes[column]![index]!.slice(0, rows).buffer),
          ),
        ),
    )
    t.ok(isSame, `${rows} rows`)
  }
})

t.test('a block is full by rows, or by the octets of its lines', async (t) => {
  const rows = new BlockBuilder(streamNamed('flow4'), 2)
  const shape = shapeOf([0, 1, 2, Column.message])
  t.equal(rows.isFull, false)
  for (let row = 0; row < 2; row++) rows.begin(exporter, shape, RECEIVED, 1)
  t.equal(rows.isFull, true)
  const lines = new BlockBuilder(streamNamed('flow4'))
  const line = 'x'.repeat(65_536)
  let count = 0
  for (; !lines.isFull; count++)
    lines.setText(Column.message, lines.begin(exporter, shape, RECEIVED, 1), `${count}${line}`)
  t.ok(count > 500 && count < 520, `${count} lines`)
  lines.reset()
  t.equal(lines.isFull, false)
})

t.test('the zone map: received, started, ended, protocols', async (t) => {
  const { header } = new Block(encodeBlock(flows(4), [{ firstSequence: 99, rows: flows(4).rows }], STORED))
  t.match(header, {
    firstSequence: 99,
    rows: 3,
    storedMilliseconds: STORED,
    receivedFromMilliseconds: RECEIVED,
    receivedToMilliseconds: RECEIVED + 5,
    startedFromMilliseconds: RECEIVED - 250.25,
    endedToMilliseconds: RECEIVED,
  })
  const protocols = Array.from({ length: 256 }, (_, p) => p).filter(
    (p) => header.protocols[p >> 3]! & (1 << (p & 7)),
  )
  t.same(protocols, [6, 17])
  t.equal(header.exporters.length, 2)
  t.equal(header.shapes.length, 2)
  const events = new Block(
    encodeBlock(exporterEvents(), [{ firstSequence: 1, rows: exporterEvents().rows }], STORED),
  ).header
  t.ok(Number.isNaN(events.startedFromMilliseconds))
  t.same(events.protocols, new Uint8Array(32))
})

const written: [name: string, builder: BlockBuilder, first: number][] = [
  ['exporter-event', exporterEvents(), 1000],
  ['flow4', flows(4), 2 ** 40],
  ['flow6', flows(6), 2000],
]

t.test(
  'blocks that were written once are read for ever, and the newest version is written the same',
  async (t) => {
    t.plan(written.length * 4 + 5)
    for (const [name, builder, first] of written) {
      const rows = JSON.parse(readFileSync(join(blockFixtures, `v1/${name}.json`), 'utf8'))
      for (const version of ['v1', 'v2', 'v3']) {
        const octets = readHex(join(blockFixtures, `${version}/${name}.hex`))
        t.same(JSON.parse(JSON.stringify(rowsOfBlock(new Block(octets)))), rows, `${version} ${name} is read`)
      }
      t.equal(
        Buffer.from(encodeBlock(builder, [{ firstSequence: first, rows: builder.rows }], STORED)).toString(
          'hex',
        ),
        readHex(join(blockFixtures, `v3/${name}.hex`)).toString('hex'),
        `${name} is written`,
      )
    }
    const [, example = ''] =
      /```hex\n([^`]*)```/.exec(readFileSync(join(project, 'docs/storage-format.md'), 'utf8')) ?? []
    t.equal(
      Buffer.from(
        encodeBlock(exporterEvents(), [{ firstSequence: 1000, rows: exporterEvents().rows }], STORED),
      ).toString('hex'),
      example.replace(/ {2}.*$/gm, '').replace(/\s/g, ''),
      'the example of docs/storage-format.md',
    )
    const compressed = new Block(readHex(join(blockFixtures, 'v1/flow4-brotli.hex')))
    const ports = compressed.column(Column.sourceTransportPort)![0]!
    t.same([compressed.header.rows, ports[0], ports[199]], [200, 1024, 1024 + 199 * 7], 'a compressed block')
    const planes = new Block(readHex(join(blockFixtures, 'v2/flow4-brotli.hex')))
    t.same([...planes.column(Column.sourceTransportPort)![0]!], [...ports], 'compressed planes')
    const packed = readHex(join(blockFixtures, 'v3/few-values.hex'))
    const few = fewValues()
    t.same(rowsOfBlock(new Block(packed)), rowsOf(builderRows(few), few.rows), 'packed planes')
    const encoded = encodeBlock(few, [{ firstSequence: 1, rows: few.rows }], STORED)
    t.equal(Buffer.from(encoded).toString('hex'), packed.toString('hex'), 'packed planes are written')
  },
)

t.test('every octet that is damaged is noticed or changes nothing', async (t) => {
  const everything = (octets: Uint8Array) => {
    const block = new Block(octets)
    return JSON.stringify([block.header, rowsOfBlock(block)])
  }
  for (const name of [
    'v1/flow6',
    'v1/flow4-brotli',
    'v2/exporter-event',
    'v2/flow6',
    'v2/flow4-brotli',
    'v3/few-values',
  ]) {
    const octets = readHex(join(blockFixtures, `${name}.hex`))
    const wanted = everything(octets)
    const silent: number[] = []
    const odd: string[] = []
    for (let at = 0; at < octets.length; at++) {
      for (const flip of [1 << (at & 7), 0xff]) {
        const damaged = Uint8Array.from(octets)
        damaged[at]! ^= flip
        try {
          if (everything(damaged) !== wanted) silent.push(at)
        } catch (error) {
          if ((error as { code?: string }).code !== 'BLOCK_DAMAGED')
            odd.push(`${at}: ${(error as Error).message}`)
        }
      }
    }
    t.same(silent, [], `${name}: changed and not noticed`)
    t.same(odd, [], `${name}: other errors`)
    const cuts = Array.from({ length: octets.length }, (_, length) => octets.subarray(0, length))
    t.ok(
      cuts.every((cut) => {
        try {
          new Block(cut).verify()
          return false
        } catch (error) {
          return (error as { code?: string }).code === 'BLOCK_DAMAGED'
        }
      }),
      `${name}: cut anywhere`,
    )
  }
})

t.test(
  'a block that says another number of rows than it numbers is damaged, whatever its checksums',
  async (t) => {
    for (const rows of [0, 1, 3, 65_537, 500_000_000]) {
      const octets = encodeBlock(exporterEvents(), [{ firstSequence: 1000, rows: 2 }], STORED)
      const view = new DataView(octets.buffer, octets.byteOffset)
      view.setUint32(24, rows, true)
      const end = 16 + view.getUint32(8, true)
      view.setUint32(12, crc32c(octets.subarray(16, end), crc32c(octets.subarray(0, 12))), true)
      t.throws(() => new Block(octets), {
        code: 'BLOCK_DAMAGED',
        message: `not a readable block: it has ${rows} rows, of which 2 are numbered`,
      })
    }
  },
)

t.test('keys sort as sequences do, and are read back', async (t) => {
  t.plan(1)
  const place = fc.record({
    stream: fc.constantFrom(...streams),
    firstSequence: fc.oneof(
      fc.maxSafeNat(),
      fc.constantFrom(0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
    ),
    level: fc.nat(255),
  })
  const property = fc.property(place, place, (one, other) => {
    const order = Buffer.compare(blockKey(one), blockKey(other))
    const wanted =
      one.firstSequence - other.firstSequence || one.stream.id - other.stream.id || one.level - other.level
    fc.pre(wanted !== 0)
    return order === Math.sign(wanted) && JSON.stringify(readBlockKey(blockKey(one))) === JSON.stringify(one)
  })
  fc.assert(property, { numRuns: 1000, seed: 3 })
  t.pass('1000 pairs')
})
