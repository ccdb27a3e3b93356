/** IP fragments put together (RFC 791 §3.2, RFC 8200 §4.5), bounded in number and in the capture's time. */

/** Fragments that come later belong to another packet: identifications are used again. RFC 8200 §4.5 has 60 s. */
const REASSEMBLY_MILLISECONDS = 60_000
/** Fragments of one packet: 64 KiB over links of 576 octets are some 120. */
const MAX_FRAGMENTS = 128
/** Packets whose fragments are awaited at one time. */
const MAX_PARTIAL_PACKETS = 256

export type Fragment = {
  readonly timeMilliseconds: number
  /** The same for all fragments of a packet. */
  readonly key: string
  /** Octets from the start of the packet's payload. */
  readonly offset: number
  readonly isLast: boolean
  readonly octets: Uint8Array
}

type Partial = { sinceMilliseconds: number; pieces: { offset: number; octets: Uint8Array }[]; total: number }

/** Gives back a function that takes a fragment and answers with the payload when it is whole. */
export function createReassembly(): (fragment: Fragment) => Uint8Array | undefined {
  const partials = new Map<string, Partial>()
  return ({ timeMilliseconds, key, offset, isLast, octets }) => {
    const found = partials.get(key)
    const isTimely =
      found !== undefined && Math.abs(timeMilliseconds - found.sinceMilliseconds) <= REASSEMBLY_MILLISECONDS
    const partial = isTimely ? found : { sinceMilliseconds: timeMilliseconds, pieces: [], total: -1 }
    if (!isTimely) {
      partials.delete(key)
      if (partials.size >= MAX_PARTIAL_PACKETS) partials.delete(partials.keys().next().value!)
      partials.set(key, partial)
    }
    partial.pieces.push({ offset, octets: octets.slice() })
    if (isLast) partial.total = offset + octets.length
    if (partial.pieces.length > MAX_FRAGMENTS) partials.delete(key)
    if (partial.total < 0 || partial.pieces.length > MAX_FRAGMENTS) return undefined
    partial.pieces.sort((a, b) => a.offset - b.offset)
    const whole = new Uint8Array(partial.total)
    let covered = 0
    for (const piece of partial.pieces) {
      if (piece.offset > covered || piece.offset + piece.octets.length > partial.total) return undefined
      whole.set(piece.octets, piece.offset)
      covered = Math.max(covered, piece.offset + piece.octets.length)
    }
    if (covered < partial.total) return undefined
    partials.delete(key)
    return whole
  }
}
