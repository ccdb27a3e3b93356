/**
 * Compares the parser with a corpus of real messages and golden answers that is kept outside of the project, because it
 * belongs to others: `CULVERT_SHARED`, or the first `shared/corpora` in a parent folder. The rules of comparison are
 * the corpus's own: only keys that the golden has, its own precision of time, either orientation where the message
 * does not say who opened the connection.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createContext, parseLine, SyslogEvent } from '#collectors/syslog/parse.js'
import { renderEvent, type SyslogRecord } from '#collectors/syslog/render.js'
import { parseAddress } from '#core/records/address.js'

type Golden = Readonly<Record<string, unknown>>

/** One field that is not as the golden has it. */
export type Difference = { line: number; key: string; expected: unknown; actual: unknown }

/** The result for one product of the corpus, or for one kind of header (there, `recognised` counts lines without a difference). */
export type Conformance = {
  product: string
  lines: number
  recognised: number
  connections: number
  connectionsFound: number
  /** Lines that the golden calls a connection, and which were not taken for one. */
  missedConnections: number[]
  /** Lines that the golden calls no traffic, and which were taken for a connection. */
  falseConnections: number[]
  fields: number
  matching: number
  missing: number
  differences: Difference[]
}

function emptyResult(product: string): Conformance {
  return {
    product,
    lines: 0,
    recognised: 0,
    connections: 0,
    connectionsFound: 0,
    missedConnections: [],
    falseConnections: [],
    fields: 0,
    matching: 0,
    missing: 0,
    differences: [],
  }
}

const keyNames: Readonly<Record<string, string>> = {
  host: 'host',
  eventId: 'eventId',
  vendor: 'vendor',
  product: 'product',
  protocol: 'protocolIdentifier',
  src: 'sourceAddress',
  dst: 'destinationAddress',
  srcPort: 'sourceTransportPort',
  dstPort: 'destinationTransportPort',
  srcNat: 'postNATSourceAddress',
  dstNat: 'postNATDestinationAddress',
  srcNatPort: 'postNAPTSourceTransportPort',
  dstNatPort: 'postNAPTDestinationTransportPort',
  icmpType: 'icmpType',
  icmpCode: 'icmpCode',
  action: 'action',
  outcome: 'outcome',
  phase: 'phase',
  direction: 'direction',
  bytesSrcToDst: 'octetsSourceToDestination',
  bytesDstToSrc: 'octetsDestinationToSource',
  bytesTotal: 'octetsTotal',
  packetsSrcToDst: 'packetsSourceToDestination',
  packetsDstToSrc: 'packetsDestinationToSource',
  packetsTotal: 'packetsTotal',
  durationMs: 'durationMilliseconds',
  app: 'applicationName',
  service: 'service',
  rule: 'ruleName',
  ruleId: 'ruleId',
  srcZone: 'sourceZone',
  dstZone: 'destinationZone',
  inIf: 'ingressInterfaceName',
  outIf: 'egressInterfaceName',
  sessionId: 'sessionId',
  user: 'userName',
  endReason: 'endReason',
  facility: 'facility',
  severity: 'severity',
}
const swappedKeys: Readonly<Record<string, string>> = {
  src: 'dst',
  srcPort: 'dstPort',
  srcNat: 'dstNat',
  srcNatPort: 'dstNatPort',
  srcZone: 'dstZone',
  inIf: 'outIf',
  bytesSrcToDst: 'bytesDstToSrc',
  packetsSrcToDst: 'packetsDstToSrc',
}
const swapped: Record<string, string> = {}
for (const [a, b] of Object.entries(swappedKeys)) {
  swapped[a] = b
  swapped[b] = a
}
/** Of lines that are no traffic only these are compared. */
const keysOfOther = new Set(['host', 'eventId', 'time', 'timeLocal', 'timeNoYear', 'facility', 'severity'])
const addressKeys = new Set(['src', 'dst', 'srcNat', 'dstNat'])

/** When the corpus is taken to have been received: only the inferred years depend on it, and goldens have none. */
const RECEIVED = Date.UTC(2024, 6, 1)

