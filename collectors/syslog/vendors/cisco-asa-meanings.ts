/** What a message of Cisco ASA means for its ends, and how a message is written down. */

/** How a message tells its ends apart, or what it means. */
export const Meaning = {
  /** Source and destination as written. */
  plain: 0,
  /** Built: with direction outbound the second end opened the connection. */
  built: 1,
  /** Teardown: the opener is known from the built line alone. */
  teardown: 2,
  /** The traffic was refused. */
  denied: 3,
  /** ICMP with foreign, global and local address. */
  icmpBuilt: 4,
  icmpTeardown: 5,
  /** Not traffic, or not a complete session: `other`. */
  other: 6,
  /** The traffic was let through. */
  permitted: 7,
  /** Torn down, with the opener first (`from … to …`). */
  teardownFromOpener: 8,
} as const

/** Numbers that share sentences, with blanks between; what they mean; their sentences, the most telling first. */
export type Row = readonly [ids: string, meaning: number, ...sentences: string[]]
