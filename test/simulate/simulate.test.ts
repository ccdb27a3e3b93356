// The meter against expectations derived by hand, faults one by one, log lines word for word, and the ready-made
// company as a whole: the same bytes for a seed, in order of time, holding the traffic that its labels claim.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { type Activity, mergeByTime, TCP } from '#simulate/activity.js'
import { syslogText } from '#simulate/encode/syslog.js'
import { enterprise } from '#simulate/enterprise.js'
import { createExporter } from '#simulate/exporter.js'
import type { ExporterFaults } from '#simulate/faults.js'
import { createFirewall } from '#simulate/firewall.js'
import { createMeter, type FlowRecord, type MeterOptions } from '#simulate/meter.js'
import { createNetwork, exporterDefaults, type FirewallVendor } from '#simulate/network.js'
import { pcapChunks } from '#simulate/pcap.js'
import { createRandom } from '#simulate/random.js'
import type { Datagram } from '#simulate/scenario.js'
import { smallCompany } from '#simulate/small-company.js'
import { bulkTunnel, idleTunnel, pollingShell } from '#simulate/traffic/icmp-tunnels.js'
import { echo, mtr } from '#simulate/traffic/monitors.js'
import { burst, icmp } from '#simulate/traffic/packets.js'
import { hasProgram, type ReadFlow, readV5, readWithTshark } from './decoders.js'

const START = Date.UTC(2026, 0, 5, 9)
const network = createNetwork()
const inside = network.addHost('inside', 'workstation', 'inside', '10.0.0.5')
const router = network.addHost('router', 'router', 'inside', '10.0.0.1')
const outside = network.addHost('outside', 'internet', 'internet', '192.0.2.7')
const hosts = [inside, router, outside]

const request = (milliseconds: number, octets = 84) =>
  icmp(START + milliseconds, inside, outside, 8, 0, octets, 0, 77)
const reply = (milliseconds: number, octets = 84) =>
  icmp(START + milliseconds, outside, inside, 0, 0, octets, 1, 77)
const session = { client: inside, server: outside, clientPort: 40_000, serverPort: 443, application: 'ssl' }
const segment = (milliseconds: number, flags: number) =>
  burst(session, 0, START + milliseconds, 0, 1, 52, flags)

/** Runs packets through a meter; each record as [start, end, packets, reason] with times after START. */
function metered(packets: readonly Activity[], options: Partial<MeterOptions> = {}): FlowRecord[] {
  const records: FlowRecord[] = []
  const meter = createMeter({
    activeTimeoutMilliseconds: 60_000,
    idleTimeoutMilliseconds: 15_000,
    emit: (record) => records.push(record),
    ...options,
  })
  for (const packet of packets) meter.observe(packet, 1, 2)
  const last = packets.at(-1)!.timeMilliseconds
  meter.advance(last + 15_000)
  return records
}

const short = (record: FlowRecord) => [
  record.startMilliseconds - START,
  record.endMilliseconds - START,
  record.packets,
  record.flowEndReason,
]
const seconds = (count: number) => Array.from({ length: count }, (_, index) => index * 1000)

