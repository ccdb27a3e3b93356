/**
 * How a conversation lies in memory: a record of doubles, of which the first line of 64 octets is words: the key, and
 * what a look-up needs.
 */

/** Words of a key: point and protocol, the lower end's address (4), the higher end's (4), both ports. */
export const CONVERSATION_WORDS = 10

/** A record this far after the last packet begins a burst of its own: longer than a page's or a prompt's pauses. */
export const BURST_GAP_MILLISECONDS = 5_000

/** Doubles of a record, and its 32-bit words. */
export const STRIDE = 36
export const WORDS = 2 * STRIDE

/** Places of 32-bit words in a record, behind the key's ten; those of a direction are followed by the other's. */
export const Word = {
  next: 10,
  generation: 11,
  flags: 12,
  name: 13,
  records: 14,
  /** The minute since 1970 in which it is to be looked at; 0 for a record that is free. */
  due: 15,
  /** The pair that counts it, plus one, and the generation of that slot. */
  pair: 68,
  pairGeneration: 69,
  /** Where in the device the first record of the direction was metered. */
  where: 70,
} as const

/** Places of doubles in a record. */
export const Place = {
  first: 8,
  last: 9,
  lastReceived: 10,
  /** When the oldest record arrived that has not been counted yet; 0 when all have. */
  newsSince: 11,
  largestPacketMean: 12,
  interPacket: 13,
  directions: 14,
} as const

/** Places of a direction's doubles, from where they begin. */
export const Sum = {
  packets: 0,
  octets: 1,
  countedPackets: 2,
  countedOctets: 3,
  /** The last record, for the evidence: its number plus one, 0 for none. */
  row: 4,
  rowPackets: 5,
  rowOctets: 6,
  rowStart: 7,
  rowEnd: 8,
  rowReceived: 9,
} as const
/** Doubles of a direction. */
export const DIRECTION = 10

/** Facts about a conversation, as bits. The tests of the profile that it has met are the bits from `firstHit` on. */
export const Flag = {
  /** The opener is known for certain: a lone SYN, a biflow, a firewall's session. */
  openedByLow: 1,
  openedByHigh: 2,
  /** The first record of one direction began earlier. */
  startedByLow: 4,
  startedByHigh: 8,
  serverIsLow: 16,
  serverIsHigh: 32,
  /** It has been counted among the conversations of its client and server. */
  isCounted: 64,
  /** Its last record was cut by the exporter's active timeout: more will come. */
  isCut: 128,
  /** The application's name is a policy's service, which tells the port and not what was in the packets. */
  isServiceName: 256,
  /** A device looked inside and named an application that belongs on the port. */
  isConfirmed: 512,
  /** Which end is the server was told by certain facts. */
  isCertain: 1024,
  /** A device named an application that is not expected on either port: not to be kept waiting. */
  isMisplaced: 2048,
  /** Its news is waiting to be counted before it ends. */
  isWaiting: 4096,
} as const
export const FIRST_HIT = 16

/** One record on its way in; one object, filled anew for each row. */
export type RowValues = {
  direction: 0 | 1
  packets: number
  octets: number
  reversePackets: number
  reverseOctets: number
  startMilliseconds: number
  endMilliseconds: number
  receivedMilliseconds: number
  row: number
  where: number
  flags: number
  nameNumber: number
}
