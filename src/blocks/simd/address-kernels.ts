/** Kernels for the filter of addresses: a hash of each row's words, then bits set by the hashes (address-filter.ts). */
import { advance, get, I32, i32, i32x4, loop, set, V128, v128, type WasmFunction } from './assembler.js'

/**
 * The last step of MurmurHash3 on the hash so far, exclusive-or a word. Parameters: where the words begin and end, where the
 * hashes are; both end at a multiple of four.
 */
const hash: WasmFunction = (() => {
  const [from, end, to, value] = [0, 1, 2, 3]
  const fold = (bits: number) =>
    set(value, v128.xor(get(value), i32x4.shiftRight(get(value), i32.constant(bits))))
  const multiply = (factor: number) => set(value, i32x4.multiply(get(value), i32x4.all(i32.constant(factor))))
  return {
    name: 'hash',
    parameters: [I32, I32, I32],
    locals: [V128],
    body: [
      loop(
        set(value, v128.xor(v128.load(0, get(from)), v128.load(0, get(to)))),
        fold(16),
        multiply(0x85ebca6b),
        fold(13),
        multiply(0xc2b2ae35),
        fold(16),
        v128.store(0, get(to), get(value)),
        set(to, i32.add(get(to), i32.constant(16))),
        advance(from, end, 16),
      ),
    ],
  }
})()

/** Parameters: where the hashes begin and end, where the filter is, 31 less the binary logarithm of its words. */
const mark: WasmFunction = (() => {
  const [from, end, filter, shift, value, at] = [0, 1, 2, 3, 4, 5]
  const bit = (bits: number) => i32.shiftLeft(i32.constant(1), i32.shiftRight(get(value), i32.constant(bits)))
  // By two shifts: one of 32 would be none.
  const word = i32.shiftRight(i32.shiftRight(get(value), get(shift)), i32.constant(1))
  return {
    name: 'mark',
    parameters: [I32, I32, I32, I32],
    locals: [I32, I32],
    body: [
      loop(
        set(value, i32.load(0, get(from))),
        set(at, i32.add(get(filter), i32.shiftLeft(word, i32.constant(2)))),
        i32.store(0, get(at), i32.or(i32.load(0, get(at)), i32.or(i32.or(bit(0), bit(5)), bit(10)))),
        advance(from, end, 4),
      ),
    ],
  }
})()

export const addressKernels: readonly WasmFunction[] = [hash, mark]
