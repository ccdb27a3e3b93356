/** What a sender sends: datagrams that lie ready in one piece of memory and are only touched up before each sending. */

/** What has been handed out to be sent. */
export type LoadCounts = {
  datagrams: number
  octets: number
  /** Flow records, or log lines. */
  records: number
  /** Datagrams that hold templates alone. */
  templateDatagrams: number
  icmpRecords: number
  /** Sums of octetDeltaCount and packetDeltaCount over all records. */
  octetDelta: number
  packetDelta: number
}

export const emptyLoadCounts = (): LoadCounts => ({
  datagrams: 0,
  octets: 0,
  records: 0,
  templateDatagrams: 0,
  icmpRecords: 0,
  octetDelta: 0,
  packetDelta: 0,
})

/** An endless row of datagrams. A caller must not hold more of them at a time than `MAX_HELD`. */
export interface Load {
  /** All datagrams. */
  readonly arena: Uint8Array
  /** Addresses that they come from; see `sourceAddress`. */
  readonly sources: number
  readonly counts: LoadCounts
  /** Makes the next one ready for this time and puts its place into `offset`, `length` and `source`. */
  advance(epochMilliseconds: number): void
  /** Begins anew: sequences at 0, templates first. */
  restart(): void
  readonly offset: number
  readonly length: number
  readonly source: number
}

/** Datagrams of a batch: a datagram that is touched up again must have left before. */
export const MAX_HELD = 64

/** Address of a source, as a 32-bit number: 127.0.1.1 and those that follow. */
export function sourceAddress(source: number): number {
  return ((127 << 24) | ((1 + Math.floor(source / 254)) << 8) | (1 + (source % 254))) >>> 0
}

/** The same as text. */
export function sourceAddressText(source: number): string {
  const address = sourceAddress(source)
  return [24, 16, 8, 0].map((bits) => (address >>> bits) & 0xff).join('.')
}

/** Sources that `sourceAddress` can name within 127.0.0.0/16. */
export const MAX_SOURCES = 254 * 254
