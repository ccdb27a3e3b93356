// sFlow datagrams of the simulator's agent: what becomes a row, what is only shown, what is noticed, what is refused.
import fc from 'fast-check'
import t from 'tap'
import { AgentStore } from '#collectors/sflow/agents.js'
import { isSflow } from '#collectors/sflow/decoder.js'
import { parseAddress } from '#core/records/address.js'
import { concatenate } from '#simulate/encode/bytes.js'
import {
  createSflowEncoder,
  extendedNat,
  extendedNatPort,
  extendedSocket,
  extendedSwitch,
  extendedUser,
  extendedVlanIn,
  httpRequest,
  interfaceCounters,
  type SflowFlowSample,
  type SflowRecord,
  sampledEthernet,
  sampledHeader,
  sampledIp,
} from '#simulate/encode/sflow.js'
import { createRandom } from '#simulate/random.js'
import { bytes, echo, ethernet, ipv4, ipv6, tag, tcp, u32, udp, v4, v6 } from '../frame/frames.js'
import { createProbe } from './probe.js'

const NOW = 1_780_315_200_000
const BOOT = NOW - 3_600_000
const ping = ethernet(0x0800, ipv4(1, echo()))
const single = { input: { value: 3 }, output: { value: 4 } } as const

const agentOf = (last = 9, subAgentId = 0, given: { initialSequenceNumber?: number } = {}) =>
  createSflowEncoder({
    agentAddress: Uint8Array.from(v4(last)),
    subAgentId,
    bootMilliseconds: BOOT,
    ...given,
  })
const flow = (records: readonly SflowRecord[], given: Partial<SflowFlowSample> = {}): SflowFlowSample => ({
  kind: 'flow',
  sourceIndex: 3,
  samplingRate: 512,
  ...single,
  records,
  ...given,
})

t.test('a sampled packet is a row', async (t) => {
  const probe = createProbe()
  const packet = ethernet(0x8100, tag(20, 0x0800, ipv4(6, tcp(0x18), { tos: 0x10 })))
  probe.feed(agentOf(9, 7).encode([flow([sampledHeader(packet)])], NOW)[0]!, { at: NOW + 5 })
  t.same(probe.flows, [
    {
      stream: 'flow4',
      exporterAddress: '192.0.2.1',
      agentAddress: '10.0.0.9',
      listenerPort: 6343,
      protocolVersion: 'sflow5',
      observationDomainId: 7,
      receivedMilliseconds: NOW + 5,
      sourceAddress: '10.0.0.1',
      destinationAddress: '10.0.0.2',
      sourceTransportPort: 1024,
      destinationTransportPort: 443,
      protocolIdentifier: 6,
      octets: 43,
      packets: 1,
      startMilliseconds: NOW + 5,
      endMilliseconds: NOW + 5,
      tcpControlBits: 0x18,
      ipClassOfService: 0x10,
      ingressInterface: 3,
      egressInterface: 4,
      vlanId: 20,
      samplingInterval: 512,
      samplingFrom: 'record',
    },
  ])
  t.match(probe.samples, [{ kind: 'flow', agent: '10.0.0.9', elements: { sampled_header: { stripped: 4 } } }])
})

