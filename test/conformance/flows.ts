// Real exporters' packets against what independent decoders make of them: one comparison, which the test suite and
// `npm run conformance -- flows` share. The corpus is kept beside the project, not in it.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { readDatagrams } from '#collectors/capture/datagrams.js'
import { createProbe, type Flow } from '../collectors/netflow/probe.js'
import { command } from '../support/project.js'
import { deliberate } from './deliberate.js'

export type Golden = {
  inputs: string[]
  format: string
  flowCount: number
  optionsRecords?: number
  templates?: number
  optionsTemplates?: number
  flows: Record<string, unknown>[]
  flowCountBuffered?: number
  flowsBuffered?: Record<string, unknown>[]
}

type Row = Record<string, unknown>

/** What a case is decoded to. */
export type Decoded = {
  flows: readonly Row[]
  optionsRecords?: number
  templates?: number
  optionsTemplates?: number
}

/** The golden's name of a value and ours. */
const fields: readonly (readonly [golden: string, ours: string])[] = [
  ['src', 'sourceAddress'],
  ['dst', 'destinationAddress'],
  ['srcPort', 'sourceTransportPort'],
  ['dstPort', 'destinationTransportPort'],
  ['protocol', 'protocolIdentifier'],
  ['bytes', 'octets'],
  ['packets', 'packets'],
  ['initiatorBytes', 'octets'],
  ['initiatorPackets', 'packets'],
  ['responderBytes', 'reverseOctets'],
  ['responderPackets', 'reversePackets'],
  ['revBytes', 'reverseOctets'],
  ['revPackets', 'reversePackets'],
  ['startMs', 'startMilliseconds'],
  ['endMs', 'endMilliseconds'],
  ['tcpFlags', 'tcpControlBits'],
  ['tos', 'ipClassOfService'],
  ['inIf', 'ingressInterface'],
  ['outIf', 'egressInterface'],
  ['direction', 'flowDirection'],
  ['vlan', 'vlanId'],
  ['icmpType', 'icmpType'],
  ['icmpCode', 'icmpCode'],
  ['samplingInterval', 'samplingInterval'],
  ['applicationId', 'applicationId'],
  ['applicationName', 'applicationName'],
  ['username', 'userName'],
  ['natSrc', 'postNATSourceAddress'],
  ['natDst', 'postNATDestinationAddress'],
  ['natSrcPort', 'postNAPTSourceTransportPort'],
  ['natDstPort', 'postNAPTDestinationTransportPort'],
  ['firewallEvent', 'firewallEvent'],
  ['flowEndReason', 'flowEndReason'],
  ['observationDomainId', 'observationDomainId'],
  ['templateId', 'templateId'],
]

/** Fields that differ in flows that are there. */
export type Tally = { match: number; differ: number; missing: number }

export type CaseResult = {
  readonly name: string
  readonly format: string
  /** `listed`: differs, but only as the list of golden errors says. */
  readonly state: 'equal' | 'listed' | 'differs'
  /** Flows of which every field matches, those with a field that does not, and those that did not come. */
  readonly flows: Tally
  readonly fields: Tally
  readonly differences: readonly string[]
  /** Why the golden is not followed. */
  readonly reason?: string
}

/** Decodes a case by the decoder itself. */
export function decodeCase(folder: string, { inputs }: Golden): Decoded {
  const probe = createProbe()
  for (const input of inputs) {
    const path = join(folder, input)
    if (extname(path) === '.dat') probe.feed(readFileSync(path))
    else {
      for (const { payload, source, destinationPort, timeMilliseconds } of readDatagrams(path))
        probe.feed(payload, { source, listenerPort: destinationPort, at: timeMilliseconds })
    }
  }
  probe.finish()
  const kinds = probe.templates.map(({ kind }) => kind)
  return {
    flows: probe.flows satisfies Flow[],
    optionsRecords: probe.optionsRecords.length,
    templates: kinds.filter((kind) => kind === 'data').length,
    optionsTemplates: kinds.filter((kind) => kind === 'options').length,
  }
}

