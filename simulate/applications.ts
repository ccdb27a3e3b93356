// Application names as application-aware devices report them. Ids follow RFC 6759 §4.1: one octet of
// classification engine and three of selector; engine 1 is an IP protocol, 3 an IANA port.

const ENGINE_PROTOCOL = 1
const ENGINE_PORT = 3

interface Application {
  readonly name: string
  readonly applicationId: number
  readonly description: string
}

const rows: readonly (readonly [name: string, engine: number, selector: number, description: string])[] = [
  ['ping', ENGINE_PROTOCOL, 1, 'Internet Control Message Protocol'],
  ['ipv6-icmp', ENGINE_PROTOCOL, 58, 'ICMP for IPv6'],
  ['ssh', ENGINE_PORT, 22, 'Secure Shell'],
  ['smtp', ENGINE_PORT, 25, 'Simple Mail Transfer Protocol'],
  ['dns', ENGINE_PORT, 53, 'Domain Name System'],
  ['http', ENGINE_PORT, 80, 'Hypertext Transfer Protocol'],
  ['ntp', ENGINE_PORT, 123, 'Network Time Protocol'],
  ['snmp', ENGINE_PORT, 161, 'Simple Network Management Protocol'],
  ['ssl', ENGINE_PORT, 443, 'Transport Layer Security'],
  ['syslog', ENGINE_PORT, 514, 'System logging'],
  ['quic', ENGINE_PORT, 784, 'QUIC transport'],
  ['rsync', ENGINE_PORT, 873, 'File synchronisation'],
  ['socks', ENGINE_PORT, 1080, 'SOCKS proxy'],
  ['http-proxy', ENGINE_PORT, 3128, 'Web proxy'],
  ['rtsp', ENGINE_PORT, 554, 'Real Time Streaming Protocol'],
  ['ipp', ENGINE_PORT, 631, 'Internet Printing Protocol'],
  ['smb', ENGINE_PORT, 445, 'Server Message Block'],
]

/** The applications that simulated devices know. */
export const applications: readonly Application[] = rows.map(([name, engine, selector, description]) => ({
  name,
  applicationId: engine * 0x100_0000 + selector,
  description,
}))

const idByName = new Map(applications.map(({ name, applicationId }) => [name, applicationId]))

/** IE 95 of a name; 0 for '' and for names that devices do not know. */
export function applicationIdOf(name: string): number {
  return idByName.get(name) ?? 0
}
