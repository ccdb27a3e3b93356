/**
 * The timestamps of syslog headers: RFC 5424 §6.2.3 and RFC 3164 §4.1.2 with what devices make of it (a year before or
 * after, fractions, zone names and offsets, ISO dates, epoch seconds, Cisco's `*` and `.` for a clock without source,
 * uptimes). A scanner returns where the time ends and leaves its parts in module registers.
 */
import type { SyslogContext } from './context.js'
import { Field, type SyslogEvent, ZoneFrom } from './event.js'
import { COLON, COMMA, DOT, digitsEnd, isDigit, MINUS, readSmall, SLASH, SPACE, ZERO } from './scan.js'
import {
  abbreviationMinutes,
  civilMilliseconds,
  daysInMonth,
  isAmbiguousAbbreviation,
  MAX_ABBREVIATION_LENGTH,
  nearestYear,
  wallClockToEpoch,
} from './zones.js'

const MINUTE = 60_000
const PLUS = 0x2b
const NO_ZONE = Number.NaN

/** Registers of the last scan: a date (year -1 when absent), milliseconds of the day, minutes east of UTC or NaN. */
let year = -1
let month = 0
let day = 0
let timeOfDay = 0
let offsetMinutes = NO_ZONE
let offsetAmbiguous = false
/** Day and month may be the other way round. */
let dayMonthAmbiguous = false
/** Epoch milliseconds where the stamp is an epoch itself. */
let epoch = Number.NaN

function clear(): void {
  year = -1
  month = 0
  day = 0
  timeOfDay = 0
  offsetMinutes = NO_ZONE
  offsetAmbiguous = false
  dayMonthAmbiguous = false
  epoch = Number.NaN
}

const monthCodes = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'].map(
  (name) => (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2),
)
const dayCodes = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].map(
  (name) => (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2),
)

function letters3(line: string, position: number): number {
  return (
    ((line.charCodeAt(position) | 0x20) << 16) |
    ((line.charCodeAt(position + 1) | 0x20) << 8) |
    (line.charCodeAt(position + 2) | 0x20)
  )
}

/** 1 to 12, or 0 where no English month name stands. */
export function monthAt(line: string, position: number): number {
  return monthCodes.indexOf(letters3(line, position)) + 1
}

function twoDigits(line: string, position: number): number {
  const tens = line.charCodeAt(position) - ZERO
  const units = line.charCodeAt(position + 1) - ZERO
  return tens >= 0 && tens <= 9 && units >= 0 && units <= 9 ? tens * 10 + units : -1
}

/** `h:mm:ss` with an optional fraction after `.` or `,`; the offset behind it, or -1. */
function scanClock(line: string, position: number, end: number): number {
  let index = position
  let hours = twoDigits(line, index)
  if (hours >= 0) index += 2
  else {
    hours = line.charCodeAt(index) - ZERO
    if (!(hours >= 0 && hours <= 9)) return -1
    index++
  }
  if (line.charCodeAt(index) !== COLON || line.charCodeAt(index + 3) !== COLON) return -1
  const minutes = twoDigits(line, index + 1)
  const seconds = twoDigits(line, index + 4)
  index += 6
  if (hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60 || index > end) return -1
  timeOfDay = hours * 3_600_000 + minutes * MINUTE + seconds * 1000
  const noon = scanNoon(line, index, end)
  if (noon > 0) {
    if (hours < 1 || hours > 12) return -1
    timeOfDay += ((noon === PM ? 12 : 0) - (hours === 12 ? 12 : 0)) * 3_600_000
    index += 3
  }
  const mark = line.charCodeAt(index)
  if ((mark === DOT || mark === COMMA) && index < end) {
    const stop = digitsEnd(line, index + 1, end)
    if (stop > index + 1) {
      timeOfDay += fraction(line, index + 1, stop)
      index = stop
    } else if (mark === DOT) index++
  }
  return index
}

const AM = 1
const PM = 2