/** Decodes a case by the command line. */
function decodeByCommand(folder: string, { inputs }: Golden): Decoded {
  const files = inputs.map((input) => join(folder, input))
  const { status, stdout } = spawnSync(process.execPath, [command, 'decode', ...files], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`culvert decode ended with ${status}`)
  const lines = stdout.split('\n').filter((line) => line !== '')
  const rows = lines.map((line) => JSON.parse(line) as Row)
  return { flows: rows.filter(({ kind }) => kind === 'flow') }
}

/** Goldens have whole milliseconds, rounded or cut, and application ids as engine..selector. */
function equal(wanted: unknown, got: unknown, ours: string): boolean {
  if (typeof wanted === 'number' && typeof got === 'number') return Math.abs(wanted - got) < 1
  if (ours === 'applicationId' && typeof got === 'string') {
    // Engine 20 has an enterprise number between the two (RFC 6759 §4.1).
    const parts = got.startsWith('14') ? [0, 2, 10] : [0, 2]
    const numbers = parts.map((at, index) => Number.parseInt(got.slice(at, parts[index + 1]), 16))
    return String(wanted) === numbers.join('..')
  }
  // An empty text is told as none.
  return String(wanted) === String(got ?? '')
}

/** Compares a case with what was decoded. */
export function compareCase(name: string, golden: Golden, decoded: Decoded): CaseResult {
  const differences: string[] = []
  const count = (what: string, wanted: number | undefined, got: number | undefined) => {
    if (wanted !== undefined && got !== undefined && wanted !== got)
      differences.push(`${what}: ${got} instead of ${wanted}`)
  }
  const wantedFlows = golden.flowsBuffered ?? golden.flows
  count('flows', golden.flowCountBuffered ?? golden.flowCount, decoded.flows.length)
  count('options records', golden.optionsRecords, decoded.optionsRecords)
  count('templates', golden.templates, decoded.templates)
  count('options templates', golden.optionsTemplates, decoded.optionsTemplates)
  const flows: Tally = { match: 0, differ: 0, missing: 0 }
  const tally: Tally = { match: 0, differ: 0, missing: 0 }
  const wrong = new Map<string, string[]>()
  wantedFlows.forEach((wanted, index) => {
    const flow = decoded.flows[index]
    if (flow === undefined) {
      flows.missing++
      return
    }
    let isEqual = true
    for (const [theirs, ours] of fields) {
      if (wanted[theirs] === undefined) continue
      if (equal(wanted[theirs], flow[ours], ours)) {
        tally.match++
        continue
      }
      isEqual = false
      if (flow[ours] === undefined) tally.missing++
      else tally.differ++
      const list = wrong.get(ours) ?? []
      list.push(`[${index}] ${String(flow[ours])} instead of ${String(wanted[theirs])}`)
      wrong.set(ours, list)
    }
    if (isEqual) flows.match++
    else flows.differ++
  })
  for (const [ours, list] of wrong)
    differences.push(`${ours} ${list.length} times: ${list.slice(0, 3).join('; ')}`)
  const known = deliberate[name]
  const isListed =
    known !== undefined &&
    differences.length === known.differences.length &&
    differences.every((found, index) => found.startsWith(known.differences[index]!))
  return {
    name,
    format: golden.format,
    state: isListed ? 'listed' : differences.length === 0 && known === undefined ? 'equal' : 'differs',
    flows,
    fields: tally,
    differences,
    ...(known === undefined ? {} : { reason: known.reason }),
  }
}

/** All cases of the corpus in `folder` (…/corpora/flows), by name. */
export function* compareCorpus(folder: string, withSflow: boolean): Generator<CaseResult> {
  const files = readdirSync(join(folder, 'expected')).sort()
  for (const file of files) {
    const name = file.replace(/\.json$/, '')
    const golden = JSON.parse(readFileSync(join(folder, 'expected', file), 'utf8')) as Golden
    const isSflow = golden.format.startsWith('sflow')
    if (isSflow && !withSflow) continue
    const decoded = isSflow ? decodeByCommand(folder, golden) : decodeCase(folder, golden)
    yield compareCase(name, golden, decoded)
  }
}
