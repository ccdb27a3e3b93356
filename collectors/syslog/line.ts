/**
 * One line as its octets, where they were received: a window on a buffer, moved from line to line, so that reading a line
 * makes no string. Searching and comparing go by octets; a text is made only where somebody asks for one.
 */

/** Longest line that is parsed; the rest of a longer one is left out. */
export const MAX_LINE_OCTETS = 65_536

export class Line {
  /** Where the line stands: `length` octets from `base` on. */
  octets: Uint8Array = new Uint8Array(0)
  base = 0
  length = 0
  /** The octets of a line that was given as a text; made when first needed. */
  #own: Buffer | undefined
  #plain = this.octets

  /** Moves the window to the octets from `from` to `to`, of which no more than the longest line is seen. */
  set(octets: Uint8Array, from: number, to: number): void {
    this.octets = octets
    this.base = from
    this.length = Math.min(to - from, MAX_LINE_OCTETS)
  }

  /** Takes a line that is one character per octet. */
  setText(text: string): void {
    if (this.#own === undefined) {
      // All buffers of lines are of one class, so that reading them stays fast.
      this.#plain = new Uint8Array(MAX_LINE_OCTETS)
      this.#own = asBuffer(this.#plain)
    }
    const written = this.#own.write(text, 'latin1')
    this.set(this.#plain, 0, written)
  }

  /** The octet at an index; -1 outside of the line. */
  octetAt(index: number): number {
    return index >>> 0 < this.length ? this.octets[this.base + index]! : -1
  }

  /** Whether an ASCII text stands at an index; as `String.prototype.startsWith`, at 0 where the index is negative. */
  startsWith(text: string, position = 0): boolean {
    const { octets } = this
    const { length } = text
    const start = Math.max(position, 0)
    if (start + length > this.length) return false
    const at = this.base + start
    for (let index = 0; index < length; index++) {
      if (octets[at + index] !== text.charCodeAt(index)) return false
    }
    return true
  }

  /** As `startsWith`, of a text given as octets, within the line. */
  startsWithOctets(text: Uint8Array, position: number): boolean {
    const { octets } = this
    const { length } = text
    if (position + length > this.length) return false
    const at = this.base + position
    for (let index = 0; index < length; index++) if (octets[at + index] !== text[index]) return false
    return true
  }

  /** Where an ASCII text stands first, from an index on; -1 where it does not. */
  indexOf(text: string, from = 0): number {
    const { length } = text
    if (length === 1) return this.indexOfOctet(text.charCodeAt(0), from)
    const { octets, base } = this
    const first = text.charCodeAt(0)
    const second = text.charCodeAt(1)
    const last = base + this.length - length
    for (let index = base + Math.max(from, 0); index <= last; index++) {
      if (octets[index] !== first || octets[index + 1] !== second) continue
      if (length === 2 || this.startsWith(text, index - base)) return index - base
    }
    return -1
  }

  /** Where an octet stands first, from an index on and before another; -1 where it does not. */
  indexOfOctet(octet: number, from: number, to = this.length): number {
    const { octets, base } = this
    const end = base + Math.min(to, this.length)
    for (let index = base + Math.max(from, 0); index < end; index++) {
      if (octets[index] === octet) return index - base
    }
    return -1
  }

  /** Where an ASCII text stands last, up to an index; -1 where it does not. */
  lastIndexOf(text: string, from = this.length): number {
    const first = text.charCodeAt(0)
    const { octets, base } = this
    for (let index = Math.min(Math.max(from, 0), this.length - text.length); index >= 0; index--) {
      if (octets[base + index] === first && this.startsWith(text, index)) return index
    }
    return -1
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
    return from < to ? asBuffer(this.octets).toString('latin1', this.base + from, this.base + to) : ''
  }

  toString(): string {
    return this.slice(0)
  }
}

function asBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
}
