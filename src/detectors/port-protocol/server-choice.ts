/** Decides who is the server of a conversation, once, from all that is known of its ends (server.ts has the rules). */
import { Flag } from './conversation-record.js'
import type { Opened } from './opened.js'
import type { Places } from './places.js'
import { clearServer, serverOf } from './server.js'
import type { Services } from './services.js'

/** Returns the flags that say it; where it cannot be told, both ends are remembered: the next conversation tells. */
export function createServerChoice(places: Places, services: Services): (of: Opened) => number {
  return (of) => {
    const { flags, protocolIdentifier, lowPort, highPort, ends, family, kind } = of
    if ((flags & (Flag.openedByLow | Flag.openedByHigh)) === 0 && lowPort !== highPort) {
      const clear = clearServer(protocolIdentifier, lowPort, highPort)
      if (clear >= 0) return flagsFor(clear, true)
    }
    const either = (low: number, high: number) => ((flags & low) !== 0 ? 1 : (flags & high) !== 0 ? 2 : 0)
    const verdict = serverOf({
      protocolIdentifier,
      lowPort,
      highPort,
      lowIsInside: places.byNumber(places.of(ends, 0, family)).isInside,
      highIsInside: places.byNumber(places.of(ends, 4, family)).isInside,
      opener: either(Flag.openedByLow, Flag.openedByHigh),
      firstSpeaker: either(Flag.startedByLow, Flag.startedByHigh),
      lowPeers: services.peersOf(services.find(kind, ends, 0, lowPort)),
      highPeers: services.peersOf(services.find(kind, ends, 4, highPort)),
    })
    if (verdict !== undefined) return flagsFor(verdict.server, verdict.confidence === 'certain')
    services.count(services.find(kind, ends, 0, lowPort), ends, 4, highPort)
    services.count(services.find(kind, ends, 4, highPort), ends, 0, lowPort)
    return 0
  }
}

function flagsFor(server: number, isCertain: boolean): number {
  return (server === 0 ? Flag.serverIsLow : Flag.serverIsHigh) | (isCertain ? Flag.isCertain : 0)
}