const meterCases: [
  name: string,
  packets: Activity[],
  options: Partial<MeterOptions>,
  expected: number[][],
][] = [
  [
    // A packet at 60 s finds a flow that is 60 s old: that flow ends with the packets of seconds 0 to 59.
    'a ping each second is cut every 60 s by the active timeout, the rest ends idle',
    seconds(130).map((time) => request(time)),
    {},
    [
      [0, 59_000, 60, 2],
      [60_000, 119_000, 60, 2],
      [120_000, 129_000, 10, 1],
    ],
  ],
  [
    'packets further apart than the idle timeout are flows of their own',
    [0, 20_000, 40_000].map((time) => request(time)),
    {},
    [
      [0, 0, 1, 1],
      [20_000, 20_000, 1, 1],
      [40_000, 40_000, 1, 1],
    ],
  ],
  [
    'a gap of one millisecond less than the idle timeout does not end a flow, the timeout itself does',
    [0, 14_999, 29_999].map((time) => request(time)),
    {},
    [
      [0, 14_999, 2, 1],
      [29_999, 29_999, 1, 1],
    ],
  ],
  [
    'FIN and RST end a TCP flow at once',
    [segment(0, TCP.SYN), segment(10, TCP.ACK | TCP.FIN), segment(500, TCP.RST)],
    {},
    [
      [0, 10, 2, 3],
      [500, 500, 1, 3],
    ],
  ],
  [
    'a full cache ends the flow that was used least recently, for lack of resources',
    [request(0), reply(1), request(2), segment(3, TCP.SYN)],
    { maximumFlows: 2 },
    [
      [1, 1, 1, 5],
      [0, 2, 2, 1],
      [3, 3, 1, 1],
    ],
  ],
  [
    'ICMP type and code part flows',
    [request(0), reply(5)],
    {},
    [
      [0, 0, 1, 1],
      [5, 5, 1, 1],
    ],
  ],
  ['a biflow meter joins request and reply', [request(0), reply(5)], { biflow: true }, [[0, 5, 1, 1]]],
]

t.test('the meter by hand-derived expectations', async (t) => {
  t.plan(meterCases.length + 3)
  for (const [name, packets, options, expected] of meterCases)
    t.same(metered(packets, options).map(short), expected, name)
  const [biflow] = metered([request(0, 100), reply(5, 60)], { biflow: true })
  t.match(biflow, { packets: 1, octets: 100, reversePackets: 1, reverseOctets: 60 })
  const many = Array.from({ length: 100_000 }, (_, index) => request(index))
  const sampled = metered(many, { samplingInterval: 10, random: createRandom(3) })
  const packets = sampled.reduce((sum, record) => sum + record.packets, 0)
  // Binomial: mean 10,000, deviation 95; five deviations allowed.
  t.ok(Math.abs(packets - 10_000) < 475, `${packets} of 100,000 packets sampled 1:10`)
  t.equal(
    sampled.reduce((sum, record) => sum + record.octets, 0),
    packets * 84,
    'sizes survive sampling',
  )
})

const packetArbitrary = fc.record({
  gap: fc.integer({ min: 0, max: 30_000 }),
  from: fc.integer({ min: 0, max: 2 }),
  to: fc.integer({ min: 0, max: 2 }),
  type: fc.constantFrom(0, 8, 3),
  isTcp: fc.boolean(),
  packets: fc.integer({ min: 1, max: 50 }),
  span: fc.integer({ min: 0, max: 5000 }),
  octets: fc.integer({ min: 28, max: 60_000 }),
  flags: fc.constantFrom(0x02, 0x10, 0x11, 0x04),
})

t.test(
  'the meter conserves packets and octets, and its records keep to the timeouts, for any packets',
  async (t) => {
    t.plan(1)
    const property = fc.property(
      fc.array(packetArbitrary, { minLength: 1, maxLength: 200 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 6 }),
      (packets, biflow, maximumFlows) => {
        let time = START
        let emitted = START
        let [packetTotal, octetTotal, largest] = [0, 0, 0]
        const meter = createMeter({
          activeTimeoutMilliseconds: 60_000,
          idleTimeoutMilliseconds: 15_000,
          maximumFlows,
          biflow,
          emit(record, now) {
            packetTotal += record.packets + record.reversePackets
            octetTotal += record.octets + record.reverseOctets
            if (record.startMilliseconds > record.endMilliseconds || now < emitted) throw new Error('order')
            if (record.endMilliseconds - record.startMilliseconds >= 60_000 + 5000)
              throw new Error('too long')
            if (record.packets < 1 || record.flowEndReason < 1) throw new Error('empty')
            emitted = now
          },
        })
        for (const { gap, from, to, type, isTcp, packets: count, span, octets, flags } of packets) {
          time += gap
          const ends = { ...session, client: hosts[from]!, server: hosts[to]! }
          const activity = isTcp
            ? burst(ends, 0, time, span, count, octets, flags)
            : { ...icmp(time, ends.client, ends.server, type, 0, octets, 0), packets: count }
          meter.observe(activity, 1, 2)
          largest = Math.max(largest, meter.size())
        }
        meter.flush(time + 1)
        const wantedPackets = packets.reduce((sum, packet) => sum + packet.packets, 0)
        const wantedOctets = packets.reduce((sum, packet) => sum + packet.octets, 0)
        return (
          packetTotal === wantedPackets &&
          octetTotal === wantedOctets &&
          largest <= maximumFlows &&
          meter.size() === 0
        )
      },
    )
    fc.assert(property, { numRuns: 300, seed: 11 })
    t.pass('300 lists of packets')
  },
)

