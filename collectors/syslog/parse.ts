/**
 * From octets to events: one line at a time for the ingest path, a whole file for `parse-syslog`. Lines end in LF, a CR
 * in front of it is dropped; octets become code units one to one (latin1), so that nothing received is lost.
 */
import type { SyslogContext } from './context.js'
import { Directions, DirectionTable } from './directions.js'
import { SyslogEvent } from './event.js'
import { parseHeader } from './header.js'
import { MAX_LINE_OCTETS } from './line.js'
import type { SyslogProduct } from './product.js'
import { parseBody } from './registry.js'
import { renderEvent, type SyslogRecord } from './render.js'

export type { SyslogContext } from './context.js'
export { SyslogEvent } from './event.js'
export { MAX_LINE_OCTETS } from './line.js'

const LF = 10

/** What is configured for an exporter's lines. */
export type SyslogSettings = {
  /** IANA zone of lines that name none; UTC when absent. */
  readonly zone?: string | undefined
  /** Products that the configuration describes. */
  readonly mapped?: readonly SyslogProduct[] | undefined
  /** Where directions are remembered; a table of its own when absent. */
  readonly directions?: Directions
}

/** A context with everything that an exporter's lines need remembered. */
export function createContext(
  receivedMilliseconds: number,
  { zone, mapped, directions }: SyslogSettings = {},
): SyslogContext {
  return {
    receivedMilliseconds,
    directions: directions ?? new Directions(new DirectionTable(), 0),
    ...(zone === undefined ? {} : { zone }),
    ...(mapped === undefined ? {} : { mapped }),
  }
}

/** Fills `event` from the octets of one line; false where neither header nor body is understood. Never throws. */
export function parseOctets(
  octets: DataView,
  from: number,
  to: number,
  event: SyslogEvent,
  context: SyslogContext,
): boolean {
  event.line.set(octets, from, to)
  return parse(event, context)
}

/** As `parseOctets`, of a line with one character per octet. */
export function parseLine(line: string, event: SyslogEvent, context: SyslogContext): boolean {
  event.line.setText(line)
  return parse(event, context)
}

function parse(event: SyslogEvent, context: SyslogContext): boolean {
  event.reset()
  const headerFound = parseHeader(event, context)
  const bodyFound = parseBody(event, context)
  // An end before its start is no duration.
  const duration = event.durationMilliseconds
  if (!(duration >= 0 && duration <= Number.MAX_SAFE_INTEGER)) event.durationMilliseconds = Number.NaN
  return bodyFound || headerFound
}

/** Options of `parse-syslog`. */
export type SyslogFileOptions = {
  /** When the lines arrived, epoch ms. */
  readonly receivedMilliseconds: number
} & SyslogSettings

/** One object per line of a file, null where neither header nor body is understood. */
export async function* parseSyslogFile(
  source: Uint8Array | AsyncIterable<Uint8Array>,
  options: SyslogFileOptions,
): AsyncGenerator<SyslogRecord | null> {
  const event = new SyslogEvent()
  const context = createContext(options.receivedMilliseconds, options)
  let number = 0
  for await (const line of splitLines(source)) {
    number++
    yield parseLine(line, event, context) ? renderEvent(event, number) : null
  }
}

/** Lines without their ends. Of a line that goes on over chunks no more is kept than is parsed: an end may never come. */
async function* splitLines(source: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const begun = Buffer.alloc(MAX_LINE_OCTETS)
  let begunLength = 0
  let hasBegun = false
  const chunks = source instanceof Uint8Array ? [source] : source
  for await (const chunk of chunks) {
    const bytes = asBuffer(chunk)
    let start = 0
    while (start < bytes.length) {
      const lineFeed = bytes.indexOf(LF, start)
      const end = lineFeed < 0 ? bytes.length : lineFeed
      if (!hasBegun && lineFeed >= 0) yield lineOf(bytes, start, end)
      else {
        begunLength += bytes.copy(begun, begunLength, start, end)
        hasBegun = lineFeed < 0
        if (!hasBegun) {
          yield lineOf(begun, 0, begunLength)
          begunLength = 0
        }
      }
      start = end + 1
    }
  }
  if (hasBegun) yield lineOf(begun, 0, begunLength)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function lineOf(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end > start && bytes[end - 1] === 13 ? end - 1 : end)
}
