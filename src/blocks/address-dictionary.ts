/**
 * A set of 16-octet addresses numbered from 1: open addressing over typed arrays, no string per address. IPv4 addresses
 * are held in IPv4-mapped form (::ffff:0:0/96), so that one dictionary serves both families.
 */

export class AddressDictionary {
  /** Four words an address, most significant first; the first address is at 4. */
  words = new Uint32Array(4 * 256)
  size = 0
  private slots = new Uint32Array(512)

  /** The number of the address, added when it is new. */
  indexOf(word0: number, word1: number, word2: number, word3: number): number {
    const mask = this.slots.length - 1
    let slot = hash(word0, word1, word2, word3) & mask
    for (;;) {
      const index = this.slots[slot]!
      if (index === 0) break
      const at = index * 4
      const words = this.words
      if (
        words[at] === word0 >>> 0 &&
        words[at + 1] === word1 >>> 0 &&
        words[at + 2] === word2 >>> 0 &&
        words[at + 3] === word3 >>> 0
      ) {
        return index
      }
      slot = (slot + 1) & mask
    }
    const index = ++this.size
    if ((index + 1) * 4 > this.words.length) {
      const grown = new Uint32Array(this.words.length * 2)
      grown.set(this.words)
      this.words = grown
    }
    this.words.set([word0, word1, word2, word3], index * 4)
    this.slots[slot] = index
    if (this.size * 2 > this.slots.length) this.grow()
    return index
  }

  clear(): void {
    this.slots.fill(0)
    this.size = 0
  }

  private grow(): void {
    this.slots = new Uint32Array(this.slots.length * 2)
    const mask = this.slots.length - 1
    for (let index = 1; index <= this.size; index++) {
      const at = index * 4
      const words = this.words
      let slot = hash(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!) & mask
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask
      this.slots[slot] = index
    }
  }
}

function hash(word0: number, word1: number, word2: number, word3: number): number {
  let mixed = Math.imul(word0 ^ Math.imul(word1, 0x9e3779b1), 0x85ebca6b)
  mixed = Math.imul(mixed ^ word2 ^ (mixed >>> 15), 0xc2b2ae35)
  mixed = Math.imul(mixed ^ word3 ^ (mixed >>> 13), 0x27d4eb2f)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
