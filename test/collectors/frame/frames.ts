// Packets for the dissector's tests, written from the standards' figures and sharing no code with it.
import { concatenate } from '#simulate/encode/bytes.js'

export const bytes = (...parts: (number | readonly number[] | Uint8Array)[]): Uint8Array =>
  concatenate(parts.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : Uint8Array.from(part))))
export const u16 = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff]
export const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)]

export const MAC_A = [0x02, 0, 0, 0, 0, 0x0a]
export const MAC_B = [0x02, 0, 0, 0, 0, 0x0b]
export const v4 = (last: number): number[] => [10, 0, 0, last]
export const v6 = (last: number): number[] => [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]

export const ethernet = (etherType: number, inner: Uint8Array, destination = MAC_B): Uint8Array =>
  bytes(destination, MAC_A, u16(etherType), inner)
/** What stands behind the tag's own type. */
export const tag = (vlan: number, etherType: number, inner: Uint8Array): Uint8Array =>
  bytes(u16(vlan | 0x6000), u16(etherType), inner)
export const label = (value: number, isBottom: boolean, inner: Uint8Array): Uint8Array =>
  bytes(u32(value * 0x1000 + (isBottom ? 0x100 : 0) + 64), inner)

export type Ipv4 = {
  source?: number
  destination?: number
  tos?: number
  options?: readonly number[]
  fragment?: number
  totalLength?: number
}

export function ipv4(protocol: number, inner: Uint8Array, given: Ipv4 = {}): Uint8Array {
  const { source = 1, destination = 2, tos = 0, options = [], fragment = 0 } = given
  const headerLength = 20 + options.length
  const { totalLength = headerLength + inner.length } = given
  const header = bytes(
    0x40 | (headerLength / 4),
    tos,
    u16(totalLength),
    u16(7),
    u16(fragment),
    64,
    protocol,
    [0, 0],
    v4(source),
    v4(destination),
    options,
  )
  let sum = 0
  for (let at = 0; at < header.length; at += 2) sum += header[at]! * 256 + header[at + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  header.set(u16(~sum & 0xffff), 10)
  return bytes(header, inner)
}

export type Ipv6 = { source?: number; destination?: number; tos?: number; payloadLength?: number }

export function ipv6(nextHeader: number, inner: Uint8Array, given: Ipv6 = {}): Uint8Array {
  const { source = 1, destination = 2, tos = 0, payloadLength = inner.length } = given
  return bytes(
    u32(0x60000000 + tos * 0x100000),
    u16(payloadLength),
    nextHeader,
    64,
    v6(source),
    v6(destination),
    inner,
  )
}

export const extension = (nextHeader: number, octets: number, inner: Uint8Array, type = 0): Uint8Array =>
  bytes(nextHeader, octets / 8 - 1, type, new Array(octets - 3).fill(0), inner)
export const ipv6Fragment = (nextHeader: number, offset: number, more: boolean, inner: Uint8Array) =>
  bytes(nextHeader, 0, u16(offset * 8 + (more ? 1 : 0)), u32(9), inner)
export const authentication = (nextHeader: number, inner: Uint8Array): Uint8Array =>
  bytes(nextHeader, 4, [0, 0], u32(1), u32(1), new Array(12).fill(0xaa), inner)
export const tcp = (flags: number, payload = bytes([1, 2, 3])): Uint8Array =>
  bytes(u16(1024), u16(443), u32(1), u32(2), u16(0x5000 | flags), u16(512), [0, 0, 0, 0], payload)
export const udp = (destinationPort: number, payload: Uint8Array): Uint8Array =>
  bytes(u16(5000), u16(destinationPort), u16(8 + payload.length), [0, 0], payload)
export const echo = (type = 8, payload = bytes([0x61, 0x62, 0x63, 0x64])): Uint8Array =>
  bytes(type, 0, [0, 0], u16(77), u16(1), payload)
export const gre = (flags: number, etherType: number, inner: Uint8Array): Uint8Array => {
  const optional = [0x8000, 0x2000, 0x1000].filter((bit) => (flags & bit) !== 0).length
  const acknowledgement = (flags & 0x0087) === 0x0081 ? 1 : 0
  return bytes(u16(flags), u16(etherType), new Array((optional + acknowledgement) * 4).fill(0), inner)
}
export const vxlan = (inner: Uint8Array, flags = 0x08): Uint8Array =>
  bytes(flags, [0, 0, 0], [0, 0, 42, 0], inner)
export const geneve = (etherType: number, inner: Uint8Array, options = 8): Uint8Array =>
  bytes(options / 4, 0, u16(etherType), [0, 0, 42, 0], new Array(options).fill(0), inner)
export const pppoe = (protocol: number, inner: Uint8Array): Uint8Array =>
  bytes(0x11, 0, u16(9), u16(inner.length + 2), u16(protocol), inner)
export const snap = (etherType: number, inner: Uint8Array): Uint8Array =>
  bytes(0xaa, 0xaa, 0x03, [0, 0, 0], u16(etherType), inner)
