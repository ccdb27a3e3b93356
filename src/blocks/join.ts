/** Planes of octets put together to whole numbers again. */
import type { WholeNumbers } from './byte-planes.js'

/** A plane that is not the same in all rows: an octet a row, and where it goes in the value. */
export type VaryingPlane = { readonly shift: number; readonly octets: Uint8Array }

/**
 * Puts the values of all rows together in one pass, whatever number of planes vary. One loop for each kind of array and number of
 * planes: a loop that serves several is several times slower.
 */
export function join(
  array: WholeNumbers,
  rows: number,
  constant: number,
  varying: readonly VaryingPlane[],
): void {
  if (varying.length === 0) array.fill(constant, 0, rows)
  else if (array instanceof Uint32Array) join32(array, rows, constant, varying)
  else if (array instanceof Uint16Array) join16(array, rows, constant, varying)
  else array.set(varying[0]!.octets)
}

function join32(array: Uint32Array, rows: number, constant: number, varying: readonly VaryingPlane[]): void {
  const [one, two, three, four] = varying as [VaryingPlane, VaryingPlane?, VaryingPlane?, VaryingPlane?]
  if (two === undefined) join32from1(array, rows, constant, one)
  else if (three === undefined) join32from2(array, rows, constant, one, two)
  else if (four === undefined) join32from3(array, rows, constant, one, two, three)
  else join32from4(array, rows, one.octets, two.octets, three.octets, four.octets)
}

function join32from1(
  array: Uint32Array,
  rows: number,
  constant: number,
  { shift, octets }: VaryingPlane,
): void {
  for (let row = 0; row < rows; row++) array[row] = constant | (octets[row]! << shift)
}

function join32from2(
  array: Uint32Array,
  rows: number,
  constant: number,
  { shift: shift0, octets: octets0 }: VaryingPlane,
  { shift: shift1, octets: octets1 }: VaryingPlane,
): void {
  for (let row = 0; row < rows; row++)
    array[row] = constant | (octets0[row]! << shift0) | (octets1[row]! << shift1)
}

function join32from3(
  array: Uint32Array,
  rows: number,
  constant: number,
  { shift: shift0, octets: octets0 }: VaryingPlane,
  { shift: shift1, octets: octets1 }: VaryingPlane,
  { shift: shift2, octets: octets2 }: VaryingPlane,
): void {
  for (let row = 0; row < rows; row++)
    array[row] = constant | (octets0[row]! << shift0) | (octets1[row]! << shift1) | (octets2[row]! << shift2)
}

function join32from4(
  array: Uint32Array,
  rows: number,
  first: Uint8Array,
  second: Uint8Array,
  third: Uint8Array,
  fourth: Uint8Array,
): void {
  for (let row = 0; row < rows; row++)
    array[row] = first[row]! | (second[row]! << 8) | (third[row]! << 16) | (fourth[row]! << 24)
}

function join16(array: Uint16Array, rows: number, constant: number, varying: readonly VaryingPlane[]): void {
  const [{ shift, octets }, second] = varying as [VaryingPlane, VaryingPlane?]
  if (second === undefined)
    for (let row = 0; row < rows; row++) array[row] = constant | (octets[row]! << shift)
  else {
    const high = second.octets
    for (let row = 0; row < rows; row++) array[row] = octets[row]! | (high[row]! << 8)
  }
}

/** The values of some rows alone. */
export function pick(
  array: WholeNumbers,
  places: Uint32Array,
  constant: number,
  varying: readonly VaryingPlane[],
): void {
  array.fill(constant, 0, places.length)
  for (const { shift, octets } of varying)
    for (let index = 0; index < places.length; index++) array[index]! |= octets[places[index]!]! << shift
}
