/**
 * Zscaler Internet Access by its Nanolog Streaming Service: firewall and DNS feeds as JSON, CSV in the default order,
 * `key=value`, LEEF and CEF; web, tunnel, audit and other feeds are other. The client side (`c…`) is what the client
 * addressed, which is Zscaler's own proxy where traffic is not tunnelled whole; the server side (`s…`) is whom Zscaler
 * asked. So the server side is the destination, save with destination NAT, where it is the translation.
 * Source: Zscaler help, "NSS Feed Output Format: Firewall Logs", "… DNS Logs".
 */

import { assign, dropIcmpPorts, Target } from '../assign.js'
import { CefColumns, CefHeader, isCefOf, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import { CsvColumns } from '../csv.js'
import { AddressSlot, Escape, type EscapeKind, Field, Kind, Outcome, type SyslogEvent } from '../event.js'
import { JsonKeys, walkJson } from '../json.js'
import { LeefColumns, LeefHeader } from '../leef.js'
import type { Line } from '../line.js'
import { walkPairs, walkSeparated } from '../pairs.js'
import { dropIdleTranslation, type SyslogProduct, setAction, setConnectionIfPaired } from '../product.js'
import {
  digitsEnd,
  isDigit,
  isUnspecified,
  QUOTE,
  readNumber,
  readPort,
  skipSpaces,
  wordIs,
} from '../scan.js'
import { Shape } from '../shape.js'
import { refineTime, setEpoch } from '../timestamp.js'
import { columnTargets, names, Own } from './zscaler-zia-keys.js'

const enveloped: Record<string, number> = { ...names }
for (const [name, target] of Object.entries(names)) enveloped[`event.${name}`] = target
const members = new JsonKeys(enveloped)
const keys = members.table
const cef = new CefColumns()
const leef = new LeefColumns()
const columns = new CsvColumns()

let serverPort = -1
let milliseconds = Number.NaN
let isTranslated = false
let hasOwner = false
/** The feed names its client's address as the firewall's and the DNS feed do. */
let isTraffic = false

function take(
  event: SyslogEvent,
  key: number,
  start: number,
  end: number,
  escaping: EscapeKind,
  context: SyslogContext,
): void {
  const line = event.line
  switch (key) {
    case Own.time:
      refineTime(event, context, start, end)
      return
    case Own.epoch:
      if (end - start === 10) setEpoch(event, readNumber(line, start, end) * 1000, start, end)
      return
    case Own.owner:
      hasOwner = takeName(event, Field.userName, start, end)
      return
    case Own.login:
      if (!hasOwner) takeName(event, Field.userName, start, end)
      return
    case Own.host:
      if (!event.has(Field.host)) takeName(event, Field.host, start, end)
      return
    case Own.rule:
      event.setSpan(Field.ruleName, start, end, Escape.percent)
      return
    case Own.service:
      if (!wordIs(line, start, end, 'none')) event.setSpan(Field.service, start, end, escaping)
      return
    case Own.source:
      isTraffic = true
      assign(event, Target.source, start, end, escaping)
      return
    case Own.serverPort:
      serverPort = readPort(line, start, end)
      return
    case Own.milliseconds:
      milliseconds = readNumber(line, start, end)
      return
    case Own.translated:
      isTranslated = wordIs(line, start, end, 'yes')
      return
  }
  assign(event, key, start, end, escaping)
}

/** A name, percent-encoded where the feed's escape characters ask for it; false for what stands for none. */
function takeName(event: SyslogEvent, field: 0 | 1 | 16 | 17, start: number, end: number): boolean {
  const { line } = event
  const isNone =
    wordIs(line, start, end, 'na') ||
    wordIs(line, start, end, 'none') ||
    wordIs(line, start, end, 'unknown') ||
    skipSpaces(line, start, end) === end
  if (!isNone) event.setSpan(field, start, end, Escape.percent)
  return !isNone
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  serverPort = -1
  milliseconds = Number.NaN
  isTranslated = hasOwner = isTraffic = false
  let isFeedOfTraffic = true
  switch (event.shape) {
    case Shape.json:
      walkJson(event, context, event.bodyStart, end, members, take)
      break
    case Shape.cef:
      if (!cef.read(event)) return false
      isFeedOfTraffic = !cef.startsWith(event, CefHeader.deviceProduct, 'NSSWeb')
      walkCef(event, context, cef.extension, end, keys, take)
      event.setSpan(Field.eventId, cef.starts[CefHeader.signatureId]!, cef.ends[CefHeader.signatureId]!)
      break
    case Shape.leef:
      if (!leef.read(event)) return false
      isFeedOfTraffic = line.startsWith('NSS-FW', leef.starts[LeefHeader.product])
      walkSeparated(event, context, leef.attributes, end, leef.separator, keys, take)
      setAction(event, leef.starts[LeefHeader.eventId]!, leef.ends[LeefHeader.eventId]!)
      break
    case Shape.csv:
      if (!takeColumns(event, context, event.contentStart, end)) return false
      break
    default:
      walkPairs(event, context, event.contentStart, end, keys, take, separatorOf(line, event.contentStart))
  }
  event.vendor = 'zscaler'
  event.product = 'zia'
  if (!Number.isNaN(milliseconds)) event.durationMilliseconds = milliseconds
  if (isTraffic && isFeedOfTraffic) settle(event)
  else event.kind = Kind.other
  return true
}

function takeColumns(event: SyslogEvent, context: SyslogContext, start: number, end: number): boolean {
  columns.split(event.line, start, end)
  if (columns.count < columnTargets.length) return false
  for (let column = 0; column < columnTargets.length; column++) {
    const target = columnTargets[column]!
    const valueEnd = columns.end(column)
    if (target !== 0 && valueEnd > columns.start(column)) {
      take(event, target, columns.start(column), valueEnd, Escape.none, context)
    }
  }
  return true
}

/** Feeds of pairs are set up with tabs, commas or spaces between. */
function separatorOf(line: Line, start: number): '\t' | ',' | ' ' {
  const tab = line.indexOf('\t', start)
  if (tab >= 0 && tab < start + 128) return '\t'
  const comma = line.indexOf(',', start)
  return comma >= 0 && comma < start + 64 ? ',' : ' '
}

function settle(event: SyslogEvent): void {
  const { destination, postNATDestination } = AddressSlot
  const isKnown = event.families[postNATDestination] !== 0 && !isUnspecified(event, postNATDestination)
  if (isTranslated) event.postNATDestinationPort = serverPort
  else {
    if (isKnown) {
      event.families[destination] = event.families[postNATDestination]!
      for (let word = 0; word < 4; word++)
        event.words[destination * 4 + word] = event.words[postNATDestination * 4 + word]!
    }
    event.families[postNATDestination] = 0
    if (serverPort > 0) event.destinationPort = serverPort
  }
  // `Allow due to …`, `Block/Drop`, `Block/Reset`, `Block ICMP`.
  if (event.outcome === Outcome.none && event.has(Field.action)) {
    const action = event.start(Field.action)
    if (event.line.startsWith('Allow', action)) event.outcome = Outcome.allow
    else if (event.line.startsWith('Block', action)) event.outcome = Outcome.deny
  }
  dropIcmpPorts(event)
  dropIdleTranslation(event)
  setConnectionIfPaired(event)
}

/** The default order: a day and time, then names, then four ports, all quoted. */
function isFeedOfColumns(line: Line, start: number, end: number): boolean {
  if (line.octetAt(start) !== QUOTE || line.octetAt(start + 4) !== 0x20) return false
  let index = start
  for (let column = 0; column < 8; column++) {
    if (line.octetAt(index) !== QUOTE) return false
    const close = line.indexOf('",', index + 1)
    if (close < 0 || close > end) return false
    const isPort =
      column < 4 || (isDigit(line.octetAt(index + 1)) && digitsEnd(line, index + 1, close) === close)
    if (!isPort) return false
    index = close + 2
  }
  return true
}

function claims(event: SyslogEvent): boolean {
  const { line, contentStart } = event
  switch (event.shape) {
    case Shape.json:
      if (line.includes('"zscalernss-', event.bodyStart)) return true
      return line.includes('"csip"', event.bodyStart) && line.includes('"cdip"', event.bodyStart)
    case Shape.cef:
    case Shape.leef:
      return isCefOf(event, 'Zscaler', 'NSS')
    case Shape.csv:
      return isFeedOfColumns(line, contentStart, line.length)
  }
  return line.includes('csip=', contentStart) && line.includes('cdip=', contentStart)
}

/** The product for the registry. */
export const zscalerZia: SyslogProduct = {
  id: 'zscaler-zia',
  shapes: [Shape.json, Shape.csv, Shape.pairs, Shape.cef, Shape.leef],
  claims,
  parse,
}
