/** What CRC-32C looks up, for sixteen octets a step: of each octet value, its share behind so many further octets. */

export const STEP_OCTETS = 16
const VALUES = 256
/** Reflected. RFC 3720 appendix B.4 has it as 0x1EDC6F41. */
const POLYNOMIAL = 0x82f63b78

/** Table after table, that of the last octet of a step first. */
export const crcTables = new Int32Array(STEP_OCTETS * VALUES)
for (let octet = 0; octet < VALUES; octet++) {
  let crc = octet
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  crcTables[octet] = crc
}
for (let at = VALUES; at < crcTables.length; at++) {
  const previous = crcTables[at - VALUES]!
  crcTables[at] = (previous >>> 8) ^ crcTables[previous & 0xff]!
}
