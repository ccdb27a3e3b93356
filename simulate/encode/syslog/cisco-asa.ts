// Cisco ASA messages: 302013 to 302016 (TCP and UDP), 302020 and 302021 (ICMP), 106023 (refused by an access
// list) and 106100 (an access list entry with logging), after Cisco's list of syslog messages.
import type { FirewallSession, LogWriter, SessionEvent } from '../../firewall.js'
import type { LogLine } from '../syslog.js'

const LOCAL4 = 20

function line(severity: number, id: number, text: string): LogLine {
  const message = `%ASA-${severity}-${id}: ${text}`
  return { facility: LOCAL4, severity, application: 'ASA', message, tag: ':', hasYear: true }
}

function durationText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}

const protocolName = (session: FirewallSession) => (session.protocolIdentifier === 6 ? 'TCP' : 'UDP')
const isIcmp = ({ protocolIdentifier }: FirewallSession) =>
  protocolIdentifier === 1 || protocolIdentifier === 58

/** An end of the session as `interface:address/port`. */
function ends(session: FirewallSession) {
  const { client, server, clientPort, serverPort, ingressInterface, egressInterface, natAddress, natPort } =
    session
  const mapped =
    natAddress === undefined ? `${client.address.text}/${clientPort}` : `${natAddress}/${natPort}`
  return {
    client: `${ingressInterface}:${client.address.text}/${clientPort}`,
    server: `${egressInterface}:${server.address.text}/${serverPort}`,
    mappedClient: `(${mapped})`,
    mappedServer: `(${server.address.text}/${serverPort})`,
  }
}

function icmpText(session: FirewallSession, isInbound: boolean): string {
  const { client, server, icmpIdentifier, natAddress, icmpType, icmpCode } = session
  const [foreign, local] = isInbound ? [client, server] : [server, client]
  const global = isInbound ? local.address.text : (natAddress ?? local.address.text)
  const [foreignId, localId] = isInbound ? [icmpIdentifier, 0] : [0, icmpIdentifier]
  const addresses = `faddr ${foreign.address.text}/${foreignId} gaddr ${global}/${localId}`
  return `${addresses} laddr ${local.address.text}/${localId} type ${icmpType} code ${icmpCode}`
}

function built(session: FirewallSession, isInbound: boolean): LogLine[] {
  const way = isInbound ? 'inbound' : 'outbound'
  if (isIcmp(session))
    return [line(6, 302020, `Built ${way} ICMP connection for ${icmpText(session, isInbound)}`)]
  const { client, server, mappedClient, mappedServer } = ends(session)
  const name = protocolName(session)
  const id = name === 'TCP' ? 302013 : 302015
  // The foreign end comes first: the server of an outbound connection, the client of an inbound one.
  const pair = isInbound
    ? `${client} ${mappedClient} to ${server} ${mappedServer}`
    : `${server} ${mappedServer} to ${client} ${mappedClient}`
  return [line(6, id, `Built ${way} ${name} connection ${session.sessionId} for ${pair}`)]
}

function teardown({ session, timeMilliseconds }: SessionEvent, isInbound: boolean): LogLine[] {
  if (isIcmp(session))
    return [line(6, 302021, `Teardown ICMP connection for ${icmpText(session, isInbound)}`)]
  const { client, server } = ends(session)
  const name = protocolName(session)
  const pair = isInbound ? `${client} to ${server}` : `${server} to ${client}`
  const duration = durationText(timeMilliseconds - session.startMilliseconds)
  // The message counts payload: 40 octets of headers a TCP packet, 28 a UDP datagram.
  const headers = (name === 'TCP' ? 40 : 28) * (session.packetsForward + session.packetsReverse)
  const octets = Math.max(0, session.octetsForward + session.octetsReverse - headers)
  const reasons = { timeout: 'Connection timeout', fin: 'TCP FINs', reset: 'TCP Reset-I' } as const
  const reason = name === 'TCP' ? ` ${reasons[session.endReason]}` : ''
  const id = name === 'TCP' ? 302014 : 302016
  const what = `Teardown ${name} connection ${session.sessionId} for ${pair}`
  return [line(6, id, `${what} duration ${duration} bytes ${octets}${reason}`)]
}

function denied(session: FirewallSession): LogLine[] {
  const list = `by access-group "${session.ingressInterface}_access_in" [0x0, 0x0]`
  if (isIcmp(session)) {
    const from = `${session.ingressInterface}:${session.client.address.text}`
    const to = `${session.egressInterface}:${session.server.address.text}`
    const what = `(type ${session.icmpType}, code ${session.icmpCode})`
    return [line(4, 106023, `Deny icmp src ${from} dst ${to} ${what} ${list}`)]
  }
  const { client, server } = ends(session)
  return [line(4, 106023, `Deny ${protocolName(session).toLowerCase()} src ${client} dst ${server} ${list}`)]
}

function permitted(session: FirewallSession): LogLine {
  const { client, server, ingressInterface, egressInterface } = session
  const from = `${ingressInterface}/${client.address.text}(${session.clientPort})`
  const to = `${egressInterface}/${server.address.text}(${session.serverPort})`
  const list = `access-list ${ingressInterface}_access_in permitted`
  const rest = `hit-cnt 1 first hit [0x5fa1c3b2, 0x00000000]`
  return line(6, 106100, `${list} ${protocolName(session).toLowerCase()} ${from} -> ${to} ${rest}`)
}

/** The ASA's lines for an event. */
export const ciscoAsaLines: LogWriter = (event) => {
  const { session, phase } = event
  const isInbound = session.client.zone === 'internet'
  if (phase === 'deny') return denied(session)
  if (phase === 'end') return teardown(event, isInbound)
  const lines = built(session, isInbound)
  return isInbound && !isIcmp(session) ? [permitted(session), ...lines] : lines
}
