/** The detector's settings: ATT&CK's own names where an analytic has a mutable element, plain names otherwise. */
import { type Static, Type } from 'typebox'

export const Settings = Type.Object(
  {
    sampledReplyExcessZ: Type.Number({
      default: 4,
      minimum: 3,
      description: 'standard deviations by which sampled replies must exceed sampled requests',
    }),
    maximumEchoOctets: Type.Integer({
      default: 1500,
      minimum: 576,
      maximum: 65535,
      description: 'largest IP packet on the paths that are watched (jumbo frames: 9000)',
    }),
    SessionDurationThreshold: Type.Number({
      default: 300,
      minimum: 10,
      description: 'seconds from which echo traffic counts as long (AN1258)',
    }),
    persistenceMinutes: Type.Number({
      default: 60,
      minimum: 5,
      maximum: 1440,
      description: 'echo traffic that mirrors is looked at when it has gone on, or come back, for so long',
    }),
    ProtocolEntropyThreshold: Type.Number({
      default: 0.6,
      minimum: 0.1,
      maximum: 1,
      description:
        'share of the entropy that so many octets can have, from which a payload is no ping (AN1258)',
    }),
    SizeSet: Type.Array(Type.Integer({ minimum: 28, maximum: 65535 }), {
      default: [],
      description: 'IP lengths of pings that are usual here, beside those that are learned',
    }),
    ExcessBytesPerDay: Type.Number({
      default: 20_000,
      minimum: 0,
      description: 'octets beyond those of as many default pings that one pair may send in a day',
    }),
    SliceRateCV: Type.Number({
      default: 0.15,
      minimum: 0.01,
      description: 'spread of the rates of records (standard deviation over mean) from which they vary',
    }),
    BeaconMad: Type.Number({
      default: 0.05,
      minimum: 0.001,
      maximum: 1,
      description: 'median deviation of intervals over their median, below which they are equal',
    }),
    NewPairDays: Type.Number({ default: 7, minimum: 0, description: 'how long a pair counts as new' }),
    PeerPrevalence: Type.Number({
      default: 2,
      minimum: 0,
      description: 'other hosts that ping a target, below which few do',
    }),
  },
  { additionalProperties: false },
)
export type Settings = Static<typeof Settings>
