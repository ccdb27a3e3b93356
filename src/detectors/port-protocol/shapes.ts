/** Judges a conversation's measures against the profiles of its port. Pure; no allocation per conversation. */
import { TCP, UDP } from './expected.js'
import { profiles } from './profiles.js'
import {
  type Bound,
  DURATION_SETTING,
  type Measure,
  measureNames,
  measures,
  type ShapeProfile,
  type ShapeTest,
} from './shape-test.js'

/** The place of each measure in an array of measures. */
export const at = Object.fromEntries(measureNames.map((name, index) => [name, index])) as Record<
  Measure,
  number
>

export function newMeasures(): Float64Array {
  return new Float64Array(measureNames.length)
}

/** Places of profiles plus one, of TCP's ports and of UDP's: asked for with every conversation. */
const placesByPort: readonly [Uint8Array, Uint8Array] = [new Uint8Array(65_536), new Uint8Array(65_536)]
profiles.forEach(({ protocolIdentifier, ports }, index) => {
  for (const port of ports) placesByPort[protocolIdentifier === UDP ? 1 : 0][port] = index + 1
})

/** The place of a port's profile in the table, or -1. */
export function profilePlace(protocolIdentifier: number, port: number): number {
  if (protocolIdentifier !== TCP && protocolIdentifier !== UDP) return -1
  return placesByPort[protocolIdentifier === UDP ? 1 : 0][port]! - 1
}

/** The profile of a port, when there is one. */
export function profileOf(protocolIdentifier: number, port: number): ShapeProfile | undefined {
  return profiles[profilePlace(protocolIdentifier, port)]
}

/** Octets of IP and transport headers of a packet, without options. */
export function headerOctets(family: 4 | 6, protocolIdentifier: number): number {
  return (family === 6 ? 40 : 20) + (protocolIdentifier === TCP ? 20 : 8)
}

/** What a conversation consists of, up being from client to server. */
export type Sums = {
  upPackets: number
  upOctets: number
  downPackets: number
  downOctets: number
  seconds: number
  largestPacketMean: number
  clientPort: number
  udpCompanion: number
}

/** Fills `into` with the measures of a conversation. */
export function measure(into: Float64Array, sums: Sums, header: number): void {
  const { upPackets, downPackets, seconds } = sums
  const upPayload = Math.max(0, sums.upOctets - header * upPackets)
  const downPayload = Math.max(0, sums.downOctets - header * downPackets)
  const upMean = upPackets > 0 ? upPayload / upPackets : 0
  const downMean = downPackets > 0 ? downPayload / downPackets : 0
  into[at.seconds] = seconds
  into[at.upPackets] = upPackets
  into[at.downPackets] = downPackets
  into[at.upPayload] = upPayload
  into[at.downPayload] = downPayload
  into[at.upPayloadMean] = upMean
  into[at.downPayloadMean] = downMean
  into[at.upOverDownMean] = upMean - downMean
  into[at.upDownMeanRatio] = Math.max(upMean, downMean) / Math.max(1, Math.min(upMean, downMean))
  into[at.downPerUpPackets] = upPackets > 0 ? downPackets / upPackets : 0
  into[at.packetsPerSecond] = seconds > 0 ? (upPackets + downPackets) / seconds : 0
  into[at.upPacketsPerSecond] = seconds > 0 ? upPackets / seconds : 0
  into[at.largestPacketMean] = sums.largestPacketMean
  into[at.clientPort] = sums.clientPort
  into[at.udpCompanion] = sums.udpCompanion
}

export type Circumstances = {
  readonly isSampled: boolean
  readonly hasEnded: boolean
  /** The setting SessionDurationThreshold. */
  readonly durationSeconds: number
}

/** The bound with the setting put in. */
export function effectiveBound(bound: Bound, durationSeconds: number): Bound {
  return bound.atLeast === DURATION_SETTING ? { measure: bound.measure, atLeast: durationSeconds } : bound
}

/** A bound as numbers, so that asking looks nothing up by name. */
type CompiledBound = {
  readonly at: number
  readonly least: number
  readonly most: number
  /** Cannot be asked where packets were sampled: what is seen is at least there, how much is not there is unknown. */
  readonly isWholeOnly: boolean
}

const compiled = new Map<ShapeTest, readonly CompiledBound[]>()

function compiledOf(test: ShapeTest): readonly CompiledBound[] {
  let bounds = compiled.get(test)
  if (bounds === undefined) {
    bounds = test.all.map(({ measure, atLeast, atMost }) => {
      const { kind } = measures[measure]
      return {
        at: at[measure],
        least: atLeast ?? Number.NEGATIVE_INFINITY,
        most: atMost ?? Number.POSITIVE_INFINITY,
        isWholeOnly: kind === 'ratio' || (kind === 'total' && atMost !== undefined),
      }
    })
    compiled.set(test, bounds)
  }
  return bounds
}

/** The highest lower bound of a measure in a test, the setting put in; 0 where it has none. */
export function leastOf({ all }: ShapeTest, measure: Measure, durationSeconds: number): number {
  const bounds = all.filter((bound) => bound.measure === measure)
  return Math.max(0, ...bounds.map((bound) => effectiveBound(bound, durationSeconds).atLeast ?? 0))
}

/** Whether a conversation meets all bounds of a test. */
export function meets(
  test: ShapeTest,
  values: Float64Array,
  { isSampled, hasEnded, durationSeconds }: Circumstances,
): boolean {
  if (test.whenEnded && !hasEnded) return false
  for (const { at, least, most, isWholeOnly } of compiledOf(test)) {
    const value = values[at]!
    if (value > most || value < (least === DURATION_SETTING ? durationSeconds : least)) return false
    if (isSampled && isWholeOnly) return false
  }
  return true
}

/** Whether the profile asks if the server's port is used over UDP too. */
export function asksForCompanion({ tests }: ShapeProfile): boolean {
  return tests.some(({ all }) => all.some(({ measure }) => measure === 'udpCompanion'))
}
