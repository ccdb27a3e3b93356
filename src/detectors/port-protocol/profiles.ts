/**
 * What traffic to a well-known port cannot look like if it is the port's service. One row a test: when all its bounds
 * are met, the conversation is not that service, or hardly. Bounds come from the protocol's document, or from the
 * reasoning beside them, never from a single capture. Payload is what is left after the IP and UDP headers; for TCP it
 * is an upper bound (headers without options).
 */
import { TCP, UDP } from './expected.js'
import {
  type Bound,
  DURATION_SETTING,
  type Measure,
  type ShapeProfile,
  type ShapeTest,
} from './shape-test.js'

type Options = Partial<Pick<ShapeTest, 'repeats' | 'whenEnded' | 'isAboutDuration'>>

function test(
  code: string,
  strength: ShapeTest['strength'],
  all: readonly Bound[],
  because: string,
  { repeats = 1, whenEnded = false, isAboutDuration = false }: Options = {},
): ShapeTest {
  return { code, strength, all, because, repeats, whenEnded, isAboutDuration }
}

const atLeast = (measure: Measure, value: number): Bound => ({ measure, atLeast: value })
const atMost = (measure: Measure, value: number): Bound => ({ measure, atMost: value })

/** Packets each way below which a mean says little. Zeek's connection analysers wait for data of both sides as well. */
const ENOUGH_PACKETS = 10
const enough = [atLeast('upPackets', ENOUGH_PACKETS), atLeast('downPackets', ENOUGH_PACKETS)]

