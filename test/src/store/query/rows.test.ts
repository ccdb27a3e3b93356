// Values of rows: those that are asked for by name, and those that follow from others.
import { join } from 'node:path'
import t from 'tap'
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, samplingFromNames, streamNamed } from '#core/records/columns.js'
import { shapeOf } from '#core/records/shape.js'
import { createBlockStore } from '#core/store/blocks.js'
import { queryRows, rowValueNames } from '#core/store/query/rows.js'
import { exporter } from '../rows.js'

const names = [
  'octets',
  'packets',
  'startMilliseconds',
  'endMilliseconds',
  'samplingInterval',
  'samplingFrom',
  'clockSkewMilliseconds',
] as const
const shape = shapeOf([0, 1, 2, ...names.map((name) => Column[name])])
const SENDER = {
  exporterAddress: '192.0.2.1',
  listenerPort: 2055,
  protocolVersion: 9,
  observationDomainId: 1,
}

t.test('a row has the values that are named, who sent it, and what they follow from', async (t) => {
  const store = createBlockStore({ location: join(t.testdir(), 'blocks'), isFirst: true })
  await store.open()
  t.teardown(() => store.close())
  const builder = new BlockBuilder(streamNamed('flow4'), 2)
  for (const interval of [100, 0]) {
    const row = builder.begin(exporter, shape, 5000, 1)
    builder.setUnsigned64(Column.octets, row, 40)
    builder.setUnsigned64(Column.packets, row, 2)
    builder.setNumber(Column.startMilliseconds, row, 4000)
    builder.setNumber(Column.endMilliseconds, row, 4500)
    builder.setNumber(Column.samplingInterval, row, interval)
    builder.setNumber(Column.samplingFrom, row, interval === 0 ? 0 : samplingFromNames.indexOf('record'))
    builder.setNumber(Column.clockSkewMilliseconds, row, -250)
  }
  await store.append(builder, 5000)
  const valuesOf = async (columns?: readonly string[]) => {
    const { rows } = await queryRows(store, { limit: 10, ...(columns === undefined ? {} : { columns }) })
    return rows.map((row) => row as Record<string, unknown>)
  }
  const [second, first] = await valuesOf()
  const times = { startMilliseconds: 4000, endMilliseconds: 4500, clockSkewMilliseconds: -250 }
  const correctedTimes = { correctedStartMilliseconds: 4250, correctedEndMilliseconds: 4750 }
  const counts = { receivedMilliseconds: 5000, octets: 40, packets: 2 }
  const sampling = { samplingInterval: 100, samplingFrom: 'record' }
  const scaled = { scaledOctets: 4000, scaledPackets: 200 }
  t.strictSame(first, { row: 1, ...SENDER, ...counts, ...times, ...correctedTimes, ...sampling, ...scaled })
  t.strictSame(second, { row: 2, ...SENDER, ...counts, ...times, ...correctedTimes })
  for (const name of Object.keys(first!)) t.ok(name === 'row' || rowValueNames.has(name), name)
  for (const [columns, ofFirst, ofSecond] of [
    [['octets'], { octets: 40 }, { octets: 40 }],
    [['exporterAddress'], {}, {}],
    [['samplingInterval'], sampling, {}],
    [['scaledOctets'], { octets: 40, ...sampling, scaledOctets: 4000 }, { octets: 40 }],
    [
      ['correctedEndMilliseconds', 'packets'],
      { packets: 2, endMilliseconds: 4500, clockSkewMilliseconds: -250, correctedEndMilliseconds: 4750 },
      { packets: 2, endMilliseconds: 4500, clockSkewMilliseconds: -250, correctedEndMilliseconds: 4750 },
    ],
  ] as const) {
    const [second, first] = await valuesOf(columns)
    t.strictSame(first, { row: 1, ...SENDER, ...ofFirst }, columns.join())
    t.strictSame(second, { row: 2, ...SENDER, ...ofSecond }, columns.join())
  }
})
