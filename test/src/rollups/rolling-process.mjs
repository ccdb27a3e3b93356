// A process that stores rows and sums them until it is killed, and says so after each step. Arguments: the compiled
// project's folder, the data folder, when the first row is received.
const [, , root, data, from] = process.argv
const { createBlockStore } = await import(`${root}/dist/src/store/blocks.js`)
const { createRoller } = await import(`${root}/dist/src/rollups/roller.js`)
const { BlockBuilder } = await import(`${root}/dist/src/blocks/builder.js`)
const { streams, FlowColumnIndex } = await import(`${root}/dist/src/records/columns.js`)
const { shapeOf } = await import(`${root}/dist/src/records/shape.js`)

const blocks = createBlockStore({ location: `${data}/blocks`, isFirst: true })
const rollups = createBlockStore({ location: `${data}/rollups`, what: 'rollups', isFirst: true })
await blocks.open()
await rollups.open()
const roller = createRoller({ blocks, rollups })
const shape = shapeOf([0, 1, 2, FlowColumnIndex.sourceAddress, FlowColumnIndex.octets])
const exporter = {
  address: { family: 4, words: [0, 0, 0, 1] },
  listenerPort: 2055,
  transport: 0,
  protocol: 9,
  observationDomainId: 1,
}
const builder = new BlockBuilder(streams[0], 100)
for (let received = Number(from); ; ) {
  builder.reset()
  for (let index = 0; index < 100; index++, received += 2000) {
    const row = builder.begin(exporter, shape, received, 1)
    builder.setNumber(FlowColumnIndex.sourceAddress, row, index % 7)
    builder.setUnsigned64(FlowColumnIndex.octets, row, index)
  }
  await blocks.append(builder, received)
  if ((await roller.step(received)) !== undefined) process.stdout.write(`${received}\n`)
}