t.test('merged behaviours come out in order of time, each to its end', async (t) => {
  t.plan(1)
  const times = fc.array(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 5 }), {
    maxLength: 20,
  })
  const property = fc.property(fc.array(times, { maxLength: 10 }), (behaviours) => {
    const all: number[] = []
    const made = behaviours.map((batches) => {
      let earliest = 0
      const ordered = batches.map((gaps) => {
        earliest += gaps[0]!
        const batch = gaps.map((gap, index) => request(index === 0 ? earliest : earliest + gap))
        all.push(...batch.map(({ timeMilliseconds }) => timeMilliseconds))
        return batch
      })
      return ordered[Symbol.iterator]()
    })
    const merged = [...mergeByTime(made, START + 1_000_000)].map(({ timeMilliseconds }) => timeMilliseconds)
    return JSON.stringify(merged) === JSON.stringify(all.sort((left, right) => left - right))
  })
  fc.assert(property, { numRuns: 200, seed: 5 })
  t.pass('200 sets of behaviours')
})

interface Exported {
  flows: ReadFlow[]
  sequences: number[]
  uptimes: number[]
}

/** Forty pings a second apart through a version 5 exporter with these faults. */
function exported(faults: ExporterFaults): Exported {
  const datagrams: Uint8Array[] = []
  const settings = exporterDefaults({
    name: 'r',
    address: '10.0.0.1',
    version: 5,
    activeTimeoutMilliseconds: 10_000,
    home: ['inside'],
    interfaces: { inside: 1, internet: 2 },
    faults,
  })
  const exporter = createExporter(
    settings,
    createRandom(9),
    START,
    (_, payload) => datagrams.push(payload),
    100_000,
  )
  for (const time of seconds(40)) {
    exporter.observe(request(time), 1, 2)
    exporter.observe(reply(time + 20), 2, 1)
    exporter.advance(START + time + 500)
  }
  exporter.close(START + 40_000)
  const read = datagrams.map(readV5)
  return {
    flows: read.flatMap(({ flows }) => flows),
    sequences: read.map(({ sequence }) => sequence),
    uptimes: read.map(({ uptime }) => uptime),
  }
}

const sum = (flows: readonly ReadFlow[], type: number, what: 'packets' | 'octets') =>
  flows
    .filter(({ destinationPort }) => destinationPort === type * 256)
    .reduce((total, flow) => total + flow[what], 0)
const totals = ({ flows }: Exported) => [
  sum(flows, 8, 'packets'),
  sum(flows, 8, 'octets'),
  sum(flows, 0, 'packets'),
  sum(flows, 0, 'octets'),
]

