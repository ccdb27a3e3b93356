/**
 * Wall-clock time to epoch: civil dates, zone abbreviations (RFC 822 §5 and common others), IANA zones by Intl with a
 * cache per quarter of an hour, and the year that RFC 3164 leaves out. The zone of the process is never used.
 */

import { KeyTable } from './keyvalue.js'
import type { Line } from './line.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Zone transitions fall on quarters of an hour. */
const QUARTER = 15 * MINUTE
/** Quarters remembered per zone: a device's clock needs two; the rest is what hostile times may cost. */
const MAX_CACHED_QUARTERS = 4096
const MAX_ZONES = 512

const lastDate = { year: 1970, month: 1, day: 1, days: 0 }

/** Days since 1970-01-01; as a rule a time is of the day of the one before it. */
function daysOf(year: number, month: number, day: number): number {
  if (lastDate.day !== day || lastDate.month !== month || lastDate.year !== year) {
    lastDate.days = daysFromCivil(year, month, day)
    lastDate.year = year
    lastDate.month = month
    lastDate.day = day
  }
  return lastDate.days
}

/** Days since 1970-01-01 of a proleptic Gregorian date; month from 1. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

export function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : (monthLengths[month - 1] ?? 0)
}

/** Milliseconds of a civil date-time as if it were UTC; a leap second counts as the next second. */
export function civilMilliseconds(
  year: number,
  month: number,
  day: number,
  timeOfDayMilliseconds: number,
): number {
  return daysOf(year, month, day) * DAY + timeOfDayMilliseconds
}

/** Offsets in minutes. Those that mean different places are overruled by a configured zone. */
const abbreviations: Readonly<Record<string, number>> = {
  UTC: 0,
  GMT: 0,
  Z: 0,
  UT: 0,
  WET: 0,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
  AKST: -540,
  AKDT: -480,
  HST: -600,
  AST: -240,
  ADT: -180,
  NST: -210,
  NDT: -150,
  BRT: -180,
  ART: -180,
  CET: 60,
  CEST: 120,
  MET: 60,
  MEST: 120,
  WEST: 60,
  BST: 60,
  EET: 120,
  EEST: 180,
  MSK: 180,
  TRT: 180,
  SAST: 120,
  IST: 330,
  PKT: 300,
  JST: 540,
  KST: 540,
  HKT: 480,
  SGT: 480,
  AWST: 480,
  ACST: 570,
  ACDT: 630,
  AEST: 600,
  AEDT: 660,
  NZST: 720,
  NZDT: 780,
}
const ambiguousAbbreviations: ReadonlySet<string> = new Set(['CST', 'IST', 'BST', 'AST', 'ADT', 'EST', 'EDT'])

/** Longest abbreviation known. */
export const MAX_ABBREVIATION_LENGTH = 4

const names = Object.keys(abbreviations)
const table = new KeyTable(Object.fromEntries(names.map((name, index) => [name, index + 1])))
const minutes = names.map((name) => abbreviations[name]!)
const isAmbiguous = names.map((name) => ambiguousAbbreviations.has(name))

/** The number of the zone's abbreviation that fills a range; 0 when it is none. */
export function abbreviationAt(line: Line, start: number, end: number): number {
  return table.findRange(line, start, end)
}

/** Minutes east of UTC of an abbreviation by its number. */
export function abbreviationMinutes(abbreviation: number): number {
  return minutes[abbreviation - 1] ?? Number.NaN
}

/** CST is Chicago's and China's: where the operator says which zone the device is in, that decides. */
export function isAmbiguousAbbreviation(abbreviation: number): boolean {
  return isAmbiguous[abbreviation - 1] ?? false
}

type ZoneCache = { readonly format: Intl.DateTimeFormat | undefined; readonly offsets: Map<number, number> }
const zoneCaches = new Map<string, ZoneCache>()

