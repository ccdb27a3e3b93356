// What is remembered of agents: who they are, what is missing, which interval is in force, what their interfaces count.
import t from 'tap'
import { Value } from 'typebox/value'
import { ExporterTable, FORGOTTEN_MILLISECONDS, MAX_EXPORTERS } from '#collectors/exporter-table.js'
import { AgentStore } from '#collectors/sflow/agents.js'
import { sflowStatus } from '#collectors/status.js'
import { Block } from '#core/blocks/block.js'
import { BlockBuilder } from '#core/blocks/builder.js'
import { encodeBlock } from '#core/blocks/encode.js'
import { ExporterStatus } from '#core/exporters.js'
import { formatAddress, parseAddress } from '#core/records/address.js'
import { streams } from '#core/records/columns.js'
import { type ExporterIdentity, exporterKey } from '#core/records/exporter.js'
import { shapeOf } from '#core/records/shape.js'
import {
  createSflowEncoder,
  type InterfaceCounters,
  interfaceCounters,
  type SflowCounterSample,
  type SflowFlowSample,
  sampledHeader,
} from '#simulate/encode/sflow.js'
import { echo, ethernet, ipv4, v4, v6 } from '../frame/frames.js'
import { createProbe } from './probe.js'

const NOW = 1_780_315_200_000
const relay = parseAddress('192.0.2.1')!
const ping = sampledHeader(ethernet(0x0800, ipv4(1, echo())))

const agentOf = (agentAddress: readonly number[], subAgentId = 0) =>
  createSflowEncoder({
    agentAddress: Uint8Array.from(agentAddress),
    subAgentId,
    bootMilliseconds: NOW - 3_600_000,
  })
const flow = (given: Partial<SflowFlowSample> = {}): SflowFlowSample => ({
  kind: 'flow',
  sourceIndex: 3,
  samplingRate: 100,
  input: { value: 3 },
  output: { value: 4 },
  records: [ping],
  ...given,
})
const counted = (ifIndex: number, given: Partial<InterfaceCounters> = {}) =>
  interfaceCounters({
    ifIndex,
    ifSpeed: 1e10,
    ifInOctets: 1000,
    ifInUcastPkts: 10,
    ifOutOctets: 2000,
    ifOutUcastPkts: 20,
    ...given,
  })
const counters = (ifIndex: number, given: Partial<InterfaceCounters> = {}, sequenceNumber?: number) =>
  ({
    kind: 'counters',
    sourceIndex: ifIndex,
    ...(sequenceNumber === undefined ? {} : { sequenceNumber }),
    records: [counted(ifIndex, given)],
  }) satisfies SflowCounterSample

/** Feeds samples of one agent, and gives the status of its exporter. */
function seen(
  samples: readonly (SflowFlowSample | SflowCounterSample)[],
  { store = new AgentStore(), observed = true } = {},
) {
  const probe = createProbe({ store, observed })
  const agent = agentOf(v4(9))
  for (const [index, sample] of samples.entries())
    for (const datagram of agent.encode([sample], NOW + index)) probe.feed(datagram, { at: NOW + index })
  const status = sflowStatus(store.exporters[0]!)
  return { probe, status, sflow: status.observationDomains[0]!.sflow! }
}

t.test('the latest counters of each interface', async (t) => {
  for (const observed of [true, false]) {
    const { sflow, status } = seen(
      [
        counters(4, { ifInOctets: 5 }),
        counters(3, { ifInOctets: 2 ** 53 + 2, ifInErrors: 4, ifOutDiscards: 7, ifStatus: 1 }),
        counters(4, { ifInOctets: 77, ifOutOctets: 0xffff_ffff, ifOutErrors: 0xffff_ffff }),
        { ...counters(900_000), isExpanded: true },
      ],
      { observed },
    )
    t.ok(
      Value.Check(ExporterStatus, { ...status, recordsPerSecond: 0, datagramsPerSecond: 0 }),
      'as the API describes it',
    )
    t.match(sflow, {
      agentAddress: '10.0.0.9',
      counterSamples: 4,
      interfaceCountersNotKept: 0,
      interfaces: [
        {
          ifIndex: 3,
          ifType: 6,
          ifSpeed: 1e10,
          ifDirection: 'full-duplex',
          isAdminUp: true,
          isOperUp: false,
          counters: { ifInOctets: '9007199254740994', ifInErrors: 4, ifOutDiscards: 7, ifOutOctets: 2000 },
          receivedMilliseconds: NOW + 1,
        },
        {
          ifIndex: 4,
          isOperUp: true,
          counters: { ifInOctets: 77, ifOutOctets: 0xffff_ffff, ifInUcastPkts: 10 },
          receivedMilliseconds: NOW + 2,
        },
        { ifIndex: 900_000 },
      ],
    })
    t.notOk('ifOutErrors' in sflow.interfaces[1]!.counters, 'all ones: the agent has no such counter')
  }
})

