/**
 * Cuts a stream into syslog messages: octet counting (RFC 6587 §3.4.1) and LF, CRLF or NUL behind a message (§3.4.2), told
 * apart anew for every message, because relays mix them. Pure: bytes in, frames out; a frame that lies in one chunk is not
 * copied. The two framings are not always to be told apart; the rules are:
 *
 * - Digits are a count only when a space and `<` follow: `2026 Jan 1 …` and `1780315200 link down` are text.
 * - Zeros in front of a count are read over, though the grammar has none. A count of zero is text.
 * - A message longer than the limit, counted or not, is cut there and told; its rest is skipped, and what follows it is whole.
 * - A count of more digits than are allowed cannot be skipped, as its end may never come: the stream is given up. Where
 *   all messages before it ended with a delimiter it is text instead: a number in front of a line.
 * - A count holds whatever octets there are, LF too. LF and NUL both end a message without a count, so a message that
 *   ends in NUL cannot hold LF.
 */

/** Counters by reason; every message that is cut or lost is one of these. */
export const framingReasons = ['oversized', 'badCount', 'truncated'] as const
/** Why a frame was cut or dropped. */
export type FramingReason = (typeof framingReasons)[number]

/** What a framer reports to. */
export type FramerOptions = {
  /** Longest message kept, 34 octets at least; the rest of a longer one is dropped and counted. */
  readonly maxFrameOctets?: number
  /** Most digits of an octet count (CVE-2022-24903); more is bad framing. */
  readonly maxCountDigits?: number
  /** One message: `bytes` from `start` to `end`, valid until the call returns. */
  readonly onFrame: (bytes: Uint8Array, start: number, end: number) => void
  readonly onReason?: (reason: FramingReason) => void
}

export const DEFAULT_MAX_FRAME_OCTETS = 65_536
const DEFAULT_MAX_COUNT_DIGITS = 7
/** Digits that are looked at before the text is taken for a message without a count. */
const HEAD_OCTETS = 32
/** What a small limit is raised to: the digits that were looked at must fit. */
const MIN_FRAME_OCTETS = HEAD_OCTETS + 2

const LF = 10
const CR = 13
const NUL = 0
const SPACE = 0x20
const LESS = 0x3c

const State = { head: 0, counted: 1, delimited: 2, skipCounted: 3, skipDelimited: 4, broken: 5 } as const

/** The framing state of one connection. */
export class Framer {
  readonly #maxFrameOctets: number
  readonly #maxCountDigits: number
  readonly #onFrame: FramerOptions['onFrame']
  readonly #onReason: (reason: FramingReason) => void
  #state: number = State.head
  readonly #head = new Uint8Array(MIN_FRAME_OCTETS)
  #headLength = 0
  #digits = 0
  #count = 0
  #spaceSeen = false
  /** Octets of a message that began in an earlier chunk. */
  #kept = new Uint8Array(0)
  #keptLength = 0
  /** Octets that a counted message still lacks. */
  #missing = 0
  /** Where the next ones are in the chunk at hand; the chunk's length when there are none. */
  #lineFeedAt = -1
  #nulAt = -1
  /** What the stream has shown of its framing so far. */
  #hasCounts = false
  #hasDelimiters = false
  #messages = 0

  constructor(options: FramerOptions) {
    this.#maxFrameOctets = Math.max(options.maxFrameOctets ?? DEFAULT_MAX_FRAME_OCTETS, MIN_FRAME_OCTETS)
    this.#maxCountDigits = options.maxCountDigits ?? DEFAULT_MAX_COUNT_DIGITS
    this.#onFrame = options.onFrame
    this.#onReason = options.onReason ?? (() => {})
  }

  /** Messages whose end has come. */
  get messages(): number {
    return this.#messages
  }

  /** True while a message has begun whose end has not come. */
  get isPending(): boolean {
    return this.#state !== State.head || this.#headLength > 0
  }