t.test('faults do what they say', async (t) => {
  // 40 requests and 40 replies of 84 octets: 3,360 octets each way; 10 s flows make four records each way.
  const cases: [ExporterFaults, number[]][] = [
    [{}, [40, 3360, 40, 3360]],
    [{ missingForwardProbability: 1 }, [0, 0, 40, 3360]],
    [{ missingReverseProbability: 1 }, [40, 3360, 0, 0]],
    [{ meterDropProbability: 1 }, [0, 0, 0, 0]],
    [{ layer2OctetsReverse: 14 }, [40, 3360, 40, 3920]],
    [{ layer2OctetsForward: 18 }, [40, 4080, 40, 3360]],
    [{ doubleMetering: 'both' }, [80, 6720, 80, 6720]],
    [{ doubleMetering: 'reverse' }, [40, 3360, 80, 6720]],
    [{ doubleMetering: 'forward' }, [80, 6720, 40, 3360]],
    [{ datagramLossProbability: 1 }, [0, 0, 0, 0]],
  ]
  t.plan(cases.length + 9)
  for (const [faults, expected] of cases) t.same(totals(exported(faults)), expected, JSON.stringify(faults))

  const sound = exported({})
  t.same(
    sound.sequences,
    [...sound.sequences].sort((left, right) => left - right),
    'in order without faults',
  )
  const [firstFlow] = sound.flows
  t.match(firstFlow, { startMilliseconds: START, endMilliseconds: START + 9000, packets: 10 })
  t.equal(exported({ clockOffsetMilliseconds: -3_600_000 }).flows[0]?.startMilliseconds, START - 3_600_000)
  const reordered = exported({ datagramReorderProbability: 1 })
  t.same(totals(reordered), totals(sound), 'reordering loses nothing')
  t.not(reordered.sequences.join(), sound.sequences.join(), 'but it reorders')
  const thinned = totals(exported({ unannouncedSamplingInterval: 4 }))
  t.ok(thinned[0]! < 30 && thinned[1] === thinned[0]! * 84, `${thinned[0]} of 40 requests metered 1:4`)
  const restarted = exported({ restartsAtMilliseconds: [START + 25_000] })
  // The flows of seconds 20 to 24 are lost with the cache: 35 packets are left.
  t.same(totals(restarted), [35, 2940, 35, 2940], 'a restart loses the cache')
  t.ok(restarted.sequences.lastIndexOf(0) > 0, 'and counts from 0 again')
  t.ok(Math.min(...restarted.uptimes) <= 15_000, 'with a new uptime')
})

/** Two echoes, one TCP connection and one refused SYN through a firewall; its log as text. */
function logged(vendor: FirewallVendor): string[] {
  const lines: string[] = []
  const settings = {
    name: 'fw',
    address: '10.0.0.254',
    listenerPort: 5514,
    vendor,
    header: vendor === 'fortigate' ? 'bare' : vendor === 'paloalto' ? 'rfc5424' : 'rfc3164',
    home: ['inside'],
    interfaces: { inside: 'in0', internet: 'out0' },
    natAddress: '198.51.100.2',
  } as const
  const firewall = createFirewall(settings, createRandom(1), (_, payload) =>
    lines.push(Buffer.from(payload).toString()),
  )
  firewall.observe(request(0), 'in0', 'out0')
  firewall.observe(reply(20), 'out0', 'in0')
  firewall.observe(request(1000), 'in0', 'out0')
  firewall.observe(reply(1020, 60), 'out0', 'in0')
  firewall.observe(
    { ...segment(1500, TCP.SYN), destinationTransportPort: 23, octets: 60, denied: true },
    'in0',
    'out0',
  )
  firewall.observe(burst(session, 0, START + 2000, 500, 4, 700, TCP.SYN | TCP.ACK), 'in0', 'out0')
  firewall.observe(burst(session, 1, START + 2010, 500, 3, 1500, TCP.SYN | TCP.ACK), 'out0', 'in0')
  firewall.observe(burst(session, 0, START + 3000, 0, 1, 52, TCP.FIN | TCP.ACK), 'in0', 'out0')
  firewall.observe(burst(session, 1, START + 3010, 0, 1, 52, TCP.FIN | TCP.ACK), 'out0', 'in0')
  firewall.advance(START + 70_000)
  return lines
}

