/**
 * Alerts of Snort, and of Suricata's fast log: `[gid:sid:rev] text [Classification: …] [Priority: n] {PROTO} a:p -> b:p` in
 * syslog or in a file, the full alert with its packet's header behind it, and the CSV that pfSense's package and barnyard
 * write; Snort 3's JSON is in snort-json.ts. An alert is one packet: no octets, and who opened the connection is not said.
 * Source: Snort Users Manual §2.6 "Output Modules" (alert_syslog, alert_fast, alert_full, csv); Suricata user guide.
 */

import { readEndpoint } from '../address-port.js'
import { assign, dropIcmpPorts, Target } from '../assign.js'
import type { SyslogContext } from '../context.js'
import { CsvColumns } from '../csv.js'
import { AddressSlot, type EscapeKind, Field, Outcome, type SyslogEvent } from '../event.js'
import type { Line } from '../line.js'
import { type SyslogProduct, setConnectionIfPaired } from '../product.js'
import { ICMP, ICMPV6, readProtocol } from '../protocols.js'
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  digitsEnd,
  OPEN_BRACE,
  OPEN_BRACKET,
  readSmall,
  SPACE,
  skipSpaces,
  wordEnd,
} from '../scan.js'
import { Shape } from '../shape.js'
import { isSnortJson, parseSnortJson } from './snort-json.js'

const columns = new CsvColumns()
/** How far into the content the bracket of the rule may stand: `[**]`, an interface and verdicts come before it. */
const RULE_WINDOW = 64

/** Behind `[`: the generator's id, the rule's and its revision; the offset of the closing bracket, or -1. */
function ruleEnd(line: Line, start: number, end: number): number {
  const generator = digitsEnd(line, start, end)
  if (generator === start || line.octetAt(generator) !== COLON) return -1
  const rule = digitsEnd(line, generator + 1, end)
  if (rule === generator + 1 || line.octetAt(rule) !== COLON) return -1
  const revision = digitsEnd(line, rule + 1, end)
  return revision > rule + 1 && line.octetAt(revision) === CLOSE_BRACKET ? revision : -1
}

/** The bracket that opens the rule's numbers, or -1. */
function ruleStart({ line, messageStart }: SyslogEvent): number {
  const end = line.length
  const limit = Math.min(end, messageStart + RULE_WINDOW)
  for (
    let open = line.indexOf('[', messageStart);
    open >= 0 && open < limit;
    open = line.indexOf('[', open + 1)
  ) {
    if (ruleEnd(line, open + 1, end) > 0) return open
  }
  return -1
}

/** Fills the event from an alert's text. */
function parseAlert(event: SyslogEvent, open: number, end: number): void {
  const line = event.line
  const close = ruleEnd(line, open + 1, end)
  const generator = digitsEnd(line, open + 1, end)
  event.setSpan(Field.ruleId, generator + 1, digitsEnd(line, generator + 1, end))
  event.setSpan(Field.eventId, open + 1, close)
  const nameStart = skipSpaces(line, close + 1, end)
  let nameEnd = line.indexOf(' [', nameStart)
  const brace = line.indexOf(' {', nameStart)
  if (nameEnd < 0 || (brace >= 0 && brace < nameEnd)) nameEnd = brace
  if (nameEnd > nameStart) event.setSpan(Field.ruleName, nameStart, nameEnd)
  // An inline sensor says what it did.
  if (line.lastIndexOf('[Drop]', open) >= 0 || line.lastIndexOf('[Block]', open) >= 0) {
    event.outcome = Outcome.deny
    // In a file the verdict stands where a header has a host in brackets.
    if (line.octetAt(event.start(Field.host) - 1) === OPEN_BRACKET) event.clearSpan(Field.host)
  }
  const arrow = line.indexOf(' -> ', close)
  if (arrow < 0 || arrow >= end) return
  const from = line.lastIndexOf(' ', arrow - 1) + 1
  const to = wordEnd(line, arrow + 4, end)
  event.protocol = protocolAround(line, from, to, end)
  const isIcmp = event.protocol === ICMP || event.protocol === ICMPV6
  const hasPorts = event.protocol < 0 || !isIcmp
  readEndpoint(event, AddressSlot.source, from, arrow, hasPorts)
  readEndpoint(event, AddressSlot.destination, arrow + 4, to, hasPorts)
  if (isIcmp) settleIcmp(event, line, to, end)
}