t.test('rows of each kind', async (t) => {
  const lldp = ethernet(0x88cc, bytes(new Array(46).fill(2)))
  const socket = {
    protocol: 6,
    local: Uint8Array.from(v4(7)),
    remote: Uint8Array.from(v4(8)),
    localPort: 80,
    remotePort: 50_000,
  }
  const told = { length: 90, protocol: 17, sourcePort: 5, destinationPort: 53, tcpFlags: 0, tos: 8 }
  const cases: readonly (readonly [string, SflowFlowSample, object])[] = [
    [
      'ICMP',
      flow([sampledHeader(ping)]),
      { stream: 'icmp4', icmpType: 8, icmpCode: 0, icmpFrom: 'frame', octets: 32 },
    ],
    [
      'ICMPv6',
      flow([sampledHeader(ethernet(0x86dd, ipv6(58, echo(129))))]),
      { stream: 'icmp6', icmpType: 129, octets: 52 },
    ],
    [
      'UDP over IPv6',
      flow([sampledHeader(ipv6(17, udp(53, bytes([1]))), { protocol: 12, stripped: 0 })]),
      { stream: 'flow6', destinationTransportPort: 53 },
    ],
    [
      'a long packet, of which little is sampled',
      flow([sampledHeader(ethernet(0x0800, ipv4(17, udp(53, bytes(new Array(1400).fill(1))))))]),
      { octets: 1428 },
    ],
    [
      'no length in the IP header',
      flow([sampledHeader(ethernet(0x0800, ipv4(6, tcp(16), { totalLength: 0 })), { frameLength: 9018 })]),
      { octets: 9000 },
    ],
    [
      'no IP',
      flow([sampledHeader(lldp)]),
      { stream: 'flow4', octets: 60, sourceAddress: undefined, protocolIdentifier: undefined },
    ],
    [
      'an unknown link layer',
      flow([sampledHeader(bytes(new Array(60).fill(1)), { protocol: 5 })]),
      { octets: 60, sourceAddress: undefined },
    ],
    ['no header at all', flow([]), { packets: 1, octets: undefined, sourceAddress: undefined }],
    [
      'sampled_ipv4',
      flow([sampledIp({ ...told, source: Uint8Array.from(v4(1)), destination: Uint8Array.from(v4(2)) })]),
      {
        stream: 'flow4',
        sourceAddress: '10.0.0.1',
        destinationTransportPort: 53,
        octets: 90,
        ipClassOfService: 8,
      },
    ],
    [
      'sampled_ipv6',
      flow([
        sampledIp({
          ...told,
          protocol: 6,
          tcpFlags: 2,
          source: Uint8Array.from(v6(1)),
          destination: Uint8Array.from(v6(2)),
        }),
      ]),
      { stream: 'flow6', sourceAddress: '2001:db8::1', tcpControlBits: 2 },
    ],
    ['a VLAN that the switch tells', flow([extendedSwitch(30, 31), sampledHeader(ping)]), { vlanId: 30 }],
    [
      'a VLAN that the switch does not know',
      flow([sampledHeader(ping), extendedSwitch(0xffffffff, 31)]),
      { vlanId: undefined },
    ],
    [
      'a tag where the switch says 0',
      flow([sampledHeader(ethernet(0x8100, tag(20, 0x0800, ipv4(1, echo())))), extendedSwitch(0, 0)]),
      { vlanId: 20 },
    ],
    [
      'NAT',
      flow([
        sampledHeader(ping),
        extendedNat(Uint8Array.from(v4(77)), Uint8Array.from(v6(78))),
        extendedNatPort(1, 2),
      ]),
      {
        postNATSourceAddress: '10.0.0.77',
        postNATDestinationAddress: '2001:db8::4e',
        postNAPTSourceTransportPort: 1,
        postNAPTDestinationTransportPort: 2,
      },
    ],
    [
      'the tags that a switch took off',
      flow([sampledHeader(ping), extendedVlanIn(0x8100_0000 + 44, 0x8100_0000 + 45)]),
      { vlanId: 44 },
    ],
    [
      'a MAC header alone',
      flow([sampledEthernet(64, bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2]), 0x0806)]),
      { octets: 60, packets: 1, sourceAddress: undefined },
    ],
    [
      'a MAC header beside IP',
      flow([
        sampledEthernet(108, bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2]), 0x0800),
        sampledIp({ ...told, source: Uint8Array.from(v4(1)), destination: Uint8Array.from(v4(2)) }),
      ]),
      { octets: 90, packets: 1, sourceAddress: '10.0.0.1' },
    ],
    [
      'a transaction: who asks is the source, and there is no packet',
      flow([httpRequest('/', 'www', 'carol'), extendedSocket(socket)]),
      {
        stream: 'flow4',
        sourceAddress: '10.0.0.8',
        destinationAddress: '10.0.0.7',
        sourceTransportPort: 50_000,
        destinationTransportPort: 80,
        protocolIdentifier: 6,
        userName: 'carol',
        packets: undefined,
        octets: undefined,
      },
    ],
    [
      'a transaction over IPv6',
      flow([extendedSocket({ ...socket, local: Uint8Array.from(v6(7)), remote: Uint8Array.from(v6(8)) })]),
      { stream: 'flow6', sourceAddress: '2001:db8::8', packets: undefined },
    ],
    [
      'the socket of a sampled packet',
      flow([extendedSocket(socket), sampledHeader(ping)]),
      { stream: 'icmp4', sourceAddress: '10.0.0.1', packets: 1 },
    ],
    ['users', flow([extendedUser('ann', 'bob'), sampledHeader(ping)]), { userName: 'ann' }],
    [
      'expanded, with large numbers',
      flow([sampledHeader(ping)], {
        isExpanded: true,
        sourceIndex: 0x12345678,
        input: { value: 0x7fffffff },
        output: { value: 0x40000001 },
      }),
      { ingressInterface: 0x7fffffff, egressInterface: 0x40000001 },
    ],
    [
      'discarded on the way',
      flow([sampledHeader(ping)], { output: { format: 1, value: 258 } }),
      { egressInterface: 0 },
    ],
    [
      'sent to many',
      flow([sampledHeader(ping)], { output: { format: 2, value: 9 } }),
      { egressInterface: 0 },
    ],
    [
      'from the device itself',
      flow([sampledHeader(ping)], { input: { value: 0x3fffffff } }),
      { ingressInterface: 0x3fffffff },
    ],
    [
      'no sampling rate',
      flow([sampledHeader(ping)], { samplingRate: 0 }),
      { samplingInterval: undefined, samplingFrom: undefined },
    ],
    [
      'a record of an enterprise',
      flow([{ enterprise: 4413, format: 1, octets: bytes([1, 2, 3, 4, 5]) }, sampledHeader(ping)]),
      { icmpType: 8 },
    ],
  ]
  for (const [name, sample, wanted] of cases) {
    const probe = createProbe()
    probe.feed(agentOf().encode([sample], NOW)[0]!, { at: NOW })
    t.match(probe.flows, [wanted], name)
    t.same(probe.reasons(), [], `${name}: nothing refused`)
  }
})

