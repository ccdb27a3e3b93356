/**
 * The address objects of senders, found by the words of their socket address without a string being made. Open
 * addressing with a secret hash, so that forged senders can fill it but not choose to collide; full, it begins anew.
 */
import { randomBytes } from 'node:crypto'
import type { Address } from '#core/records/address.js'
import { AF_INET, AF_INET6 } from './libc.js'

/** Senders whose address objects are kept. */
export const MAX_SENDERS = 65_536
/** Twice as many, so that a place is found at once; log2 for the hash. */
const PLACES_LOG2 = 17
const PLACE_MASK = (1 << PLACES_LOG2) - 1

export class SenderCache {
  /** Index into `senders` plus 1; 0 is a free place. */
  private readonly places = new Int32Array(1 << PLACES_LOG2)
  private readonly words = new Uint32Array(MAX_SENDERS * 4)
  private readonly senders: Address[] = []
  private readonly odd = Uint32Array.from(
    new Uint32Array(randomBytes(16).buffer.slice(0, 16)),
    (word) => word | 1,
  )
  private last = 0

  get size(): number {
    return this.senders.length
  }

  /**
   * The sender whose socket address lies at `offset`, the same object for the same address; undefined for a family
   * that is not IP. IPv4-mapped addresses are IPv4 ones.
   */
  at(names: DataView, offset: number): Address | undefined {
    const family = names.getUint16(offset, true)
    if (family === AF_INET) return this.of(0, 0, 0xffff, names.getUint32(offset + 4))
    if (family !== AF_INET6) return undefined
    return this.of(
      names.getUint32(offset + 8),
      names.getUint32(offset + 12),
      names.getUint32(offset + 16),
      names.getUint32(offset + 20),
    )
  }

  private of(word0: number, word1: number, word2: number, word3: number): Address {
    if (this.isAt(this.last, word0, word1, word2, word3)) return this.senders[this.last]!
    const { odd, places } = this
    const hash =
      Math.imul(word0, odd[0]!) +
      Math.imul(word1, odd[1]!) +
      Math.imul(word2, odd[2]!) +
      Math.imul(word3, odd[3]!)
    let place = (hash | 0) >>> (32 - PLACES_LOG2)
    for (let index = places[place]! - 1; index >= 0; index = places[place]! - 1) {
      if (this.isAt(index, word0, word1, word2, word3)) {
        this.last = index
        return this.senders[index]!
      }
      place = (place + 1) & PLACE_MASK
    }
    if (this.senders.length < MAX_SENDERS) return this.add(place, word0, word1, word2, word3)
    this.senders.length = 0
    places.fill(0)
    return this.add((hash | 0) >>> (32 - PLACES_LOG2), word0, word1, word2, word3)
  }

  private isAt(index: number, word0: number, word1: number, word2: number, word3: number): boolean {
    const { words } = this
    const at = index * 4
    return (
      index < this.senders.length &&
      words[at + 3] === word3 &&
      words[at] === word0 &&
      words[at + 1] === word1 &&
      words[at + 2] === word2
    )
  }

  private add(place: number, word0: number, word1: number, word2: number, word3: number): Address {
    const isMapped = word0 === 0 && word1 === 0 && word2 === 0xffff
    const address: Address = isMapped
      ? { family: 4, words: [0, 0, 0, word3] }
      : { family: 6, words: [word0, word1, word2, word3] }
    const index = this.senders.length
    this.words.set([word0, word1, word2, word3], index * 4)
    this.senders.push(address)
    this.places[place] = index + 1
    this.last = index
    return address
  }
}
