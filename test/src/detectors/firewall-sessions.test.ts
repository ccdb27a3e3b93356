// Both detectors over log lines of firewalls, through the parser, the store and the scheduler's own evaluation.
import t from 'tap'
import type { Detector } from '#core/detectors/detector.js'
import { icmpTunnel } from '#core/detectors/icmp-tunnel/index.js'
import { portProtocol } from '#core/detectors/port-protocol/index.js'
import type { Observation } from '#core/findings/finding.js'
import { judgeDatagrams } from '../../support/judge.js'

const START = Date.UTC(2026, 5, 15, 10)
const MINUTE = 60_000
const stamp = (at: number) => {
  const [date, time] = new Date(at).toISOString().slice(0, 19).split('T')
  return `date=${date} time=${time}`
}

type Ping = { from: string; to: string; sent: [packets: number, octets: number]; received: [number, number] }

const fortigate = ({ from, to, sent, received }: Ping, at: number, more = '') =>
  `<189>${stamp(at)} tz="+0000" devname="fg" devid="FGT" logid="0000000013" type="traffic" subtype="forward" srcip=${from} dstip=${to} proto=1 service="PING" action="accept" sessionid=7 duration=60 sentbyte=${sent[1]} rcvdbyte=${received[1]} sentpkt=${sent[0]} rcvdpkt=${received[0]} ${more}`
const panos = ({ from, to, sent, received }: Ping, at: number) =>
  `<14>Jun 15 10:00:00 pa 1,2026/06/15 10:00:00,00790,TRAFFIC,end,2305,${new Date(at).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')},${from},${to},0.0.0.0,0.0.0.0,rule1,,,ping,vsys1,in,out,ethernet1/1,ethernet1/2,fwd,2026/06/15 10:00:00,77,1,0,0,0,0,0x0,icmp,allow,${sent[1] + received[1]},${sent[1]},${received[1]},${sent[0] + received[0]},2026/06/15 09:59:00,60,any,0,1,0x0,US,US,0,${sent[0]},${received[0]},aged-out`
const sonicwall = ({ from, to, sent, received }: Ping, at: number) =>
  `<134>id=firewall sn=00 time="${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC" fw=192.0.2.254 pri=6 c=1024 m=537 msg="Connection Closed" n=1 src=${from}:8:X0 dst=${to}:8:X1 proto=icmp type=8 icmpCode=0 sent=${sent[1]} rcvd=${received[1]} spkt=${sent[0]} rpkt=${received[0]} cdur=60000`

const iso = (at: number) => new Date(at).toISOString()
const ftd = ({ from, to, sent, received }: Ping, at: number) =>
  `<113>${iso(at).slice(0, 19)}Z ftd1  %FTD-1-430003: AccessControlRuleAction: Allow, SrcIP: ${from}, DstIP: ${to}, ICMPType: Echo Request, ICMPCode: No Code, Protocol: icmp, ConnectionDuration: 60, InitiatorPackets: ${sent[0]}, ResponderPackets: ${received[0]}, InitiatorBytes: ${sent[1]}, ResponderBytes: ${received[1]}`
// A ping is logged with the identifier and the sequence number for ports, and without its type.
const srx = ({ from, to, sent, received }: Ping, at: number) =>
  `<14>1 ${iso(at)} srx1 RT_FLOW - RT_FLOW_SESSION_CLOSE [junos@2636.1.1.1.2.129 reason="response received" source-address="${from}" source-port="7" destination-address="${to}" destination-port="42" service-name="icmp" protocol-id="1" policy-name="p" source-zone-name="in" destination-zone-name="out" session-id-32="9" packets-from-client="${sent[0]}" bytes-from-client="${sent[1]}" packets-from-server="${received[0]}" bytes-from-server="${received[1]}" elapsed-time="60"]`
const sophos = ({ from, to, sent, received }: Ping, at: number) =>
  `<30>device="SFW" ${stamp(at)} timezone="UTC" device_name="xg1" device_id=C1 log_id=010101600001 log_type="Firewall" log_component="Firewall Rule" log_subtype="Allowed" status="Allow" duration=60 fw_rule_id=1 src_ip=${from} dst_ip=${to} protocol="ICMP" icmp_type=8 icmp_code=0 sent_pkts=${sent[0]} recv_pkts=${received[0]} sent_bytes=${sent[1]} recv_bytes=${received[1]} connevent="Stop" connid="9"`
