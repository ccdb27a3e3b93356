/**
 * How a conversation lies in memory: 40 words of 32 bits. The first 16 have the short key of a look-up and what every row
 * asks for, then come the sums, then the last record of each direction, for the evidence. Times of those are kept modulo 2^32 ms and read back from the conversation's newest, which is less than 49 days later.
 */

/** Words of a key: point and protocol, both ends' last words, both ports, then the other words of IPv6 addresses (3, 3). */
export const KEY_WORDS = 10
/** Of them, those that tell all of an IPv4 conversation, and those that an IPv6 one has beside them, kept apart. */
export const SHORT_KEY_WORDS = 4
export const REST_WORDS = KEY_WORDS - SHORT_KEY_WORDS

/** A record this far after the last packet begins a burst of its own: longer than a page's or a prompt's pauses. */
export const BURST_GAP_MILLISECONDS = 5_000

/** Words of a record, and its doubles. */
export const WORDS = 40
export const DOUBLES = WORDS / 2

/** Places of 32-bit words in a record, behind the key's first four. */
export const Word = {
  next: 4,
  flags: 5,
  /** The name's number, and how often the slot was given away, 16 bits each. */
  name: 6,
  /** Where in the device each direction's first record was metered, 16 bits of a hash each. */
  where: 7,
  /** From the first packet to the last, in ms; the most that fits stands for more. */
  duration: 12,
  /** When the oldest record arrived that has not been counted yet, in seconds, rounded up; 0 when all have. */
  newsSince: 13,
  /** Packets of direction 0, then of 1; the most that fits stands for more. */
  packets: 20,
  /** What a pair has counted of it (shares.ts), plus one. */
  share: 22,
  /** Neighbours among those that end in the same minute (endings.ts). */
  later: 23,
  earlier: 24,
  /** The last record of each direction. */
  records: 25,
  /** High 16 bits of the records' numbers and counts, a word for both directions. */
  rowHigh: 37,
  packetsHigh: 38,
  octetsHigh: 39,
} as const

/** Places of single-precision numbers, counted in words. */
export const Single = { interPacket: 14, largestPacketMean: 15 } as const

/** Places of doubles in a record. */
export const Double = {
  /** End of the last packet. */
  last: 4,
  lastReceived: 5,
  /** Octets of direction 0, then of 1. */
  octets: 8,
} as const

/** Words of a direction's last record, and their order. */
export const RECORD_WORDS = 6
export const Last = { row: 0, packets: 1, octets: 2, start: 3, end: 4, received: 5 } as const

/** Facts about a conversation, as bits. */
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
  /** There were records of the direction from the lower end, from the higher. */
  hasLow: 8192,
  hasHigh: 16_384,
} as const
/** Bits of the flags, from this one on: the tests of the profile that it has met. */
export const FIRST_HIT = 16
/** Bits of the flags, from this one on: one plus the list of endings that it is on; 0 for none. */
export const FIRST_DUE = 20

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
