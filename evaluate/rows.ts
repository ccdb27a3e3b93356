/** Stored rows as the peers' rules take them, and how many octets a pair's echo records had told of at a time. */
import type { Detector, Judge } from '#core/detectors/detector.js'
import { formatIPv4, formatIPv6 } from '#core/records/address.js'
import { FlowColumnIndex, type StreamName } from '#core/records/columns.js'
import { SYSLOG_PROTOCOL } from '#core/records/exporter.js'
import type { Selection } from '#core/store/scan.js'

type Planes = readonly ArrayLike<number>[] | undefined

/** One direction's counters of an echo flow. */
export type EchoRow = {
  /** Who sent these packets, and to whom. */
  readonly source: string
  readonly destination: string
  readonly isRequest: boolean
  readonly packets: number
  readonly octets: number
  readonly startMilliseconds: number
  readonly endMilliseconds: number
  readonly receivedMilliseconds: number
}

/** A record of another protocol; addresses are made to text when asked for. */
export type FlowRow = {
  readonly source: () => string
  readonly destination: () => string
  readonly protocolIdentifier: number
  readonly sourceTransportPort: number
  readonly destinationTransportPort: number
  readonly applicationName: string
  readonly octets: number
  readonly startMilliseconds: number
  readonly receivedMilliseconds: number
}

/** What takes rows; every part is optional. */
export type RowTaker = { echo?(row: EchoRow): void; flow?(row: FlowRow): void }

const ECHO = { 4: { request: 8, reply: 0 }, 6: { request: 128, reply: 129 } } as const

function counter(planes: Planes, row: number): number {
  return planes === undefined ? 0 : planes[0]![row]! + planes[1]![row]! * 0x1_0000_0000
}

function text(planes: readonly ArrayLike<number>[], row: number): string {
  return planes.length === 1
    ? formatIPv4(planes[0]![row]!)
    : formatIPv6(planes[0]![row]!, planes[1]![row]!, planes[2]![row]!, planes[3]![row]!)
}

/** A judge that finds nothing and hands rows on: it goes through a store by the way that detectors go. */
export function rowReader(taker: RowTaker): {
  detector: Pick<Detector, 'streams' | 'settleMilliseconds'>
  judge: Judge
} {
  const streams: StreamName[] = [
    ...(taker.echo === undefined ? [] : (['icmp4', 'icmp6'] as const)),
    ...(taker.flow === undefined ? [] : (['flow4', 'flow6'] as const)),
  ]
  return {
    detector: { streams, settleMilliseconds: 0 },
    judge: {
      observe(selection) {
        const { name } = selection.block.header.stream
        if (name === 'icmp4' || name === 'icmp6') readEchoes(selection, taker)
        else readFlows(selection, taker)
      },
      evaluate: () => [],
    },
  }
}

function readEchoes({ block, rows }: Selection, taker: RowTaker): void {
  const column = (name: keyof typeof FlowColumnIndex): Planes => block.column(FlowColumnIndex[name])
  const types = column('icmpType')?.[0]
  const [sources, destinations] = [column('sourceAddress'), column('destinationAddress')]
  if (types === undefined || sources === undefined || destinations === undefined) return
  const [packets, octets] = [column('packets'), column('octets')]
  const [reversePackets, reverseOctets] = [column('reversePackets'), column('reverseOctets')]
  const [starts, ends] = [column('startMilliseconds')?.[0], column('endMilliseconds')?.[0]]
  const received = column('receivedMilliseconds')![0]!
  const exporters = column('exporter')![0]!
  const { request, reply } = ECHO[block.header.stream.family === 6 ? 6 : 4]
  for (const row of rows) {
    const isRequest = types[row] === request
    if (!isRequest && types[row] !== reply) continue
    if (block.header.exporters[exporters[row]!]!.protocol === SYSLOG_PROTOCOL) continue
    const common = {
      startMilliseconds: starts?.[row] || received[row]!,
      endMilliseconds: ends?.[row] || received[row]!,
      receivedMilliseconds: received[row]!,
    }
    const [source, destination] = [text(sources, row), text(destinations, row)]
    const count = counter(packets, row)
    const back = counter(reversePackets, row)
    if (count > 0)
      taker.echo!({ ...common, source, destination, isRequest, packets: count, octets: counter(octets, row) })
    if (back > 0)
      taker.echo!({
        ...common,
        source: destination,
        destination: source,
        isRequest: !isRequest,
        packets: back,
        octets: counter(reverseOctets, row),
      })
  }
}

function readFlows({ block, rows }: Selection, taker: RowTaker): void {
  const column = (name: keyof typeof FlowColumnIndex): Planes => block.column(FlowColumnIndex[name])
  const [sources, destinations] = [column('sourceAddress'), column('destinationAddress')]
  const protocols = column('protocolIdentifier')?.[0]
  if (sources === undefined || destinations === undefined || protocols === undefined) return
  const [from, to] = [column('sourceTransportPort')?.[0], column('destinationTransportPort')?.[0]]
  const names = column('applicationName')?.[0]
  const octets = column('octets')
  const starts = column('startMilliseconds')?.[0]
  const received = column('receivedMilliseconds')![0]!
  const strings = names === undefined ? [''] : block.strings(FlowColumnIndex.applicationName)
  for (const row of rows) {
    taker.flow!({
      source: () => text(sources, row),
      destination: () => text(destinations, row),
      protocolIdentifier: protocols[row]!,
      sourceTransportPort: from?.[row] ?? 0,
      destinationTransportPort: to?.[row] ?? 0,
      applicationName: names === undefined ? '' : (strings[names[row]!] ?? ''),
      octets: counter(octets, row),
      startMilliseconds: starts?.[row] || received[row]!,
      receivedMilliseconds: received[row]!,
    })
  }
}

/** A key of two addresses whatever their order. */
export function pairOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`
}

/** Counts octets of records of some pairs by time of arrival; where two exporters see a pair, both count. */
export function createOctetCounter(pairs: ReadonlySet<string>) {
  const seen = new Map<string, { at: number; octets: number }[]>()
  const starts = new Map<string, number>()
  const note = (key: string, octets: number, startMilliseconds: number, at: number) => {
    if (!pairs.has(key)) return
    const list = seen.get(key) ?? []
    seen.set(key, list)
    list.push({ at, octets: octets + (list.at(-1)?.octets ?? 0) })
    starts.set(key, Math.min(startMilliseconds, starts.get(key) ?? startMilliseconds))
  }
  return {
    echo: ({ source, destination, octets, startMilliseconds, receivedMilliseconds }: EchoRow) =>
      note(pairOf(source, destination), octets, startMilliseconds, receivedMilliseconds),
    flow: ({ source, destination, octets, startMilliseconds, receivedMilliseconds }: FlowRow) =>
      note(pairOf(source(), destination()), octets, startMilliseconds, receivedMilliseconds),
    until(one: string, other: string, atMilliseconds: number): number | undefined {
      const list = seen.get(pairOf(one, other))
      return list?.findLast(({ at }) => at < atMilliseconds)?.octets
    },
    /** The first packet that a record told of. */
    firstStart: (one: string, other: string): number | undefined => starts.get(pairOf(one, other)),
  }
}
