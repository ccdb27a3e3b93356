/** ICMP that is no echo: which types are errors, which are ordinary, and from when one is worth a word. */
import type { Point } from './points.js'

/** One record of ICMP that is no echo. */
export type Message = {
  readonly type: number
  readonly code: number
  readonly source: string
  readonly destination: string
  readonly packets: number
  readonly octets: number
  readonly startMilliseconds: number
  readonly endMilliseconds: number
  readonly receivedMilliseconds: number
  readonly row: number
}

export type Exchange = {
  readonly point: Point
  readonly family: 4 | 6
  readonly type: number
  readonly source: string
  readonly destination: string
  /** The last words of the two addresses: all of an IPv4 one. */
  readonly sourceWord: number
  readonly destinationWord: number
  /** The source is a gateway by its role. */
  readonly isFromGateway: boolean
  packets: number
  octets: number
  records: number
  firstMilliseconds: number
  lastMilliseconds: number
  lastReceivedMilliseconds: number
  /** Of errors: code 0 to 15 as bits. */
  codes: number
  /** Packets that the destination was seen to send to the source, and to anybody, since this was watched. */
  provokedBySource: number
  provokedByAny: number
  evidence: Message[]
  isForgotten: boolean
}

/**
 * Octets of the IP packets of types that have one length: redirect with eight octets of what it is about, router
 * solicitation, timestamp, information, address mask (RFC 792, 950, 1256). What exceeds it is carried.
 */
export const FIXED_OCTETS: Readonly<Record<number, number>> = {
  5: 56,
  10: 28,
  13: 40,
  14: 40,
  15: 28,
  16: 28,
  17: 32,
  18: 32,
}
/** Errors: unreachable, time exceeded, parameter problem; packet too big. */
export const ERRORS = { 4: new Set([3, 11, 12]), 6: new Set([1, 2, 3, 4]) } as const
/** Neither errors nor anything to tell of: router advertisements, neighbour and multicast discovery. */
export const ORDINARY = {
  4: new Set([9, 10]),
  6: new Set([130, 131, 132, 133, 134, 135, 136, 137, 139, 140, 141, 142, 143, 148, 149, 151, 152, 153, 155]),
} as const
export const TIME_EXCEEDED = { 4: 11, 6: 3 } as const

export const SUSTAINED_MILLISECONDS = 600_000
export const SUSTAINED_PACKETS = 30
/** Octets beyond the fixed length of a type, or of errors altogether. */
export const CARRIED_OCTETS = 4096
