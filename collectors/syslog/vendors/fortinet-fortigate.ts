/**
 * Fortinet FortiGate, `key=value` and CEF. Sees traffic (forward, local, sniffer) with octets and packets each way, NAT,
 * policy, application, and UTM events with their session; both addresses make a connection. Long sessions log deltas
 * beside totals: the delta is what belongs to this line. Source: "FortiOS Log Message Reference", "Log field format".
 */

import { dropIcmpPorts } from '../assign.js'
import { CefColumns, CefHeader, isCefOf, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, Field, Phase, type SyslogEvent } from '../event.js'
import type { Line } from '../line.js'
import { walkPairs } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setAction, setConnectionIfPaired } from '../product.js'
import { COMMA, digitsEnd, readSmall, SLASH, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'
import { readDateAndTime, setEpoch } from '../timestamp.js'
import { clearSeen, keys, seen, take } from './fortinet-fortigate-keys.js'
import { fortinetProduct } from './fortinet-products.js'

const cef = new CefColumns()

/** The line is written up to this much later than the event that it is about. */
const SAME_EVENT = 2000
const DAY_AND_ZONES = 26 * 3_600_000
/** A comma that separates pairs stands within this many octets. */
const LONGEST_FIRST_PAIR = 40

function prefixLength(line: Line, start: number): number {
  if (line.startsWith('FTNTFGT', start)) return 7
  return line.startsWith('FortinetFortiGate', start) ? 17 : line.startsWith('ad.', start) ? 3 : 0
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  clearSeen()
  if (event.shape === Shape.cef) {
    if (!cef.read(event)) return false
    seen.isCef = true
    // Where the line has no log id of its own.
    event.setSpan(Field.eventId, cef.starts[CefHeader.signatureId]!, cef.ends[CefHeader.signatureId]!)
    walkCef(event, context, cef.extension, end, keys, take, prefixLength)
  } else {
    // `set format csv`: the same pairs between commas.
    const firstWord = wordEnd(line, event.contentStart, event.contentStart + LONGEST_FIRST_PAIR)
    const commas = line.indexOfOctet(COMMA, event.contentStart, firstWord) > 0
    walkPairs(event, context, event.contentStart, end, keys, take, commas ? ',' : ' ')
  }
  event.vendor = 'fortinet'
  event.product = event.shape === Shape.cef ? 'fortigate' : fortinetProduct(line, event.contentStart)
  event.messageStart = event.contentStart
  event.setSpan(Field.message, event.contentStart, end)
  event.clearSpan(Field.application)
  settleTimes(event, context)
  settleOldKeys(event)
  settlePhase(event)
  settleCounters(event)
  settleIcmp(event)
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  // Administrators, authentication and VPN have addresses too; the web proxy's events are of traffic.
  if (!isSystemEvent(event)) setConnectionIfPaired(event)
  return true
}

/** "Log types and subtypes": type `event` is of the device itself, but for the explicit proxy's (`subtype="wad"`). */
function isSystemEvent(event: SyslogEvent): boolean {
  return (
    isOfType(event, 'event') &&
    !event.line.startsWith('wad', seen.subtypeStart) &&
    !event.line.startsWith('event:wad', seen.typeStart)
  )
}

/** date, time and tz; without tz the eventtime, which is UTC; without a date the eventtime alone. */
function settleTimes(event: SyslogEvent, context: SyslogContext): void {
  const dated = seen.dateStart >= 0 && seen.timeStart >= 0
  if (dated)
    readDateAndTime(
      event,
      context,
      seen.dateStart,
      seen.timeStart,
      seen.timeEnd,
      seen.zoneStart,
      seen.zoneEnd,
    )
  if (Number.isNaN(seen.eventTime)) return
  const apart = Math.abs(seen.eventTime - event.timeMilliseconds)
  if (dated && seen.zoneStart >= 0 && apart > SAME_EVENT) return
  if (dated && apart > DAY_AND_ZONES) return
  if (dated) setEpoch(event, seen.eventTime, Math.min(seen.dateStart, seen.timeStart), seen.timeEnd)
  else setEpoch(event, seen.eventTime, seen.eventTimeStart, seen.eventTimeEnd)
}

/** FortiOS 3 and 4: a status for an action, and one translated address for either end. */
function settleOldKeys(event: SyslogEvent): void {
  if (seen.statusStart >= 0 && !event.has(Field.action) && isOfType(event, 'traffic'))
    setAction(event, seen.statusStart, seen.statusEnd)
  if (!seen.isDestinationTranslated) return
  const { families, words } = event
  families[AddressSlot.postNATDestination] = families[AddressSlot.postNATSource]!
  families[AddressSlot.postNATSource] = 0
  words.copyWithin(
    AddressSlot.postNATDestination * 4,
    AddressSlot.postNATSource * 4,
    AddressSlot.postNATDestination * 4,
  )
  event.postNATDestinationPort = event.postNATSourcePort
  event.postNATSourcePort = -1
}

/** Whether the key `type` (in CEF `cat`) begins with a word. */
function isOfType(event: SyslogEvent, word: string): boolean {
  return (
    seen.typeStart >= 0 &&
    event.line.startsWith(word, seen.typeStart) &&
    seen.typeEnd - seen.typeStart >= word.length
  )
}

/** Traffic log ids end in 15 or 16 for a session's start and 20 for statistics of a long session; others end one. */
function settlePhase(event: SyslogEvent): void {
  const line = event.line
  if (!isOfType(event, 'traffic')) return
  event.phase = Phase.end
  const idEnd = event.end(Field.eventId)
  if (event.has(Field.action) && line.startsWith('start', event.start(Field.action)))
    event.phase = Phase.start
  else if (idEnd > 1) {
    const number = readSmall(line, idEnd - 2, idEnd, 99)
    if (number === 15 || number === 16) event.phase = Phase.start
    else if (number === 20) event.phase = Phase.update
  }
}

/** Deltas where there are any. FortiOS before `sentpktdelta` has totals of packets beside them; statistics may have totals alone. */
function settleCounters(event: SyslogEvent): void {
  if (Number.isNaN(event.packetsSourceToDestination) && Number.isNaN(event.packetsDestinationToSource)) {
    event.packetsSourceToDestination = seen.packetsSent
    event.packetsDestinationToSource = seen.packetsReceived
    event.runningPackets = event.phase === Phase.update
  }
  if (Number.isNaN(event.octetsSourceToDestination) && Number.isNaN(event.octetsDestinationToSource)) {
    event.octetsSourceToDestination = seen.octetsSent
    event.octetsDestinationToSource = seen.octetsReceived
    event.runningTotals = event.phase === Phase.update
  }
}

/** Without a service object ICMP is named `icmp/type/code`, in FortiOS 3 and 4 `type/code/icmp` or `type/icmp`. */
function settleIcmp(event: SyslogEvent): void {
  if (event.icmpType >= 0 || (event.protocol !== 1 && event.protocol !== 58)) return
  const line = event.line
  const field = event.has(Field.service) ? Field.service : Field.applicationName
  const start = event.start(field)
  if (start < 0) return
  const end = event.end(field)
  const isOld = line.startsWith('/icmp', end - 5)
  if (!isOld && !/^icmp6?\//i.test(line.slice(start, start + 6))) return
  const typeStart = isOld ? start : line.indexOf('/', start) + 1
  const typeStop = digitsEnd(line, typeStart, end)
  event.icmpType = readSmall(line, typeStart, typeStop, 255)
  const codeStop = isOld ? end - 5 : end
  if (line.octetAt(typeStop) === SLASH && typeStop < codeStop)
    event.icmpCode = readSmall(line, typeStop + 1, codeStop, 255)
}

/** Keys that a FortiGate line opens with. */
const openings = [
  'date=',
  'time=',
  'timestamp=',
  'devname=',
  'logver=',
  'itime=',
  'eventtime=',
  'log_id=',
  'logid=',
]

function opens(line: Line, start: number): boolean {
  for (let index = 0; index < openings.length; index++) {
    if (line.startsWith(openings[index]!, start)) return true
  }
  return false
}

function claims(event: SyslogEvent): boolean {
  const line = event.line
  const start = event.contentStart
  if (event.shape === Shape.cef)
    return isCefOf(event, 'Fortinet', 'Fortigate') || isCefOf(event, 'Fortinet', 'FortiGate')
  if (!opens(line, start)) return false
  // Sophos opens its lines alike and has log_id too.
  if (line.includes('devid=') || line.includes('logid=')) return true
  return line.includes('log_id=') && !line.includes('log_component=')
}

/** The product for the registry. */
export const fortinetFortigate: SyslogProduct = {
  id: 'fortinet-fortigate',
  shapes: [Shape.pairs, Shape.cef],
  claims,
  parse,
}
