// The packet-header dissector: every layer in a table, cut at every octet, against random octets, and beside tshark.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { dissect, MAX_STEPS } from '#collectors/frame/dissect.js'
import { FrameDissection, LayerBit } from '#collectors/frame/dissection.js'
import { Layer } from '#collectors/frame/layers.js'
import { octetsOfFrame } from '#collectors/frame/row.js'
import { formatIPv4, formatIPv6 } from '#core/records/address.js'
import { concatenate } from '#simulate/encode/bytes.js'
import { pcapHeader } from '#simulate/pcap.js'
import { createRandom } from '#simulate/random.js'
import {
  authentication,
  bytes,
  echo,
  ethernet,
  extension,
  geneve,
  gre,
  ipv4,
  ipv6,
  ipv6Fragment,
  label,
  pppoe,
  snap,
  tag,
  tcp,
  u16,
  u32,
  udp,
  vxlan,
} from './frames.js'

const frame = new FrameDissection()
const viewOf = (octets: Uint8Array) => new DataView(octets.buffer, octets.byteOffset, octets.length)

/** Everything that a dissection says, as people read it. */
function read(octets: Uint8Array, first: Layer = Layer.ethernet, offset = 0, length = octets.length) {
  const view = viewOf(octets)
  dissect(frame, view, offset, length, first)
  const address = (family: number, at: number) =>
    at < 0
      ? undefined
      : family === 4
        ? formatIPv4(view.getUint32(at))
        : formatIPv6(
            view.getUint32(at),
            view.getUint32(at + 4),
            view.getUint32(at + 8),
            view.getUint32(at + 12),
          )
  const { family, outerFamily } = frame
  return {
    layers: Object.entries(LayerBit)
      .filter(([, bit]) => (frame.layers & bit) !== 0)
      .map(([name]) => name)
      .join(' '),
    family,
    source: address(family, frame.sourceAddressOffset),
    destination: address(family, frame.destinationAddressOffset),
    protocol: frame.protocol,
    tos: frame.tos,
    octets: octetsOfFrame(frame, length, offset),
    ports: [frame.sourcePort, frame.destinationPort],
    flags: frame.tcpControlBits,
    icmp: [frame.icmpType, frame.icmpCode],
    vlan: [frame.vlanId, frame.innerVlanId],
    fragment: [frame.fragmentOffset, frame.fragmentFlags],
    payload: frame.payloadLength,
    outer:
      outerFamily === 0
        ? undefined
        : [address(outerFamily, frame.outerSourceAddressOffset), frame.outerProtocol],
  }
}

const ICMP = 1
const IPIP = 4
const TCP = 6
const UDP = 17
const IN_IPV6 = 41
const GRE = 47
const ICMPV6 = 58
const inner = { source: 101, destination: 102 }
const ping = ipv4(ICMP, echo(), inner)
const ping6 = ipv6(ICMPV6, echo(128), inner)
const isPing = {
  family: 4,
  source: '10.0.0.101',
  destination: '10.0.0.102',
  protocol: 1,
  icmp: [8, 0],
  octets: 32,
}
const isPing6 = { family: 6, source: '2001:db8::65', protocol: 58, icmp: [128, 0], octets: 52, payload: 4 }
const macOf45 = [0x45, 0, 0, 0x20, 0, 1]
const macOf60 = [0x60, 0, 0, 0, 0, 1]

type Row = readonly [name: string, octets: Uint8Array, wanted: object, first?: Layer]

