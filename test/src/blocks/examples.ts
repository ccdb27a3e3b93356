// Blocks that are small enough for no piece to be compressed, so that they are the same octets in every Node.js.
import { BlockBuilder } from '#core/blocks/builder.js'
import { FlowColumnIndex as Column, ExporterEventColumnIndex, streamNamed } from '#core/records/columns.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { shapeOf } from '#core/records/shape.js'

/** 2026-06-01T12:00:00Z. */
export const RECEIVED = 1_780_315_200_000
export const STORED = RECEIVED + 1000

const ipfix: ExporterIdentity = {
  address: { family: 4, words: [0, 0, 0, 0xc0000201] },
  listenerPort: 4739,
  transport: 0,
  protocol: 10,
  observationDomainId: 7,
}
const syslog: ExporterIdentity = {
  address: { family: 6, words: [0x20010db8, 0, 0, 1] },
  listenerPort: 6514,
  transport: 2,
  protocol: 200,
  observationDomainId: 0,
}

/** Two events of one exporter: the example of docs/storage-format.md. */
export function exporterEvents(): BlockBuilder {
  const builder = new BlockBuilder(streamNamed('exporterEvent'), 4)
  const { event, value } = ExporterEventColumnIndex
  const shape = shapeOf([0, 1, 2, event, value])
  for (const [index, [kind, amount]] of [
    [1, 3],
    [5, 100],
  ].entries()) {
    const row = builder.begin(ipfix, shape, RECEIVED + 20 * index, 1)
    builder.setNumber(event, row, kind!)
    builder.setNumber(value, row, amount!)
  }
  return builder
}

/** Three rows of two shapes and exporters, with every column type. */
export function flows(family: 4 | 6): BlockBuilder {
  const builder = new BlockBuilder(streamNamed(family === 4 ? 'flow4' : 'flow6'), 8)
  const base = [0, 1, 2, Column.sourceAddress, Column.destinationAddress, Column.protocolIdentifier]
  const flow = shapeOf([
    ...base,
    Column.sourceTransportPort,
    Column.octets,
    Column.packets,
    Column.startMilliseconds,
    Column.endMilliseconds,
    Column.tcpControlBits,
    Column.ingressInterface,
    Column.postNATSourceAddress,
  ])
  const session = shapeOf([...base, Column.action, Column.ruleName, Column.durationMilliseconds])
  const source = [0x20010db8, 0, 0, 0x0a000001] as const
  const destination = [0x20010db8, 0xffffffff, 0x80000000, 0xfffffffe] as const
  for (const [index, octets] of [1500, 2 ** 53 - 1].entries()) {
    const row = builder.begin(ipfix, flow, RECEIVED + index, 1)
    builder.setAddress(Column.sourceAddress, row, source)
    builder.setAddress(Column.destinationAddress, row, destination)
    builder.setNumber(Column.protocolIdentifier, row, 6)
    builder.setNumber(Column.sourceTransportPort, row, 50_000 + index)
    builder.setUnsigned64(Column.octets, row, octets)
    builder.setUnsigned64(Column.packets, row, index + 1)
    builder.setNumber(Column.startMilliseconds, row, RECEIVED - 250.25)
    builder.setNumber(Column.endMilliseconds, row, RECEIVED - 50 * index)
    builder.setNumber(Column.tcpControlBits, row, 0x1b)
    builder.setNumber(Column.ingressInterface, row, 0xffffffff - index)
    const nat = builder.addresses.indexOf(0, 0, 0xffff, 0xc6336400 + index)
    builder.setNumber(Column.postNATSourceAddress, row, nat)
  }
  const row = builder.begin(syslog, session, RECEIVED + 5, 1)
  builder.setAddress(Column.sourceAddress, row, destination)
  builder.setAddress(Column.destinationAddress, row, source)
  builder.setNumber(Column.protocolIdentifier, row, 17)
  builder.setText(Column.action, row, 'allow')
  builder.setText(Column.ruleName, row, 'Büro → Internet')
  builder.setNumber(Column.durationMilliseconds, row, 0)
  return builder
}

/** Two hundred rows whose planes are packed, with and without others, or runs: none is left to a compressor. */
export function fewValues(): BlockBuilder {
  const builder = new BlockBuilder(streamNamed('flow4'), 200)
  const shape = shapeOf([
    0,
    1,
    2,
    Column.protocolIdentifier,
    Column.packets,
    Column.startMilliseconds,
    Column.endMilliseconds,
    Column.tcpControlBits,
  ])
  for (let index = 0; index < builder.capacity; index++) {
    const row = builder.begin(index < 90 ? ipfix : syslog, shape, RECEIVED + Math.floor(index / 40), 1)
    builder.setNumber(Column.protocolIdentifier, row, index % 3 === 0 ? 17 : 6)
    builder.setUnsigned64(Column.packets, row, index % 25 === 7 ? 20 + index : 1 + (index % 2))
    builder.setNumber(Column.startMilliseconds, row, RECEIVED - 1000 * (index % 2))
    builder.setNumber(Column.endMilliseconds, row, RECEIVED)
    builder.setNumber(
      Column.tcpControlBits,
      row,
      [0x1b, 0x02, 0x10, 0x18, 0x14, 0x1f, 0x1a][(index * 5) % 7]!,
    )
  }
  return builder
}
