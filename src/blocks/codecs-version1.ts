/** The codecs that only version 1 of the format wrote, for reading it: whole arrays, octet by octet, uncompressed here. */
import type { ColumnDefinition } from '../records/columns.js'
import type { Plane } from './builder.js'
import { octetsOf, requireLength } from './octets.js'

/** Codec 1: the arrays one after the other, each with all first octets first; the high array of a u64 may be left out. */
export function decodeTransposed(
  definition: ColumnDefinition,
  raw: Uint8Array,
  planes: readonly Plane[],
  rows: number,
): void {
  let offset = 0
  for (const plane of planes) {
    if (offset === raw.length && plane !== planes[0] && definition.type === 'u64') continue
    const length = plane.BYTES_PER_ELEMENT * rows
    requireLength(raw, offset + length)
    untranspose(raw, offset, plane.BYTES_PER_ELEMENT, rows, octetsOf(plane, rows))
    offset += length
  }
}

/** Codec 2: the least value <8>, then Uint32 offsets + 1; 0 stands for 0. */
export function decodeTransposedOffsets(raw: Uint8Array, rows: number, values: Float64Array): void {
  requireLength(raw, 8 + 4 * rows)
  const least = new DataView(raw.buffer, raw.byteOffset, 8).getFloat64(0, true)
  const offsets = new Uint32Array(rows)
  untranspose(raw, 8, 4, rows, octetsOf(offsets, rows))
  for (let row = 0; row < rows; row++) values[row] = offsets[row] === 0 ? 0 : least + offsets[row]! - 1
}

function untranspose(from: Uint8Array, offset: number, width: number, rows: number, to: Uint8Array): void {
  for (let octet = 0; octet < width; octet++) {
    let source = offset + octet * rows
    for (let target = octet, row = 0; row < rows; row++, target += width) to[target] = from[source++]!
  }
}
