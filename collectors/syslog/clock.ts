/**
 * The parts of a time that its dialects share: the clock with its fraction and its twelve hours, the offset, the zone's
 * name. A scanner returns where its part ends, or -1, and leaves what it read in `stamp`.
 */
import type { Line } from './line.js'
import { COLON, COMMA, DOT, digitsEnd, isDigit, MINUS, SPACE, ZERO } from './scan.js'
import {
  abbreviationAt,
  abbreviationMinutes,
  isAmbiguousAbbreviation,
  MAX_ABBREVIATION_LENGTH,
} from './zones.js'

export const MINUTE = 60_000
const PLUS = 0x2b

/** What the last scan found; one object for all lines, so that nothing is allocated. */
export const stamp = {
  /** -1 where the time has none. */
  year: -1,
  month: 0,
  day: 0,
  /** Milliseconds. */
  timeOfDay: 0,
  /** Minutes east of UTC, NaN where the time has no zone. */
  offsetMinutes: Number.NaN,
  offsetAmbiguous: false,
  /** Day and month may be the other way round. */
  dayMonthAmbiguous: false,
  /** Epoch milliseconds where the stamp is an epoch itself, else NaN. */
  epoch: Number.NaN,
}

export function clearStamp(): void {
  stamp.year = -1
  stamp.month = 0
  stamp.day = 0
  stamp.timeOfDay = 0
  stamp.offsetMinutes = Number.NaN
  stamp.offsetAmbiguous = false
  stamp.dayMonthAmbiguous = false
  stamp.epoch = Number.NaN
}

export function twoDigits(line: Line, position: number): number {
  const tens = line.octetAt(position) - ZERO
  const units = line.octetAt(position + 1) - ZERO
  return tens >= 0 && tens <= 9 && units >= 0 && units <= 9 ? tens * 10 + units : -1
}

/** `h:mm:ss` with an optional fraction after `.` or `,`; the offset behind it, or -1. */
export function scanClock(line: Line, position: number, end: number): number {
  let index = position
  let hours = twoDigits(line, index)
  if (hours >= 0) index += 2
  else {
    hours = line.octetAt(index) - ZERO
    if (!(hours >= 0 && hours <= 9)) return -1
    index++
  }
  if (line.octetAt(index) !== COLON || line.octetAt(index + 3) !== COLON) return -1
  const minutes = twoDigits(line, index + 1)
  const seconds = twoDigits(line, index + 4)
  index += 6
  if (hours > 24 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60 || index > end) return -1
  // ISO 8601 §4.2.3: the midnight that ends a day.
  if (hours === 24 && minutes + seconds > 0) return -1
  stamp.timeOfDay = hours * 3_600_000 + minutes * MINUTE + seconds * 1000
  const noon = scanNoon(line, index, end)
  if (noon > 0) {
    if (hours < 1 || hours > 12) return -1
    stamp.timeOfDay += ((noon === PM ? 12 : 0) - (hours === 12 ? 12 : 0)) * 3_600_000
    index += 3
  }
  const mark = line.octetAt(index)
  if ((mark === DOT || mark === COMMA) && index < end) {
    const stop = digitsEnd(line, index + 1, end)
    if (stop > index + 1) {
      stamp.timeOfDay += fraction(line, index + 1, stop)
      index = stop
    } else if (mark === DOT) index++
  }
  return index
}

const AM = 1
const PM = 2

/** ` AM` or ` PM` behind a clock of twelve hours; 0 where neither stands. */
function scanNoon(line: Line, position: number, end: number): number {
  if (line.octetAt(position) !== SPACE || position + 3 > end) return 0
  if ((line.octetAt(position + 2) | 0x20) !== 0x6d || isWord(line.octetAt(position + 3))) return 0
  const letter = line.octetAt(position + 1) | 0x20
  return letter === 0x61 ? AM : letter === 0x70 ? PM : 0
}

