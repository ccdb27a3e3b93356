/** Devices that were turned away: what an operator needs to let the right ones in. Bounded, since anybody may knock. */
import type { RefusedPeer } from './listener.js'

/** A device that was turned away, with how often and when. */
export type RefusedPeerStatus = RefusedPeer & {
  readonly listenerPort: number
  count: number
  lastSeenMilliseconds: number
}

export type RefusedPeers = {
  /** True when a word in the log is due: the first time, and then once an hour for each. */
  note(listenerPort: number, peer: RefusedPeer): boolean
  /** Those that came last, the newest first. */
  list(): readonly RefusedPeerStatus[]
}

/** The one that was away longest is forgotten first. */
const MAX_PEERS = 32
const TELL_AGAIN_MILLISECONDS = 3_600_000
/** Words in the log in one hour, whoever knocks. */
const MAX_TOLD = 100

export function createRefusedPeers(now: () => number): RefusedPeers {
  const peers = new Map<string, RefusedPeerStatus>()
  const told = new Set<string>()
  let hourMilliseconds = now()
  return {
    note(listenerPort, peer) {
      const nowMilliseconds = now()
      const key = [listenerPort, peer.address, peer.reason, peer.description].join(' ')
      const known = peers.get(key)
      // Taken out and put back: the order of the map is the order of arrival.
      peers.delete(key)
      const [oldest] = peers.keys()
      if (peers.size >= MAX_PEERS && oldest !== undefined) peers.delete(oldest)
      peers.set(key, {
        ...peer,
        listenerPort,
        count: (known?.count ?? 0) + 1,
        lastSeenMilliseconds: nowMilliseconds,
      })
      if (nowMilliseconds - hourMilliseconds >= TELL_AGAIN_MILLISECONDS) {
        told.clear()
        hourMilliseconds = nowMilliseconds
      }
      if (told.has(key) || told.size >= MAX_TOLD) return false
      told.add(key)
      return true
    },
    list: () => [...peers.values()].reverse(),
  }
}