const table: readonly Row[] = [
  [
    'Ethernet, IPv4, TCP',
    ethernet(0x0800, ipv4(TCP, tcp(0x12), { tos: 0xb8 })),
    {
      source: '10.0.0.1',
      destination: '10.0.0.2',
      protocol: 6,
      tos: 0xb8,
      ports: [1024, 443],
      flags: 0x12,
      octets: 43,
      payload: 3,
      layers: 'ethernet ipv4 tcp',
    },
  ],
  [
    'IPv4, UDP',
    ethernet(0x0800, ipv4(UDP, udp(53, bytes([1, 2])))),
    { ports: [5000, 53], flags: -1, payload: 2 },
  ],
  [
    'IPv4 with options',
    ethernet(0x0800, ipv4(UDP, udp(53, bytes()), { options: [1, 1, 1, 1, 1, 1, 1, 0] })),
    { ports: [5000, 53], octets: 36 },
  ],
  ['echo', ethernet(0x0800, ping), { ...isPing, payload: 4, outer: undefined }],
  [
    'padding to 60 octets is no payload',
    bytes(ethernet(0x0800, ping), new Array(14).fill(0)),
    { ...isPing, payload: 4 },
  ],
  [
    'first fragment',
    ethernet(0x0800, ipv4(UDP, udp(53, bytes([1, 2])), { fragment: 0x2000 })),
    { ports: [5000, 53], fragment: [0, 0x20] },
  ],
  [
    'later fragment',
    ethernet(0x0800, ipv4(UDP, bytes(new Array(40).fill(9)), { fragment: 0x2010 })),
    { protocol: 17, ports: [-1, -1], fragment: [16, 0x20], payload: 40 },
  ],
  [
    'last fragment',
    ethernet(0x0800, ipv4(ICMP, bytes(new Array(16).fill(8)), { fragment: 0x0010 })),
    { protocol: 1, icmp: [-1, -1], fragment: [16, 0] },
  ],
  [
    'IPv4 of total length 0',
    ethernet(0x0800, ipv4(TCP, tcp(16), { totalLength: 0 })),
    { ports: [1024, 443], octets: 43 },
  ],
  [
    'IPv4 shorter than its header',
    ethernet(0x0800, ipv4(TCP, tcp(16), { totalLength: 12 })),
    { source: '10.0.0.1', ports: [-1, -1] },
  ],
  ['802.1Q', ethernet(0x8100, tag(231, 0x0800, ping)), { ...isPing, vlan: [231, 231] }],
  ['802.1ad', ethernet(0x88a8, tag(7, 0x8100, tag(8, 0x86dd, ping6))), { ...isPing6, vlan: [7, 8] }],
  [
    'three tags',
    ethernet(0x9100, tag(7, 0x88a8, tag(8, 0x8100, tag(9, 0x0800, ping)))),
    { ...isPing, vlan: [7, 9] },
  ],
  [
    '802.1ah',
    ethernet(0x88a8, tag(7, 0x88e7, bytes(u32(0x1234), ethernet(0x8100, tag(8, 0x0800, ping))))),
    { ...isPing, vlan: [7, 7] },
  ],
  ['LLC and SNAP', ethernet(40, snap(0x0800, ping)), { ...isPing, layers: 'ethernet llc ipv4 icmp' }],
  ['LLC without SNAP', ethernet(38, bytes(0x06, 0x06, 0x03, ping)), isPing],
  [
    'LLC of other protocols',
    ethernet(38, bytes(0x42, 0x42, 0x03, [0, 0, 0, 0])),
    { family: 0, source: undefined, octets: 21 },
  ],
  ['ARP', ethernet(0x0806, bytes(new Array(28).fill(1))), { family: 0, layers: 'ethernet arp', octets: 42 }],
  ['PPPoE', ethernet(0x8864, pppoe(0x0021, ping)), { ...isPing, layers: 'ethernet pppoe ppp ipv4 icmp' }],
  ['PPPoE and IPv6', ethernet(0x8100, tag(35, 0x8864, pppoe(0x0057, ping6))), { ...isPing6, vlan: [35, 35] }],
  ['PPP', bytes(0xff, 0x03, u16(0x0021), ping), isPing, Layer.ppp],
  ['PPP with a short protocol', bytes(0x21, ping), isPing, Layer.ppp],
  ['PPP and MPLS', bytes(u16(0x0281), label(16, true, ping)), isPing, Layer.ppp],
  ['HDLC', bytes(0x0f, 0x00, u16(0x0800), ping), isPing, Layer.ppp],
  ['MPLS', ethernet(0x8847, label(16, true, ping)), { ...isPing, layers: 'ethernet mpls ipv4 icmp' }],
  ['MPLS stack', ethernet(0x8847, label(16, false, label(17, false, label(18, true, ping6)))), isPing6],
  ['MPLS alone', label(16, true, ping), isPing, Layer.mpls],
  [
    'pseudowire with control word',
    ethernet(0x8847, label(16, true, bytes(u32(0), ethernet(0x0800, ping)))),
    { ...isPing, layers: 'ethernet mpls pseudowire ipv4 icmp' },
  ],
  [
    'pseudowire with VLAN',
    ethernet(0x8100, tag(5, 0x8847, label(16, true, bytes(u32(9), ethernet(0x8100, tag(6, 0x0800, ping)))))),
    { ...isPing, vlan: [5, 5] },
  ],
  ['pseudowire without control word', ethernet(0x8847, label(16, true, ethernet(0x0800, ping))), isPing],
  [
    'pseudowire to a MAC that begins with 4',
    ethernet(0x8847, label(16, true, ethernet(0x0800, ping, macOf45))),
    isPing,
  ],
  [
    'pseudowire to a MAC that begins with 6',
    ethernet(0x8847, label(16, true, ethernet(0x0800, ping, macOf60))),
    { icmp: [8, 0] },
  ],
  [
    'IPv6',
    ethernet(0x86dd, ipv6(TCP, tcp(0x02), { tos: 0x88 })),
    {
      family: 6,
      source: '2001:db8::1',
      destination: '2001:db8::2',
      protocol: 6,
      tos: 0x88,
      flags: 2,
      octets: 63,
    },
  ],
  [
    'IPv6 of payload length 0',
    ethernet(0x86dd, ipv6(TCP, tcp(0x02), { payloadLength: 0 })),
    { ports: [1024, 443], octets: 63 },
  ],
  [
    'hop by hop',
    ethernet(0x86dd, ipv6(0, extension(ICMPV6, 8, echo(143)))),
    { protocol: 58, icmp: [143, 0] },
  ],
  [
    'all extension headers',
    ethernet(
      0x86dd,
      ipv6(
        0,
        extension(60, 16, extension(43, 8, extension(51, 8, authentication(UDP, udp(53, bytes([1])))))),
      ),
    ),
    { protocol: 17, ports: [5000, 53], layers: 'ethernet ipv6 extensionHeaders udp authentication' },
  ],
  [
    'IPv6 first fragment',
    ethernet(0x86dd, ipv6(44, ipv6Fragment(ICMPV6, 0, true, echo(128)))),
    { protocol: 58, icmp: [128, 0], fragment: [0, 0x20] },
  ],
  [
    'IPv6 later fragment',
    ethernet(0x86dd, ipv6(44, ipv6Fragment(ICMPV6, 181, false, echo(128)))),
    { protocol: 58, icmp: [-1, -1], fragment: [181, 0] },
  ],
  ['no next header', ethernet(0x86dd, ipv6(59, bytes([1, 2, 3]))), { protocol: 59, ports: [-1, -1] }],
  [
    'SRv6 with IPv4',
    ethernet(0x86dd, ipv6(43, extension(IPIP, 24, ping, 4))),
    {
      ...isPing,
      outer: ['2001:db8::1', 4],
      layers: 'ethernet ipv4 ipv6 extensionHeaders segmentRouting ipInIp icmp',
    },
  ],
  [
    'SRv6 with IPv6',
    ethernet(0x86dd, ipv6(43, extension(IN_IPV6, 24, ping6, 4))),
    { ...isPing6, outer: ['2001:db8::1', 41] },
  ],
  [
    'SRv6 with Ethernet',
    ethernet(0x86dd, ipv6(43, extension(143, 24, ethernet(0x8100, tag(9, 0x0800, ping)), 4))),
    { ...isPing, vlan: [-1, -1], outer: ['2001:db8::1', 143] },
  ],
  ['SRv6 without a header', ethernet(0x86dd, ipv6(IPIP, ping)), { ...isPing, outer: ['2001:db8::1', 4] }],
  [
    'IP in IP',
    ethernet(0x0800, ipv4(IPIP, ping)),
    { ...isPing, outer: ['10.0.0.1', 4], layers: 'ethernet ipv4 ipInIp icmp' },
  ],
  ['6in4', ethernet(0x0800, ipv4(IN_IPV6, ping6)), { ...isPing6, outer: ['10.0.0.1', 41] }],
  [
    'three deep',
    ethernet(0x0800, ipv4(IPIP, ipv4(IPIP, ping, { source: 50 }))),
    { ...isPing, outer: ['10.0.0.1', 4] },
  ],
  [
    'an inner header that is wrong',
    ethernet(0x0800, ipv4(IPIP, bytes([0x12, 0x34], new Array(30).fill(0)))),
    { source: '10.0.0.1', protocol: 4, outer: undefined },
  ],
  ['GRE', ethernet(0x0800, ipv4(GRE, gre(0, 0x0800, ping))), { ...isPing, outer: ['10.0.0.1', 47] }],
  [
    'GRE with checksum, key, sequence',
    ethernet(0x0800, ipv4(GRE, gre(0xb000, 0x86dd, ping6))),
    { ...isPing6, layers: 'ethernet ipv4 ipv6 gre icmp' },
  ],
  ['GRE with Ethernet', ethernet(0x86dd, ipv6(GRE, gre(0x2000, 0x6558, ethernet(0x0800, ping)))), isPing],
  ['GRE with MPLS', ethernet(0x0800, ipv4(GRE, gre(0, 0x8847, label(16, true, ping)))), isPing],
  ['PPTP', ethernet(0x0800, ipv4(GRE, gre(0x3081, 0x880b, bytes(0xff, 0x03, u16(0x0021), ping)))), isPing],
  [
    'GRE of a later version',
    ethernet(0x0800, ipv4(GRE, gre(0x0003, 0x0800, ping))),
    { source: '10.0.0.1', protocol: 47 },
  ],
  [
    'VXLAN',
    ethernet(0x0800, ipv4(UDP, udp(4789, vxlan(ethernet(0x8100, tag(9, 0x0800, ping)))))),
    { ...isPing, vlan: [-1, -1], outer: ['10.0.0.1', 17], layers: 'ethernet vlan ipv4 vxlan udp icmp' },
  ],
  ['VXLAN on its old port', ethernet(0x86dd, ipv6(UDP, udp(8472, vxlan(ethernet(0x86dd, ping6))))), isPing6],
  [
    'VXLAN with a group policy',
    ethernet(0x0800, ipv4(UDP, udp(4789, vxlan(ethernet(0x0800, ping), 0x88)))),
    isPing,
  ],
  [
    'other traffic to the port of VXLAN',
    ethernet(0x0800, ipv4(UDP, udp(4789, vxlan(ethernet(0x0800, ping), 0x04)))),
    { source: '10.0.0.1', ports: [5000, 4789] },
  ],
  [
    'ARP in VXLAN',
    ethernet(0x0800, ipv4(UDP, udp(4789, vxlan(ethernet(0x0806, bytes(new Array(28).fill(1))))))),
    { source: '10.0.0.1', ports: [5000, 4789] },
  ],
  ['GENEVE', ethernet(0x0800, ipv4(UDP, udp(6081, geneve(0x6558, ethernet(0x0800, ping))))), isPing],
  ['GENEVE with IPv6', ethernet(0x0800, ipv4(UDP, udp(6081, geneve(0x86dd, ping6, 0)))), isPing6],
  ['MPLS in UDP', ethernet(0x0800, ipv4(UDP, udp(6635, label(16, true, ping)))), isPing],
  ['MPLS in IP', ethernet(0x0800, ipv4(137, label(16, true, ping))), isPing],
  ['EtherIP', ethernet(0x0800, ipv4(97, bytes([0x30, 0], ethernet(0x0800, ping)))), isPing],
  [
    'AH in IPv4 is a protocol',
    ethernet(0x0800, ipv4(51, authentication(TCP, tcp(2)))),
    { protocol: 51, ports: [-1, -1] },
  ],
  [
    'AH in tunnel mode',
    ethernet(0x0800, ipv4(51, authentication(IPIP, ping))),
    { ...isPing, outer: ['10.0.0.1', 51] },
  ],
  [
    'ESP',
    ethernet(0x0800, ipv4(50, bytes(new Array(40).fill(7)))),
    { protocol: 50, ports: [-1, -1], payload: 40 },
  ],
  [
    'SCTP',
    ethernet(0x0800, ipv4(132, bytes(u16(9899), u16(2905), new Array(12).fill(0)))),
    { ports: [9899, 2905] },
  ],
  ['IPv4 alone', ping, isPing, Layer.ip],
  ['IPv6 alone', ping6, isPing6, Layer.ip],
  ['behind a label stack', ping6, isPing6, Layer.mplsPayload],
  [
    'an error does not become what it quotes',
    ethernet(0x0800, ipv4(ICMP, bytes(3, 1, [0, 0], u32(0), ping))),
    { source: '10.0.0.1', icmp: [3, 1] },
  ],
]

