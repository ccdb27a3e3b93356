// Real exporters' packets against what independent decoders make of them. The corpus is kept beside the project, not
// in it; without it these tests say so and are skipped.
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import t from 'tap'
import { readDatagrams } from '#collectors/capture/datagrams.js'
import { corporaFolder, createProbe, type Flow } from './probe.js'

const folder = corporaFolder()

type Golden = {
  inputs: string[]
  format: string
  flowCount: number
  optionsRecords: number
  templates: number
  optionsTemplates: number
  flows: Record<string, unknown>[]
  flowCountBuffered?: number
  flowsBuffered?: Record<string, unknown>[]
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
  ['revBytes', 'reverseOctets'],
  ['revPackets', 'reversePackets'],
  ['startMs', 'startMilliseconds'],
  ['endMs', 'endMilliseconds'],
  ['tcpFlags', 'tcpControlBits'],
  ['tos', 'ipClassOfService'],
  ['inIf', 'ingressInterface'],
  ['outIf', 'egressInterface'],
  ['icmpType', 'icmpType'],
  ['icmpCode', 'icmpCode'],
  ['samplingInterval', 'samplingInterval'],
  ['natSrc', 'postNATSourceAddress'],
  ['natDst', 'postNATDestinationAddress'],
  ['natSrcPort', 'postNAPTSourceTransportPort'],
  ['natDstPort', 'postNAPTDestinationTransportPort'],
  ['firewallEvent', 'firewallEvent'],
  ['flowEndReason', 'flowEndReason'],
  ['observationDomainId', 'observationDomainId'],
  ['templateId', 'templateId'],
]

function decodeCase(folder: string, { inputs }: Golden) {
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
  return probe
}

function differences(golden: Golden, probe: ReturnType<typeof createProbe>): string[] {
  const found: string[] = []
  const count = (what: string, wanted: number, got: number) => {
    if (wanted !== got) found.push(`${what}: ${got} instead of ${wanted}`)
  }
  const flows = golden.flowsBuffered === undefined ? golden.flows : golden.flowsBuffered
  count('flows', golden.flowCountBuffered ?? golden.flowCount, probe.flows.length)
  count('options records', golden.optionsRecords, probe.optionsRecords.length)
  const kinds = probe.templates.map(({ kind }) => kind)
  count('templates', golden.templates, kinds.filter((kind) => kind === 'data').length)
  count('options templates', golden.optionsTemplates, kinds.filter((kind) => kind === 'options').length)
  const wrong = new Map<string, string[]>()
  flows.forEach((wanted, index) => {
    const flow: Flow | undefined = probe.flows[index]
    if (flow === undefined) return
    for (const [theirs, ours] of fields) {
      if (wanted[theirs] === undefined || equal(wanted[theirs], flow[ours])) continue
      const list = wrong.get(ours) ?? []
      list.push(`[${index}] ${String(flow[ours])} instead of ${String(wanted[theirs])}`)
      wrong.set(ours, list)
    }
  })
  for (const [name, list] of wrong) found.push(`${name} ${list.length} times: ${list.slice(0, 3).join('; ')}`)
  return found
}

/** Goldens have whole milliseconds, rounded or cut. */
function equal(wanted: unknown, got: unknown): boolean {
  if (typeof wanted === 'number' && typeof got === 'number') return Math.abs(wanted - got) < 1
  return String(wanted) === String(got)
}

/** What differs and stays so, with the reason. */
const deliberate: Readonly<Record<string, readonly [difference: string, reason: string]>> = {
  'ipfixprobe-ipfix-biflow': [
    'egressInterface 4 times',
    'the template has no IE 14; one oracle fills its own record with 0, and absent is not 0',
  ],
  'softflowd-ipfix-netcat': [
    'flows: 12 instead of 6',
    'two messages in one datagram, both decoded; the oracle stops behind the first',
  ],
  'softflowd-ipfix-netcat-cut': [
    'startMilliseconds 2 times',
    'an uptime of 0 is the moment of systemInitTimeMilliseconds; the oracle leaves it 0, though it moves the end',
  ],
  'synthetic-ipfix-repeated-ie': [
    'sourceAddress 1 times',
    'of a repeated address the later is the inner one (RFC 7011 section 8); the oracle shows the first',
  ],
  'unknown-v5-sampling1': [
    'samplingInterval 1 times',
    'the header says 0, which sampling exporters send too: unknown, while the oracle takes it for 1',
  ],
}

const CASES = 79

t.test('real exporters decode as independent decoders have them', async (t) => {
  if (folder === undefined) {
    t.comment(
      'SKIPPED: no shared/corpora above the project and CULVERT_SHARED does not name it, so nothing was compared',
    )
    t.pass('not compared', { skip: 'the corpora are not there' })
    return
  }
  const corpus = join(folder, 'flows')
  const names = readdirSync(join(corpus, 'expected'))
    .map((file) => file.replace(/\.json$/, ''))
    .sort()
  let compared = 0
  let equal = 0
  for (const name of names) {
    const golden = JSON.parse(readFileSync(join(corpus, 'expected', `${name}.json`), 'utf8')) as Golden
    if (golden.format.startsWith('sflow')) continue
    compared++
    const found = differences(golden, decodeCase(corpus, golden))
    const known = deliberate[name]
    if (known === undefined) {
      if (found.length === 0) equal++
      t.same(found, [], name)
    } else {
      const [difference, reason] = known
      t.ok(found[0]?.startsWith(difference), `${name} differs: ${reason}`, { found })
    }
  }
  t.equal(compared, CASES, 'every case was compared')
  t.equal(equal, CASES - Object.keys(deliberate).length, 'and these are equal')
})
