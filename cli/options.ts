/** Values of command-line options: each reader gives the value or a usage error that says what it takes. */
import { InvalidArgumentError } from 'commander'
import { parseIso } from '#core/records/time.js'

export function portOption(text: string, previous: number[] = []): number[] {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65535)
    throw new InvalidArgumentError('a port is a number from 1 to 65535.')
  return [...previous, port]
}

export function timeOption(text: string): number {
  const time = parseIso(text)
  if (time === undefined) throw new InvalidArgumentError('a time is written like 2026-01-31T12:00:00Z.')
  return time
}

export function listOption(text: string, previous: string[] = []): string[] {
  return [...previous, text]
}

export function zoneOption(text: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return text
  } catch {
    throw new InvalidArgumentError('a zone is an IANA name like Europe/Berlin.')
  }
}

/** HOST:PORT, an IPv6 host in brackets. */
export function endpointOption(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port < 1 || port > 65535)
    throw new InvalidArgumentError('an endpoint is HOST:PORT, an IPv6 host in brackets.')
  return { host: (match[1] ?? match[2])!, port }
}

/** A factor of real time, or "max". */
export function speedOption(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY
  const speed = Number(text)
  if (!(speed > 0)) throw new InvalidArgumentError('a speed is a number above 0, or max.')
  return speed
}

export function numberOption(text: string): number {
  const number = Number(text)
  if (!(number > 0) || !Number.isFinite(number)) throw new InvalidArgumentError('a number above 0 is needed.')
  return number
}
