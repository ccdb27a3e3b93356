/**
 * UDP datagrams out of captured frames: link layers, VLAN tags, IPv4 and IPv6 with fragments put together again.
 */
import type { Address } from '#core/records/address.js'
import { type Frame, readFrames } from './frames.js'

export type CapturedDatagram = {
  readonly timeMilliseconds: number
  readonly source: Address
  readonly destination: Address
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

const LINKTYPE = {
  null: 0,
  ethernet: 1,
  rawOpenBsd: 12,
  raw: 101,
  loop: 108,
  linuxSll: 113,
  ipv4: 228,
  ipv6: 229,
  linuxSll2: 276,
}
const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
const VLAN_ETHERTYPES = [0x8100, 0x88a8, 0x9100]
const UDP = 17
const IPV6_FRAGMENT = 44
/** Hop-by-hop, routing and destination options, which all have the same length field. RFC 8200 §4. */
const IPV6_OPTIONS = [0, 43, 60]
/** Fragments that come later belong to another datagram: identifications are used again. RFC 8200 §4.5 has 60 s. */
const REASSEMBLY_MILLISECONDS = 60_000
/** Fragments of one datagram: 64 KiB over links of 576 octets are some 120. */
const MAX_FRAGMENTS = 128
/** Datagrams whose fragments are awaited at one time. */
const MAX_PARTIAL_DATAGRAMS = 256

/** The UDP datagrams of a capture file, in the order in which they were complete. */
export function* readDatagrams(path: string): Generator<CapturedDatagram> {
  const read = createDatagramReader()
  for (const frame of readFrames(path)) {
    const datagram = read(frame)
    if (datagram !== undefined) yield datagram
  }
}

type Partial = { sinceMilliseconds: number; pieces: { offset: number; octets: Uint8Array }[]; total: number }

/** Gives back a function that takes frames and answers with a datagram when one is complete. */
export function createDatagramReader(): (frame: Frame) => CapturedDatagram | undefined {
  const partials = new Map<string, Partial>()
  const addresses = new Map<string, Address>()

  // One object per address, so that exporters are found by identity.
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

  const reassemble = (
    time: number,
    key: string,
    offset: number,
    isLast: boolean,
    octets: Uint8Array,
  ): Uint8Array | undefined => {
    const found = partials.get(key)
    const isTimely =
      found !== undefined && Math.abs(time - found.sinceMilliseconds) <= REASSEMBLY_MILLISECONDS
    const partial = isTimely ? found : { sinceMilliseconds: time, pieces: [], total: -1 }
    if (!isTimely) {
      partials.delete(key)
      if (partials.size >= MAX_PARTIAL_DATAGRAMS) partials.delete(partials.keys().next().value!)
      partials.set(key, partial)
    }
    partial.pieces.push({ offset, octets: octets.slice() })
    if (isLast) partial.total = offset + octets.length
    if (partial.pieces.length > MAX_FRAGMENTS) partials.delete(key)
    if (partial.total < 0 || partial.pieces.length > MAX_FRAGMENTS) return undefined
    partial.pieces.sort((a, b) => a.offset - b.offset)
    const whole = new Uint8Array(partial.total)
    let covered = 0
    for (const piece of partial.pieces) {
      if (piece.offset > covered || piece.offset + piece.octets.length > partial.total) return undefined
      whole.set(piece.octets, piece.offset)
      covered = Math.max(covered, piece.offset + piece.octets.length)
    }
    if (covered < partial.total) return undefined
    partials.delete(key)
    return whole
  }

  const udp = (
    time: number,
    source: Address,
    destination: Address,
    octets: Uint8Array,
  ): CapturedDatagram | undefined => {
    if (octets.length < 8) return undefined
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const length = view.getUint16(4)
    const end = length >= 8 && length <= octets.length ? length : octets.length
    return {
      timeMilliseconds: time,
      source,
      destination,
      sourcePort: view.getUint16(0),
      destinationPort: view.getUint16(2),
      payload: octets.slice(8, end),
    }
  }

  const ipv4 = (time: number, octets: Uint8Array): CapturedDatagram | undefined => {
    if (octets.length < 20) return undefined
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const headerLength = (octets[0]! & 0x0f) * 4
    const totalLength = view.getUint16(2)
    // A length of 0 is what segmentation offload leaves in captures.
    const end = totalLength >= headerLength && totalLength <= octets.length ? totalLength : octets.length
    if (headerLength < 20 || headerLength > end || octets[9] !== UDP) return undefined
    const source = intern(4, view, 12)
    const destination = intern(4, view, 16)
    const flags = view.getUint16(6)
    const offset = (flags & 0x1fff) * 8
    const hasMore = (flags & 0x2000) !== 0
    const body = octets.subarray(headerLength, end)
    if (offset === 0 && !hasMore) return udp(time, source, destination, body)
    const key = `4/${view.getUint32(12)}/${view.getUint32(16)}/${view.getUint16(4)}`
    const whole = reassemble(time, key, offset, !hasMore, body)
    return whole === undefined ? undefined : udp(time, source, destination, whole)
  }

  const ipv6 = (time: number, octets: Uint8Array): CapturedDatagram | undefined => {
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
      const inner = octets[at]!
      const field = view.getUint16(at + 2)
      const key = `6/${source.words.join()}/${destination.words.join()}/${view.getUint32(at + 4)}`
      const whole =
        inner === UDP
          ? reassemble(time, key, field & 0xfff8, (field & 1) === 0, octets.subarray(at + 8, end))
          : undefined
      return whole === undefined ? undefined : udp(time, source, destination, whole)
    }
    return next === UDP && at <= end ? udp(time, source, destination, octets.subarray(at, end)) : undefined
  }

  return ({ timeMilliseconds, linkType, octets }) => {
    const network = networkLayer(linkType, octets)
    if (network === undefined || network.length === 0) return undefined
    const version = network[0]! >>> 4
    return version === 4
      ? ipv4(timeMilliseconds, network)
      : version === 6
        ? ipv6(timeMilliseconds, network)
        : undefined
  }
}

/** The IP packet of a frame; undefined when it holds none. */
function networkLayer(linkType: number, octets: Uint8Array): Uint8Array | undefined {
  const u16 = (at: number) => (octets.length >= at + 2 ? (octets[at]! << 8) | octets[at + 1]! : -1)
  switch (linkType) {
    case LINKTYPE.ethernet: {
      let at = 12
      while (VLAN_ETHERTYPES.includes(u16(at))) at += 4
      return [ETHERTYPE_IPV4, ETHERTYPE_IPV6].includes(u16(at)) ? octets.subarray(at + 2) : undefined
    }
    case LINKTYPE.linuxSll:
      return octets.subarray(16)
    case LINKTYPE.linuxSll2:
      return octets.subarray(20)
    case LINKTYPE.null:
    case LINKTYPE.loop:
      return octets.subarray(4)
    case LINKTYPE.raw:
    case LINKTYPE.rawOpenBsd:
    case LINKTYPE.ipv4:
    case LINKTYPE.ipv6:
      return octets
    default:
      return undefined
  }
}
