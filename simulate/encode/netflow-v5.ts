// NetFlow version 5: a header of 24 octets and up to 30 records of 48 octets each; sequence numbers count flows.
// Layout after Cisco's "NetFlow Services and Applications", tables B-3 and B-4.
import { putUint16, putUint32 } from './bytes.js'
import { uptime } from './time.js'

/** Most records in one datagram. */
export const NETFLOW_V5_MAX_RECORDS = 30

const HEADER_OCTETS = 24
const RECORD_OCTETS = 48
const TWO_32 = 0x1_0000_0000

/** One flow of version 5; addresses are 4 octets, times epoch milliseconds. */
export interface NetflowV5Record {
  readonly sourceIPv4Address: Uint8Array
  readonly destinationIPv4Address: Uint8Array
  readonly ipNextHopIPv4Address?: Uint8Array
  readonly ingressInterface: number
  readonly egressInterface: number
  readonly packets: number
  readonly octets: number
  readonly startMilliseconds: number
  readonly endMilliseconds: number
  readonly sourceTransportPort: number
  /** For ICMP: type * 256 + code. */
  readonly destinationTransportPort: number
  readonly tcpControlBits: number
  readonly protocolIdentifier: number
  readonly ipClassOfService: number
  readonly bgpSourceAsNumber?: number
  readonly bgpDestinationAsNumber?: number
  readonly sourceIPv4PrefixLength?: number
  readonly destinationIPv4PrefixLength?: number
}

/** Settings of a version 5 exporter. */
export interface NetflowV5Options {
  readonly systemInitTimeMilliseconds: number
  readonly engineType?: number
  readonly engineId?: number
  /** 14 bits; 0 or 1 when not sampled. */
  readonly samplingInterval?: number
  /** 2 bits: 0 none, 1 deterministic, 2 random. */
  readonly samplingMode?: number
  readonly initialSequenceNumber?: number
}

/** An encoder of version 5 records. */
export interface NetflowV5Encoder {
  encode(records: readonly NetflowV5Record[], exportTimeMilliseconds: number): Uint8Array[]
}

function writeRecord(packet: Uint8Array, offset: number, record: NetflowV5Record, systemInit: number): void {
  packet.set(record.sourceIPv4Address, offset)
  packet.set(record.destinationIPv4Address, offset + 4)
  if (record.ipNextHopIPv4Address !== undefined) packet.set(record.ipNextHopIPv4Address, offset + 8)
  putUint16(packet, offset + 12, record.ingressInterface)
  putUint16(packet, offset + 14, record.egressInterface)
  putUint32(packet, offset + 16, record.packets)
  putUint32(packet, offset + 20, record.octets)
  putUint32(packet, offset + 24, uptime(record.startMilliseconds, systemInit))
  putUint32(packet, offset + 28, uptime(record.endMilliseconds, systemInit))
  putUint16(packet, offset + 32, record.sourceTransportPort)
  putUint16(packet, offset + 34, record.destinationTransportPort)
  packet[offset + 37] = record.tcpControlBits
  packet[offset + 38] = record.protocolIdentifier
  packet[offset + 39] = record.ipClassOfService
  putUint16(packet, offset + 40, record.bgpSourceAsNumber ?? 0)
  putUint16(packet, offset + 42, record.bgpDestinationAsNumber ?? 0)
  packet[offset + 44] = record.sourceIPv4PrefixLength ?? 0
  packet[offset + 45] = record.destinationIPv4PrefixLength ?? 0
}

/** Creates a NetFlow version 5 exporter. */
export function createNetflowV5Encoder(options: NetflowV5Options): NetflowV5Encoder {
  const { systemInitTimeMilliseconds, engineType = 0, engineId = 0 } = options
  const samplingInterval = options.samplingInterval ?? 0
  const samplingMode = options.samplingMode ?? (samplingInterval > 1 ? 2 : 0)
  let sequenceNumber = options.initialSequenceNumber ?? 0
  return {
    encode(records, exportTimeMilliseconds) {
      const datagrams: Uint8Array[] = []
      for (let first = 0; first < records.length; first += NETFLOW_V5_MAX_RECORDS) {
        const count = Math.min(NETFLOW_V5_MAX_RECORDS, records.length - first)
        const packet = new Uint8Array(HEADER_OCTETS + count * RECORD_OCTETS)
        putUint16(packet, 0, 5)
        putUint16(packet, 2, count)
        putUint32(packet, 4, uptime(exportTimeMilliseconds, systemInitTimeMilliseconds))
        putUint32(packet, 8, Math.floor(exportTimeMilliseconds / 1000))
        putUint32(packet, 12, Math.round((exportTimeMilliseconds % 1000) * 1_000_000))
        putUint32(packet, 16, sequenceNumber)
        packet[20] = engineType
        packet[21] = engineId
        putUint16(packet, 22, (samplingMode << 14) | (samplingInterval & 0x3fff))
        for (let index = 0; index < count; index += 1) {
          const offset = HEADER_OCTETS + index * RECORD_OCTETS
          writeRecord(packet, offset, records[first + index]!, systemInitTimeMilliseconds)
        }
        sequenceNumber = (sequenceNumber + count) % TWO_32
        datagrams.push(packet)
      }
      return datagrams
    },
  }
}
