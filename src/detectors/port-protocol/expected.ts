/** Lookups over the table of applications: what a vendor's name stands for, and what is expected or usual on a port. */
import { type Application, applications, genericNames, type PortRange } from './applications.js'
import { otherUsualPorts } from './usual-ports.js'

export const TCP = 6
export const UDP = 17

/** Lower case with letters and digits alone, so that `HTTPS.BROWSER`, `web-browsing` and `ms_rdp` compare. */
export function normalisedName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

const byName = new Map<string, number>()
applications.forEach(({ name, aliases = [] }, index) => {
  for (const text of [name, ...aliases]) byName.set(normalisedName(text), index)
})

/** The place in the table of the application that a device names, or -1 when the name says nothing. */
export function applicationIndex(name: string): number {
  const normalised = normalisedName(name)
  if (genericNames.has(normalised)) return -1
  return byName.get(normalised) ?? -1
}

function contains(ranges: readonly PortRange[] | undefined, port: number): boolean {
  return (
    ranges?.some((range) =>
      typeof range === 'number' ? range === port : port >= range[0] && port <= range[1],
    ) ?? false
  )
}

function rangesOf(application: Application, protocolIdentifier: number): readonly PortRange[] | undefined {
  return protocolIdentifier === TCP
    ? application.tcp
    : protocolIdentifier === UDP
      ? application.udp
      : undefined
}

/** Below are the ports of well-known services (RFC 6335 §6): no client and no negotiation is given one. */
const FIRST_USER_PORT = 1024

/** Whether an application is expected on a port, or may have negotiated it. */
export function isExpected(index: number, protocolIdentifier: number, port: number): boolean {
  if (applications[index]!.negotiatesPorts === true && port >= FIRST_USER_PORT) return true
  return contains(rangesOf(applications[index]!, protocolIdentifier), port)
}

function markedPorts(protocolIdentifier: number): Uint8Array {
  const ports = new Uint8Array(65536)
  const others = protocolIdentifier === TCP ? otherUsualPorts.tcp : otherUsualPorts.udp
  const all = [others, ...applications.map((application) => rangesOf(application, protocolIdentifier) ?? [])]
  for (const range of all.flat()) {
    const [from, to] = typeof range === 'number' ? [range, range] : range
    ports.fill(1, from, to + 1)
  }
  return ports
}

const usualTcp = markedPorts(TCP)
const usualUdp = markedPorts(UDP)

/** Whether ordinary services of a TCP or UDP network sit on a port. */
export function isUsualPort(protocolIdentifier: number, port: number): boolean {
  return (protocolIdentifier === TCP ? usualTcp : usualUdp)[port] === 1
}

/** Whether an application is so common on ports of nobody that the name alone says little. */
export function roams(index: number): boolean {
  return applications[index]?.roams === true
}
