// Writing of unsigned integers, strings and octets in network order, for all encoders.

/** A value of one field: an unsigned or two's-complement integer, UTF-8 text, or octets as they are. */
export type FieldValue = number | bigint | string | Uint8Array

const TWO_32 = 0x1_0000_0000
const textEncoder = new TextEncoder()

/** Writes an integer into `length` octets; integers wider than the field lose their high octets. */
export function putInteger(target: Uint8Array, offset: number, length: number, value: number | bigint): void {
  if (typeof value === 'bigint' || value < 0 || length > 8) {
    let rest = BigInt.asUintN(length * 8, BigInt(value))
    for (let index = offset + length - 1; index >= offset; index -= 1) {
      target[index] = Number(rest & 0xffn)
      rest >>= 8n
    }
    return
  }
  let low = value % TWO_32
  let high = (value - low) / TWO_32
  for (let index = offset + length - 1; index >= offset; index -= 1) {
    target[index] = low & 0xff
    low = index === offset + length - 4 ? high : low >>> 8
    if (index === offset + length - 4) high = 0
  }
}

/** Writes a 16-bit integer. */
export function putUint16(target: Uint8Array, offset: number, value: number): void {
  target[offset] = (value >>> 8) & 0xff
  target[offset + 1] = value & 0xff
}

/** Writes a 32-bit integer; larger values are taken modulo 2^32. */
export function putUint32(target: Uint8Array, offset: number, value: number): void {
  const bits = (value % TWO_32) | 0
  target[offset] = bits >>> 24
  target[offset + 1] = (bits >>> 16) & 0xff
  target[offset + 2] = (bits >>> 8) & 0xff
  target[offset + 3] = bits & 0xff
}

/** UTF-8 octets of a text. */
export function textOctets(text: string): Uint8Array {
  return textEncoder.encode(text)
}

/** Writes any value into a field of fixed length; text and octets are cut, or filled with zeros at the end. */
export function putValue(target: Uint8Array, offset: number, length: number, value: FieldValue): void {
  if (typeof value === 'number' || typeof value === 'bigint') {
    putInteger(target, offset, length, value)
    return
  }
  const octets = typeof value === 'string' ? textOctets(value) : value
  const taken = Math.min(length, octets.length)
  target.set(taken === octets.length ? octets : octets.subarray(0, taken), offset)
  target.fill(0, offset + taken, offset + length)
}

/** Joins octet arrays. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}
