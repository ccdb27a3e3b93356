// Real agents' datagrams against what independent decoders make of them, and malformed ones. The corpora are kept
// beside the project, not in it; without them these tests say so and are skipped.
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import t from 'tap'
import { readDatagrams } from '#collectors/capture/datagrams.js'
import { createSflowEncoder, sampledHeader } from '#simulate/encode/sflow.js'
import { findCorpora } from '../../support/shared.js'
import { echo, ethernet, ipv4, v4 } from '../frame/frames.js'
import { createProbe } from './probe.js'

const corpora = findCorpora()

type Golden = {
  inputs: string[]
  format: string
  flowCount: number
  samples: number
  counterSamples: number
  otherSamples: number
  sourceRecords?: Record<string, unknown>[]
  flows: Record<string, unknown>[]
}

/** The golden's name of a value and ours, in the row. */
const rowFields: readonly (readonly [golden: string, ours: string])[] = [
  ['src', 'sourceAddress'],
  ['dst', 'destinationAddress'],
  ['srcPort', 'sourceTransportPort'],
  ['dstPort', 'destinationTransportPort'],
  ['protocol', 'protocolIdentifier'],
  ['bytes', 'octets'],
  ['ipLength', 'octets'],
  ['packets', 'packets'],
  ['tcpFlags', 'tcpControlBits'],
  ['tos', 'ipClassOfService'],
  ['inIf', 'ingressInterface'],
  ['outIf', 'egressInterface'],
  ['vlan', 'vlanId'],
  ['icmpType', 'icmpType'],
  ['icmpCode', 'icmpCode'],
  ['samplingInterval', 'samplingInterval'],
]

/** The golden's name and the place in `elements`. */
const elementFields: readonly (readonly [golden: string, structure: string, field: string])[] = [
  ['frameLength', 'sampled_header', 'frame_length'],
  ['stripped', 'sampled_header', 'stripped'],
  ['headerProtocol', 'sampled_header', 'header_protocol'],
  ['postVlan', 'extended_switch', 'dst_vlan'],
  ['nextHop', 'extended_router', 'nexthop'],
  ['srcMask', 'extended_router', 'src_mask_len'],
  ['dstMask', 'extended_router', 'dst_mask_len'],
  ['srcAs', 'extended_gateway', 'src_as'],
]

/** What differs and stays so: the differences, and why. */
const deliberate: Readonly<Record<string, readonly [differences: readonly string[], reason: string]>> = {
  'fortiswitch-sflow5-issue15918': [
    [
      '[2] protocolIdentifier 58 instead of 0',
      '[2] egressInterface 0 instead of 10',
      '[5] egressInterface 0 instead of 10',
    ],
    'IE 4 is the last next header, behind the hop-by-hop options; 10 is a number of interfaces (format 2), not one of them',
  ],
  'sflow5-1140': [
    ['[3] extended_gateway.src_as 0 instead of 39421'],
    'elements are as sent, and 0 is how an agent names its own AS; the golden puts that in its place',
  ],
  'sflow5-discard-if': [
    ['[0] egressInterface 0 instead of 1'],
    '1 is a reason for discarding (format 1), not an interface; the golden resolves it to 0',
  ],
  'sflow5-multi-if': [
    ['[0] egressInterface 0 instead of 7'],
    '7 is a number of interfaces (format 2), not one of them; the golden resolves it to 0',
  ],
}

const CASES = 12

t.test('real agents decode as independent decoders have them', async (t) => {
  if (corpora === undefined) {
    t.comment('SKIPPED: no shared/corpora above the project, and CULVERT_SHARED does not name it')
    t.pass('not compared', { skip: 'the corpora are not there' })
    return
  }
  const folder = join(corpora, 'flows')
  let compared = 0
  let fields = 0
  for (const file of readdirSync(join(folder, 'expected')).sort()) {
    const golden = JSON.parse(readFileSync(join(folder, 'expected', file), 'utf8')) as Golden
    if (golden.format !== 'sflow5') continue
    compared++
    const name = file.replace(/\.json$/, '')
    const { found, count } = differences(golden, folder)
    fields += count
    const [wanted, reason] = deliberate[name] ?? [[], 'as the golden has it']
    t.same(found, wanted, `${name}: ${reason}`)
  }
  t.equal(compared, CASES, 'every case was compared')
  t.comment(`${compared} cases, ${fields} fields`)
})

