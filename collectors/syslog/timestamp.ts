/**
 * From a scanned timestamp to an instant: the year that it leaves out, the zone of the message, of the exporter's
 * configuration, or UTC; and the times that a payload carries beside the header's.
 */
import { clearStamp, MINUTE, scanAbbreviation, scanClock, scanOffset, stamp, twoDigits } from './clock.js'
import type { SyslogContext } from './context.js'
import { scanTimestamp } from './dates.js'
import { Field, type SyslogEvent, ZoneFrom } from './event.js'
import { MINUS, readSmall, SLASH } from './scan.js'
import { civilMilliseconds, daysInMonth, nearestYear, wallClockToEpoch } from './zones.js'

/** Settles the scanned time: the year nearest to receipt, then the zone of the message, of the exporter, or UTC. */
export function settleTime(event: SyslogEvent, context: SyslogContext, start: number, end: number): void {
  event.setSpan(Field.timeText, start, end)
  event.yearInferred = false
  event.timeZoneFrom = ZoneFrom.message
  if (!Number.isNaN(stamp.epoch)) {
    event.timeMilliseconds = stamp.epoch
    return
  }
  const received = context.receivedMilliseconds
  if (stamp.year < 0) {
    if (Number.isNaN(received)) {
      event.timeMilliseconds = Number.NaN
      event.timeZoneFrom = ZoneFrom.none
      return
    }
    event.yearInferred = true
    stamp.year = nearestYear(stamp.month, stamp.day, stamp.timeOfDay, received)
  }
  if (stamp.dayMonthAmbiguous && !Number.isNaN(received)) settleDayAndMonth(received)
  const wall = civilMilliseconds(stamp.year, stamp.month, stamp.day, stamp.timeOfDay)
  if (!Number.isNaN(stamp.offsetMinutes) && !(stamp.offsetAmbiguous && context.zone !== undefined)) {
    event.timeMilliseconds = wall - stamp.offsetMinutes * MINUTE
  } else if (context.zone !== undefined) {
    event.timeZoneFrom = ZoneFrom.configured
    event.timeMilliseconds = wallClockToEpoch(wall, context.zone, Number.isNaN(received) ? wall : received)
  } else {
    event.timeZoneFrom = ZoneFrom.default
    event.timeMilliseconds = wall
  }
}

function settleDayAndMonth(received: number): void {
  const other = civilMilliseconds(stamp.year, stamp.day, stamp.month, stamp.timeOfDay)
  const asRead = civilMilliseconds(stamp.year, stamp.month, stamp.day, stamp.timeOfDay)
  if (Math.abs(other - received) >= Math.abs(asRead - received)) return
  const swapped = stamp.day
  stamp.day = stamp.month
  stamp.month = swapped
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
  clearStamp()
  const separator = line.octetAt(dateStart + 4)
  if (separator !== MINUS && separator !== SLASH) return false
  const readYear = readSmall(line, dateStart, dateStart + 4, 2199)
  const readMonth = twoDigits(line, dateStart + 5)
  const readDay = twoDigits(line, dateStart + 8)
  if (readYear < 1970 || readDay < 1 || readDay > daysInMonth(readYear, readMonth)) return false
  if (scanClock(line, timeStart, timeEnd) < 0) return false
  stamp.year = readYear
  stamp.month = readMonth
  stamp.day = readDay
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
  const minutes = stamp.offsetMinutes
  const stop = scanTimestamp(event.line, start, end)
  if (stop < 0) return false
  if (Number.isNaN(stamp.offsetMinutes)) stamp.offsetMinutes = minutes
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
