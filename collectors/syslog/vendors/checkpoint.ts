/**
 * Check Point: Log Exporter's own format (RFC 5424 with `[action:"Accept"; src:"…"; …]`, the same with `=`), its Splunk
 * (`key=value|`), CEF and LEEF formats, and what older tools make of the log: fw1-loggrabber (`key=value|`), `fw log`
 * (`key: value; `) and the quoted columns of SmartView Tracker. Sees connections with rule, zones, NAT and, where
 * accounting is on, octets and packets. Source: sk122323 "Log Exporter", sk144192 "Log Fields Description".
 */

import { Target } from '../assign.js'
import { CefColumns, CefHeader, isCefOf, walkCef } from '../cef.js'
import type { SyslogContext } from '../context.js'
import { monthAt } from '../dates.js'
import { Escape, Field, type SyslogEvent } from '../event.js'
import { LeefColumns, LeefHeader } from '../leef.js'
import type { Line } from '../line.js'
import { walkPairs, walkSeparated } from '../pairs.js'
import { type SyslogProduct, setAction } from '../product.js'
import { CLOSE_BRACKET, COLON, isDigit, OPEN_BRACKET, PIPE, QUOTE, SPACE, wordEnd } from '../scan.js'
import { Shape } from '../shape.js'
import { clear, hasEquals, keys, settle, take } from './checkpoint-keys.js'

const cef = new CefColumns()
const leef = new LeefColumns()
const SEMICOLON = 0x3b
/** Where the gateway's own syslog and Log Exporter open their fields. */
const ENTERPRISE = '[Fields@1.3.6.1.4.1.2620'
/** How far behind the header the bracket of the fields may stand. */
const BRACKET_WINDOW = 64

/** `key:"value"; ` pairs; a quote inside a value is escaped, or not followed by `;` or `]`. */
function walkColonPairs(event: SyslogEvent, context: SyslogContext, start: number, end: number): void {
  const line = event.line
  let index = start
  while (index < end) {
    while (index < end && (line.octetAt(index) === SPACE || line.octetAt(index) === SEMICOLON)) index++
    const keyStart = index
    while (index < end && line.octetAt(index) !== COLON) index++
    const keyEnd = index
    // Some keys end in a colon of their own: `scheme::"IKE"`.
    if (line.octetAt(index + 1) === COLON) index++
    if (line.octetAt(index + 1) !== QUOTE) return
    const valueStart = index + 2
    index = valueStart
    for (;;) {
      index = line.indexOf('"', index)
      if (index < 0 || index >= end) return
      const next = line.octetAt(index + 1)
      if (next === SEMICOLON || next === CLOSE_BRACKET || index + 1 >= end) break
      index++
    }
    const key = keys.findRange(line, keyStart, keyEnd)
    if (key !== 0 && index > valueStart) take(event, key, valueStart, index, Escape.backslash, context)
    index++
  }
}

/** `key: value; ` pairs of `fw log`, nothing quoted. */
function walkPlainPairs(event: SyslogEvent, context: SyslogContext, start: number, end: number): void {
  const line = event.line
  let index = start
  let colon = -1
  while (index < end) {
    while (index < end && line.octetAt(index) === SPACE) index++
    if (colon < index) colon = line.indexOf(': ', index)
    if (colon < 0 || colon >= end) return
    let stop = line.indexOf(';', index)
    if (stop < 0 || stop > end) stop = end
    if (colon < stop) {
      const key = keys.findRange(line, index, colon)
      if (key !== 0 && stop > colon + 2) take(event, key, colon + 2, stop, Escape.none, context)
    }
    index = stop + 1
  }
}

/** `date time action origin <interface key: value; …`: what `fw log` prints, `>` inbound, `<` outbound. */
function parseText(event: SyslogEvent, context: SyslogContext, start: number, end: number): void {
  const line = event.line
  const timeEnd = wordEnd(line, wordEnd(line, start, end) + 1, end)
  const actionEnd = wordEnd(line, timeEnd + 1, end)
  const originEnd = wordEnd(line, actionEnd + 1, end)
  const interfaceEnd = wordEnd(line, originEnd + 1, end)
  setAction(event, timeEnd + 1, actionEnd)
  if (!event.has(Field.host)) event.setSpan(Field.host, actionEnd + 1, originEnd)
  const outwards = line.octetAt(originEnd + 1) === 0x3c
  const side = outwards ? Field.egressInterfaceName : Field.ingressInterfaceName
  event.setSpan(side, originEnd + 2, interfaceEnd)
  event.directionName = outwards ? 'outbound' : 'inbound'
  walkPlainPairs(event, context, interfaceEnd, end)
}

/**
 * The columns of SmartView Tracker's export, each quoted: number, date, time, interface, origin, type, action, service,
 * source port, source, destination, protocol, rule, rule name, current rule number, user, information, …
 */
const columnTargets: readonly number[] = [
  0,
  0,
  0,
  Target.ingressInterfaceName,
  Target.host,
  0,
  Target.action,
  keys.numberOf('service'),
  Target.sourcePort,
  Target.source,
  Target.destination,
  Target.protocol,
  Target.ruleId,
  Target.ruleName,
  0,
  Target.userName,
]
const INFORMATION = 16

