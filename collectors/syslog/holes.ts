/** What fills the holes of a sentence (templates.ts): each reads its part at an offset and returns the offset behind it, or -1. */

import { endpoint } from './endpoint.js'
import { AddressSlot, Field, type FieldIndex, type SyslogEvent } from './event.js'
import type { Line } from './line.js'
import { outcomeOf, setDirection } from './product.js'
import { readProtocol } from './protocols.js'
import {
  CLOSE_PARENTHESIS,
  COLON,
  digitsEnd,
  isDigit,
  QUOTE,
  readNumber,
  readSmall,
  SPACE,
  skipSpaces,
} from './scan.js'

/** The kinds of holes. */
export const holes = {
  source: 1,
  destination: 2,
  protocol: 3,
  icmpType: 4,
  icmpCode: 5,
  direction: 6,
  duration: 7,
  octets: 8,
  octetsSent: 9,
  octetsReceived: 10,
  action: 11,
  packets: 12,
  text: 13,
  rest: 14,
  skip: 15,
  word: 16,
  end: 17,
} as const

/** One step of a compiled sentence: a hole, or a literal. */
export type Step = {
  readonly hole: number
  readonly text: string
  /** The text of a literal. */
  readonly octets: Uint8Array
  readonly field: FieldIndex
}

/** End of a word in prose: a space, or one of `,;)]` or a sentence's full stop or colon in front of a space. */
function proseWordEnd(line: Line, start: number, end: number): number {
  let index = start
  while (index < end) {
    const code = line.octetAt(index)
    if (code === SPACE || code === 0x2c || code === 0x3b || code === CLOSE_PARENTHESIS || code === 0x5d) break
    index++
  }
  while (index > start + 1) {
    const last = line.octetAt(index - 1)
    if (last !== 0x2e && last !== COLON) break
    index--
  }
  return index
}

/** Reads what belongs into a hole. */
export function fill(event: SyslogEvent, step: Step, start: number, end: number): number {
  const line = event.line
  if (start >= end && step.hole !== holes.rest) return -1
  switch (step.hole) {
    case holes.source:
      return endpoint(event, AddressSlot.source, start, end)
    case holes.destination:
      return endpoint(event, AddressSlot.destination, start, end)
    case holes.protocol: {
      const from = line.startsWith('protocol ', start) ? skipSpaces(line, start + 9, end) : start
      const stop = proseWordEnd(line, from, end)
      event.protocol = readProtocol(line, from, stop)
      return stop
    }
    case holes.icmpType:
    case holes.icmpCode: {
      const stop = digitsEnd(line, start, end)
      const value = readSmall(line, start, stop, 255)
      if (step.hole === holes.icmpType) event.icmpType = value
      else event.icmpCode = value
      return value < 0 ? -1 : stop
    }
    case holes.direction: {
      const stop = proseWordEnd(line, start, end)
      setDirection(event, start, stop)
      return event.directionName === '' ? -1 : stop
    }
    case holes.duration: {
      const stop = proseWordEnd(line, start, end)
      event.durationMilliseconds = readDuration(line, start, stop)
      return Number.isNaN(event.durationMilliseconds) ? -1 : stop
    }
    case holes.octets:
    case holes.octetsSent:
    case holes.octetsReceived:
    case holes.packets: {
      const stop = digitsEnd(line, start, end)
      const value = readNumber(line, start, stop)
      if (step.hole === holes.octets) event.octetsTotal = value
      else if (step.hole === holes.octetsSent) event.octetsSourceToDestination = value
      else if (step.hole === holes.octetsReceived) event.octetsDestinationToSource = value
      else event.packetsSourceToDestination = value
      return Number.isNaN(value) ? -1 : stop
    }
    case holes.action: {
      const stop = proseWordEnd(line, start, end)
      event.setSpan(Field.action, start, stop)
      event.outcome = outcomeOf(line, start, stop)
      return stop
    }
    case holes.rest: {
      const from = skipSpaces(line, start, end)
      let stop = end
      while (stop > from && line.octetAt(stop - 1) === SPACE) stop--
      event.setSpan(step.field, from, stop)
      return end
    }
    case holes.end:
      return skipSpaces(line, start, end) >= end ? end : -1
    default:
      return takeWord(event, step, start, end)
  }
}

/** A word, or a text in quotes; without quotes around it. */
function takeWord(event: SyslogEvent, step: Step, start: number, end: number): number {
  const line = event.line
  if (line.octetAt(start) === QUOTE) {
    const close = line.indexOf('"', start + 1)
    if (close < 0 || close >= end) return -1
    if (step.text !== '') event.setSpan(step.field, start + 1, close)
    return close + 1
  }
  const stop = proseWordEnd(line, start, end)
  if (stop === start) return -1
  if (step.text !== '') event.setSpan(step.field, start, stop)
  return stop
}

/** `h:mm:ss`, `0h:01m:52s` or seconds in milliseconds; NaN when it is none. */
export function readDuration(line: Line, start: number, end: number): number {
  if (end - start > 24) return Number.NaN
  let total = 0
  let value = -1
  for (let index = start; index < end; index++) {
    const code = line.octetAt(index)
    if (isDigit(code)) value = (value < 0 ? 0 : value * 10) + code - 0x30
    else if (code === COLON) {
      if (value < 0) return Number.NaN
      total = (total + value) * 60
      value = -1
    } else if ((code !== 0x68 && code !== 0x6d && code !== 0x73) || value < 0) return Number.NaN
  }
  return value < 0 ? Number.NaN : (total + value) * 1000
}
