// Real blocks, large and small.
import t from 'tap'
import { Block } from '#core/blocks/block.js'
import { BLOCK_ROWS, BlockBuilder } from '#core/blocks/builder.js'
import { encodeBlock } from '#core/blocks/encode.js'
import { FlowColumnIndex, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { OPENED_OCTETS, OpenedBlocks } from '#core/store/opened-blocks.js'

const exporter = {
  address: { family: 4, words: [0, 0, 0, 0xc0000201] },
  listenerPort: 2055,
  transport: 0,
  protocol: 9,
  observationDomainId: 1,
} as const

/** Its addresses are all different, so that it takes room. */
function largeBlock(): Block {
  const builder = new BlockBuilder(streamNamed('flow4'))
  const { sourceAddress } = FlowColumnIndex
  builder.begin(exporter, shapeOf([0, 1, 2, sourceAddress]), 0, BLOCK_ROWS)
  for (let row = 0; row < BLOCK_ROWS; row++)
    builder.setNumber(sourceAddress, row, Math.imul(row + 1, 0x9e3779b1) >>> 0)
  return new Block(encodeBlock(builder, [{ firstSequence: 0, rows: BLOCK_ROWS }], 0).slice())
}

t.test('a block holds what was decoded of it beside its own octets', async (t) => {
  const block = largeBlock()
  const before = block.heldOctets
  block.column(FlowColumnIndex.sourceAddress)
  t.equal(block.heldOctets, before + 4 * BLOCK_ROWS)
  block.column(FlowColumnIndex.sourceAddress)
  t.equal(block.heldOctets, before + 4 * BLOCK_ROWS, 'once')
})

t.test('blocks stay open up to a number of octets, the latest used ones', async (t) => {
  const opened = new OpenedBlocks()
  const block = largeBlock()
  block.column(FlowColumnIndex.sourceAddress)
  const room = Math.floor(OPENED_OCTETS / block.heldOctets)
  for (let number = 0; number < room; number++) opened.add(`b${number}`, block)
  t.equal(opened.get('b0'), block, 'all have room')
  opened.add('more', block)
  t.equal(opened.get('b1'), undefined, 'the one used longest ago went')
  t.equal(opened.get('b0'), block, 'not the one added first, for it was used since')
  opened.delete('b0')
  t.equal(opened.get('b0'), undefined)
})

t.test('a bound of its own, in which the latest block has room whatever it takes', async (t) => {
  const opened = new OpenedBlocks(1)
  const block = largeBlock()
  opened.add('one', block)
  t.equal(opened.get('one'), block)
  opened.add('other', block)
  t.equal(opened.get('one'), undefined)
  t.equal(opened.get('other'), block)
})