function parseColumns(event: SyslogEvent, context: SyslogContext, start: number, end: number): void {
  const line = event.line
  let index = start
  for (let column = 0; column <= INFORMATION && line.octetAt(index) === QUOTE; column++) {
    let close = line.indexOf('"', index + 1)
    if (close < 0 || close > end) close = end
    const target = columnTargets[column] ?? 0
    if (column === INFORMATION) walkPlainPairs(event, context, index + 1, close)
    else if (target !== 0 && close > index + 1)
      take(event, target, index + 1, close, Escape.backslash, context)
    index = close + 2
  }
}

/** `12Dec2019`: how Check Point writes days. */
function isDate(line: Line, start: number): boolean {
  const month = isDigit(line.octetAt(start + 1)) ? start + 2 : start + 1
  return isDigit(line.octetAt(start)) && monthAt(line, month) > 0 && isDigit(line.octetAt(month + 3))
}

/** The quoted number, then the quoted date. */
function isColumns(line: Line, start: number): boolean {
  const close = line.octetAt(start) === QUOTE ? line.indexOf('" "', start + 1) : -1
  return close > 0 && close < start + 16 && isDate(line, close + 3)
}

/** The bracket in front of the fields, or -1: Log Exporter's `[key:"`, or the enterprise's number. */
function fieldsStart(event: SyslogEvent): number {
  const line = event.line
  const start = event.contentStart
  const open = line.octetAt(start) === OPEN_BRACKET ? start : line.indexOf('[', start)
  if (open < 0 || open > start + BRACKET_WINDOW) return -1
  if (line.startsWith(ENTERPRISE, open)) return open
  return isColonPair(line, open + 1) ? open : -1
}

/** A short key, a colon and a quote. */
function isColonPair(line: Line, start: number): boolean {
  const colon = line.indexOf(':"', start)
  return colon > start && colon < start + 40 && !hasEquals(line, start, colon)
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  const line = event.line
  const end = event.end(Field.message) > 0 ? event.end(Field.message) : line.length
  const { contentStart, messageStart } = event
  clear()
  if (event.shape === Shape.cef) {
    skipEmptyColumn(event)
    if (!cef.read(event)) return false
    walkCef(event, context, cef.extension, end, keys, take)
    event.setSpan(Field.eventId, cef.starts[CefHeader.signatureId]!, cef.ends[CefHeader.signatureId]!)
  } else if (event.shape === Shape.leef) {
    if (!leef.read(event)) return false
    walkSeparated(event, context, leef.attributes, end, leef.separator, keys, take)
    event.setSpan(Field.eventId, leef.starts[LeefHeader.eventId]!, leef.ends[LeefHeader.eventId]!)
  } else {
    const open = event.shape === Shape.pairs ? -1 : fieldsStart(event)
    if (open >= 0 && isColonPair(line, open + 1)) walkColonPairs(event, context, open + 1, end)
    else if (open >= 0) walkPairs(event, context, open + 1, end, keys, take)
    else if (event.shape === Shape.pairs) walkPairs(event, context, contentStart, end, keys, take, '|')
    else if (isColumns(line, contentStart)) parseColumns(event, context, contentStart, end)
    else parseText(event, context, messageStart, end)
  }
  event.vendor = 'checkpoint'
  event.product = 'firewall'
  settle(event)
  return true
}

/** Some versions write an empty column behind CEF's version. */
function skipEmptyColumn(event: SyslogEvent): void {
  const bar = event.line.indexOf('||', event.bodyStart)
  if (bar >= 0 && bar < event.bodyStart + 3) event.bodyStart = bar + 1
}

/** LEA tools: the time first, bars between, and a field that only Check Point has. */
function isBarred(line: Line, start: number): boolean {
  if (!line.startsWith('time=', start) && !line.startsWith('loc=', start)) return false
  const bar = line.indexOf('|', start)
  if (bar < 0 || bar > start + 40) return false
  return (
    line.startsWith('|hostname=', bar) ||
    line.includes('|product=', bar) ||
    line.includes('|orig=', bar) ||
    line.includes('|loguid=', bar)
  )
}

function claims(event: SyslogEvent): boolean {
  const line = event.line
  const start = event.contentStart
  switch (event.shape) {
    case Shape.cef: {
      if (isCefOf(event, 'Check Point')) return true
      const bar = line.indexOf('|', event.bodyStart)
      return line.octetAt(bar + 1) === PIPE && line.startsWith('Check Point|', bar + 2)
    }
    case Shape.leef:
      return isCefOf(event, 'Check Point')
    case Shape.structured: {
      const application = event.start(Field.application)
      if (application >= 0 && line.startsWith('CheckPoint', application)) return true
      return line.startsWith(ENTERPRISE, start)
    }
    case Shape.pairs:
      return isBarred(line, start)
    case Shape.csv:
      return isColumns(line, start)
  }
  if (isDate(line, event.messageStart)) return line.includes(' product: ', event.messageStart)
  return fieldsStart(event) >= 0
}

/** The product for the registry. */
export const checkpoint: SyslogProduct = {
  id: 'checkpoint',
  shapes: [Shape.structured, Shape.pairs, Shape.cef, Shape.leef, Shape.csv, Shape.text],
  claims,
  parse,
}
