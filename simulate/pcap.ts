// Classic pcap (magic a1b2c3d4, microseconds, Ethernet): datagrams as a capture beside the collector would see
// them, so that other tools read what the simulator wrote. Over-long payloads are cut into IPv4 fragments.
import { parseIPv4 } from './address.js'
import { putUint16, putUint32 } from './encode/bytes.js'
import type { Datagram } from './scenario.js'

const ETHERNET_OCTETS = 14
const IPV4_OCTETS = 20
const UDP_OCTETS = 8
const FRAGMENT_OCTETS = 1480
const LINKTYPE_ETHERNET = 1
const SNAP_LENGTH = 262_144
const ETHERTYPE_IPV4 = 0x0800
const MORE_FRAGMENTS = 0x2000

/** The internet checksum's sum (RFC 1071), before folding. */
function sum16(octets: Uint8Array, from: number, to: number): number {
  let sum = 0
  for (let index = from; index < to; index += 2)
    sum += (octets[index]! << 8) | (index + 1 < to ? octets[index + 1]! : 0)
  return sum
}

function fold(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000)
  return ~folded & 0xffff
}

/** The file header, 24 octets. */
export function pcapHeader(): Uint8Array {
  const header = new Uint8Array(24)
  putUint32(header, 0, 0xa1b2c3d4)
  putUint16(header, 4, 2)
  putUint16(header, 6, 4)
  putUint32(header, 16, SNAP_LENGTH)
  putUint32(header, 20, LINKTYPE_ETHERNET)
  return header
}

/** A UDP segment with its checksum (RFC 768). */
function udpSegment(source: Uint8Array, destination: Uint8Array, datagram: Datagram): Uint8Array {
  const segment = new Uint8Array(UDP_OCTETS + datagram.payload.length)
  putUint16(segment, 0, datagram.sourcePort)
  putUint16(segment, 2, datagram.listenerPort)
  putUint16(segment, 4, segment.length)
  segment.set(datagram.payload, UDP_OCTETS)
  const pseudoHeader = sum16(source, 0, 4) + sum16(destination, 0, 4) + 17 + segment.length
  const checksum = fold(pseudoHeader + sum16(segment, 0, segment.length))
  putUint16(segment, 6, checksum === 0 ? 0xffff : checksum)
  return segment
}

/** Creates a function from a datagram to its pcap records, one per IPv4 fragment; the exporter has an IPv4 address. */
export function createPcapEncoder(collectorAddress = '192.0.2.10'): (datagram: Datagram) => Uint8Array[] {
  const destination = parseIPv4(collectorAddress)
  let identification = 0
  return (datagram) => {
    const source = parseIPv4(datagram.exporterAddress)
    const segment = udpSegment(source, destination, datagram)
    identification = (identification + 1) & 0xffff
    const records: Uint8Array[] = []
    for (let offset = 0; offset < segment.length; offset += FRAGMENT_OCTETS) {
      const octets = Math.min(FRAGMENT_OCTETS, segment.length - offset)
      const frameOctets = ETHERNET_OCTETS + IPV4_OCTETS + octets
      const record = new Uint8Array(16 + frameOctets)
      const seconds = Math.floor(datagram.timeMilliseconds / 1000)
      putUint32(record, 0, seconds)
      putUint32(record, 4, Math.floor((datagram.timeMilliseconds - seconds * 1000) * 1000))
      putUint32(record, 8, frameOctets)
      putUint32(record, 12, frameOctets)
      // Locally administered addresses: ...:01 the collector, ...:02 the last router.
      record.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], 16)
      putUint16(record, 28, ETHERTYPE_IPV4)
      const ip = 16 + ETHERNET_OCTETS
      record[ip] = 0x45
      putUint16(record, ip + 2, IPV4_OCTETS + octets)
      putUint16(record, ip + 4, identification)
      const more = offset + octets < segment.length ? MORE_FRAGMENTS : 0
      putUint16(record, ip + 6, more | (offset >> 3))
      record[ip + 8] = 62
      record[ip + 9] = 17
      record.set(source, ip + 12)
      record.set(destination, ip + 16)
      putUint16(record, ip + 10, fold(sum16(record, ip, ip + IPV4_OCTETS)))
      record.set(segment.subarray(offset, offset + octets), ip + IPV4_OCTETS)
      records.push(record)
    }
    return records
  }
}

/** A whole capture in pieces: the header, then the records of each datagram. */
export function* pcapChunks(
  datagrams: Iterable<Datagram>,
  collectorAddress?: string,
): Generator<Uint8Array, void> {
  yield pcapHeader()
  const encode = createPcapEncoder(collectorAddress)
  for (const datagram of datagrams) yield* encode(datagram)
}
