// `npm run conformance -- differential`: the same octets to other people's decoders, and a table of what agrees. What
// does not agree must be explained in explained.ts; exit 1 when something is not.
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { readDatagrams } from '#collectors/capture/datagrams.js'
import { formatAddress, parseAddress } from '#core/records/address.js'
import { createProbe } from '../collectors/netflow/probe.js'
import { explanationOf } from './explained.js'
import type { Golden } from './flows.js'
import {
  askNfdump,
  askNodeNetflow,
  askTshark,
  type CaseDatagram,
  type CoreField,
  type CoreRecord,
  coreFields,
  hasCommand,
} from './oracles.js'

export type Oracle = 'node-netflowv9' | 'tshark' | 'nfdump'

/** Values, or rows, that both have, and those that one has alone. */
export type Agreement = {
  readonly agree: number
  readonly oursAlone: number
  readonly theirsAlone: number
  readonly sample: string
  readonly trouble?: string
}

const netflowFormats = ['netflow1', 'netflow5', 'netflow7', 'netflow9']
/** Where elements of a record come from, as sent, for decoders that show them so. */
const elementNames: Readonly<Record<CoreField, readonly string[]>> = {
  sourceAddress: ['sourceIPv4Address', 'sourceIPv6Address'],
  destinationAddress: ['destinationIPv4Address', 'destinationIPv6Address'],
  sourceTransportPort: ['sourceTransportPort'],
  destinationTransportPort: ['destinationTransportPort'],
  protocolIdentifier: ['protocolIdentifier'],
  octets: ['octetDeltaCount'],
  packets: ['packetDeltaCount'],
}

/** Compares one case of each format with each decoder that is there. Returns false when something is not explained. */
export async function differential(folder: string): Promise<boolean> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const oracles = (['node-netflowv9', 'tshark', 'nfdump'] as const).filter(
    (name) => name === 'node-netflowv9' || hasCommand(name),
  )
  for (const name of ['tshark', 'nfdump'])
    if (!oracles.some((oracle) => oracle === name)) say(`${name} is not installed: not asked`)
  say(
    `${'case'.padEnd(42)} ${'decoder'.padEnd(15)}${['agree', 'ours', 'theirs'].map((text) => text.padStart(8)).join('')}`,
  )
  const sums = new Map(oracles.map((oracle) => [oracle, { cases: 0, equal: 0, agree: 0, explained: 0 }]))
  let isGood = true
  for (const file of readdirSync(join(folder, 'expected')).sort()) {
    const name = file.replace(/\.json$/, '')
    const golden = JSON.parse(readFileSync(join(folder, 'expected', file), 'utf8')) as Golden
    if (golden.format.startsWith('sflow')) continue
    const datagrams = readCase(folder, golden.inputs)
    for (const oracle of oracles) {
      if (oracle === 'node-netflowv9' && !netflowFormats.includes(golden.format)) continue
      const found = await compareWith(oracle, datagrams)
      const sum = sums.get(oracle)!
      sum.cases++
      sum.agree += found.agree
      const isEqual = found.oursAlone + found.theirsAlone === 0 && found.trouble === undefined
      if (isEqual) sum.equal++
      const numbers = [found.agree, found.oursAlone, found.theirsAlone]
      say(
        `${name.padEnd(42)} ${oracle.padEnd(15)}${numbers.map((number) => String(number).padStart(8)).join('')}`,
      )
      if (isEqual) continue
      const why = explanationOf(oracle, name, found)
      if (why !== undefined) sum.explained++
      else isGood = false
      say(`    ${[found.trouble, found.sample].filter((text) => text).join('; ')}`)
      say(`    ${why ?? 'NOT EXPLAINED'}`)
    }
  }
  say('')
  for (const [oracle, { cases, equal, agree, explained }] of sums)
    say(
      `${oracle}: ${cases} cases, ${equal} equal, ${explained} differ as explained, ${cases - equal - explained} not explained; ${agree} values or rows agree`,
    )
  return isGood
}

export function readCase(folder: string, inputs: readonly string[]): CaseDatagram[] {
  return inputs.flatMap((input) => {
    const path = join(folder, input)
    if (extname(path) === '.dat')
      return [
        {
          payload: readFileSync(path),
          address: '192.0.2.1',
          sourcePort: 2055,
          timeMilliseconds: 1_780_315_200_000,
        },
      ]
    return [...readDatagrams(path)].map(({ payload, source, sourcePort, timeMilliseconds }) => ({
      payload,
      // The encoder of captures is for IPv4.
      address: source.family === 4 ? formatAddress(source) : '192.0.2.6',
      sourcePort,
      timeMilliseconds,
    }))
  })
}

