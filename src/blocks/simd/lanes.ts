/**
 * The kernels at work: arrays are copied into the memory of a WebAssembly module, sixteen rows are handled at a time there,
 * and the results are read from it. One memory a thread, made when it is first needed; the next call uses it again.
 */
import type { WholeNumbers } from '../byte-planes.js'
import { addressKernels } from './address-kernels.js'
import { assemble } from './assembler.js'
import { doubleKernels } from './double-kernels.js'
import { planeKernels } from './plane-kernels.js'

type Split = (from: number, end: number, to: number, stride: number) => number
type Kernels = {
  readonly split32: Split
  readonly split16: Split
  readonly split8: Split
  readonly range: (from: number, end: number, to: number) => number
  readonly offsets: (from: number, end: number, to: number, base: number) => number
  readonly differences: (from: number, end: number, to: number, starts: number) => number
  readonly hash: (from: number, end: number, to: number) => void
  readonly mark: (from: number, end: number, filter: number, shift: number) => void
}

type Memory = { readonly buffer: ArrayBuffer }
/** What is used of the interface, which the types of Node.js do not have. */
type WebAssemblyInterface = {
  Memory: new (limits: { initial: number }) => Memory
  Module: new (octets: Uint8Array<ArrayBuffer>) => object
  Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

/** Kernels go on to a multiple of so many rows. */
const STEP_ROWS = 16
const PAGE_OCTETS = 65_536
/** Arrays that are kept as planes at a time: the four words of an IPv6 address. */
const SLOTS = 4
const OCTETS_PER_SLOT = 4
const RESULT_OCTETS = 48
export const LARGEST_FILTER_OCTETS = 65_536

/** Offsets in the memory, in octets, and views of them. */
class Room {
  readonly rows: number
  readonly kernels: Kernels
  readonly starts: number
  readonly words: number
  readonly planes: number
  readonly result: number
  readonly filter: number
  readonly octets: Uint8Array
  readonly u8: Uint8Array
  readonly u16: Uint16Array
  readonly u32: Uint32Array
  readonly f64: Float64Array
  readonly startsF64: Float64Array
  readonly resultF64: Float64Array
  readonly resultU32: Uint32Array
  readonly wordsU32: Uint32Array
  readonly filterU32: Uint32Array

  constructor(rows: number) {
    this.rows = rows
    this.starts = 8 * rows
    this.words = this.starts + 8 * rows
    this.planes = this.words + 4 * rows
    this.filter = this.planes + SLOTS * OCTETS_PER_SLOT * rows
    this.result = this.filter + LARGEST_FILTER_OCTETS
    const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyInterface })
      .WebAssembly
    const memory = new Memory({ initial: Math.ceil((this.result + RESULT_OCTETS) / PAGE_OCTETS) })
    const module = new Module(assemble([...planeKernels, ...doubleKernels, ...addressKernels]))
    this.kernels = new Instance(module, { host: { memory } }).exports as Kernels
    const { buffer } = memory
    this.octets = new Uint8Array(buffer)
    this.u8 = new Uint8Array(buffer, 0, rows)
    this.u16 = new Uint16Array(buffer, 0, rows)
    this.u32 = new Uint32Array(buffer, 0, rows)
    this.f64 = new Float64Array(buffer, 0, rows)
    this.startsF64 = new Float64Array(buffer, this.starts, rows)
    this.resultF64 = new Float64Array(buffer, this.result, 4)
    this.resultU32 = new Uint32Array(buffer, this.result + 32, 4)
    this.wordsU32 = new Uint32Array(buffer, this.words, rows)
    this.filterU32 = new Uint32Array(buffer, this.filter, LARGEST_FILTER_OCTETS / 4)
  }
}

/** Rows of a block, so that the memory is made once. */
const USUAL_ROWS = 65_536
let room: Room | undefined

function roomFor(rows: number): Room {
  if (room === undefined || room.rows < rows) room = new Room(Math.max(USUAL_ROWS, wholeSteps(rows)))
  return room
}

const wholeSteps = (rows: number) => Math.ceil(rows / STEP_ROWS) * STEP_ROWS

/** Copies the first rows of an array and fills up to a whole step with the first value; returns the rows then. */
function copy<A extends { set(array: A): void; fill(value: number, from: number, to: number): void }>(
  to: A,
  array: A & { readonly [row: number]: number; subarray(from: number, to: number): A },
  rows: number,
): number {
  const end = wholeSteps(rows)
  to.set(array.subarray(0, rows))
  if (end > rows) to.fill(array[0]!, rows, end)
  return end
}

