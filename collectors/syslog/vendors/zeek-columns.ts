/**
 * Zeek's ASCII logs: values between tabs, in the order of a `#fields` line that stands once at the head of a file. Header
 * lines are kept per exporter and tag, since one forwarder sends several logs; without them conn.log's default order is
 * tried. Forwarders write a tab as it is or as `#011` (rsyslog). Source: Zeek documentation, "Zeek Log Formats"; rsyslog
 * documentation, "Escape Control Characters".
 */

import type { SyslogContext } from '../context.js'
import { Escape, Field, type SyslogEvent } from '../event.js'
import { KeyTable } from '../keyvalue.js'
import type { Line } from '../line.js'
import { ownText } from '../names.js'
import type { TakePair } from '../pairs.js'
import { DOT, digitsEnd } from '../scan.js'

/** Which log a line is of: `lasting` is conn_long.log, connections that go on. */
export const Log = { unknown: 0, conn: 1, lasting: 2, other: 3 } as const
/** A value of `Log`. */
export type LogNumber = (typeof Log)[keyof typeof Log]

const TAB = '\t'
const ESCAPED_TAB = '#011'
/** conn.log has 22 columns; scripts of a site add some. */
const MAX_COLUMNS = 64
/** Logs of one exporter that are told apart by their tags; senders may write any number. */
const MAX_LOGS = 32
/** Headers of all exporters; one takes about 600 octets, and a sender's address may be made up. */
const MAX_HEADERS = 32_768

const defaultOrder = (
  'ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state local_orig ' +
  'local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents ip_proto'
).split(' ')
const DEFAULT_PROTOCOL = defaultOrder.indexOf('proto')
const DEFAULT_STATE = defaultOrder.indexOf('conn_state')
/** Before Zeek 8 the IP protocol is not there. */
const DEFAULT_MINIMUM = defaultOrder.length - 1

const transports = new KeyTable({ tcp: 1, udp: 1, icmp: 1, unknown_transport: 1 })
const states = new KeyTable(
  Object.fromEntries(
    'S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH -'.split(' ').map((name) => [name, 1]),
  ),
)
const logs = new KeyTable({ conn: Log.conn, conn_long: Log.lasting })
const directives = [
  'separator',
  'set_separator',
  'empty_field',
  'unset_field',
  'path',
  'open',
  'fields',
  'types',
  'close',
]

/** The log that a name stands for. */
export function logOf(line: Line, start: number, end: number): LogNumber {
  const found = logs.findRange(line, start, end)
  return found === 0 ? Log.other : (found as LogNumber)
}

/** What the header lines of one log said: its name, and per column the key or 0. */
type Header = { log: LogNumber; keys: Int32Array | undefined }
/** The headers of every exporter, the one that wrote one last at the end. */
const headers = new Map<SyslogContext, Map<string, Header>>()
let headersHeld = 0

function tagOf(event: SyslogEvent): string {
  return event.raw(Field.application) ?? ''
}

/** Keeps a header; what is too much is forgotten, the exporter first that wrote none for the longest time. */
function keep(context: SyslogContext, tag: string, header: Header): void {
  let ofExporter = headers.get(context)
  headers.delete(context)
  if (ofExporter === undefined || ofExporter.size >= MAX_LOGS) {
    headersHeld -= ofExporter?.size ?? 0
    ofExporter = new Map()
  }
  headers.set(context, ofExporter)
  if (!ofExporter.has(tag)) headersHeld++
  ofExporter.set(ownText(tag), header)
  for (const [oldest, { size }] of headers) {
    if (headersHeld <= MAX_HEADERS) return
    headers.delete(oldest)
    headersHeld -= size
  }
}

/** The offset of the tab that stands next, or `end`. */
function nextTab(line: Line, start: number, end: number, tab: string): number {
  const found = line.indexOf(tab, start)
  return found < 0 || found > end ? end : found
}

/** `#fields` and its like stand here. */
export function startsDirective(line: Line, start: number): boolean {
  if (line.octetAt(start) !== 0x23) return false
  return directives.some((name) => line.startsWith(name, start + 1))
}

