/** ICMP tunnelling: the invariant by itself, on a simulated company with faults, and on a lab's real exports. */
import fc from 'fast-check'
import t from 'tap'
import { icmpTunnel } from '#core/detectors/icmp-tunnel/index.js'
import {
  areAligned,
  areLoneExchange,
  canMirror,
  ipv4EchoLimits,
  repliesOutside,
  type Slice,
} from '#core/detectors/icmp-tunnel/mirror.js'
import type { Observation } from '#core/findings/finding.js'
import { readCorpus } from '#evaluate/corpus.js'
import { datagramsOf } from '#evaluate/enterprise.js'
import { exportsOf, labExporters } from '#evaluate/lab.js'
import type { ExporterFaults } from '#simulate/faults.js'
import { smallCompany } from '#simulate/small-company.js'
import { judgeDatagrams } from '../../support/judge.js'

const pairOf = ({ sourceAddresses, destinationAddresses }: Observation) =>
  `${sourceAddresses[0]} ${destinationAddresses[0]}`

t.test('a true ping mirrors whatever is lost on the way', async (t) => {
  const ping = fc.array(
    fc.record({
      octets: fc.integer({ min: 28, max: 1500 }),
      isAnswered: fc.boolean(),
      isRequestMissing: fc.boolean(),
    }),
  )
  fc.assert(
    fc.property(ping, (exchanges) => {
      const requests = exchanges.filter(({ isRequestMissing }) => !isRequestMissing)
      const replies = exchanges.filter(({ isAnswered }) => isAnswered)
      const missing = exchanges.filter(
        ({ isAnswered, isRequestMissing }) => isAnswered && isRequestMissing,
      ).length
      const sum = (some: typeof exchanges) => ({
        packets: some.length,
        octets: some.reduce((all, { octets }) => all + octets, 0),
      })
      return canMirror(sum(requests), sum(replies), missing, ipv4EchoLimits)
    }),
  )
  t.pass('held for every list of exchanges')
})

t.test('sums that no ping can have do not mirror', async (t) => {
  const cases: [string, [number, number], [number, number], number][] = [
    ['equal packets, one octet more asked than answered', [10, 841], [10, 840], 0],
    ['more replies than requests', [10, 840], [11, 924], 0],
    ['a lost packet smaller than a header', [11, 867], [10, 840], 0],
    ['a lost packet larger than a frame', [11, 2341], [10, 840], 0],
    ['one missing request cannot explain three frames', [10, 840], [10, 840 + 1500], 1],
  ]
  t.plan(cases.length)
  for (const [title, [rp, ro], [pp, po], missing] of cases) {
    t.equal(
      canMirror({ packets: rp, octets: ro }, { packets: pp, octets: po }, missing, ipv4EchoLimits),
      false,
      title,
    )
  }
})

const slice = (
  startMilliseconds: number,
  endMilliseconds: number,
  packets: number,
  octets: number,
): Slice => ({
  packets,
  octets,
  startMilliseconds,
  endMilliseconds,
  receivedMilliseconds: endMilliseconds + 1000,
  row: 0,
})

t.test('replies outside the time of the requests are counted by their share', async (t) => {
  const minute = 60_000
  const requests = [slice(0, minute, 60, 5040)]
  // One for the edge, and what the last round trip leaves outside, rounded up twice.
  t.equal(repliesOutside(requests, [slice(20, minute + 20, 60, 5040)]), 3)
  t.equal(repliesOutside(requests, [slice(20, minute + 20, 60, 5040)], true), 1, 'when all is there')
  t.ok(
    repliesOutside(requests, [slice(minute + 20, 2 * minute, 60, 5040)]) >= 60,
    'what lies behind the last request may belong to requests whose record has not come',
  )
  t.equal(
    repliesOutside(
      [...requests, slice(minute + 900, 2 * minute, 60, 5040)],
      [slice(minute - 100, minute + 800, 2, 168)],
    ),
    1,
    'between two records that follow each other nothing is missing',
  )
  // Half of the second record's minute is covered by no request: 30 packets, one for rounding, one for the edge.
  t.ok(repliesOutside(requests, [slice(minute / 2, minute * 1.5, 60, 5040)]) >= 28)
  t.ok(repliesOutside(requests, [slice(minute / 2, minute * 1.5, 60, 5040)]) <= 32)
  t.equal(
    repliesOutside(requests, [slice(minute * 3, minute * 4, 60, 5040)]),
    61,
    'a record of its own time counts whole',
  )
})

