/**
 * A small assembler of WebAssembly: instructions as functions whose arguments are the instructions of their operands, and
 * functions put together into a module. Of JavaScript's loops none handles more than one value at a time; 128-bit ones do.
 * Opcodes and binary format: WebAssembly Core Specification 2.0, chapter 5.
 */

/** Instructions, encoded; one that leaves a value behind can be an operand of others. */
export type Code = readonly number[]

export const I32 = 0x7f
export const F64 = 0x7c
export const V128 = 0x7b
type ValueType = typeof I32 | typeof F64 | typeof V128

/** A function of a module; its parameters are locals 0 and up, then come `locals`, which begin as 0. */
export type WasmFunction = {
  readonly name: string
  readonly parameters: readonly ValueType[]
  readonly result?: ValueType
  readonly locals: readonly ValueType[]
  readonly body: readonly Code[]
}

const BITS = 0x7f
const CONTINUED = 0x80
const SIGN = 0x40

function unsigned(value: number): number[] {
  const octets: number[] = []
  let rest = value >>> 0
  for (; rest >= CONTINUED; rest >>>= 7) octets.push((rest & BITS) | CONTINUED)
  return [...octets, rest]
}

function signed(value: number): number[] {
  const octets: number[] = []
  for (let rest = value | 0; ; ) {
    const low = rest & BITS
    rest >>= 7
    const isNegative = (low & SIGN) !== 0
    if (rest === (isNegative ? -1 : 0)) return [...octets, low]
    octets.push(low | CONTINUED)
  }
}

type Operation = (...operands: Code[]) => Code
const operation =
  (...opcode: number[]): Operation =>
  (...operands) => [...operands.flat(), ...opcode]
const VECTOR = 0xfd
const vectorOperation = (opcode: number) => operation(VECTOR, ...unsigned(opcode))

type Access = (offset: number, ...operands: Code[]) => Code
/** Alignment is but a hint; addresses here have any. */
const access =
  (...opcode: number[]): Access =>
  (offset, ...operands) => [...operands.flat(), ...opcode, 0, ...unsigned(offset)]

export const get = (local: number): Code => [0x20, ...unsigned(local)]
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)]
export const tee = (local: number, value: Code): Code => [...value, 0x22, ...unsigned(local)]

/** A loop of which `again`, at its end, makes one more round. */
export const loop = (...body: Code[]): Code => [0x03, 0x40, ...body.flat(), 0x0b]
export const again = (isWanted: Code): Code => [...isWanted, 0x0d, 0]
export const when = (isWanted: Code, ...body: Code[]): Code => [...isWanted, 0x04, 0x40, ...body.flat(), 0x0b]

export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(value)],
  isBelow: operation(0x49),
  trailingZeros: operation(0x68),
  ones: operation(0x69),
  add: operation(0x6a),
  subtract: operation(0x6b),
  multiply: operation(0x6c),
  and: operation(0x71),
  or: operation(0x72),
  xor: operation(0x73),
  shiftLeft: operation(0x74),
  shiftRight: operation(0x76),
  load: access(0x28),
  loadOctet: access(0x2d),
  loadPair: access(0x2f),
  store: access(0x36),
  storePair: access(0x3b),
}

/** At the end of a loop: moves `local` on, and again while it is below `end`. */
export const advance = (local: number, end: number, by: number): Code =>
  again(i32.isBelow(tee(local, i32.add(get(local), i32.constant(by))), get(end)))

export const f64 = {
  constant: (value: number): Code => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)],
}

export const v128 = {
  load: access(VECTOR, 0),
  /** The lower half; the upper is 0. */
  loadHalf: access(VECTOR, 93),
  store: access(VECTOR, 11),
  /** The lower half alone. */
  storeHalf: (offset: number, at: Code, value: Code): Code => [
    ...at,
    ...value,
    VECTOR,
    91,
    0,
    ...unsigned(offset),
    0,
  ],
  constant: (octets: readonly number[]): Code => [VECTOR, 12, ...octets],
  and: vectorOperation(78),
  or: vectorOperation(80),
  xor: vectorOperation(81),
  /** Bits of the first operand where the third has ones, else of the second. */
  select: vectorOperation(82),
  /** Octets of both operands, 0 to 15 of the first, 16 to 31 of the second. */
  shuffle: (octets: readonly number[], first: Code, second: Code): Code => [
    ...first,
    ...second,
    VECTOR,
    13,
    ...octets,
  ],
}

export const i8x16 = {
  /** Octets of the first operand at the places that the second has; 0 for places from 16 on. */
  at: vectorOperation(14),
  all: vectorOperation(15),
  isEqual: vectorOperation(35),
  isNotEqual: vectorOperation(36),
  /** The highest bits of all octets. */
  highBits: vectorOperation(100),
  shiftLeft: vectorOperation(107),
  add: vectorOperation(110),
  subtract: vectorOperation(113),
}
export const i16x8 = { all: vectorOperation(16) }

export const i32x4 = {
  all: vectorOperation(17),
  lane: (lane: number, value: Code): Code => [...value, VECTOR, 27, lane],
  shiftRight: vectorOperation(173),
  multiply: vectorOperation(181),
}

export const f64x2 = {
  all: vectorOperation(20),
  isEqual: vectorOperation(71),
  isNotEqual: vectorOperation(72),
  add: vectorOperation(240),
  subtract: vectorOperation(241),
  /** The second operand where it is less, else the first; so a NaN of the second is passed over. */
  least: vectorOperation(246),
  most: vectorOperation(247),
}

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()]
const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content]
const nameOf = (text: string): Code => vector([...text].map((letter) => [letter.charCodeAt(0)]))

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
const FUNCTION_TYPE = 0x60
const MEMORY_WITHOUT_LIMIT = [0x02, 0x00, 0x00]
const EXPORTED_FUNCTION = 0x00

/** A module of functions over a memory that is imported as `memory` of `host`. */
export function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, result }) => [
    FUNCTION_TYPE,
    ...vector(parameters.map((type) => [type])),
    ...vector(result === undefined ? [] : [[result]]),
  ])
  const exported = functions.map(({ name }, index) => [
    ...nameOf(name),
    EXPORTED_FUNCTION,
    ...unsigned(index),
  ])
  const bodies = functions.map(({ locals, body }) => {
    const code = [...vector(locals.map((type) => [1, type])), ...body.flat(), 0x0b]
    return [...unsigned(code.length), ...code]
  })
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, vector(types)),
    ...section(2, vector([[...nameOf('host'), ...nameOf('memory'), ...MEMORY_WITHOUT_LIMIT]])),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(exported)),
    ...section(10, vector(bodies)),
  ])
}
