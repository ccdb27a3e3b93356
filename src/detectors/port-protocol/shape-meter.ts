/** Measures conversations against the profile of their port, without allocating. */
import { Single, WORDS } from './conversation-record.js'
import type { Conversations } from './conversations.js'
import { UDP } from './expected.js'
import type { Opened } from './opened.js'
import { profiles } from './profiles.js'
import type { Services } from './services.js'
import { MAX_TESTS, type ShapeTest } from './shape-test.js'
import {
  asksForCompanion,
  type Circumstances,
  headerOctets,
  leastOf,
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
  /**
   * The tests of a profile, by its place in the table, that the conversation meets, as bits; `server` is its lower (0) or
   * higher (1) end.
   */
  met(profile: number, of: Opened, server: number, isSampled: boolean, hasEnded: boolean): number
}

/** A test, and what a conversation has at the least that meets it: most have less, which is seen before they are measured. */
type Held = {
  readonly test: ShapeTest
  readonly seconds: number
  readonly upPackets: number
  readonly downPackets: number
}

export function createShapeMeter(
  conversations: Conversations,
  services: Services,
  durationSeconds: number,
): ShapeMeter {
  const { singles } = conversations
  const held: readonly (readonly Held[])[] = profiles.map(({ tests }) =>
    tests.map((test) => ({
      test,
      seconds: leastOf(test, 'seconds', durationSeconds),
      upPackets: leastOf(test, 'upPackets', durationSeconds),
      downPackets: leastOf(test, 'downPackets', durationSeconds),
    })),
  )
  const companions = Uint8Array.from(profiles, (profile) => (asksForCompanion(profile) ? 1 : 0))
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

  function fill(profile: number, of: Opened, server: number): void {
    const { slot, ends, family, lowPort, highPort, protocolIdentifier } = of
    sums.upOctets = conversations.octetsOf(slot, 1 - server)
    sums.downOctets = conversations.octetsOf(slot, server)
    sums.largestPacketMean = singles[slot * WORDS + Single.largestPacketMean]!
    sums.clientPort = server === 0 ? highPort : lowPort
    sums.udpCompanion =
      companions[profile] === 1 &&
      services.find((of.kind & 0x8000) | UDP, ends, 4 * server, server === 0 ? lowPort : highPort) >= 0
        ? 1
        : 0
    measure(values, sums, headerOctets(family, protocolIdentifier))
  }

  return {
    values,
    met(profile, of, server, isSampled, hasEnded) {
      const { slot } = of
      sums.upPackets = conversations.packetsOf(slot, 1 - server)
      sums.downPackets = conversations.packetsOf(slot, server)
      sums.seconds = conversations.secondsOf(slot)
      circumstances.isSampled = isSampled
      circumstances.hasEnded = hasEnded
      const tests = held[profile]!
      let isMeasured = false
      let met = 0
      for (let index = 0; index < tests.length; index++) {
        const { test, seconds, upPackets, downPackets } = tests[index]!
        if (sums.seconds < seconds || sums.upPackets < upPackets || sums.downPackets < downPackets) continue
        if (!isMeasured) fill(profile, of, server)
        isMeasured = true
        if (meets(test, values, circumstances)) met |= 1 << index
      }
      return met
    },
  }
}
