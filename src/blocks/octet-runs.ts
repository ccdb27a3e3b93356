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

/** A plane of so many rows. Throws BLOCK_DAMAGED when the runs do not end with it. */
export function decodeRuns(octets: Uint8Array, rows: number): Uint8Array {
  const plane = new Uint8Array(rows)
  forEachRun(octets, rows, (value, from, end) => {
    plane.fill(value, from, end)
    return true
  })
  return plane
}

/** The octets of some rows of a plane, ascending places; throws as `decodeRuns` for what lies before the last of them. */
export function runsAt(octets: Uint8Array, rows: number, places: Uint32Array): Uint8Array {
  const found = new Uint8Array(places.length)
  let index = 0
  forEachRun(octets, rows, (value, _from, end) => {
    while (index < places.length && places[index]! < end) found[index++] = value
    return index < places.length
  })
  return found
}

/** Goes over the runs while `take` is content. */
function forEachRun(
  octets: Uint8Array,
  rows: number,
  take: (value: number, from: number, end: number) => boolean,
): void {
  const reader = new Leb128Reader(octets)
  let from = 0
  while (!reader.isAtEnd) {
    const value = octets[reader.at++]!
    const end = from + reader.next()
    if (!(end > from && end <= rows)) throw damaged(end, rows)
    if (!take(value, from, end)) return
    from = end
  }
  if (from !== rows) throw damaged(from, rows)
}

function damaged(end: number, rows: number): ApplianceError {
  return new ApplianceError('BLOCK_DAMAGED', `runs of octets end at row ${end} of ${rows}`)
}