t.test('our configuration wins over the sampling rate', async (t) => {
  const probe = createProbe({ store: new AgentStore(() => 4096) })
  probe.feed(agentOf().encode([flow([sampledHeader(ping)])], NOW)[0]!, { at: NOW })
  t.match(probe.flows, [{ samplingInterval: 4096, samplingFrom: 'configuration' }])
})

t.test('counters and discarded packets are shown, and are no rows', async (t) => {
  const counters = {
    ifIndex: 3,
    ifSpeed: 1e10,
    ifInOctets: 2 ** 53 + 2,
    ifInUcastPkts: 5,
    ifOutOctets: 6,
    ifOutUcastPkts: 7,
  }
  const vendor = { enterprise: 4413, format: 3, octets: bytes([1, 2, 3, 4]) }
  const probe = createProbe()
  const records = [interfaceCounters(counters), interfaceCounters(counters), vendor]
  const [datagram] = agentOf().encode(
    [
      { kind: 'counters', sourceIndex: 3, records },
      {
        kind: 'counters',
        isExpanded: true,
        sourceIndex: 3,
        records: [{ format: 2, octets: new Uint8Array(8) }],
      },
      {
        kind: 'discarded',
        sourceIndex: 3,
        inputIfIndex: 1,
        outputIfIndex: 2,
        reason: 258,
        records: [sampledHeader(ping)],
      },
    ],
    NOW,
  )
  probe.feed(datagram!, { at: NOW })
  t.same(probe.flows, [])
  t.match(probe.samples, [
    {
      kind: 'counter',
      elements: {
        counters_sample: { sequence_number: 1, source_id: { type: 0, index: 3 } },
        if_counters: [{ ifSpeed: 1e10, ifInOctets: '9007199254740994', ifOutUcastPkts: 7 }, { ifIndex: 3 }],
        '4413/3': '01020304',
      },
    },
    { kind: 'counter', elements: { counters_sample_expanded: {}, '0/2': '0000000000000000' } },
    {
      kind: 'discarded',
      elements: { discarded_packet: { reason: 258 }, sampled_header: { header_protocol: 1 } },
    },
  ])
  const [agent] = probe.decoder.store.exporters[0]!.agents.values()
  t.match(agent!.statistics, { records: 0, counterSamples: 2, discardedPackets: 1 })
})