const fortigateHead = (time: string, milliseconds: number, level: string) =>
  `date=2026-01-05 time=${time} devname="fw" devid="FGT60FTK00000001" eventtime=${START + milliseconds}000000 tz="+0000" ` +
  `logid="0000000013" type="traffic" subtype="forward" level="${level}" vd="root" srcip=10.0.0.5`
const fortigatePath = (port: string) =>
  `srcintf="in0" srcintfrole="lan" dstip=192.0.2.7 ${port}dstintf="out0" dstintfrole="wan" srccountry="Reserved" dstcountry="Netherlands"`
const panHead = (time: string, host = 'fw') =>
  `<14>1 2026-01-05T${time} ${host} pan-os - - - 1,2026/01/05 ${time.slice(0, 8)},007951000000001,TRAFFIC`
const mac = 'MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.0.0.5 DST=192.0.2.7'

/** ICMP: 2 packets of 84 out, 84 + 60 back. TCP: 5 packets, 752 octets out; 4 packets, 1,552 octets back. */
const logCases: Record<FirewallVendor, (string | RegExp)[]> = {
  'cisco-asa': [
    '<166>Jan 05 2026 09:00:00 fw : %ASA-6-302020: Built outbound ICMP connection for faddr 192.0.2.7/0 gaddr 198.51.100.2/77 laddr 10.0.0.5/77 type 8 code 0',
    '<164>Jan 05 2026 09:00:01 fw : %ASA-4-106023: Deny tcp src in0:10.0.0.5/40000 dst out0:192.0.2.7/23 by access-group "in0_access_in" [0x0, 0x0]',
    '<166>Jan 05 2026 09:00:02 fw : %ASA-6-302013: Built outbound TCP connection 3 for out0:192.0.2.7/443 (192.0.2.7/443) to in0:10.0.0.5/40000 (198.51.100.2/1027)',
    // 2,304 octets of IP less 9 packets of 40 octets of headers.
    '<166>Jan 05 2026 09:00:03 fw : %ASA-6-302014: Teardown TCP connection 3 for out0:192.0.2.7/443 to in0:10.0.0.5/40000 duration 0:00:01 bytes 1944 TCP FINs',
    '<166>Jan 05 2026 09:01:10 fw : %ASA-6-302021: Teardown ICMP connection for faddr 192.0.2.7/0 gaddr 198.51.100.2/77 laddr 10.0.0.5/77 type 8 code 0',
  ],
  fortigate: [
    `<188>${fortigateHead('09:00:01', 1500, 'warning')} srcport=40000 ${fortigatePath('dstport=23 ')} sessionid=2 proto=6 action="deny" policyid=0 policytype="policy" service="tcp/23" trandisp="noop" appcat="unscanned" duration=0 sentbyte=0 rcvdbyte=0 sentpkt=0 rcvdpkt=0`,
    `<189>${fortigateHead('09:00:03', 3010, 'notice')} srcport=40000 ${fortigatePath('dstport=443 ')} sessionid=3 proto=6 action="close" policyid=4 policytype="policy" service="HTTPS" trandisp="snat" transip=198.51.100.2 transport=1027 app="SSL" appcat="Network.Service" duration=1 sentbyte=752 rcvdbyte=1552 sentpkt=5 rcvdpkt=4`,
    `<189>${fortigateHead('09:01:10', 70_000, 'notice')} identifier=77 ${fortigatePath('')} sessionid=1 proto=1 action="accept" policyid=4 policytype="policy" service="PING" trandisp="snat" transip=198.51.100.2 transport=0 app="PING" appcat="Network.Service" duration=70 sentbyte=168 rcvdbyte=144 sentpkt=2 rcvdpkt=2`,
  ],
  paloalto: [
    `${panHead('09:00:01.500Z')},deny,2561,2026/01/05 09:00:01,10.0.0.5,192.0.2.7,0.0.0.0,0.0.0.0,interzone-default,,,not-applicable,vsys1,inside,untrust,in0,out0,to-collector,2026/01/05 09:00:01,2,1,40000,23,0,0,0x53,tcp,deny,60,60,0,1,2026/01/05 09:00:01,0,any,,2,0x0,10.0.0.0-10.255.255.255,Netherlands,,1,0,policy-deny,0,0,0,0,,fw,from-policy`,
    `${panHead('09:00:03.010Z')},end,2561,2026/01/05 09:00:03,10.0.0.5,192.0.2.7,198.51.100.2,192.0.2.7,allow-out,,,ssl,vsys1,inside,untrust,in0,out0,to-collector,2026/01/05 09:00:03,3,1,40000,443,1027,443,0x400053,tcp,allow,2304,752,1552,9,2026/01/05 09:00:02,1,any,,3,0x0,10.0.0.0-10.255.255.255,Netherlands,,5,4,tcp-fin,0,0,0,0,,fw,from-policy`,
    `${panHead('09:01:10.000Z')},end,2561,2026/01/05 09:01:10,10.0.0.5,192.0.2.7,198.51.100.2,192.0.2.7,allow-out,,,ping,vsys1,inside,untrust,in0,out0,to-collector,2026/01/05 09:01:10,1,1,0,0,0,0,0x400053,icmp,allow,312,168,144,4,2026/01/05 09:00:00,70,any,,1,0x0,10.0.0.0-10.255.255.255,Netherlands,,2,2,aged-out,0,0,0,0,,fw,from-policy`,
  ],
  netfilter: [
    new RegExp(
      `^<4>Jan {2}5 09:00:00 fw kernel: \\[\\d+\\.\\d{6}\\] FW-ACCEPT IN=in0 OUT=out0 ${mac} LEN=84 TOS=0x00 PREC=0x00 TTL=63 ID=\\d+ DF PROTO=ICMP TYPE=8 CODE=0 ID=77 SEQ=1$`,
    ),
    new RegExp(
      `^<4>Jan {2}5 09:00:01 fw kernel: \\[\\d+\\.\\d{6}\\] FW-DROP IN=in0 OUT=out0 ${mac} LEN=60 .* PROTO=TCP SPT=40000 DPT=23 WINDOW=64240 RES=0x00 SYN URGP=0$`,
    ),
    new RegExp(
      `^<4>Jan {2}5 09:00:02 fw kernel: \\[\\d+\\.\\d{6}\\] FW-ACCEPT IN=in0 OUT=out0 ${mac} LEN=60 .* PROTO=TCP SPT=40000 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0$`,
    ),
  ],
}

