/**
 * The one clock unit of the appliance: milliseconds since 1970-01-01T00:00:00Z in a branded number, so that device
 * uptimes, seconds and NTP fractions cannot be taken for it. The conversions here are the only way to make one.
 */

declare const epoch: unique symbol

/** Milliseconds since the Unix epoch, UTC; fractions of a millisecond are kept. */
export type EpochMilliseconds = number & { readonly [epoch]: 'EpochMilliseconds' }

/** The last millisecond that ISO 8601 writes with a year of four digits. */
export const MOST_MILLISECONDS = 253_402_300_799_999

/** Seconds between the NTP era 0 epoch (1900) and the Unix epoch. RFC 5905 §6. */
const NTP_TO_UNIX_SECONDS = 2_208_988_800

/** Bits of the fraction that dateTimeMicroseconds has; those below are under a microsecond. RFC 7011 §6.1.9. */
export const NTP_MICROSECONDS_MASK = 0xfffff800

export function fromMilliseconds(milliseconds: number): EpochMilliseconds {
  return milliseconds as EpochMilliseconds
}

export function fromSeconds(seconds: number): EpochMilliseconds {
  return (seconds * 1000) as EpochMilliseconds
}

/**
 * dateTimeMicroseconds and dateTimeNanoseconds: 32 bits of seconds since 1900 and 32 bits of fraction.
 * RFC 7011 §6.1.9, §6.1.10. The era is taken as 0 or 1 by the high bit, as RFC 4330 §3 advises (1968 to 2104).
 */
export function fromNtp(seconds: number, fraction: number): EpochMilliseconds {
  const era = seconds >= 0x80000000 ? 0 : 0x1_0000_0000
  return ((seconds + era - NTP_TO_UNIX_SECONDS) * 1000 +
    (fraction / 0x1_0000_0000) * 1000) as EpochMilliseconds
}

/** Reads an ISO 8601 date-time; undefined when it is none, or of a day that its month does not have. A time without a zone is UTC, never the process's zone. */
export function parseIso(text: string): EpochMilliseconds | undefined {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(
      text,
    )
  if (match === null) return undefined
  // Date.parse takes February 30 for March 2.
  if (Number(match[3]) > daysIn(Number(match[1]), Number(match[2]))) return undefined
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match
  const normalisedZone = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone
  const milliseconds = fraction === '' ? '' : `.${fraction.slice(0, 3)}`
  const parsed = Date.parse(
    `${year}-${month}-${day}T${hour}:${minute}:${second}${milliseconds}${normalisedZone}`,
  )
  return Number.isNaN(parsed) ? undefined : (parsed as EpochMilliseconds)
}

function daysIn(year: number, month: number): number {
  const first = new Date(0)
  first.setUTCFullYear(year, month, 0)
  return first.getUTCDate()
}

export function toIso(time: number): string {
  return new Date(time).toISOString()
}