/** Digits after the point as milliseconds; what is finer than a microsecond is dropped. */
export function fraction(line: Line, start: number, end: number): number {
  let value = 0
  let scale = 1000
  for (let index = start; index < end && index < start + 6; index++) {
    value = value * 10 + line.octetAt(index) - ZERO
    scale /= 10
  }
  return value * scale
}

/** `Z`, `+hh:mm`, `-hhmm`, `+hh`, and Check Point's `--h:mm`; the offset behind it, or -1. */
export function scanOffset(line: Line, position: number, end: number): number {
  if (position >= end) return -1
  const sign = line.octetAt(position)
  if (sign === 0x5a || sign === 0x7a) {
    // `Z+0000` says it twice.
    const twice = scanOffset(line, position + 1, end)
    if (twice >= 0) return twice
    stamp.offsetMinutes = 0
    return position + 1
  }
  if (sign !== PLUS && sign !== MINUS) return -1
  let index = position + 1
  if (sign === MINUS && line.octetAt(index) === MINUS) index++
  const oneDigit = isDigit(line.octetAt(index)) && line.octetAt(index + 1) === COLON
  const hours = oneDigit ? line.octetAt(index) - ZERO : twoDigits(line, index)
  if (hours < 0 || hours > 18) return -1
  index += oneDigit ? 1 : 2
  let minutes = 0
  const colon = line.octetAt(index) === COLON ? 1 : 0
  const read = twoDigits(line, index + colon)
  if (read >= 0 && read < 60) {
    minutes = read
    index += colon + 2
  }
  if (index > end) return -1
  stamp.offsetMinutes = (hours * 60 + minutes) * (sign === MINUS ? -1 : 1)
  return index
}

/** A zone's abbreviation, followed by a space, a colon or the end; the offset behind it, or -1. */
export function scanAbbreviation(line: Line, position: number, end: number): number {
  let index = position
  while (index < end && index < position + MAX_ABBREVIATION_LENGTH + 1) {
    const code = line.octetAt(index)
    if (code < 0x41 || code > 0x5a) break
    index++
  }
  if (index === position) return -1
  const next = index < end ? line.octetAt(index) : SPACE
  if (next !== SPACE && next !== COLON && next !== PLUS && next !== MINUS) return -1
  const abbreviation = abbreviationAt(line, position, index)
  if (abbreviation === 0) return -1
  stamp.offsetMinutes = abbreviationMinutes(abbreviation)
  stamp.offsetAmbiguous = isAmbiguousAbbreviation(abbreviation)
  if (next === PLUS || next === MINUS) {
    // `UTC+02:00`, FortiGate's `UTC-5:00`, `GMT+2`
    const stop = scanOffset(line, index, end)
    if (stop >= 0) return stop
    const hours = line.octetAt(index + 1)
    if (isDigit(hours) && !isWord(line.octetAt(index + 2)) && index + 1 < end) {
      stamp.offsetMinutes = (hours - ZERO) * (next === MINUS ? -60 : 60)
      return index + 2
    }
  }
  return index
}

/** A zone directly behind the time or after one space; the offset behind it, or the position unchanged. */
export function scanZone(line: Line, position: number, end: number): number {
  const direct = scanOffset(line, position, end)
  if (direct >= 0) return direct
  if (line.octetAt(position) !== SPACE || position + 1 >= end) return position
  const sign = line.octetAt(position + 1)
  if (sign === PLUS || (sign === MINUS && isDigit(line.octetAt(position + 2)))) {
    const spaced = scanOffset(line, position + 1, end)
    if (spaced >= 0 && (spaced >= end || !isWord(line.octetAt(spaced)))) return spaced
    stamp.offsetMinutes = Number.NaN
    return position
  }
  const named = scanAbbreviation(line, position + 1, end)
  return named >= 0 ? named : position
}

function isWord(code: number): boolean {
  return isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a)
}
