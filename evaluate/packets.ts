/** Captured packets as the activities that the simulator's meter takes: what a flow exporter on the wire would see. */
import { type Frame, readFrames } from '#collectors/capture/frames.js'
import { networkLayer } from '#collectors/capture/link-layer.js'
import { formatIPv4, formatIPv6 } from '#core/records/address.js'
import type { Activity, Direction } from '#simulate/activity.js'
import type { Host, Network } from '#simulate/network.js'

const [ICMP, TCP, UDP, ICMPV6] = [1, 6, 17, 58]
const PORTED: ReadonlySet<number> = new Set([TCP, UDP, 132])
const IPV6_FRAGMENT = 44
/** Options that stand before the payload. RFC 8200 §4. */
const IPV6_OPTIONS: ReadonlySet<number> = new Set([0, 43, 60])
/** Some captures are snippets of years; a collector's day passes no faster for it. */
const LONGEST_PAUSE_MILLISECONDS = 600_000
const ECHO_REPLIES: ReadonlySet<string> = new Set([`${ICMP} 0`, `${ICMPV6} 129`])

type Parsed = {
  source: string
  destination: string
  protocol: number
  octets: number
  /** Of the transport header; -1 in later fragments. */
  at: number
}

function parse(packet: Uint8Array, view: DataView): Parsed | undefined {
  const version = packet[0]! >>> 4
  if (version === 4 && packet.length >= 20) {
    const isLater = (view.getUint16(6) & 0x1fff) !== 0
    return {
      source: formatIPv4(view.getUint32(12)),
      destination: formatIPv4(view.getUint32(16)),
      protocol: packet[9]!,
      octets: view.getUint16(2) || packet.length,
      at: isLater ? -1 : (packet[0]! & 0x0f) * 4,
    }
  }
  if (version !== 6 || packet.length < 40) return undefined
  const words = (from: number) =>
    [
      view.getUint32(from),
      view.getUint32(from + 4),
      view.getUint32(from + 8),
      view.getUint32(from + 12),
    ] as const
  let [protocol, at] = [packet[6]!, 40]
  while (IPV6_OPTIONS.has(protocol) && at + 8 <= packet.length) {
    protocol = packet[at]!
    at += (packet[at + 1]! + 1) * 8
  }
  let isLater = false
  if (protocol === IPV6_FRAGMENT && at + 8 <= packet.length) {
    protocol = packet[at]!
    isLater = (view.getUint16(at + 2) & 0xfff8) !== 0
    at += 8
  }
  return {
    source: formatIPv6(...words(8)),
    destination: formatIPv6(...words(24)),
    protocol,
    octets: 40 + view.getUint16(4),
    at: isLater ? -1 : at,
  }
}

/** Reads captures one after another: hosts and who spoke first are remembered over them. */
export function createPacketReader(network: Network) {
  const hosts = new Map<string, Host>()
  const initiators = new Map<string, string>()
  const host = (text: string): Host => {
    let found = hosts.get(text)
    if (found === undefined) {
      found = network.addHost(text, 'internet', 'wire', text)
      hosts.set(text, found)
    }
    return found
  }

  function directionOf(parsed: Parsed, from: number, to: number, type: number): Direction {
    const { source, destination, protocol } = parsed
    if (protocol === ICMP || protocol === ICMPV6) return ECHO_REPLIES.has(`${protocol} ${type}`) ? 1 : 0
    const [one, other] = [`${source} ${from}`, `${destination} ${to}`]
    const key = `${protocol} ${one < other ? `${one} ${other}` : `${other} ${one}`}`
    const initiator = initiators.get(key) ?? one
    initiators.set(key, initiator)
    return initiator === one ? 0 : 1
  }

  function activityOf({ timeMilliseconds, linkType, octets }: Frame): Activity | undefined {
    const packet = networkLayer(linkType, octets)
    if (packet === undefined || packet.length === 0) return undefined
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
    const parsed = parse(packet, view)
    if (parsed === undefined) return undefined
    const { protocol, at } = parsed
    const isWhole = at >= 0 && packet.length >= at + 4
    const isPorted = isWhole && PORTED.has(protocol)
    const isIcmp = isWhole && (protocol === ICMP || protocol === ICMPV6)
    const [from, to] = isPorted ? [view.getUint16(at), view.getUint16(at + 2)] : [0, 0]
    const type = isIcmp ? packet[at]! : 0
    return {
      timeMilliseconds,
      spanMilliseconds: 0,
      source: host(parsed.source),
      destination: host(parsed.destination),
      protocolIdentifier: protocol,
      sourceTransportPort: from,
      destinationTransportPort: to,
      icmpType: type,
      icmpCode: isIcmp ? packet[at + 1]! : 0,
      icmpIdentifier: 0,
      packets: 1,
      octets: parsed.octets,
      tcpControlBits: isPorted && protocol === TCP && packet.length >= at + 14 ? packet[at + 13]! : 0,
      ipClassOfService: 0,
      direction: directionOf(parsed, from, to, type),
      application: '',
      denied: false,
    }
  }

  /** Packets of a capture, the first at `startMilliseconds`, pauses cut to ten minutes, times never going back. */
  return function* read(path: string, startMilliseconds: number): Generator<Activity> {
    let last: number | undefined
    let time = startMilliseconds
    for (const frame of readFrames(path)) {
      const activity = activityOf(frame)
      if (activity === undefined) continue
      const pause = last === undefined ? 0 : activity.timeMilliseconds - last
      last = activity.timeMilliseconds
      time += Math.min(LONGEST_PAUSE_MILLISECONDS, Math.max(0, pause))
      activity.timeMilliseconds = time
      yield activity
    }
  }
}