t.test('what is missing: datagrams, samples, and samples that the agent dropped', async (t) => {
  const probe = createProbe()
  const agent = agentOf(9, 7)
  const sample = (sequenceNumber: number, given = {}) =>
    flow([sampledHeader(ping)], { sequenceNumber, ...given })
  const send = (...samples: SflowFlowSample[]) =>
    agent.encode(samples, NOW).forEach((each) => {
      probe.feed(each, { at: NOW })
    })
  send(sample(10), sample(11))
  send(sample(12), sample(1, { sourceIndex: 4 }))
  t.same(probe.events, [{ event: 'sampling', value: 512, domain: 7 }], 'in order')
  probe.clear()
  send(sample(16), sample(2, { sourceIndex: 4 }))
  t.same(probe.events, [{ event: 'gap', value: 3, domain: 7 }], 'samples that the device lost')
  probe.clear()
  send(sample(17, { drops: 40 }))
  t.same(probe.events, [{ event: 'gap', value: 40, domain: 7 }], 'samples that the device says it dropped')
  probe.clear()
  for (let lost = 0; lost < 5; lost++) agent.encode([sample(18 + lost)], NOW)
  send(sample(23, { drops: 40 }))
  t.same(probe.events, [{ event: 'gap', value: 5, domain: 7 }], 'datagrams, and not their samples once more')
  const [known] = probe.decoder.store.exporters[0]!.agents.values()
  t.match(known!.statistics, { missingSamples: 8, agentDrops: 40 })
  probe.clear()
  send(sample(24, { samplingRate: 1024, drops: 40 }), sample(3, { sourceIndex: 4, samplingRate: 512 }))
  t.same(probe.events, [{ event: 'sampling', value: 1024, domain: 7 }], 'of one source alone')
})

t.test('an agent that began anew has lost nothing', async (t) => {
  const probe = createProbe()
  const before = agentOf(9, 0, { initialSequenceNumber: 70_000 })
  for (const sequenceNumber of [500, 501])
    probe.feed(before.encode([flow([], { sequenceNumber })], NOW)[0]!, { at: NOW })
  const since = createSflowEncoder({ agentAddress: Uint8Array.from(v4(9)), bootMilliseconds: NOW })
  for (const sequenceNumber of [2, 3, 5])
    probe.feed(since.encode([flow([], { sequenceNumber })], NOW + 9000)[0]!, { at: NOW + 9000 })
  const seen = probe.events.filter(({ event }) => event !== 'sampling')
  t.match(seen, [{ event: 'reset' }, { event: 'gap', value: 1 }])
})

t.test('agents behind one address keep their own numbers', async (t) => {
  const probe = createProbe()
  const agents = [
    agentOf(9),
    agentOf(10, 0, { initialSequenceNumber: 5000 }),
    agentOf(9, 1, { initialSequenceNumber: 90 }),
  ]
  for (let round = 0; round < 5; round++) {
    for (const agent of agents)
      for (const each of agent.encode([flow([sampledHeader(ping)])], NOW)) probe.feed(each, { at: NOW })
  }
  t.same(
    probe.events.filter(({ event }) => event !== 'sampling'),
    [],
  )
  t.equal(probe.decoder.store.exporters[0]!.agents.size, 3)
  t.equal(probe.flows.length, 15)
})