/** Compares one product's folder. */
export function compareProduct(folder: string, product: string): Conformance {
  const lines = readFileSync(join(folder, 'messages.log')).toString('latin1').split('\n')
  const goldens = readFileSync(join(folder, 'expected.ndjson'), 'utf8').trim().split('\n')
  const result = emptyResult(product)
  const event = new SyslogEvent()
  const context = createContext(RECEIVED)
  goldens.forEach((text, index) => {
    const golden = JSON.parse(text) as Golden
    const line = (lines[index] ?? '').replace(/\r$/, '')
    const record = parseLine(line, event, context) ? renderEvent(event, index + 1) : undefined
    result.lines++
    if (record?.['vendor'] !== undefined) result.recognised++
    if (golden['type'] === 'connection') {
      result.connections++
      if (record?.['kind'] === 'connection') result.connectionsFound++
      else result.missedConnections.push(index + 1)
    } else if (record?.['kind'] === 'connection') result.falseConnections.push(index + 1)
    const straight = compareLine(golden, record ?? {}, false)
    const best =
      golden['orientation'] === 'unordered' && straight.differences.length > 0
        ? better(straight, compareLine(golden, record ?? {}, true))
        : straight
    tally(result, best, index + 1)
  })
  return result
}

type FieldDifference = Omit<Difference, 'line'>
type LineResult = { fields: number; differences: FieldDifference[] }

function tally(result: Conformance, { fields, differences }: LineResult, line: number): void {
  result.fields += fields
  result.matching += fields - differences.length
  for (const difference of differences) {
    if (difference.actual === undefined) result.missing++
    result.differences.push({ line, ...difference })
  }
}

function better(a: LineResult, b: LineResult): LineResult {
  return b.differences.length < a.differences.length ? b : a
}

/** Compares the keys of one golden. */
export function compareLine(golden: Golden, record: SyslogRecord, swap: boolean): LineResult {
  const result: LineResult = { fields: 0, differences: [] }
  for (const [key, value] of Object.entries(golden)) {
    if (value === null || (golden['type'] === 'other' && !keysOfOther.has(key))) continue
    if (key === 'time' || key === 'timeLocal' || key === 'timeNoYear') {
      result.fields++
      const difference = compareTime(key, String(value), record)
      if (difference !== undefined) result.differences.push(difference)
      continue
    }
    const name = keyNames[swap ? (swapped[key] ?? key) : key]
    if (name === undefined) continue
    result.fields++
    const actual = record[name]
    if (!sameValue(key, value, actual)) result.differences.push({ key, expected: value, actual })
  }
  return result
}

function sameValue(key: string, expected: unknown, actual: string | number | boolean | undefined): boolean {
  if (actual === undefined) return false
  const a = String(expected).toLowerCase()
  const b = String(actual).toLowerCase()
  if (a === b) return true
  if (addressKeys.has(key)) {
    const left = parseAddress(a)
    const right = parseAddress(b)
    return left !== undefined && right !== undefined && left.words.join() === right.words.join()
  }
  // The golden may have split the domain off.
  if (key === 'user') return b.endsWith(`\\${a}`) || b.startsWith(`${a}@`)
  return false
}

function compareTime(key: string, expected: string, record: SyslogRecord): FieldDifference | undefined {
  const actual = record['timeMilliseconds']
  if (typeof actual !== 'number') return { key, expected, actual: undefined }
  const text = new Date(actual).toISOString()
  if (key === 'time') {
    const wanted = expected.replace('Z', '')
    const digits = (wanted.split('.')[1] ?? '').length
    const step = 10 ** Math.max(0, 3 - digits)
    const difference = Math.abs(Date.parse(`${expected.slice(0, 19)}${fraction(wanted)}Z`) - actual)
    return difference < step + 0.5 ? undefined : { key, expected, actual: text }
  }
  const shown = key === 'timeNoYear' ? text.slice(5) : text
  const precision = Math.min(expected.length, key === 'timeNoYear' ? 18 : 23)
  if (shown.slice(0, precision) === expected.slice(0, precision)) return undefined
  // The message may name a zone that the golden did not look at: then the wall clock must be the same.
  const wall = expected.slice(key === 'timeNoYear' ? 6 : 11, key === 'timeNoYear' ? 14 : 19)
  if (record['timeZoneFrom'] === 'message' && String(record['timeText']).includes(wall)) return undefined
  return { key, expected, actual: text }
}

