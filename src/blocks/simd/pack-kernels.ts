/** Kernels for planes of few values (packed.ts, octet-runs.ts): sixteen rows of a plane are one vector. */
import {
  advance,
  again,
  type Code,
  get,
  I32,
  i8x16,
  i16x8,
  i32,
  loop,
  set,
  tee,
  V128,
  v128,
  type WasmFunction,
  when,
} from './assembler.js'
import { GATHER_TABLE, SPREAD_TABLE } from './tables.js'

const one = i32.constant(1)
const increment = (local: number, by: Code = one): Code => set(local, i32.add(get(local), by))
/** A round for each bit of a mask, the lowest first; the mask is empty afterwards. */
const forEachBit = (mask: number, ...body: Code[]): Code =>
  when(get(mask), loop(...body, again(tee(mask, i32.and(get(mask), i32.subtract(get(mask), one))))))
const lowRows = (mask: number): Code => i32.and(get(mask), i32.constant(0xff))
const highRows = (mask: number): Code => i32.shiftRight(get(mask), i32.constant(8))
const entry = (table: number, rows: Code): Code => v128.loadHalf(table, i32.shiftLeft(rows, i32.constant(3)))

/** Appends the octets of a vector that a mask of sixteen rows has. More is written behind them, which the next overwrite. */
const gather = (mask: number, octets: number, to: number): Code =>
  when(
    get(mask),
    v128.store(0, get(to), i8x16.at(get(octets), entry(GATHER_TABLE, lowRows(mask)))),
    increment(to, i32.ones(lowRows(mask))),
    v128.store(
      0,
      get(to),
      i8x16.at(get(octets), i8x16.add(entry(GATHER_TABLE, highRows(mask)), i8x16.all(i32.constant(8)))),
    ),
    increment(to, i32.ones(highRows(mask))),
  )

/** Puts octets, one after the other, to the rows of sixteen that a mask has; those rows are 0 before. */
const spread = (mask: number, from: number, to: number): Code => {
  const half = (offset: number, rows: Code) => [
    v128.storeHalf(
      offset,
      get(to),
      v128.or(v128.loadHalf(offset, get(to)), i8x16.at(v128.load(0, get(from)), entry(SPREAD_TABLE, rows))),
    ),
    increment(from, i32.ones(rows)),
  ]
  return when(get(mask), ...half(0, lowRows(mask)), ...half(8, highRows(mask)))
}
const splat = (local: number): Code => i8x16.all(get(local))

/**
 * Parameters: where the plane begins and ends; the values, sixteen octets of each, and how many they are; the bitmaps' bits a
 * row, where the first goes, octets from one to the next; where the rows' octets go that are no such value. Returns where
 * those end.
 */
const pack: WasmFunction = (() => {
  const [from, end, values, count, bits, to, stride, others] = [0, 1, 2, 3, 4, 5, 6, 7]
  const [index, at, mask, octets, codes, code] = [8, 9, 10, 11, 12, 13]
  const ones = i8x16.all(one)
  return {
    name: 'pack',
    parameters: [I32, I32, I32, I32, I32, I32, I32, I32],
    result: I32,
    locals: [I32, I32, I32, V128, V128, V128],
    body: [
      loop(
        set(octets, v128.load(0, get(from))),
        set(codes, splat(count)),
        set(code, v128.xor(get(code), get(code))),
        set(index, i32.constant(0)),
        set(at, get(values)),
        loop(
          set(codes, v128.select(get(code), get(codes), i8x16.isEqual(get(octets), v128.load(0, get(at))))),
          set(code, i8x16.add(get(code), ones)),
          increment(at, i32.constant(16)),
          advance(index, count, 1),
        ),
        set(mask, i8x16.highBits(i8x16.isEqual(get(codes), splat(count)))),
        gather(mask, octets, others),
        set(index, i32.constant(0)),
        set(at, get(to)),
        loop(
          i32.storePair(
            0,
            get(at),
            i8x16.highBits(i8x16.shiftLeft(get(codes), i32.subtract(i32.constant(7), get(index)))),
          ),
          increment(at, get(stride)),
          advance(index, bits, 1),
        ),
        increment(to, i32.constant(2)),
        advance(from, end, 16),
      ),
      get(others),
    ],
  }
})()

