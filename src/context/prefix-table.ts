/** Longest-prefix lookup: a map for each length that occurs, the longest first. */
import type { Address, AddressFamily, Prefix } from '../records/address.js'

export class PrefixTable<Value> {
  readonly #lengths: Readonly<Record<AddressFamily, number[]>> = { 4: [], 6: [] }
  readonly #values = new Map<string, Value>()

  /** A prefix that is there already gets the new value. */
  add({ address, length }: Prefix, value: Value): void {
    const lengths = this.#lengths[address.family]
    if (!lengths.includes(length)) {
      lengths.push(length)
      lengths.sort((one, other) => other - one)
    }
    this.#values.set(keyOf(address, length), value)
  }

  /** The value of the longest prefix that has the address. */
  find(address: Address): Value | undefined {
    for (const length of this.#lengths[address.family]) {
      const value = this.#values.get(keyOf(address, length))
      if (value !== undefined) return value
    }
    return undefined
  }
}

function keyOf({ family, words }: Address, length: number): string {
  if (family === 4) return `4/${length}/${masked(words[3], length)}`
  let key = `6/${length}`
  for (let index = 0; index < 4; index++) key += `/${masked(words[index as 0], length - 32 * index)}`
  return key
}

function masked(word: number, bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? word >>> 0 : (word & (0xffffffff << (32 - bits))) >>> 0
}
