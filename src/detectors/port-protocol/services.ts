/**
 * How many clients, and how many other ends, a service (address, protocol, port) has been seen with: small counts, by
 * bitmap. Asked for with every conversation, so an entry is 24 octets and its place is found with one look: services are
 * told apart by a hash of 64 bits, sixteen share a place, and the one that was used longest ago makes room.
 */

/** Services kept at a time, a power of two. */
export const MAX_SERVICES = 131_072
const WAYS = 16
const PLACES = MAX_SERVICES / WAYS
/** Words behind the first half of the hash: its second half, clients (2), other ends and flags, time of last use. */
const WORDS = 5
const CLIENTS = 1
const OTHERS = 3
const USED = 4
/** Flags, above 16 bits for other ends. */
const CONFIRMED = 1 << 16
const WATCHED = 1 << 17
/** Bits for other ends. */
const OTHER_ENDS = 0xffff

export class Services {
  readonly maximum = MAX_SERVICES
  /** Services that were forgotten for want of room. */
  evicted = 0
  /** First halves of the hashes, sixteen to a line of memory; 0 where there is none. */
  private readonly tags = new Uint32Array(MAX_SERVICES)
  private readonly entries = new Uint32Array(MAX_SERVICES * WORDS)
  private uses = 0
  /** Of the last `find`. */
  private tag = 0
  private other = 0

  /** The place of a service, or -1. `kind` is of protocol and family; the address is four words from a place. */
  find(kind: number, keys: Uint32Array, offset: number, port: number): number {
    this.hash(kind, keys, offset, port)
    const { tags, entries, tag, other } = this
    const from = (other & (PLACES - 1)) * WAYS
    for (let slot = from; slot < from + WAYS; slot++)
      if (tags[slot] === tag && entries[slot * WORDS] === other) return slot
    return -1
  }

  /** Counts a conversation with another end. The service is that of the last `find`. */
  count(found: number, keys: Uint32Array, offset: number, otherPort: number): number {
    const slot = found >= 0 ? found : this.insert()
    const { entries } = this
    const at = slot * WORDS
    let hash = 0
    for (let word = 0; word < 4; word++) {
      hash = Math.imul(hash ^ keys[offset + word]!, 0x85ebca6b)
      hash ^= hash >>> 15
    }
    const bit = (Math.imul(hash, 0xc2b2ae35) >>> 26) & 63
    entries[at + CLIENTS + (bit >> 5)]! |= 1 << (bit & 31)
    entries[at + OTHERS]! |= 1 << (Math.imul(hash ^ otherPort, 0x9e3779b1) >>> 28)
    entries[at + USED] = ++this.uses
    return slot
  }

  confirm(slot: number): void {
    this.entries[slot * WORDS + OTHERS]! |= CONFIRMED
  }

  /** Notes that a client's pair with the service is kept, so that its further conversations are to be counted. */
  watch(slot: number): void {
    this.entries[slot * WORDS + OTHERS]! |= WATCHED
  }

  isWatched(slot: number): boolean {
    return slot >= 0 && (this.entries[slot * WORDS + OTHERS]! & WATCHED) !== 0
  }

  /** Whether a device that looks into packets named an application there that belongs on the port. */
  isConfirmed(slot: number): boolean {
    return slot >= 0 && (this.entries[slot * WORDS + OTHERS]! & CONFIRMED) !== 0
  }

  clientsOf(slot: number): number {
    if (slot < 0) return 0
    const at = slot * WORDS + CLIENTS
    return ones(this.entries[at]!) + ones(this.entries[at + 1]!)
  }

  peersOf(slot: number): number {
    return slot < 0 ? 0 : ones(this.entries[slot * WORDS + OTHERS]! & OTHER_ENDS)
  }

  private insert(): number {
    const { tags, entries, tag, other, uses } = this
    const from = (other & (PLACES - 1)) * WAYS
    let slot = from
    for (let way = from; way < from + WAYS; way++) {
      if (tags[way] === 0) {
        slot = way
        break
      }
      // Counted from now back, so that the count may run over.
      if ((uses - entries[way * WORDS + USED]!) >>> 0 > (uses - entries[slot * WORDS + USED]!) >>> 0)
        slot = way
    }
    if (tags[slot] !== 0) this.evicted++
    tags[slot] = tag
    entries.fill(0, slot * WORDS, (slot + 1) * WORDS)
    entries[slot * WORDS] = other
    return slot
  }

  private hash(kind: number, keys: Uint32Array, offset: number, port: number): void {
    let one = Math.imul((kind << 16) ^ port ^ 0x9e3779b9, 0x85ebca6b)
    let other = Math.imul((port << 16) ^ kind ^ 0x7f4a7c15, 0xc2b2ae35)
    for (let word = (kind & 0x8000) === 0 ? 3 : 0; word < 4; word++) {
      const key = keys[offset + word]!
      one = Math.imul(one ^ (one >>> 13) ^ key, 0x85ebca6b)
      other = Math.imul(other ^ (other >>> 15) ^ key, 0x27d4eb2f)
    }
    one = Math.imul(one ^ (one >>> 16), 0xc2b2ae35)
    other = Math.imul(other ^ (other >>> 13), 0x9e3779b1)
    // 0 stands for a place that is free.
    this.tag = (one ^ (one >>> 15)) >>> 0 || 1
    this.other = (other ^ (other >>> 16)) >>> 0
  }
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
