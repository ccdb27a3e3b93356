/** Measures conversations against the profile of their port, without allocating. */
import { Single, WORDS } from './conversation-record.js'
import type { Conversations } from './conversations.js'
import { UDP } from './expected.js'
import type { Opened } from './opened.js'
import type { Services } from './services.js'
import { MAX_TESTS, type ShapeProfile } from './shape-test.js'
import {
  asksForCompanion,
  type Circumstances,
  headerOctets,
  measure,
  meets,
  newMeasures,
  type Sums,
} from './shapes.js'

/** Bits of the tests of one profile. */
export const HITS = 2 ** MAX_TESTS - 1

export type ShapeMeter = {
  /** What was measured last. */
  readonly values: Float64Array
  /** The tests of a profile that the conversation meets, as bits; `server` is its lower (0) or higher (1) end. */
  met(profile: ShapeProfile, of: Opened, server: number, isSampled: boolean, hasEnded: boolean): number
}

export function createShapeMeter(
  conversations: Conversations,
  services: Services,
  durationSeconds: number,
): ShapeMeter {
  const { singles } = conversations
  const values = newMeasures()
  const sums: Sums = {
    upPackets: 0,
    upOctets: 0,
    downPackets: 0,
    downOctets: 0,
    seconds: 0,
    largestPacketMean: 0,
    clientPort: 0,
    udpCompanion: 0,
  }
  const circumstances: { -readonly [Key in keyof Circumstances]: Circumstances[Key] } = {
    isSampled: false,
    hasEnded: false,
    durationSeconds,
  }
  return {
    values,
    met(profile, of, server, isSampled, hasEnded) {
      const { slot, ends, family, lowPort, highPort, protocolIdentifier } = of
      sums.upPackets = conversations.packetsOf(slot, 1 - server)
      sums.upOctets = conversations.octetsOf(slot, 1 - server)
      sums.downPackets = conversations.packetsOf(slot, server)
      sums.downOctets = conversations.octetsOf(slot, server)
      sums.seconds = conversations.secondsOf(slot)
      sums.largestPacketMean = singles[slot * WORDS + Single.largestPacketMean]!
      sums.clientPort = server === 0 ? highPort : lowPort
      sums.udpCompanion =
        asksForCompanion(profile) &&
        services.find((of.kind & 0x8000) | UDP, ends, 4 * server, server === 0 ? lowPort : highPort) >= 0
          ? 1
          : 0
      measure(values, sums, headerOctets(family, protocolIdentifier))
      circumstances.isSampled = isSampled
      circumstances.hasEnded = hasEnded
      const { tests } = profile
      let met = 0
      for (let index = 0; index < tests.length; index++)
        if (meets(tests[index]!, values, circumstances)) met |= 1 << index
      return met
    },
  }
}