/** Seconds since 1970 with a fraction stand here, and a tab behind them. */
export function startsColumns(line: Line, start: number): boolean {
  const point = digitsEnd(line, start, start + 11)
  if (point - start !== 10 || line.octetAt(point) !== DOT) return false
  const stop = digitsEnd(line, point + 1, point + 10)
  return stop > point + 1 && (line.startsWith(TAB, stop) || line.startsWith(ESCAPED_TAB, stop))
}

/** Keeps what a header line says of the lines that follow it. */
export function readDirective(
  event: SyslogEvent,
  context: SyslogContext,
  start: number,
  end: number,
  table: KeyTable,
): void {
  const { line } = event
  const tab = line.indexOf(TAB, start) < 0 ? ESCAPED_TAB : TAB
  const nameEnd = nextTab(line, start, end, tab)
  const first = nameEnd + tab.length
  const isPath = line.startsWith('#path', start)
  if (first > end || !(isPath || line.startsWith('#fields', start))) return
  const tag = tagOf(event)
  // A new name begins a new file, whose columns follow.
  if (isPath) keep(context, tag, { log: logOf(line, first, end), keys: undefined })
  else {
    const log = headers.get(context)?.get(tag)?.log ?? Log.unknown
    keep(context, tag, { log, keys: keysOf(line, first, end, tab, table) })
  }
}

function keysOf(line: Line, start: number, end: number, tab: string, table: KeyTable): Int32Array {
  const keys = new Int32Array(MAX_COLUMNS)
  let count = 0
  for (let index = start; index <= end && count < MAX_COLUMNS; count++) {
    const stop = nextTab(line, index, end, tab)
    keys[count] = table.findRange(line, index, stop)
    index = stop + tab.length
  }
  return keys.slice(0, count)
}

/** The columns of the last line that was read. */
export class Columns {
  readonly #starts = new Int32Array(MAX_COLUMNS)
  readonly #ends = new Int32Array(MAX_COLUMNS)
  readonly #default: Int32Array
  #count = 0
  #keys: Int32Array

  /** `table` gives the keys of the names of columns. */
  constructor(table: KeyTable) {
    this.#default = Int32Array.from(defaultOrder, (name) => table.numberOf(name))
    this.#keys = this.#default
  }

  /** Splits a line and finds its order; the log that it is of, or -1 where its columns are not known. */
  read(event: SyslogEvent, context: SyslogContext, start: number, end: number): LogNumber | -1 {
    const { line } = event
    this.#split(line, start, end)
    const header = headers.get(context)?.get(tagOf(event))
    if (header?.keys !== undefined && header.keys.length === this.#count) {
      this.#keys = header.keys
      return header.log
    }
    this.#keys = this.#default
    return this.#isDefault(line) ? Log.conn : -1
  }

  #split(line: Line, start: number, end: number): void {
    const tab = line.octetAt(digitsEnd(line, start + 11, end)) === 9 ? TAB : ESCAPED_TAB
    let count = 0
    for (let index = start; index <= end && count < MAX_COLUMNS; count++) {
      const stop = nextTab(line, index, end, tab)
      this.#starts[count] = index
      this.#ends[count] = stop
      index = stop + tab.length
    }
    this.#count = count
  }

  #isDefault(line: Line): boolean {
    return (
      this.#count >= DEFAULT_MINIMUM &&
      this.#isOneOf(line, transports, DEFAULT_PROTOCOL) &&
      this.#isOneOf(line, states, DEFAULT_STATE)
    )
  }

  #isOneOf(line: Line, words: KeyTable, column: number): boolean {
    return words.findRange(line, this.#starts[column]!, this.#ends[column]!) !== 0
  }

  /** Hands the known columns to `take`; `-` is unset, `(empty)` has nothing. */
  forEach(event: SyslogEvent, context: SyslogContext, take: TakePair): void {
    const { line } = event
    const count = Math.min(this.#count, this.#keys.length)
    for (let column = 0; column < count; column++) {
      const key = this.#keys[column]!
      const start = this.#starts[column]!
      const end = this.#ends[column]!
      if (key === 0 || end === start) continue
      if (end - start === 1 && line.octetAt(start) === 0x2d) continue
      if (line.startsWith('(empty)', start)) continue
      take(event, key, start, end, Escape.none, context)
    }
  }
}
