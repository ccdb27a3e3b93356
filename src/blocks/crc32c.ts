/** CRC-32C (Castagnoli), reflected polynomial 0x82F63B78. RFC 3720 appendix B.4. */
import { crcTables, STEP_OCTETS } from './crc-tables.js'
import { checksumSteps } from './simd/checksum.js'

/** Fewer octets than these are not worth the way into the kernel's memory. */
const FEWEST_OCTETS = 512

/** The checksum of `octets`, an unsigned 32-bit number; of octets that follow others when given the others' checksum. */
export function crc32c(octets: Uint8Array, before = 0): number {
  const whole = octets.length < FEWEST_OCTETS ? 0 : octets.length & ~(STEP_OCTETS - 1)
  const crc = whole === 0 ? ~before : checksumSteps(octets.subarray(0, whole), ~before)
  return ~oneByOne(octets, whole, crc) >>> 0
}

function oneByOne(octets: Uint8Array, from: number, before: number): number {
  let crc = before
  for (let index = from; index < octets.length; index++)
    crc = (crc >>> 8) ^ crcTables[(crc ^ octets[index]!) & 0xff]!
  return crc
}
