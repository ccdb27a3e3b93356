/** Tests that several profiles share, and the words in which the table of profiles is written. */
import { type Bound, DURATION_SETTING, type Measure, type ShapeTest } from './shape-test.js'

type Options = Partial<Pick<ShapeTest, 'repeats' | 'whenEnded' | 'isAboutDuration'>>

/** A row of the table of tests. */
export function test(
  code: string,
  strength: ShapeTest['strength'],
  all: readonly Bound[],
  because: string,
  { repeats = 1, whenEnded = false, isAboutDuration = false }: Options = {},
): ShapeTest {
  return { code, strength, all, because, repeats, whenEnded, isAboutDuration }
}

/** A lower bound. */
export const atLeast = (measure: Measure, value: number): Bound => ({ measure, atLeast: value })
/** An upper bound. */
export const atMost = (measure: Measure, value: number): Bound => ({ measure, atMost: value })

/** Packets each way below which a mean says little. Zeek's connection analysers wait for data of both sides as well. */
const ENOUGH_PACKETS = 10
/** Enough packets each way for a mean. */
export const enough = [atLeast('upPackets', ENOUGH_PACKETS), atLeast('downPackets', ENOUGH_PACKETS)]

/** For services that answer a datagram with one. */
export const oneAnswerPerRequest = (service: string, document: string) =>
  test(
    'more-answers-than-requests',
    'strong',
    [...enough, atLeast('downPackets', 50), atLeast('downPerUpPackets', 1.25)],
    `${service} answers a request with one datagram (${document}); lost answers and repeats only add requests. A quarter more than one for one, over 50 answers, leaves room for duplicates by the network.`,
  )

/**
 * Small packets both ways for minutes, at the pace of a person or a prompt: an interactive shell. 150 octets a packet
 * holds one screen line with headers (40 to 60) and encryption; a web page's answers fill packets (1,000 and more).
 * Slower than one packet in five seconds is a keep-alive, faster than 20 a second a stream.
 */
export const interactive = (because: string) =>
  test(
    'interactive-session',
    'strong',
    [
      atLeast('seconds', DURATION_SETTING),
      atLeast('upPackets', 100),
      atLeast('downPackets', 100),
      atMost('upPayloadMean', 110),
      atMost('downPayloadMean', 110),
      atLeast('packetsPerSecond', 0.2),
      atMost('packetsPerSecond', 20),
      atMost('largestPacketMean', 600),
    ],
    because,
    { isAboutDuration: true },
  )

/**
 * A shell whose far end types: the opener sends output, the responder a few octets at a time. A receiver sends at most
 * one bare acknowledgement per segment (RFC 5681 §4.2), so a responder with more packets than the opener sent data of
 * its own, and 20 octets a packet are less than the smallest TLS record (5 + 1 + 16, RFC 8446 §5.2).
 */
export const reverseShell = test(
  'opener-answers-responder',
  'weak',
  [
    atLeast('seconds', DURATION_SETTING),
    atLeast('upPackets', 20),
    atLeast('downPackets', 30),
    atMost('downPayloadMean', 20),
    atLeast('upPayloadMean', 200),
    atLeast('downPerUpPackets', 1.1),
    atMost('packetsPerSecond', 20),
  ],
  'TCP acknowledges a segment at most once (RFC 5681 §4.2), so the responder sent data of its own, in pieces smaller than a TLS record (RFC 8446 §5.2) or a web answer; options in TCP headers blur this by up to 12 octets a packet, hence weak',
  { isAboutDuration: true },
)
