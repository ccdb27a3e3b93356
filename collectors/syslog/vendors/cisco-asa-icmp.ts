/** ICMP connections of Cisco ASA (302020, 302021), which have three addresses in place of two ends. */
import type { SyslogContext } from '../context.js'
import { hashHigh, hashLow } from '../directions.js'
import { AddressSlot, Field, Kind, Outcome, Phase, type SyslogEvent } from '../event.js'
import { dropIdleTranslation } from '../product.js'
import { ICMP } from '../protocols.js'
import { digitsEnd, isUnspecified, readAddress, readSmall, SLASH, skipSpaces, wordEnd } from '../scan.js'

/** The key of a connection: the host of the header (several firewalls behind one relay), then its number. */
export function keySeed(event: SyslogEvent): number {
  return event.has(Field.host)
    ? hashHigh(event.line, event.start(Field.host), event.end(Field.host), 5381)
    : 5381
}

/** An unspecified address (106016) is nobody's: it is no end of a pair. */
export function setConnection(event: SyslogEvent): void {
  if (!event.hasPair()) return
  if (isUnspecified(event, AddressSlot.source) || isUnspecified(event, AddressSlot.destination)) return
  event.kind = Kind.connection
}

/**
 * `Built inbound ICMP connection for faddr f/id gaddr g/id laddr l/id type t code c`: faddr is the foreign side, laddr
 * the local one, known outside as gaddr. There is no connection number: the text of the three addresses is the key.
 */
export function parseIcmp(
  event: SyslogEvent,
  context: SyslogContext,
  start: number,
  end: number,
  built: boolean,
): void {
  const line = event.line
  event.protocol = ICMP
  event.phase = built ? Phase.start : Phase.end
  event.outcome = Outcome.allow
  const foreign = line.indexOf('faddr ', start)
  const global = foreign < 0 ? -1 : line.indexOf(' gaddr ', foreign)
  const local = global < 0 ? -1 : line.indexOf(' laddr ', global)
  if (local < 0) return
  const localEnd = wordEnd(line, local + 7, end)
  let direction = 0
  const seed = keySeed(event)
  const low = hashLow(line, foreign, localEnd, seed)
  const high = hashHigh(line, foreign, localEnd, seed)
  if (built) {
    const inbound = line.startsWith('Built inbound', start)
    if (!inbound && !line.startsWith('Built outbound', start)) return
    event.directionName = inbound ? 'inbound' : 'outbound'
    event.setSpan(Field.direction, start + 6, inbound ? start + 13 : start + 14)
    direction = inbound ? 1 : 2
    context.directions?.remember(low, high, direction as 1 | 2)
  } else direction = context.directions?.take(low, high) ?? 0
  event.orientationUnknown = direction === 0
  const foreignSlot = direction === 1 ? AddressSlot.source : AddressSlot.destination
  const localSlot = direction === 1 ? AddressSlot.destination : AddressSlot.source
  icmpAddress(event, foreignSlot, foreign + 6, end)
  icmpAddress(
    event,
    direction === 1 ? AddressSlot.postNATDestination : AddressSlot.postNATSource,
    global + 7,
    end,
  )
  icmpAddress(event, localSlot, local + 7, end)
  event.setSpan(Field.action, start, start + (built ? 5 : 8))
  icmpUser(event, foreign, localEnd, end)
  const type = line.indexOf(' type ', localEnd)
  if (type >= 0) event.icmpType = readSmall(line, type + 6, digitsEnd(line, type + 6, end), 255)
  const code = type < 0 ? -1 : line.indexOf(' code ', type)
  if (code >= 0) event.icmpCode = readSmall(line, code + 6, digitsEnd(line, code + 6, end), 255)
  dropIdleTranslation(event)
  setConnection(event)
}

/** The user that logged in stands behind the three addresses; that of the identity firewall behind its own address. */
function icmpUser(event: SyslogEvent, foreign: number, localEnd: number, end: number): void {
  const line = event.line
  const last = skipSpaces(line, localEnd, end)
  let open = line.octetAt(last) === 0x28 ? last : line.indexOf('(', foreign)
  if (open < 0 || (open > localEnd && open !== last)) open = -1
  const close = open < 0 ? -1 : line.indexOf(')', open)
  if (close > 0 && close < end) event.setSpan(Field.userName, open + 1, close)
}

/** `address/id` with the ICMP identifier or sequence number behind the slash, and perhaps `(user)`. */
function icmpAddress(event: SyslogEvent, slot: 0 | 1 | 2 | 3, start: number, end: number): void {
  const line = event.line
  let stop = start
  while (stop < end) {
    const code = line.octetAt(stop)
    if (code === SLASH || code === 0x20 || code === 0x28) break
    stop++
  }
  readAddress(event, slot, start, stop)
}
