/** Reads XDR (RFC 4506). Past the end it gives zeros and says so, once for a whole structure. */
export class XdrReader {
  overran = false
  readonly view: DataView
  readonly end: number
  private offset: number

  constructor(view: DataView, from: number, end: number) {
    this.view = view
    this.offset = from
    this.end = end
  }

  get at(): number {
    return this.offset
  }

  get left(): number {
    return this.end - this.offset
  }

  u32(): number {
    if (!this.take(4)) return 0
    return this.view.getUint32(this.offset - 4)
  }

  i32(): number {
    return this.u32() | 0
  }

  u64(): bigint {
    if (!this.take(8)) return 0n
    return this.view.getBigUint64(this.offset - 8)
  }

  f32(): number {
    if (!this.take(4)) return 0
    return this.view.getFloat32(this.offset - 4)
  }

  /** Octets of a fixed or known length, filled up to four (§4.9, §4.10). */
  opaque(octets: number): Buffer {
    const from = this.offset
    if (!this.take(octets)) return Buffer.alloc(0)
    this.offset = Math.min(this.end, this.offset + ((4 - (octets & 3)) & 3))
    return Buffer.from(this.view.buffer, this.view.byteOffset + from, octets)
  }

  /** The count of an array whose items have at least `leastOctets` each; 0 when so many cannot be there. */
  count(leastOctets: number): number {
    const count = this.u32()
    if (count * leastOctets > this.left) this.overran = true
    return this.overran ? 0 : count
  }

  private take(octets: number): boolean {
    if (octets > this.left) this.overran = true
    else this.offset += octets
    return !this.overran
  }
}