t.test('records are aligned when both ends lie within half an interval', async (t) => {
  const request = slice(0, 59_000, 60, 5040)
  t.equal(areAligned(request, slice(20, 59_020, 60, 5000)), true)
  t.equal(areAligned(request, slice(20, 59_020, 59, 5000)), false, 'other packet counts')
  t.equal(
    areAligned(request, slice(600, 59_600, 60, 5000)),
    false,
    'a round trip of more than half an interval',
  )
  t.equal(areAligned(request, slice(-20, 58_980, 60, 5000)), false, 'a reply before its request')
})

t.test('a request and a reply that nothing else is near are one exchange', async (t) => {
  const [request, reply] = [slice(0, 0, 1, 56), slice(40, 40, 1, 65)]
  const cases: readonly (readonly [what: string, expected: boolean, ...others: Slice[]])[] = [
    ['alone', true],
    ['others half a minute away', true, slice(-30_000, -30_000, 1, 56), slice(30_000, 30_000, 1, 56)],
    ['a request just before', false, slice(-4000, -4000, 1, 56)],
    ['a reply just behind', false, slice(5000, 5000, 1, 65)],
    ['a record that lasts over both', false, slice(-60_000, 60_000, 5, 280)],
  ]
  for (const [what, expected, ...others] of cases)
    t.equal(areLoneExchange(request, reply, [request, reply, ...others]), expected, what)
  t.equal(areLoneExchange(request, slice(40, 90, 2, 130), []), false, 'two packets')
  t.equal(areLoneExchange(request, slice(4000, 4000, 1, 65), []), false, 'beyond a round trip')
  t.equal(areLoneExchange(reply, slice(-2000, -2000, 1, 56), []), false, 'a reply before its request')
})

/** Shapes whose far end carries data of its own; a mirrored beacon and a one-way stream equal a ping in counters. */
const carrying = ['interactive-tunnel', 'idle-tunnel', 'bulk-tunnel', 'balanced-tunnel', 'polling-shell']

/** What the company's firewall logs too: its sessions count both directions, whatever the routers miss. */
const logged = ['bulk-tunnel']

type FaultCase = { title: string; faults: ExporterFaults; finds: readonly string[]; coverage?: string }

const faultCases: FaultCase[] = [
  { title: 'complete telemetry', faults: {}, finds: carrying },
  {
    title: '1 % of export datagrams lost',
    faults: { datagramLossProbability: 0.01 },
    finds: carrying,
    coverage: 'records-missing',
  },
  {
    title: '5 % of export datagrams lost',
    faults: { datagramLossProbability: 0.05 },
    finds: carrying,
    coverage: 'records-missing',
  },
  {
    title: '5 % of export datagrams reordered',
    faults: { datagramReorderProbability: 0.05 },
    finds: carrying,
  },
  {
    title: '0.1 % of packets dropped by the meter',
    faults: { meterDropProbability: 0.001 },
    finds: carrying,
  },
  { title: 'every packet metered twice', faults: { doubleMetering: 'both' }, finds: carrying },
  { title: 'a VLAN tag counted in one direction', faults: { layer2OctetsForward: 4 }, finds: carrying },
  { title: 'a clock two hours behind', faults: { clockOffsetMilliseconds: -7_200_000 }, finds: carrying },
  {
    title: 'half the requests on another path',
    faults: { missingForwardProbability: 0.5 },
    finds: logged,
    coverage: 'sampling-suspected',
  },
  {
    title: 'no replies at all',
    faults: { missingReverseProbability: 1 },
    finds: logged,
    coverage: 'one-sided',
  },
]

