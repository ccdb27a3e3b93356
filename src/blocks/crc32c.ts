/** CRC-32C (Castagnoli), reflected polynomial 0x82F63B78, eight octets a step. RFC 3720 appendix B.4. */

const tables = Array.from({ length: 8 }, () => new Int32Array(256))
for (let octet = 0; octet < 256; octet++) {
  let crc = octet
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  tables[0]![octet] = crc
}
for (let table = 1; table < 8; table++) {
  for (let octet = 0; octet < 256; octet++) {
    const previous = tables[table - 1]![octet]!
    tables[table]![octet] = (previous >>> 8) ^ tables[0]![previous & 0xff]!
  }
}
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
]

/** The checksum of `octets`, an unsigned 32-bit number; of octets that follow others when given the others' checksum. */
export function crc32c(octets: Uint8Array, before = 0): number {
  let crc = ~before
  let index = 0
  for (const whole = octets.length - 8; index <= whole; index += 8) {
    crc ^=
      octets[index]! | (octets[index + 1]! << 8) | (octets[index + 2]! << 16) | (octets[index + 3]! << 24)
    crc =
      t7[crc & 0xff]! ^
      t6[(crc >>> 8) & 0xff]! ^
      t5[(crc >>> 16) & 0xff]! ^
      t4[crc >>> 24]! ^
      t3[octets[index + 4]!]! ^
      t2[octets[index + 5]!]! ^
      t1[octets[index + 6]!]! ^
      t0[octets[index + 7]!]!
  }
  for (; index < octets.length; index++) crc = (crc >>> 8) ^ t0[(crc ^ octets[index]!) & 0xff]!
  return ~crc >>> 0
}
