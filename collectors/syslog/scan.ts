/**
 * Hand-written scanners over a line: digits, addresses, words. Each reads a bounded range once and allocates nothing;
 * a failure is a value, never an exception.
 */

import type { AddressSlotIndex, SyslogEvent } from './event.js'
import type { Line } from './line.js'

export const SPACE = 0x20
export const QUOTE = 0x22
export const PERCENT = 0x25
export const OPEN_PARENTHESIS = 0x28
export const CLOSE_PARENTHESIS = 0x29
export const COMMA = 0x2c
export const MINUS = 0x2d
export const DOT = 0x2e
export const SLASH = 0x2f
export const ZERO = 0x30
export const COLON = 0x3a
export const LESS = 0x3c
export const EQUALS = 0x3d
export const GREATER = 0x3e
export const OPEN_BRACKET = 0x5b
export const BACKSLASH = 0x5c
export const CLOSE_BRACKET = 0x5d
export const PIPE = 0x7c
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d

/** Longest run of digits that is read as a number: 2^64 has 20. */
const MAX_DIGITS = 20

export function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39
}

/** Start of the next word, skipping spaces and tabs. */
export function skipSpaces(line: Line, position: number, end: number): number {
  let index = position
  while (index < end) {
    const code = line.octetAt(index)
    if (code !== SPACE && code !== 9) break
    index++
  }
  return index
}

/** End of the word that starts here: the next space or the limit. */
export function wordEnd(line: Line, position: number, end: number): number {
  const space = line.indexOfOctet(SPACE, position, end)
  return space < 0 ? end : space
}

