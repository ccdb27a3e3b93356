/** Socket addresses as the kernel has them: struct sockaddr_in, 16 octets (ip(7)), and sockaddr_in6, 28 (ipv6(7)). */
import { type Address, formatAddress } from '#core/records/address.js'
import { AF_INET, AF_INET6 } from './libc.js'

/** Room for an address of either family. */
export const SOCKET_ADDRESS_OCTETS = 28

/** An address with its port; `scopeId` is the interface of a link-local one. */
export type SocketAddress = { readonly address: Address; readonly port: number; readonly scopeId: number }

/** The octets for a socket of the family; a socket for IPv6 takes an IPv4 address as a mapped one. */
export function writeSocketAddress(family: 4 | 6, { address, port, scopeId }: SocketAddress): Uint8Array {
  const octets = new Uint8Array(family === 4 ? 16 : SOCKET_ADDRESS_OCTETS)
  const view = new DataView(octets.buffer)
  const [word0, word1, word2, word3] = address.words
  view.setUint16(0, family === 4 ? AF_INET : AF_INET6, true)
  view.setUint16(2, port)
  if (family === 4) view.setUint32(4, word3)
  else {
    view.setUint32(8, word0)
    view.setUint32(12, word1)
    view.setUint32(16, address.family === 4 ? 0xffff : word2)
    view.setUint32(20, word3)
    view.setUint32(24, scopeId, true)
  }
  return octets
}

/** Host text and port of a bound socket, as Node writes them. */
export function readSocketAddress(octets: Uint8Array): { host: string; port: number; family: 4 | 6 } {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  const family = view.getUint16(0, true) === AF_INET ? 4 : 6
  const words =
    family === 4
      ? ([0, 0, 0, view.getUint32(4)] as const)
      : ([view.getUint32(8), view.getUint32(12), view.getUint32(16), view.getUint32(20)] as const)
  return { host: formatAddress({ family, words }), port: view.getUint16(2), family }
}
