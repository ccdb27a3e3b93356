// PAN-OS TRAFFIC logs: comma-separated, in the order of fields of PAN-OS 10 up to the device name.
import type { LogWriter } from '../../firewall.js'
import { clockText, dateText } from '../syslog.js'

const USER = 1
const SERIAL = '007951000000001'

/** PAN-OS names of applications; a session whose application could not be told is unknown-tcp or unknown-udp. */
const applicationNames: Readonly<Record<string, string>> = {
  dns: 'dns-base',
  http: 'web-browsing',
  ntp: 'ntp-base',
  ping: 'ping',
  'ipv6-icmp': 'ipv6-icmp-base',
  quic: 'quic-base',
  rsync: 'rsync',
  smtp: 'smtp-base',
  snmp: 'snmp-base',
  socks: 'socks',
  ssh: 'ssh',
  ssl: 'ssl',
  syslog: 'syslog',
}

const protocolNames: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp' }

/** PAN-OS's lines for an event. */
export const paloaltoLines: LogWriter = ({ phase, session, timeMilliseconds }, device) => {
  if (phase === 'start') return []
  const { client, server, protocolIdentifier, natAddress } = session
  const isDenied = phase === 'deny'
  const isIcmp = protocolIdentifier === 1 || protocolIdentifier === 58
  const stamp = (time: number) => `${dateText(time, '/')} ${clockText(time)}`
  const now = stamp(timeMilliseconds)
  const elapsed = Math.floor((timeMilliseconds - session.startMilliseconds) / 1000)
  const unknown = protocolIdentifier === 6 ? 'unknown-tcp' : 'unknown-udp'
  const application = isDenied ? 'not-applicable' : (applicationNames[session.application] ?? unknown)
  const reasons = { timeout: 'aged-out', fin: 'tcp-fin', reset: 'tcp-rst-from-client' } as const
  const zoneOf = (zone: string) => (zone === 'internet' ? 'untrust' : zone)
  const location = (zone: string) => (zone === 'internet' ? 'Netherlands' : '10.0.0.0-10.255.255.255')
  const isTranslated = natAddress !== undefined && !isDenied
  const fields: (string | number)[] = [
    1,
    now, // receive time
    SERIAL,
    'TRAFFIC',
    isDenied ? 'deny' : 'end',
    2561,
    now, // generated time
    client.address.text,
    server.address.text,
    isTranslated ? natAddress : '0.0.0.0',
    isTranslated ? server.address.text : '0.0.0.0',
    isDenied ? 'interzone-default' : 'allow-out',
    '', // source user
    '', // destination user
    application,
    'vsys1',
    zoneOf(client.zone),
    zoneOf(server.zone),
    session.ingressInterface,
    session.egressInterface,
    'to-collector', // log action
    now,
    session.sessionId,
    1, // repeat count
    isIcmp ? 0 : session.clientPort,
    isIcmp ? 0 : session.serverPort,
    isTranslated && !isIcmp ? session.natPort : 0,
    isTranslated && !isIcmp ? session.serverPort : 0,
    isTranslated ? '0x400053' : '0x53',
    protocolNames[protocolIdentifier] ?? String(protocolIdentifier),
    isDenied ? 'deny' : 'allow',
    session.octetsForward + session.octetsReverse,
    session.octetsForward,
    session.octetsReverse,
    session.packetsForward + session.packetsReverse,
    stamp(session.startMilliseconds),
    elapsed,
    'any', // category
    '',
    session.sessionId, // sequence number
    '0x0',
    location(client.zone),
    location(server.zone),
    '',
    session.packetsForward,
    session.packetsReverse,
    isDenied ? 'policy-deny' : reasons[session.endReason],
    0, // device group levels 1 to 4
    0,
    0,
    0,
    '', // virtual system name
    device.name,
    'from-policy',
  ]
  return [{ facility: USER, severity: 6, application: 'pan-os', message: fields.join(',') }]
}