/** ` AM` or ` PM` behind a clock of twelve hours; 0 where neither stands. */
function scanNoon(line: string, position: number, end: number): number {
  if (line.charCodeAt(position) !== SPACE || position + 3 > end) return 0
  if ((line.charCodeAt(position + 2) | 0x20) !== 0x6d || isWord(line.charCodeAt(position + 3))) return 0
  const letter = line.charCodeAt(position + 1) | 0x20
  return letter === 0x61 ? AM : letter === 0x70 ? PM : 0
}

/** Digits after the point as milliseconds; what is finer than a microsecond is dropped. */
function fraction(line: string, start: number, end: number): number {
  let value = 0
  let scale = 1000
  for (let index = start; index < end && index < start + 6; index++) {
    value = value * 10 + line.charCodeAt(index) - ZERO
    scale /= 10
  }
  return value * scale
}

/** `Z`, `+hh:mm`, `-hhmm`, `+hh`, and Check Point's `--h:mm`; the offset behind it, or -1. */
function scanOffset(line: string, position: number, end: number): number {
  if (position >= end) return -1
  const sign = line.charCodeAt(position)
  if (sign === 0x5a || sign === 0x7a) {
    // `Z+0000` says it twice.
    const twice = scanOffset(line, position + 1, end)
    if (twice >= 0) return twice
    offsetMinutes = 0
    return position + 1
  }
  if (sign !== PLUS && sign !== MINUS) return -1
  let index = position + 1
  if (sign === MINUS && line.charCodeAt(index) === MINUS) index++
  const oneDigit = isDigit(line.charCodeAt(index)) && line.charCodeAt(index + 1) === COLON
  const hours = oneDigit ? line.charCodeAt(index) - ZERO : twoDigits(line, index)
  if (hours < 0 || hours > 18) return -1
  index += oneDigit ? 1 : 2
  let minutes = 0
  const colon = line.charCodeAt(index) === COLON ? 1 : 0
  const read = twoDigits(line, index + colon)
  if (read >= 0 && read < 60) {
    minutes = read
    index += colon + 2
  }
  if (index > end) return -1
  offsetMinutes = (hours * 60 + minutes) * (sign === MINUS ? -1 : 1)
  return index
}

/** A zone's abbreviation, followed by a space, a colon or the end; the offset behind it, or -1. */
function scanAbbreviation(line: string, position: number, end: number): number {
  let index = position
  while (index < end && index < position + MAX_ABBREVIATION_LENGTH + 1) {
    const code = line.charCodeAt(index)
    if (code < 0x41 || code > 0x5a) break
    index++
  }
  if (index === position) return -1
  const next = index < end ? line.charCodeAt(index) : SPACE
  if (next !== SPACE && next !== COLON && next !== PLUS && next !== MINUS) return -1
  const name = line.slice(position, index)
  const minutes = abbreviationMinutes(name)
  if (Number.isNaN(minutes)) return -1
  offsetMinutes = minutes
  offsetAmbiguous = isAmbiguousAbbreviation(name)
  if (next === PLUS || next === MINUS) {
    // `UTC+02:00` and FortiGate's `UTC-5:00`
    const stop = scanOffset(line, index, end)
    if (stop >= 0) return stop
  }
  return index
}

/** A zone directly behind the time or after one space; the offset behind it, or the position unchanged. */
function scanZone(line: string, position: number, end: number): number {
  const direct = scanOffset(line, position, end)
  if (direct >= 0) return direct
  if (line.charCodeAt(position) !== SPACE || position + 1 >= end) return position
  const sign = line.charCodeAt(position + 1)
  if (sign === PLUS || (sign === MINUS && isDigit(line.charCodeAt(position + 2)))) {
    const spaced = scanOffset(line, position + 1, end)
    if (spaced >= 0 && (spaced >= end || !isWord(line.charCodeAt(spaced)))) return spaced
    offsetMinutes = NO_ZONE
    return position
  }
  const named = scanAbbreviation(line, position + 1, end)
  return named >= 0 ? named : position
}

