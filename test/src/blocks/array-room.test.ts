// Blocks that are decoded into the memory of others must be what they are in memory of their own.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { ArrayRoom } from '#core/blocks/array-room.js'
import { Block } from '#core/blocks/block.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { encodeBlock } from '#core/blocks/encode.js'
import { FlowColumnIndex as Column, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { fixtures } from '../../support/project.js'
import { exporter } from '../store/rows.js'
import { RECEIVED, STORED } from './examples.js'

const blockFixtures = join(fixtures, 'blocks/')

function columnsOf(octets: Uint8Array, room?: ArrayRoom) {
  const block = new Block(octets, { room })
  return [...block.header.stream.columns.keys()].map((column) =>
    block.column(column)?.map((plane) => [plane.constructor.name, ...plane]),
  )
}

t.test('arrays of a room do not overlap, whatever they hold, and are used again after a reset', async (t) => {
  const room = new ArrayRoom()
  const kinds = [Uint8Array, Uint16Array, Float64Array, Uint32Array] as const
  const rows = [3, 65_536, 0, 1, 400_000, 7]
  const take = () => rows.flatMap((count) => kinds.map((kind) => room.take(kind, count)))
  const arrays = take()
  for (const [index, array] of arrays.entries()) array.fill(index + 1)
  for (const [index, array] of arrays.entries()) {
    t.equal(array.length, rows[Math.floor(index / kinds.length)])
    t.ok(array.every((value) => value === index + 1))
  }
  room.reset()
  t.same(
    new Set(take().map(({ buffer }) => buffer)),
    new Set(arrays.map(({ buffer }) => buffer)),
    'no memory more',
  )
})

t.test('stored blocks of every version, one after the other in one room', async (t) => {
  const room = new ArrayRoom()
  const blocks = ['v1', 'v2', 'v3'].flatMap((version) =>
    readdirSync(`${blockFixtures}${version}`).flatMap((name) => {
      if (!name.endsWith('.hex')) return []
      const octets = Buffer.from(
        readFileSync(`${blockFixtures}${version}/${name}`, 'utf8').replace(/\s/g, ''),
        'hex',
      )
      return [{ name: `${version}/${name}`, octets }]
    }),
  )
  t.equal(blocks.length, 12)
  // All that the room holds before must not show.
  for (const kind of [Uint8Array, Float64Array]) room.take(kind, 200_000).fill(255)
  for (const { name, octets } of [...blocks, ...blocks.toReversed()]) {
    room.reset()
    t.strictSame(columnsOf(octets, room), columnsOf(octets), name)
  }
})

t.test('blocks of any values, one after the other in one room', async (t) => {
  const room = new ArrayRoom()
  const value = fc.oneof(fc.constant(0), fc.nat(3), fc.maxSafeNat())
  const row = fc.record({
    port: fc.nat(65_535),
    protocol: fc.nat(255),
    octets: value,
    start: value,
    end: value,
  })
  const shape = shapeOf([
    ...[0, 1, 2, Column.sourceTransportPort, Column.protocolIdentifier],
    ...[Column.octets, Column.startMilliseconds, Column.endMilliseconds],
  ])
  const check = fc.property(fc.array(row, { minLength: 1, maxLength: 300 }), (rows) => {
    const builder = new BlockBuilder(streamNamed('flow4'), rows.length)
    for (const { port, protocol, octets, start, end } of rows) {
      const at = builder.begin(exporter, shape, RECEIVED, 1)
      builder.setNumber(Column.sourceTransportPort, at, port)
      builder.setNumber(Column.protocolIdentifier, at, protocol)
      builder.setUnsigned64(Column.octets, at, octets)
      builder.setNumber(Column.startMilliseconds, at, start)
      builder.setNumber(Column.endMilliseconds, at, end)
    }
    const octets = encodeBlock(builder, [{ firstSequence: 1, rows: rows.length }], STORED).slice()
    room.reset()
    t.strictSame(columnsOf(octets, room), columnsOf(octets))
  })
  fc.assert(check, { numRuns: 200, seed: 20261122 })
})

t.test('a block whose memory has gone to another says so', async (t) => {
  const room = new ArrayRoom()
  const builder = new BlockBuilder(streamNamed('flow4'), 1)
  builder.begin(exporter, shapeOf([0, 1, 2]), RECEIVED, 1)
  const block = new Block(encodeBlock(builder, [{ firstSequence: 1, rows: 1 }], STORED).slice(), { room })
  t.equal(block.column(0)?.[0]?.[0], RECEIVED)
  room.reset()
  t.throws(() => block.column(0), /gone to another/)
})