const oneAnswerPerRequest = (service: string, document: string) =>
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
const interactive = (because: string) =>
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
const reverseShell = test(
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

export const profiles: readonly ShapeProfile[] = [
  {
    service: 'dns',
    protocolIdentifier: UDP,
    ports: [53],
    tests: [
      test(
        'answers-smaller-than-questions',
        'strong',
        [atLeast('upPackets', 1), atLeast('downPackets', 1), atLeast('upOverDownMean', 40)],
        'an answer repeats the question (RFC 1035 §4.1), so it is not smaller, but for the OPT record (11 octets, RFC 6891 §6.1.2) and a cookie (up to 28 with its option header, RFC 7873 §4) that a server may leave out: 39',
        { repeats: 5 },
      ),
      oneAnswerPerRequest('DNS', 'RFC 1035 §4'),
      test(
        'one-port-with-large-questions',
        'strong',
        [
          ...enough,
          atLeast('seconds', DURATION_SETTING),
          atLeast('clientPort', 1024),
          atLeast('upPayloadMean', 80),
        ],
        'resolvers take a new port for a question (RFC 5452 §9.2), and a question is 12 octets of header, 5 of root name, type and class, and 11 to 23 of OPT: a mean of 80 leaves 40 or more for the name, on one port for minutes',
        { isAboutDuration: true },
      ),
      test(
        'one-port-for-minutes',
        'weak',
        [...enough, atLeast('seconds', DURATION_SETTING), atLeast('clientPort', 1024)],
        'resolvers take a new port for a question (RFC 5452 §9.2); a forwarder with a fixed port looks the same, hence weak',
        { isAboutDuration: true },
      ),
    ],
  },
  {
    service: 'dns',
    protocolIdentifier: TCP,
    ports: [53],
    tests: [
      test(
        'large-answer-to-small-request',
        'strong',
        [atLeast('downPayload', 8192), atMost('upPayload', 700), atLeast('upPayload', 1)],
        'one question of at most 12 + 255 + 4 octets with OPT (700 with room for TCP options) is answered with more than 8 KiB, twice the usual EDNS buffer, time and again: only zone transfers (RFC 5936) do that, between name servers',
        { repeats: 5, whenEnded: true },
      ),
      test(
        'tcp-without-udp',
        'weak',
        [atLeast('downPayload', 100), atLeast('upPayload', 100), atMost('udpCompanion', 0)],
        'a resolver asks over UDP first and over TCP when the answer was cut (RFC 7766 §5 lets it start with TCP, few do): a server that is only ever asked over TCP is odd',
        { repeats: 8, whenEnded: true },
      ),
      interactive(
        'a name server closes idle connections after seconds (RFC 7766 §6.2.3) and answers fill packets',
      ),
      reverseShell,
    ],
  },
  {
    service: 'ntp',
    protocolIdentifier: UDP,
    ports: [123],
    tests: [
      test(
        'not-the-size-of-ntp',
        'strong',
        [...enough, atLeast('upDownMeanRatio', 1.3)],
        'request and answer have the same form: 48 octets (RFC 5905 §7.3), with equal authenticators; NTS makes answers as long as requests (RFC 8915 §5.7)',
      ),
      test(
        'smaller-than-ntp',
        'weak',
        [...enough, atMost('upPayloadMean', 47)],
        'an NTP packet has 48 octets (RFC 5905 §7.3); control messages (mode 6, RFC 9327) are shorter, hence weak',
      ),
      test(
        'faster-than-ntp',
        'strong',
        [...enough, atLeast('seconds', DURATION_SETTING), atLeast('upPacketsPerSecond', 1)],
        'clients ask no more often than every 2 s even in a burst (RFC 5905 §13: MINPOLL 4, bursts spaced 2 s); behind address translation with one port per client this holds per conversation',
      ),
    ],
  },
  {
    service: 'tftp',
    protocolIdentifier: UDP,
    ports: [69],
    tests: [
      test(
        'server-answers-from-69',
        'strong',
        [...enough],
        'a TFTP server answers from a port of its own choice; port 69 only receives first requests (RFC 1350 §4)',
      ),
    ],
  },
  {
    service: 'snmp',
    protocolIdentifier: UDP,
    ports: [161],
    tests: [oneAnswerPerRequest('SNMP', 'RFC 3416 §4.2')],
  },
  {
    service: 'syslog',
    protocolIdentifier: UDP,
    ports: [514],
    tests: [
      test(
        'collector-answers',
        'strong',
        [...enough],
        'syslog over UDP has no answers or acknowledgements (RFC 5426 §1, §4.4)',
      ),
    ],
  },
  {
    service: 'dhcp',
    protocolIdentifier: UDP,
    ports: [67],
    tests: [
      test(
        'smaller-than-dhcp',
        'strong',
        [...enough, atMost('upPayloadMean', 239)],
        'a DHCP message has 236 octets before its options and 4 of cookie (RFC 2131 §2, §3)',
      ),
    ],
  },
  {
    service: 'http',
    protocolIdentifier: TCP,
    ports: [80, 8080],
    tests: [
      interactive(
        'requests and answers carry header fields of hundreds of octets; small packets both ways for minutes are a terminal, or a WebSocket with small messages',
      ),
      reverseShell,
    ],
  },
  {
    service: 'https',
    protocolIdentifier: TCP,
    ports: [443, 8443, 9443, 10443],
    tests: [
      interactive(
        'requests and answers carry header fields of hundreds of octets; small packets both ways for minutes are a terminal, or a WebSocket or MQTT with small messages',
      ),
      reverseShell,
    ],
  },
  {
    service: 'quic',
    protocolIdentifier: UDP,
    ports: [443],
    tests: [
      test(
        'no-quic-initial',
        'weak',
        [atLeast('upPackets', 3), atLeast('downPackets', 3), atMost('upPayload', 1199)],
        'a client begins with a datagram of at least 1,200 octets (RFC 9000 §14.1); VPNs, DTLS and STUN on UDP/443 do not, hence weak',
        { repeats: 5, whenEnded: true },
      ),
      test(
        'small-datagrams-for-minutes',
        'weak',
        [
          ...enough,
          atLeast('seconds', DURATION_SETTING),
          atMost('largestPacketMean', 200),
          atMost('packetsPerSecond', 20),
        ],
        'web answers fill datagrams; small ones alone for minutes are a keep-alive, a DTLS or VPN session, or a channel',
        { isAboutDuration: true },
      ),
    ],
  },
  {
    service: 'ssh',
    protocolIdentifier: TCP,
    ports: [22],
    tests: [
      test(
        'no-key-exchange',
        'strong',
        [atLeast('downPayload', 4096), atMost('upPayload', 450), atLeast('upPayload', 1)],
        'each side sends its version, KEXINIT (16 octets of cookie and ten lists of names, RFC 4253 §7.1), a key and NEWKEYS before anything else: 450 octets are less than the shortest of these, so a server that then sends 4 KiB is no SSH server',
        { repeats: 5, whenEnded: true },
      ),
      reverseShell,
    ],
  },
  {
    service: 'smtp',
    protocolIdentifier: TCP,
    ports: [25],
    tests: [
      test(
        'server-sends-the-mail',
        'strong',
        [atLeast('downPayload', 65_536), atLeast('downPerUpPackets', 1)],
        'mail goes from client to server; replies are lines of at most 512 octets (RFC 5321 §4.5.3.1.5), and a STARTTLS handshake is some kilobytes',
        { repeats: 3, whenEnded: true },
      ),
      interactive('mail is handed over in seconds; a person does not type it for minutes'),
      reverseShell,
    ],
  },
  {
    service: 'rdp',
    protocolIdentifier: TCP,
    ports: [3389],
    tests: [
      test(
        'no-screen-sent',
        'strong',
        [
          atLeast('seconds', DURATION_SETTING),
          atLeast('upPackets', 20),
          atLeast('downPackets', 20),
          atMost('downPayload', 8192),
        ],
        'the server sends a certificate, its capabilities and a first picture of the screen (MS-RDPBCGR §1.3.1): 8 KiB in minutes hold no picture',
        { isAboutDuration: true },
      ),
      reverseShell,
    ],
  },
]
