/** Rows made by hand, and what the judge finds in them. */
import { Block } from '#core/blocks/block.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { encodeBlock } from '#core/blocks/encode.js'
import { portProtocol } from '#core/detectors/port-protocol/index.js'
import { settingsOf } from '#core/detectors/settings.js'
import { makeSurroundings, nothingKnown } from '#core/detectors/surroundings.js'
import type { Observation } from '#core/findings/finding.js'
import { parseAddress } from '#core/records/address.js'
import { type FlowColumn, FlowColumnIndex, outcomeNames, streamNamed } from '#core/records/columns.js'
import type { ExporterIdentity } from '#core/records/exporter.js'
import { shapeOf } from '#core/records/shape.js'
import { ceilingTo, floorTo, STEP_MILLISECONDS } from '#core/scheduler/evaluate.js'

export const START = Date.UTC(2026, 0, 5, 9)
export const TCP = 6
export const UDP = 17
export const router: ExporterIdentity = {
  address: parseAddress('10.0.0.1')!,
  listenerPort: 2055,
  transport: 0,
  protocol: 10,
  observationDomainId: 1,
}
export const firewall: ExporterIdentity = {
  ...router,
  listenerPort: 5514,
  protocol: 200,
  observationDomainId: 0,
}

/** One conversation, or several alike: [packets, octets] each way over its whole length. */
export type Made = {
  client?: string
  server?: string
  clientPort?: number
  port: number
  protocol?: number
  /** Seconds after START. */
  at?: number
  seconds?: number
  up: readonly [packets: number, octets: number]
  down: readonly [packets: number, octets: number]
  /** Repeats, every so many seconds, each from a port of its own unless `onePort`. */
  times?: number
  every?: number
  onePort?: boolean
  name?: string
  service?: string
  outcome?: (typeof outcomeNames)[number]
  exporter?: ExporterIdentity
  /** The exporter's active timeout in seconds. */
  slice?: number
  sampling?: number
}

type Row = { receivedMilliseconds: number; exporter: ExporterIdentity; values: Map<FlowColumn, unknown> }

function rowsOf(made: Made): Row[] {
  const rows: Row[] = []
  const { times = 1, every = 60, seconds = 0.2, slice = 60 } = made
  for (let index = 0; index < times; index++) {
    const clientPort = (made.clientPort ?? 40_000) + (made.onePort === true ? 0 : index)
    const from = START + ((made.at ?? 1) + index * every) * 1000
    const pieces = Math.max(1, Math.ceil(seconds / slice))
    for (let piece = 0; piece < pieces; piece++) {
      const start = from + (seconds * 1000 * piece) / pieces
      const end = from + (seconds * 1000 * (piece + 1)) / pieces - (pieces > 1 ? 10 : 0)
      const part = (sum: number) =>
        Math.floor((sum * (piece + 1)) / pieces) - Math.floor((sum * piece) / pieces)
      const common: [FlowColumn, unknown][] = [
        ['protocolIdentifier', made.protocol ?? TCP],
        ['startMilliseconds', start],
        ['endMilliseconds', end],
      ]
      if (pieces > 1) common.push(['flowEndReason', piece < pieces - 1 ? 2 : 1])
      if (made.name !== undefined) common.push(['applicationName', made.name])
      if (made.service !== undefined) common.push(['service', made.service])
      if (made.outcome !== undefined) common.push(['outcome', outcomeNames.indexOf(made.outcome)])
      if (made.sampling !== undefined) common.push(['samplingInterval', made.sampling], ['samplingFrom', 1])
      const client = made.client ?? '10.1.1.5'
      const server = made.server ?? '198.51.100.9'
      const up: [FlowColumn, unknown][] = [
        ['packets', part(made.up[0])],
        ['octets', part(made.up[1])],
      ]
      const down: [FlowColumn, unknown][] = [
        ['packets', part(made.down[0])],
        ['octets', part(made.down[1])],
      ]
      const exporter = made.exporter ?? router
      const receivedMilliseconds = end + 1000
      const ends = (source: string, sourcePort: number, destination: string, port: number) =>
        [
          ['sourceAddress', source],
          ['destinationAddress', destination],
          ['sourceTransportPort', sourcePort],
          ['destinationTransportPort', port],
        ] as [FlowColumn, unknown][]
      if (exporter.protocol === 200) {
        const reverse: [FlowColumn, unknown][] = [
          ['reversePackets', part(made.down[0])],
          ['reverseOctets', part(made.down[1])],
        ]
        const values = [...ends(client, clientPort, server, made.port), ...common, ...up, ...reverse]
        rows.push({ receivedMilliseconds, exporter, values: new Map(values) })
        continue
      }
      const there = [...ends(client, clientPort, server, made.port), ...common, ...up]
      const back = [...ends(server, made.port, client, clientPort), ...common, ...down]
      if (made.up[0] > 0) rows.push({ receivedMilliseconds, exporter, values: new Map(there) })
      if (made.down[0] > 0) rows.push({ receivedMilliseconds, exporter, values: new Map(back) })
    }
  }
  return rows
}