t.test('log lines word for word', async (t) => {
  t.plan(2 * Object.keys(logCases).length + 3)
  for (const [vendor, expected] of Object.entries(logCases)) {
    const lines = logged(vendor as FirewallVendor)
    t.equal(lines.length, expected.length, `${vendor}: number of lines`)
    t.match(lines, expected, vendor)
  }
  const line = { facility: 23, severity: 5, application: 'app', message: 'text', tag: 'tag:' }
  t.equal(syslogText('rfc3164', 'host', START, line), '<189>Jan  5 09:00:00 host tag: text')
  t.equal(
    syslogText('rfc5424', 'host', START + 7, line),
    '<189>1 2026-01-05T09:00:00.007Z host app - - - text',
  )
  t.equal(syslogText('bare', 'host', START, line), '<189>text')
})

/** Echo totals of the first `milliseconds` of a behaviour: requests, replies, request octets, reply octets. */
function echoTotals(behaviour: Iterator<Activity[]>, milliseconds: number): number[] {
  const totals = [0, 0, 0, 0]
  for (const { icmpType, octets } of mergeByTime([behaviour as never], START + milliseconds)) {
    if (icmpType !== 8 && icmpType !== 0) continue
    const column = icmpType === 8 ? 0 : 1
    totals[column]! += 1
    totals[column + 2]! += octets
  }
  return totals
}

