/** Addresses that behave as hosts do, and so are no gateways: a bitmap, whatever the number of addresses. */

/** What people's machines and servers ask for and gateways do not: web, Kerberos, LDAP, SMB. */
const HOST_PORTS = [80, 88, 389, 443, 445]
const isHostPort = new Uint8Array(65_536)
for (const port of HOST_PORTS) isHostPort[port] = 1

/** 2^20 bits; a bit that two addresses share only lets evidence of a low kind speak. */
const BITS = 20

export type Hosts = {
  /** Notes that an address, four words from a place in an array of keys, was client of a TCP port. */
  note(keys: Uint32Array, offset: number, port: number): void
  has(keys: Uint32Array, offset: number): boolean
}

export function createHosts(): Hosts {
  const bits = new Uint32Array(2 ** (BITS - 5))
  return {
    note(keys, offset, port) {
      if (isHostPort[port] === 0) return
      const bit = bitOf(keys, offset)
      bits[bit >> 5]! |= 1 << (bit & 31)
    },
    has(keys, offset) {
      const bit = bitOf(keys, offset)
      return (bits[bit >> 5]! & (1 << (bit & 31))) !== 0
    },
  }
}

function bitOf(keys: Uint32Array, offset: number): number {
  let hash = 0
  for (let word = 0; word < 4; word++)
    hash = Math.imul(hash ^ keys[offset + word]!, 0x9e3779b1) ^ (hash >>> 16)
  return (hash ^ (hash >>> 15)) & (2 ** BITS - 1)
}
