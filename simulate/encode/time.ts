// The forms in which flow exporters write a moment (RFC 7011 §6.1.7 to §6.1.10 and RFC 5102 §5.9).

/** Seconds from 1900-01-01 (NTP era 0) to 1970-01-01. */
const NTP_TO_UNIX_SECONDS = 2_208_988_800
const TWO_32 = 0x1_0000_0000

/** A moment in NTP format: 32 bits of seconds since 1900 and 32 bits of fraction (RFC 7011 §6.1.10). */
export function ntpNanoseconds(epochMilliseconds: number): bigint {
  const seconds = Math.floor(epochMilliseconds / 1000)
  // Rounded up: whoever cuts the fraction to milliseconds then gets the millisecond that was meant.
  const fraction = Math.min(TWO_32 - 1, Math.ceil(((epochMilliseconds - seconds * 1000) / 1000) * TWO_32))
  return (BigInt(seconds + NTP_TO_UNIX_SECONDS) << 32n) | BigInt(fraction)
}

/** The same with the fraction's low 11 bits zero (RFC 7011 §6.1.9); rounded up, so that no microsecond is lost. */
export function ntpMicroseconds(epochMilliseconds: number): bigint {
  return ((ntpNanoseconds(epochMilliseconds) + 0x7ffn) >> 11n) << 11n
}

/** Milliseconds of an exporter's uptime, modulo 2^32 as the field wraps after 49.7 days. */
export function uptime(epochMilliseconds: number, systemInitTimeMilliseconds: number): number {
  return Math.max(0, Math.round(epochMilliseconds - systemInitTimeMilliseconds)) % TWO_32
}

/** Microseconds by which a moment lies before the export time in whole seconds (IE 158/159). */
export function deltaMicroseconds(epochMilliseconds: number, exportTimeMilliseconds: number): number {
  const exportTime = Math.floor(exportTimeMilliseconds / 1000) * 1000
  return Math.max(0, Math.round((exportTime - epochMilliseconds) * 1000))
}