t.test('every layer', async (t) => {
  t.plan(table.length)
  for (const [name, octets, wanted, first] of table) t.match(read(octets, first), wanted, name)
})

t.test('cut at every octet: nothing throws, and nothing behind the end is read', async (t) => {
  let cuts = 0
  for (const [name, octets, , first] of table) {
    const whole = read(octets, first)
    for (let length = 0; length <= octets.length; length++) {
      const alone = read(octets.slice(0, length), first)
      const [zeros, ones] = [0, 0xff].map((fill) => {
        const buffer = new Uint8Array(octets.length + 90).fill(fill)
        buffer.set(octets.subarray(0, length), 31)
        return read(buffer, first, 31, length)
      })
      if (JSON.stringify(zeros) !== JSON.stringify(ones) || JSON.stringify(zeros) !== JSON.stringify(alone))
        t.fail(`${name}: octets behind ${length} were read`, { alone, zeros, ones })
      // What is read of a cut header is what the whole one says, or nothing.
      if (whole.outer === undefined && alone.family !== 0 && alone.source !== whole.source)
        t.fail(`${name}: cut at ${length}`, { alone, whole })
      cuts++
    }
  }
  t.ok(cuts > 3000, `${cuts} cuts`)
})

t.test('layers without end take no more than the steps allowed', async (t) => {
  const deep = (wrap: (octets: Uint8Array) => Uint8Array, octets: Uint8Array) => {
    let wrapped = octets
    for (let depth = 0; depth < 200; depth++) wrapped = wrap(wrapped)
    return wrapped
  }
  for (const octets of [
    ethernet(
      0x8100,
      deep((octets) => tag(1, 0x8100, octets), ping),
    ),
    ethernet(
      0x8847,
      deep((octets) => label(1, false, octets), ping),
    ),
    ethernet(
      0x0800,
      deep((octets) => ipv4(IPIP, octets), ping),
    ),
    ethernet(
      0x86dd,
      ipv6(
        60,
        deep((octets) => extension(60, 8, octets), echo()),
      ),
    ),
  ]) {
    read(octets)
    t.equal(frame.steps, MAX_STEPS)
  }
})

