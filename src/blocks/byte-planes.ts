/**
 * Arrays of whole numbers as planes of octets: all lowest octets together, then all second ones. A plane of one value is
 * kept as that value, one that looks like noise as it is, others compressed each for itself, so that the high octets of
 * small numbers cost nothing (docs/storage-format.md, "Byte planes").
 */
import type { Plane } from './builder.js'
import { Compression, compressPlane } from './compression.js'
import type { OctetWriter } from './octet-writer.js'

/** Arrays of whole numbers; times are turned into such before they come here. */
export type WholeNumbers = Uint8Array | Uint16Array | Uint32Array

/** The mode of a plane that is one octet for all rows; others are as in `Compression`, with the length in front. */
export const CONSTANT = 255
/** Below this many rows a compressor's own header eats what it saves. */
const SMALLEST_WORTH_COMPRESSING = 64

/** Bits of information in an octet above which a compressor would save less than three tenths of a plane, and less than half. */
const NOISE_BITS = 5.6
export const HALF_NOISE_BITS = 3.3

/**
 * Writes the planes of the arrays, the lowest octet of the first array first. `rows` is at least 1; planes with more than
 * `noiseBits` an octet are left uncompressed.
 */
export function encodePlanes(
  writer: OctetWriter,
  arrays: readonly WholeNumbers[],
  rows: number,
  noiseBits = NOISE_BITS,
): void {
  const planes = roomFor(rows)
  for (const array of arrays) {
    const varying = varyingBits(array, rows)
    const isVarying = (octet: number) => ((varying >>> (8 * octet)) & 0xff) !== 0
    extract(array, rows, planes, isVarying)
    for (let octet = 0; octet < array.BYTES_PER_ELEMENT; octet++) {
      if (isVarying(octet)) encodePlane(writer, planes[octet]!.subarray(0, rows), noiseBits)
      else {
        writer.u8(CONSTANT)
        writer.u8((array[0]! >>> (8 * octet)) & 0xff)
      }
    }
  }
}

function encodePlane(writer: OctetWriter, plane: Uint8Array, noiseBits: number): void {
  let octets = plane
  let mode: number = Compression.none
  if (plane.length >= SMALLEST_WORTH_COMPRESSING && bitsOf(plane) <= noiseBits) {
    const compressed = compressPlane(plane)
    if (compressed.octets.length < plane.length) {
      octets = compressed.octets
      mode = compressed.compression
    }
  }
  writer.u8(mode)
  writer.u32(octets.length)
  writer.append(octets)
}

/** The four planes of an array of 32-bit numbers; whoever encodes next uses them again. */
let scratch: readonly Uint8Array[] = []

function roomFor(rows: number): readonly Uint8Array[] {
  // Four rows are written at a time.
  const octets = Math.ceil(rows / 4) * 4
  if ((scratch[0]?.length ?? 0) < octets) scratch = Array.from({ length: 4 }, () => new Uint8Array(octets))
  return scratch
}

/*
 * One loop for each kind of array: a loop that serves several kinds is several times slower.
 */

/** The bits that are not the same in all rows. */
function varyingBits(array: WholeNumbers, rows: number): number {
  if (array instanceof Uint32Array) return varying32(array, rows)
  return array instanceof Uint16Array ? varying16(array, rows) : varying8(array, rows)
}

function varying32(array: Uint32Array, rows: number): number {
  const first = array[0]! | 0
  let bits = 0
  for (let row = 1; row < rows; row++) bits |= array[row]! ^ first
  return bits
}

function varying16(array: Uint16Array, rows: number): number {
  const first = array[0]!
  let bits = 0
  for (let row = 1; row < rows; row++) bits |= array[row]! ^ first
  return bits
}

function varying8(array: Uint8Array, rows: number): number {
  const first = array[0]!
  let bits = 0
  for (let row = 1; row < rows; row++) bits |= array[row]! ^ first
  return bits
}

function extract(
  array: WholeNumbers,
  rows: number,
  planes: readonly Uint8Array[],
  isWanted: (octet: number) => boolean,
): void {
  if (array instanceof Uint32Array) {
    const wanted = [0, 1, 2, 3].filter(isWanted)
    if (wanted.length > 2) extractAll32(array, rows, planes)
    else for (const octet of wanted) extract32(array, 8 * octet, rows, planes[octet]!)
  } else if (array instanceof Uint16Array) {
    for (const octet of [0, 1]) if (isWanted(octet)) extract16(array, 8 * octet, rows, planes[octet]!)
  } else planes[0]!.set(array.subarray(0, rows))
}

function extractAll32(array: Uint32Array, rows: number, planes: readonly Uint8Array[]): void {
  const [first, second, third, fourth] = planes as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  for (let row = 0; row < rows; row++) {
    const value = array[row]!
    first[row] = value
    second[row] = value >>> 8
    third[row] = value >>> 16
    fourth[row] = value >>> 24
  }
}

/** One octet of four rows at a time: stores cost more than shifts. */
function extract32(array: Uint32Array, shift: number, rows: number, plane: Uint8Array): void {
  const words = new Uint32Array(plane.buffer, plane.byteOffset, plane.length >>> 2)
  const whole = rows & ~3
  for (let row = 0; row < whole; row += 4)
    words[row >>> 2] =
      ((array[row]! >>> shift) & 0xff) |
      (((array[row + 1]! >>> shift) & 0xff) << 8) |
      (((array[row + 2]! >>> shift) & 0xff) << 16) |
      ((array[row + 3]! >>> shift) << 24)
  for (let row = whole; row < rows; row++) plane[row] = array[row]! >>> shift
}

function extract16(array: Uint16Array, shift: number, rows: number, plane: Uint8Array): void {
  const words = new Uint32Array(plane.buffer, plane.byteOffset, plane.length >>> 2)
  const whole = rows & ~3
  for (let row = 0; row < whole; row += 4)
    words[row >>> 2] =
      ((array[row]! >>> shift) & 0xff) |
      (((array[row + 1]! >>> shift) & 0xff) << 8) |
      (((array[row + 2]! >>> shift) & 0xff) << 16) |
      ((array[row + 3]! >>> shift) << 24)
  for (let row = whole; row < rows; row++) plane[row] = array[row]! >>> shift
}

/** Rows that are looked at to tell how evenly octets are spread. */
const SAMPLE = 2048
/** n · log2(n), for counts within a sample. */
const weights = Float64Array.from({ length: SAMPLE + 1 }, (_, count) => count * Math.log2(Math.max(count, 1)))
const histogram = new Uint16Array(256)

/** The bits of information in an octet of a plane, of a sample; none are counted for a plane that is smaller. */
function bitsOf(plane: Uint8Array): number {
  if (plane.length < SAMPLE) return 0
  histogram.fill(0)
  const step = Math.floor(plane.length / SAMPLE)
  for (let sample = 0, at = 0; sample < SAMPLE; sample++, at += step) histogram[plane[at]!]!++
  let sum = 0
  for (let value = 0; value < 256; value++) sum += weights[histogram[value]!]!
  return Math.log2(SAMPLE) - sum / SAMPLE
}

/** Whether the arrays hold one value from the first row to the last. */
export function isConstant(planes: readonly Plane[], rows: number): boolean {
  return planes.every((plane) =>
    plane instanceof Float64Array ? isConstantDouble(plane, rows) : varyingBits(plane, rows) === 0,
  )
}

function isConstantDouble(plane: Float64Array, rows: number): boolean {
  const first = plane[0]!
  for (let row = 1; row < rows; row++) if (plane[row] !== first) return false
  return true
}
