/** Planes of octets put together to whole numbers again. */
import type { WholeNumbers } from './byte-planes.js'

/** A plane that is not the same in all rows: an octet a row, and where it goes in the value. */
export type VaryingPlane = { readonly shift: number; readonly octets: Uint8Array }

/**
 * Puts the values of all rows together in one pass, whatever number of planes vary. Arrays that hold zeros, `isZero`, cost no memory
 * while nobody writes there. One loop for each kind of array: a loop that serves several is several times slower.
 */
export function join(
  array: WholeNumbers,
  rows: number,
  constant: number,
  varying: readonly VaryingPlane[],
  isZero: boolean,
): void {
  if (varying.length === 0) {
    if (constant !== 0 || !isZero) array.fill(constant, 0, rows)
  } else if (array instanceof Uint32Array) join32(array, rows, constant, varying)
  else if (array instanceof Uint16Array) join16(array, rows, constant, varying)
  else array.set(varying[0]!.octets)
}

/** What a plane is read from four rows at a time, by octet; whoever joins next uses it again. */
let scratch: readonly Uint8Array[] = []

function join32(array: Uint32Array, rows: number, constant: number, varying: readonly VaryingPlane[]): void {
  const whole = rows >>> 2
  if ((scratch[0]?.length ?? 0) < 4 * whole)
    scratch = Array.from({ length: 4 }, () => new Uint8Array(4 * whole))
  const planes = scratch.map((room, octet) => {
    const octets = varying.find(({ shift }) => shift === 8 * octet)?.octets
    if (octets === undefined) room.fill((constant >>> (8 * octet)) & 0xff, 0, 4 * whole)
    else if (octets.byteOffset % 4 === 0) return new Uint32Array(octets.buffer, octets.byteOffset, whole)
    else room.set(octets.subarray(0, 4 * whole))
    return new Uint32Array(room.buffer, 0, whole)
  })
  joinWords(array, whole, planes as [Uint32Array, Uint32Array, Uint32Array, Uint32Array])
  for (let row = 4 * whole; row < rows; row++) {
    let value = constant
    for (const { shift, octets } of varying) value |= octets[row]! << shift
    array[row] = value
  }
}

/** Four octets of each of four planes become four values: a square turned over, first octets, then pairs of them. */
function joinWords(
  array: Uint32Array,
  words: number,
  [first, second, third, fourth]: readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array],
): void {
  for (let word = 0; word < words; word++) {
    const one = first[word]!
    const two = second[word]!
    const three = third[word]!
    const four = fourth[word]!
    const lowEven = (one & 0x00ff00ff) | ((two & 0x00ff00ff) << 8)
    const lowOdd = ((one >>> 8) & 0x00ff00ff) | (two & 0xff00ff00)
    const highEven = (three & 0x00ff00ff) | ((four & 0x00ff00ff) << 8)
    const highOdd = ((three >>> 8) & 0x00ff00ff) | (four & 0xff00ff00)
    const row = 4 * word
    array[row] = (lowEven & 0xffff) | (highEven << 16)
    array[row + 1] = (lowOdd & 0xffff) | (highOdd << 16)
    array[row + 2] = (lowEven >>> 16) | (highEven & 0xffff0000)
    array[row + 3] = (lowOdd >>> 16) | (highOdd & 0xffff0000)
  }
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

/** Values of which the varying octets are there one after the other. */
export function pick(array: WholeNumbers, constant: number, varying: readonly VaryingPlane[]): void {
  array.fill(constant)
  for (const { shift, octets } of varying)
    for (let index = 0; index < octets.length; index++) array[index]! |= octets[index]! << shift
}
