// A process that writes blocks until it is killed, and says what has been synced: "<first octets> <rows>" a line.
// Arguments: the compiled project's folder, the database's folder, where to begin, "hold" to open and wait instead.
const [, , root, location, from, mode] = process.argv
const { createBlockStore } = await import(`${root}/dist/src/store/blocks.js`)
const { BlockBuilder } = await import(`${root}/dist/src/blocks/builder.js`)
const { streams, FlowColumnIndex } = await import(`${root}/dist/src/records/columns.js`)
const { shapeOf } = await import(`${root}/dist/src/records/shape.js`)

const store = createBlockStore({ location, isFirst: true })
await store.open()
if (mode === 'hold') {
  process.stdout.write('open\n')
  setInterval(() => {}, 1000)
} else {
  const shape = shapeOf([0, 1, 2, FlowColumnIndex.octets])
  const exporter = {
    address: { family: 4, words: [0, 0, 0, 1] },
    listenerPort: 2055,
    transport: 0,
    protocol: 9,
    observationDomainId: 1,
  }
  const builder = new BlockBuilder(streams[0], 200)
  let next = Number(from)
  for (;;) {
    const rows = 1 + (next % 200)
    builder.reset()
    for (let index = 0; index < rows; index++) {
      const row = builder.begin(exporter, shape, 1000 + next + index, 1)
      builder.setUnsigned64(FlowColumnIndex.octets, row, next + index)
    }
    await store.append(builder, 1000)
    if (next % 3 === 0) {
      await store.sync()
      process.stdout.write(`synced ${next + rows}\n`)
    }
    next += rows
  }
}
