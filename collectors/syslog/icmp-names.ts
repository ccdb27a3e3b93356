/**
 * ICMP types and codes by the names that devices print in their place: those of RFC 792 and RFC 4443 in small letters.
 * The same name is another number in ICMPv6.
 */
import type { Line } from './line.js'
import { ICMPV6 } from './protocols.js'
import { digitsEnd, readSmall } from './scan.js'

type Numbers = Readonly<Record<string, number>>

const types4: Numbers = {
  'echo reply': 0,
  'destination unreachable': 3,
  'dest unreachable': 3,
  'source quench': 4,
  redirect: 5,
  'echo request': 8,
  'router advertisement': 9,
  'router solicitation': 10,
  'time exceeded': 11,
  'parameter problem': 12,
  'timestamp request': 13,
  timestamp: 13,
  'timestamp reply': 14,
}
const types6: Numbers = {
  'destination unreachable': 1,
  'dest unreachable': 1,
  'packet too big': 2,
  'time exceeded': 3,
  'parameter problem': 4,
  'echo request': 128,
  'echo reply': 129,
  'router solicitation': 133,
  'router advertisement': 134,
  'neighbor solicitation': 135,
  'neighbor advertisement': 136,
  redirect: 137,
}
/** Codes of "destination unreachable"; other types have no names in use. */
const codes4: Numbers = {
  'net unreachable': 0,
  'network unreachable': 0,
  'host unreachable': 1,
  'protocol unreachable': 2,
  'port unreachable': 3,
  'source route failed': 5,
}
const codes6: Numbers = {
  'no route to destination': 0,
  'address unreachable': 3,
  'port unreachable': 4,
}

const LONGEST_NAME = 32

function read(line: Line, start: number, end: number, names: Numbers): number {
  const stop = digitsEnd(line, start, end)
  if (stop > start) return readSmall(line, start, stop, 255)
  const name = end - start <= LONGEST_NAME ? line.slice(start, end).toLowerCase() : ''
  return Object.hasOwn(names, name) ? names[name]! : -1
}

/** The type by its number or name; -1 where the range is neither. */
export function readIcmpType(line: Line, start: number, end: number, protocol: number): number {
  return read(line, start, end, protocol === ICMPV6 ? types6 : types4)
}

/** The code by its number or name; `No Code` is 0, -1 where the range is neither. */
export function readIcmpCode(line: Line, start: number, end: number, protocol: number): number {
  if (line.startsWith('No Code', start)) return 0
  return read(line, start, end, protocol === ICMPV6 ? codes6 : codes4)
}