/**
 * Takes the first rows of an array, one at least, apart into planes, which `planeOf` gives until the slot is used again.
 * Slots are 0 to 3. Returns the bits that are not the same in all rows.
 */
export function split(array: WholeNumbers, rows: number, slot: number): number {
  const room = roomFor(rows)
  const to = room.planes + slot * OCTETS_PER_SLOT * room.rows
  if (array instanceof Uint32Array)
    return room.kernels.split32(0, 4 * copy(room.u32, array, rows), to, room.rows)
  if (array instanceof Uint16Array) {
    const varying = room.kernels.split16(0, 2 * copy(room.u16, array, rows), to, room.rows)
    return (varying | (varying >>> 16)) & 0xffff
  }
  const varying = room.kernels.split8(0, copy(room.u8, array, rows), to, room.rows)
  return (varying | (varying >>> 8) | (varying >>> 16) | (varying >>> 24)) & 0xff
}

/** The same with the words that `offsets` or `differences` left. */
export function splitWords(rows: number, slot: number): number {
  const room = roomFor(rows)
  const to = room.planes + slot * OCTETS_PER_SLOT * room.rows
  return room.kernels.split32(room.words, room.words + 4 * wholeSteps(rows), to, room.rows)
}

/** A plane of the array that was taken apart in a slot, 0 the lowest octets. */
export function planeOf(slot: number, octet: number, rows: number): Uint8Array {
  const room = roomFor(rows)
  const from = room.planes + (slot * OCTETS_PER_SLOT + octet) * room.rows
  return room.octets.subarray(from, from + rows)
}

/** Least and greatest of the values that are neither 0 nor NaN, NaN when none is; and whether there are any of those. */
export type DoubleRange = {
  readonly least: number
  readonly most: number
  readonly hasZeros: boolean
  readonly hasNaNs: boolean
}

/** The range of the first rows of an array, one at least. */
export function rangeOfDoubles(values: Float64Array, rows: number): DoubleRange {
  const { kernels, result, resultF64, resultU32, f64 } = roomFor(rows)
  const hasNaNs = kernels.range(0, 8 * copy(f64, values, rows), result) !== 0
  const least = Math.min(resultF64[0]!, resultF64[1]!)
  const most = Math.max(resultF64[2]!, resultF64[3]!)
  const hasZeros = resultU32.some((word) => word !== 0)
  return least > most
    ? { least: Number.NaN, most: Number.NaN, hasZeros, hasNaNs }
    : { least, most, hasZeros, hasNaNs }
}

/** Leaves each value less a base, 0 for 0, for `splitWords`. False when some value would not come back. */
export function offsets(values: Float64Array, rows: number, base: number): boolean {
  const { kernels, words, f64 } = roomFor(rows)
  return kernels.offsets(0, 8 * copy(f64, values, rows), words, base) === 0
}

/** Leaves each value less that of `starts`, plus 1, 0 for 0, for `splitWords`. False when some value would not come back. */
export function differences(values: Float64Array, starts: Float64Array, rows: number): boolean {
  const { kernels, words, f64, startsF64, starts: startsAt } = roomFor(rows)
  copy(startsF64, starts, rows)
  return kernels.differences(0, 8 * copy(f64, values, rows), words, startsAt) === 0
}

/** Empties the filter of `2^log2` words, LARGEST_FILTER_OCTETS at most; rows of addresses are then marked in it. */
export function clearFilter(rows: number, log2: number): void {
  roomFor(rows).filterU32.fill(0, 0, 1 << log2)
}

/** Sets the bits of an address of each row: words of the address, four or one. */
export function markAddresses(planes: readonly Uint32Array[], rows: number, log2: number): void {
  const { kernels, words, wordsU32, filter, u32 } = roomFor(rows)
  wordsU32.fill(0, 0, wholeSteps(rows))
  for (const plane of planes) kernels.hash(0, 4 * copy(u32, plane, rows), words)
  kernels.mark(words, words + 4 * rows, filter, 31 - log2)
}

/** The filter as it is now, a copy. */
export function markedFilter(rows: number, log2: number): Uint32Array<ArrayBuffer> {
  return roomFor(rows).filterU32.slice(0, 1 << log2)
}
