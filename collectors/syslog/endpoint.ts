/**
 * One end of a connection as prose has it: `interface:address/port`, `interface/address(port)`, `address/port` or less of
 * it, and in brackets behind it a translation or a user.
 */
import { AddressSlot, Field, type SyslogEvent } from './event.js'
import type { Line } from './line.js'
import {
  CLOSE_PARENTHESIS,
  COLON,
  digitsEnd,
  isDigit,
  OPEN_PARENTHESIS,
  readAddress,
  readPort,
  SLASH,
  SPACE,
  scanIPv4,
  scannedIPv4,
  setIPv4,
  skipSpaces,
} from './scan.js'

/**
 * One end of a connection: `interface:address/port`, `interface/address(port)`, `address/port` or less of it, then in
 * brackets a translation (`(192.0.2.1/80)`) or a user. A name in place of the address leaves the address unknown.
 */
export function endpoint(event: SyslogEvent, slot: 0 | 1, start: number, end: number): number {
  const line = event.line
  const plain = endpointPlain(event, slot, start, end)
  if (plain >= 0) return trailers(event, slot, plain, end)
  let stop = start
  while (stop < end && !endsEndpoint(line.octets[stop]!)) stop++
  if (stop === start) return bracketed(event, slot, start, end)
  const afterWord = stop
  while (stop > start && line.octetAt(stop - 1) === 0x2e) stop--
  place(event, slot, start, stop)
  return trailers(event, slot, afterWord, end)
}

/** `(0.0.0.0) to …`: an address alone in brackets. */
function bracketed(event: SyslogEvent, slot: 0 | 1, start: number, end: number): number {
  const line = event.line
  if (line.octetAt(start) !== OPEN_PARENTHESIS) return -1
  const close = line.indexOf(')', start)
  if (close < 0 || close >= end) return -1
  readAddress(event, slot, start + 1, close)
  return close + 1
}

function setPort(event: SyslogEvent, slot: 0 | 1, port: number): void {
  if (slot === AddressSlot.source) event.sourcePort = port
  else event.destinationPort = port
}

const portNames: Readonly<Record<string, number>> = {
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  http: 80,
  www: 80,
  https: 443,
  snmp: 161,
  snmptrap: 162,
  ntp: 123,
  bootps: 67,
  bootpc: 68,
  'netbios-ns': 137,
  'netbios-dgm': 138,
  syslog: 514,
  rip: 520,
  isakmp: 500,
  tftp: 69,
}

function portOf(line: Line, start: number, end: number): number {
  const port = readPort(line, start, end)
  if (port >= 0 || isDigit(line.octetAt(start)) || end - start > 12) return port
  const name = line.slice(start, end)
  return Object.hasOwn(portNames, name) ? portNames[name]! : -1
}

/** What stands behind an endpoint. */
function endsEndpoint(code: number): boolean {
  return (
    code === SPACE ||
    code === OPEN_PARENTHESIS ||
    code === 0x2c ||
    code === CLOSE_PARENTHESIS ||
    code === 0x3b
  )
}

/**
 * `interface:192.0.2.1/80`, the form of most lines, in one pass; the offset behind it, or -1, with nothing written, where
 * it is another.
 */
function endpointPlain(event: SyslogEvent, slot: 0 | 1, start: number, end: number): number {
  const line = event.line
  let colon = start
  while (colon < end && line.octets[colon] !== COLON) {
    if (endsEndpoint(line.octets[colon]!)) return -1
    colon++
  }
  const slash = scanIPv4(line, colon + 1, end)
  if (slash < 0 || line.octetAt(slash) !== SLASH) return -1
  const stop = digitsEnd(line, slash + 1, end)
  const port = readPort(line, slash + 1, stop)
  if (port < 0 || (stop < end && !endsEndpoint(line.octets[stop]!))) return -1
  setIPv4(event, slot, scannedIPv4())
  setPort(event, slot, port)
  const field = slot === AddressSlot.source ? Field.ingressInterfaceName : Field.egressInterfaceName
  event.setSpan(field, start, colon)
  return stop
}

