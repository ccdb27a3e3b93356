/**
 * What one syslog line says, in one object that is filled anew for every line: numbers as numbers, addresses as
 * 32-bit words, and texts as offsets into the line's octets, so that nothing is allocated
 * before somebody asks for a text.
 */

import { Escape, type EscapeKind, unescapeText } from './escapes.js'
import { Line } from './line.js'

export { decodeUtf8, Escape, type EscapeKind } from './escapes.js'

/** The texts that a line may carry; a value is the place of its offsets in `SyslogEvent.spans`. */
export const Field = {
  timeText: 0,
  host: 1,
  application: 2,
  processId: 3,
  messageId: 4,
  eventId: 5,
  action: 6,
  direction: 7,
  applicationName: 8,
  service: 9,
  ruleName: 10,
  ruleId: 11,
  sourceZone: 12,
  destinationZone: 13,
  ingressInterfaceName: 14,
  egressInterfaceName: 15,
  sessionId: 16,
  userName: 17,
  endReason: 18,
  message: 19,
} as const
/** A value of `Field`. */
export type FieldIndex = (typeof Field)[keyof typeof Field]

/** The names of the fields in the order of their values. */
export const fieldNames = Object.keys(Field) as (keyof typeof Field)[]
const FIELD_COUNT = fieldNames.length

/** `connection` has a source and a destination address and tells of traffic; everything else is `other`. */
export const Kind = { other: 0, connection: 1 } as const
/** As `outcomeNames` of the schema. */
export const Outcome = { none: 0, allow: 1, deny: 2, other: 3 } as const
/** As `phaseNames` of the schema. */
export const Phase = { none: 0, start: 1, update: 2, end: 3 } as const
/** Where the zone of the time was taken from. */
export const ZoneFrom = { none: 0, message: 1, configured: 2, default: 3 } as const
/** Which address of the line a reader writes: an index into `families`, and times four into `words`. */
export const AddressSlot = { source: 0, destination: 1, postNATSource: 2, postNATDestination: 3 } as const
/** A value of `AddressSlot`. */
export type AddressSlotIndex = (typeof AddressSlot)[keyof typeof AddressSlot]

/** One parsed line; `reset` makes it ready for the next. Unknown is -1 for counts of a register and NaN for quantities. */
export class SyslogEvent {
  /** The line as received. */
  readonly line = new Line()
  /** Start and end offset per field, -1 where absent. */
  readonly spans = new Int32Array(FIELD_COUNT * 2)
  /** An `Escape` per field. */
  readonly escapes = new Uint8Array(FIELD_COUNT)
  /** 0 unknown, 4 or 6, per `AddressSlot`. */
  readonly families = new Uint8Array(4)
  /** Four words per `AddressSlot`, most significant first; IPv4 uses the last. */
  readonly words = new Uint32Array(16)
  /** Where the content begins: after priority, time and host, before the tag. */
  contentStart = 0
  /** Where the message begins: after the tag. */
  messageStart = 0
  /** The outer shape of the content (`Shape` of shape.ts), and where its body begins: the CEF version, the brace. */
  shape = 0
  bodyStart = 0
  /** RFC 5424 structured data, -1 where absent. */
  structuredDataStart = -1
  structuredDataEnd = -1
  /** Cisco's sequence number in front of the time, -1 where absent. */
  sequenceNumber = -1
  /** A priority, a time or a version was there. */
  headerFound = false

  kind: number = Kind.other
  /** Lower-case vendor and product, empty where not recognised. */
  vendor = ''
  product = ''
  facility = -1
  severity = -1
  /** Epoch milliseconds, NaN where the line has no time. */
  timeMilliseconds = Number.NaN
  timeZoneFrom: number = ZoneFrom.none
  yearInferred = false
  sourcePort = -1
  destinationPort = -1
  postNATSourcePort = -1
  postNATDestinationPort = -1
  protocol = -1
  icmpType = -1
  icmpCode = -1
  outcome: number = Outcome.none
  phase: number = Phase.none
  /** `inbound`, `outbound`, … where the firewall's own word (`Field.direction`) has that meaning, else empty. */
  directionName = ''
  /** The action in a word, where the log has only a letter for it. */
  actionName = ''
  octetsSourceToDestination = Number.NaN
  octetsDestinationToSource = Number.NaN
  octetsTotal = Number.NaN
  packetsSourceToDestination = Number.NaN
  packetsDestinationToSource = Number.NaN
  packetsTotal = Number.NaN
  durationMilliseconds = Number.NaN
  /** The line does not say who opened the connection: see directions.ts. */
  orientationUnknown = false
  /** Its counters are the session's so far, which a later line counts once more. */
  runningTotals = false
  /** So are its packets, though its octets are not. */
  runningPackets = false
  /** The time is when the session began, also where the line was written at its end (Zeek). */
  timeIsStart = false

  constructor() {
    this.spans.fill(-1)
  }

