// Builders of numbered rows, for tests of the store and for the processes that they start.
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, type StreamName, streamNamed } from '#core/records/columns.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { shapeOf } from '#core/records/shape.js'

export const exporter: ExporterIdentity = {
  address: { family: 4, words: [0, 0, 0, 0xc0000201] },
  listenerPort: 2055,
  transport: 0,
  protocol: 9,
  observationDomainId: 1,
}

const shape = shapeOf([0, 1, 2, Column.sourceTransportPort, Column.octets])

/** Adds rows whose octets are `from`, `from` + 1 and so on, received a millisecond apart. */
export function addRows(
  builder: BlockBuilder,
  count: number,
  from: number,
  receivedMilliseconds = from,
): void {
  for (let index = 0; index < count; index++) {
    const row = builder.begin(exporter, shape, receivedMilliseconds + index, 1)
    builder.setNumber(Column.sourceTransportPort, row, (from + index) & 0xffff)
    builder.setUnsigned64(Column.octets, row, from + index)
  }
}

export function builderOf(count: number, from: number, stream: StreamName = 'flow4'): BlockBuilder {
  const builder = new BlockBuilder(streamNamed(stream), count)
  addRows(builder, count, from)
  return builder
}
