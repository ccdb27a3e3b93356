/** Decides who is the server of a conversation, once, from all that is known of its ends (server.ts has the rules). */
import { Flag } from './conversation-record.js'
import type { Opened } from './opened.js'
import type { Places } from './places.js'
import { clearServer, type Ends, serverOf } from './server.js'
import type { Services } from './services.js'

/** Returns the flags that say it; where it cannot be told, both ends are remembered: the next conversation tells. */
export function createServerChoice(places: Places, services: Services): (of: Opened) => number {
  /** Filled anew for each conversation. */
  const asked: { -readonly [Key in keyof Ends]: Ends[Key] } = {
    protocolIdentifier: 0,
    lowPort: 0,
    highPort: 0,
    lowIsInside: false,
    highIsInside: false,
    opener: 0,
    firstSpeaker: 0,
    lowPeers: 0,
    highPeers: 0,
  }
  return ({ flags, protocolIdentifier, lowPort, highPort, ends, family, kind }) => {
    if ((flags & Flag.openedByLow) !== 0) return flagsFor(1, true)
    if ((flags & Flag.openedByHigh) !== 0) return flagsFor(0, true)
    if (lowPort !== highPort) {
      const clear = clearServer(protocolIdentifier, lowPort, highPort)
      if (clear >= 0) return flagsFor(clear, true)
    }
    asked.protocolIdentifier = protocolIdentifier
    asked.lowPort = lowPort
    asked.highPort = highPort
    asked.lowIsInside = places.byNumber(places.of(ends, 0, family)).isInside
    asked.highIsInside = places.byNumber(places.of(ends, 4, family)).isInside
    asked.firstSpeaker = (flags & Flag.startedByLow) !== 0 ? 1 : (flags & Flag.startedByHigh) !== 0 ? 2 : 0
    asked.lowPeers = services.peersOf(services.find(kind, ends, 0, lowPort))
    asked.highPeers = services.peersOf(services.find(kind, ends, 4, highPort))
    const verdict = serverOf(asked)
    if (verdict !== undefined) return flagsFor(verdict.server, verdict.confidence === 'certain')
    services.count(services.find(kind, ends, 0, lowPort), ends, 4, highPort)
    services.count(services.find(kind, ends, 4, highPort), ends, 0, lowPort)
    return 0
  }
}

function flagsFor(server: number, isCertain: boolean): number {
  return (server === 0 ? Flag.serverIsLow : Flag.serverIsHigh) | (isCertain ? Flag.isCertain : 0)
}
