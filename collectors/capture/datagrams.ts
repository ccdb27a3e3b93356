/**
 * Export packets and log lines out of captured frames: UDP datagrams, and the messages of TCP streams, in the order in
 * which they were whole.
 */
import type { Address } from '#core/records/address.js'
import { transportNames } from '#core/records/exporter.js'
import { type Frame, type OnNote, readFrames } from './frames.js'
import { createPacketReader, type IpPacket, UDP } from './ip-packets.js'
import { type StreamFault, StreamMessages } from './stream-messages.js'
import { TcpStreams } from './tcp-streams.js'

const UDP_TRANSPORT = transportNames.indexOf('udp')
const TCP_TRANSPORT = transportNames.indexOf('tcp')

/** A UDP datagram, or one message of a TCP stream. */
export type CapturedDatagram = {
  readonly timeMilliseconds: number
  readonly source: Address
  readonly destination: Address
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
  /** A key of transportNames. */
  readonly transport: number
  /** The connection that a message came over, a transport session of its own; absent over UDP. */
  readonly stream?: object
}

/** What could not be read of a TCP stream. */
export type CaptureFault = Omit<CapturedDatagram, 'payload' | 'stream'> & {
  readonly reason: StreamFault
  readonly octets: number
}

export type OnCaptureFault = (fault: CaptureFault) => void

/** The datagrams and messages of a capture file; `onNote` is told what is short of the file. Throws INPUT_UNREADABLE. */
export function* readDatagrams(
  path: string,
  onFault: OnCaptureFault = () => {},
  onNote?: OnNote,
): Generator<CapturedDatagram> {
  const reader = createDatagramReader(onFault)
  for (const frame of readFrames(path, onNote)) yield* reader.take(frame)
  yield* reader.end()
}

export type DatagramReader = {
  /** What a frame made whole. */
  take(frame: Frame): readonly CapturedDatagram[]
  /** What is left when the last frame has come. */
  end(): readonly CapturedDatagram[]
}

export function createDatagramReader(onFault: OnCaptureFault = () => {}): DatagramReader {
  const readPacket = createPacketReader()
  let found: CapturedDatagram[] = []
  const streams = new TcpStreams<{ time: number; messages: StreamMessages }>({
    open({ packet: { source, destination }, sourcePort, destinationPort, isWhole }) {
      const stream = {}
      const common = { source, destination, sourcePort, destinationPort, transport: TCP_TRANSPORT }
      const reader = {
        time: 0,
        messages: new StreamMessages(destinationPort, isWhole, {
          message(octets) {
            found.push({ timeMilliseconds: reader.time, ...common, payload: octets.slice(), stream })
          },
          fault(reason, octets) {
            onFault({ timeMilliseconds: reader.time, ...common, reason, octets })
          },
        }),
      }
      return reader
    },
    octets(reader, octets, timeMilliseconds) {
      reader.time = timeMilliseconds
      reader.messages.octets(octets)
    },
    gap(reader, octets, timeMilliseconds) {
      reader.time = timeMilliseconds
      reader.messages.gap(octets)
    },
    end(reader, timeMilliseconds) {
      reader.time = timeMilliseconds
      reader.messages.end()
    },
  })
  const give = (): readonly CapturedDatagram[] => {
    const given = found
    found = []
    return given
  }
  return {
    take(frame) {
      const packet = readPacket(frame)
      if (packet === undefined) return []
      if (packet.protocol !== UDP) {
        streams.packet(packet)
        return give()
      }
      const datagram = udpDatagram(packet)
      return datagram === undefined ? [] : [datagram]
    },
    end() {
      streams.end()
      return give()
    },
  }
}

function udpDatagram({
  timeMilliseconds,
  source,
  destination,
  octets,
}: IpPacket): CapturedDatagram | undefined {
  if (octets.length < 8) return undefined
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const length = view.getUint16(4)
  const end = length >= 8 && length <= octets.length ? length : octets.length
  return {
    timeMilliseconds,
    source,
    destination,
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    payload: octets.slice(8, end),
    transport: UDP_TRANSPORT,
  }
}
