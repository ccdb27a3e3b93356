/**
 * The one way of log lines into the store: a parsed connection becomes a row beside the flows, everything else a row of
 * the message stream, both with the line as received. Sockets and imported files both come through here.
 */
import type { Address } from '#core/records/address.js'
import { streamNames } from '#core/records/columns.js'
import { type ExporterIdentity, SYSLOG_PROTOCOL } from '#core/records/exporter.js'
import type { BlockWriter } from '#core/store/writer.js'
import { type ExporterSession, ExporterTable } from './exporter-table.js'
import { RowDraft } from './row-draft.js'
import { Directions, DirectionTable } from './syslog/directions.js'
import { AddressSlot, Kind } from './syslog/event.js'
import { createMappedProduct, type SyslogMapping } from './syslog/mapping.js'
import {
  createContext,
  parseLine,
  parseOctets,
  type SyslogContext,
  SyslogEvent,
  type SyslogSettings,
} from './syslog/parse.js'
import { draftConnection, draftMessage } from './syslog-rows.js'

/** What is known of one sender of log lines. */
export type SyslogExporter = {
  readonly identity: ExporterIdentity
  readonly context: SyslogContext
  lines: number
  octets: number
  connections: number
  notUnderstood: number
  firstSeenMilliseconds: number
  lastSeenMilliseconds: number
  clockSkewMilliseconds: number
  vendor: string
  product: string
}

export type SyslogIntake = {
  /** Those that are known. */
  exporters(): readonly SyslogExporter[]
  /** Lines of which no parser knew what they tell. */
  notUnderstood(): number
  /** Takes the octets of one line as received, without its line end. */
  octets(
    octets: DataView,
    from: number,
    to: number,
    source: Address,
    listenerPort: number,
    transport: number,
    receivedMilliseconds: number,
  ): void
  /** As `octets`, of a line with one character per octet. */
  line(
    text: string,
    source: Address,
    listenerPort: number,
    transport: number,
    receivedMilliseconds: number,
  ): void
}

export type SyslogIntakeOptions = {
  readonly writer: BlockWriter
  /** The IANA zone of a device's clock, where its lines name none. */
  readonly zoneOf: (address: Address) => string | undefined
  /** Products that the configuration describes. */
  readonly mappings?: readonly SyslogMapping[]
  /** Told of each line that is lost because its sender is one too many to remember. */
  readonly onRefused?: () => void
}

/** Connections whose direction is remembered, over all firewalls; 16 octets each. */
const DIRECTION_ENTRIES = 1_048_576

const MESSAGE_STREAM = streamNames.indexOf('message')
const ICMP = 1
const ICMPV6 = 58

export function createSyslogIntake(options: SyslogIntakeOptions): SyslogIntake {
  const { writer, zoneOf, mappings = [], onRefused } = options
  const mapped = mappings.map(createMappedProduct)
  const table = new DirectionTable(DIRECTION_ENTRIES)
  let made = 0
  let notUnderstood = 0
  const exporters = new ExporterTable<SyslogExporter>({
    make: (session) =>
      makeExporter(session, {
        zone: zoneOf(session.address),
        mapped,
        directions: new Directions(table, made++),
      }),
    lastSeen: ({ lastSeenMilliseconds }) => lastSeenMilliseconds,
  })
  const event = new SyslogEvent()
  const draft = new RowDraft()

  let lastSource: Address | undefined
  let lastSession = -1
  let lastExporter: SyslogExporter | undefined

  /** The sender of a line, whose counts are begun. Lines of one sender often follow each other. */
  const beginLine = (
    octets: number,
    source: Address,
    listenerPort: number,
    transport: number,
    receivedMilliseconds: number,
  ): SyslogExporter | undefined => {
    const session = listenerPort * 4 + transport
    if (source !== lastSource || session !== lastSession || lastExporter === undefined) {
      lastExporter = exporters.of(source, listenerPort, transport, receivedMilliseconds)
      lastSource = source
      lastSession = session
    }
    const exporter = lastExporter
    if (exporter === undefined) {
      onRefused?.()
      return undefined
    }
    exporter.lines++
    exporter.octets += octets
    if (exporter.firstSeenMilliseconds === 0) exporter.firstSeenMilliseconds = receivedMilliseconds
    exporter.lastSeenMilliseconds = receivedMilliseconds
    exporter.context.receivedMilliseconds = receivedMilliseconds
    return exporter
  }
  const finishLine = (exporter: SyslogExporter, isUnderstood: boolean, receivedMilliseconds: number) => {
    if (!isUnderstood) {
      exporter.notUnderstood++
      notUnderstood++
    }
    if (!Number.isNaN(event.timeMilliseconds)) {
      exporter.clockSkewMilliseconds = event.timeMilliseconds - receivedMilliseconds
    }
    if (event.product !== '') {
      exporter.vendor = event.vendor
      exporter.product = event.product
    }
    if (event.kind === Kind.connection && event.hasPair() && event.families[0] === event.families[1]) {
      exporter.connections++
      const isIcmp = event.protocol === ICMP || event.protocol === ICMPV6
      const isIPv6 = event.families[AddressSlot.source] === 6
      draft.begin(writer, (isIcmp ? 2 : 0) + (isIPv6 ? 1 : 0))
      draftConnection(draft, event)
    } else {
      draft.begin(writer, MESSAGE_STREAM)
      draftMessage(draft, event)
    }
    draft.finish(exporter.identity, receivedMilliseconds)
  }
  return {
    exporters: () => exporters.all,
    notUnderstood: () => notUnderstood,
    octets(octets, from, to, source, listenerPort, transport, received) {
      const exporter = beginLine(to - from, source, listenerPort, transport, received)
      if (exporter === undefined) return
      finishLine(exporter, parseOctets(octets, from, to, event, exporter.context), received)
    },
    line(text, source, listenerPort, transport, received) {
      const exporter = beginLine(text.length, source, listenerPort, transport, received)
      if (exporter === undefined) return
      finishLine(exporter, parseLine(text, event, exporter.context), received)
    },
  }
}

function makeExporter(session: ExporterSession, settings: SyslogSettings): SyslogExporter {
  return {
    identity: { ...session, protocol: SYSLOG_PROTOCOL, observationDomainId: 0 },
    context: createContext(0, settings),
    lines: 0,
    octets: 0,
    connections: 0,
    notUnderstood: 0,
    firstSeenMilliseconds: 0,
    lastSeenMilliseconds: 0,
    clockSkewMilliseconds: Number.NaN,
    vendor: '',
    product: '',
  }
}
