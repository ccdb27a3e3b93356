// Syslog headers: RFC 3164, RFC 5424, or the priority alone as FortiGate sends it. Times are UTC.
import { textOctets } from './bytes.js'

/** Headers that devices use. */
export type SyslogHeader = 'rfc3164' | 'rfc5424' | 'bare'

/** One message before its header; the priority is facility * 8 + severity (RFC 5424 §6.2.1). */
export interface LogLine {
  readonly facility: number
  readonly severity: number
  /** RFC 5424 APP-NAME; also the RFC 3164 tag where `tag` is set. */
  readonly application: string
  readonly message: string
  /** RFC 3164: what stands between the host name and the message, such as `kernel:`. */
  readonly tag?: string
  /** RFC 3164: the time carries a year, as Cisco ASA writes it. */
  readonly hasYear?: boolean
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** Two digits. */
export function pad2(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}

/** `hh:mm:ss` in UTC. */
export function clockText(epochMilliseconds: number): string {
  const seconds = Math.floor(epochMilliseconds / 1000) % 86_400
  return `${pad2(Math.floor(seconds / 3600))}:${pad2(Math.floor(seconds / 60) % 60)}:${pad2(seconds % 60)}`
}

/** `yyyy<separator>mm<separator>dd` in UTC. */
export function dateText(epochMilliseconds: number, separator: string): string {
  const date = new Date(epochMilliseconds)
  return [date.getUTCFullYear(), pad2(date.getUTCMonth() + 1), pad2(date.getUTCDate())].join(separator)
}

/** `Mmm dd hh:mm:ss`, the day filled with a space (RFC 3164 §4.1.2), with a year on request. */
export function bsdTime(epochMilliseconds: number, hasYear = false): string {
  const date = new Date(epochMilliseconds)
  const day = String(date.getUTCDate())
  const year = hasYear ? ` ${date.getUTCFullYear()}` : ''
  const padded = hasYear ? pad2(date.getUTCDate()) : day.padStart(2)
  return `${MONTHS[date.getUTCMonth()]} ${padded}${year} ${clockText(epochMilliseconds)}`
}

/** The text of one syslog message. */
export function syslogText(
  header: SyslogHeader,
  hostname: string,
  epochMilliseconds: number,
  line: LogLine,
): string {
  const priority = `<${line.facility * 8 + line.severity}>`
  if (header === 'bare') return `${priority}${line.message}`
  if (header === 'rfc5424') {
    const time = new Date(Math.floor(epochMilliseconds)).toISOString()
    return `${priority}1 ${time} ${hostname} ${line.application} - - - ${line.message}`
  }
  const tag = line.tag === undefined ? '' : `${line.tag} `
  return `${priority}${bsdTime(epochMilliseconds, line.hasYear)} ${hostname} ${tag}${line.message}`
}

/** The octets of one syslog datagram (RFC 5426: one message per datagram, no terminator). */
export function syslogDatagram(
  header: SyslogHeader,
  hostname: string,
  epochMilliseconds: number,
  line: LogLine,
): Uint8Array {
  return textOctets(syslogText(header, hostname, epochMilliseconds, line))
}
