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
    const at = this.reserve(1)
    this.octets[at] = value
    this.length += 1
  }

  u32(value: number): void {
    const at = this.reserve(4)
    this.view.setUint32(at, value, true)
    this.length += 4
  }

  f64(value: number): void {
    const at = this.reserve(8)
    this.view.setFloat64(at, value, true)
    this.length += 8
  }

  append(octets: Uint8Array): void {
    // The arrays may be others once there is room.
    const at = this.reserve(octets.length)
    this.octets.set(octets, at)
    this.length += octets.length
  }
}
