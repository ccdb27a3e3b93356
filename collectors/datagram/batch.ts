/**
 * Room for the datagrams of one recvmmsg call: one slab of octets, and the structures that tell the kernel where in it
 * each datagram goes. All is made once; sources of one thread share it, since each empties it before the next asks.
 */
import type { Libc } from './libc.js'
import { SOCKET_ADDRESS_OCTETS } from './socket-address.js'

/** Datagrams of a call: more do not make it cheaper. */
export const BATCH_DATAGRAMS = 64
/** The longest datagram there is: a UDP length has 16 bits, 8 octets of it are the header. */
const DATAGRAM_OCTETS = 65_536
/** Slots begin at different lines of the processor's cache, which a distance of a power of two would not give. */
const STAGGER_OCTETS = 1536

/** struct iovec: address and length, 8 octets each. */
const IOVEC_OCTETS = 16
/** struct mmsghdr: struct msghdr, 56 octets, then the received length; padded to 64. */
const HEADER_OCTETS = 64
const HEADER_WORDS = HEADER_OCTETS / 4
const NAME_LENGTH_WORD = 2
const IOVEC_AT = 16
const IOVEC_COUNT_AT = 24
const FLAGS_WORD = 12
const LENGTH_WORD = 14

export class Batch {
  readonly datagrams: number
  /** Where the kernel finds the headers. */
  readonly headersAddress: number
  /** A view of each datagram's room, used again and again. */
  readonly views: readonly DataView[]
  /** The senders' socket addresses, SOCKET_ADDRESS_OCTETS each. */
  readonly names: DataView
  private readonly headers: Uint32Array
  /** What the kernel has the addresses of: without a holder the collector would free it, and each call fail. */
  readonly held: readonly Uint8Array[]

  /** `octets` is the room of one datagram; what is longer is cut. */
  constructor(libc: Pick<Libc, 'addressOf'>, datagrams = BATCH_DATAGRAMS, octets = DATAGRAM_OCTETS) {
    const slotOctets = octets + STAGGER_OCTETS
    const slab = new Uint8Array(datagrams * slotOctets)
    const names = new Uint8Array(datagrams * SOCKET_ADDRESS_OCTETS)
    const iovecs = new Uint8Array(datagrams * IOVEC_OCTETS)
    const headers = new Uint8Array(datagrams * HEADER_OCTETS)
    const [slabAt, namesAt, iovecsAt] = [libc.addressOf(slab), libc.addressOf(names), libc.addressOf(iovecs)]
    const iovecView = new DataView(iovecs.buffer)
    const headerView = new DataView(headers.buffer)
    const put = (view: DataView, offset: number, value: number) =>
      view.setBigUint64(offset, BigInt(value), true)
    for (let index = 0; index < datagrams; index++) {
      put(iovecView, index * IOVEC_OCTETS, slabAt + index * slotOctets)
      put(iovecView, index * IOVEC_OCTETS + 8, octets)
      put(headerView, index * HEADER_OCTETS, namesAt + index * SOCKET_ADDRESS_OCTETS)
      put(headerView, index * HEADER_OCTETS + IOVEC_AT, iovecsAt + index * IOVEC_OCTETS)
      put(headerView, index * HEADER_OCTETS + IOVEC_COUNT_AT, 1)
    }
    this.datagrams = datagrams
    this.headersAddress = libc.addressOf(headers)
    this.views = Array.from(
      { length: datagrams },
      (_, index) => new DataView(slab.buffer, index * slotOctets, octets),
    )
    this.names = new DataView(names.buffer)
    this.headers = new Uint32Array(headers.buffer)
    this.held = [slab, names, iovecs, headers]
    this.reset(datagrams)
  }

  lengthOf(index: number): number {
    return this.headers[index * HEADER_WORDS + LENGTH_WORD]!
  }

  flagsOf(index: number): number {
    return this.headers[index * HEADER_WORDS + FLAGS_WORD]!
  }

  /** Makes the first `count` headers ready again: the kernel wrote the length of each sender's address there. */
  reset(count: number): void {
    for (let index = 0; index < count; index++)
      this.headers[index * HEADER_WORDS + NAME_LENGTH_WORD] = SOCKET_ADDRESS_OCTETS
  }
}