/**
 * The same with one bit a row and one or two values. Parameters: where the plane begins and ends; the values, twice the same where
 * there is one; where the bitmap goes, and the octets of other rows. Returns where those end.
 */
const packBit: WasmFunction = (() => {
  const [from, end, first, second, to, others, mask, octets, isOther] = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  return {
    name: 'packBit',
    parameters: [I32, I32, I32, I32, I32, I32],
    result: I32,
    locals: [I32, V128, V128],
    body: [
      loop(
        set(octets, v128.load(0, get(from))),
        set(isOther, i8x16.isNotEqual(get(octets), splat(first))),
        i32.storePair(0, get(to), i8x16.highBits(get(isOther))),
        set(mask, i8x16.highBits(v128.and(get(isOther), i8x16.isNotEqual(get(octets), splat(second))))),
        gather(mask, octets, others),
        increment(to, i32.constant(2)),
        advance(from, end, 16),
      ),
      get(others),
    ],
  }
})()

/**
 * Parameters: where the bitmaps begin and the first ends, their number, octets from one to the next; where 32 octets of values
 * are and how many of them count; where the others are; where the plane goes. Returns where the others end.
 */
const unpack: WasmFunction = (() => {
  const [from, end, bits, stride, values, count, others, to] = [0, 1, 2, 3, 4, 5, 6, 7]
  const [index, at, mask, codes, weight, lanes] = [8, 9, 10, 11, 12, 13]
  const eachTwice = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
  const bitOfLane = v128.constant([1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128])
  return {
    name: 'unpack',
    parameters: [I32, I32, I32, I32, I32, I32, I32, I32],
    result: I32,
    locals: [I32, I32, I32, V128, V128, V128],
    body: [
      loop(
        set(codes, v128.xor(get(codes), get(codes))),
        set(weight, i8x16.all(one)),
        set(index, i32.constant(0)),
        set(at, get(from)),
        loop(
          set(lanes, i16x8.all(i32.loadPair(0, get(at)))),
          set(lanes, v128.and(v128.shuffle(eachTwice, get(lanes), get(lanes)), bitOfLane)),
          set(codes, v128.or(get(codes), v128.and(i8x16.isEqual(get(lanes), bitOfLane), get(weight)))),
          set(weight, i8x16.shiftLeft(get(weight), one)),
          increment(at, get(stride)),
          advance(index, bits, 1),
        ),
        v128.store(
          0,
          get(to),
          v128.or(
            i8x16.at(v128.load(0, get(values)), get(codes)),
            i8x16.at(v128.load(16, get(values)), i8x16.subtract(get(codes), i8x16.all(i32.constant(16)))),
          ),
        ),
        set(mask, i8x16.highBits(i8x16.isEqual(get(codes), splat(count)))),
        spread(mask, others, to),
        increment(to, i32.constant(16)),
        advance(from, end, 2),
      ),
      get(others),
    ],
  }
})()

/**
 * Rows of a plane that differ from the row before. Parameters: where the second row lies and the plane ends; where words go,
 * row numbers from 1 on. Returns where those end.
 */
const changes: WasmFunction = (() => {
  const [from, end, to, row, mask] = [0, 1, 2, 3, 4]
  return {
    name: 'changes',
    parameters: [I32, I32, I32],
    result: I32,
    locals: [I32, I32],
    body: [
      set(row, one),
      loop(
        set(
          mask,
          i8x16.highBits(
            i8x16.isNotEqual(v128.load(0, get(from)), v128.load(0, i32.subtract(get(from), one))),
          ),
        ),
        forEachBit(
          mask,
          i32.store(0, get(to), i32.add(get(row), i32.trailingZeros(get(mask)))),
          increment(to, i32.constant(4)),
        ),
        increment(row, i32.constant(16)),
        advance(from, end, 16),
      ),
      get(to),
    ],
  }
})()

export const packKernels: readonly WasmFunction[] = [pack, packBit, unpack, changes]