t.test('mutations and noise: nothing throws, steps stay bounded', async (t) => {
  const random = createRandom(20_260_602)
  let found = 0
  const rounds = 60_000
  for (let round = 0; round < rounds; round++) {
    const [, octets, , first] = random.choice(table)
    const mutated = Uint8Array.from(octets)
    for (let left = random.integer(1, 6); left > 0; left--)
      mutated[random.integer(0, mutated.length - 1)] = random.integer(0, 255)
    const length = random.integer(0, mutated.length)
    if (
      dissect(
        frame,
        viewOf(mutated),
        0,
        random.integer(0, 3) === 0 ? length : mutated.length,
        first ?? Layer.ethernet,
      )
    ) {
      found++
      const isInside = [frame.sourceAddressOffset, frame.destinationAddressOffset].every(
        (at) => at >= 0 && at + (frame.family === 4 ? 4 : 16) <= mutated.length,
      )
      if (!isInside || frame.payloadOffset + frame.payloadLength > mutated.length) {
        t.fail(Buffer.from(mutated).toString('hex'))
        return
      }
    }
    if (frame.steps > MAX_STEPS) t.fail('too many steps')
  }
  t.ok(found > rounds / 2, `${found} of ${rounds} with an IP header`)
  dissect(frame, viewOf(ping), 1000, 1000, Layer.ip)
  t.equal(frame.family, 0, 'an offset behind the view is no frame')
})

