// What must hold of each malformed case: the flows it may give, why octets were not used, the time it takes, and that a
// canary of two valid datagrams decodes after it. Shared by the test suite and `npm run conformance -- flows`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createProbe } from '../collectors/netflow/probe.js'

/** Flows that each case may give, and what else must hold. */
export type Wanted = { flows: readonly number[]; reasons?: readonly string[]; match?: object[] }
const none: Wanted = { flows: [0] }

export const malformedCases: Readonly<Record<string, Wanted>> = {
  'v9-flowset-length-0': { flows: [0], reasons: ['set-length-below-header'] },
  'v9-flowset-length-0-between-valid': { flows: [0, 1] },
  'v9-flowset-length-3': { flows: [0], reasons: ['set-length-below-header'] },
  'v9-flowset-past-end': { flows: [0, 1], reasons: ['set-past-end'] },
  'v9-template-truncated': { flows: [0], reasons: ['template-truncated', 'template-unknown'] },
  'v9-template-65535-fields': { flows: [0], reasons: ['template-truncated', 'template-unknown'] },
  'v9-template-16000-fields': { flows: [0], reasons: ['template-too-many-fields', 'template-unknown'] },
  'v9-template-flood': none,
  'v9-data-before-template': { flows: [2] },
  'v9-fieldcount-0': none,
  'v9-all-zero-length-fields': { flows: [0], reasons: ['template-empty', 'template-unknown'] },
  'v9-options-scope-longer-than-set': none,
  'v9-options-length-not-multiple-of-4': none,
  'v9-template-id-below-256': none,
  'v9-field-length-50-for-ipv4': { flows: [0, 1] },
  'v9-amplification-1-byte-records': { flows: [65_000] },
  'v9-template-redefined': { flows: [2], match: [{}, { destinationAddress: '10.0.0.2' }] },
  'v9-template-pad-7': { flows: [1], reasons: [] },
  'v9-data-pad-20': { flows: [1], reasons: [] },
  'v9-count-too-small': { flows: [1], reasons: [] },
  'quirk-v9-two-domains-same-id': {
    flows: [2],
    match: [
      { sourceAddress: '10.0.0.1' },
      { sourceAddress: '10.0.0.2', destinationAddress: '10.0.0.1', protocolIdentifier: 17 },
    ],
  },
  'quirk-v9-out-counters-zero': { flows: [1], match: [{ octets: 1000, packets: 10 }] },
  'quirk-v9-uptime-wrap': { flows: [1] },
  'quirk-v5-sampling-mode-bits': { flows: [1], match: [{ samplingInterval: 100 }] },
  'v9-header-only': { flows: [0], reasons: [] },
  'ipfix-set-past-end': { flows: [0], reasons: ['set-past-end'] },
  'ipfix-length-gt-datagram': { flows: [0, 1], reasons: ['length-exceeds-datagram'] },
  'ipfix-length-lt-header': { flows: [0], reasons: ['length-below-header'] },
  'ipfix-trailing-garbage': { flows: [1] },
  'ipfix-varlen-overrun': { flows: [0], reasons: ['record-overrun'] },
  'ipfix-varlen-3byte-overrun': { flows: [0], reasons: ['record-overrun'] },
  'ipfix-varlen-zero-amplification': { flows: [60_000] },
  'ipfix-enterprise-truncated': { flows: [0], reasons: ['template-truncated', 'template-unknown'] },
  'ipfix-options-scope-0': { flows: [0], reasons: ['template-scope-invalid', 'template-unknown'] },
  'ipfix-options-scope-gt-fields': { flows: [0], reasons: ['template-scope-invalid', 'template-unknown'] },
  'ipfix-template-withdrawal': { flows: [2], reasons: ['template-withdrawal-ignored'] },
  'ipfix-withdraw-all': { flows: [1], reasons: ['template-withdrawal-ignored'] },
  'ipfix-set-id-reserved': { flows: [0], reasons: Array(4).fill('set-id-reserved') },
  'ipfix-recursive-subtemplatelist': { flows: [0, 1] },
  'ipfix-uint-of-9-bytes': { flows: [0, 1] },
  'ipfix-uint64-max': {
    flows: [1],
    match: [{ octets: '18446744073709551615', packets: '9223372036854775808' }],
  },
  'ipfix-zero-length-string-template': { flows: [0], reasons: ['template-empty', 'template-unknown'] },
  'v5-count-gt-data': { flows: [1], reasons: ['count-exceeds-datagram'] },
  'v5-count-65535': { flows: [1], reasons: ['count-exceeds-datagram'] },
  'v5-record-truncated': { flows: [0], reasons: ['count-exceeds-datagram'] },
  'v5-short-header': { flows: [0], reasons: ['datagram-too-short'] },
  'v1-count-gt-data': { flows: [0], reasons: ['count-exceeds-datagram'] },
  'v7-truncated': { flows: [0, 1], reasons: ['count-exceeds-datagram'] },
  'garbage-1-byte': { flows: [0], reasons: ['datagram-too-short'] },
  'garbage-version-ffff': { flows: [0], reasons: ['version-unknown'] },
  'garbage-version-8': { flows: [0], reasons: ['version-unsupported'] },
  // Six are sFlow, whose version is the second word: to this decoder the first says 0.
  'sflow-samples-4e9': { flows: [0], reasons: ['version-unknown'] },
  'sflow-sample-length-huge': { flows: [0], reasons: ['version-unknown'] },
  'sflow-header-length-gt-record': { flows: [0], reasons: ['version-unknown'] },
  'sflow-agent-type-3': { flows: [0], reasons: ['version-unknown'] },
  'tcpdump-sflow-print-segv': none,
  'logstash-netflow5-test-invalid01': { flows: Array.from({ length: 31 }, (_, count) => count) },
  'logstash-netflow5-test-invalid02': { flows: Array.from({ length: 31 }, (_, count) => count) },
  'logstash-netflow9-test-invalid01': { flows: Array.from({ length: 31 }, (_, count) => count) },
  'pynetflow-v9-zeros-no-template': { flows: [0], reasons: Array(5).fill('template-unknown') },
  'pynetflow-invalid': { flows: [0], reasons: ['version-unknown'] },
  'netflow-parser-ipfix-truncated': { flows: [0, 1] },
  'netflow-parser-v9-creates-error': { flows: [0], reasons: ['datagram-too-short'] },
  'netflow-parser-v5-incomplete': { flows: [0], reasons: ['datagram-too-short'] },
}

