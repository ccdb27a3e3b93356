/**
 * Kernels that take arrays of whole numbers apart into planes of octets, sixteen rows at a time, and tell which bits are not
 * the same in all rows. An array ends at a multiple of sixteen rows, filled up with its first value.
 */
import {
  advance,
  type Code,
  get,
  I32,
  i8x16,
  i16x8,
  i32,
  i32x4,
  loop,
  set,
  V128,
  v128,
  type WasmFunction,
} from './assembler.js'

/** Parameters: where the array begins and ends, where the first plane goes, octets from plane to plane. */
const FROM = 0
const END = 1
const TO = 2
const STRIDE = 3
const PARAMETERS = [I32, I32, I32, I32] as const
const FIRST = 4
const VARYING = 5

/** Bits that are set in any of the four words of a vector. */
export const bitsOfWords = (vector: Code): Code =>
  i32.or(
    i32.or(i32x4.lane(0, vector), i32x4.lane(1, vector)),
    i32.or(i32x4.lane(2, vector), i32x4.lane(3, vector)),
  )

const note = (value: number): Code => set(VARYING, v128.or(get(VARYING), v128.xor(get(value), get(FIRST))))
const to = (plane: number): Code => i32.add(get(TO), i32.multiply(get(STRIDE), i32.constant(plane)))
const nextRows = set(TO, i32.add(get(TO), i32.constant(16)))

const WORDS = [6, 7, 8, 9] as const
const LEFT = 10
const RIGHT = 11
/** Octets `octet` of eight words, then their next ones. */
const twoOctets = (octet: number) =>
  [0, 1].flatMap((next) => [0, 4, 8, 12, 16, 20, 24, 28].map((word) => word + octet + next))
const lowHalves = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]
const highHalves = lowHalves.map((octet) => octet + 8)
const twoPlanes = (plane: number): Code[] => [
  set(LEFT, v128.shuffle(twoOctets(plane), get(WORDS[0]), get(WORDS[1]))),
  set(RIGHT, v128.shuffle(twoOctets(plane), get(WORDS[2]), get(WORDS[3]))),
  v128.store(0, to(plane), v128.shuffle(lowHalves, get(LEFT), get(RIGHT))),
  v128.store(0, to(plane + 1), v128.shuffle(highHalves, get(LEFT), get(RIGHT))),
]

const split32: WasmFunction = {
  name: 'split32',
  parameters: PARAMETERS,
  result: I32,
  locals: [V128, V128, V128, V128, V128, V128, V128, V128],
  body: [
    set(FIRST, i32x4.all(i32.load(0, get(FROM)))),
    loop(
      ...WORDS.map((local, index) => set(local, v128.load(16 * index, get(FROM)))),
      ...WORDS.map(note),
      ...twoPlanes(0),
      ...twoPlanes(2),
      nextRows,
      advance(FROM, END, 64),
    ),
    bitsOfWords(get(VARYING)),
  ],
}

const PAIRS = [6, 7] as const
const eachSecond = (octet: number) => Array.from({ length: 16 }, (_, index) => 2 * index + octet)

/** The bits of both halves of the result tell of values in turns. */
const split16: WasmFunction = {
  name: 'split16',
  parameters: PARAMETERS,
  result: I32,
  locals: [V128, V128, V128, V128],
  body: [
    set(FIRST, i16x8.all(i32.loadPair(0, get(FROM)))),
    loop(
      ...PAIRS.map((local, index) => set(local, v128.load(16 * index, get(FROM)))),
      ...PAIRS.map(note),
      ...[0, 1].map((octet) =>
        v128.store(0, to(octet), v128.shuffle(eachSecond(octet), get(PAIRS[0]), get(PAIRS[1]))),
      ),
      nextRows,
      advance(FROM, END, 32),
    ),
    bitsOfWords(get(VARYING)),
  ],
}

/** Nothing to take apart: the array is its plane. The bits of all four octets of the result tell of values in turns. */
const split8: WasmFunction = {
  name: 'split8',
  parameters: PARAMETERS,
  result: I32,
  locals: [V128, V128, V128],
  body: [
    set(FIRST, i8x16.all(i32.loadOctet(0, get(FROM)))),
    loop(
      set(6, v128.load(0, get(FROM))),
      note(6),
      v128.store(0, get(TO), get(6)),
      nextRows,
      advance(FROM, END, 16),
    ),
    bitsOfWords(get(VARYING)),
  ],
}

export const planeKernels: readonly WasmFunction[] = [split32, split16, split8]