function isWord(code: number): boolean {
  return isDigit(code) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a)
}

/** Four digits from 1970 to 2199 that are not part of a longer number or a clock; -1 when there are none. */
function yearAt(line: string, position: number, end: number): number {
  if (position + 4 > end) return -1
  const next = line.charCodeAt(position + 4)
  if (position + 4 < end && (isDigit(next) || next === DOT)) return -1
  const value = readSmall(line, position, position + 4, 2199)
  return value >= 1970 ? value : -1
}

function spaces(line: string, position: number, end: number): number {
  let index = position
  while (index < end && line.charCodeAt(index) === SPACE) index++
  return index
}

/** `Mmm d [yyyy] hh:mm:ss[.f] [yyyy] [zone]`, after an optional day of the week; the offset behind it, or -1. */
function scanMonthFirst(line: string, start: number, end: number): number {
  let index = start
  if (dayCodes.includes(letters3(line, index)) && index + 4 < end) {
    index += 3
    if (line.charCodeAt(index) === COMMA) index++
    index = spaces(line, index, end)
  }
  month = monthAt(line, index)
  if (month === 0) return -1
  const afterMonth = spaces(line, index + 3, end)
  if (afterMonth === index + 3) return -1
  const dayEnd = digitsEnd(line, afterMonth, end)
  day = readSmall(line, afterMonth, dayEnd, 31)
  if (day < 1) return -1
  index = line.charCodeAt(dayEnd) === COMMA ? dayEnd + 1 : dayEnd
  index = spaces(line, index, end)
  if (index === dayEnd) return -1
  year = yearAt(line, index, end)
  if (year > 0) index = spaces(line, index + 4, end)
  index = scanClock(line, index, end)
  if (index < 0) return -1
  index = scanZone(line, index, end)
  if (year < 0 && line.charCodeAt(index) === SPACE) {
    const late = yearAt(line, index + 1, end)
    const next = line.charCodeAt(index + 5)
    if (
      late > 0 &&
      (index + 5 >= end || next === SPACE || (next === COLON && line.charCodeAt(index + 6) === SPACE))
    ) {
      year = late
      index += 5
      if (Number.isNaN(offsetMinutes)) index = scanZone(line, index, end)
    }
  }
  return day <= daysInMonth(year > 0 ? year : 2000, month) ? index : -1
}

/** `yyyy-mm-dd` or `yyyy/mm/dd`, `T` or a space, clock, zone; also `yyyy Mmm d clock`, and Sophos UTM's `yyyy:mm:dd-clock`. The offset behind it, or -1. */
function scanYearFirst(line: string, start: number, end: number): number {
  year = readSmall(line, start, start + 4, 2199)
  if (year < 1970) return -1
  const separator = line.charCodeAt(start + 4)
  let index = start + 5
  if (separator === SPACE) {
    const givenYear = year
    index = scanMonthFirst(line, index, end)
    if (year > 0 && year !== givenYear) return -1
    year = givenYear
    return index >= 0 && day <= daysInMonth(year, month) ? index : -1
  }
  if (separator !== MINUS && separator !== SLASH && separator !== COLON) return -1
  month = twoDigits(line, index)
  day = twoDigits(line, index + 3)
  if (line.charCodeAt(index + 2) !== separator || month < 1 || day < 1 || month > 12) return -1
  if (day > daysInMonth(year, month)) return -1
  index += 5
  const between = line.charCodeAt(index)
  // Citrix: `yyyy/mm/dd:hh:mm:ss`. Sophos UTM: `yyyy:mm:dd-hh:mm:ss`.
  const isJoined = (between === COLON && separator === SLASH) || (between === MINUS && separator === COLON)
  if (between !== 0x54 && between !== 0x74 && between !== SPACE && !isJoined) return -1
  index = scanClock(line, index + 1, end)
  return index < 0 ? -1 : scanZone(line, index, end)
}

