/**
 * Messages out of one captured TCP stream: IPFIX (RFC 7011 §10.4) or syslog (RFC 6587), told by what it begins with.
 * Where the capture begins within a connection, or lacks a part of it, reading goes on at the first segment that begins
 * with a message which proves sound; other streams are passed over without a word.
 */
import { Framer } from '../stream/framing.js'
import { IpfixFramer } from '../stream/ipfix-framing.js'

/** A listener of a device that speaks IPFIX over TCP (RFC 7011 §10.3.4); faults on others show no more than that. */
const IPFIX_PORT = 4739
const IPFIX_VERSION = 10
const IPFIX_HEADER = 16
const SET_HEADER = 4
const SMALLEST_DATA_SET_ID = 256
const LESS = 0x3c
const SPACE = 0x20

/** What was wrong in a stream. */
export const streamFaults = {
  'stream-gap':
    'the capture lacks segments of a TCP stream; reading goes on at the next segment that begins with a sound message',
  'stream-framing': 'a TCP stream holds what is no message; reading goes on as behind a gap',
  'stream-cut': 'a TCP stream ends within a message',
} as const
export type StreamFault = keyof typeof streamFaults

export type StreamSink = {
  /** One whole message, valid until the call returns. */
  message(octets: Uint8Array): void
  fault(fault: StreamFault, octets: number): void
}

type Reading = {
  /** False when no further message can be found. */
  push(octets: Uint8Array): boolean
  /** Octets of a message that has begun. */
  pending(): number
  /** The stream has ended; octets of a message that is not whole. */
  end(): number
}

export class StreamMessages {
  private readonly sink: StreamSink
  private readonly port: number
  private reading: Reading | undefined
  /** At the first octet of a connection that was seen from there on. */
  private isFirst: boolean
  /** Whether a message was found, so that what goes wrong now is worth a word. */
  private isKnown = false

  constructor(port: number, isWhole: boolean, sink: StreamSink) {
    this.port = port
    this.isFirst = isWhole
    this.sink = sink
  }

  /** Takes octets in their order; each call begins where a segment does. */
  octets(octets: Uint8Array): void {
    if (this.reading === undefined) this.reading = this.begin(octets)
    this.isFirst = false
    if (this.reading === undefined) return
    if (this.reading.push(octets)) return
    this.reading = undefined
    if (this.isKnown) this.sink.fault('stream-framing', octets.length)
  }

  gap(octets: number): void {
    if (this.isKnown) this.sink.fault('stream-gap', octets + (this.reading?.pending() ?? 0))
    this.reading = undefined
    this.isFirst = false
  }

  end(): void {
    const left = this.reading?.end() ?? 0
    if (left > 0 && this.isKnown) this.sink.fault('stream-cut', left)
  }

  private begin(octets: Uint8Array): Reading | undefined {
    if (beginsSyslog(octets)) return this.readSyslog()
    // On its own port even a message that is not sound is told of; elsewhere it is some other protocol.
    if (this.isFirst && this.port === IPFIX_PORT) {
      this.isKnown = true
      return this.readIpfix(true)
    }
    return mayBeginIpfix(octets) ? this.readIpfix(false) : undefined
  }

  private readSyslog(): Reading {
    const framer = new Framer({
      onFrame: (bytes, start, end) => {
        this.isKnown = true
        this.sink.message(bytes.subarray(start, end))
      },
      onReason: (reason) => this.sink.fault(reason === 'truncated' ? 'stream-cut' : 'stream-framing', 0),
    })
    return {
      push: (octets) => framer.push(octets),
      pending: () => 0,
      end: () => {
        framer.end()
        return 0
      },
    }
  }

  /** `isProven`: taken for IPFIX as it is; else the first message must be sound to its last set. */
  private readIpfix(isProven: boolean): Reading {
    let isGood = isProven
    let isRefused = false
    const framer = new IpfixFramer((octets) => {
      if (!isGood && !isSound(octets)) isRefused = true
      if (isRefused) return
      isGood = true
      this.isKnown = true
      this.sink.message(octets)
    })
    return {
      push: (octets) => framer.push(octets) === undefined && !isRefused,
      pending: () => framer.pending,
      end: () => framer.pending,
    }
  }
}

/** `<13>…`, or a count of octets in front of it (RFC 6587 §3.4.1). */
function beginsSyslog(octets: Uint8Array): boolean {
  let at = 0
  while (at < 7 && isDigit(octets[at])) at++
  if (at > 0 && octets[at++] !== SPACE) return false
  return octets[at] === LESS && isDigit(octets[at + 1])
}

function isDigit(octet: number | undefined): boolean {
  return octet !== undefined && octet >= 0x30 && octet <= 0x39
}

/** Whether a header and that of its first set could be such; they are looked for at the begin of a segment alone. */
function mayBeginIpfix(octets: Uint8Array): boolean {
  if (octets.length < IPFIX_HEADER + SET_HEADER) return false
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  if (view.getUint16(0) !== IPFIX_VERSION) return false
  const room = view.getUint16(2) - IPFIX_HEADER
  return isSetHeader(view, IPFIX_HEADER, room)
}

/** Whether the sets of a message fill it, but for what is too short for one more. */
function isSound(octets: Uint8Array): boolean {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  let at = IPFIX_HEADER
  while (at + SET_HEADER <= octets.length && isSetHeader(view, at, octets.length - at))
    at += view.getUint16(at + 2)
  return octets.length - at < SET_HEADER
}

function isSetHeader(view: DataView, at: number, room: number): boolean {
  const setId = view.getUint16(at)
  const length = view.getUint16(at + 2)
  return (
    (setId === 2 || setId === 3 || setId >= SMALLEST_DATA_SET_ID) && length >= SET_HEADER && length <= room
  )
}