for (const [index, { title, faults, finds, coverage }] of faultCases.entries()) {
  t.test(`a simulated company, ${title}`, async (t) => {
    const exporters = ['branch-router', 'hq-core', 'hq-edge']
    const simulation = smallCompany(index + 1, {
      faults: Object.fromEntries(exporters.map((name) => [name, faults])),
    })
    const { observations } = await judgeDatagrams(datagramsOf(simulation), icmpTunnel)
    const findings = observations.filter(({ kind }) => kind === 'finding')
    const labels = new Map(
      simulation.labels.map((label) => [`${label.sourceAddress} ${label.destinationAddress}`, label]),
    )
    const high = findings
      .filter(({ severity }) => severity === 'high')
      .map((finding) => labels.get(pairOf(finding)))
    t.same(
      high.map((label) => label?.shape ?? 'not labelled').sort(),
      [...finds].sort(),
      'high: those that carry data, once each',
    )
    t.equal(
      findings.filter((finding) => labels.get(pairOf(finding))?.label !== 'icmp_tunnel').length,
      0,
      'nothing benign',
    )
    if (coverage !== undefined) {
      t.ok(
        observations.some(({ kind, reasons }) => kind === 'coverage' && reasons[0]?.code === coverage),
        `coverage says ${coverage}`,
      )
    }
  })
}

t.test('a finding stands within two active timeouts, and the same rows give the same findings', async (t) => {
  const once = async () => {
    const simulation = smallCompany(5)
    return { simulation, ...(await judgeDatagrams(datagramsOf(simulation), icmpTunnel)) }
  }
  const { simulation, observations, firstAt } = await once()
  const labels = new Map(
    simulation.labels.map((label) => [`${label.sourceAddress} ${label.destinationAddress}`, label]),
  )
  for (const finding of observations.filter(({ severity }) => severity === 'high')) {
    const { shape, startMilliseconds } = labels.get(pairOf(finding))!
    // Active timeouts are 60 and 120 s here; a judgement waits for the end of its minute.
    if (['interactive-tunnel', 'polling-shell', 'balanced-tunnel'].includes(shape)) {
      t.ok(
        firstAt.get(finding.id)! - startMilliseconds <= 360_000,
        `${shape}: ${(firstAt.get(finding.id)! - startMilliseconds) / 1000} s`,
      )
    }
  }
  const again = await once()
  t.equal(JSON.stringify(again.observations), JSON.stringify(observations))
})

t.test(
  'the lab: on every unsampled exporter the six tunnels that carry data and nothing benign',
  async (t) => {
    const corpus = readCorpus()
    if (corpus === undefined) {
      process.stderr.write('\nLAB NOT CHECKED: no shared/corpora found (set CULVERT_SHARED)\n\n')
      t.pass('no corpora', { skip: 'set CULVERT_SHARED' })
      return
    }
    const labels = new Map(
      corpus.pairs.map(({ source, destination, label }) => [`${source} ${destination}`, label]),
    )
    const isBenign = (finding: Observation) => labels.get(pairOf(finding)) !== 'icmp_tunnel'
    const judged = async (...ports: number[]) =>
      (await judgeDatagrams(exportsOf(corpus, ...ports), icmpTunnel)).observations
    const carriers = ['101', '102', '103', '14', '105', '108']
      .map((last) => `10.10.1.${last} 203.0.113.${last}`)
      .sort()
    t.plan(13)
    for (const { port } of labExporters.filter(({ isSampled }) => !isSampled)) {
      const findings = (await judged(port)).filter(({ kind }) => kind === 'finding')
      t.same(
        findings
          .filter(({ severity }) => severity === 'high')
          .map(pairOf)
          .sort(),
        carriers,
        `port ${port}: the six`,
      )
      t.equal(findings.filter(isBenign).length, 0, `port ${port}: nothing benign`)
    }
    const sampled = await judged(2058)
    t.equal(
      sampled.filter((one) => one.kind === 'finding' && isBenign(one)).length,
      0,
      'port 2058: nothing benign',
    )
    t.ok(
      sampled.some(({ kind, reasons }) => kind === 'coverage' && reasons[0]?.code === 'sampled'),
      'port 2058: coverage says sampled',
    )
    const all = await judged(...labExporters.map(({ port }) => port))
    t.same(
      all
        .filter(({ severity }) => severity === 'high')
        .map(pairOf)
        .sort(),
      carriers,
      'all six exporters at once: once each',
    )
  },
)