t.test('an agent by IPv6, one that does not know its address, and too many', async (t) => {
  const store = new AgentStore(() => 0, { exporters: 2, agentsPerExporter: 2, sourcesPerAgent: 2 })
  const probe = createProbe({ store })
  const [byIpv6] = createSflowEncoder({
    agentAddress: Uint8Array.from(v6(3)),
    bootMilliseconds: BOOT,
  }).encode([flow([])], NOW)
  const [unknown] = createSflowEncoder({ bootMilliseconds: BOOT }).encode([flow([])], NOW)
  probe.feed(byIpv6!)
  probe.feed(unknown!)
  t.same(
    probe.samples.map(({ agent }) => agent),
    ['2001:db8::3', undefined],
  )
  probe.feed(agentOf(1).encode([flow([])], NOW)[0]!)
  t.same(probe.reasons(), ['exporter-limit'])
  for (const last of [2, 3])
    probe.feed(agentOf(1).encode([flow([])], NOW)[0]!, { source: parseAddress(`192.0.2.${last}`)! })
  t.same(probe.reasons(), ['exporter-limit', 'exporter-limit'])
  for (let sourceIndex = 0; sourceIndex < 9; sourceIndex++)
    probe.feed(agentOf(1).encode([flow([], { sourceIndex })], NOW)[0]!, {
      source: parseAddress('192.0.2.2')!,
    })
  t.equal([...store.exporters[1]!.agents.values()][0]!.sources.size, 2)
  t.equal(probe.flows.length, 12, 'sources that are not remembered are decoded')
})

t.test('datagrams that are wrong', async (t) => {
  const [good] = agentOf().encode([flow([sampledHeader(ping)]), flow([sampledHeader(ping)])], NOW)
  const changed = (at: number, value: number) => {
    const octets = Uint8Array.from(good!)
    octets.set(u32(value), at)
    return octets
  }
  const header = 28
  const sample = header + 8
  const cases: readonly (readonly [string, Uint8Array, readonly string[], number])[] = [
    ['empty', bytes(), ['datagram-too-short'], 0],
    ['a version alone', bytes(u32(5)), ['datagram-too-short'], 0],
    ['cut in its header', good!.slice(0, 20), ['datagram-too-short'], 0],
    ['version 4', changed(0, 4), ['version-unsupported'], 0],
    ['version 6', changed(0, 6), ['version-unknown'], 0],
    ['an agent of type 3', changed(4, 3), ['agent-address-unknown'], 0],
    ['more samples than there are', changed(24, 3), ['count-exceeds-datagram'], 2],
    ['fewer samples than there are', changed(24, 1), [], 1],
    ['a sample past the end', changed(header + 4, 5000), ['sample-past-end'], 0],
    ['a sample of no length', changed(header + 4, 0), ['sample-truncated', 'sample-truncated'], 0],
    ['a sample of another enterprise', changed(header, 0x9001), ['sample-format-unknown'], 1],
    ['more records than there are', changed(sample + 28, 2), ['count-exceeds-sample'], 2],
    ['a record past its sample', changed(sample + 36, 5000), ['record-past-end'], 2],
    ['a record of no length', changed(sample + 36, 0), ['record-truncated'], 2],
    ['a header past its record', changed(sample + 52, 5000), ['sampled-header-past-end'], 2],
  ]
  for (const [name, octets, reasons, flows] of cases) {
    const probe = createProbe()
    probe.feed(octets)
    t.same(probe.reasons(), reasons, `${name}: why`)
    t.equal(probe.flows.length, flows, `${name}: rows`)
  }
  const probe = createProbe()
  probe.feed(concatenate([good!.subarray(0, 24), bytes(u32(0xffffffff)), new Uint8Array(65_000)]))
  t.equal(probe.undecoded.length, probe.decoder.steps + 1, 'samples of nothing, one step each')
  t.ok(probe.decoder.steps <= 65_000 / 8)
  t.ok(isSflow(new DataView(good!.buffer), good!.length))
  t.notOk(isSflow(new DataView(Uint8Array.of(0, 5, 0, 1, 0, 0, 0, 0).buffer), 8), 'NetFlow v5 is another')
})

