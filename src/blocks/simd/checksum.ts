/** CRC-32C of whole steps (crc32c.ts). */
import { roomFor } from './room.js'

/** The state of the checksum behind octets, sixteen or a multiple, from its state before them. */
export function checksumSteps(octets: Uint8Array, before: number): number {
  const { kernels, octets: memory, input, inputOctets } = roomFor(1)
  let crc = before
  for (let from = 0; from < octets.length; from += inputOctets) {
    const part = octets.subarray(from, from + inputOctets)
    memory.set(part, input)
    crc = kernels.checksum(input, input + part.length, crc)
  }
  return crc
}