t.test('the shapes of tunnels and tools', async (t) => {
  t.plan(6)
  const ends = { client: inside, server: outside }
  const context = (seed: number) => ({ random: createRandom(seed), startMilliseconds: START })
  // 20 MB of 1,024 octets: packets of 1,080 down, one of 56 up for two of them.
  const [up, down, upOctets, downOctets] = echoTotals(bulkTunnel(context(1), ends, 20_480_000), 3_600_000)
  t.same([up, down, upOctets, downOctets], [10_000, 20_000, 560_000, 21_600_000], 'bulk download')
  const idle = echoTotals(idleTunnel(context(2), ends), 1_800_000)
  const difference = idle[2]! - idle[3]!
  t.ok(
    Math.abs(idle[0]! - 1200) < 6 && idle[0] === idle[1],
    `idle: ${idle[0]} requests, ${idle[1]} replies in 30 min`,
  )
  t.ok(difference > 0 && difference < 600, `idle: ${difference} octets of ${idle[2]} differ`)
  const shell = echoTotals(pollingShell(context(3), ends), 1_800_000)
  t.ok(
    shell[0] === shell[1] && shell[2] !== shell[3],
    'polling shell: as many replies as requests, other octets',
  )
  // 5,008 octets behind the IP header in chunks of 1,480: 1,500 three times and 588; the later ones have no type.
  const large = echo(context(5), START, inside, outside, 1, { octets: 5028 })
  t.same(
    large.slice(0, 4).map(({ icmpType, octets }) => [icmpType, octets]),
    [
      [8, 1500],
      [0, 1500],
      [0, 1500],
      [0, 588],
    ],
    'a ping of 5,028 octets crosses in four fragments',
  )
  // One hop before the target: every second request gets a reply, of its own size.
  const path = echoTotals(mtr(context(4), inside, [router, outside]), 1_200_000)
  t.same([path[0]! / path[1]!, path[2]! / path[3]!], [2, 2], 'mtr: one reply for two requests, equal sizes')
})

const TEN_MINUTES = 600_000

function digest(datagrams: Iterable<Datagram>): string {
  const hash = createHash('sha256')
  for (const { timeMilliseconds, exporterAddress, listenerPort, payload } of datagrams) {
    hash.update(`${timeMilliseconds} ${exporterAddress} ${listenerPort}`).update(payload)
  }
  return hash.digest('hex')
}

