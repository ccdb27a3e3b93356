/**
 * Citrix ADC (NetScaler): `date host n-PPE-n : partition FEATURE EVENT id n : text`. TCP connections that end, what goes
 * through the VPN (SSLVPN) and packets that meet an ACL have both ends, octets and times; logins, commands, TLS
 * handshakes, the application firewall (CEF) and access logs are other. A virtual server is what the client addressed,
 * the server behind it its translation. Source: NetScaler "Syslog Message Reference", features ACL, SSLVPN and TCP.
 */

import { readEndpoint } from '../address-port.js'
import { assign, Target } from '../assign.js'
import { CefColumns, CefHeader, isCefOf, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import { AddressSlot, Escape, Field, Kind, Outcome, Phase, type SyslogEvent } from '../event.js'
import { readDuration } from '../holes.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { dropIdleTranslation, type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { TCP, UDP } from '../protocols.js'
import { digitsEnd, isDigit, MINUS, QUOTE, SPACE, skipSpaces, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'
import { readInstant, readTime } from '../timestamp.js'

const Own = {
  source: 100,
  destination: 101,
  server: 102,
  translation: 103,
  duration: 104,
  start: 105,
  end: 106,
  access: 107,
  policy: 108,
  rule: 109,
} as const
const labels = new KeyTable({
  Source: Own.source,
  Destination: Own.destination,
  Vserver: Own.server,
  NatIP: Own.translation,
  Nat_ip: Own.translation,
  Duration: Own.duration,
  Start: Own.start,
  Start_time: Own.start,
  startTime: Own.start,
  End: Own.end,
  End_time: Own.end,
  endTime: Own.end,
  Total_bytes_send: Target.octetsSent,
  Total_bytes_recv: Target.octetsReceived,
  'SessionId:': Target.sessionId,
  User: Target.userName,
  Protocol: Target.protocol,
  Type: Target.icmpType,
  Code: Target.icmpCode,
  Hitcount: Target.packetsSent,
  Hit: Own.rule,
  Access: Own.access,
  Denied_by_policy: Own.policy,
})
const cefKeys = new KeyTable({
  src: Target.source,
  spt: Target.sourcePort,
  act: Target.action,
  cs1: Target.ruleName,
})
const cef = new CefColumns()
/** How far into the line the processing engine is looked for. */
const ENGINE_WINDOW = 160

/** The host and a date stand in front of it. */
function engineStart({ line }: SyslogEvent): number {
  const engine = line.indexOf('PPE-', 0)
  return engine > 0 && engine < ENGINE_WINDOW ? engine : -1
}

let startedAt = Number.NaN
let endedAt = Number.NaN
let serverStart = -1
let serverEnd = -1

/** Fields between ` - ` (or ` --> `), each a label and its value; the counters may follow a time without a dash. */
function walkFields(event: SyslogEvent, context: SyslogContext, start: number, end: number): void {
  const line = event.line
  let index = skipSpaces(line, start, end)
  const counters = line.indexOf(' Total_bytes_send ', start)
  while (index < end) {
    const labelEnd = wordEnd(line, index, end)
    const key = labels.findRange(line, index, labelEnd)
    const valueStart = skipSpaces(line, labelEnd, end)
    let next = fieldEnd(line, labelEnd, end)
    // Some releases leave out the dash in front of the counters, or the space in front of the dash.
    if (counters >= valueStart && counters < next) next = counters
    if (key === Target.sessionId) next = digitsEnd(line, valueStart, next)
    if (key !== 0) takeField(event, context, key, valueStart, next)
    index = next
    while (index < end && isBetween(line.octetAt(index))) index++
  }
}

/** The next dash with spaces around it. */
function fieldEnd(line: Line, start: number, end: number): number {
  for (let dash = line.indexOf(' -', start); dash >= 0 && dash < end; dash = line.indexOf(' -', dash + 1)) {
    if (line.octetAt(dash + 2) === SPACE || line.startsWith('-> ', dash + 2)) return dash
  }
  return end
}

function isBetween(code: number): boolean {
  return code === SPACE || code === MINUS || code === 0x3e
}

function takeField(event: SyslogEvent, context: SyslogContext, key: number, from: number, to: number): void {
  const line = event.line
  let start = from
  let end = to
  while (end > start && (line.octetAt(end - 1) === SPACE || line.octetAt(end - 1) === QUOTE)) end--
  while (start < end && line.octetAt(start) === QUOTE) start++
  switch (key) {
    case Own.source:
      readEndpoint(event, AddressSlot.source, start, end, true)
      return
    case Own.destination:
      readEndpoint(event, AddressSlot.destination, start, wordEnd(line, start, end), true)
      return
    case Own.server:
      serverStart = start
      serverEnd = end
      return
    case Own.translation:
      readEndpoint(event, AddressSlot.postNATSource, start, end)
      return
    case Own.duration:
      event.durationMilliseconds = readDuration(line, start, wordEnd(line, start, end))
      return
    case Own.start:
      startedAt = readInstant(event, context, afterWord(line, start, end), end)
      return
    case Own.end:
      endedAt = readInstant(event, context, afterWord(line, start, end), end)
      return
    case Own.access:
      event.setSpan(Field.action, start, end)
      event.outcome = line.startsWith('Allowed', start) ? Outcome.allow : Outcome.deny
      return
    case Own.policy:
      event.setSpan(Field.ruleName, start, end)
      event.outcome = Outcome.deny
      return
    case Own.rule:
      event.setSpan(Field.ruleName, afterWord(line, start, end), end)
      return
  }
  assign(event, key, start, key === Target.protocol ? wordEnd(line, start, end) : end, Escape.none)
}

/** Behind the second word of a label: `Start Time`, `Hit Rule`. */
function afterWord(line: Line, start: number, end: number): number {
  if (isDigit(line.octetAt(start))) return start
  const isWord = line.startsWith('Time ', start) || line.startsWith('Rule ', start)
  return isWord ? skipSpaces(line, start + 4, end) : start
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  event.kind = Kind.other
  if (event.shape === Shape.cef) {
    if (!cef.read(event)) return false
    walkCef(event, context, cef.extension, end, cefKeys, assign)
    event.setSpan(Field.eventId, cef.starts[CefHeader.name]!, cef.ends[CefHeader.name]!)
  } else {
    const engine = engineStart(event)
    if (engine < 0) parseAccess(event, context, end)
    else if (!parseMessage(event, context, engine, end)) return false
  }
  event.vendor = 'citrix'
  event.product = 'netscaler'
  return true
}

/** Apache's log of the device's own pages: the time stands in brackets. */
function parseAccess(event: SyslogEvent, context: SyslogContext, end: number): void {
  const open = event.line.indexOf('[', event.contentStart)
  if (open >= 0 && open < end) readTime(event, context, open + 1, end)
}

function parseMessage(event: SyslogEvent, context: SyslogContext, engine: number, end: number): boolean {
  const line = event.line
  if (line.octetAt(event.contentStart) === QUOTE) readQuotedHeader(event, context, engine, end)
  let word = skipSpaces(line, wordEnd(line, engine, end), end)
  if (line.octetAt(word) !== 0x3a) return false
  word = skipSpaces(line, word + 1, end)
  // Partition, feature and event; the number of the message ends them.
  let feature = -1
  let name = -1
  let nameEnd = -1
  for (let count = 0; count < 4 && !isDigit(line.octetAt(word)); count++) {
    feature = name
    name = word
    nameEnd = wordEnd(line, word, end)
    word = skipSpaces(line, nameEnd, end)
  }
  if (feature < 0) return false
  event.setSpan(Field.eventId, name, nameEnd)
  const colon = line.indexOf(' :', word)
  if (colon < 0 || colon >= end || digitsEnd(line, word, end) === word) return true
  startedAt = endedAt = Number.NaN
  serverStart = serverEnd = -1
  walkFields(event, context, colon + 2, end)
  if (Number.isNaN(event.durationMilliseconds) && endedAt >= startedAt)
    event.durationMilliseconds = endedAt - startedAt
  settle(event, feature, name, nameEnd)
  return true
}

/** The whole line in quotes, with its date, an optional zone and the host in front of the engine. */
function readQuotedHeader(event: SyslogEvent, context: SyslogContext, engine: number, end: number): void {
  const line = event.line
  readTime(event, context, event.contentStart + 1, end)
  const engineWord = line.lastIndexOf(' ', engine)
  let hostEnd = engineWord
  while (hostEnd > 0 && line.octetAt(hostEnd - 1) === SPACE) hostEnd--
  event.setSpan(Field.host, line.lastIndexOf(' ', hostEnd - 1) + 1, hostEnd)
}

function settle(event: SyslogEvent, feature: number, name: number, nameEnd: number): void {
  const line = event.line
  if (line.startsWith('ACL ', feature)) {
    setConnectionIfPaired(event)
    return
  }
  // The same sentences for what is translated without a virtual server.
  const isTcp = line.startsWith('TCP ', feature) || line.startsWith('NAT ', feature)
  if (!isTcp && !line.startsWith('SSLVPN ', feature)) return
  if (isTcp && serverStart >= 0) {
    moveServer(event)
    readEndpoint(event, AddressSlot.destination, serverStart, serverEnd, true)
  }
  if (line.startsWith(isTcp ? 'CONN_' : 'TCPCONN', name)) event.protocol = TCP
  else if (line.startsWith('UDPFLOW', name)) event.protocol = UDP
  // The end that is called the source may be the server that the device asked.
  event.orientationUnknown = line.startsWith('CONN_TERMINATE', name)
  if (!Number.isNaN(event.octetsSourceToDestination) && !line.startsWith('_DENIED', nameEnd - 7))
    event.phase = Phase.end
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
}

/** What the device asked is the translation of what the client addressed. */
function moveServer(event: SyslogEvent): void {
  const { destination, postNATDestination } = AddressSlot
  event.families[postNATDestination] = event.families[destination]!
  for (let word = 0; word < 4; word++)
    event.words[postNATDestination * 4 + word] = event.words[destination * 4 + word]!
  event.postNATDestinationPort = event.destinationPort
}

function claims(event: SyslogEvent): boolean {
  if (event.shape === Shape.cef) return isCefOf(event, 'Citrix', 'NetScaler')
  const { line } = event
  const engine = engineStart(event)
  if (engine >= 0) return line.startsWith(' : ', digitsEnd(line, engine + 4, line.length))
  if (event.shape !== Shape.text) return false
  const arrow = line.indexOf(' -> ', 0)
  return arrow > 0 && arrow < 64 && line.includes(' microsecs"', line.length - 16)
}

/** The product for the registry. */
export const citrixAdc: SyslogProduct = {
  id: 'citrix-adc',
  shapes: [Shape.text, Shape.csv, Shape.cef],
  claims,
  parse,
}