/**
 * `mm/dd/yyyy` (Citrix's default; `dd/mm/yyyy` is a setting of the device, told apart by what can be, else by nearness to
 * receipt) or `dd/Mmm/yyyy`, a colon or a space, clock, zone; Snort's `mm/dd-` and `mm/dd/yy-`; the offset behind it, or -1.
 */
function scanSlashes(line: string, start: number, end: number): number {
  const first = twoDigits(line, start)
  let index = start + 3
  const second = twoDigits(line, index)
  if (second >= 0) {
    index += 2
    for (let length = 0; length <= 5; length++) {
      if (line.charCodeAt(index + length) !== MINUS) continue
      return scanDashed(line, index, index + length, end, first, second)
    }
    const dayFirst = first > 12
    month = dayFirst ? second : first
    day = dayFirst ? first : second
    dayMonthAmbiguous = first <= 12 && second <= 12 && first !== second
  } else {
    month = monthAt(line, index)
    day = first
    index += 3
  }
  if (line.charCodeAt(index) !== SLASH) return -1
  year = readSmall(line, index + 1, index + 5, 2199)
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return -1
  const between = line.charCodeAt(index + 5)
  if (between !== COLON && between !== SPACE) return -1
  index = scanClock(line, index + 6, end)
  return index < 0 ? -1 : scanZone(line, index, end)
}

/** `dd-Mmm-yyyy` (BIND), `dMmmyyyy` (Check Point), a space, clock, zone; the offset behind it, or -1. */
function scanDayFirst(line: string, start: number, end: number): number {
  let index = digitsEnd(line, start, start + 2)
  day = readSmall(line, start, index, 31)
  const dash = line.charCodeAt(index) === MINUS ? 1 : 0
  index += dash
  month = monthAt(line, index)
  if (month === 0 || (dash === 1 && line.charCodeAt(index + 3) !== MINUS)) return -1
  index += 3 + dash
  year = yearAt(line, index, end)
  if (year < 0 || day < 1 || day > daysInMonth(year, month) || line.charCodeAt(index + 4) !== SPACE) return -1
  index = scanClock(line, index + 5, end)
  return index < 0 ? -1 : scanZone(line, index, end)
}

/** Snort's date: the month, the day, a year of two or four digits or none, and a dash in front of the clock. */
function scanDashed(
  line: string,
  start: number,
  dash: number,
  end: number,
  first: number,
  second: number,
): number {
  month = first
  day = second
  if (dash > start) {
    const given = line.charCodeAt(start) === SLASH ? readSmall(line, start + 1, dash, 2199) : -1
    if (given < 0) return -1
    year = dash - start === 3 ? 2000 + given : given
  }
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year > 0 ? year : 2000, month)) return -1
  return scanClock(line, dash + 1, end)
}

/** Ten digits of seconds with an optional fraction, or thirteen of milliseconds; the offset behind it, or -1. */
function scanEpoch(line: string, start: number, end: number): number {
  const stop = digitsEnd(line, start, Math.min(end, start + 20))
  const length = stop - start
  if (length !== 10 && length !== 13) return -1
  let value = 0
  for (let index = start; index < stop; index++) value = value * 10 + line.charCodeAt(index) - ZERO
  epoch = length === 10 ? value * 1000 : value
  let index = stop
  if (length === 10 && line.charCodeAt(index) === DOT) {
    const fractionEnd = digitsEnd(line, index + 1, end)
    if (fractionEnd > index + 1) epoch += fraction(line, index + 1, fractionEnd)
    index = fractionEnd
  }
  if (index < end && line.charCodeAt(index) !== SPACE) return -1
  return index
}

