// FortiGate traffic logs, key=value: one line when a session ends (logid 0000000013), one for a refused one.
import type { LogWriter } from '../../firewall.js'
import { clockText, dateText } from '../syslog.js'

const LOCAL7 = 23

const serviceByPort: Readonly<Record<string, string>> = {
  '6/22': 'SSH',
  '6/25': 'SMTP',
  '6/80': 'HTTP',
  '6/443': 'HTTPS',
  '17/53': 'DNS',
  '17/123': 'NTP',
  '17/443': 'udp/443',
}

/** FortiGate's name for the application, or nothing where it saw no sign of one. */
const applicationNames: Readonly<Record<string, string>> = {
  dns: 'DNS',
  http: 'HTTP.BROWSER',
  ntp: 'NTP',
  ping: 'PING',
  quic: 'QUIC',
  smtp: 'SMTP',
  socks: 'SOCKS5',
  ssh: 'SSH',
  ssl: 'SSL',
}

/** FortiGate's lines for an event. */
export const fortigateLines: LogWriter = ({ phase, session, timeMilliseconds }, device) => {
  if (phase === 'start') return []
  const { protocolIdentifier, client, server, natAddress } = session
  const isIcmp = protocolIdentifier === 1 || protocolIdentifier === 58
  const isDenied = phase === 'deny'
  const protocol = protocolIdentifier === 6 ? 'tcp' : 'udp'
  const service = isIcmp
    ? protocolIdentifier === 1
      ? 'PING'
      : 'PING6'
    : (serviceByPort[`${protocolIdentifier}/${session.serverPort}`] ?? `${protocol}/${session.serverPort}`)
  const actions = {
    fin: 'close',
    reset: 'client-rst',
    timeout: protocolIdentifier === 6 ? 'timeout' : 'accept',
  } as const
  const fields: (readonly [string, string | number])[] = [
    ['date', dateText(timeMilliseconds, '-')],
    ['time', clockText(timeMilliseconds)],
    ['devname', `"${device.name}"`],
    ['devid', '"FGT60FTK00000001"'],
    ['eventtime', `${Math.floor(timeMilliseconds)}000000`],
    ['tz', '"+0000"'],
    ['logid', '"0000000013"'],
    ['type', '"traffic"'],
    ['subtype', '"forward"'],
    ['level', isDenied ? '"warning"' : '"notice"'],
    ['vd', '"root"'],
    ['srcip', client.address.text],
    isIcmp ? ['identifier', session.icmpIdentifier] : ['srcport', session.clientPort],
    ['srcintf', `"${session.ingressInterface}"`],
    ['srcintfrole', client.zone === 'internet' ? '"wan"' : '"lan"'],
    ['dstip', server.address.text],
    ...(isIcmp ? [] : ([['dstport', session.serverPort]] as const)),
    ['dstintf', `"${session.egressInterface}"`],
    ['dstintfrole', server.zone === 'internet' ? '"wan"' : '"lan"'],
    ['srccountry', client.zone === 'internet' ? '"Netherlands"' : '"Reserved"'],
    ['dstcountry', server.zone === 'internet' ? '"Netherlands"' : '"Reserved"'],
    ['sessionid', session.sessionId],
    ['proto', protocolIdentifier],
    ['action', isDenied ? '"deny"' : `"${actions[session.endReason]}"`],
    ['policyid', isDenied ? 0 : 4],
    ['policytype', '"policy"'],
    ['service', `"${service}"`],
  ]
  if (natAddress === undefined || isDenied) {
    fields.push(['trandisp', '"noop"'])
  } else {
    fields.push(['trandisp', '"snat"'], ['transip', natAddress], ['transport', isIcmp ? 0 : session.natPort])
  }
  const name = isDenied ? undefined : applicationNames[session.application]
  if (name !== undefined) fields.push(['app', `"${name}"`], ['appcat', '"Network.Service"'])
  else fields.push(['appcat', '"unscanned"'])
  const seconds = Math.floor((timeMilliseconds - session.startMilliseconds) / 1000)
  fields.push(
    ['duration', seconds],
    // A refused packet is not counted as sent.
    ['sentbyte', isDenied ? 0 : session.octetsForward],
    ['rcvdbyte', session.octetsReverse],
    ['sentpkt', isDenied ? 0 : session.packetsForward],
    ['rcvdpkt', session.packetsReverse],
  )
  const message = fields.map(([key, value]) => `${key}=${value}`).join(' ')
  return [{ facility: LOCAL7, severity: isDenied ? 4 : 5, application: 'fortigate', message }]
}
