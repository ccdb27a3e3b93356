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
