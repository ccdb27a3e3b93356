/**
 * Cuts a stream into IPFIX messages by the length field of their header (RFC 7011 §3.1, §10.4). Pure: chunks in, whole
 * messages out; a message that lies in one chunk is not copied. A length is at most 65,535, so what is kept is bounded.
 */

const VERSION = 10
const HEADER_OCTETS = 16
/** What must be there before the length can be read. */
const PREFIX_OCTETS = 4

/** Why a stream cannot be followed any further. */
export const ipfixFramingFaults = ['badVersion', 'badLength'] as const
export type IpfixFramingFault = (typeof ipfixFramingFaults)[number]

export class IpfixFramer {
  private readonly onMessage: (octets: Uint8Array) => void
  /** Octets of a message that began in an earlier chunk. */
  private kept = new Uint8Array(0)
  private keptLength = 0
  /** Whole messages so far. */
  messages = 0

  /** `onMessage` gets one whole message, valid until it returns. */
  constructor(onMessage: (octets: Uint8Array) => void) {
    this.onMessage = onMessage
  }

  /** Octets of a message whose end has not come. */
  get pending(): number {
    return this.keptLength
  }

  /** Takes a chunk. A fault means that no further message can be found, and the connection must be closed. */
  push(chunk: Uint8Array): IpfixFramingFault | undefined {
    let at = 0
    while (at < chunk.length) {
      if (this.keptLength > 0) {
        at = this.complete(chunk, at)
        if (at < 0) return at === -1 ? 'badVersion' : 'badLength'
        continue
      }
      const left = chunk.length - at
      if (left < PREFIX_OCTETS) {
        // Too short to judge, but a wrong version shows by its first octets.
        if (!beginsWithVersion(chunk, at, left)) return 'badVersion'
        this.keep(chunk, at, chunk.length)
        return undefined
      }
      if (!beginsWithVersion(chunk, at, left)) return 'badVersion'
      const length = lengthAt(chunk, at)
      if (length < HEADER_OCTETS) return 'badLength'
      if (length > left) {
        this.keep(chunk, at, chunk.length)
        return undefined
      }
      this.messages++
      this.onMessage(chunk.subarray(at, at + length))
      at += length
    }
    return undefined
  }

  /** Adds to the message that was begun. Returns the offset behind what was taken; -1 bad version, -2 bad length. */
  private complete(chunk: Uint8Array, from: number): number {
    let at = from
    if (this.keptLength < PREFIX_OCTETS) {
      const step = Math.min(PREFIX_OCTETS - this.keptLength, chunk.length - at)
      this.keep(chunk, at, at + step)
      at += step
      if (!beginsWithVersion(this.kept, 0, this.keptLength)) return -1
      if (this.keptLength < PREFIX_OCTETS) return at
    }
    const length = lengthAt(this.kept, 0)
    if (length < HEADER_OCTETS) return -2
    const step = Math.min(length - this.keptLength, chunk.length - at)
    this.keep(chunk, at, at + step)
    at += step
    if (this.keptLength === length) {
      this.keptLength = 0
      this.messages++
      this.onMessage(this.kept.subarray(0, length))
    }
    return at
  }

  private keep(octets: Uint8Array, from: number, to: number): void {
    const wanted = this.keptLength + to - from
    if (wanted > this.kept.length) {
      const grown = new Uint8Array(Math.max(wanted, Math.min(65_536, this.kept.length * 2), 2048))
      grown.set(this.kept.subarray(0, this.keptLength))
      this.kept = grown
    }
    this.kept.set(octets.subarray(from, to), this.keptLength)
    this.keptLength = wanted
  }
}

function beginsWithVersion(octets: Uint8Array, at: number, length: number): boolean {
  return octets[at] === 0 && (length < 2 || octets[at + 1] === VERSION)
}

function lengthAt(octets: Uint8Array, at: number): number {
  return (octets[at + 2]! << 8) | octets[at + 3]!
}
