/** The kernel of CRC-32C: sixteen octets a step, each looked up in a table of its own. */
import { advance, type Code, get, I32, i32, loop, set, type WasmFunction } from './assembler.js'
import { CHECKSUM_TABLES } from './tables.js'

const TABLE_OCTETS = 4 * 256
const TABLES = 16

/** Parameters: where the octets begin and end, a whole number of steps; the checksum so far. */
const [FROM, END, CRC] = [0, 1, 2]
const WORDS = [3, 4, 5, 6] as const

/** Four octets a word: the place of an octet in its table, in octets. */
const places = (word: Code): readonly Code[] => [
  i32.shiftLeft(word, i32.constant(2)),
  ...[6, 14, 22].map((bits) => i32.shiftRight(word, i32.constant(bits))),
]
const lookedUp = WORDS.flatMap((word, index) =>
  places(get(word)).map((place, octet) => {
    const table = TABLES - 1 - (4 * index + octet)
    return i32.load(CHECKSUM_TABLES + table * TABLE_OCTETS, i32.and(place, i32.constant(0xff << 2)))
  }),
)

/** Pair by pair, so that none waits for all before it. */
function exclusiveOr(values: readonly Code[]): Code {
  if (values.length === 1) return values[0]!
  const half = values.length / 2
  return i32.xor(exclusiveOr(values.slice(0, half)), exclusiveOr(values.slice(half)))
}

const checksum: WasmFunction = {
  name: 'checksum',
  parameters: [I32, I32, I32],
  result: I32,
  locals: [I32, I32, I32, I32],
  body: [
    loop(
      ...WORDS.map((word, index) =>
        set(word, index === 0 ? i32.xor(i32.load(0, get(FROM)), get(CRC)) : i32.load(4 * index, get(FROM))),
      ),
      // The first word waits for the step before: the others go first.
      set(CRC, i32.xor(exclusiveOr(lookedUp.slice(8)), exclusiveOr(lookedUp.slice(0, 8)))),
      advance(FROM, END, 16),
    ),
    get(CRC),
  ],
}

export const checksumKernels: readonly WasmFunction[] = [checksum]
