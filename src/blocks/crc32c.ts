/** CRC-32C (Castagnoli), reflected polynomial 0x82F63B78, sixteen octets a step. RFC 3720 appendix B.4. */

const STEP_OCTETS = 16

const tables = Array.from({ length: STEP_OCTETS }, () => new Int32Array(256))
for (let octet = 0; octet < 256; octet++) {
  let crc = octet
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  tables[0]![octet] = crc
}
for (let table = 1; table < STEP_OCTETS; table++) {
  for (let octet = 0; octet < 256; octet++) {
    const previous = tables[table - 1]![octet]!
    tables[table]![octet] = (previous >>> 8) ^ tables[0]![previous & 0xff]!
  }
}
type SixteenTables = readonly [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
]
const [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15] =
  tables as unknown as SixteenTables

/** The checksum of `octets`, an unsigned 32-bit number; of octets that follow others when given the others' checksum. */
export function crc32c(octets: Uint8Array, before = 0): number {
  const { length, byteOffset } = octets
  // Four octets are read at a time from where words begin. The machine is little-endian, as the columns are.
  const start = Math.min(-byteOffset & 3, length)
  const whole = (length - start) & ~(STEP_OCTETS - 1)
  let crc = oneByOne(octets, 0, start, ~before)
  if (whole > 0) crc = inWords(new Int32Array(octets.buffer, byteOffset + start, whole >>> 2), crc)
  return ~oneByOne(octets, start + whole, length, crc) >>> 0
}

function oneByOne(octets: Uint8Array, from: number, to: number, before: number): number {
  let crc = before
  for (let index = from; index < to; index++) crc = (crc >>> 8) ^ t0[(crc ^ octets[index]!) & 0xff]!
  return crc
}

/** `words` are a whole number of steps. */
function inWords(words: Int32Array, before: number): number {
  let crc = before
  for (let index = 0; index < words.length; index += 4) {
    const first = words[index]! ^ crc
    const second = words[index + 1]!
    const third = words[index + 2]!
    const fourth = words[index + 3]!
    crc =
      t15[first & 0xff]! ^
      t14[(first >>> 8) & 0xff]! ^
      t13[(first >>> 16) & 0xff]! ^
      t12[first >>> 24]! ^
      t11[second & 0xff]! ^
      t10[(second >>> 8) & 0xff]! ^
      t9[(second >>> 16) & 0xff]! ^
      t8[second >>> 24]! ^
      t7[third & 0xff]! ^
      t6[(third >>> 8) & 0xff]! ^
      t5[(third >>> 16) & 0xff]! ^
      t4[third >>> 24]! ^
      t3[fourth & 0xff]! ^
      t2[(fourth >>> 8) & 0xff]! ^
      t1[(fourth >>> 16) & 0xff]! ^
      t0[fourth >>> 24]!
  }
  return crc
}
