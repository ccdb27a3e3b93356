/** What a vendor's file offers to the registry, and the little that all of them share. */

import type { SyslogContext } from './context.js'
import { AddressSlot, Field, type FieldIndex, Kind, Outcome, type SyslogEvent } from './event.js'
import { KeyTable } from './keyvalue.js'
import type { Line } from './line.js'
import { isUnspecified, sameAddress } from './scan.js'
import type { ShapeNumber } from './shape.js'

/** One product: `claims` must cost a few probes near `contentStart`; `parse` fills the event and never throws. */
export type SyslogProduct = {
  /** Its file's name: vendor and product. */
  readonly id: string
  /** The shapes in which it logs: it is asked for lines of these alone. */
  readonly shapes: readonly ShapeNumber[]
  /** Its marks are also another product's: it is asked in its turn alone. */
  readonly broad?: true
  claims(event: SyslogEvent): boolean
  /** False when the line turns out not to be this product's; the event then keeps its header alone. */
  parse(event: SyslogEvent, context: SyslogContext): boolean
}

/** Translations to the same address, to none or to port 0 are no translation: they are not kept. */
export function dropIdleTranslation(event: SyslogEvent): void {
  if (event.postNATSourcePort === 0) event.postNATSourcePort = -1
  if (event.postNATDestinationPort === 0) event.postNATDestinationPort = -1
  dropIdle(event, AddressSlot.postNATSource, AddressSlot.source)
  if (event.families[AddressSlot.postNATSource] === 0) {
    if (event.postNATSourcePort === event.sourcePort) event.postNATSourcePort = -1
  }
  dropIdle(event, AddressSlot.postNATDestination, AddressSlot.destination)
  if (event.families[AddressSlot.postNATDestination] === 0) {
    if (event.postNATDestinationPort === event.destinationPort) event.postNATDestinationPort = -1
  }
}

function dropIdle(event: SyslogEvent, translated: 2 | 3, original: 0 | 1): void {
  if (event.families[translated] === 0) return
  if (isUnspecified(event, translated) || sameAddress(event, translated, original))
    event.families[translated] = 0
}

/** A row of traffic needs both ends. */
export function setConnectionIfPaired(event: SyslogEvent): void {
  event.kind = event.hasPair() ? Kind.connection : Kind.other
}

const allowWords =
  'allow allowed accept accepted acceptance pass passed passthrough permit permitted permit-log allow-log forward forwarded ' +
  'close client-rst server-rst timeout ip-conn dns start trust alert continue override built established ' +
  'nat rdr monitor monitored log exempt bypass pass-through encrypt decrypt est-allowed'
const denyWords =
  'deny denied block blocked drop dropped reject rejected refuse refused reset discard discarded prevent prevented ' +
  'deny-all drop-all drop-all-packets drop-icmp reset-client reset-server reset-both block-url block-ip block-continue ' +
  'block-override drop-packet drop_packet drop-session quarantine quarantined blackhole violation reset_client ' +
  'reset_server reset-peer teardown terminate terminated blocked-url denylist deny-log reject-both clear_session'

const outcomes: Record<string, number> = {
  'reset client': Outcome.deny,
  'reset server': Outcome.deny,
  'reset both': Outcome.deny,
}
for (const [words, outcome] of [
  [allowWords, Outcome.allow],
  [denyWords, Outcome.deny],
] as const) {
  for (const word of words.split(' ')) {
    outcomes[word] = outcome
  }
}
const outcomeTable = new KeyTable(outcomes)

/** What a firewall's action word means for the traffic: an `Outcome`, `none` for words that do not tell. */
export function outcomeOf(line: Line, start: number, end: number): number {
  return outcomeTable.findFolded(line, start, end)
}

/** Sets `Field.action` and the outcome that its word means. */
export function setAction(event: SyslogEvent, start: number, end: number): void {
  event.setSpan(Field.action, start, end)
  event.outcome = outcomeOf(event.line, start, end)
}

const directions: Readonly<Record<string, number>> = {
  in: 1,
  inbound: 1,
  incoming: 1,
  ingress: 1,
  'client-to-server': 1,
  out: 2,
  outbound: 2,
  outgoing: 2,
  egress: 2,
  'server-to-client': 2,
  internal: 3,
  external: 4,
}
const directionTable = new KeyTable(directions)
const directionNames = ['', 'inbound', 'outbound', 'internal', 'external'] as const

/** Keeps the firewall's own word and, where it has one, its common name (ECS `network.direction`). */
export function setDirection(event: SyslogEvent, start: number, end: number): void {
  event.setSpan(Field.direction, start, end)
  event.directionName = directionNames[directionTable.findFolded(event.line, start, end)] ?? ''
}

/** Several products write `any`, `-` or `N/A` where they have nothing. */
export function setUnlessPlaceholder(
  event: SyslogEvent,
  field: FieldIndex,
  start: number,
  end: number,
): void {
  if (end - start === 1 && event.line.octetAt(start) === 0x2d) return
  if (end - start === 3 && event.line.startsWith('N/A', start)) return
  event.setSpan(field, start, end)
}
