/**
 * Arrays of whole numbers as planes of octets: all lowest octets together, then all second ones. A plane of one value is
 * kept as that value, one that looks like noise as it is, few values as codes of few bits, others compressed each for itself,
 * so that the high octets of small numbers cost nothing (docs/storage-format.md, "Byte planes").
 */
import { Compression, compressPlane } from './compression.js'
import { encodeRuns } from './octet-runs.js'
import type { OctetWriter } from './octet-writer.js'
import { bestPacking, encodePacked } from './packed.js'
import { planeOf, split, splitWords } from './simd/lanes.js'

/** Arrays of whole numbers; times are turned into such before they come here. */
export type WholeNumbers = Uint8Array | Uint16Array | Uint32Array

/** How a plane lies there: those of `Compression`, two of its own, and one octet for all rows. */
export const PlaneMode = { ...Compression, packed: 3, runs: 4, constant: 255 } as const
const WORD_OCTETS = 4
/** Below this many rows a compressor's own header eats what it saves. */
const SMALLEST_WORTH_COMPRESSING = 64

/** Bits of information in an octet above which a compressor would save less than three tenths of a plane, and less than half. */
const NOISE_BITS = 5.6
export const HALF_NOISE_BITS = 3.3
/** Rows of a run, on the average, from which on runs are looked for. */
const ROWS_OF_RUN = 16
/** Bits a row that packing may take more than there is information: what a compressor takes, and some room for its time. */
const WORTH_PACKING_BITS = 1.3
/** Information above which packing is not tried, and what packing must save at least: a sixth. */
const NOISE_TO_PACK_BITS = 6
const MOST_PACKED_BITS = (8 * 5) / 6

/**
 * Writes the planes of the arrays, one to four, the lowest octet of the first array first; or, when they hold one value from
 * the first row to the last, nothing, and returns false. `rows` is at least 1; planes with more than `noiseBits` an octet are
 * left uncompressed.
 */
export function encodePlanes(
  writer: OctetWriter,
  arrays: readonly WholeNumbers[],
  rows: number,
  noiseBits = NOISE_BITS,
): boolean {
  const varying = arrays.map((array, slot) => split(array, rows, slot))
  if (varying.every((bits) => bits === 0)) return false
  for (const [slot, array] of arrays.entries())
    writePlanes(writer, slot, array.BYTES_PER_ELEMENT, varying[slot]!, rows, noiseBits)
  return true
}

/** Writes the planes of the words that a column of doubles was turned into. */
export function encodeWords(writer: OctetWriter, rows: number): void {
  writePlanes(writer, 0, WORD_OCTETS, splitWords(rows, 0), rows, NOISE_BITS)
}

function writePlanes(
  writer: OctetWriter,
  slot: number,
  octets: number,
  varying: number,
  rows: number,
  noiseBits: number,
): void {
  for (let octet = 0; octet < octets; octet++) {
    const plane = planeOf(slot, octet, rows)
    if (((varying >>> (8 * octet)) & 0xff) === 0) {
      writer.u8(PlaneMode.constant)
      writer.u8(plane[0]!)
      continue
    }
    const small = smaller(slot, octet, plane, noiseBits)
    writer.u8(small?.mode ?? PlaneMode.none)
    writer.u32((small?.octets ?? plane).length)
    writer.append(small?.octets ?? plane)
  }
}

/** The plane in fewer octets, where that is worth it. */
function smaller(slot: number, octet: number, plane: Uint8Array, noiseBits: number) {
  const rows = plane.length
  if (rows < SMALLEST_WORTH_COMPRESSING) return undefined
  const { samples, changes, bits } = look(plane)
  if (changes * ROWS_OF_RUN <= samples) {
    const octets = encodeRuns(slot, octet, plane, Math.floor(rows / 8))
    if (octets !== undefined) return { mode: PlaneMode.runs, octets }
  }
  const isNoise = bits > noiseBits && samples === SAMPLE
  if (bits > NOISE_TO_PACK_BITS && isNoise) return undefined
  const packing = bestPacking(histogram, samples, rows)
  if (8 * packing.octets <= Math.min(bits + WORTH_PACKING_BITS, MOST_PACKED_BITS) * rows) {
    const octets = encodePacked(slot, octet, rows, packing)
    if (octets.length < rows) return { mode: PlaneMode.packed, octets }
  }
  if (isNoise) return undefined
  const { compression, octets } = compressPlane(plane)
  return octets.length < rows ? { mode: compression, octets } : undefined
}

/** Rows that are looked at to tell how evenly octets are spread. */
const SAMPLE = 2048
/** n · log2(n), for counts within a sample. */
const weights = Float64Array.from({ length: SAMPLE + 1 }, (_, count) => count * Math.log2(Math.max(count, 1)))
const histogram = new Uint16Array(256)

/**
 * Looks at rows of a plane, evenly spread: how many, how many of them differ from the row before, and the bits of information
 * in an octet. Leaves the histogram.
 */
function look(plane: Uint8Array) {
  histogram.fill(0)
  const samples = Math.min(SAMPLE, plane.length - 1)
  const step = Math.floor((plane.length - 1) / samples)
  let changes = 0
  for (let sample = 0, at = 1; sample < samples; sample++, at += step) {
    const value = plane[at]!
    histogram[value]!++
    if (value !== plane[at - 1]) changes++
  }
  let sum = 0
  for (let value = 0; value < 256; value++) sum += weights[histogram[value]!]!
  return { samples, changes, bits: Math.log2(samples) - sum / samples }
}