/** `{TCP}` in front of the pair, or the first word of the packet's header behind it. */
function protocolAround(line: Line, from: number, to: number, end: number): number {
  const close = from - 2
  if (line.octetAt(close) === CLOSE_BRACE) {
    const open = line.lastIndexOf('{', close)
    if (open >= 0) return readProtocol(line, open + 1, close)
  }
  const start = skipSpaces(line, to, end)
  return readProtocol(line, start, wordEnd(line, start, end))
}

/** Suricata writes type and code where ports stand; Snort's full alert writes `Type:8  Code:0`. */
function settleIcmp(event: SyslogEvent, line: Line, position: number, end: number): void {
  if (event.sourcePort >= 0 && event.sourcePort <= 255) {
    event.icmpType = event.sourcePort
    event.icmpCode = event.destinationPort
  }
  const type = line.indexOf(' Type:', position)
  const code = type < 0 ? -1 : line.indexOf(' Code:', type)
  if (code >= 0 && code < end) {
    event.icmpType = readSmall(line, type + 6, digitsEnd(line, type + 6, end), 255)
    event.icmpCode = readSmall(line, code + 6, digitsEnd(line, code + 6, end), 255)
  }
  dropIcmpPorts(event)
}

/** Snort's CSV: time, generator, rule, revision, text, protocol, source, port, destination, port, and what is set up. */
const columnTargets: readonly number[] = [
  0,
  0,
  Target.ruleId,
  0,
  Target.ruleName,
  Target.protocol,
  Target.source,
  Target.sourcePort,
  Target.destination,
  Target.destinationPort,
]
/** The default order of Snort has type and code of ICMP; pfSense's package writes 15 columns with the verdict last. */
const DefaultColumn = { count: 27, icmpType: 23, icmpCode: 24 } as const
const PackageColumn = { count: 15, disposition: 14 } as const

/** Where the comma behind the time stands, and three numbers behind it; -1 where the line is no such CSV. */
function csvStart({ line, contentStart }: SyslogEvent): number {
  let index = skipSpaces(line, contentStart, line.length)
  if (line.octetAt(index) !== COMMA) return -1
  const start = index
  for (let number = 0; number < 3; number++) {
    const stop = digitsEnd(line, index + 1, line.length)
    if (stop === index + 1 || line.octetAt(stop) !== COMMA) return -1
    index = stop
  }
  return start
}

function parseColumns(event: SyslogEvent, start: number, end: number): void {
  columns.split(event.line, start, end)
  for (let column = 0; column < columnTargets.length; column++)
    takeColumn(event, column, columnTargets[column]!)
  if (columns.count >= DefaultColumn.count) {
    takeColumn(event, DefaultColumn.icmpType, Target.icmpType)
    takeColumn(event, DefaultColumn.icmpCode, Target.icmpCode)
  } else if (columns.count === PackageColumn.count)
    takeColumn(event, PackageColumn.disposition, Target.action)
  dropIcmpPorts(event)
}

function takeColumn(event: SyslogEvent, column: number, target: number): void {
  const start = columns.start(column)
  const end = columns.end(column)
  if (target !== 0 && end > start) assign(event, target, start, end, columns.escapes[column] as EscapeKind)
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  if (event.shape === Shape.json) return parseSnortJson(event, context, end)
  const csv = csvStart(event)
  if (csv >= 0) parseColumns(event, csv, end)
  else {
    const open = ruleStart(event)
    if (open < 0) return false
    parseAlert(event, open, end)
  }
  const application = event.start(Field.application)
  const isSuricata = application >= 0 && line.startsWith('suricata', application)
  event.vendor = isSuricata ? 'oisf' : 'cisco'
  event.product = isSuricata ? 'suricata' : 'snort'
  event.orientationUnknown = true
  setConnectionIfPaired(event)
  return true
}

function claims(event: SyslogEvent): boolean {
  const { line, messageStart } = event
  if (event.shape === Shape.json) return isSnortJson(event)
  const first = line.octetAt(skipSpaces(line, messageStart, line.length))
  if (first === COMMA) return csvStart(event) >= 0
  if (first !== OPEN_BRACKET && first !== 0x3c && first !== OPEN_BRACE && first !== SPACE) return false
  return ruleStart(event) >= 0
}

/** The product for the registry. */
export const snort: SyslogProduct = {
  id: 'snort',
  shapes: [Shape.structured, Shape.text, Shape.json],
  claims,
  parse,
}