/** Scans a timestamp of any of the forms; the offset behind it, or -1 where none stands. */
export function scanTimestamp(line: string, start: number, end: number): number {
  clear()
  if (start + 8 > end) return -1
  const first = line.charCodeAt(start)
  if (isDigit(first)) {
    if (line.charCodeAt(start + 2) === SLASH) return scanSlashes(line, start, end)
    if (isDigit(line.charCodeAt(start + 4))) return scanEpoch(line, start, end)
    if (!isDigit(line.charCodeAt(start + 2)) || monthAt(line, start + 2) > 0)
      return scanDayFirst(line, start, end)
    return scanYearFirst(line, start, end)
  }
  return scanMonthFirst(line, start, end)
}

/** Cisco's uptime stamp (`00:00:46`, `1w2d`, `2d03h`, `3y4w`); the offset behind it, or -1. */
export function scanUptime(line: string, start: number, end: number): number {
  let index = start
  let units = 0
  while (index < end && units < 4) {
    const stop = digitsEnd(line, index, Math.min(end, index + 6))
    if (stop === index) break
    const unit = line.charCodeAt(stop) | 0x20
    if (unit !== 0x79 && unit !== 0x77 && unit !== 0x64 && unit !== 0x68) break
    units++
    index = stop + 1
  }
  if (units === 0) index = scanClock(line, start, end)
  return index > start && line.charCodeAt(index) === COLON ? index : -1
}

/** Settles the scanned time: the year nearest to receipt, then the zone of the message, of the exporter, or UTC. */
export function settleTime(event: SyslogEvent, context: SyslogContext, start: number, end: number): void {
  event.setSpan(Field.timeText, start, end)
  event.yearInferred = false
  event.timeZoneFrom = ZoneFrom.message
  if (!Number.isNaN(epoch)) {
    event.timeMilliseconds = epoch
    return
  }
  const received = context.receivedMilliseconds
  if (year < 0) {
    if (Number.isNaN(received)) {
      event.timeMilliseconds = Number.NaN
      event.timeZoneFrom = ZoneFrom.none
      return
    }
    event.yearInferred = true
    year = nearestYear(month, day, timeOfDay, received)
  }
  if (dayMonthAmbiguous && !Number.isNaN(received)) settleDayAndMonth(received)
  const wall = civilMilliseconds(year, month, day, timeOfDay)
  if (!Number.isNaN(offsetMinutes) && !(offsetAmbiguous && context.zone !== undefined)) {
    event.timeMilliseconds = wall - offsetMinutes * MINUTE
  } else if (context.zone !== undefined) {
    event.timeZoneFrom = ZoneFrom.configured
    event.timeMilliseconds = wallClockToEpoch(wall, context.zone, Number.isNaN(received) ? wall : received)
  } else {
    event.timeZoneFrom = ZoneFrom.default
    event.timeMilliseconds = wall
  }
}

function settleDayAndMonth(received: number): void {
  const other = civilMilliseconds(year, day, month, timeOfDay)
  const asRead = civilMilliseconds(year, month, day, timeOfDay)
  if (Math.abs(other - received) >= Math.abs(asRead - received)) return
  const swapped = day
  day = month
  month = swapped
}

/** Reads a timestamp that fills a field of a vendor's payload; false, with the event unchanged, where it is none. */
export function readTime(event: SyslogEvent, context: SyslogContext, start: number, end: number): boolean {
  const stop = scanTimestamp(event.line, start, end)
  if (stop < 0) return false
  settleTime(event, context, start, stop)
  return true
}

const DAY_AND_ZONES = 26 * 60 * MINUTE
const YEAR = 365.2425 * 24 * 60 * MINUTE

/**
 * Reads a time of the payload beside the header's: the header says when the line was written, the payload may say it
 * better. Taken where the header has no time, or where the header's lacks zone or year and the payload's, which has its
 * zone, is the same but for these. False, with the event unchanged, where the header's stands.
 */
