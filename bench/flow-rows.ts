/** What the benches that fill blocks by themselves fill them with: one exporter's rows of the plain columns. */
import { FlowColumnIndex as Column } from '#core/records/columns.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { shapeOf } from '#core/records/shape.js'

export const exporter: ExporterIdentity = {
  address: { family: 4, words: [0, 0, 0, 0xc0000201] },
  listenerPort: 2055,
  transport: 0,
  protocol: 9,
  observationDomainId: 1,
}
const columns = [
  'sourceAddress',
  'destinationAddress',
  'sourceTransportPort',
  'destinationTransportPort',
  'protocolIdentifier',
  'octets',
  'packets',
  'startMilliseconds',
  'endMilliseconds',
  'tcpControlBits',
] as const
export const shape = shapeOf([0, 1, 2, ...columns.map((name) => Column[name])])
