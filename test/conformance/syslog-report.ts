// `npm run conformance -- syslog [--case PRODUCT]`: per product the lines, connections and fields that match, then the
// headers by kind beside two other parsers. Every difference is printed: with its reason where it is meant.
import { type Conformance, compareHeaders, compareMultiline, compareProducts } from './syslog.js'
import { reasonOf } from './syslog-deliberate.js'
import { nsyslogParser, syslogParseParser } from './syslog-peers.js'

/** Share of golden fields that must agree over all products. */
const FIELD_GOAL = 0.995

/** Prints the report; true when every goal is met. `only` names one folder of the corpus. */
export function reportSyslog(corpora: string, only?: string): boolean {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const columns = [
    'lines',
    'known',
    'conns',
    'found',
    'false',
    'fields',
    'match',
    'differ',
    'missing',
    'listed',
  ]
  say(row('product', '% match', columns))
  const products = compareProducts(corpora, only)
  if (only === undefined) products.push(compareMultiline(corpora))
  for (const result of products) {
    sayResult(say, result, listedOf([result]))
    for (const line of result.falseConnections) sayFalseConnection(say, result.product, line)
    sayDifferences(say, result)
  }
  const all = sum('in all', products)
  sayResult(say, all, listedOf(products))
  const unlisted = unlistedOf(products)
  let good =
    all.matching + listedOf(products) >= all.fields * FIELD_GOAL &&
    all.connectionsFound + listedConnections(products) >= all.connections &&
    unlistedFalseConnections(products) === 0
  say('')
  say(`${unlisted} differences have no reason listed`)
  if (only !== undefined) return good

  say('')
  say(row('headers: lines without a difference', 'lines', ['culvert', 'listed', 'nsyslog', 'syslog-p.']))
  const ours = compareHeaders(corpora)
  const nsyslog = compareHeaders(corpora, nsyslogParser)
  const syslogParse = compareHeaders(corpora, syslogParseParser)
  const numbers = (get: (result: Map<string, Conformance>) => Conformance[]) =>
    [ours, nsyslog, syslogParse].map((results) =>
      get(results).reduce((total, { recognised }) => total + recognised, 0),
    )
  const sayHeaders = (name: string, get: (results: Map<string, Conformance>) => Conformance[]) => {
    const [own, second, third] = numbers(get)
    const lines = get(ours).reduce((total, result) => total + result.lines, 0)
    say(row(name, String(lines), [own, listedHeaderLines(get(ours)), second, third].map(String)))
  }
  for (const kind of ours.keys()) sayHeaders(kind, (results) => [results.get(kind)!])
  sayHeaders('in all', (results) => [...results.values()])
  for (const result of ours.values()) {
    sayDifferences(say, result)
    if (result.recognised + listedHeaderLines([result]) < result.lines) good = false
  }
  return good
}

function sayResult(say: (line: string) => void, result: Conformance, listed: number): void {
  const { product, lines, recognised, connections, connectionsFound, falseConnections } = result
  const { fields, matching, missing } = result
  const share = fields === 0 ? '-' : ((100 * matching) / fields).toFixed(2)
  const differ = fields - matching - missing
  const cells = [lines, recognised, connections, connectionsFound, falseConnections.length]
  say(row(product, share, [...cells, fields, matching, differ, missing, listed].map(String)))
}

function sayFalseConnection(say: (line: string) => void, product: string, line: number): void {
  const reason = reasonOf(product, line, 'type')
  say(`    line ${line}: taken for a connection${reason === undefined ? '' : `: listed, ${reason}`}`)
}

function sayDifferences(say: (line: string) => void, { product, differences }: Conformance): void {
  for (const { line, key, expected, actual } of differences) {
    const reason = reasonOf(product, line, key)
    const given = actual === undefined ? 'nothing' : JSON.stringify(actual)
    say(`    line ${line}: ${key} ${given}, golden ${JSON.stringify(expected)}${listedAs(reason)}`)
  }
}

function listedOf(results: readonly Conformance[]): number {
  let count = 0
  for (const { product, differences } of results) {
    for (const { line, key } of differences) if (reasonOf(product, line, key) !== undefined) count++
  }
  return count
}

function unlistedOf(results: readonly Conformance[]): number {
  return results.reduce((total, { differences }) => total + differences.length, 0) - listedOf(results)
}

/** Connections of the goldens that are none to us, with a reason (the key `type`). */
function listedConnections(results: readonly Conformance[]): number {
  let count = 0
  for (const { product, missedConnections } of results) {
    for (const line of missedConnections) if (reasonOf(product, line, 'type') !== undefined) count++
  }
  return count
}

/** Lines taken for a connection against the golden, without a reason (the key `type`). */
export function unlistedFalseConnections(results: readonly Conformance[]): number {
  let count = 0
  for (const { product, falseConnections } of results) {
    for (const line of falseConnections) if (reasonOf(product, line, 'type') === undefined) count++
  }
  return count
}

function listedAs(reason: string | undefined): string {
  return reason === undefined ? '' : `: listed, ${reason}`
}

/** Lines of headers all of whose differences are listed. */
function listedHeaderLines(results: readonly Conformance[]): number {
  let count = 0
  for (const { product, differences } of results) {
    const byLine = new Map<number, boolean>()
    for (const { line, key } of differences) {
      byLine.set(line, (byLine.get(line) ?? true) && reasonOf(product, line, key) !== undefined)
    }
    for (const isListed of byLine.values()) if (isListed) count++
  }
  return count
}

function sum(product: string, results: readonly Conformance[]): Conformance {
  const total = (read: (result: Conformance) => number) => results.reduce((all, one) => all + read(one), 0)
  return {
    product,
    lines: total((one) => one.lines),
    recognised: total((one) => one.recognised),
    connections: total((one) => one.connections),
    connectionsFound: total((one) => one.connectionsFound),
    missedConnections: results.flatMap((one) => one.missedConnections),
    falseConnections: results.flatMap((one) => one.falseConnections),
    fields: total((one) => one.fields),
    matching: total((one) => one.matching),
    missing: total((one) => one.missing),
    differences: [],
  }
}

function row(name: string, share: string, cells: readonly string[]): string {
  return `${name.padEnd(38)} ${share.padStart(8)} ${cells.map((cell) => cell.padStart(9)).join('')}`
}
