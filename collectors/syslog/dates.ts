/**
 * The timestamps of syslog headers: RFC 5424 §6.2.3 and RFC 3164 §4.1.2 with what devices make of it (a year before or
 * after, fractions, zone names and offsets, ISO dates, epoch seconds, Cisco's `*` and `.` for a clock without source,
 * uptimes). A scanner returns where the time ends and leaves its parts in `stamp`.
 */

import { clearStamp, fraction, MINUTE, scanClock, scanZone, stamp, twoDigits } from './clock.js'
import type { Line } from './line.js'
import { COLON, COMMA, DOT, digitsEnd, isDigit, MINUS, readSmall, SLASH, SPACE, ZERO } from './scan.js'
import { daysInMonth } from './zones.js'

const monthCodes = Int32Array.from(
  ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  (name) => (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2),
)
const dayCodes = Int32Array.from(
  ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
  (name) => (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2),
)

function letters3(line: Line, position: number): number {
  return (
    ((line.octetAt(position) | 0x20) << 16) |
    ((line.octetAt(position + 1) | 0x20) << 8) |
    (line.octetAt(position + 2) | 0x20)
  )
}

/** -1 where the letters are none of these. */
function placeOf(letters: number, codes: Int32Array): number {
  for (let index = 0; index < codes.length; index++) if (codes[index] === letters) return index
  return -1
}

/** 1 to 12, or 0 where no English month name stands. */
export function monthAt(line: Line, position: number): number {
  return placeOf(letters3(line, position), monthCodes) + 1
}

/** Four digits from 1970 to 2199 that are not part of a longer number or a clock; -1 when there are none. */
function yearAt(line: Line, position: number, end: number): number {
  if (position + 4 > end) return -1
  const next = line.octetAt(position + 4)
  if (position + 4 < end && (isDigit(next) || next === DOT)) return -1
  const value = readSmall(line, position, position + 4, 2199)
  return value >= 1970 ? value : -1
}

function spaces(line: Line, position: number, end: number): number {
  let index = position
  while (index < end && line.octetAt(index) === SPACE) index++
  return index
}

/** `Mmm d [yyyy] hh:mm:ss[.f] [yyyy] [zone]`, after an optional day of the week; the offset behind it, or -1. */
function scanMonthFirst(line: Line, start: number, end: number): number {
  let index = start
  if (placeOf(letters3(line, index), dayCodes) >= 0 && index + 4 < end) {
    index += 3
    if (line.octetAt(index) === COMMA) index++
    index = spaces(line, index, end)
    if (isDigit(line.octetAt(index))) return scanDayFirst(line, index, end)
  }
  stamp.month = monthAt(line, index)
  if (stamp.month === 0) return -1
  // RouterOS 6 writes `jun/15/2026`.
  const slash = line.octetAt(index + 3) === SLASH
  const afterMonth = slash ? index + 4 : spaces(line, index + 3, end)
  if (afterMonth === index + 3) return -1
  const dayEnd = digitsEnd(line, afterMonth, end)
  stamp.day = readSmall(line, afterMonth, dayEnd, 31)
  if (stamp.day < 1 || (slash && line.octetAt(dayEnd) !== SLASH)) return -1
  index = slash || line.octetAt(dayEnd) === COMMA ? dayEnd + 1 : dayEnd
  index = spaces(line, index, end)
  if (index === dayEnd) return -1
  stamp.year = yearAt(line, index, end)
  if (stamp.year > 0) index = spaces(line, index + 4, end)
  index = scanClock(line, index, end)
  if (index < 0) return -1
  index = scanZone(line, index, end)
  if (stamp.year < 0 && line.octetAt(index) === SPACE) {
    const late = yearAt(line, index + 1, end)
    const next = line.octetAt(index + 5)
    if (
      late > 0 &&
      (index + 5 >= end || next === SPACE || (next === COLON && line.octetAt(index + 6) === SPACE))
    ) {
      stamp.year = late
      index += 5
      if (Number.isNaN(stamp.offsetMinutes)) index = scanZone(line, index, end)
    }
  }
  return isDate() ? index : -1
}

/** There is such a day; without a year, in a leap year. */
function isDate(): boolean {
  const { year, month, day } = stamp
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year > 0 ? year : 2000, month)
}