  /** Takes a chunk; false when the framing is broken and the connection must be closed. */
  push(chunk: Uint8Array): boolean {
    let index = 0
    this.#lineFeedAt = -1
    this.#nulAt = -1
    while (index < chunk.length) {
      switch (this.#state) {
        case State.head:
          index = this.#readHead(chunk, index)
          break
        case State.counted:
          index = this.#readCounted(chunk, index)
          break
        case State.delimited:
          index = this.#readDelimited(chunk, index)
          break
        case State.skipCounted: {
          const step = Math.min(this.#missing, chunk.length - index)
          this.#missing -= step
          index += step
          if (this.#missing === 0) this.#endMessage()
          break
        }
        case State.skipDelimited: {
          const end = this.#delimiterAt(chunk, index)
          index = end + 1
          if (end < chunk.length) this.#endMessage()
          break
        }
        default:
          return false
      }
    }
    return this.#state !== State.broken
  }

  /**
   * The connection has ended: a last message without its delimiter is a message, half a counted one is lost. Digits
   * alone are the beginning of a count where the stream has counts.
   */
  end(): void {
    if (this.#state === State.counted) this.#onReason('truncated')
    else if (this.#state === State.head && this.#headLength > 0) {
      if (this.#hasCounts) this.#onReason('truncated')
      else this.#emit(this.#head, 0, this.#headLength)
    } else if (this.#state === State.delimited && this.#keptLength > 0)
      this.#emit(this.#kept, 0, this.#keptLength)
    this.#restart()
  }

  #endMessage(): void {
    this.#messages++
    this.#restart()
  }

  #restart(): void {
    this.#state = State.head
    this.#headLength = 0
    this.#digits = 0
    this.#count = 0
    this.#spaceSeen = false
    this.#keptLength = 0
    this.#missing = 0
  }

  /** Reads up to the octet that tells a count from text; text then begins with what was read. */
  #readHead(chunk: Uint8Array, start: number): number {
    let index = start
    while (index < chunk.length) {
      const octet = chunk[index]!
      if (this.#headLength === 0) {
        if (octet === LF || octet === CR || octet === NUL || octet === SPACE) {
          index++
          continue
        }
        if (octet < 0x30 || octet > 0x39) {
          this.#state = State.delimited
          return index
        }
      }
      if (this.#spaceSeen) {
        if (octet !== LESS) return this.#headIsText(index)
        return this.#beginCounted(index)
      }
      if (octet >= 0x30 && octet <= 0x39 && this.#headLength < HEAD_OCTETS) {
        if (octet !== 0x30 || this.#digits > 0) this.#digits++
        if (this.#digits <= this.#maxCountDigits) this.#count = this.#count * 10 + octet - 0x30
      } else if (octet === SPACE) this.#spaceSeen = true
      else return this.#headIsText(index)
      this.#head[this.#headLength++] = octet
      index++
    }
    return index
  }

  #headIsText(index: number): number {
    this.#keep(this.#head, 0, this.#headLength)
    this.#state = State.delimited
    return index
  }

  #beginCounted(index: number): number {
    if (this.#count === 0) return this.#headIsText(index)
    if (this.#digits > this.#maxCountDigits) {
      if (this.#hasDelimiters && !this.#hasCounts) return this.#headIsText(index)
      this.#onReason('badCount')
      this.#state = State.broken
      return index
    }
    this.#hasCounts = true
    this.#missing = this.#count
    this.#state = State.counted
    return index
  }

  #readCounted(chunk: Uint8Array, start: number): number {
    const room = this.#maxFrameOctets - this.#keptLength
    const available = chunk.length - start
    if (this.#missing <= available && this.#missing <= room) {
      const end = start + this.#missing
      if (this.#keptLength === 0) this.#emit(chunk, start, end)
      else {
        this.#keep(chunk, start, end)
        this.#emit(this.#kept, 0, this.#keptLength)
      }
      this.#endMessage()
      return end
    }
    const step = Math.min(this.#missing, available, room)
    this.#keep(chunk, start, start + step)
    this.#missing -= step
    if (this.#keptLength >= this.#maxFrameOctets && this.#missing > 0) {
      this.#onReason('oversized')
      this.#emit(this.#kept, 0, this.#keptLength)
      this.#keptLength = 0
      this.#state = State.skipCounted
    }
    return start + step
  }

  #readDelimited(chunk: Uint8Array, start: number): number {
    const end = this.#delimiterAt(chunk, start)
    const length = this.#keptLength + end - start
    if (length > this.#maxFrameOctets) {
      this.#onReason('oversized')
      const cut = start + this.#maxFrameOctets - this.#keptLength
      if (this.#keptLength === 0) this.#emit(chunk, start, cut)
      else {
        this.#keep(chunk, start, cut)
        this.#emit(this.#kept, 0, this.#keptLength)
      }
      this.#keptLength = 0
      this.#state = State.skipDelimited
      return cut
    }
    if (end === chunk.length) {
      this.#keep(chunk, start, end)
      return end
    }
    if (this.#keptLength === 0) this.#emit(chunk, start, end)
    else {
      this.#keep(chunk, start, end)
      this.#emit(this.#kept, 0, this.#keptLength)
    }
    this.#hasDelimiters = true
    this.#endMessage()
    return end + 1
  }

  /** Appends to the kept octets; the buffer grows by doubling up to the limit. */
  #keep(bytes: Uint8Array, start: number, end: number): void {
    const wanted = this.#keptLength + end - start
    if (wanted > this.#kept.length) {
      const grown = new Uint8Array(
        Math.max(wanted, Math.min(this.#maxFrameOctets, this.#kept.length * 2, 1 << 20), 512),
      )
      grown.set(this.#kept.subarray(0, this.#keptLength))
      this.#kept = grown
    }
    this.#kept.set(bytes.subarray(start, end), this.#keptLength)
    this.#keptLength = wanted
  }

  /** Line ends at the end of a message are framing, also inside a count; an empty message is none. */
  #emit(bytes: Uint8Array, start: number, frameEnd: number): void {
    let end = frameEnd
    while (end > start) {
      const last = bytes[end - 1]!
      if (last !== LF && last !== CR && last !== NUL) break
      end--
    }
    if (end > start) this.#onFrame(bytes, start, end)
  }

  /** The offset of the next LF or NUL, or the chunk's length. No octet of a chunk is searched twice for the same one. */
  #delimiterAt(chunk: Uint8Array, start: number): number {
    if (this.#lineFeedAt < start) this.#lineFeedAt = offsetOf(LF, chunk, start)
    if (this.#nulAt < start) this.#nulAt = offsetOf(NUL, chunk, start)
    return Math.min(this.#lineFeedAt, this.#nulAt)
  }
}

function offsetOf(octet: number, chunk: Uint8Array, start: number): number {
  const found = chunk.indexOf(octet, start)
  return found < 0 ? chunk.length : found
}
