/**
 * One line as octets, in a buffer of its own that every line is copied into: reading makes no string, does not depend on
 * where a line came from, and may look a few octets behind its end. A text is made only where somebody asks for one.
 */

/** Longest line that is parsed; the rest of a longer one is left out. */
export const MAX_LINE_OCTETS = 65_536
/** Octets behind the longest line that may be read in words. */
const PADDING = 64
/** Up to here a search octet by octet is faster than a call; what is farther must not cost a long line more. */
const NEAR = 256

export class Line {
  /** The line's octets are those up to `length`; what stands behind them is of earlier lines. */
  readonly octets = new Uint8Array(MAX_LINE_OCTETS + PADDING)
  readonly view = new DataView(this.octets.buffer)
  length = 0
  readonly #buffer = Buffer.from(this.octets.buffer)
  /** The line alone, made when something is looked for far behind. */
  #line: Buffer | undefined

  /** Takes the octets from `from` to `to`, of which no more than the longest line is kept; makes nothing for it. */
  set(octets: DataView, from: number, to: number): void {
    const { view } = this
    const length = Math.min(to - from, MAX_LINE_OCTETS)
    const whole = length & ~3
    for (let at = 0; at < whole; at += 4) view.setInt32(at, octets.getInt32(from + at, true), true)
    for (let at = whole; at < length; at++) view.setUint8(at, octets.getUint8(from + at))
    this.length = length
    this.#line = undefined
  }

  /** Takes a line that is one character per octet. */
  setText(text: string): void {
    this.length = this.#buffer.write(text, 0, MAX_LINE_OCTETS, 'latin1')
    this.#line = undefined
  }

  /** The octet at an index; -1 outside of the line. */
  octetAt(index: number): number {
    return index >>> 0 < this.length ? this.octets[index]! : -1
  }

  /** Whether an ASCII text stands at an index; as `String.prototype.startsWith`, at 0 where the index is negative. */
  startsWith(text: string, position = 0): boolean {
    const { octets } = this
    const { length } = text
    const start = Math.max(position, 0)
    if (start + length > this.length) return false
    for (let index = 0; index < length; index++) {
      if (octets[start + index] !== text.charCodeAt(index)) return false
    }
    return true
  }

  /** As `startsWith`, of a text given as octets, within the line. */
  startsWithOctets(text: Uint8Array, position: number): boolean {
    const { octets } = this
    const { length } = text
    if (position + length > this.length) return false
    for (let index = 0; index < length; index++) if (octets[position + index] !== text[index]) return false
    return true
  }

  /** Where an ASCII text stands first, from an index on; -1 where it does not. */
  indexOf(text: string, from = 0): number {
    const { length } = text
    const first = text.charCodeAt(0)
    if (length === 1) return this.indexOfOctet(first, from)
    const { octets } = this
    const second = text.charCodeAt(1)
    const start = Math.max(from, 0)
    const last = this.length - length
    const near = Math.min(last, start + NEAR)
    for (let index = start; index <= near; index++) {
      if (octets[index] !== first || octets[index + 1] !== second) continue
      if (length === 2 || this.startsWith(text, index)) return index
    }
    return near < last ? this.#exact().indexOf(text, near, 'latin1') : -1
  }

  /** Where an octet stands first, from an index on and before another; -1 where it does not. */
  indexOfOctet(octet: number, from: number, to = this.length): number {
    const { octets } = this
    const start = Math.max(from, 0)
    const end = Math.min(to, this.length)
    const near = Math.min(end, start + NEAR)
    for (let index = start; index < near; index++) if (octets[index] === octet) return index
    if (near >= end) return -1
    const found = this.#exact().indexOf(octet, near)
    return found < end ? found : -1
  }

  /** Where an ASCII text stands last, up to an index; -1 where it does not. */
  lastIndexOf(text: string, from = this.length): number {
    const first = text.charCodeAt(0)
    const { octets } = this
    const start = Math.min(Math.max(from, 0), this.length - text.length)
    const near = Math.max(0, start - NEAR)
    for (let index = start; index >= near; index--) {
      if (octets[index] === first && this.startsWith(text, index)) return index
    }
    return near > 0 ? this.#exact().lastIndexOf(text, near, 'latin1') : -1
  }

  /** The octet at an index as a character; empty outside of the line. */
  charAt(index: number): string {
    const octet = this.octetAt(index)
    return octet < 0 ? '' : String.fromCharCode(octet)
  }

  includes(text: string, from = 0): boolean {
    return this.indexOf(text, from) >= 0
  }

  /** The octets of a range as a text, one character each; as `String.prototype.slice` where an offset is negative. */
  slice(start: number, end = this.length): string {
    const from = start < 0 ? Math.max(0, start + this.length) : Math.min(start, this.length)
    const to = end < 0 ? Math.max(0, end + this.length) : Math.min(end, this.length)
    return from < to ? this.#buffer.toString('latin1', from, to) : ''
  }

  #exact(): Buffer {
    this.#line ??= this.#buffer.subarray(0, this.length)
    return this.#line
  }

  toString(): string {
    return this.slice(0)
  }
}
