/** Hashes of keys that are 32-bit words: each word is mixed in, then all is finished once. */

/** The hash so far, 0 at first, with one word more. */
export function mixWord(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

/** The last mixing is MurmurHash3's; a signed word of 32 bits. */
export function finishHash(hash: number): number {
  let mixed = Math.imul(hash, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