function differences({ inputs, ...golden }: Golden, folder: string): { found: string[]; count: number } {
  const probe = createProbe()
  for (const input of inputs) {
    const path = join(folder, input)
    if (extname(path) === '.dat') probe.feed(readFileSync(path))
    else
      for (const { payload, timeMilliseconds } of readDatagrams(path))
        probe.feed(payload, { at: timeMilliseconds })
  }
  const found: string[] = []
  let count = 0
  const compare = (where: string, wanted: unknown, got: unknown) => {
    count++
    if (String(wanted) !== String(got)) found.push(`${where} ${String(got)} instead of ${String(wanted)}`)
  }
  const ofKind = (kind: string) => probe.samples.filter((sample) => sample.kind === kind)
  compare('samples', golden.samples, probe.samples.length)
  compare('flows', golden.flowCount, ofKind('flow').length)
  compare('counter samples', golden.counterSamples, ofKind('counter').length)
  compare('other samples', golden.otherSamples, ofKind('discarded').length)
  compare('undecoded', 0, probe.undecoded.length)
  const { flows } = probe
  const elements = ofKind('flow').map((sample) => sample.elements as Record<string, Record<string, unknown>>)
  golden.flows.forEach((wanted, index) => {
    // Rows come by stream; each is its sample's by the header of its addresses.
    const flow = flows.find((row) =>
      rowFields.slice(0, 4).every(([theirs, ours]) => String(wanted[theirs]) === String(row[ours])),
    )
    for (const [theirs, ours] of rowFields) {
      if (wanted[theirs] === undefined) continue
      // All ones: the switch does not know.
      const value = theirs === 'vlan' && wanted['vlan'] === 0xffffffff ? undefined : wanted[theirs]
      compare(`[${index}] ${ours}`, value, flow?.[ours])
    }
    for (const [theirs, structure, field] of elementFields) {
      if (wanted[theirs] === undefined || elements[index]?.[structure] === undefined) continue
      compare(`[${index}] ${structure}.${field}`, wanted[theirs], elements[index][structure][field])
    }
    compare(`[${index}] agent`, wanted['agent'], ofKind('flow')[index]?.agent)
  })
  for (const record of golden.sourceRecords ?? []) {
    const [counter, discarded] = [ofKind('counter')[0]?.elements, ofKind('discarded')[0]?.elements]
    const from = (counter?.['if_counters'] ?? discarded?.['discarded_packet']) as Record<string, unknown>
    compare('ifIndex', record['inIf'], from?.['ifIndex'] ?? from?.['inputifindex'])
    if (record['counter_in_bytes'] !== undefined)
      compare('ifInOctets', record['counter_in_bytes'], from?.['ifInOctets'])
  }
  return { found, count }
}

const malformed: Readonly<Record<string, { flows: number; reasons: readonly string[] }>> = {
  'sflow-samples-4e9': { flows: 0, reasons: ['count-exceeds-datagram'] },
  'sflow-sample-length-huge': { flows: 0, reasons: ['sample-past-end'] },
  'sflow-header-length-gt-record': { flows: 1, reasons: ['sampled-header-past-end'] },
  'sflow-agent-type-3': { flows: 0, reasons: ['agent-address-unknown'] },
  'tcpdump-sflow-print-segv': { flows: 0, reasons: ['datagram-too-short'] },
}

t.test('malformed datagrams, and a valid one after each', async (t) => {
  if (corpora === undefined) {
    t.comment('SKIPPED: no shared/corpora above the project, and CULVERT_SHARED does not name it')
    t.pass('not fed', { skip: 'the corpora are not there' })
    return
  }
  for (const [name, { flows, reasons }] of Object.entries(malformed)) {
    const probe = createProbe()
    probe.feed(readFileSync(join(corpora, 'flows-malformed', `${name}.dat`)))
    t.same(probe.reasons(), reasons, `${name}: why octets were not used`)
    t.equal(probe.flows.length, flows, `${name}: flows`)
    for (const flow of probe.flows) t.notOk('sourceAddress' in flow, `${name}: none with addresses`)
    probe.clear()
    const agent = createSflowEncoder({ agentAddress: Uint8Array.from(v4(9)), bootMilliseconds: 0 })
    const packet = ethernet(0x0800, ipv4(1, echo()))
    const sample = {
      kind: 'flow',
      sourceIndex: 3,
      samplingRate: 10,
      records: [sampledHeader(packet)],
    } as const
    const [canary] = agent.encode([{ ...sample, input: { value: 3 }, output: { value: 4 } }], 1000)
    probe.feed(canary!)
    t.match(probe.flows, [{ sourceAddress: '10.0.0.1', icmpType: 8, icmpFrom: 'frame' }], `${name}: canary`)
  }
})
