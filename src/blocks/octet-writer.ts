/** Octets that grow at their end and are used again: what a block is put together in. */

const FIRST_OCTETS = 1 << 16

export class OctetWriter {
  octets = new Uint8Array(FIRST_OCTETS)
  view = new DataView(this.octets.buffer)
  length = 0

  /** Makes room for so many octets behind the end and returns where they begin; the length stays. */
  reserve(count: number): number {
    const needed = this.length + count
    if (needed > this.octets.length) {
      const grown = new Uint8Array(Math.max(needed, this.octets.length * 2))
      grown.set(this.octets.subarray(0, this.length))
      this.octets = grown
      this.view = new DataView(grown.buffer)
    }
    return this.length
  }

  u8(value: number): void {
    this.octets[this.reserve(1)] = value
    this.length += 1
  }

  u32(value: number): void {
    this.view.setUint32(this.reserve(4), value, true)
    this.length += 4
  }

  f64(value: number): void {
    this.view.setFloat64(this.reserve(8), value, true)
    this.length += 8
  }

  append(octets: Uint8Array): void {
    this.octets.set(octets, this.reserve(octets.length))
    this.length += octets.length
  }
}
