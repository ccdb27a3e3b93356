/** IPv4 and IPv6 packets of UDP and TCP out of captured frames, fragments put together again. */
import type { Address } from '#core/records/address.js'
import { createReassembly } from './fragments.js'
import type { Frame } from './frames.js'
import { networkLayer } from './link-layer.js'

export const TCP = 6
export const UDP = 17
const IPV6_FRAGMENT = 44
/** Hop-by-hop, routing and destination options, which all have the same length field. RFC 8200 §4. */
const IPV6_OPTIONS = [0, 43, 60]

export type IpPacket = {
  readonly timeMilliseconds: number
  /** One object per address, so that exporters are found by identity. */
  readonly source: Address
  readonly destination: Address
  /** 6 or 17. */
  readonly protocol: number
  /** The segment or datagram, from its header on. */
  readonly octets: Uint8Array
}

/** Gives back a function that takes frames and answers with a packet when one is whole. */
export function createPacketReader(): (frame: Frame) => IpPacket | undefined {
  const addresses = new Map<string, Address>()
  const reassemble = createReassembly()

  const intern = (family: 4 | 6, view: DataView, at: number): Address => {
    const words: [number, number, number, number] =
      family === 4
        ? [0, 0, 0, view.getUint32(at)]
        : [view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12)]
    const key = `${family}/${words.join()}`
    let address = addresses.get(key)
    if (address === undefined) {
      if (addresses.size > 100_000) addresses.clear()
      address = { family, words }
      addresses.set(key, address)
    }
    return address
  }

  const ipv4 = (timeMilliseconds: number, octets: Uint8Array): IpPacket | undefined => {
    if (octets.length < 20) return undefined
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const headerLength = (octets[0]! & 0x0f) * 4
    const totalLength = view.getUint16(2)
    // A length of 0 is what segmentation offload leaves in captures.
    const end = totalLength >= headerLength && totalLength <= octets.length ? totalLength : octets.length
    const protocol = octets[9]!
    if (headerLength < 20 || headerLength > end || !isWanted(protocol)) return undefined
    const source = intern(4, view, 12)
    const destination = intern(4, view, 16)
    const flags = view.getUint16(6)
    const offset = (flags & 0x1fff) * 8
    const hasMore = (flags & 0x2000) !== 0
    const body = octets.subarray(headerLength, end)
    const packet = { timeMilliseconds, source, destination, protocol }
    if (offset === 0 && !hasMore) return { ...packet, octets: body }
    const key = `4/${protocol}/${view.getUint32(12)}/${view.getUint32(16)}/${view.getUint16(4)}`
    const whole = reassemble({ timeMilliseconds, key, offset, isLast: !hasMore, octets: body })
    return whole === undefined ? undefined : { ...packet, octets: whole }
  }

  const ipv6 = (timeMilliseconds: number, octets: Uint8Array): IpPacket | undefined => {
    if (octets.length < 40) return undefined
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    // A length of 0 is what segmentation offload leaves in captures.
    const payloadLength = view.getUint16(4)
    const end = payloadLength === 0 ? octets.length : Math.min(octets.length, 40 + payloadLength)
    const source = intern(6, view, 8)
    const destination = intern(6, view, 24)
    let next = octets[6]!
    let at = 40
    while (IPV6_OPTIONS.includes(next) && at + 8 <= end) {
      next = octets[at]!
      at += (octets[at + 1]! + 1) * 8
    }
    if (next === IPV6_FRAGMENT && at + 8 <= end) {
      const protocol = octets[at]!
      if (!isWanted(protocol)) return undefined
      const field = view.getUint16(at + 2)
      const key = `6/${protocol}/${source.words.join()}/${destination.words.join()}/${view.getUint32(at + 4)}`
      const body = octets.subarray(at + 8, end)
      const isLast = (field & 1) === 0
      const whole = reassemble({ timeMilliseconds, key, offset: field & 0xfff8, isLast, octets: body })
      return whole === undefined
        ? undefined
        : { timeMilliseconds, source, destination, protocol, octets: whole }
    }
    if (!isWanted(next) || at > end) return undefined
    return { timeMilliseconds, source, destination, protocol: next, octets: octets.subarray(at, end) }
  }

  return ({ timeMilliseconds, linkType, octets }) => {
    const network = networkLayer(linkType, octets)
    if (network === undefined || network.length === 0) return undefined
    const version = network[0]! >>> 4
    if (version === 4) return ipv4(timeMilliseconds, network)
    return version === 6 ? ipv6(timeMilliseconds, network) : undefined
  }
}

function isWanted(protocol: number): boolean {
  return protocol === UDP || protocol === TCP
}
