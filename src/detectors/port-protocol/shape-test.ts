/** What a shape test is: measures of a conversation and bounds on them (the tests themselves are in profiles.ts). */
/**
 * What a test may ask about a conversation, "up" being from client to server. `total` measures are sums over the
 * conversation, so a sampled exporter shows less: only their lower bounds may then be used. `mean` measures survive
 * sampling; `ratio` measures compare counts of both directions and do not.
 */
export const measures = {
  seconds: { kind: 'total', unit: 's', meaning: 'first to last packet' },
  upPackets: { kind: 'total', unit: 'packets', meaning: 'from the client' },
  downPackets: { kind: 'total', unit: 'packets', meaning: 'from the server' },
  upPayload: { kind: 'total', unit: 'octets', meaning: 'payload from the client' },
  downPayload: { kind: 'total', unit: 'octets', meaning: 'payload from the server' },
  upPayloadMean: { kind: 'mean', unit: 'octets', meaning: 'payload a packet from the client' },
  downPayloadMean: { kind: 'mean', unit: 'octets', meaning: 'payload a packet from the server' },
  upOverDownMean: { kind: 'mean', unit: 'octets', meaning: 'mean payload up minus mean payload down' },
  upDownMeanRatio: { kind: 'mean', unit: '', meaning: 'the larger mean payload over the smaller' },
  downPerUpPackets: {
    kind: 'ratio',
    unit: '',
    meaning: 'packets from the server per packet from the client',
  },
  packetsPerSecond: { kind: 'ratio', unit: 'packets/s', meaning: 'both directions over the duration' },
  upPacketsPerSecond: { kind: 'ratio', unit: 'packets/s', meaning: 'from the client over the duration' },
  largestPacketMean: {
    kind: 'mean',
    unit: 'octets',
    meaning: 'largest mean IP packet of a record, either way',
  },
  clientPort: { kind: 'mean', unit: '', meaning: 'source port of the client' },
  udpCompanion: { kind: 'mean', unit: '', meaning: '1 when the same server port is used over UDP too' },
} as const

export type Measure = keyof typeof measures
export const measureNames = Object.keys(measures) as Measure[]

export type Bound = { readonly measure: Measure; readonly atLeast?: number; readonly atMost?: number }

export type ShapeTest = {
  readonly code: string
  readonly all: readonly Bound[]
  /** Conversations of one client and server that must meet the bounds; they must be most of the pair's. */
  readonly repeats: number
  /** Only judged when the conversation has ended, since growing totals could still leave the bounds. */
  readonly whenEnded: boolean
  /** `strong`: the protocol's document rules it out. `weak`: ordinary traffic can look so, if rarely. */
  readonly strength: 'strong' | 'weak'
  /** The duration is what the test is about, so a long duration is no second fact. */
  readonly isAboutDuration: boolean
  readonly because: string
}

export type ShapeProfile = {
  readonly service: string
  readonly protocolIdentifier: number
  readonly ports: readonly number[]
  readonly tests: readonly ShapeTest[]
}

/** Tests of one profile at most: a pair counts hits by test. */
export const MAX_TESTS = 4

/** A lower bound that stands for the setting SessionDurationThreshold. */
export const DURATION_SETTING = -1
