/** The columns of a block that rows are read from, and what can be said of its names, exporters and shapes at once. */
import type { Block } from '../../blocks/block.js'
import { EXPORTER_COLUMN, type Plane, RECEIVED_COLUMN, SHAPE_COLUMN } from '../../blocks/builder.js'
import { type FlowColumn, FlowColumnIndex } from '../../records/columns.js'
import { SYSLOG_PROTOCOL } from '../../records/exporter.js'
import type { Names } from './names.js'
import type { Points } from './points.js'

/** Classification engines of RFC 6759 §4.1 that name the protocol or the port, not what was seen in packets. */
const NAMED_BY_NUMBER = /^0[13]/

const read = [
  'sourceAddress',
  'destinationAddress',
  'sourceTransportPort',
  'destinationTransportPort',
  'protocolIdentifier',
  'packets',
  'octets',
  'reversePackets',
  'reverseOctets',
  'octetsTotal',
  'startMilliseconds',
  'endMilliseconds',
  'durationMilliseconds',
  'tcpControlBits',
  'outcome',
  'firewallEvent',
  'flowEndReason',
  'ingressInterface',
  'egressInterface',
  'flowDirection',
  'samplingInterval',
  'samplingFrom',
  'applicationName',
  'applicationId',
  'service',
] as const satisfies readonly FlowColumn[]

/** The columns of a flow stream that this detector reads. */
export const flowColumns: readonly number[] = [
  RECEIVED_COLUMN,
  EXPORTER_COLUMN,
  SHAPE_COLUMN,
  ...read.map((name) => FlowColumnIndex[name]),
]

/** Undefined where the block has no addresses or no protocol: nothing follows from its rows. */
export function openColumns(block: Block, names: Names, points: Points) {
  const { header } = block
  const one = (name: FlowColumn): Plane | undefined => block.column(FlowColumnIndex[name])?.[0]
  const sources = block.column(FlowColumnIndex.sourceAddress)
  const destinations = block.column(FlowColumnIndex.destinationAddress)
  const protocols = one('protocolIdentifier')
  if (sources === undefined || destinations === undefined || protocols === undefined) return undefined
  const nameTexts = one('applicationName')
  const engines = one('applicationId')
  const services = one('service')
  const strings = (name: FlowColumn, plane: Plane | undefined) =>
    plane === undefined ? [] : block.strings(FlowColumnIndex[name])
  const [packets, packetsHigh] = block.column(FlowColumnIndex.packets) ?? []
  const [octets, octetsHigh] = block.column(FlowColumnIndex.octets) ?? []
  const reversePackets = block.column(FlowColumnIndex.reversePackets)
  const reverseOctets = block.column(FlowColumnIndex.reverseOctets)
  return {
    received: block.column(RECEIVED_COLUMN)![0]!,
    exporters: block.column(EXPORTER_COLUMN)![0]!,
    shapes: block.column(SHAPE_COLUMN)![0]!,
    sources,
    destinations,
    protocols,
    sourcePorts: one('sourceTransportPort'),
    destinationPorts: one('destinationTransportPort'),
    packets,
    packetsHigh,
    octets,
    octetsHigh,
    reversePackets,
    reverseOctets,
    hasReverse: reversePackets !== undefined || reverseOctets !== undefined,
    octetsTotal: block.column(FlowColumnIndex.octetsTotal),
    starts: one('startMilliseconds'),
    ends: one('endMilliseconds'),
    durations: one('durationMilliseconds'),
    control: one('tcpControlBits'),
    outcomes: one('outcome'),
    firewallEvents: one('firewallEvent'),
    endReasons: one('flowEndReason'),
    ingress: one('ingressInterface'),
    egress: one('egressInterface'),
    directions: one('flowDirection'),
    sampling: one('samplingInterval'),
    samplingFrom: one('samplingFrom'),
    nameTexts,
    engines,
    services,
    nameNumbers: Uint16Array.from(strings('applicationName', nameTexts), (text) => names.numberOf(text)),
    serviceNumbers: Uint16Array.from(strings('service', services), (text) => names.numberOf(text)),
    /** By the engine's place: 1 where it names by number. */
    byNumber: Uint8Array.from(strings('applicationId', engines), (text) =>
      NAMED_BY_NUMBER.test(text) ? 1 : 0,
    ),
    /** By the exporter's place. */
    points: header.exporters.map((identity) => points.of(identity)),
    /** By the exporter's place: 1 for firewalls, whose sessions say who opened them. */
    isFirewall: Uint8Array.from(header.exporters, ({ protocol }) => (protocol === SYSLOG_PROTOCOL ? 1 : 0)),
    /** By the shape's place: 1 where rows say who opened, firewall sessions and biflows (RFC 5103 §5). */
    knowsOpener: Uint8Array.from(header.shapes, ({ columns }) =>
      columns.includes(FlowColumnIndex.reverseOctets) || columns.includes(FlowColumnIndex.firewallEvent)
        ? 1
        : 0,
    ),
  }
}

export type FlowColumns = NonNullable<ReturnType<typeof openColumns>>