export function refineTime(event: SyslogEvent, context: SyslogContext, start: number, end: number): boolean {
  const { timeMilliseconds, timeZoneFrom, yearInferred } = event
  const spanStart = event.start(Field.timeText)
  const spanEnd = event.end(Field.timeText)
  if (!readTime(event, context, start, end)) return false
  if (Number.isNaN(timeMilliseconds)) return true
  if (timeZoneFrom !== ZoneFrom.message && event.timeZoneFrom === ZoneFrom.message) {
    const apart = event.timeMilliseconds - timeMilliseconds
    const years = yearInferred ? Math.round(apart / YEAR) * YEAR : 0
    if (Math.abs(apart - years) <= DAY_AND_ZONES) return true
  }
  event.timeMilliseconds = timeMilliseconds
  event.timeZoneFrom = timeZoneFrom
  event.yearInferred = yearInferred
  event.setSpan(Field.timeText, spanStart, spanEnd)
  return false
}

/** Reads a date, a time and an offset (may be empty) that stand in different places (FortiGate, Sophos). */
export function readDateAndTime(
  event: SyslogEvent,
  context: SyslogContext,
  dateStart: number,
  timeStart: number,
  timeEnd: number,
  zoneStart: number,
  zoneEnd: number,
): boolean {
  const line = event.line
  clear()
  const separator = line.charCodeAt(dateStart + 4)
  if (separator !== MINUS && separator !== SLASH) return false
  const readYear = readSmall(line, dateStart, dateStart + 4, 2199)
  const readMonth = twoDigits(line, dateStart + 5)
  const readDay = twoDigits(line, dateStart + 8)
  if (readYear < 1970 || readDay < 1 || readDay > daysInMonth(readYear, readMonth)) return false
  if (scanClock(line, timeStart, timeEnd) < 0) return false
  year = readYear
  month = readMonth
  day = readDay
  if (zoneStart >= 0 && scanOffset(line, zoneStart, zoneEnd) < 0) scanAbbreviation(line, zoneStart, zoneEnd)
  settleTime(event, context, Math.min(dateStart, timeStart), timeEnd)
  return true
}

/** Reads a time without a zone at `start`, taking the zone from the end of an ISO time at `zonedStart`. */
export function readTimeWithZoneOf(
  event: SyslogEvent,
  context: SyslogContext,
  start: number,
  end: number,
  zonedStart: number,
  zonedEnd: number,
): boolean {
  if (scanTimestamp(event.line, zonedStart, zonedEnd) < 0) return false
  const minutes = offsetMinutes
  const stop = scanTimestamp(event.line, start, end)
  if (stop < 0) return false
  if (Number.isNaN(offsetMinutes)) offsetMinutes = minutes
  settleTime(event, context, start, stop)
  return true
}

/** The instant that a field of the payload names, beside the event's own time; NaN where it names none. */
export function readInstant(event: SyslogEvent, context: SyslogContext, start: number, end: number): number {
  const { timeMilliseconds, timeZoneFrom, yearInferred } = event
  const spanStart = event.start(Field.timeText)
  const spanEnd = event.end(Field.timeText)
  const instant = readTime(event, context, start, end) ? event.timeMilliseconds : Number.NaN
  event.clearSpan(Field.timeText)
  event.setSpan(Field.timeText, spanStart, spanEnd)
  event.timeMilliseconds = timeMilliseconds
  event.timeZoneFrom = timeZoneFrom
  event.yearInferred = yearInferred
  return instant
}

/** 2200-01-01: an epoch from there on is no time but a number that is wrong, or in another unit. */
const LAST_EPOCH_MILLISECONDS = 7_258_118_400_000

/** Sets an epoch time that a vendor's payload carries, where it can be one. */
export function setEpoch(event: SyslogEvent, milliseconds: number, start: number, end: number): void {
  if (!(milliseconds >= 0 && milliseconds < LAST_EPOCH_MILLISECONDS)) return
  event.timeMilliseconds = milliseconds
  event.timeZoneFrom = ZoneFrom.message
  event.yearInferred = false
  event.setSpan(Field.timeText, start, end)
}