t.test('cut at every octet', async (t) => {
  const [good] = agentOf().encode(
    [
      flow([
        sampledHeader(ping),
        extendedSwitch(1, 2),
        extendedUser('ann', 'bob'),
        extendedNat(Uint8Array.from(v4(1)), Uint8Array.from(v6(2))),
      ]),
      {
        kind: 'counters',
        sourceIndex: 3,
        records: [
          interfaceCounters({
            ifIndex: 1,
            ifSpeed: 1,
            ifInOctets: 1,
            ifInUcastPkts: 1,
            ifOutOctets: 1,
            ifOutUcastPkts: 1,
          }),
        ],
      },
    ],
    NOW,
  )
  for (let length = 0; length < good!.length; length++) {
    const probe = createProbe()
    probe.feed(good!.slice(0, length))
    if (probe.undecoded.length === 0) t.fail(`cut at ${length}: not noticed`)
  }
  t.pass(`${good!.length} cuts`)
})

t.test('what the simulator encodes is decoded: any sample', async (t) => {
  const u16Of = fc.integer({ min: 0, max: 0xffff })
  const packet = fc.record({
    source: fc.integer({ min: 1, max: 254 }),
    destination: fc.integer({ min: 1, max: 254 }),
    port: u16Of.filter((port) => ![4789, 8472, 6081, 6635].includes(port)),
    vlan: fc.option(fc.integer({ min: 1, max: 4094 })),
    isIpv6: fc.boolean(),
    octets: fc.integer({ min: 0, max: 300 }),
    tos: fc.integer({ min: 0, max: 255 }),
  })
  const ifIndex = fc.integer({ min: 0, max: 0x3fffffff })
  const sample = fc.record({
    packet,
    samplingRate: fc.integer({ min: 1, max: 0xffffffff }),
    input: ifIndex,
    output: ifIndex,
    isExpanded: fc.boolean(),
    sourceIndex: fc.integer({ min: 0, max: 0xffffff }),
  })
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 12 }), fc.boolean(), (samples, observed) => {
        const probe = createProbe({ observed })
        const encoded = samples.map(
          ({ packet: { source, destination, port, vlan, isIpv6, octets, tos }, input, output, ...rest }) => {
            const segment = udp(port, new Uint8Array(octets))
            const ip = isIpv6
              ? ipv6(17, segment, { source, destination, tos })
              : ipv4(17, segment, { source, destination, tos })
            const etherType = isIpv6 ? 0x86dd : 0x0800
            const whole = vlan === null ? ethernet(etherType, ip) : ethernet(0x8100, tag(vlan, etherType, ip))
            return flow([sampledHeader(whole)], {
              ...rest,
              input: { value: input },
              output: { value: output },
            })
          },
        )
        for (const datagram of agentOf().encode(encoded, NOW)) probe.feed(datagram, { at: NOW })
        const bySamples = (isIpv6: boolean) => samples.filter((each) => each.packet.isIpv6 === isIpv6)
        // An observer empties a builder for each row, so rows come by stream.
        const flows = probe.flows
        for (const isIpv6 of [false, true]) {
          const rows = flows.filter(({ stream }) => stream === (isIpv6 ? 'flow6' : 'flow4'))
          const wanted = bySamples(isIpv6).map(({ packet, samplingRate, input, output }) => [
            isIpv6 ? `2001:db8::${packet.source.toString(16)}` : `10.0.0.${packet.source}`,
            5000,
            packet.port,
            17,
            packet.octets + 8 + (isIpv6 ? 40 : 20),
            packet.tos,
            packet.vlan ?? undefined,
            samplingRate,
            input,
            output,
          ])
          const got = rows.map((row) => [
            row['sourceAddress'],
            row['sourceTransportPort'],
            row['destinationTransportPort'],
            row['protocolIdentifier'],
            row['octets'],
            row['ipClassOfService'],
            row['vlanId'],
            row['samplingInterval'],
            row['ingressInterface'],
            row['egressInterface'],
          ])
          if (JSON.stringify(got) !== JSON.stringify(wanted)) return false
        }
        return probe.undecoded.length === 0
      }),
      { numRuns: 150, seed: 20_260_603 },
    ),
  )
})