t.test('interfaces are bounded, those known go on', async (t) => {
  const store = new AgentStore(() => 0, { interfacesPerExporter: 2 })
  const { sflow } = seen(
    [counters(1), counters(2), counters(3), counters(2, { ifInErrors: 9 }), counters(4)],
    { store },
  )
  t.match(sflow, {
    interfaces: [{ ifIndex: 1 }, { ifIndex: 2, counters: { ifInErrors: 9 } }],
    interfaceCountersNotKept: 2,
  })
  t.equal(sflow.interfaces.length, 2)
  const short = {
    kind: 'counters',
    sourceIndex: 1,
    records: [{ format: 1, octets: new Uint8Array(84) }],
  } as const
  t.same(seen([short]).probe.reasons(), ['record-truncated'])
})

t.test('missing samples, dropped ones, and the sampling interval really in force', async (t) => {
  const cases: readonly (readonly [string, readonly (SflowFlowSample | SflowCounterSample)[], object])[] = [
    [
      'as the device says',
      [1, 2, 3, 4, 5].map((n) => flow({ sequenceNumber: n, samplePool: 100 * n })),
      { flowSamples: 5, missingSamples: 0, poolPackets: 400, effectiveSamplingInterval: 100 },
    ],
    [
      'every second one lost on the way: one in 200',
      [1, 3, 5, 7].map((n) => flow({ sequenceNumber: n, samplePool: 100 * n })),
      { missingSamples: 3, poolPackets: 600, effectiveSamplingInterval: 200 },
    ],
    [
      'dropped by the device: numbers go on, the pool grows faster',
      [1, 2, 3].map((n) => flow({ sequenceNumber: n, samplePool: 300 * n, drops: 2 * n })),
      { missingSamples: 0, droppedSamples: 4, effectiveSamplingInterval: 300 },
    ],
    [
      'the pool wraps',
      [flow({ sequenceNumber: 8, samplePool: 0xffff_ffc0 }), flow({ sequenceNumber: 9, samplePool: 36 })],
      { poolPackets: 100, effectiveSamplingInterval: 100 },
    ],
    [
      'a late one is counted and takes nothing back',
      [1, 3, 2, 4].map((n) => flow({ sequenceNumber: n, samplePool: 100 * n })),
      { poolPackets: 300, effectiveSamplingInterval: 100 },
    ],
    [
      'another rate: counted from there on',
      [
        ...[1, 2].map((n) => flow({ sequenceNumber: n, samplePool: 100 * n })),
        ...[3, 4].map((n) => flow({ sequenceNumber: n, samplePool: 1000 * n, samplingRate: 1000 })),
      ],
      { poolPackets: 1000, effectiveSamplingInterval: 1000 },
    ],
    [
      'no pool is sent',
      [1, 2].map((n) => flow({ sequenceNumber: n, samplePool: 0 })),
      { poolPackets: 0, effectiveSamplingInterval: undefined },
    ],
    [
      'two sources',
      [1, 2, 3].flatMap((n) => [
        flow({ sequenceNumber: n, samplePool: 100 * n }),
        flow({ sequenceNumber: n, samplePool: 400 * n, samplingRate: 400, sourceIndex: 4 }),
      ]),
      {
        sourceCount: 2,
        poolPackets: 1000,
        effectiveSamplingInterval: 250,
        sources: [
          { sourceIndex: 3, samplingInterval: 100, effectiveSamplingInterval: 100, samples: 2 },
          { sourceIndex: 4, samplingInterval: 400, effectiveSamplingInterval: 400, samples: 2 },
        ],
      },
    ],
    [
      'counter samples have numbers of their own',
      [counters(3, {}, 1), flow({ sequenceNumber: 70 }), counters(3, {}, 4), flow({ sequenceNumber: 71 })],
      { missingCounterSamples: 2, missingSamples: 0, sourceCount: 1 },
    ],
  ]
  for (const [name, samples, wanted] of cases) {
    const { sflow, status } = seen(samples)
    t.match(sflow, wanted, name)
    t.ok(
      Value.Check(ExporterStatus, { ...status, recordsPerSecond: 0, datagramsPerSecond: 0 }),
      `${name}: as the API describes it`,
    )
  }
})

