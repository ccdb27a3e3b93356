// Records that export a section of the packet instead of its 5-tuple.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readDatagrams } from '#collectors/capture/datagrams.js'
import { findCorpora } from '../../support/shared.js'
import { bytes, echo, ethernet, ipv4, ipv6, label, tag, tcp, u16, u32, udp, v4, v6 } from '../frame/frames.js'
import { data, ipfix, ipfixTemplate, NOW, type Pair, v9, v9Template } from './datagrams.js'
import { createProbe } from './probe.js'

const VARIABLE = 65_535
const ping = ethernet(0x8100, tag(231, 0x0800, ipv4(1, echo(), { tos: 8 })))
const variable = (octets: Uint8Array) => bytes(octets.length, octets)

function decode(pairs: readonly Pair[], records: readonly Uint8Array[], observed = true) {
  const probe = createProbe({ observed })
  probe.feed(ipfix([ipfixTemplate(300, pairs), data(300, ...records)]), { at: NOW })
  probe.finish()
  t.same(probe.reasons(), [])
  return probe.flows
}

t.test('the 5-tuple, and what the record says itself', async (t) => {
  const pairs: readonly Pair[] = [
    [10, 4],
    [312, 2],
    [315, VARIABLE],
  ]
  const records = [
    bytes(u32(582), u16(ping.length), variable(ping)),
    bytes(u32(583), u16(1514), variable(ethernet(0x86dd, ipv6(6, tcp(0x02))))),
    bytes(u32(584), u16(60), variable(ethernet(0x0806, bytes(new Array(28).fill(1))))),
    bytes(u32(585), u16(9018), variable(ethernet(0x0800, ipv4(6, tcp(16), { totalLength: 0 })))),
  ]
  const wanted = [
    {
      stream: 'icmp4',
      sourceAddress: '10.0.0.1',
      destinationAddress: '10.0.0.2',
      protocolIdentifier: 1,
      icmpType: 8,
      icmpCode: 0,
      icmpFrom: 'frame',
      octets: 32,
      packets: 1,
      ipClassOfService: 8,
      vlanId: 231,
      ingressInterface: 582,
    },
    {
      stream: 'flow6',
      sourceAddress: '2001:db8::1',
      destinationTransportPort: 443,
      tcpControlBits: 2,
      octets: 63,
    },
    {
      stream: 'flow4',
      sourceAddress: undefined,
      protocolIdentifier: undefined,
      octets: 60,
      packets: 1,
      ingressInterface: 584,
    },
    { stream: 'flow4', sourceAddress: '10.0.0.1', octets: 9004 },
  ]
  t.match(decode(pairs, records), wanted)
  const byStream = (flows: readonly object[]) =>
    flows
      .map((flow) => JSON.stringify({ ...flow, elements: undefined, templateId: undefined, held: false }))
      .sort()
  t.same(byStream(decode(pairs, records, false)), byStream(decode(pairs, records)), 'without an observer too')
})