t.test('the small company', async (t) => {
  const options = { durationMilliseconds: TEN_MINUTES, flush: true }
  const { datagrams, labels } = smallCompany(7, options)
  const all = [...datagrams]
  t.equal(digest(all), digest(datagrams), 'a simulation can be run again and gives the same bytes')
  t.equal(digest(all), digest(smallCompany(7, options).datagrams), 'so does the same seed')
  t.not(digest(all), digest(smallCompany(8, options).datagrams), 'another seed gives others')
  const times = all.map(({ timeMilliseconds }) => timeMilliseconds)
  t.same(
    times,
    [...times].sort((left, right) => left - right),
    'in order of time',
  )
  t.ok(times[0]! >= START && times.at(-1)! <= START + TEN_MINUTES, 'within the time simulated')

  const versions = new Set(
    all.filter(({ listenerPort }) => listenerPort !== 5514).map(({ payload }) => payload[1]),
  )
  t.same(
    [...versions].sort((left, right) => left! - right!),
    [5, 9, 10],
    'three exporters, three versions',
  )
  const logs = all
    .filter(({ listenerPort }) => listenerPort === 5514)
    .map(({ payload }) => Buffer.from(payload).toString())
  for (const sign of [
    '%ASA-6-302013',
    '%ASA-6-302015',
    '%ASA-6-302020',
    'logid="0000000013"',
    ',TRAFFIC,end,',
    'FW-ACCEPT',
    '%ASA-4-106023',
  ]) {
    t.ok(
      logs.some((line) => line.includes(sign)),
      `logs hold ${sign}`,
    )
  }
  const count = (label: string) => labels.filter((row) => row.label === label).length
  t.ok(count('icmp_tunnel') >= 3 && count('port_mismatch') >= 3 && count('icmp_benign') >= 10)
  const hiddenOn = new Set(
    labels.filter(({ label }) => label === 'icmp_tunnel').flatMap(({ devices }) => devices),
  )
  t.same([...hiddenOn].sort(), [
    'branch-router',
    'fw-branch',
    'fw-dc',
    'fw-hq',
    'gw-lab',
    'hq-core',
    'hq-edge',
  ])

  const flows = all
    .filter(({ payload, listenerPort }) => listenerPort === 2055 && payload[1] === 5)
    .flatMap(({ payload }) => readV5(payload).flows)
  const pairOf = (shape: string) => {
    const label = labels.find((row) => row.shape === shape && row.devices.includes('branch-router'))!
    const between = (from: string, to: string, type: number) =>
      flows.filter(
        (flow) => flow.source === from && flow.destination === to && flow.destinationPort === type * 256,
      )
    const requests = between(label.sourceAddress, label.destinationAddress, 8)
    const replies = between(label.destinationAddress, label.sourceAddress, 0)
    return { requests, replies }
  }
  const total = (rows: readonly ReadFlow[], what: 'packets' | 'octets') =>
    rows.reduce((all, row) => all + row[what], 0)
  const ping = pairOf('ping')
  t.ok(Math.abs(total(ping.requests, 'packets') - 600) <= 1, 'ten minutes of pings, as version 5 has them')
  t.equal(total(ping.requests, 'octets'), total(ping.requests, 'packets') * 84)
  const idle = pairOf('idle-tunnel')
  const k = total(idle.requests, 'packets') - total(idle.replies, 'packets')
  const d = total(idle.requests, 'octets') - total(idle.replies, 'octets')
  t.ok(k === 0 && d !== 0 && Math.abs(d) < 500, `the idle tunnel: k = ${k}, d = ${d}`)
  const balanced = pairOf('balanced-tunnel')
  t.equal(
    total(balanced.requests, 'packets'),
    total(balanced.replies, 'packets'),
    'the balanced tunnel balances in packets',
  )
  t.equal(total(balanced.requests, 'octets'), total(balanced.replies, 'octets'), 'and in octets')
  const worst = Math.min(
    ...balanced.requests.map(
      (row, index) => Math.abs(row.octets - balanced.replies[index]!.octets) / row.packets,
    ),
  )
  t.ok(worst > 0, `though no record of a minute does (at least ${worst.toFixed(0)} octets a packet)`)

  if (!hasProgram('tshark')) {
    t.comment('SKIPPED: tshark is not installed, so the company was not read by Wireshark')
    t.pass('not checked', { skip: 'tshark is not installed' })
    return
  }
  t.same(readWithTshark(Buffer.concat([...pcapChunks(all)])).complaints, [], 'tshark finds nothing wrong')
  const lossy = { ...options, faults: { 'hq-core': { datagramLossProbability: 0.1 } }, hidden: false }
  const { complaints } = readWithTshark(Buffer.concat([...pcapChunks(smallCompany(7, lossy).datagrams)]))
  t.ok(
    complaints.length > 0 && complaints.every((line) => /sequence/i.test(line)),
    'and misses what was lost',
  )
})

t.test('an enterprise has the hosts asked for and shapes of every kind', async (t) => {
  const {
    network: built,
    labels,
    datagrams,
  } = enterprise(1, 400, { durationMilliseconds: 120_000, samplingInterval: 10 })
  const people = built.hosts.filter(({ zone, role }) => zone.startsWith('site-') && role !== 'router')
  t.equal(people.length, 400)
  t.equal(
    new Set(built.hosts.map(({ address }) => address.text)).size,
    built.hosts.length,
    'no address twice',
  )
  t.equal(labels.filter(({ label }) => label === 'icmp_tunnel').length, 7)
  const exporters = new Set([...datagrams].map(({ exporterAddress }) => exporterAddress))
  t.ok(exporters.size >= 4, `${exporters.size} devices reported`)
})