function blockOf(rows: readonly Row[], family: 4 | 6, firstSequence: number): Block {
  const stream = streamNamed(family === 4 ? 'flow4' : 'flow6')
  const builder = new BlockBuilder(stream, rows.length)
  for (const { receivedMilliseconds, exporter, values } of rows) {
    const shape = shapeOf([0, 1, 2, ...[...values.keys()].map((name) => FlowColumnIndex[name])])
    const row = builder.begin(exporter, shape, receivedMilliseconds, 1)
    for (const [name, value] of values) {
      const column = FlowColumnIndex[name]
      const { type } = stream.columns[column]!
      if (type === 'address') builder.setAddress(column, row, parseAddress(value as string)!.words as never)
      else if (type === 'text') builder.setText(column, row, value as string)
      else if (type === 'u64') builder.setUnsigned64(column, row, value as number)
      else builder.setNumber(column, row, value as number)
    }
  }
  return new Block(encodeBlock(builder, [{ firstSequence: firstSequence, rows: builder.rows }], START))
}

/** Runs a judge over rows minute by minute, as the scheduler does; the last word on each subject. */
export function judged(made: readonly Made[], settings: Record<string, unknown> = {}): Observation[] {
  const rows = made.flatMap(rowsOf).sort((a, b) => a.receivedMilliseconds - b.receivedMilliseconds)
  const judge = portProtocol.start(settingsOf(portProtocol, settings), makeSurroundings(nothingKnown))
  const found = new Map<string, Observation>()
  const last =
    ceilingTo(rows.at(-1)!.receivedMilliseconds + 1, STEP_MILLISECONDS) + portProtocol.settleMilliseconds
  let next = 0
  for (let at = floorTo(START, STEP_MILLISECONDS) + 60_000; at <= last; at += 60_000) {
    const from = next
    while (next < rows.length && rows[next]!.receivedMilliseconds < at) next++
    for (const family of [4, 6] as const) {
      const isFamily = (row: Row) =>
        (row.values.get('sourceAddress') as string).includes(':') === (family === 6)
      const part = rows.slice(from, next).filter(isFamily)
      if (part.length === 0) continue
      const block = blockOf(part, family, from)
      judge.observe({ block, rows: Uint32Array.from(part, (_, index) => index) })
    }
    for (const observation of judge.evaluate(at)) found.set(observation.id, observation)
  }
  return [...found.values()]
}

export const findings = (made: readonly Made[], settings: Record<string, unknown> = {}) =>
  judged(made, settings).filter(({ kind }) => kind === 'finding')
export const codes = (observation: Observation | undefined) =>
  observation?.reasons.map(({ code }) => code) ?? []
export const udp = (port: number, rest: Omit<Made, 'port' | 'protocol'>): Made => ({
  port,
  protocol: UDP,
  ...rest,
})
export const tcp = (port: number, rest: Omit<Made, 'port'>): Made => ({ port, protocol: TCP, ...rest })