/** An unsigned decimal that fills the range exactly; NaN when it does not or has more digits than 64 bits hold. */
export function readNumber(line: Line, start: number, end: number): number {
  if (end <= start || end - start > MAX_DIGITS || start < 0 || end > line.length) return Number.NaN
  const { octets } = line
  let value = 0
  for (let index = start; index < end; index++) {
    const digit = octets[index]! - ZERO
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value < 2 ** 64 ? value : Number.NaN
}

/** An unsigned decimal of at most `maximum` that fills the range exactly; -1 when it does not. */
export function readSmall(line: Line, start: number, end: number, maximum: number): number {
  if (end <= start || end - start > 10 || start < 0 || end > line.length) return -1
  const { octets } = line
  let value = 0
  for (let index = start; index < end; index++) {
    const digit = octets[index]! - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value <= maximum ? value : -1
}

/** A transport port; -1 when the range is none. */
export function readPort(line: Line, start: number, end: number): number {
  return readSmall(line, start, end, 0xffff)
}

/** An octet in decimal or 0x hexadecimal (FortiGate's icmptype); -1 when it is none. */
export function readOctet(line: Line, start: number, end: number): number {
  if (end - start > 2 && line.octetAt(start) === ZERO && (line.octetAt(start + 1) | 0x20) === 0x78) {
    let value = 0
    for (let index = start + 2; index < end; index++) {
      const digit = hexDigit(line.octetAt(index))
      if (digit < 0) return -1
      value = value * 16 + digit
      if (value > 255) return -1
    }
    return value
  }
  return readSmall(line, start, end, 255)
}

/** End of the run of digits that starts here. */
export function digitsEnd(line: Line, position: number, end: number): number {
  const { octets } = line
  const limit = Math.min(end, line.length)
  let index = position
  while (index < limit && isDigit(octets[index]!)) index++
  return index
}

/** Compares letters without regard to case; `word` must be lower case. */
export function wordIs(line: Line, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false
  for (let index = 0; index < word.length; index++) {
    let code = line.octetAt(start + index)
    if (code >= 0x41 && code <= 0x5a) code |= 0x20
    if (code !== word.charCodeAt(index)) return false
  }
  return true
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** Dotted decimal without leading zeros; -1 when the range is none. */
export function readIPv4(line: Line, start: number, end: number): number {
  if (end - start < 7 || end - start > 15 || start < 0 || end > line.length) return -1
  return scanIPv4(line, start, end) === end ? scanned : -1
}

let scanned = 0

/** Dotted decimal without leading zeros at the start of a range; the offset behind it, or -1. */
export function scanIPv4(line: Line, start: number, end: number): number {
  const { octets } = line
  let word = 0
  let index = start
  for (let part = 0; part < 4; part++) {
    if (part > 0) {
      if (index >= end || octets[index] !== DOT) return -1
      index++
    }
    const first = index
    let value = 0
    while (index < end && index < first + 3) {
      const digit = octets[index]! - ZERO
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
      index++
    }
    if (index === first || value > 255 || (octets[first] === ZERO && index > first + 1)) return -1
    word = (word << 8) | value
  }
  scanned = word >>> 0
  return index
}

/** The address that `scanIPv4` found last. */
export function scannedIPv4(): number {
  return scanned
}

const groups = new Uint16Array(8)

/** The first group has four digits at most: names and numbers are told from addresses by that. */
function hasEarlyColon(line: Line, start: number, end: number): boolean {
  const limit = Math.min(end, start + 5)
  for (let index = start; index < limit; index++) if (line.octetAt(index) === COLON) return true
  return false
}

/** RFC 4291 §2.2 text into `groups`; false when the range is none. A zone (`%eth0`) is dropped. */
function readIPv6(line: Line, start: number, rangeEnd: number): boolean {
  if (!hasEarlyColon(line, start, rangeEnd)) return false
  let end = start
  while (end < rangeEnd && line.octetAt(end) !== PERCENT) end++
  if (end - start < 2 || end - start > 45) return false
  let count = 0
  let gap = -1
  let index = start
  if (line.octetAt(index) === COLON) {
    if (line.octetAt(index + 1) !== COLON) return false
    gap = 0
    index += 2
  }
  while (index < end) {
    if (count === 8) return false
    const groupStart = index
    let value = 0
    while (index < end) {
      const digit = hexDigit(line.octetAt(index))
      if (digit < 0) break
      value = value * 16 + digit
      index++
      if (index - groupStart > 4) return false
    }
    if (index < end && line.octetAt(index) === DOT) {
      const last = readIPv4(line, groupStart, end)
      if (last < 0 || count > 6) return false
      groups[count++] = last / 65536
      groups[count++] = last % 65536
      index = end
      break
    }
    if (index === groupStart) return false
    groups[count++] = value
    if (index === end) break
    if (line.octetAt(index) !== COLON) return false
    index++
    if (index === end) return false
    if (line.octetAt(index) === COLON) {
      if (gap >= 0) return false
      gap = count
      index++
    }
  }
  if (gap < 0) return count === 8
  if (count === 8) return false
  const moved = count - gap
  for (let tail = 0; tail < moved; tail++) groups[7 - tail] = groups[count - 1 - tail]!
  groups.fill(0, gap, 8 - moved)
  return true
}

/** Writes the address of the range into a slot; false, with the slot unknown, when the range is none. */
export function readAddress(event: SyslogEvent, slot: AddressSlotIndex, start: number, end: number): boolean {
  const line = event.line
  const offset = slot * 4
  event.families[slot] = 0
  const word = readIPv4(line, start, end)
  if (word >= 0) {
    setIPv4(event, slot, word)
    return true
  }
  if (end - start < 2 || end - start > 80 || !readIPv6(line, start, end)) return false
  const words = event.words
  words[offset] = groups[0]! * 65536 + groups[1]!
  words[offset + 1] = groups[2]! * 65536 + groups[3]!
  words[offset + 2] = groups[4]! * 65536 + groups[5]!
  words[offset + 3] = groups[6]! * 65536 + groups[7]!
  const mapped = words[offset] === 0 && words[offset + 1] === 0 && words[offset + 2] === 0xffff
  if (mapped) words[offset + 2] = 0
  event.families[slot] = mapped ? 4 : 6
  return true
}

export function setIPv4(event: SyslogEvent, slot: AddressSlotIndex, word: number): void {
  const offset = slot * 4
  event.words[offset] = 0
  event.words[offset + 1] = 0
  event.words[offset + 2] = 0
  event.words[offset + 3] = word
  event.families[slot] = 4
}

/** The unspecified address stands for "no translation" in several logs. */
export function isUnspecified(event: SyslogEvent, slot: AddressSlotIndex): boolean {
  const offset = slot * 4
  const words = event.words
  return words[offset] === 0 && words[offset + 1] === 0 && words[offset + 2] === 0 && words[offset + 3] === 0
}

export function sameAddress(event: SyslogEvent, a: AddressSlotIndex, b: AddressSlotIndex): boolean {
  if (event.families[a] !== event.families[b]) return false
  for (let index = 0; index < 4; index++) {
    if (event.words[a * 4 + index] !== event.words[b * 4 + index]) return false
  }
  return true
}
