// A fuzzer for log lines: real ones and our own, cut, joined, swollen and salted with what devices and attackers put in.
// After every line: no exception, offsets within the line, values within their ranges, a record that is JSON, the
// original kept, and a time that a line of that length may take.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createContext, parseLine, SyslogEvent } from '#collectors/syslog/parse.js'
import { renderEvent } from '#collectors/syslog/render.js'
import { createRandom, type Random } from '#simulate/random.js'
import { fixtures } from '../support/project.js'
import { corpusLines } from './syslog.js'

/** Time that one line may take; a line of 64 KiB in quadratic time takes seconds. */
const MOST_MILLISECONDS = 500
/** A slow line is parsed again, so that a collection of garbage or a busy machine is not blamed on it. */
const TRIES = 3
const MAX_LENGTH = 65_536
const RECEIVED = Date.UTC(2026, 5, 15, 12)

export type LineFailure = { readonly message: string; readonly line: string }
export type LineProgress = { lines: number; octets: number; connections: number; slowestMilliseconds: number }

export type LineFuzzOptions = {
  readonly lines: number
  readonly seed: number
  readonly corpora: string | undefined
  readonly isOver?: () => boolean
  readonly onLine?: (line: string) => void
  readonly onProgress?: (progress: LineProgress) => void
}

/** The lines of our fixtures, one code unit per octet. */
export function fixtureLines(): string[] {
  return readFileSync(join(fixtures, 'syslog/messages.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((text) => Buffer.from((JSON.parse(text) as { line: string }).line).toString('latin1'))
}

/** Control characters, escapes, markup, broken UTF-8, quotes and marks of every format, digits, times. */
const salts = [
  '\u001b[31m',
  '\u001b]0;x\u0007',
  '<script>alert(1)</script>',
  '=cmd|x!A1',
  '\u0000',
  '\r',
  '\u00c3',
  '\u00ff\u00fe',
  '\u00ef\u00bb\u00bf',
  '"',
  '""',
  '\\"',
  "'",
  '\\',
  '[',
  ']',
  '{',
  '}',
  '{"',
  '(',
  '|',
  '||||||||',
  ';',
  ',',
  '=',
  '==',
  ' =',
  '%',
  '%%',
  '<999999999999>',
  '<13>',
  '<13>1 ',
  'CEF:0|',
  'LEEF:2.0|',
  '9'.repeat(40),
  '-1',
  '18446744073709551616',
  '1e308',
  '0x',
  '::',
  '::ffff:1.2.3.4.5',
  '1.2.3.4',
  '256.1.1.1',
  '2026-02-30T25:61:61Z',
  'Feb 30 24:00:00',
  '31/31/2026:99:99:99',
  ' src=1.2.3.4 dst=5.6.7.8 ',
  '__proto__=1',
  '"constructor":{"x":1}',
  '\t',
  ' '.repeat(300),
]

/** Runs until the lines are through or one failed. */
export function fuzzLines(options: LineFuzzOptions): { progress: LineProgress; failure?: LineFailure } {
  const random = createRandom(options.seed)
  const seeds = [...fixtureLines(), ...(options.corpora === undefined ? [] : corpusLines(options.corpora))]
  const progress: LineProgress = { lines: 0, octets: 0, connections: 0, slowestMilliseconds: 0 }
  const event = new SyslogEvent()
  let context = createContext(RECEIVED)
  while (progress.lines < options.lines && options.isOver?.() !== true) {
    // What an exporter's earlier lines left behind is part of the input.
    if (progress.lines % 1000 === 0) {
      context = createContext(RECEIVED, random.chance(0.3) ? { zone: 'America/New_York' } : {})
    }
    const line = mutate(random, seeds)
    options.onLine?.(line)
    progress.lines++
    progress.octets += line.length
    let fastest = Number.POSITIVE_INFINITY
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        const began = performance.now()
        parseLine(line, event, context)
        fastest = Math.min(fastest, performance.now() - began)
        if (fastest <= MOST_MILLISECONDS) break
      }
      progress.slowestMilliseconds = Math.max(progress.slowestMilliseconds, fastest)
      if (fastest > MOST_MILLISECONDS) throw new Error(`${Math.round(fastest)} ms for ${line.length} octets`)
      check(event, line)
    } catch (error) {
      return { progress, failure: { message: error instanceof Error ? error.stack! : String(error), line } }
    }
    if (event.kind === 1) progress.connections++
    if (progress.lines % 10_000 === 0) options.onProgress?.(progress)
  }
  return { progress }
}