function fraction(wanted: string): string {
  const digits = wanted.split('.')[1]
  return digits === undefined ? '' : `.${digits.slice(0, 3).padEnd(3, '0')}`
}

/** Compares every product that the corpus has. */
export function compareProducts(corpora: string, only?: string): Conformance[] {
  const root = join(corpora, 'syslog')
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && (only === undefined || entry.name === only))
    .map((entry) => compareProduct(join(root, entry.name), entry.name))
}

/** Compares messages that hold line ends themselves, as one datagram or one counted frame brings them. */
export function compareMultiline(corpora: string): Conformance {
  const result = emptyResult('multiline')
  const parse = createHeaderParser()
  readFileSync(join(corpora, 'syslog', 'multiline.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .forEach((text, index) => {
      const { raw, expected } = JSON.parse(text) as { raw: string; expected: Golden }
      const record = parse(Buffer.from(raw).toString('latin1'))
      result.lines++
      if (record['vendor'] !== undefined) result.recognised++
      if (expected['type'] === 'connection') {
        result.connections++
        if (record['kind'] === 'connection') result.connectionsFound++
        else result.missedConnections.push(index + 1)
      } else if (record['kind'] === 'connection') result.falseConnections.push(index + 1)
      tally(result, compareLine(expected, record, false), index + 1)
    })
  return result
}

/** A parser of headers: what it makes of a line as received (one code unit per octet), nothing where it gives up. */
export type HeaderParser = (line: string) => SyslogRecord

/** Our own. */
export function createHeaderParser(): HeaderParser {
  const event = new SyslogEvent()
  const context = createContext(RECEIVED)
  return (line) => (parseLine(line, event, context) ? renderEvent(event, 1) : {})
}

/** Headers by kind: how many fields agree. */
export function compareHeaders(corpora: string, parse = createHeaderParser()): Map<string, Conformance> {
  const results = new Map<string, Conformance>()
  readFileSync(join(corpora, 'syslog', 'headers.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .forEach((text, index) => {
      const golden = JSON.parse(text) as Golden
      const kind = String(golden['kind'])
      const result = results.get(kind) ?? emptyResult(kind)
      results.set(kind, result)
      const raw = Buffer.from(String(golden['raw']), 'utf8').toString('latin1')
      const compared = compareHeader(golden, parse(raw))
      result.lines++
      if (compared.differences.length === 0) result.recognised++
      tally(result, compared, index + 1)
    })
  return results
}

const headerKeys: Readonly<Record<string, string>> = {
  facility: 'facility',
  severity: 'severity',
  host: 'host',
  app: 'application',
  procid: 'processId',
  msgid: 'messageId',
}

function compareHeader(golden: Golden, record: SyslogRecord): LineResult {
  const result: LineResult = { fields: 0, differences: [] }
  for (const [key, value] of Object.entries(golden)) {
    if (key === 'time' || key === 'timeLocal' || key === 'timeNoYear') {
      result.fields++
      const difference = compareTime(key, String(value), record)
      if (difference !== undefined) result.differences.push(difference)
    }
    const name = headerKeys[key]
    if (name === undefined) continue
    result.fields++
    const actual = record[name]
    const same =
      value === null ? actual === undefined : String(actual).toLowerCase() === String(value).toLowerCase()
    if (!same) result.differences.push({ key, expected: value, actual })
  }
  return result
}

/** Every message of the corpus, one code unit per octet. */
export function corpusLines(corpora: string): string[] {
  const root = join(corpora, 'syslog')
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) =>
      readFileSync(join(root, name, 'messages.log'))
        .toString('latin1')
        .split('\n'),
    )
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line !== '')
}
