/**
 * Log lines: what parsing one costs, by product, beside two parsers of headers that read no more than that, and what
 * parsing, filling columns and encoding blocks cost together. Lines are those of the fixtures with other addresses, ports
 * and numbers in each, as texts of which no two are the same are what a store of messages is full of.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import syslogParse from 'syslog-parse'
import { createContext, parseOctets, SyslogEvent } from '#collectors/syslog/parse.js'
import { createSyslogIntake } from '#collectors/syslog-intake.js'
import { parseAddress } from '#core/records/address.js'
import type { BlockWriter } from '#core/store/writer.js'
import { createRandom, type Random } from '#simulate/random.js'
import { best, print } from './figures.js'

const nsyslog = createRequire(import.meta.url)('nsyslog-parser') as (line: string) => unknown
const RECEIVED = Date.UTC(2026, 5, 15, 12)
const LINES = 20_000
const SEED = 1
/** Products whose formats are common enough to be told apart in the output. */
const shown = ['cisco-asa', 'fortinet-fortigate', 'paloalto-panos', 'juniper-srx', 'linux-netfilter']

/** Lines behind each other in one buffer, as a batch of datagrams is received. */
type Lines = { readonly octets: DataView; readonly starts: readonly number[] }

function joined(lines: readonly string[]): Lines {
  const buffers = lines.map((line) => Buffer.from(line))
  const starts = [0]
  for (const buffer of buffers) starts.push(starts.at(-1)! + buffer.length)
  return { octets: new DataView(new Uint8Array(Buffer.concat(buffers)).buffer), starts }
}

function forEachLine({ octets, starts }: Lines, take: (octets: DataView, from: number, to: number) => void) {
  for (let index = 1; index < starts.length; index++) take(octets, starts[index - 1]!, starts[index]!)
}

/** Lines of a product: its fixtures, varied. */
function linesOf(
  product: string,
  fixtures: readonly { product: string; line: string }[],
  random: Random,
): string[] {
  const own = fixtures.filter((fixture) => fixture.product === product).map(({ line }) => line)
  return Array.from({ length: LINES }, (_, index) => vary(own[index % own.length]!, random))
}

/** Other hosts in its addresses, other ports and session numbers; numbers of messages and serial numbers stay. */
function vary(line: string, random: Random): string {
  return line
    .replace(
      /\b(\d{1,3}\.\d{1,3}\.\d{1,3}\.)\d{1,3}\b/g,
      (_, network) => `${network}${random.integer(1, 254)}`,
    )
    .replace(
      /(?<=[=/,: (])[1-5]\d{4,8}(?=[ ,)"(/]|$)/g,
      (digits) => digits.slice(0, -3) + String(random.integer(100, 999)),
    )
}

/** Prints the figures; `writer` empties its blocks into `encode`. */
export function benchSyslog(makeWriter: (onOctets: (octets: number) => void) => BlockWriter): void {
  const file = new URL('../../test/fixtures/syslog/messages.ndjson', import.meta.url)
  const fixtures = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as { product: string; line: string })
  const event = new SyslogEvent()
  const random = createRandom(SEED)
  const texts: string[] = []
  for (const product of shown) {
    const own = linesOf(product, fixtures, random)
    texts.push(...own)
    const lines = joined(own)
    const context = createContext(RECEIVED)
    const rate = best(LINES, () => {
      forEachLine(lines, (octets, from, to) => parseOctets(octets, from, to, event, context))
    })
    const octets = lines.octets.byteLength / LINES
    print(
      `parse ${product}`,
      rate,
      'lines/s',
      `${(1e9 / rate).toFixed(0)} ns a line of ${octets.toFixed(0)} octets`,
    )
  }
  // As they come from many devices: one product's line behind another's.
  const mixed = texts.map(
    (_, index) => texts[(index % shown.length) * LINES + Math.floor(index / shown.length)]!,
  )
  const all = joined(mixed)
  const contexts = shown.map(() => createContext(RECEIVED))
  const own = best(texts.length, () => {
    let line = 0
    forEachLine(all, (octets, from, to) => {
      parseOctets(octets, from, to, event, contexts[line++ % contexts.length]!)
    })
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

  // The arrays of a process that has run for a while: the writer stays from round to round.
  let octets = 0
  const writer = makeWriter((written) => {
    octets += written
  })
  const addresses = shown.map((_, index) => parseAddress(`192.0.2.${index + 1}`)!)
  const intake = createSyslogIntake({ writer, zoneOf: () => undefined })
  const stored = best(texts.length, () => {
    octets = 0
    let line = 0
    forEachLine(all, (from, start, end) => {
      intake.octets(from, start, end, addresses[line++ % addresses.length]!, 5514, 0, RECEIVED)
    })
    writer.seal()
  })
  print('parse, fill columns and encode', stored, 'lines/s', `${(1e6 / stored).toFixed(2)} s a million`)
  print('  size with the original text', octets / texts.length, 'octets/line')
}