/** What tshark does not take apart by itself, or shows otherwise, and why. */
const notTsharks: Readonly<Record<string, string>> = {
  'IPv4 shorter than its header': 'it shows no address of a bogus length',
  'pseudowire with control word': 'it must be told what a label carries',
  'pseudowire with VLAN': 'it must be told what a label carries',
  'pseudowire without control word': 'it must be told what a label carries',
  'pseudowire to a MAC that begins with 4': 'it takes the MAC for an IPv4 header',
  'pseudowire to a MAC that begins with 6': 'it takes the MAC for an IPv6 header',
  'IPv6 of payload length 0': 'it reads no payload without a length',
  'an error does not become what it quotes': 'it lists the type that is quoted',
}

t.test('tshark has the same', async (t) => {
  if (spawnSync('tshark', ['--version']).error !== undefined) {
    t.comment('SKIPPED: tshark is not installed, so nothing was compared')
    t.pass('not compared', { skip: 'tshark is not installed' })
    return
  }
  const rows = table.filter(([, , , first]) => first === undefined)
  const folder = mkdtempSync(join(tmpdir(), 'culvert-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'frames.pcap')
  // The simulator's header is written big-endian, and so are packet headers in its file.
  const packets = rows.map(([, octets]) =>
    bytes(u32(1), u32(0), u32(octets.length), u32(octets.length), octets),
  )
  writeFileSync(path, concatenate([pcapHeader(), ...packets]))
  const fields = [
    'ip.src',
    'ipv6.src',
    'ip.proto',
    'icmp.type',
    'icmpv6.type',
    'tcp.dstport',
    'udp.dstport',
    'vlan.id',
  ]
  const { stdout } = spawnSync(
    'tshark',
    [
      '-r',
      path,
      '-T',
      'fields',
      '-E',
      'occurrence=a',
      '-E',
      'separator=|',
      '-d',
      'udp.port==8472,vxlan',
      '-o',
      'ip.defragment:FALSE',
      '-o',
      'ipv6.defragment:FALSE',
      ...fields.flatMap((field) => ['-e', field]),
    ],
    { encoding: 'utf8' },
  )
  const lines = stdout.split('\n')
  let compared = 0
  rows.forEach(([name, octets], index) => {
    const [ip4 = '', ip6 = '', , icmp = '', icmp6 = '', tcpPort = '', udpPort = ''] = lines[index]!.split('|')
    const ours = read(octets)
    if (name in notTsharks) return
    const last = (list: string) => list.split(',').at(-1)
    const sources = ours.family === 4 ? ip4 : ours.family === 6 ? ip6 : ''
    // Of an error it shows the header that is quoted too.
    if (ours.family !== 0) t.ok(sources.split(',').includes(String(ours.source)), `${name}: ${sources}`)
    if (ours.icmp[0] !== -1)
      t.equal(last(ours.family === 4 ? icmp : icmp6), String(ours.icmp[0]), `${name}: type`)
    else if (ours.flags !== -1) t.equal(last(tcpPort), String(ours.ports[1]), `${name}: TCP port`)
    else if (ours.protocol === UDP && ours.ports[1] !== -1)
      t.equal(last(udpPort), String(ours.ports[1]), `${name}: port`)
    compared++
  })
  t.ok(compared > 50, `${compared} frames`)
})
