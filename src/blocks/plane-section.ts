/**
 * Reading arrays of whole numbers that lie as planes of octets (docs/storage-format.md, "Byte planes"): all rows, some of
 * them, or the places of a value. A plane is decompressed when something hangs on it.
 */
import { ApplianceError } from '../errors.js'
import { PlaneMode, type WholeNumbers } from './byte-planes.js'
import { decompress, decompressStart } from './compression.js'
import { join, pick, type VaryingPlane } from './join.js'
import { decodeRuns, runsAt } from './octet-runs.js'
import { decodePacked, packedAt } from './packed.js'

const LENGTH_OCTETS = 4

/** A plane as it lies in a section: one octet for all rows, or octets that may be compressed. */
type StoredPlane =
  | { readonly mode: typeof PlaneMode.constant; readonly value: number; readonly end: number }
  | PlaneOctets
type PlaneOctets = { readonly mode: number; readonly octets: Uint8Array; readonly end: number }

/**
 * Fills the arrays from their planes; `areZeros` says that they are new. Throws BLOCK_DAMAGED when the octets do not hold so many
 * rows.
 */
export function decodePlanes(
  section: Uint8Array,
  arrays: readonly WholeNumbers[],
  rows: number,
  areZeros = false,
): void {
  decode(
    section,
    arrays,
    ({ mode, octets }) => wholePlane(mode, octets, rows),
    (array, constant, varying) => join(array, rows, constant, varying, areZeros),
  )
}

/** Fills the arrays with the values at the places, ascending, of a section of `rows` rows; throws as `decodePlanes` does. */
export function decodePlaces(
  section: Uint8Array,
  arrays: readonly WholeNumbers[],
  rows: number,
  places: Uint32Array,
): void {
  decode(
    section,
    arrays,
    ({ mode, octets }) => octetsAt(places, mode, octets, rows),
    (array, constant, varying) => pick(array, constant, varying),
  )
}

/** A plane of so many rows. Throws BLOCK_DAMAGED when the octets do not hold it. */
function wholePlane(mode: number, octets: Uint8Array, rows: number): Uint8Array {
  if (mode === PlaneMode.packed) return decodePacked(octets, rows)
  if (mode === PlaneMode.runs) return decodeRuns(octets, rows)
  return decompress(mode, octets, rows)
}

/** The octets of a plane at the places, which ascend. */
function octetsAt(places: Uint32Array, mode: number, octets: Uint8Array, rows: number): Uint8Array {
  if (mode === PlaneMode.packed) return packedAt(octets, rows, places)
  if (mode === PlaneMode.runs) return runsAt(octets, rows, places)
  const wanted = places.length === 0 ? 0 : places[places.length - 1]! + 1
  const plane = decompressStart(mode, octets, rows, wanted)
  return Uint8Array.from(places, (place) => plane[place]!)
}

function decode(
  section: Uint8Array,
  arrays: readonly WholeNumbers[],
  unpack: (plane: PlaneOctets) => Uint8Array,
  fill: (array: WholeNumbers, constant: number, varying: readonly VaryingPlane[]) => void,
): void {
  let at = 0
  for (const array of arrays) {
    let constant = 0
    const varying: VaryingPlane[] = []
    for (let shift = 0; shift < 8 * array.BYTES_PER_ELEMENT; shift += 8) {
      const plane = planeAt(section, at)
      if ('value' in plane) constant |= plane.value << shift
      else varying.push({ shift, octets: unpack(plane) })
      at = plane.end
    }
    fill(array, constant, varying)
  }
}

function planeAt(section: Uint8Array, at: number): StoredPlane {
  requireOctets(section, at + 2)
  const mode = section[at]!
  if (mode === PlaneMode.constant) return { mode, value: section[at + 1]!, end: at + 2 }
  const from = at + 1 + LENGTH_OCTETS
  requireOctets(section, from)
  const length = new DataView(section.buffer, section.byteOffset, section.length).getUint32(at + 1, true)
  requireOctets(section, from + length)
  return { mode, octets: section.subarray(from, from + length), end: from + length }
}

function requireOctets(section: Uint8Array, end: number): void {
  if (end > section.length)
    throw new ApplianceError(
      'BLOCK_DAMAGED',
      `a piece holds ${section.length} octets where ${end} are needed`,
    )
}

/**
 * The places of a 32-bit value in a section of one array, ascending; throws as `decodePlanes` does, but for planes that were not
 * needed. Planes as they are come first, then those of which single rows can be read, for they leave few places or none.
 */
export function placesOfWord(section: Uint8Array, word: number, rows: number): Uint32Array {
  const varying: (PlaneOctets & { readonly octet: number })[] = []
  for (let at = 0, shift = 0; shift < 32; shift += 8) {
    const plane = planeAt(section, at)
    at = plane.end
    const octet = (word >>> shift) & 0xff
    if (!('value' in plane)) varying.push({ ...plane, octet })
    else if (plane.value !== octet) return new Uint32Array(0)
  }
  varying.sort((a, b) => effortOf(a.mode) - effortOf(b.mode))
  let places: Uint32Array | undefined
  for (const { mode, octets, octet } of varying) {
    if (places === undefined) places = placesOf(wholePlane(mode, octets, rows), octet)
    else if (places.length > 0) {
      const found = octetsAt(places, mode, octets, rows)
      places = places.filter((_, index) => found[index] === octet)
    }
  }
  return places ?? Uint32Array.from({ length: rows }, (_, row) => row)
}

function effortOf(mode: number): number {
  if (mode === PlaneMode.none) return 0
  return mode === PlaneMode.packed || mode === PlaneMode.runs ? 1 : 2
}

function placesOf(plane: Uint8Array, octet: number): Uint32Array {
  const found: number[] = []
  for (let at = plane.indexOf(octet); at >= 0; at = plane.indexOf(octet, at + 1)) found.push(at)
  return Uint32Array.from(found)
}