/** One or two digits at `start` into a number, -1 where none stand. */
function shortNumber(line: Line, start: number): number {
  return readSmall(line, start, digitsEnd(line, start, start + 2), 99)
}

/**
 * `yyyy-mm-dd`, `yyyy/mm/dd` or `yyyy.mm.dd`, one digit where one is enough (Huawei), `T` or a space, clock, zone; also
 * `yyyy Mmm d clock`, and Sophos UTM's `yyyy:mm:dd-clock`. The offset behind it, or -1.
 */
function scanYearFirst(line: Line, start: number, end: number): number {
  stamp.year = readSmall(line, start, start + 4, 2199)
  if (stamp.year < 1970) return -1
  const separator = line.octetAt(start + 4)
  let index = start + 5
  if (separator === SPACE) {
    const givenYear = stamp.year
    index = scanMonthFirst(line, index, end)
    if (stamp.year > 0 && stamp.year !== givenYear) return -1
    stamp.year = givenYear
    return index >= 0 && isDate() ? index : -1
  }
  if (separator !== MINUS && separator !== SLASH && separator !== COLON && separator !== DOT) return -1
  stamp.month = shortNumber(line, index)
  index = digitsEnd(line, index, index + 2)
  if (line.octetAt(index) !== separator) return -1
  stamp.day = shortNumber(line, index + 1)
  if (!isDate()) return -1
  index = digitsEnd(line, index + 1, index + 3)
  const between = line.octetAt(index)
  // Citrix: `yyyy/mm/dd:hh:mm:ss`. Sophos UTM: `yyyy:mm:dd-hh:mm:ss`.
  const isJoined = (between === COLON && separator === SLASH) || (between === MINUS && separator === COLON)
  if (between !== 0x54 && between !== 0x74 && between !== SPACE && !isJoined) return -1
  index = scanClock(line, index + 1, end)
  return index < 0 ? -1 : scanZone(line, index, end)
}

/**
 * `mm/dd/yyyy` (Citrix's default; `dd/mm/yyyy` is a setting of the device, told apart by what can be, else by nearness to
 * receipt), `dd.mm.yyyy` or `dd/Mmm/yyyy`, a colon or a space, clock, zone; Snort's `mm/dd-` and `mm/dd/yy-`; the offset
 * behind it, or -1.
 */
function scanSeparated(line: Line, start: number, mark: number, end: number): number {
  const separator = line.octetAt(mark)
  const first = readSmall(line, start, mark, 99)
  let index = mark + 1
  const second = shortNumber(line, index)
  if (second >= 0) {
    index = digitsEnd(line, index, index + 2)
    for (let length = 0; length <= 5; length++) {
      if (line.octetAt(index + length) !== MINUS) continue
      return scanDashed(line, index, index + length, end, first, second)
    }
    const dayFirst = first > 12 || separator === DOT
    stamp.month = dayFirst ? second : first
    stamp.day = dayFirst ? first : second
    stamp.dayMonthAmbiguous = separator === SLASH && first <= 12 && second <= 12 && first !== second
  } else {
    stamp.month = monthAt(line, index)
    stamp.day = first
    index += 3
  }
  if (line.octetAt(index) !== separator) return -1
  stamp.year = readSmall(line, index + 1, index + 5, 2199)
  if (stamp.year < 1970 || !isDate()) return -1
  const between = line.octetAt(index + 5)
  if (between !== COLON && between !== SPACE) return -1
  index = scanClock(line, index + 6, end)
  return index < 0 ? -1 : scanZone(line, index, end)
}

/**
 * `dd-Mmm-yyyy` (BIND), `dMmmyyyy` (Check Point), `d Mmm yyyy` and `d Mmm` (RFC 822's order), a space, clock, zone; the
 * offset behind it, or -1.
 */
function scanDayFirst(line: Line, start: number, end: number): number {
  let index = digitsEnd(line, start, start + 2)
  stamp.day = readSmall(line, start, index, 31)
  const mark = line.octetAt(index)
  const gap = mark === MINUS || mark === SPACE ? 1 : 0
  stamp.month = monthAt(line, index + gap)
  index += gap + 3
  if (stamp.month === 0 || (gap === 1 && line.octetAt(index) !== mark)) return -1
  index += gap
  stamp.year = yearAt(line, index, end)
  if (!isDate()) return -1
  if (stamp.year > 0) {
    if (line.octetAt(index + 4) !== SPACE) return -1
    index += 5
  } else if (mark !== SPACE) return -1
  index = scanClock(line, index, end)
  return index < 0 ? -1 : scanZone(line, index, end)
}