t.test('sections of other kinds', async (t) => {
  const packet = ipv4(17, udp(53, bytes([1, 2])))
  const cases: readonly (readonly [string, readonly Pair[], Uint8Array, object])[] = [
    [
      'from IP on',
      [[313, VARIABLE]],
      variable(packet),
      { sourceAddress: '10.0.0.1', destinationTransportPort: 53, octets: 30 },
    ],
    ['from IPv6 on', [[313, VARIABLE]], variable(ipv6(58, echo(128))), { stream: 'icmp6', icmpType: 128 }],
    [
      'of a fixed length',
      [[313, 64]],
      bytes(packet, new Array(34).fill(0)),
      { destinationTransportPort: 53 },
    ],
    [
      'of a fixed length, of which less is used',
      [
        [410, 2],
        [313, 64],
      ],
      bytes(u16(22), packet, new Array(34).fill(0)),
      { sourceAddress: '10.0.0.1', destinationTransportPort: undefined },
    ],
    [
      'not from the beginning',
      [
        [409, 2],
        [313, VARIABLE],
      ],
      bytes(u16(8), variable(packet)),
      { sourceAddress: undefined },
    ],
    [
      'of another link layer',
      [
        [408, 2],
        [315, VARIABLE],
      ],
      bytes(u16(2), variable(ping)),
      { sourceAddress: undefined, packets: 1 },
    ],
    ['behind labels', [[317, VARIABLE]], variable(packet), { destinationTransportPort: 53 }],
    [
      'with labels',
      [[315, VARIABLE]],
      variable(ethernet(0x8847, label(16, true, packet))),
      { destinationTransportPort: 53 },
    ],
    ['of the payload alone', [[314, VARIABLE]], variable(bytes([1, 2])), { sourceAddress: undefined }],
    [
      'empty',
      [
        [10, 4],
        [315, VARIABLE],
      ],
      bytes(u32(5), 0),
      { ingressInterface: 5, sourceAddress: undefined },
    ],
    [
      'beside counters',
      [
        [1, 8],
        [2, 8],
        [315, VARIABLE],
      ],
      bytes(u32(0), u32(999), u32(0), u32(3), variable(ping)),
      { octets: 999, packets: 3, icmpType: 8 },
    ],
    [
      'beside addresses, which win',
      [
        [8, 4],
        [12, 4],
        [4, 1],
        [315, VARIABLE],
      ],
      bytes(v4(7), v4(8), 6, variable(ping)),
      { sourceAddress: '10.0.0.7', protocolIdentifier: 6 },
    ],
    [
      'beside IPv6 addresses',
      [
        [27, 16],
        [28, 16],
        [313, VARIABLE],
      ],
      bytes(v6(7), v6(8), variable(packet)),
      { sourceAddress: '2001:db8::7' },
    ],
    [
      'beside a VLAN and a ToS',
      [
        [58, 2],
        [5, 1],
        [315, VARIABLE],
      ],
      bytes(u16(4), 9, variable(ping)),
      { vlanId: 4, ipClassOfService: 9, icmpType: 8 },
    ],
  ]
  for (const [name, pairs, record, wanted] of cases) t.match(decode(pairs, [record]), [wanted], name)
  const probe = createProbe()
  probe.feed(
    v9([
      v9Template(256, [
        [102, 2],
        [103, 2],
        [104, 64],
      ]),
      data(256, bytes(u16(0), u16(74), ping, new Array(64 - ping.length).fill(0))),
    ]),
  )
  t.match(probe.flows, [{ icmpType: 8, vlanId: 231 }], 'as NetFlow v9 has it')
})

t.test('records of sections that are cut or wrong stay rows', async (t) => {
  for (let length = 0; length <= ping.length; length++) {
    const flows = decode(
      [
        [10, 4],
        [315, VARIABLE],
      ],
      [bytes(u32(5), variable(ping.slice(0, length)))],
    )
    if (flows.length !== 1 || flows[0]!['ingressInterface'] !== 5) t.fail(`cut at ${length}`, { flows })
  }
  t.pass(`${ping.length} cuts`)
})

t.test('a real exporter of frames, as the golden resolves it', async (t) => {
  const corpora = findCorpora()
  if (corpora === undefined) {
    t.comment('SKIPPED: no shared/corpora above the project, and CULVERT_SHARED does not name it')
    t.pass('not compared', { skip: 'the corpora are not there' })
    return
  }
  const folder = join(corpora, 'flows')
  const golden = JSON.parse(
    readFileSync(join(folder, 'expected', 'unknown-ipfix-datalink-ie315.json'), 'utf8'),
  ) as { inputs: string[]; flows: { resolved: Record<string, unknown> }[] }
  const probe = createProbe()
  for (const input of golden.inputs)
    for (const { payload, source } of readDatagrams(join(folder, input))) probe.feed(payload, { source })
  const wanted = golden.flows.map(({ resolved }) => ({
    sourceAddress: resolved['src'],
    destinationAddress: resolved['dst'],
    sourceTransportPort: resolved['srcPort'],
    destinationTransportPort: resolved['dstPort'],
    protocolIdentifier: resolved['protocol'],
    octets: resolved['bytes'],
    packets: resolved['packets'],
    vlanId: resolved['vlan'],
    ingressInterface: resolved['inIf'],
    egressInterface: resolved['outIf'],
    flowDirection: resolved['direction'],
  }))
  t.match(probe.flows, wanted)
})
