/** Profiles of services of directories, telephones, mailboxes, plants and routers; see profiles.ts. */
import { atLeast, atMost, enough, oneAnswerPerRequest, reverseShell, test } from './common-tests.js'
import { TCP, UDP } from './expected.js'
import { DURATION_SETTING, type ShapeProfile } from './shape-test.js'

export const otherProfiles: readonly ShapeProfile[] = [
  {
    service: 'kerberos',
    protocolIdentifier: UDP,
    ports: [88],
    tests: [oneAnswerPerRequest('A key distribution centre', 'RFC 4120 §7.2.1')],
  },
  {
    service: 'cldap',
    protocolIdentifier: UDP,
    ports: [389],
    tests: [oneAnswerPerRequest('A domain controller', 'MS-ADTS §6.3.3')],
  },
  {
    service: 'sip',
    protocolIdentifier: UDP,
    ports: [5060],
    tests: [
      test(
        'smaller-than-sip',
        'weak',
        [
          ...enough,
          atLeast('seconds', DURATION_SETTING),
          atLeast('upPayloadMean', 33),
          atMost('largestPacketMean', 200),
        ],
        'a request has a request line and six header fields at least (RFC 3261 §8.1.1), and with addresses in them more than 172 octets; keep-alives are shorter than 33 (RFC 5626 §3.5.1, §4.4.1: CRLFs, a STUN binding), mixtures of both may look so, hence weak',
        { isAboutDuration: true },
      ),
    ],
  },
  {
    service: 'pop3',
    protocolIdentifier: TCP,
    ports: [110, 995],
    tests: [
      test(
        'client-sends-the-mail',
        'strong',
        [atLeast('upPayload', 65_536), atLeast('upOverDownMean', 260)],
        'mail goes from server to client: commands are lines of at most 255 octets (RFC 2449 §4) that are answered one by one, so the client does not send larger packets than it gets, by more than such a line',
      ),
      reverseShell,
    ],
  },
  {
    service: 'imap',
    protocolIdentifier: TCP,
    ports: [143, 993],
    tests: [reverseShell],
  },
  {
    service: 'modbus',
    protocolIdentifier: TCP,
    ports: [502],
    tests: [
      test(
        'larger-than-modbus',
        'strong',
        [...enough, atLeast('downPayloadMean', 520)],
        'a request or answer has 7 octets of header and at most 253 of data (MODBUS Application Protocol V1.1b3 §4.1), and answers to requests in flight rarely share a packet: a mean of two and more is no Modbus',
      ),
    ],
  },
  {
    service: 'bgp',
    protocolIdentifier: TCP,
    ports: [179],
    tests: [
      test(
        'sessions-of-seconds',
        'weak',
        [atLeast('upPayload', 2000), atLeast('downPayload', 2000), atMost('seconds', 30)],
        'two speakers keep one session up with keep-alives (RFC 4271 §4.4, §6.8) and wait before they connect again (§8.2.1.3): session after session of seconds, with kilobytes each way, is none, or one that flaps, hence weak',
        { repeats: 8, whenEnded: true },
      ),
    ],
  },
]