/** Throws when the event says what no line can say. */
function check(event: SyslogEvent, line: string): void {
  const kept = line.length > MAX_LENGTH ? line.slice(0, MAX_LENGTH) : line
  if (event.line.toString() !== kept) throw new Error('the line was not kept as received')
  const within = (name: string, value: number, least: number, most: number) => {
    if (!(value >= least && value <= most)) throw new Error(`${name} is ${value}`)
  }
  within('contentStart', event.contentStart, 0, kept.length)
  within('messageStart', event.messageStart, 0, kept.length)
  for (let index = 0; index < event.spans.length; index += 2) {
    const [start, end] = [event.spans[index]!, event.spans[index + 1]!]
    if (start === -1 && end === -1) continue
    within('a span', start, 0, kept.length)
    within('the end of a span', end, start + 1, kept.length)
  }
  for (const port of [event.sourcePort, event.destinationPort, event.postNATSourcePort]) {
    within('a port', port, -1, 65_535)
  }
  within('the protocol', event.protocol, -1, 255)
  within('the ICMP type', event.icmpType, -1, 255)
  within('the ICMP code', event.icmpCode, -1, 255)
  within('the severity', event.severity, -1, 7)
  if (!Number.isNaN(event.timeMilliseconds)) within('the time', event.timeMilliseconds, -1e14, 1e14)
  for (const count of [
    event.octetsSourceToDestination,
    event.packetsDestinationToSource,
    event.octetsTotal,
  ]) {
    if (!Number.isNaN(count)) within('a counter', count, 0, 2 ** 64)
  }
  if (!Number.isNaN(event.durationMilliseconds))
    within('the duration', event.durationMilliseconds, 0, Number.MAX_SAFE_INTEGER)
  if (event.kind === 1 && !event.hasPair()) throw new Error('a connection without a pair')
  JSON.parse(JSON.stringify(renderEvent(event, 1)))
}

function mutate(random: Random, seeds: readonly string[]): string {
  let line = random.choice(seeds)
  const changes = 1 + random.integer(0, 5)
  for (let change = 0; change < changes; change++) line = changeOnce(random, line, seeds)
  return line
}

function changeOnce(random: Random, line: string, seeds: readonly string[]): string {
  const at = random.integer(0, line.length)
  const to = Math.min(line.length, at + random.integer(0, 40))
  switch (random.integer(0, 9)) {
    case 0:
      return line.slice(0, at)
    case 1:
      return line.slice(0, at) + line.slice(to)
    case 2:
      return line.slice(0, at) + random.choice(salts) + line.slice(at)
    case 3:
      return line.slice(0, at) + random.choice(salts) + line.slice(to)
    case 4:
      return line.slice(0, at) + String.fromCharCode(random.integer(0, 255)) + line.slice(at + 1)
    case 5: {
      const other = random.choice(seeds)
      return line.slice(0, at) + other.slice(random.integer(0, other.length))
    }
    case 6:
      return line.slice(0, to) + line.slice(at)
    case 7:
      // A line of 64 KiB and more, now and then.
      return random.chance(0.01)
        ? (line.slice(at, to) || random.choice(salts)).repeat(MAX_LENGTH).slice(0, MAX_LENGTH + 64)
        : line.slice(0, at) + line.slice(at, to).repeat(3) + line.slice(to)
    case 8:
      return line.slice(0, at) + line.slice(at).replace(/\d+/, '99999999999999999999999')
    default:
      return line.slice(at) + line.slice(0, at)
  }
}
