/** Longest-prefix lookup: a map for each length that occurs, the longest first. */
import type { Address, AddressFamily, Prefix } from '../records/address.js'
import { networkOf } from './prefixes.js'

type Level<Value> = { readonly length: number; readonly values: Map<number | string, Value> }

export class PrefixTable<Value> {
  readonly #levels: Readonly<Record<AddressFamily, Level<Value>[]>> = { 4: [], 6: [] }

  /** A prefix that is there already gets the new value. */
  add({ address, length }: Prefix, value: Value): void {
    const levels = this.#levels[address.family]
    let level = levels.find((candidate) => candidate.length === length)
    if (level === undefined) {
      level = { length, values: new Map() }
      levels.push(level)
      levels.sort((one, other) => other.length - one.length)
    }
    level.values.set(keyOf(address, length), value)
  }

  /** The value of the longest prefix that has the address. */
  find(address: Address): Value | undefined {
    for (const { length, values } of this.#levels[address.family]) {
      const value = values.get(keyOf(address, length))
      if (value !== undefined) return value
    }
    return undefined
  }
}

function keyOf(address: Address, length: number): number | string {
  const [word0, word1, word2, word3] = networkOf(address, length)
  return address.family === 4 ? word3 : `${word0}/${word1}/${word2}/${word3}`
}
