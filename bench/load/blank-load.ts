/** Datagrams of zeros: what receiving alone costs. */
import { emptyLoadCounts, type Load } from './load.js'

export class BlankLoad implements Load {
  readonly arena: Uint8Array
  readonly sources = 1
  readonly counts = emptyLoadCounts()
  readonly offset = 0
  readonly length: number
  readonly source = 0

  /** Throws RangeError when so many octets are not a UDP datagram of IPv4. */
  constructor(octets: number) {
    if (octets < 1 || octets > 65_507) throw new RangeError('octets: 1 to 65,507')
    this.arena = new Uint8Array(new ArrayBuffer(octets))
    this.length = octets
  }

  restart(): void {
    Object.assign(this.counts, emptyLoadCounts())
  }

  advance(): void {
    this.counts.datagrams++
    this.counts.octets += this.length
  }
}