t.test('mutations: nothing throws, nothing runs on, memory stays bounded', async (t) => {
  const random = createRandom(20_260_604)
  const counters = interfaceCounters({
    ifIndex: 1,
    ifSpeed: 1,
    ifInOctets: 1,
    ifInUcastPkts: 1,
    ifOutOctets: 1,
    ifOutUcastPkts: 1,
  })
  const gateway = bytes(
    u32(1),
    v4(1),
    u32(1),
    u32(2),
    u32(3),
    u32(1),
    u32(2),
    u32(2),
    u32(4),
    u32(5),
    u32(1),
    u32(9),
    u32(100),
  )
  const seeds = [
    agentOf().encode(
      [
        flow([sampledHeader(ping), extendedSwitch(1, 2)]),
        flow([extendedUser('ann', 'bob'), { format: 1003, octets: gateway }]),
      ],
      NOW,
    )[0]!,
    agentOf().encode(
      [
        flow(
          [
            sampledHeader(ethernet(0x86dd, ipv6(6, tcp(2)))),
            extendedNat(Uint8Array.from(v4(1)), Uint8Array.from(v6(2))),
          ],
          { isExpanded: true },
        ),
      ],
      NOW,
    )[0]!,
    agentOf().encode(
      [
        { kind: 'counters', sourceIndex: 1, records: [counters] },
        {
          kind: 'discarded',
          sourceIndex: 1,
          inputIfIndex: 1,
          outputIfIndex: 2,
          reason: 3,
          records: [sampledHeader(ping)],
        },
      ],
      NOW,
    )[0]!,
  ]
  const interesting = [
    0, 1, 2, 3, 4, 5, 7, 8, 16, 1003, 1004, 0x0fff, 0x1000, 0x3fffffff, 0x7fffffff, 0x80000000, 0xfffffff0,
    0xffffffff,
  ]
  const limits = { exporters: 8, agentsPerExporter: 20, agents: 60, sourcesPerAgent: 20, sources: 200 }
  const store = new AgentStore(() => 0, limits)
  const probes = [
    createProbe({ store }),
    createProbe({ store: new AgentStore(() => 0, limits), observed: false }),
  ]
  const until = Date.now() + 3000
  let fed = 0
  let rows = 0
  let refused = 0
  for (; fed < 40_000 && Date.now() < until; fed++) {
    let octets = Uint8Array.from(random.choice(seeds))
    for (let left = random.integer(1, 5); left > 0; left--) {
      const at = random.integer(0, octets.length - 1)
      const word = at & ~3
      switch (random.integer(0, 3)) {
        case 0:
          octets[at] = random.integer(0, 255)
          break
        case 1:
          if (word + 4 <= octets.length) octets.set(u32(random.choice(interesting)), word)
          break
        case 2:
          if (random.integer(0, 3) === 0) octets = octets.slice(0, Math.max(1, at))
          break
        default:
          octets = Uint8Array.from([...octets.subarray(0, word), ...random.choice(seeds).subarray(28)])
      }
    }
    const probe = probes[fed % 2]!
    try {
      probe.feed(octets, { at: NOW + fed })
    } catch (error) {
      t.fail(`threw at ${Buffer.from(octets).toString('hex')}`, { error })
      return
    }
    if (probe.decoder.steps > octets.length / 8 + 1)
      t.fail(`${probe.decoder.steps} steps for ${octets.length} octets`)
    rows += probe.flows.length
    refused += probe.undecoded.length
    probe.clear()
  }
  t.ok(
    fed > 2000 && rows > fed / 10 && refused > fed / 10,
    `${fed} datagrams, ${rows} rows, ${refused} refused`,
  )
  const agents = store.exporters.flatMap((exporter) => [...exporter.agents.values()])
  t.ok(agents.length <= limits.agents)
  t.ok(agents.reduce((sum, { sources }) => sum + sources.size, 0) <= limits.sources)
  probes[0]!.feed(agentOf(99).encode([flow([sampledHeader(ping)])], NOW)[0]!, {
    source: parseAddress('192.0.2.99')!,
  })
  t.match(
    probes[0]!.flows,
    [{ sourceAddress: '10.0.0.1', icmpType: 8 }],
    'a valid datagram decodes as before',
  )
})
