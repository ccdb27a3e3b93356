/** Unsigned numbers in seven bits an octet, the lowest first; the high bit says that more follow. DWARF 5 §7.6. */

/** Above this, numbers are no longer exact: a longer encoding is damage. */
const LONGEST_OCTETS = 8

export function pushLeb128(octets: number[], value: number): void {
  let rest = value
  while (rest >= 0x80) {
    octets.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  octets.push(rest)
}

/** Reads numbers one after the other; NaN where the octets end before a number does. */
export class Leb128Reader {
  at = 0
  private readonly octets: Uint8Array

  constructor(octets: Uint8Array) {
    this.octets = octets
  }

  get isAtEnd(): boolean {
    return this.at >= this.octets.length
  }

  next(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < LONGEST_OCTETS; count++) {
      const octet = this.octets[this.at++]
      if (octet === undefined) return Number.NaN
      value += (octet & 0x7f) * scale
      if (octet < 0x80) return value
      scale *= 0x80
    }
    return Number.NaN
  }
}
