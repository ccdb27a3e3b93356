// IP addresses as the simulator holds them: canonical text for labels and logs, octets in network order for
// encoders, and a small number that keys hash tables.

/** An addressed end of traffic; `id` is unique within its address book. */
export interface Address {
  readonly id: number
  readonly text: string
  readonly family: 4 | 6
  /** 4 or 16 octets in network order. */
  readonly octets: Uint8Array
}

/** Hands out one Address object per distinct address. */
export interface AddressBook {
  get(text: string): Address
}

/** Octets of a dotted-quad IPv4 address. */
export function parseIPv4(text: string): Uint8Array {
  const parts = text.split('.').map(Number)
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) {
    throw new RangeError(`not an IPv4 address: ${text}`)
  }
  return Uint8Array.from(parts)
}

/** Octets of an IPv6 address in RFC 4291 §2.2 text, without the dotted-quad form. */
export function parseIPv6(text: string): Uint8Array {
  const [head = '', tail, extra] = text.split('::')
  const groupsOf = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  const missing = 8 - before.length - after.length
  if (extra !== undefined || missing < 0 || (tail === undefined && missing !== 0)) {
    throw new RangeError(`not an IPv6 address: ${text}`)
  }
  const groups = [...before, ...new Array<number>(missing).fill(0), ...after]
  const octets = new Uint8Array(16)
  for (const [index, group] of groups.entries()) {
    if (!(group >= 0 && group <= 0xffff)) throw new RangeError(`not an IPv6 address: ${text}`)
    octets[index * 2] = group >> 8
    octets[index * 2 + 1] = group & 0xff
  }
  return octets
}

/** Octets of an IPv4 or IPv6 address: 4 or 16. */
export function parseAddress(text: string): Uint8Array {
  return text.includes(':') ? parseIPv6(text) : parseIPv4(text)
}

/** Creates an empty address book; ids count from 1. Addresses are expected in RFC 5952 form already. */
export function createAddressBook(): AddressBook {
  const known = new Map<string, Address>()
  return {
    get(text) {
      const found = known.get(text)
      if (found !== undefined) return found
      const octets = parseAddress(text)
      const created: Address = { id: known.size + 1, text, family: octets.length === 4 ? 4 : 6, octets }
      known.set(text, created)
      return created
    },
  }
}
