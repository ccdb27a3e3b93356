/** `address:port` as many products write an end of a connection in prose. */

import { AddressSlot, type AddressSlotIndex, type SyslogEvent } from './event.js'
import type { Line } from './line.js'
import { CLOSE_BRACKET, COLON, isDigit, OPEN_BRACKET, readAddress, readPort } from './scan.js'

const LONGEST_PORT = 5

/** The separator in front of the port, or -1: the last colon, or BSD's dot; an IPv6 address may be in brackets. */
function portMark(line: Line, start: number, end: number, mark: number): number {
  let index = end - 1
  const limit = Math.max(start, end - LONGEST_PORT - 1)
  while (index > limit && isDigit(line.octetAt(index))) index--
  if (line.octetAt(index) !== mark || index === start || index === end - 1) return -1
  return index
}

/**
 * Reads `address`, `address:port` or `[address]:port` that fills a range, or with another mark in front of the port;
 * false where no address stands there. In a bare IPv6 address the last group is taken for a port only if `hasPort`.
 */
export function readEndpoint(
  event: SyslogEvent,
  slot: AddressSlotIndex,
  start: number,
  end: number,
  hasPort = false,
  mark: number = COLON,
): boolean {
  const line = event.line
  if (!hasPort && readAddress(event, slot, start, end)) return true
  const separator = portMark(line, start, end, mark)
  let first = start
  let last = separator < 0 ? end : separator
  if (line.octetAt(first) === OPEN_BRACKET && line.octetAt(last - 1) === CLOSE_BRACKET) {
    first++
    last--
  }
  if (!readAddress(event, slot, first, last)) return hasPort && readAddress(event, slot, start, end)
  if (separator >= 0) setPort(event, slot, readPort(line, separator + 1, end))
  return true
}

function setPort(event: SyslogEvent, slot: AddressSlotIndex, port: number): void {
  if (slot === AddressSlot.source) event.sourcePort = port
  else if (slot === AddressSlot.destination) event.destinationPort = port
  else if (slot === AddressSlot.postNATSource) event.postNATSourcePort = port
  else event.postNATDestinationPort = port
}
