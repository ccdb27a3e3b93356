/**
 * Guard 2: whether a point sees both directions of the traffic to and from a network, learned from its other pairs. Where
 * it does not, what seems unasked or unanswered says nothing.
 */
import { parseAddress } from '../../records/address.js'
import type { Point } from './points.js'

/** Pairs seen in both directions, from which a point is believed for hosts of one kind. */
const ENOUGH_PAIRS = 2

export type TwoSidedness = {
  /** Enough pairs with responders on this side (inside or outside) are seen in both directions, and few in one. */
  of(responder: string): boolean
  /** Another pair with a responder in the same /24 or /64 is. */
  ofNetwork(responder: string): boolean
}

export function twoSidednessOf(
  point: Point,
  isInside: (address: NonNullable<ReturnType<typeof parseAddress>>) => boolean,
): TwoSidedness {
  const counts = { inside: { both: 0, one: 0 }, outside: { both: 0, one: 0 } }
  const networks = new Map<string, Set<string>>()
  const sideOf = (responder: string) => {
    const address = parseAddress(responder)
    return address !== undefined && isInside(address) ? 'inside' : 'outside'
  }
  for (const { responder, session } of point.pairs.values()) {
    const isBoth = session.requests.records > 0 && session.replies.records > 0
    counts[sideOf(responder)][isBoth ? 'both' : 'one']++
    if (!isBoth) continue
    const network = networkOf(responder)
    const known = networks.get(network) ?? new Set()
    known.add(responder)
    networks.set(network, known)
  }
  return {
    of(responder) {
      const { both, one } = counts[sideOf(responder)]
      return both >= ENOUGH_PAIRS && both > one
    },
    ofNetwork(responder) {
      const known = networks.get(networkOf(responder))
      return known !== undefined && (known.size > 1 || !known.has(responder))
    },
  }
}

function networkOf(address: string): string {
  const parsed = parseAddress(address)
  if (parsed === undefined) return address
  const [word0, word1, , word3] = parsed.words
  return parsed.family === 4 ? `4/${word3 >>> 8}` : `6/${word0}/${word1}`
}
