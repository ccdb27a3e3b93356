/**
 * Compares the parser with a corpus of real messages and golden answers that is kept outside of the project, because it
 * belongs to others: `CULVERT_SHARED`, or the first `shared/corpora` in a parent folder. The rules of comparison are
 * the corpus's own: only keys that the golden has, its own precision of time, either orientation where the message
 * does not say who opened the connection.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createContext, parseLine, SyslogEvent } from '#collectors/syslog/parse.js'
import { renderEvent, type SyslogRecord } from '#collectors/syslog/render.js'
import { parseAddress } from '#core/records/address.js'

type Golden = Readonly<Record<string, unknown>>

/** The result for one product of the corpus. */
export type Conformance = {
  product: string
  lines: number
  recognised: number
  connections: number
  connectionsFound: number
  fields: number
  matching: number
  differences: string[]
}

/** The folder `shared/corpora`, or undefined where there is none. */
export function findCorpora(): string | undefined {
  const given = process.env['CULVERT_SHARED']
  if (given !== undefined) return existsSync(join(given, 'corpora')) ? join(given, 'corpora') : undefined
  let folder = process.cwd()
  for (;;) {
    const candidate = join(folder, 'shared', 'corpora')
    if (existsSync(candidate)) return candidate
    const parent = dirname(folder)
    if (parent === folder) return undefined
    folder = parent
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
  const result: Conformance = {
    product,
    lines: goldens.length,
    recognised: 0,
    connections: 0,
    connectionsFound: 0,
    fields: 0,
    matching: 0,
    differences: [],
  }
  const event = new SyslogEvent()
  const context = createContext(RECEIVED)
  goldens.forEach((text, index) => {
    const golden = JSON.parse(text) as Golden
    const line = (lines[index] ?? '').replace(/\r$/, '')
    const record = parseLine(line, event, context) ? renderEvent(event, index + 1) : undefined
    if (record?.['vendor'] !== undefined) result.recognised++
    if (golden['type'] === 'connection') {
      result.connections++
      if (record?.['kind'] === 'connection') result.connectionsFound++
    }
    const straight = compareLine(golden, record ?? {}, false)
    const best =
      golden['orientation'] === 'unordered' && straight.differences.length > 0
        ? better(straight, compareLine(golden, record ?? {}, true))
        : straight
    result.fields += best.fields
    result.matching += best.fields - best.differences.length
    for (const difference of best.differences) result.differences.push(`${index + 1}: ${difference}`)
  })
  return result
}

type LineResult = { fields: number; differences: string[] }

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
    if (!sameValue(key, value, actual)) {
      result.differences.push(`${key} expected ${JSON.stringify(value)} got ${JSON.stringify(actual)}`)
    }
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

function compareTime(key: string, expected: string, record: SyslogRecord): string | undefined {
  const actual = record['timeMilliseconds']
  if (typeof actual !== 'number') return `${key} expected ${expected} got none`
  const text = new Date(actual).toISOString()
  if (key === 'time') {
    const wanted = expected.replace('Z', '')
    const digits = (wanted.split('.')[1] ?? '').length
    const step = 10 ** Math.max(0, 3 - digits)
    const difference = Math.abs(Date.parse(`${expected.slice(0, 19)}${fraction(wanted)}Z`) - actual)
    return difference < step + 0.5 ? undefined : `time expected ${expected} got ${text}`
  }
  const shown = key === 'timeNoYear' ? text.slice(5) : text
  const precision = Math.min(expected.length, key === 'timeNoYear' ? 18 : 23)
  if (shown.slice(0, precision) === expected.slice(0, precision)) return undefined
  // The message may name a zone that the golden did not look at: then the wall clock must be the same.
  const wall = expected.slice(key === 'timeNoYear' ? 6 : 11, key === 'timeNoYear' ? 14 : 19)
  if (record['timeZoneFrom'] === 'message' && String(record['timeText']).includes(wall)) return undefined
  return `${key} expected ${expected} got ${text}`
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

/** Headers by kind: how many fields agree. */
export function compareHeaders(corpora: string): Map<string, Conformance> {
  const results = new Map<string, Conformance>()
  const event = new SyslogEvent()
  const context = createContext(RECEIVED)
  readFileSync(join(corpora, 'syslog', 'headers.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .forEach((text, index) => {
      const golden = JSON.parse(text) as Golden
      const kind = String(golden['kind'])
      const result = results.get(kind) ?? {
        product: kind,
        lines: 0,
        recognised: 0,
        connections: 0,
        connectionsFound: 0,
        fields: 0,
        matching: 0,
        differences: [],
      }
      results.set(kind, result)
      const raw = Buffer.from(String(golden['raw']), 'utf8').toString('latin1')
      const record = parseLine(raw, event, context) ? renderEvent(event, index + 1) : {}
      const compared = compareHeader(golden, record)
      result.lines++
      if (compared.differences.length === 0) result.recognised++
      result.fields += compared.fields
      result.matching += compared.fields - compared.differences.length
      for (const difference of compared.differences) {
        result.differences.push(`${index + 1}: ${difference} | ${raw.slice(0, 110)}`)
      }
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
    if (!same)
      result.differences.push(`${key} expected ${JSON.stringify(value)} got ${JSON.stringify(actual)}`)
  }
  return result
}
