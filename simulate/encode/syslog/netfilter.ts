// Lines of Linux netfilter's LOG target: one for the first packet of a session, one for each refused packet.
import type { LogWriter } from '../../firewall.js'

const KERNEL = 0

/** Netfilter's lines for an event; the end of a session leaves none. */
export const netfilterLines: LogWriter = ({ phase, session, timeMilliseconds }, _device, random) => {
  if (phase === 'end') return []
  const { client, server, protocolIdentifier } = session
  const isIPv4 = client.address.family === 4
  const isIcmp = protocolIdentifier === 1 || protocolIdentifier === 58
  const seconds = (timeMilliseconds % 10_000_000_000) / 1000
  const id = random.integer(0, 65_535)
  // Only ICMP and UDP come packet by packet; a TCP session begins with a SYN of 60 or 80 octets.
  const synOctets = isIPv4 ? 60 : 80
  const octets =
    protocolIdentifier === 6 ? synOctets : Math.round(session.octetsForward / session.packetsForward)
  const headers = isIPv4
    ? `LEN=${octets} TOS=0x00 PREC=0x00 TTL=63 ID=${id} DF`
    : `LEN=${octets} TC=0 HOPLIMIT=63 FLOWLBL=0`
  const ports = `SPT=${session.clientPort} DPT=${session.serverPort}`
  const transport = isIcmp
    ? `PROTO=${isIPv4 ? 'ICMP' : 'ICMPv6'} TYPE=${session.icmpType} CODE=${session.icmpCode} ID=${session.icmpIdentifier} SEQ=1`
    : protocolIdentifier === 6
      ? `PROTO=TCP ${ports} WINDOW=64240 RES=0x00 SYN URGP=0`
      : `PROTO=UDP ${ports} LEN=${octets - (isIPv4 ? 20 : 40)}`
  const parts = [
    `[${seconds.toFixed(6)}]`,
    phase === 'deny' ? 'FW-DROP' : 'FW-ACCEPT',
    `IN=${session.ingressInterface} OUT=${session.egressInterface}`,
    'MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00',
    `SRC=${client.address.text} DST=${server.address.text}`,
    headers,
    transport,
  ]
  return [{ facility: KERNEL, severity: 4, application: 'kernel', message: parts.join(' '), tag: 'kernel:' }]
}
