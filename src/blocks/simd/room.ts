/** The memory in which kernels work, one a thread, made when it is first needed: what lies where, and views of it. */
import { ApplianceError } from '../../errors.js'
import { addressKernels } from './address-kernels.js'
import { assemble } from './assembler.js'
import { checksumKernels } from './checksum-kernel.js'
import { doubleKernels } from './double-kernels.js'
import { packKernels } from './pack-kernels.js'
import { planeKernels } from './plane-kernels.js'
import { TABLES_OCTETS, writeTables } from './tables.js'

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
  readonly pack: (
    from: number,
    end: number,
    values: number,
    count: number,
    bits: number,
    to: number,
    stride: number,
    others: number,
  ) => number
  readonly packBit: (
    from: number,
    end: number,
    first: number,
    second: number,
    to: number,
    others: number,
  ) => number
  readonly unpack: (
    from: number,
    end: number,
    bits: number,
    stride: number,
    values: number,
    count: number,
    others: number,
    to: number,
  ) => number
  readonly checksum: (from: number, end: number, before: number) => number
  readonly changes: (from: number, end: number, to: number) => number
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
const NEEDED =
  'blocks need WebAssembly with 128-bit instructions: SSE 4.1 or arm64, and a Node.js without --jitless'
/** Arrays that are kept as planes at a time: the four words of an IPv6 address. */
const SLOTS = 4
const OCTETS_PER_SLOT = 4
const RESULT_OCTETS = 48
/** Values of a packed plane, sixteen octets each. */
const VALUES_OCTETS = 32 * 16
export const LARGEST_FILTER_OCTETS = 65_536

/** Offsets in the memory, in octets, and views of them. */
export class Room {
  readonly rows: number
  readonly kernels: Kernels
  readonly input: number
  readonly inputOctets: number
  readonly starts: number
  readonly words: number
  readonly planes: number
  readonly result: number
  readonly filter: number
  readonly values: number
  readonly packed: number
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
    this.input = TABLES_OCTETS
    this.inputOctets = 8 * rows
    this.starts = this.input + this.inputOctets
    this.words = this.starts + 8 * rows
    this.planes = this.words + 4 * rows
    this.filter = this.planes + SLOTS * OCTETS_PER_SLOT * rows
    this.result = this.filter + LARGEST_FILTER_OCTETS
    const { Memory, Module, Instance } = webAssembly()
    this.values = this.result + RESULT_OCTETS
    this.packed = this.values + VALUES_OCTETS
    const memory = new Memory({ initial: Math.ceil((this.packed + 2 * rows) / PAGE_OCTETS) })
    this.kernels = new Instance(compile(Module), { host: { memory } }).exports as Kernels
    const { buffer } = memory
    this.octets = new Uint8Array(buffer)
    writeTables(this.octets)
    this.u8 = new Uint8Array(buffer, this.input, rows)
    this.u16 = new Uint16Array(buffer, this.input, rows)
    this.u32 = new Uint32Array(buffer, this.input, rows)
    this.f64 = new Float64Array(buffer, this.input, rows)
    this.startsF64 = new Float64Array(buffer, this.starts, rows)
    this.resultF64 = new Float64Array(buffer, this.result, 4)
    this.resultU32 = new Uint32Array(buffer, this.result + 32, 4)
    this.wordsU32 = new Uint32Array(buffer, this.words, rows)
    this.filterU32 = new Uint32Array(buffer, this.filter, LARGEST_FILTER_OCTETS / 4)
  }

  /** Where a plane of a slot begins; the next one of it is `rows` octets further. */
  planeAt(slot: number, octet: number): number {
    return this.planes + (slot * OCTETS_PER_SLOT + octet) * this.rows
  }
}

function webAssembly(): WebAssemblyInterface {
  const { WebAssembly: found } = globalThis as { WebAssembly?: WebAssemblyInterface }
  if (found === undefined) throw new ApplianceError('PLATFORM_UNSUPPORTED', NEEDED)
  return found
}

function compile(Module: WebAssemblyInterface['Module']): object {
  try {
    return new Module(
      assemble([...planeKernels, ...doubleKernels, ...addressKernels, ...packKernels, ...checksumKernels]),
    )
  } catch (cause) {
    throw new ApplianceError('PLATFORM_UNSUPPORTED', NEEDED, { cause })
  }
}

/** Rows of a block, so that the memory is made once. */
const USUAL_ROWS = 65_536
let room: Room | undefined

/** Throws PLATFORM_UNSUPPORTED where blocks can be neither written nor read. Who opens a store asks before it reads. */
export function requireVectors(): void {
  roomFor(1)
}

export function roomFor(rows: number): Room {
  if (room === undefined || room.rows < rows) room = new Room(Math.max(USUAL_ROWS, wholeSteps(rows)))
  return room
}

export const wholeSteps = (rows: number) => Math.ceil(rows / STEP_ROWS) * STEP_ROWS