t.test('two agents of one sub-agent id behind one relay are two, in memory and on disk', async (t) => {
  const store = new AgentStore()
  const probe = createProbe({ store })
  const own = parseAddress('10.0.0.9')!
  const agents = [agentOf(v4(7)), agentOf(v4(8)), agentOf(v6(7)), agentOf(v4(7), 1)]
  for (let round = 0; round < 3; round++) {
    for (const agent of agents) probe.feed(agent.encode([flow()], NOW)[0]!, { source: relay, at: NOW })
  }
  probe.feed(agentOf(v4(9)).encode([flow()], NOW)[0]!, { source: own, at: NOW })
  const known = store.exporters.flatMap((exporter) => [...exporter.agents])
  const identities = known.map(({ identity }) => identity)
  t.same(identities.map(exporterKey), [
    '192.0.2.1|6343|udp|sflow5|0|10.0.0.7',
    '192.0.2.1|6343|udp|sflow5|0|10.0.0.8',
    '192.0.2.1|6343|udp|sflow5|0|2001:db8::7',
    '192.0.2.1|6343|udp|sflow5|1|10.0.0.7',
    '10.0.0.9|6343|udp|sflow5|0',
  ])
  t.same(
    known.map(({ statistics, sequence }) => [statistics.missingSamples, sequence.counts.gaps]),
    known.map(() => [0, 0]),
  )
  t.same(
    probe.flows.map((row) => [row['exporterAddress'], row['agentAddress']]).slice(-2),
    [
      ['192.0.2.1', '10.0.0.7'],
      ['10.0.0.9', undefined],
    ],
    'the sender itself is named once',
  )
  const status = sflowStatus(store.exporters[0]!)
  t.same(
    status.observationDomains.map(({ observationDomainId, sflow }) => [
      observationDomainId,
      sflow?.agentAddress,
    ]),
    [
      [0, '10.0.0.7'],
      [0, '10.0.0.8'],
      [0, '2001:db8::7'],
      [1, '10.0.0.7'],
    ],
  )

  const builder = new BlockBuilder(streams[0]!, 8)
  for (const identity of identities) builder.begin(identity, shapeOf([0, 1, 2]), NOW, 1)
  const { exporters, rows } = new Block(encodeBlock(builder, [{ firstSequence: 1, rows: builder.rows }], NOW))
    .header
  t.equal(rows, identities.length)
  t.same(exporters.map(exporterKey), identities.map(exporterKey), 'blocks keep them')
})

t.test('exporters that have been silent make room for new ones, with what was counted of them', async (t) => {
  const store = new AgentStore(undefined, { exporters: 2, agents: 2 })
  const hear = (text: string, now: number) => {
    const exporter = store.exporter(parseAddress(text)!, 6343, 0, now)
    if (exporter === undefined) return undefined
    const agent = store.agent(exporter, 4, [0, 0, 0, 1], 0)
    if (agent !== undefined) agent.statistics.lastSeenMilliseconds = now
    return agent
  }
  t.ok(hear('192.0.2.1', NOW))
  t.ok(hear('192.0.2.2', NOW))
  t.notOk(hear('192.0.2.3', NOW + 1), 'there are as many as may be')
  t.ok(hear('192.0.2.2', NOW + FORGOTTEN_MILLISECONDS))
  t.ok(hear('192.0.2.3', NOW + FORGOTTEN_MILLISECONDS), 'one was silent')
  t.same(
    store.exporters.map(({ address }) => formatAddress(address)),
    ['192.0.2.2', '192.0.2.3'],
  )
  t.notOk(hear('192.0.2.1', NOW + FORGOTTEN_MILLISECONDS + 1), 'it is one too many now')
})

t.test('exporters: one by address, port and transport, however its address object is made', async (t) => {
  const table = new ExporterTable({
    make: (session) => ({ ...session, datagrams: 0 }),
    lastSeen: () => 0,
    most: 4,
  })
  const address = () => parseAddress('192.0.2.7')!
  const one = address()
  const first = table.of(one, 2055, 0)
  t.ok(first)
  t.equal(table.of(one, 2055, 0), first)
  t.equal(table.of(address(), 2055, 0), first)
  const others = [table.of(one, 2056, 0), table.of(one, 2055, 1), table.add(one, 2055, 0)]
  t.equal(new Set([first, ...others]).size, 4)
  t.equal(table.of(one, 9999, 0), undefined, 'no more than the limit')
  t.equal(table.of(one, 2055, 0), first, 'those that are known go on')
  t.ok(table.remove(others[2]!))
  t.notOk(table.remove(others[2]!))
  t.equal(table.all.length, 3)
  const large = new ExporterTable({ make: (session) => session, lastSeen: () => 0, most: 2 })
  for (let turn = 0; turn < 3 * MAX_EXPORTERS; turn++) large.of(address(), 2055, 0)
  t.same(
    large.all.map((exporter) => formatAddress(exporter.address)),
    ['192.0.2.7'],
    'a fresh object for each datagram adds none',
  )
  const identity: ExporterIdentity = {
    address: one,
    listenerPort: 1,
    transport: 0,
    protocol: 9,
    observationDomainId: 2,
  }
  t.equal(exporterKey(identity), '192.0.2.7|1|udp|9|2')
})
