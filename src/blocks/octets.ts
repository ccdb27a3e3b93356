/** Arrays as octets, and the check that there are enough of them. */
import { ApplianceError } from '../errors.js'
import type { Plane } from './builder.js'

/** The octets of the first elements of an array, in the machine's order (little-endian, as on disk). */
export function octetsOf(plane: Plane, elements: number): Uint8Array {
  return new Uint8Array(plane.buffer, plane.byteOffset, plane.BYTES_PER_ELEMENT * elements)
}

/** Throws BLOCK_DAMAGED when a piece is shorter than what it should hold. */
export function requireLength(raw: Uint8Array, length: number): void {
  if (raw.length < length)
    throw new ApplianceError('BLOCK_DAMAGED', `a piece holds ${raw.length} octets where ${length} are needed`)
}