const checkpoint = ({ from, to, sent, received }: Ping, at: number) =>
  `<134>1 ${iso(at).slice(0, 19)}Z gw1 CheckPoint 1 - [action:"Accept"; time:"${at / 1000}"; src:"${from}"; dst:"${to}"; proto:"1"; icmp_type:"8"; icmp_code:"0"; product:"VPN-1 & FireWall-1"; elapsed:"60"; client_outbound_packets:"${sent[0]}"; client_inbound_packets:"${received[0]}"; client_outbound_bytes:"${sent[1]}"; client_inbound_bytes:"${received[1]}"]`

/** The findings over lines, each with its time of receipt. */
async function found(
  detector: Detector,
  lines: readonly (readonly [number, string])[],
): Promise<Observation[]> {
  const datagrams = lines.map(([timeMilliseconds, line]) => ({
    timeMilliseconds,
    source: '192.0.2.254',
    port: 5514,
    payload: Buffer.from(line),
  }))
  const { observations } = await judgeDatagrams(datagrams, detector)
  return observations.filter(({ kind }) => kind === 'finding')
}

const plain: Ping = { from: '10.0.0.1', to: '198.51.100.1', sent: [60, 5040], received: [60, 5040] }
const lossy: Ping = { from: '10.0.0.2', to: '198.51.100.2', sent: [60, 5040], received: [41, 3444] }
const mixed: Ping = { from: '10.0.0.3', to: '198.51.100.3', sent: [30, 9000], received: [28, 8400] }
const tunnel: Ping = { from: '10.0.0.9', to: '198.51.100.9', sent: [60, 5040], received: [60, 48_000] }
const upload: Ping = { from: '10.0.0.8', to: '198.51.100.8', sent: [60, 60_007], received: [60, 5555] }

for (const [name, line] of Object.entries({ fortigate, panos, ftd, srx, sonicwall, sophos, checkpoint })) {
  t.test(`echo sessions of ${name}: a session whose replies carry other data, and no ping`, async (t) => {
    const lines = [plain, lossy, mixed, tunnel, upload].flatMap((ping) =>
      [1, 2, 3].map((minute) => [START + minute * MINUTE, line(ping, START + minute * MINUTE)] as const),
    )
    const findings = await found(icmpTunnel, lines)
    t.same(findings.map(({ sourceAddresses }) => sourceAddresses[0]).sort(), [upload.from, tunnel.from])
    t.match(
      findings.map(({ severity, evidence }) => ({ severity, packets: evidence[0]!.packets })),
      [
        { severity: 'high', packets: 60 },
        { severity: 'high', packets: 60 },
      ],
    )
  })
}

t.test('deltas of a long session may cut between a request and its reply', async (t) => {
  const delta = (at: number, sent: [number, number], received: [number, number]) => {
    const more = `sentdelta=${sent[1]} rcvddelta=${received[1]} sentpktdelta=${sent[0]} rcvdpktdelta=${received[0]}`
    const ping = { ...plain, sent, received }
    return [at, fortigate(ping, at, more).replace('logid="0000000013"', 'logid="0000000020"')] as const
  }
  const lines = [
    delta(START + MINUTE, [10, 840], [9, 756]),
    delta(START + 2 * MINUTE, [10, 900], [11, 944]),
    delta(START + 3 * MINUTE, [10, 840], [10, 880]),
  ]
  t.same(await found(icmpTunnel, lines), [])
})

t.test('a host that is refused one port and gets through on another of the same server', async (t) => {
  const session = (at: number, port: number, action: string, octets: number) =>
    `<189>${stamp(at)} tz="+0000" devname="fg" devid="FGT" logid="0000000013" type="traffic" subtype="forward" srcip=10.0.0.5 srcport=${40_000 + (Math.floor(at / MINUTE) % 1000)} dstip=10.9.0.9 dstport=${port} proto=6 app="SSH" action="${action}" sessionid=${at % 1e6} duration=20 sentbyte=${octets} rcvdbyte=${octets} sentpkt=40 rcvdpkt=40`
  const refused = [START, session(START, 22, 'deny', 0)] as const
  const through = [5, 6, 7, 8].map(
    (minute) => [START + minute * MINUTE, session(START + minute * MINUTE, 53, 'close', 60_000)] as const,
  )
  t.match(await found(portProtocol, [refused, ...through]), [
    {
      sourceAddresses: ['10.0.0.5'],
      destinationTransportPort: 53,
      subScores: { refused: 1 },
    },
  ])
  t.same(await found(portProtocol, through), [], 'the pairing alone is no finding between two hosts inside')
})
