/**
 * Log lines: what parsing one costs, by product, beside two parsers of headers that read no more than that, and what
 * parsing, filling columns and encoding blocks cost together. Lines are those of the fixtures, again and again.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import syslogParse from 'syslog-parse'
import { createContext, parseLine, SyslogEvent } from '#collectors/syslog/parse.js'
import { createSyslogIntake } from '#collectors/syslog-intake.js'
import { parseAddress } from '#core/records/address.js'
import type { BlockWriter } from '#core/store/writer.js'
import { best, print } from './figures.js'

const nsyslog = createRequire(import.meta.url)('nsyslog-parser') as (line: string) => unknown
const RECEIVED = Date.UTC(2026, 5, 15, 12)
const LINES = 20_000
/** Products whose formats are common enough to be told apart in the output. */
const shown = ['cisco-asa', 'fortinet-fortigate', 'paloalto-panos', 'juniper-srx', 'linux-netfilter']

/** Lines of a product, its fixtures again and again. */
function linesOf(product: string, fixtures: readonly { product: string; line: string }[]): Buffer[] {
  const own = fixtures.filter((fixture) => fixture.product === product).map(({ line }) => line)
  return Array.from({ length: LINES }, (_, index) => Buffer.from(own[index % own.length]!))
}

/** Prints the figures; `writer` empties its blocks into `encode`. */
export function benchSyslog(makeWriter: (onOctets: (octets: number) => void) => BlockWriter): void {
  const file = new URL('../../test/fixtures/syslog/messages.ndjson', import.meta.url)
  const fixtures = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as { product: string; line: string })
  const event = new SyslogEvent()
  const all: Buffer[] = []
  for (const product of shown) {
    const lines = linesOf(product, fixtures)
    all.push(...lines)
    const context = createContext(RECEIVED)
    const rate = best(LINES, () => {
      for (const line of lines) parseLine(line.toString('latin1'), event, context)
    })
    const octets = lines.reduce((sum, line) => sum + line.length, 0) / LINES
    print(
      `parse ${product}`,
      rate,
      'lines/s',
      `${(1e9 / rate).toFixed(0)} ns a line of ${octets.toFixed(0)} octets`,
    )
  }
  const texts = all.map((line) => line.toString('latin1'))
  const context = createContext(RECEIVED)
  const own = best(all.length, () => {
    for (const line of all) parseLine(line.toString('latin1'), event, context)
  })
  print('parse these, mixed', own, 'lines/s')
  const peers: readonly (readonly [string, (line: string) => unknown])[] = [
    ['syslog-parse', syslogParse],
    ['nsyslog-parser', nsyslog],
  ]
  for (const [name, parse] of peers) {
    const rate = best(texts.length, () => {
      for (const line of texts) {
        try {
          parse(line)
        } catch {
          // A line that it does not understand costs what it costs.
        }
      }
    })
    print(
      `  ${name}, header alone`,
      rate,
      'lines/s',
      `${(own / rate).toFixed(1)} of the time that all of ours takes`,
    )
  }

  let octets = 0
  const address = parseAddress('192.0.2.1')!
  const stored = best(all.length, () => {
    octets = 0
    const writer = makeWriter((written) => {
      octets += written
    })
    const intake = createSyslogIntake({ writer, zoneOf: () => undefined })
    for (const line of all) intake.line(line.toString('latin1'), address, 5514, 0, RECEIVED)
    writer.seal()
  })
  print('parse, fill columns and encode', stored, 'lines/s', `${(1e6 / stored).toFixed(2)} s a million`)
  print('  size with the original text', octets / all.length, 'octets/line')
}
