/**
 * Kernels for columns of doubles: their range, and whole numbers of 32 bits that tell them. An array ends at a multiple of
 * sixteen rows, filled up with its first value.
 */
import {
  advance,
  type Code,
  F64,
  f64,
  f64x2,
  get,
  I32,
  i32,
  i32x4,
  loop,
  set,
  V128,
  v128,
  type WasmFunction,
} from './assembler.js'
import { bitsOfWords } from './plane-kernels.js'

const zeros = f64x2.all(f64.constant(0))
const isNotZero = (value: Code): Code => f64x2.isNotEqual(value, zeros)

/**
 * Parameters: where the array begins and ends, where the result goes: two least and two greatest of the values that are not
 * 0, then two words with bits in one of them when a value is 0. Returns 0 when none is NaN.
 */
const range: WasmFunction = (() => {
  const [from, end, to, least, most, value, mask, zero, unordered] = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  const infinite = (value: number) => f64x2.all(f64.constant(value))
  return {
    name: 'range',
    parameters: [I32, I32, I32],
    result: I32,
    locals: [V128, V128, V128, V128, V128, V128],
    body: [
      set(least, infinite(Number.POSITIVE_INFINITY)),
      set(most, infinite(Number.NEGATIVE_INFINITY)),
      loop(
        set(value, v128.load(0, get(from))),
        set(mask, isNotZero(get(value))),
        set(
          least,
          f64x2.least(get(least), v128.select(get(value), infinite(Number.POSITIVE_INFINITY), get(mask))),
        ),
        set(
          most,
          f64x2.most(get(most), v128.select(get(value), infinite(Number.NEGATIVE_INFINITY), get(mask))),
        ),
        set(zero, v128.or(get(zero), f64x2.isEqual(get(value), zeros))),
        set(unordered, v128.or(get(unordered), f64x2.isNotEqual(get(value), get(value)))),
        advance(from, end, 16),
      ),
      v128.store(0, get(to), get(least)),
      v128.store(16, get(to), get(most)),
      v128.store(32, get(to), get(zero)),
      bitsOfWords(get(unordered)),
    ],
  }
})()

/** 2^52: a whole number below 2^32 added to it is the low word of the sum. */
const WHOLE = 2 ** 52
const WHOLE_HIGH_WORD = 0x43300000
const lowWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]
const highWords = lowWords.map((octet) => octet + 4)

/** Of two vectors of doubles their low words; `bad` gets bits where one is no whole number of 32 bits. */
function wholeNumbers(
  to: number,
  bad: number,
  values: readonly [number, number],
  sums: readonly [number, number],
) {
  const whole = f64x2.all(f64.constant(WHOLE))
  const noteFault = (fault: Code) => set(bad, v128.or(get(bad), fault))
  return [
    ...([0, 1] as const).flatMap((index) => [
      set(sums[index], f64x2.add(get(values[index]), whole)),
      noteFault(f64x2.isNotEqual(f64x2.subtract(get(sums[index]), whole), get(values[index]))),
    ]),
    v128.store(0, get(to), v128.shuffle(lowWords, get(sums[0]), get(sums[1]))),
    noteFault(
      v128.xor(v128.shuffle(highWords, get(sums[0]), get(sums[1])), i32x4.all(i32.constant(WHOLE_HIGH_WORD))),
    ),
    set(to, i32.add(get(to), i32.constant(16))),
  ]
}

/**
 * Parameters: where the array begins and ends, where words go, a base. A word is the value less the base, 0 where the value
 * is 0. Returns 0 when all values come back from their words.
 */
const offsets: WasmFunction = (() => {
  const [from, end, to, base, bad, one, two, sumOne, sumTwo] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const
  const offset = (at: number, value: number) => [
    set(value, v128.load(at, get(from))),
    set(value, v128.and(f64x2.subtract(get(value), f64x2.all(get(base))), isNotZero(get(value)))),
  ]
  return {
    name: 'offsets',
    parameters: [I32, I32, I32, F64],
    result: I32,
    locals: [V128, V128, V128, V128, V128],
    body: [
      loop(
        ...offset(0, one),
        ...offset(16, two),
        ...wholeNumbers(to, bad, [one, two], [sumOne, sumTwo]),
        advance(from, end, 32),
      ),
      bitsOfWords(get(bad)),
    ],
  }
})()

/**
 * Parameters: where the array begins and ends, where words go, where the array lies that is counted from. A word is the
 * difference of both values plus 1, 0 where the value is 0. Returns 0 when all values come back from their words.
 */
const differences: WasmFunction = (() => {
  const [from, end, to, starts, bad, one, two, sumOne, sumTwo, value, mask] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ] as const
  const ones = f64x2.all(f64.constant(1))
  const difference = (at: number, result: number) => [
    set(value, v128.load(at, get(from))),
    set(mask, isNotZero(get(value))),
    set(result, v128.and(f64x2.add(f64x2.subtract(get(value), v128.load(at, get(starts))), ones), get(mask))),
    // A difference that was rounded, and one of -1, which would stand for 0.
    set(
      bad,
      v128.or(
        get(bad),
        v128.and(
          get(mask),
          v128.or(
            f64x2.isNotEqual(
              f64x2.subtract(f64x2.add(v128.load(at, get(starts)), get(result)), ones),
              get(value),
            ),
            f64x2.isEqual(get(result), zeros),
          ),
        ),
      ),
    ),
  ]
  return {
    name: 'differences',
    parameters: [I32, I32, I32, I32],
    result: I32,
    locals: [V128, V128, V128, V128, V128, V128, V128],
    body: [
      loop(
        ...difference(0, one),
        ...difference(16, two),
        ...wholeNumbers(to, bad, [one, two], [sumOne, sumTwo]),
        set(starts, i32.add(get(starts), i32.constant(32))),
        advance(from, end, 32),
      ),
      bitsOfWords(get(bad)),
    ],
  }
})()

export const doubleKernels: readonly WasmFunction[] = [range, offsets, differences]