/** None of the corpus, even the largest, may take longer than this much of the processor. */
const BUDGET_MICROSECONDS = 1_500_000
/** Rounds over the whole corpus between the two looks at the heap. */
const HEAP_ROUNDS = 3

export type Verdict = {
  readonly name: string
  readonly flows: number
  readonly reasons: readonly string[]
  readonly microseconds: number
  /** Empty when all is as it must be. */
  readonly failures: readonly string[]
}

/** Judges every case of the corpus in `folder`; `heapGrowth` is what the heap holds more after some rounds of it. */
export function judgeMalformed(folder: string, tell: (verdict: Verdict) => void): { heapGrowth: number } {
  const [, ...lines] = readFileSync(join(folder, 'malformed.tsv'), 'utf8').trim().split('\n')
  const rows = lines
    .map((line) => line.split('\t'))
    .map(([name = '', count]) => ({ name, count: Number(count) }))
  for (const { name, count } of rows) tell(judge(folder, name, count))
  for (const name of Object.keys(malformedCases)) {
    if (rows.some((row) => row.name === name)) continue
    tell({ name, flows: 0, reasons: [], microseconds: 0, failures: ['it is not in the corpus'] })
  }
  const round = () => {
    for (const { name, count } of rows) judge(folder, name, count)
  }
  round()
  const before = heapUsed()
  for (let index = 0; index < HEAP_ROUNDS; index++) round()
  return { heapGrowth: heapUsed() - before }
}

function judge(folder: string, name: string, count: number): Verdict {
  const probe = createProbe()
  const files = count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}__${index + 1}`)
  const failures: string[] = []
  const start = process.cpuUsage()
  try {
    for (const file of files) probe.feed(readFileSync(join(folder, `${file}.dat`)))
    probe.finish()
  } catch (error) {
    failures.push(`it throws: ${(error as Error).message}`)
  }
  const { user: microseconds } = process.cpuUsage(start)
  const wanted = malformedCases[name]
  const flows = probe.flows.length
  const reasons = probe.reasons()
  if (wanted === undefined) failures.push('what must come of it is not written down')
  else {
    if (!wanted.flows.includes(flows)) failures.push(`${flows} flows instead of ${wanted.flows.join(' or ')}`)
    if (wanted.reasons !== undefined && wanted.reasons.join() !== reasons.join())
      failures.push(`not used because of ${reasons.join()} instead of ${wanted.reasons.join()}`)
    wanted.match?.forEach((row, index) => {
      for (const [key, value] of Object.entries(row)) {
        const got = probe.flows[index]?.[key]
        if (got !== value) failures.push(`[${index}] ${key} is ${String(got)} instead of ${String(value)}`)
      }
    })
  }
  if (microseconds > BUDGET_MICROSECONDS) failures.push(`${microseconds} µs`)
  probe.flows.length = 0
  for (const file of ['canary__1', 'canary__2']) probe.feed(readFileSync(join(folder, `${file}.dat`)))
  const [canary, ...others] = probe.flows
  if (
    canary?.['sourceAddress'] !== '10.0.0.1' ||
    canary['destinationAddress'] !== '10.0.0.2' ||
    others.length > 0
  )
    failures.push('the canary does not decode')
  return { name, flows, reasons: [...new Set(reasons)], microseconds, failures }
}

function heapUsed(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
