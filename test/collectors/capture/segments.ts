// TCP segments as a capture has them, put together by hand.
import { concatenate, putUint16, putUint32 } from '#simulate/encode/bytes.js'

export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const ACK = 0x10

export type Segment = {
  sequence: number
  payload?: Uint8Array
  flags?: number
  sourcePort?: number
  destinationPort?: number
  /** The last octet of the device's address. */
  device?: number
}

/** An IPv4 packet with a TCP segment, with options of twelve octets as most have. */
export function tcpPacket({
  sequence,
  payload = new Uint8Array(),
  flags = ACK,
  sourcePort = 50_000,
  destinationPort = 4739,
  device = 33,
}: Segment): Uint8Array {
  const header = new Uint8Array(32)
  putUint16(header, 0, sourcePort)
  putUint16(header, 2, destinationPort)
  putUint32(header, 4, sequence >>> 0)
  header[12] = 8 << 4
  header[13] = flags
  const network = new Uint8Array(20)
  network[0] = 0x45
  putUint16(network, 2, 20 + header.length + payload.length)
  network[8] = 64
  network[9] = 6
  network.set([192, 0, 2, device, 192, 0, 2, 10], 12)
  return concatenate([network, header, payload])
}

/** A connection as a list of segments: a SYN, then the payloads one behind the other. */
export function connection(
  payloads: readonly Uint8Array[],
  options: Omit<Segment, 'sequence'> = {},
  from = 7000,
) {
  const segments: Segment[] = [{ ...options, sequence: from, flags: SYN }]
  let sequence = from + 1
  for (const payload of payloads) {
    segments.push({ ...options, sequence: sequence >>> 0, payload })
    sequence += payload.length
  }
  return segments
}

/** Octets cut at these places. */
export function cut(octets: Uint8Array, ...places: number[]): Uint8Array[] {
  return [0, ...places].map((from, index) => octets.subarray(from, places[index] ?? octets.length))
}

/** A pcap of raw IP packets, a millisecond apart. */
export function rawPcap(packets: readonly Uint8Array[], timeMilliseconds: number): Uint8Array {
  const header = new Uint8Array(24)
  putUint32(header, 0, 0xa1b2c3d4)
  putUint16(header, 4, 2)
  putUint16(header, 6, 4)
  putUint32(header, 20, 101)
  const records = packets.flatMap((packet, index) => {
    const head = new Uint8Array(16)
    const time = timeMilliseconds + index
    putUint32(head, 0, Math.floor(time / 1000))
    putUint32(head, 4, (time % 1000) * 1000)
    putUint32(head, 8, packet.length)
    putUint32(head, 12, packet.length)
    return [head, packet]
  })
  return concatenate([header, ...records])
}
