import fc from 'fast-check'
import t from 'tap'
import { addressFilter, mayHoldAddress } from '#core/blocks/address-filter.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { exporter } from '../store/rows.js'

const shape = shapeOf([0, 1, 2, Column.sourceAddress, Column.destinationAddress])

function builderOf(name: 'flow4' | 'flow6', addresses: readonly (readonly number[])[]): BlockBuilder {
  const builder = new BlockBuilder(streamNamed(name), addresses.length)
  for (const [index, words] of addresses.entries()) {
    const row = builder.begin(exporter, shape, 1, 1)
    const [first = 0, second = 0, third = 0, fourth = 0] = words.length === 1 ? [0, 0, 0, ...words] : words
    const column = index % 2 === 0 ? Column.sourceAddress : Column.destinationAddress
    builder.setAddress(column, row, [first, second, third, fourth])
  }
  return builder
}

t.test('an address that is there is never denied', async (t) => {
  t.plan(1)
  const word = fc.integer({ min: 0, max: 0xffffffff })
  const family = fc.constantFrom('flow4' as const, 'flow6' as const)
  const property = fc.property(
    family,
    fc.array(fc.tuple(word, word, word, word), { minLength: 1, maxLength: 300 }),
    (name, list) => {
      const addresses = list.map((words) => (name === 'flow4' ? words.slice(3) : words))
      const filter = addressFilter(builderOf(name, addresses))!
      return addresses.every((address) => mayHoldAddress(filter, address))
    },
  )
  fc.assert(property, { numRuns: 200, seed: 7 })
  t.pass('200 blocks')
})

t.test(
  'few addresses that are not there pass, and a filter is as small as its addresses are few',
  async (t) => {
    const passing = (filter: Uint8Array) => {
      let count = 0
      for (let index = 0; index < 20_000; index++)
        if (mayHoldAddress(filter, [0xac100000 + index * 7])) count++
      return count / 20_000
    }
    for (const [rows, hosts, share, octets] of [
      [40_000, 20_000, 0.02, 65_536],
      [40_000, 100, 0.05, 512],
      [60, 60, 0.05, 256],
      [1, 1, 0.2, 8],
    ] as const) {
      const addresses = Array.from({ length: rows }, (_, row) => [0x0a000000 + (row % hosts)])
      const filter = addressFilter(builderOf('flow4', addresses))!
      t.ok(filter.length <= octets, `${rows} rows, ${hosts} hosts: ${filter.length} octets`)
      t.ok(passing(filter) < share, `${passing(filter)} pass`)
    }
  },
)

t.test('a stream without addresses has no filter, and a filter of odd length excludes nothing', async (t) => {
  const builder = new BlockBuilder(streamNamed('exporterEvent'), 1)
  builder.begin(exporter, shapeOf([0, 1, 2]), 1, 1)
  t.equal(addressFilter(builder), undefined)
  for (const length of [0, 3, 12]) t.ok(mayHoldAddress(new Uint8Array(length), [1]))
})
