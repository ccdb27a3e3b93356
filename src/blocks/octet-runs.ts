/**
 * Planes in which the same octet stands in many rows one after the other, as runs (docs/storage-format.md, "Byte planes"):
 * times of arrival, exporters, high octets that are seldom another value.
 */
import { ApplianceError } from '../errors.js'
import { Leb128Reader, pushLeb128 } from './leb128.js'
import { changedRows } from './simd/packing.js'

/** The runs of the plane that lies in a slot, or undefined when they take more octets than `most`. */
export function encodeRuns(
  slot: number,
  octet: number,
  plane: Uint8Array,
  most: number,
): Uint8Array | undefined {
  const changed = changedRows(slot, octet, plane.length)
  if (2 * changed.length > most) return undefined
  const octets: number[] = []
  let from = 0
  for (let run = 0; run <= changed.length; run++) {
    const end = changed[run] ?? plane.length
    octets.push(plane[from]!)
    pushLeb128(octets, end - from)
    from = end
  }
  return octets.length > most ? undefined : Uint8Array.from(octets)
}

/** The first rows of a plane, `wanted` of its `rows` at least. Throws BLOCK_DAMAGED when the runs do not end with it. */
export function decodeRuns(octets: Uint8Array, rows: number, wanted: number): Uint8Array {
  const plane = new Uint8Array(rows)
  const reader = new Leb128Reader(octets)
  let from = 0
  while (!reader.isAtEnd && from < wanted) {
    const value = octets[reader.at++]!
    const end = from + reader.next()
    if (!(end > from && end <= rows)) break
    plane.fill(value, from, end)
    from = end
  }
  if (from >= wanted && from <= rows && (from < rows || reader.isAtEnd)) return plane
  throw new ApplianceError('BLOCK_DAMAGED', `runs of octets end at row ${from} of ${rows}`)
}