export async function compareWith(oracle: Oracle, datagrams: readonly CaseDatagram[]): Promise<Agreement> {
  const probe = createProbe()
  for (const { payload, address, timeMilliseconds } of datagrams)
    probe.feed(payload, { source: parseAddress(address)!, at: timeMilliseconds })
  probe.finish()
  if (oracle === 'nfdump') {
    const ours = probe.flows.map((flow) => {
      const record: CoreRecord = {}
      for (const field of coreFields) if (flow[field] !== undefined) record[field] = String(flow[field])
      // nfdump scales by the sampling interval; we keep both.
      const interval = BigInt(Number(flow['samplingInterval'] ?? 1))
      for (const field of ['octets', 'packets'] as const)
        if (record[field] !== undefined) record[field] = String(BigInt(record[field]) * interval)
      return record
    })
    const { records, trouble } = await askNfdump(datagrams)
    const key = (record: CoreRecord) => coreFields.map((field) => plain(record, field)).join(' ')
    return multiset(ours.map(key), records.map(key), trouble)
  }
  const asSent = probe.flows.map(({ elements = {} }) => {
    const record: CoreRecord = {}
    for (const field of coreFields) {
      const value = elementNames[field].map((name) => elements[name]).find((one) => one !== undefined)
      if (value !== undefined) record[field] = String(Array.isArray(value) ? value.at(-1) : value)
    }
    return record
  })
  const values = (records: readonly CoreRecord[]) =>
    coreFields.flatMap((field) =>
      records.flatMap((record) => (record[field] === undefined ? [] : [`${field} ${record[field]}`])),
    )
  if (oracle === 'node-netflowv9') {
    const { records, trouble } = askNodeNetflow(datagrams)
    return multiset(values(asSent), values(records).map(plainIPv6), trouble)
  }
  const theirs = askTshark(datagrams)
  const ours = coreFields.flatMap((field) =>
    [...probe.flows, ...probe.optionsRecords].flatMap(({ elements = {} }) =>
      elementNames[field].flatMap((name) =>
        elements[name] === undefined
          ? []
          : [elements[name]].flat().map((value) => `${field} ${String(value)}`),
      ),
    ),
  )
  return multiset(
    ours,
    coreFields.flatMap((field) => theirs[field].map((value) => `${field} ${value}`)),
  )
}

/** nfdump has 0 for what is absent, and an ICMP type and code of its own reading in the place of a port. */
function plain(record: CoreRecord, field: CoreField): string {
  const value = record[field] ?? '0'
  const hasPorts = ['6', '17', '132'].includes(record.protocolIdentifier ?? '0')
  if (field.endsWith('TransportPort') && !hasPorts) return '-'
  return value === '0.0.0.0' || value === '::' ? '0' : value
}

/** node-netflowv9 writes IPv6 addresses as 32 hexadecimal digits. */
function plainIPv6(value: string): string {
  const [field, digits = ''] = value.split(' ')
  if (!/^[0-9a-f]{32}$/.test(digits)) return value
  return `${field} ${formatAddress(parseAddress(digits.match(/.{4}/g)!.join(':'))!)}`
}

function multiset(ours: readonly string[], theirs: readonly string[], trouble?: string): Agreement {
  const left = new Map<string, number>()
  for (const value of ours) left.set(value, (left.get(value) ?? 0) + 1)
  let agree = 0
  const theirsAlone: string[] = []
  for (const value of theirs) {
    const count = left.get(value) ?? 0
    if (count === 0) theirsAlone.push(value)
    else {
      agree++
      left.set(value, count - 1)
    }
  }
  const oursAlone = [...left].flatMap(([value, count]) => Array<string>(count).fill(value))
  const sample = [
    ...(oursAlone.length === 0 ? [] : [`ours alone: ${oursAlone[0]}`]),
    ...(theirsAlone.length === 0 ? [] : [`theirs alone: ${theirsAlone[0]}`]),
  ].join('; ')
  return {
    agree,
    oursAlone: oursAlone.length,
    theirsAlone: theirsAlone.length,
    sample,
    ...(trouble === undefined ? {} : { trouble }),
  }
}