/** Snort's date: the month, the day, a year of two or four digits or none, and a dash in front of the clock. */
function scanDashed(
  line: Line,
  start: number,
  dash: number,
  end: number,
  first: number,
  second: number,
): number {
  stamp.month = first
  stamp.day = second
  if (dash > start) {
    const given = line.octetAt(start) === SLASH ? readSmall(line, start + 1, dash, 2199) : -1
    if (given < 0) return -1
    stamp.year = dash - start === 3 ? 2000 + given : given
  }
  return isDate() ? scanClock(line, dash + 1, end) : -1
}

/** ISO 8601's basic form, `yyyymmddThhmmss`, fraction, zone; the offset behind it, or -1. */
function scanBasic(line: Line, start: number, end: number): number {
  stamp.year = readSmall(line, start, start + 4, 2199)
  stamp.month = twoDigits(line, start + 4)
  stamp.day = twoDigits(line, start + 6)
  const hours = twoDigits(line, start + 9)
  const minutes = twoDigits(line, start + 11)
  const seconds = twoDigits(line, start + 13)
  const isClock = hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59 && seconds >= 0 && seconds <= 60
  if (stamp.year < 1970 || !isDate() || !isClock || start + 15 > end) return -1
  stamp.timeOfDay = (hours * 60 + minutes) * MINUTE + seconds * 1000
  const stop = line.octetAt(start + 15) === DOT ? digitsEnd(line, start + 16, end) : start + 15
  if (stop > start + 16) stamp.timeOfDay += fraction(line, start + 16, stop)
  return scanZone(line, stop, end)
}

/** Ten digits of seconds with an optional fraction, or thirteen of milliseconds; the offset behind it, or -1. */
function scanEpoch(line: Line, start: number, end: number): number {
  const stop = digitsEnd(line, start, Math.min(end, start + 20))
  const length = stop - start
  if (length !== 10 && length !== 13) return -1
  let value = 0
  for (let index = start; index < stop; index++) value = value * 10 + line.octetAt(index) - ZERO
  stamp.epoch = length === 10 ? value * 1000 : value
  let index = stop
  if (length === 10 && line.octetAt(index) === DOT) {
    const fractionEnd = digitsEnd(line, index + 1, end)
    if (fractionEnd > index + 1) stamp.epoch += fraction(line, index + 1, fractionEnd)
    index = fractionEnd
  }
  if (index < end && line.octetAt(index) !== SPACE) return -1
  return index
}

/** Scans a timestamp of any of the forms; the offset behind it, or -1 where none stands. */
export function scanTimestamp(line: Line, start: number, end: number): number {
  clearStamp()
  if (start + 8 > end) return -1
  if (!isDigit(line.octetAt(start))) return scanMonthFirst(line, start, end)
  const stop = digitsEnd(line, start, start + 5)
  if (stop === start + 5) {
    const isBasic = line.octetAt(start + 8) === 0x54 && digitsEnd(line, start, start + 8) === start + 8
    return isBasic ? scanBasic(line, start, end) : scanEpoch(line, start, end)
  }
  if (stop === start + 4) return scanYearFirst(line, start, end)
  if (stop > start + 2) return -1
  const mark = line.octetAt(stop)
  const isSeparated = mark === SLASH || (mark === DOT && line.octetAt(stop + 3) === DOT)
  return isSeparated ? scanSeparated(line, start, stop, end) : scanDayFirst(line, start, end)
}

/** Cisco's uptime stamp (`00:00:46`, `1w2d`, `2d03h`, `3y4w`); the offset behind it, or -1. */
export function scanUptime(line: Line, start: number, end: number): number {
  let index = start
  let units = 0
  while (index < end && units < 4) {
    const stop = digitsEnd(line, index, Math.min(end, index + 6))
    if (stop === index) break
    const unit = line.octetAt(stop) | 0x20
    if (unit !== 0x79 && unit !== 0x77 && unit !== 0x64 && unit !== 0x68) break
    units++
    index = stop + 1
  }
  if (units === 0) index = scanClock(line, start, end)
  return index > start && line.octetAt(index) === COLON ? index : -1
}