  /** Forgets the last line; `line` has been moved to the next one. */
  reset(): void {
    const { spans, families } = this
    for (let index = 0; index < spans.length; index++) spans[index] = -1
    families[0] = families[1] = families[2] = families[3] = 0
    this.contentStart = 0
    this.messageStart = 0
    this.shape = 0
    this.bodyStart = 0
    this.structuredDataStart = -1
    this.structuredDataEnd = -1
    this.sequenceNumber = -1
    this.headerFound = false
    this.vendor = ''
    this.product = ''
    this.facility = -1
    this.severity = -1
    this.timeMilliseconds = Number.NaN
    this.timeZoneFrom = ZoneFrom.none
    this.yearInferred = false
    this.resetBody()
  }

  /** Forgets what a vendor's reader wrote, keeps the header. */
  resetBody(): void {
    this.kind = Kind.other
    this.sourcePort = -1
    this.destinationPort = -1
    this.postNATSourcePort = -1
    this.postNATDestinationPort = -1
    this.protocol = -1
    this.icmpType = -1
    this.icmpCode = -1
    this.outcome = Outcome.none
    this.phase = Phase.none
    this.directionName = ''
    this.actionName = ''
    this.octetsSourceToDestination = Number.NaN
    this.octetsDestinationToSource = Number.NaN
    this.octetsTotal = Number.NaN
    this.packetsSourceToDestination = Number.NaN
    this.packetsDestinationToSource = Number.NaN
    this.packetsTotal = Number.NaN
    this.durationMilliseconds = Number.NaN
    this.orientationUnknown = false
    this.runningTotals = false
    this.runningPackets = false
    this.timeIsStart = false
  }

  /** Notes where a text stands; an empty span is no text. */
  setSpan(field: FieldIndex, start: number, end: number, escaping: EscapeKind = Escape.none): void {
    if (start < 0 || end <= start) return
    this.spans[field * 2] = start
    this.spans[field * 2 + 1] = end
    this.escapes[field] = escaping
  }

  clearSpan(field: FieldIndex): void {
    this.spans[field * 2] = -1
    this.spans[field * 2 + 1] = -1
  }

  has(field: FieldIndex): boolean {
    return this.spans[field * 2]! >= 0
  }

  start(field: FieldIndex): number {
    return this.spans[field * 2]!
  }

  end(field: FieldIndex): number {
    return this.spans[field * 2 + 1]!
  }

  /** The octets of a field as received, one code unit each; undefined where the line does not have it. */
  raw(field: FieldIndex): string | undefined {
    const start = this.spans[field * 2]!
    return start < 0 ? undefined : this.line.slice(start, this.spans[field * 2 + 1]!)
  }

  /** The text of a field: unescaped, read as UTF-8, with U+FFFD for octets that are none. */
  text(field: FieldIndex): string | undefined {
    const raw = this.raw(field)
    if (raw === undefined) return undefined
    return unescapeText(raw, this.escapes[field] as EscapeKind)
  }

  /** Both ends are known. */
  hasPair(): boolean {
    return this.families[0] !== 0 && this.families[1] !== 0
  }

  /** Exchanges the two ends with everything that belongs to them. */
  swapEnds(): void {
    swapAddress(this, AddressSlot.source, AddressSlot.destination)
    swapAddress(this, AddressSlot.postNATSource, AddressSlot.postNATDestination)
    const port = this.sourcePort
    this.sourcePort = this.destinationPort
    this.destinationPort = port
    const natPort = this.postNATSourcePort
    this.postNATSourcePort = this.postNATDestinationPort
    this.postNATDestinationPort = natPort
    const octets = this.octetsSourceToDestination
    this.octetsSourceToDestination = this.octetsDestinationToSource
    this.octetsDestinationToSource = octets
    const packets = this.packetsSourceToDestination
    this.packetsSourceToDestination = this.packetsDestinationToSource
    this.packetsDestinationToSource = packets
    swapSpan(this, Field.sourceZone, Field.destinationZone)
    swapSpan(this, Field.ingressInterfaceName, Field.egressInterfaceName)
  }
}

function swapAddress(event: SyslogEvent, a: number, b: number): void {
  const family = event.families[a]!
  event.families[a] = event.families[b]!
  event.families[b] = family
  for (let index = 0; index < 4; index++) {
    const word = event.words[a * 4 + index]!
    event.words[a * 4 + index] = event.words[b * 4 + index]!
    event.words[b * 4 + index] = word
  }
}

function swapSpan(event: SyslogEvent, a: FieldIndex, b: FieldIndex): void {
  for (let index = 0; index < 2; index++) {
    const offset = event.spans[a * 2 + index]!
    event.spans[a * 2 + index] = event.spans[b * 2 + index]!
    event.spans[b * 2 + index] = offset
  }
  const escaping = event.escapes[a]!
  event.escapes[a] = event.escapes[b]!
  event.escapes[b] = escaping
}