/** `(192.0.2.1/80)` behind an endpoint whose translation is not known yet; the offset behind it, or -1 as above. */
function translationPlain(event: SyslogEvent, slot: 0 | 1, open: number, end: number): number {
  const line = event.line
  const translated = slot === AddressSlot.source ? AddressSlot.postNATSource : AddressSlot.postNATDestination
  if (event.families[translated] !== 0) return -1
  const slash = scanIPv4(line, open + 1, end)
  if (slash < 0 || line.octetAt(slash) !== SLASH) return -1
  const close = digitsEnd(line, slash + 1, end)
  const port = readPort(line, slash + 1, close)
  if (port < 0 || close >= end || line.octets[close] !== CLOSE_PARENTHESIS) return -1
  setIPv4(event, translated, scannedIPv4())
  if (slot === AddressSlot.source) event.postNATSourcePort = port
  else event.postNATDestinationPort = port
  return close + 1
}

function place(event: SyslogEvent, slot: 0 | 1, start: number, end: number): void {
  const line = event.line
  const field = slot === AddressSlot.source ? Field.ingressInterfaceName : Field.egressInterfaceName
  let addressStart = start
  let addressEnd = end
  let slash = -1
  for (let index = end - 1; index > start; index--) {
    if (line.octetAt(index) === SLASH) {
      slash = index
      break
    }
  }
  if (slash >= 0 && readAddress(event, slot, slash + 1, end)) {
    event.setSpan(field, start, slash)
    return
  }
  if (slash >= 0) {
    const port = portOf(line, slash + 1, end)
    if (port >= 0) {
      setPort(event, slot, port)
      addressEnd = slash
    } else if (isDigit(line.octetAt(slash + 1)) && digitsEnd(line, slash + 1, end) === end) addressEnd = slash
  }
  if (line.octetAt(addressEnd - 1) === COLON && line.octetAt(addressEnd - 2) !== COLON) addressEnd--
  if (readAddress(event, slot, addressStart, addressEnd)) return
  let colon = start
  while (colon < addressEnd && line.octetAt(colon) !== COLON) colon++
  if (colon < addressEnd) {
    event.setSpan(field, start, colon)
    addressStart = colon + 1
    readAddress(event, slot, addressStart, addressEnd)
  } else if (slash >= 0 && addressEnd === end) event.setSpan(field, start, slash)
}

/** Brackets behind an endpoint. `(type 8, code 0)` is left for the sentence. */
function trailers(event: SyslogEvent, slot: 0 | 1, start: number, end: number): number {
  const line = event.line
  let position = start
  for (let round = 0; round < 4; round++) {
    const open = skipSpaces(line, position, end)
    if (line.octetAt(open) !== OPEN_PARENTHESIS) return position
    const plain = translationPlain(event, slot, open, end)
    if (plain >= 0) {
      position = plain
      continue
    }
    if (line.startsWith('(type ', open)) return position
    if (isTypeAndCode(line, open, end)) return position
    let close = open + 1
    while (close < end && line.octetAt(close) !== CLOSE_PARENTHESIS) close++
    if (close >= end) return position
    const known = slot === AddressSlot.source ? event.sourcePort : event.destinationPort
    if (known < 0 && digitsEnd(line, open + 1, close) === close && close > open + 1) {
      setPort(event, slot, readPort(line, open + 1, close))
    } else if (!translation(event, slot, open + 1, close)) {
      if (event.has(Field.userName)) return open === position ? close + 1 : position
      if (open !== position && line.octetAt(close + 1) === COLON) return position
      let userEnd = open + 1
      while (userEnd < close && line.octetAt(userEnd) !== 0x2c) userEnd++
      event.setSpan(Field.userName, open + 1, userEnd)
    }
    position = close + 1
  }
  return position
}

/** `(3/4)`: ICMP type and code of an access list's line. */
function isTypeAndCode(line: Line, open: number, end: number): boolean {
  const slash = digitsEnd(line, open + 1, end)
  if (slash === open + 1 || line.octetAt(slash) !== SLASH) return false
  return line.octetAt(digitsEnd(line, slash + 1, end)) === CLOSE_PARENTHESIS
}

function translation(event: SyslogEvent, slot: 0 | 1, start: number, end: number): boolean {
  const line = event.line
  let slash = end - 1
  while (slash > start && line.octetAt(slash) !== SLASH) slash--
  const addressEnd = slash > start ? slash : end
  const port = slash > start ? readPort(line, slash + 1, end) : -1
  const translated = slot === AddressSlot.source ? AddressSlot.postNATSource : AddressSlot.postNATDestination
  if (event.families[translated] !== 0) return false
  const known = readAddress(event, translated, start, addressEnd)
  if (!known && port < 0) return false
  if (slot === AddressSlot.source) event.postNATSourcePort = port
  else event.postNATDestinationPort = port
  return true
}