function zoneCache(zone: string): ZoneCache {
  const known = zoneCaches.get(zone)
  if (known !== undefined) return known
  let format: Intl.DateTimeFormat | undefined
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    })
  } catch {
    format = undefined
  }
  if (zoneCaches.size >= MAX_ZONES) zoneCaches.clear()
  const cache = { format, offsets: new Map<number, number>() }
  zoneCaches.set(zone, cache)
  return cache
}

/** Intl knows this IANA zone. */
export function isKnownZone(zone: string): boolean {
  return zoneCache(zone).format !== undefined
}

/** Milliseconds east of UTC at an instant; 0 for a zone that is not known or an instant outside of Date's range. */
export function zoneOffset(zone: string, milliseconds: number): number {
  const cache = zoneCache(zone)
  if (cache.format === undefined || !(Math.abs(milliseconds) < 8.64e15)) return 0
  const quarter = Math.floor(milliseconds / QUARTER)
  const known = cache.offsets.get(quarter)
  if (known !== undefined) return known
  const instant = quarter * QUARTER
  let year = 0
  let month = 0
  let day = 0
  let timeOfDay = 0
  for (const { type, value } of cache.format.formatToParts(instant)) {
    if (type === 'year') year = Number(value)
    else if (type === 'month') month = Number(value)
    else if (type === 'day') day = Number(value)
    else if (type === 'hour') timeOfDay += Number(value) * HOUR
    else if (type === 'minute') timeOfDay += Number(value) * MINUTE
    else if (type === 'second') timeOfDay += Number(value) * 1000
    else if (type === 'era' && value.startsWith('B')) year = 1 - year
  }
  const offset = civilMilliseconds(year, month, day, timeOfDay) - instant
  if (cache.offsets.size >= MAX_CACHED_QUARTERS) cache.offsets.clear()
  cache.offsets.set(quarter, offset)
  return offset
}

/**
 * The instant of a wall clock in a zone. In the hour that a zone lives twice, the one nearer to `near`; in the hour that
 * it skips, the clock is taken as not yet put forward.
 */
export function wallClockToEpoch(wallMilliseconds: number, zone: string, near: number): number {
  const before = zoneOffset(zone, wallMilliseconds - DAY)
  const after = zoneOffset(zone, wallMilliseconds + DAY)
  const first = wallMilliseconds - before
  if (before === after) return first
  const second = wallMilliseconds - after
  const firstHolds = zoneOffset(zone, first) === before
  const secondHolds = zoneOffset(zone, second) === after
  if (firstHolds && secondHolds) return Math.abs(second - near) < Math.abs(first - near) ? second : first
  return secondHolds ? second : first
}

/** What is nearer than this is nearer than in the year before and after. */
const NEAREST = 182 * DAY
const lastYear = { from: 0, to: 0, year: 1970 }

function yearOf(milliseconds: number): number {
  if (!(milliseconds >= lastYear.from && milliseconds < lastYear.to)) {
    const year = new Date(milliseconds).getUTCFullYear()
    lastYear.from = civilMilliseconds(year, 1, 1, 0)
    lastYear.to = civilMilliseconds(year + 1, 1, 1, 0)
    lastYear.year = year
  }
  return lastYear.year
}

/** The year in which a date without one is nearest to receipt: 31 December seen on 1 January is last year's. */
export function nearestYear(
  month: number,
  day: number,
  timeOfDayMilliseconds: number,
  received: number,
): number {
  const current = yearOf(received)
  if (day <= daysInMonth(current, month)) {
    const distance = civilMilliseconds(current, month, day, timeOfDayMilliseconds) - received
    if (Math.abs(distance) < NEAREST) return current
  }
  let best = current
  let bestDistance = Number.POSITIVE_INFINITY
  for (let year = current - 1; year <= current + 1; year++) {
    if (day > daysInMonth(year, month)) continue
    const distance = Math.abs(civilMilliseconds(year, month, day, timeOfDayMilliseconds) - received)
    if (distance < bestDistance) {
      bestDistance = distance
      best = year
    }
  }
  if (bestDistance !== Number.POSITIVE_INFINITY) return best
  // 29 February, and no leap year next to now: the last one that had it.
  while (!isLeapYear(best)) best--
  return best
}
