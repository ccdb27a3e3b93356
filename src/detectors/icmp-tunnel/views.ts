/**
 * Guard 2: whether a point sees both directions of the traffic to and from a network, learned from its other pairs. Where
 * it does not, what seems unasked or unanswered says nothing.
 */
import { parseAddress } from '../../records/address.js'
import type { Pair, Point } from './points.js'

/** Pairs seen in both directions, from which a point is believed for hosts of one kind. */
const ENOUGH_PAIRS = 2

/** Enough pairs with responders on the side of this one (inside or outside) are seen in both directions, and few in one. */
export function isSeenTwoSided({ tally }: Point, { isInside }: Pair): boolean {
  const { both, one } = isInside ? tally.inside : tally.outside
  return both >= ENOUGH_PAIRS && both > one
}

/** What only replies without requests are held against, gathered once when the first of them is asked about. */
export type Neighbours = {
  /** Another pair with a responder in the same /24 or /64 is seen in both directions. */
  isNetworkSeen(responder: string): boolean
  /** Pairs of a requester that nobody answers. */
  unanswered(requester: string): readonly Pair[]
}

export function createNeighbours(pairs: () => Iterable<Pair>): Neighbours {
  let known: { networks: Map<string, Set<string>>; unanswered: Map<string, Pair[]> } | undefined
  const gather = () => {
    if (known !== undefined) return known
    known = { networks: new Map(), unanswered: new Map() }
    for (const pair of pairs()) {
      const { requester, responder, session } = pair
      if (session.replies.records === 0) {
        const list = known.unanswered.get(requester)
        if (list === undefined) known.unanswered.set(requester, [pair])
        else list.push(pair)
      } else if (session.requests.records > 0) {
        const network = networkOf(responder)
        const responders = known.networks.get(network)
        if (responders === undefined) known.networks.set(network, new Set([responder]))
        else responders.add(responder)
      }
    }
    return known
  }
  return {
    isNetworkSeen(responder) {
      const responders = gather().networks.get(networkOf(responder))
      return responders !== undefined && (responders.size > 1 || !responders.has(responder))
    },
    unanswered: (requester) => gather().unanswered.get(requester) ?? [],
  }
}

function networkOf(address: string): string {
  const parsed = parseAddress(address)
  if (parsed === undefined) return address
  const [word0, word1, , word3] = parsed.words
  return parsed.family === 4 ? `4/${word3 >>> 8}` : `6/${word0}/${word1}`
}
