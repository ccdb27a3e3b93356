/**
 * The latest generic interface counters of an agent (struct if_counters, sFlow version 5; RFC 2863): what the interfaces
 * themselves count, beside what the samples of them say. Kept as the words that were sent, so that a counter sample
 * allocates nothing once its interface is known.
 */

/** Octets of struct if_counters. */
export const IF_COUNTERS_OCTETS = 88
const WORDS = IF_COUNTERS_OCTETS / 4

export type KnownInterface = { readonly words: Uint32Array; receivedMilliseconds: number }

/** ifIndex → what it counted last. */
export type KnownInterfaces = Map<number, KnownInterface>

/** Where each field lies, in words; counters of 64 bits take two. */
const at = {
  ifIndex: 0,
  ifType: 1,
  ifSpeed: 2,
  ifDirection: 4,
  ifStatus: 5,
  ifInOctets: 6,
  ifInUcastPkts: 8,
  ifInMulticastPkts: 9,
  ifInBroadcastPkts: 10,
  ifInDiscards: 11,
  ifInErrors: 12,
  ifInUnknownProtos: 13,
  ifOutOctets: 14,
  ifOutUcastPkts: 16,
  ifOutMulticastPkts: 17,
  ifOutBroadcastPkts: 18,
  ifOutDiscards: 19,
  ifOutErrors: 20,
  ifPromiscuousMode: 21,
} as const
const wide: ReadonlySet<string> = new Set(['ifSpeed', 'ifInOctets', 'ifOutOctets'])
/** What an agent sends for a counter that it does not have. */
const UNKNOWN_COUNTER = 0xffff_ffff
const counted: readonly (keyof typeof at)[] = (Object.keys(at) as (keyof typeof at)[]).slice(5, 18)
const directions = ['unknown', 'full-duplex', 'half-duplex', 'in', 'out'] as const

/** Takes a record of at least IF_COUNTERS_OCTETS; false when its interface is new and `mayAdd` forbids another. */
export function noteInterface(
  known: KnownInterfaces,
  view: DataView,
  offset: number,
  receivedMilliseconds: number,
  mayAdd: boolean,
): boolean {
  const ifIndex = view.getUint32(offset)
  let entry = known.get(ifIndex)
  if (entry === undefined) {
    if (!mayAdd) return false
    entry = { words: new Uint32Array(WORDS), receivedMilliseconds }
    known.set(ifIndex, entry)
  }
  for (let word = 0; word < WORDS; word++) entry.words[word] = view.getUint32(offset + 4 * word)
  entry.receivedMilliseconds = receivedMilliseconds
  return true
}

type Count = number | string

/** Counters by their names in the MIB; absent ones are not known to the agent. */
export type InterfaceReport = {
  ifIndex: number
  ifType: number
  /** Bits per second. */
  ifSpeed: Count
  ifDirection: (typeof directions)[number]
  isAdminUp: boolean
  isOperUp: boolean
  counters: Record<string, Count>
  receivedMilliseconds: number
}

/** As the API shows it. A counter above 2^53 − 1 is a decimal string. */
export function reportInterface({ words, receivedMilliseconds }: KnownInterface): InterfaceReport {
  const read = (name: keyof typeof at): Count => {
    const first = words[at[name]]!
    if (!wide.has(name)) return first
    const value = first * 0x1_0000_0000 + words[at[name] + 1]!
    return Number.isSafeInteger(value)
      ? value
      : ((BigInt(first) << 32n) | BigInt(words[at[name] + 1]!)).toString()
  }
  const counters: Record<string, Count> = {}
  for (const name of counted) {
    const first = words[at[name]]!
    const isUnknown =
      first === UNKNOWN_COUNTER && (!wide.has(name) || words[at[name] + 1] === UNKNOWN_COUNTER)
    if (!isUnknown) counters[name] = read(name)
  }
  const status = words[at.ifStatus]!
  return {
    ifIndex: words[at.ifIndex]!,
    ifType: words[at.ifType]!,
    ifSpeed: read('ifSpeed'),
    ifDirection: directions[words[at.ifDirection]!] ?? 'unknown',
    isAdminUp: (status & 1) !== 0,
    isOperUp: (status & 2) !== 0,
    counters,
    receivedMilliseconds,
  }
}
