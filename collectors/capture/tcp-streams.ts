/**
 * TCP segments of a capture into octets in their order (RFC 9293 §3.4): repeated ones are dropped, early ones held
 * within bounds, and where a capture lacks some, what follows is given with a word that there is a gap.
 */
import type { IpPacket } from './ip-packets.js'

/** Octets of early segments held for one stream: about what a fast exporter has under way. */
export const MAX_HELD_OCTETS = 1024 * 1024
/** Octets held for all streams together. */
const MAX_HELD_OCTETS_IN_ALL = 32 * 1024 * 1024
const MAX_HELD_SEGMENTS = 1024
/** A segment that is still missing after so much of the capture's time was not captured. */
const MAX_HELD_MILLISECONDS = 30_000
/** Streams followed at one time; the one that was quiet longest is left first. */
export const MAX_STREAMS = 256
/** Segments further away than any window in use are of another connection with the same ports. */
const LARGEST_DISTANCE = 64 * 1024 * 1024

const FIN = 0x01
const SYN = 0x02
const RST = 0x04

/** One direction of a connection. */
export type TcpStream = {
  readonly packet: IpPacket
  readonly sourcePort: number
  readonly destinationPort: number
  /** Whether the connection was seen from its first octet on. */
  readonly isWhole: boolean
}

export type TcpStreamHandler<Reader> = {
  /** A new stream; what is given back is handed to the other calls. */
  open(stream: TcpStream): Reader
  /** Octets in their order; each call begins where a segment does. Valid until the call returns. */
  octets(reader: Reader, octets: Uint8Array, timeMilliseconds: number): void
  /** So many octets are missing before the next. */
  gap(reader: Reader, octets: number, timeMilliseconds: number): void
  end(reader: Reader, timeMilliseconds: number): void
}

type Held = { readonly sequence: number; readonly octets: Uint8Array; readonly timeMilliseconds: number }

type State<Reader> = {
  readonly reader: Reader
  /** The sequence number of the next octet. */
  next: number
  /** Early segments, in the order of their numbers. */
  held: Held[]
  heldOctets: number
  /** The number behind the last octet; -1 before a FIN came. */
  endsAt: number
  lastMilliseconds: number
}

export class TcpStreams<Reader> {
  private readonly handler: TcpStreamHandler<Reader>
  private readonly states = new Map<string, State<Reader>>()
  private heldOctets = 0

  constructor(handler: TcpStreamHandler<Reader>) {
    this.handler = handler
  }

  /** Takes a packet with a TCP segment. */
  packet(packet: IpPacket): void {
    const { octets, timeMilliseconds } = packet
    const headerLength = octets.length < 20 ? 0 : (octets[12]! >>> 4) * 4
    if (headerLength < 20 || headerLength > octets.length) return
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const sourcePort = view.getUint16(0)
    const destinationPort = view.getUint16(2)
    const flags = octets[13]!
    const isStart = (flags & SYN) !== 0
    // A SYN counts as one octet before the first.
    const sequence = (view.getUint32(4) + (isStart ? 1 : 0)) >>> 0
    const payload = octets.subarray(headerLength)
    const key = `${packet.source.words.join()}/${sourcePort}/${packet.destination.words.join()}/${destinationPort}`
    let state = this.states.get(key)
    if (state !== undefined && isStart && state.next !== sequence) {
      this.finish(key, state, timeMilliseconds)
      state = undefined
    }
    if ((flags & RST) !== 0) {
      if (state !== undefined) this.finish(key, state, timeMilliseconds)
      return
    }
    if (state === undefined) {
      if (payload.length === 0 && !isStart) return
      this.makeRoom(timeMilliseconds)
      const reader = this.handler.open({ packet, sourcePort, destinationPort, isWhole: isStart })
      state = { reader, next: sequence, held: [], heldOctets: 0, endsAt: -1, lastMilliseconds: 0 }
    }
    // The one that was quiet longest comes first.
    this.states.delete(key)
    this.states.set(key, state)
    state.lastMilliseconds = timeMilliseconds
    if (payload.length > 0) this.segment(state, sequence, payload, timeMilliseconds)
    if ((flags & FIN) !== 0) state.endsAt = (sequence + payload.length) >>> 0
    if (state.endsAt === state.next) this.finish(key, state, timeMilliseconds)
  }

  /** The capture has ended: what was held is given. */
  end(): void {
    for (const [key, state] of this.states) this.finish(key, state, state.lastMilliseconds)
  }

  private segment(state: State<Reader>, sequence: number, payload: Uint8Array, time: number): void {
    const ahead = (sequence - state.next) | 0
    if (Math.abs(ahead) > LARGEST_DISTANCE) {
      this.skipGaps(state, time)
      this.handler.gap(state.reader, 0, time)
      state.next = sequence
    }
    if (ahead > 0 && ahead <= LARGEST_DISTANCE) {
      this.hold(state, { sequence, octets: payload.slice(), timeMilliseconds: time })
    } else this.give(state, sequence, payload, time)
    this.giveHeld(state)
    const isOver =
      state.heldOctets > MAX_HELD_OCTETS ||
      state.held.length > MAX_HELD_SEGMENTS ||
      this.heldOctets > MAX_HELD_OCTETS_IN_ALL
    const oldest = state.held[0]?.timeMilliseconds ?? time
    if (isOver || time - oldest > MAX_HELD_MILLISECONDS) this.skipGap(state, time)
  }

  /** Gives what of a segment is new. */
  private give(state: State<Reader>, sequence: number, octets: Uint8Array, time: number): void {
    const known = (state.next - sequence) | 0
    if (known >= octets.length) return
    state.next = (sequence + octets.length) >>> 0
    this.handler.octets(state.reader, octets.subarray(Math.max(0, known)), time)
  }

  private hold(state: State<Reader>, held: Held): void {
    const distance = (sequence: number) => (sequence - state.next) | 0
    let at = state.held.length
    while (at > 0 && distance(state.held[at - 1]!.sequence) > distance(held.sequence)) at--
    state.held.splice(at, 0, held)
    state.heldOctets += held.octets.length
    this.heldOctets += held.octets.length
  }

  private giveHeld(state: State<Reader>): void {
    let taken = 0
    for (const { sequence, octets, timeMilliseconds } of state.held) {
      if (((sequence - state.next) | 0) > 0) break
      taken++
      state.heldOctets -= octets.length
      this.heldOctets -= octets.length
      this.give(state, sequence, octets, timeMilliseconds)
    }
    if (taken > 0) state.held.splice(0, taken)
  }

  private skipGap(state: State<Reader>, time: number): void {
    const [first] = state.held
    if (first === undefined) return
    this.handler.gap(state.reader, (first.sequence - state.next) >>> 0, time)
    state.next = first.sequence
    this.giveHeld(state)
  }

  private skipGaps(state: State<Reader>, time: number): void {
    while (state.held.length > 0) this.skipGap(state, time)
  }

  private finish(key: string, state: State<Reader>, time: number): void {
    this.skipGaps(state, time)
    this.states.delete(key)
    this.handler.end(state.reader, time)
  }

  private makeRoom(time: number): void {
    if (this.states.size < MAX_STREAMS) return
    const [key, state] = this.states.entries().next().value!
    this.finish(key, state, time)
  }
}
