/**
 * Arrays of whole numbers as planes of octets: all lowest octets together, then all second ones. A plane of one value is
 * kept as that value, one that looks like noise as it is, others compressed each for itself, so that the high octets of
 * small numbers cost nothing (docs/storage-format.md, "Byte planes").
 */
import { Compression, compressPlane } from './compression.js'
import type { OctetWriter } from './octet-writer.js'
import { planeOf, split, splitWords } from './simd/lanes.js'

/** Arrays of whole numbers; times are turned into such before they come here. */
export type WholeNumbers = Uint8Array | Uint16Array | Uint32Array

/** The mode of a plane that is one octet for all rows; others are as in `Compression`, with the length in front. */
export const CONSTANT = 255
const WORD_OCTETS = 4
/** Below this many rows a compressor's own header eats what it saves. */
const SMALLEST_WORTH_COMPRESSING = 64

/** Bits of information in an octet above which a compressor would save less than three tenths of a plane, and less than half. */
const NOISE_BITS = 5.6
export const HALF_NOISE_BITS = 3.3

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
    if (((varying >>> (8 * octet)) & 0xff) !== 0) encodePlane(writer, plane, noiseBits)
    else {
      writer.u8(CONSTANT)
      writer.u8(plane[0]!)
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
