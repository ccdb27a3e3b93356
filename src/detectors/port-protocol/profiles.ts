/**
 * What traffic to a well-known port cannot look like if it is the port's service. One row a test: when all its bounds
 * are met, the conversation is not that service, or hardly. Bounds come from the protocol's document, or from the
 * reasoning beside them, never from a single capture. Payload is what is left after the IP and UDP headers; for TCP it
 * is an upper bound (headers without options).
 */

import {
  atLeast,
  atMost,
  enough,
  interactive,
  oneAnswerPerRequest,
  reverseShell,
  test,
} from './common-tests.js'
import { TCP, UDP } from './expected.js'
import { otherProfiles } from './profiles-others.js'
import { DURATION_SETTING, type ShapeProfile } from './shape-test.js'

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
        'between-ntp-and-nts',
        'weak',
        [
          ...enough,
          atLeast('upPayloadMean', 120),
          atMost('upPayloadMean', 220),
          atLeast('downPayloadMean', 120),
          atMost('downPayloadMean', 220),
        ],
        'NTP has 48 octets, 116 with the longest authenticator (RFC 5905 §7.3); NTS 228 and more: identifier, cookie and authenticator (RFC 8915 §5.3 to 5.7)',
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
  ...otherProfiles,
]
